/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * See unverified.h. Does what prog.c does for verified programs, with guesses
 * where the verifier would know: a function begins wherever a local call or a
 * callback points, and needs as much stack as its lowest constant offset from
 * r10, or from a copy of it, says.
 */
#include "unverified.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/fuse.h"
#include "core/interp.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/runtime.h"

struct unverified {
	struct ebpf_prog prog; /* first */
	struct ebpf_runtime rt;
	struct ebpf_op *ops;
	struct ebpf_func *funcs;
};

static uint64_t
nonzero(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
	const struct ebpf_prog *prog)
{
	return 1;
}

static const struct ebpf_helper helper5 = {
	.fn = nonzero,
	.name = "nonzero",
	.number = 5,
	.kinds = EBPF_KINDS_ALL,
	.ret = EBPF_RET_INT,
};

static const struct ebpf_kind mem_kind = {
	.name = "unverified",
	.number = 0x7000,
	.entry = EBPF_ENTRY_MEM,
	.pkt_writable = 1,
};

static const struct ebpf_helper *
find_helper(const struct unverified_options *options, uint32_t number)
{
	uint32_t i;

	if (options->rt != NULL)
		return ebpf_helper_find(options->rt, number);
	for (i = 0; i < options->helper_count; i++)
		if (options->helpers[i]->number == number)
			return options->helpers[i];
	if (options->helper_count == 0 && number == helper5.number)
		return &helper5;
	return NULL;
}

static bool
is_call(const struct ebpf_op *op)
{
	return op->code == EBPF_OP_CALL_LOCAL || op->code == EBPF_OP_LDDW_FUNC;
}

/* Slots where functions begin, ascending, into funcs. */
static int
find_funcs(struct unverified *u)
{
	uint32_t count = u->prog.op_count, i, n = 0;
	uint8_t *start = calloc(count, 1);

	if (start == NULL)
		return -EBPF_ENOMEM;
	start[0] = 1;
	for (i = 0; i < count; i++)
		if (is_call(&u->ops[i]))
			start[i + 1 + u->ops[i].off] = 1;
	for (i = 0; i < count; i++)
		n += start[i];
	u->funcs = calloc(n, sizeof(*u->funcs));
	if (u->funcs == NULL) {
		free(start);
		return -EBPF_ENOMEM;
	}
	for (i = 0, n = 0; i < count; i++) {
		if (!start[i])
			continue;
		if (n > 0)
			u->funcs[n - 1].end = i;
		u->funcs[n++].start = i;
	}
	u->funcs[n - 1].end = count;
	u->prog.funcs = u->funcs;
	u->prog.func_count = n;
	free(start);
	return 0;
}

/* Bytes below r10 that a function may touch, as far as constants tell. */
static uint32_t
frame_size(const struct unverified *u, const struct ebpf_func *func)
{
	int64_t low = 0, copy_low = 0;
	bool copied = false;
	uint32_t i;

	for (i = func->start; i < func->end; i++) {
		const struct ebpf_op *op = &u->ops[i];

		switch (ebpf_op_info[op->code].form) {
		case EBPF_FORM_LDX:
		case EBPF_FORM_LOAD_ACQ:
			if (op->src == EBPF_REG_FP && op->off < low)
				low = op->off;
			break;
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
		case EBPF_FORM_ATOMIC:
		case EBPF_FORM_STORE_REL:
			if (op->dst == EBPF_REG_FP && op->off < low)
				low = op->off;
			break;
		case EBPF_FORM_ALU_REG:
			if (op->src == EBPF_REG_FP)
				copied = true;
			break;
		case EBPF_FORM_ALU_IMM:
			if (op->code == EBPF_OP_ADD64_IMM &&
			    op->imm >= -EBPF_STACK_MAX && op->imm < copy_low)
				copy_low = op->imm;
			if (op->code == EBPF_OP_SUB64_IMM &&
			    op->imm <= EBPF_STACK_MAX && -op->imm < copy_low)
				copy_low = -op->imm;
			break;
		default:
			break;
		}
	}
	if (copied && copy_low < low)
		low = copy_low;
	return (uint32_t)(-low + 7) & ~7u;
}

