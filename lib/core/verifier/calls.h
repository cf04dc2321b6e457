/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A call of a helper while it is checked: shared by calls.c, which finds the
 * helper and gives its result, and args.c, which checks its arguments.
 */
#ifndef CORE_VERIFIER_CALLS_H
#define CORE_VERIFIER_CALLS_H

#include "core/verifier/verify.h"

enum {
	EBPF_VCALL_NO_MAP = UINT32_MAX,
};

struct ebpf_vcall {
	const struct ebpf_helper *helper;
	uint32_t map;  /* index, EBPF_VCALL_NO_MAP before a MAP argument */
	bool inner;    /* one of its inner maps */
	uint32_t size; /* of what it allocates */
	uint32_t ref;  /* id of what it releases; of its socket's reference */
};

/* The map that the call's MAP argument named; there is one. */
const struct ebpf_map *ebpf_verify_call_map(const struct ebpf_venv *env,
					    const struct ebpf_vcall *call);

/* Argument r`number`, 1..5, against the prototype; notes what it says. */
int ebpf_verify_arg(struct ebpf_venv *env, struct ebpf_vcall *call,
		    uint32_t number);

#endif
