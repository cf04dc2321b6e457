/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verifier's cases, one program a .txt file in tests/verify/cases:
 *
 *	# what it shows
 *	kind xdp			(or vale, vale_buf, raw, tc, ...)
 *	map NAME KIND KEY VALUE ENTRIES [rdonly] [wronly] [frozen] [lock=OFFSET]
 *					[any_length: may differ as inner maps]
 *					[inner=NAME, last: maps of such maps]
 *	linux				(verified for Linux, not for here)
 *	mem SIZE			(raw: a fixed size of memory)
 *	func SLOT global|static TYPE ARG...	(a function, as BTF tells of it;
 *					types: num, ctx, mem SIZE, other, void)
 *	budget N			(instructions that may be looked at)
 *	accept [at most N]		(N instructions looked at)
 *	fences N			(accepted and hardened, it has so many)
 *	reject RULE words that the message must contain
 *	--
 *	assembler text; map[NAME] is the map's reference
 */
#ifndef TESTS_VERIFY_CASE_H
#define TESTS_VERIFY_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/wire.h"
#include "core/ebpf.h"

enum {
	VERIFY_MAPS = 8,
	VERIFY_TEXT = 1 << 18,
};

/* BTF of functions: five words each at most, and the types of arguments. */
struct verify_types {
	uint32_t words[1024], count, last; /* id */
	struct ebpf_func_info funcs[16];
	uint32_t func_count;
};

struct verify_case {
	struct verify_types types;
	struct ebpf_btf *btf;
	char text[VERIFY_TEXT];
	uint32_t kind, mem, budget;
	int fences; /* -1: any number */
	bool for_linux;
	int inner[VERIFY_MAPS]; /* index of the map's template; -1: none */
	bool hardened;
	struct ebpf_map *maps[VERIFY_MAPS];
	char names[VERIFY_MAPS][32];
	uint32_t map_count;
	bool accept;
	unsigned long long at_most;
	char rule[32], words[128];
	char code[VERIFY_TEXT];
};

/*
 * Read what stands in text, with `hardened` set or not, and make a runtime with
 * what the case needs in it: its maps and types. False when it is no case; what
 * was made is there to be freed.
 */
bool verify_case_parse(struct ebpf_runtime **rt, struct verify_case *t);
/* Its maps and types, not t itself. */
void verify_case_clear(struct verify_case *t);

#endif
