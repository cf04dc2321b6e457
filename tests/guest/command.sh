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
	files=map filter='update, lookup|per-CPU|prog arrays'
fi
check "load for the command's tests" load interp=1
for f in $files; do
	suite "${f%.bats}.bats" bats -T --tap -f "$filter" "tests/cli/${f%.bats}.bats"
done
check "unload after the command's tests" unload
check "nothing is left" is_gone
