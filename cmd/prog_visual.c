/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog dump ... visual: the control flow as a graph for dot(1), one box
 * per basic block, one cluster per function, in bpftool's shape.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/prog.h"

enum { ENTRY = 0, EXIT = 1, FIRST = 2 };

/* What an instruction does to the flow; distances are in slots. */
struct flow {
	bool jumps, falls, calls;
	int64_t to;
};

static struct flow
flow_of(const struct ebpf_insn *insn, uint32_t at)
{
	struct flow flow = { .falls = true };
	uint8_t class = insn->code & 7, op = insn->code >> 4;

	if (class != 5 && class != 6) /* JMP, JMP32 */
		return flow;
	switch (op) {
	case 0: /* ja; gotol in the 32-bit class */
		flow.jumps = true;
		flow.falls = false;
		flow.to = (int64_t)at + 1 +
			  (class == 6 ? insn->imm : insn->off);
		break;
	case 8: /* call */
		if (insn->regs >> 4 == 1) {
			flow.calls = true;
			flow.to = (int64_t)at + 1 + insn->imm;
		}
		break;
	case 9: /* exit */
		flow.falls = false;
		break;
	default:
		flow.jumps = true;
		flow.to = (int64_t)at + 1 + insn->off;
		break;
	}
	return flow;
}

static bool
is_wide(const struct ebpf_insn *insn)
{
	return insn->code == 0x18;
}

static void
print_label(FILE *file, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("<>{}|\\\"", *text) != NULL)
			putc('\\', file);
		putc(*text, file);
	}
}

static void
print_block(FILE *file, const struct prog_code *code, uint32_t func,
	    uint32_t number, uint32_t start, uint32_t end)
{
	uint32_t used;
	char text[512];

	fprintf(file, "\tfn_%u_bb_%u [shape=record,style=filled,label=\"{",
		func, number);
	for (uint32_t i = start; i < end; i += used) {
		used = prog_insn_text(code, i, text, sizeof(text));
		fprintf(file, "%s%4u: ", i > start ? " | " : "", i);
		print_label(file, text);
		fprintf(file, "\\l\\\n");
	}
	fprintf(file, "}\"];\n\n");
}

static void
print_edge(FILE *file, uint32_t func, uint32_t from, uint32_t to)
{
	fprintf(file,
		"\tfn_%u_bb_%u:s -> fn_%u_bb_%u:n [style=\"solid,bold\", "
		"color=black, weight=10, constraint=true];\n",
		func, from, func, to);
}

/* The number of the block that starts at a slot, counted within [start). */
static uint32_t
block_at(const uint8_t *leader, uint32_t start, uint32_t slot)
{
	uint32_t number = FIRST;

	for (uint32_t i = start; i < slot; i++)
		number += leader[i + 1] & 1;
	return number;
}

static void
print_func(FILE *file, const struct prog_code *code, const uint8_t *leader,
	   uint32_t func, uint32_t start, uint32_t end)
{
	uint32_t number = FIRST;

	fprintf(file,
		"subgraph \"cluster_%u\" {\n\tstyle=\"dashed\";\n"
		"\tcolor=\"black\";\n\tlabel=\"func_%u ()\";\n"
		"\tfn_%u_bb_%d [shape=Mdiamond,style=filled,"
		"label=\"ENTRY\"];\n\n",
		func, func, func, ENTRY);
	for (uint32_t i = start, next; i < end; i = next, number++) {
		for (next = i + 1; next < end && !(leader[next] & 1); next++)
			;
		print_block(file, code, func, number, i, next);
	}
	fprintf(file,
		"\tfn_%u_bb_%d [shape=Mdiamond,style=filled,"
		"label=\"EXIT\"];\n\n",
		func, EXIT);
	print_edge(file, func, ENTRY, FIRST);
	number = FIRST;
	for (uint32_t i = start, next; i < end; i = next, number++) {
		uint32_t last = i;
		struct flow flow;

		for (next = i + 1; next < end && !(leader[next] & 1); next++)
			;
		for (uint32_t k = i; k < next;
		     k += is_wide(&code->insns[k]) ? 2 : 1)
			last = k;
		flow = flow_of(&code->insns[last], last);
		if (flow.falls && next < end)
			print_edge(file, func, number, number + 1);
		if (flow.jumps && flow.to >= start && flow.to < end)
			print_edge(file, func, number,
				   block_at(leader, start,
					    (uint32_t)flow.to));
		if (!flow.jumps && !flow.falls)
			print_edge(file, func, number, EXIT);
	}
	fprintf(file,
		"\tfn_%u_bb_%d:s -> fn_%u_bb_%d:n [style=\"invis\", "
		"constraint=true];\n}\n",
		func, ENTRY, func, EXIT);
}

void
prog_visual(FILE *file, const struct prog_code *code)
{
	uint32_t count = code->insn_count, func = 0, start = 0;
	/* bit 0: a block starts here, bit 1: a function does */
	uint8_t *leader = calloc((size_t)count + 2, 1);

	fprintf(file, "digraph \"DOT graph for eBPF program\" {\n");
	if (leader != NULL && count > 0) {
		leader[0] = 3;
		for (uint32_t i = 0; i < count;
		     i += is_wide(&code->insns[i]) ? 2 : 1) {
			struct flow flow = flow_of(&code->insns[i], i);

			if ((flow.jumps || flow.calls) && flow.to >= 0 &&
			    flow.to < count)
				leader[flow.to] |= flow.calls ? 3 : 1;
			if (flow.jumps || !flow.falls)
				leader[i + 1] |= 1;
		}
		for (uint32_t i = 1; i <= count; i++) {
			if (i < count && !(leader[i] & 2))
				continue;
			print_func(file, code, leader, func++, start, i);
			start = i;
		}
	}
	fprintf(file, "}\n");
	free(leader);
}
