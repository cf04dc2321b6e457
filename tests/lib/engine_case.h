/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A case of tests/engine as text (its README.md), read and assembled. */
#ifndef TESTS_ENGINE_CASE_H
#define TESTS_ENGINE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/insn.h"

struct engine_text {
	char *data;
	size_t len;
};

struct engine_bytes {
	uint8_t *data;
	size_t len;
	bool given;
};

struct engine_case {
	struct engine_text asm_text, raw, mem_text, after_text;
	char result[256], error[256];
	bool has_asm, has_raw, has_error, has_result, no_jit;
	struct engine_bytes mem, after;
	struct ebpf_insn *insns;
	uint32_t count;
};

/* False when there is no such file; what is in it may still be no case. */
bool engine_case_read(struct engine_case *c, const char *path);
void engine_case_clear(struct engine_case *c);
/* Text or words to instructions; why says what is wrong with them. */
bool engine_case_insns(struct engine_case *c, char *why, size_t size);
/* What r0 must be. */
uint64_t engine_case_result(const struct engine_case *c);

/* A line more of text. */
void engine_text_add(struct engine_text *text, const char *line, size_t len);

#endif
