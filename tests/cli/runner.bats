# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/run: what it says when there is nothing to do.

load helper

@test "a pattern that no suite's name matches is a failure, at once" {
	run -1 "$BATS_TEST_DIRNAME/../run" no-such-suite
	[ "$output" = "no suite's name matches 'no-such-suite'" ]
}
