# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# The command's own tests, the very files that run against the embedded device
# on the host: all of them with GUEST_FULL, those named in GUEST_BATS, else what
# stands here. Read by inside.sh.

export GEBPF_TARGET=kernel
filter=.
if [ -n "${GUEST_BATS:-}" ]; then
	files=$GUEST_BATS
elif [ -n "${GUEST_FULL:-}" ]; then
	files=$(cd tests/cli && echo *.bats)
else
	files=$(cd tests/cli && echo *.bats)
	# of each file what has most to do with the device
	filter='lookup, dump, getnext|per-CPU maps|prog arrays'
	filter+='|names taken|^run: value|dump jited'
	filter+='|ringbuf: a full|perf_event_array: bpftool|an interrupt ends'
	filter+='|feature probe|batch: quotes|a failed load|this machine, in'
	filter+='|exit codes|standard files|callbacks, global|spin locks'
fi
check "load for the command's tests" load interp=1
# Starting bats takes seconds here: one for all of them.
paths=()
for f in $files; do
	paths+=("tests/cli/${f%.bats}.bats")
done
suite "gebpf" bats -T --tap -f "$filter" "${paths[@]}"
check "unload after the command's tests" unload
check "nothing is left" is_gone