/* Most bytes on a call path from func on; more than allowed when too deep. */
static uint32_t
path_size(const struct unverified *u, uint32_t func, uint32_t depth)
{
	const struct ebpf_func *f = &u->funcs[func];
	uint32_t i, j, most = 0, size;

	/* Too deep a path is the engine's affair; it needs no more stack. */
	if (depth >= EBPF_FRAME_MAX)
		return 0;
	for (i = f->start; i < f->end; i++) {
		/* who takes an address may have it called */
		if (u->ops[i].code != EBPF_OP_CALL_LOCAL &&
		    u->ops[i].code != EBPF_OP_LDDW_FUNC)
			continue;
		for (j = 0; j < u->prog.func_count; j++)
			if (u->funcs[j].start == i + 1 + u->ops[i].off)
				break;
		size = path_size(u, j, depth + 1);
		if (size > most)
			most = size;
	}
	return f->stack_depth + most;
}

static int
resolve(struct unverified *u, const struct unverified_options *options,
	char *why, size_t why_size)
{
	const struct ebpf_helper *helper;
	struct ebpf_func *func = u->funcs;
	uint32_t i, index;

	for (i = 0; i < u->prog.op_count; i++) {
		struct ebpf_op *op = &u->ops[i];

		if (i == func->end)
			func++;
		switch (op->code) {
		case EBPF_OP_CALL_HELPER:
			helper = find_helper(options, (uint32_t)op->imm);
			if (helper == NULL) {
				snprintf(why, why_size,
					 "instruction %u: no helper %lld", i,
					 (long long)op->imm);
				return -EBPF_EINVAL;
			}
			op->imm = (intptr_t)helper;
			func->flags |= helper->flags & EBPF_HELPER_TAIL
					       ? EBPF_FUNC_TAIL_CALLS
					       : EBPF_FUNC_HELPERS;
			break;
		case EBPF_OP_CALLX:
			func->flags |= EBPF_FUNC_HELPERS;
			break;
		case EBPF_OP_CALL_LOCAL:
			func->flags |= EBPF_FUNC_CALLS;
			break;
		case EBPF_OP_LDDW_MAP:
		case EBPF_OP_LDDW_MAP_IDX:
		case EBPF_OP_LDDW_MAP_VALUE:
		case EBPF_OP_LDDW_MAP_IDX_VALUE:
			index = (uint32_t)op->imm;
			if (index >= options->map_count) {
				snprintf(why, why_size,
					 "instruction %u: no map %u", i, index);
				return -EBPF_EINVAL;
			}
			if (op->code == EBPF_OP_LDDW_MAP ||
			    op->code == EBPF_OP_LDDW_MAP_IDX) {
				op->code = EBPF_OP_LDDW_MAP;
				op->imm = (intptr_t)options->maps[index];
			} else {
				const struct ebpf_map_array *array =
					(const struct ebpf_map_array *)
						options->maps[index];

				op->code = EBPF_OP_LDDW_MAP_VALUE;
				op->imm = (intptr_t)(array->values +
						     ((uint64_t)op->imm >> 32));
			}
			break;
		default:
			break;
		}
	}
	return 0;
}

/* EBPF_FUNC_TAIL_CALLS is also of those who call somebody who does. */
static void
spread_tail_calls(struct unverified *u)
{
	bool again = true;
	uint32_t f, i, j;

	while (again) {
		again = false;
		for (f = 0; f < u->prog.func_count; f++) {
			struct ebpf_func *func = &u->funcs[f];

			if (func->flags & EBPF_FUNC_TAIL_CALLS)
				continue;
			for (i = func->start; i < func->end; i++) {
				if (u->ops[i].code != EBPF_OP_CALL_LOCAL)
					continue;
				for (j = 0; u->funcs[j].start !=
					    i + 1 + u->ops[i].off;)
					j++;
				if (u->funcs[j].flags & EBPF_FUNC_TAIL_CALLS) {
					func->flags |= EBPF_FUNC_TAIL_CALLS;
					again = true;
				}
			}
		}
	}
}

