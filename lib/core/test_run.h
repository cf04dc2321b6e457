/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Test runs: a program's kind decides how bytes and a user's context struct
 * become the arguments of a run, and back. Used by the device's PROG_RUN.
 */
#ifndef CORE_TEST_RUN_H
#define CORE_TEST_RUN_H

#include "core/helper.h"
#include "core/prog.h"

struct ebpf_test_run {
	uint8_t *data;	    /* in and out; room for headroom is added inside */
	uint32_t data_len;  /* in: given; out: as the program left it */
	uint32_t data_room; /* bytes at data */
	uint8_t *ctx;	    /* the kind's UAPI struct, in and out; may be NULL */
	uint32_t ctx_len;
	uint32_t repeat; /* at least 1 */
	uint32_t engine; /* enum ebpf_run_engine */
	uint64_t time_max_ns; /* stop between runs after that; 0: never */
	uint64_t retval;
	uint64_t duration_ns; /* mean of one run */
	uint64_t time_ns;     /* of all */
	/* what the last run decided, if its verdict says redirect */
	struct ebpf_redirect redirect;
};

/*
 * EINVAL: a context field that a user may not set is not zero, data too short
 * for the kind or too long; EJIT: engine JIT and no machine code; ECANCELED:
 * time_max_ns was over before all runs were done.
 */
int ebpf_test_run(struct ebpf_prog *prog, struct ebpf_test_run *run);

#endif
