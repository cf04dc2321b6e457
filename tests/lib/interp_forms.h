/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The interpreter in the forms that the compiler did not choose for the
 * library (interp.c), so that one test program has all of them.
 */
#ifndef TESTS_INTERP_FORMS_H
#define TESTS_INTERP_FORMS_H

#include <stdint.h>

struct ebpf_prog;

/* As ebpf_interp_run(): by switch, and by what clang chooses. */
uint64_t interp_run_switch(uint64_t r1, uint64_t r2, uint64_t r3,
			   const struct ebpf_prog *prog);
uint64_t interp_run_clang(uint64_t r1, uint64_t r2, uint64_t r3,
			  const struct ebpf_prog *prog);

#endif