struct ebpf_prog *
unverified_prog(const struct ebpf_insn *insns, uint32_t count,
		const struct unverified_options *options, char *why,
		size_t why_size)
{
	static const struct unverified_options none;
	struct ebpf_decode_error error = { 0, EBPF_RULE_NONE, "" };
	struct unverified *u;
	uint32_t i;

	if (options == NULL)
		options = &none;
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		goto no_memory;
	u->ops = calloc(count ? count : 1, sizeof(*u->ops));
	if (u->ops == NULL)
		goto no_memory;
	if (ebpf_decode(insns, count, u->ops, &error) != 0) {
		snprintf(why, why_size, "instruction %u: %s", error.insn,
			 error.what);
		goto fail;
	}
	u->prog.ops = u->ops;
	u->prog.op_count = count;
	u->prog.kind = options->kind ? options->kind : &mem_kind;
	u->prog.obj.rt = options->rt ? options->rt : &u->rt;
	u->prog.obj.kind = EBPF_OBJ_PROG;
	u->prog.maps = options->maps;
	u->prog.map_count = options->map_count;
	u->prog.entry = ebpf_interp_run;
	if (options->helper_count == 0)
		u->rt.helpers[helper5.number] = &helper5;
	for (i = 0; i < options->helper_count; i++)
		if (options->helpers[i]->number < EBPF_HELPER_SLOTS)
			u->rt.helpers[options->helpers[i]->number] =
				options->helpers[i];
	if (find_funcs(u) != 0)
		goto no_memory;
	for (i = 0; i < u->prog.func_count; i++)
		u->funcs[i].stack_depth = frame_size(u, &u->funcs[i]);
	u->prog.stack_depth = u->funcs[0].stack_depth;
	u->prog.stack_total = path_size(u, 0, 0);
	if (u->prog.stack_total > EBPF_STACK_MAX) {
		snprintf(why, why_size, "call paths use %u bytes of stack",
			 u->prog.stack_total);
		goto fail;
	}
	if (resolve(u, options, why, why_size) != 0)
		goto fail;
	spread_tail_calls(u);
	ebpf_fuse(&u->prog, u->ops, EBPF_FUSE_ALL);
	return &u->prog;

no_memory:
	snprintf(why, why_size, "out of memory");
fail:
	unverified_free(u ? &u->prog : NULL);
	return NULL;
}

int
unverified_image(struct ebpf_prog *prog, struct ebpf_jit_image **image)
{
	struct unverified *u = (struct unverified *)prog;
	int rc;

	ebpf_unfuse(prog, u->ops);
	rc = ebpf_jit_compile(prog, image);
	ebpf_fuse(prog, u->ops, EBPF_FUSE_ALL);
	return rc;
}

int
unverified_compile(struct ebpf_prog *prog)
{
	struct ebpf_jit_image *image;
	int rc;

	if (ebpf_jit_host() == NULL)
		return -EBPF_EJIT;
	rc = unverified_image(prog, &image);
	if (rc != 0)
		return rc;
	prog->image = image;
	prog->jited = 1;
	prog->entry = (uint64_t(*)(uint64_t, uint64_t, uint64_t,
				   const struct ebpf_prog *))(uintptr_t)(
		image->code + image->entry_off);
	return 0;
}

void
unverified_fuse(struct ebpf_prog *prog, enum ebpf_fuse_what what)
{
	struct unverified *u = (struct unverified *)prog;

	ebpf_unfuse(prog, u->ops);
	ebpf_fuse(prog, u->ops, what);
}

void
unverified_free(struct ebpf_prog *prog)
{
	struct unverified *u = (struct unverified *)prog;

	if (u == NULL)
		return;
	if (prog->image != NULL)
		ebpf_jit_free(prog->image);
	free(u->funcs);
	free(u->ops);
	free(u);
}
