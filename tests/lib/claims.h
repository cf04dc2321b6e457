/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the verifier claims: every state that it looks at, by instruction. At
 * each instruction of a run there must be one that has every register whose
 * number matters, every stack slot that the run will read again, the tied
 * length, and equal numbers where it says that two places hold the same one.
 */
#ifndef TESTS_CLAIMS_H
#define TESTS_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

struct checked;
struct checked_need;
struct claims;
struct ebpf_venv;

struct claims *claims_create(void);
void claims_free(struct claims *claims);

/* The verifier looks at a state; of type ebpf_verify_watch, arg the claims. */
void claims_watch(void *arg, const struct ebpf_venv *env);

/* There were too many: they are not complete. */
bool claims_are_cut(const struct claims *claims);

/* Registers whose numbers matter to what comes from that instruction on. */
uint32_t claims_matter(const struct claims *claims, uint32_t insn);

/* One of the states at that instruction is what the machine is in. */
bool claims_have(const struct claims *claims, const struct checked *run,
		 uint32_t insn, const struct checked_need *need);

#endif
