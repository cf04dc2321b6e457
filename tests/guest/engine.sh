# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# The cases that run in a process, in the kernel: engine, verifier, programs
# against the interpreter, maps against Linux's recorded answers; then the
# command's own tests. Read by inside.sh. Engine cases with the interpreter
# only with GUEST_FULL.

# Emulated, on a busy machine: verification is given more time than it has.
check "load" load verify_time=60000
suite "engine cases, jit" build/tests/engine_test --device kernel
suite "verifier's cases" build/tests/verify_test --device kernel
suite "against the interpreter" build/tests/device_diff_test --device kernel \
	--programs 200
suite "maps, as Linux answers" build/tests/map_linux_test --device kernel
check "unload" unload
if [ -n "${GUEST_FULL:-}" ]; then
	check "load, interpreter only" load no_jit=1
	suite "engine cases, interpreter" build/tests/engine_test --device kernel
	check "unload" unload
fi

# ---- how Linux's verifier judges our cases -----------------------------------

# All of them take a minute in emulation; else every eighth.
if [ -n "${GUEST_FULL:-}" ]; then
	suite "Linux's verifier" tests/verify/compare
else
	# shellcheck disable=SC2046
	suite "Linux's verifier" tests/verify/compare --this-kernel-may-die \
		$(ls tests/verify/cases/*.txt | awk 'NR % 8 == 0')
fi

. tests/guest/command.sh
