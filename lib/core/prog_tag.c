/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A program's tag as Linux computes it: over the instructions as they were
 * given, map references without their numbers. Made when somebody asks for it,
 * which most programs' loaders never do.
 */
#include "core/prog.h"
#include "core/sha1.h"

static bool
is_map_ref(const struct ebpf_insn *insn)
{
	uint8_t src = insn->regs >> 4;

	return insn->code == ebpf_op_info[EBPF_OP_LDDW_MAP].code &&
	       (src == ebpf_op_info[EBPF_OP_LDDW_MAP].value ||
		src == ebpf_op_info[EBPF_OP_LDDW_MAP_VALUE].value);
}

static uint64_t
make(const struct ebpf_prog *prog)
{
	struct ebpf_insn insn;
	struct ebpf_sha1 sha;
	uint8_t digest[20];
	uint64_t tag;
	uint32_t i;
	bool high = false;

	ebpf_sha1_init(&sha);
	for (i = 0; i < prog->op_count; i++) {
		insn = prog->raw[i];
		if (high || is_map_ref(&insn)) {
			high = !high;
			insn.imm = 0;
		}
		ebpf_sha1_add(&sha, &insn, sizeof(insn));
	}
	ebpf_sha1_end(&sha, digest);
	memcpy(&tag, digest, sizeof(tag));
	return tag;
}

/* Whoever makes it at the same time makes the same. */
void
ebpf_prog_tag(struct ebpf_prog *prog, uint8_t tag[EBPF_TAG_SIZE])
{
	uint64_t word = os_load(&prog->tag);

	if (word == 0) {
		word = make(prog);
		os_store(&prog->tag, word);
	}
	memcpy(tag, &word, EBPF_TAG_SIZE);
}
