/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of gebpf prog share: a loaded program's code with its debug
 * information, and the ids of its maps.
 */
#ifndef CMD_PROG_H
#define CMD_PROG_H

#include "cmd/cmd.h"

struct prog_code {
	struct ebpf_insn *insns;
	uint32_t insn_count;
	struct ebpf_func_info *funcs;
	uint32_t func_count;
	struct ebpf_line_info *lines;
	uint32_t line_count;
	struct gebpf_btf *btf; /* NULL: none */
};

/* what: EBPF_DUMP_RAW or _XLATED. */
int prog_code_fetch(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
		    enum ebpf_dump what, struct prog_code *code);
void prog_code_free(struct prog_code *code);
/* Any dump, whole; *data is malloc'd. */
int prog_fetch(struct cmd *cmd, uint32_t id, enum ebpf_dump what, void **data,
	       size_t *len);

/* info->map_count ids, malloc'd. */
int prog_map_ids(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
		 uint32_t **ids);
/* "2026-11-20T23:08:55+0000" */
void prog_time(uint64_t ns, char *text, size_t size);

/* The listing of code, as bpftool prints it, or as a graph for dot. */
struct prog_listing {
	bool opcodes, linum;
	const char *name; /* when there is no BTF */
};
void prog_list(struct cmd *cmd, const struct prog_code *code,
	       const struct prog_listing *how);
void prog_visual(FILE *file, const struct prog_code *code);
/* One instruction as the kernel's listing has it. Slots used. */
uint32_t prog_insn_text(const struct prog_code *code, uint32_t index,
			char *text, size_t size);

/* Machine code as text: libLLVM when it is there. false: it is not. */
struct machine;
struct machine *machine_open(const char *jit);
void machine_close(struct machine *machine);
/* Length of the instruction at code[0], 0 when it is none. */
size_t machine_insn(struct machine *machine, const uint8_t *code, size_t len,
		    uint64_t address, char *text, size_t size);

#endif
