/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: everything that leaves a function of the program: helpers, maps known
 * when the program is compiled, tail calls, packet loads. r1..r5 are already
 * where C wants its arguments. Used by x86_64.c.
 */
#include "core/jit/x86_enc.h"

/* End the whole run from here with rax = result. */
static void
end_run(struct x86 *x, uint64_t result)
{
	x86_mem(x, OP_LOAD | X_W, RAX, RSP, 0);
	/* The body's return address lies right below the run block. */
	x86_mem(x, OP_LEA | X_W, RSP, RAX, -8);
	x86_const(x, RAX, result);
	x86_ret(x);
}

/* reg *= size */
static void
scale(struct x86 *x, uint32_t reg, uint32_t size)
{
	if ((size & (size - 1)) == 0) {
		uint32_t log = 31 - (uint32_t)__builtin_clz(size);

		if (log > 0)
			x86_shift_imm(x, X_W, SHIFT_SHL, reg, log);
	} else {
		x86_rr(x, X_W | 0x69, reg, reg);
		x86_put(x, size, 4);
	}
}

/*
 * bpf_map_lookup_elem of an array: index in range, times stride. The mask does
 * nothing to an index in range; it keeps a mispredicted one in the allocation.
 * plan: NULL for an array, else where this CPU's copy of it is.
 */
static void
lookup_array(struct x86 *x, const struct ebpf_map_array *array,
	     const struct os_percpu_plan *plan)
{
	uint32_t out;

	x86_mem(x, OP_LOAD, RCX, RSI, 0);
	x86_const(x, RAX, 0);
	x86_alu_imm(x, OP_CMP, RCX, (int32_t)array->map.max_entries);
	out = x86_skip(x, CC_AE);
	x86_alu_imm(x, OP_AND, RCX, (int32_t)array->index_mask);
	x86_address(x, RAX, plan ? array->percpu : array->values);
	if (plan != NULL) { /* mov edx, fs:[cpu_off] */
		x86_put(x, 0x25148b64, 4);
		x86_put(x, (uint32_t)plan->cpu_off, 4);
		scale(x, RDX, (uint32_t)plan->distance);
		x86_rr(x, OP_ADD | X_W, RDX, RAX);
	}
	if (array->map.stride == 8) {
		x86_sib(x, OP_LEA | X_W, RAX, RAX, RCX, 3, 0);
	} else {
		scale(x, RCX, array->map.stride);
		x86_rr(x, OP_ADD | X_W, RCX, RAX);
	}
	x86_land(x, out);
}

static bool
lookup_inline(struct x86 *x, const struct ebpf_map *map)
{
	const struct ebpf_map_array *array =
		(const struct ebpf_map_array *)map;
	struct os_percpu_plan plan;

	if (map->ops->kind == EBPF_MAP_ARRAY) {
		lookup_array(x, array, NULL);
		return true;
	}
	if (map->ops->kind != EBPF_MAP_PERCPU_ARRAY ||
	    !os_percpu_plan(array->percpu, &plan) ||
	    plan.distance > 0x7fffffff)
		return false;
	lookup_array(x, array, &plan);
	return true;
}

/* A call on a map known now, without the helper's generic door. */
static bool
call_map(struct x86 *x, const struct ebpf_helper *helper,
	 const struct ebpf_map *map)
{
	const struct ebpf_map_ops *ops = map->ops;

	if (helper->args[0] != EBPF_ARG_MAP)
		return false;
	switch (helper->number) {
	case EBPF_FUNC_map_lookup_elem:
		if (lookup_inline(x, map))
			return true;
		if (map->lookup == NULL)
			return false;
		x86_call_address(x, (const void *)(uintptr_t)map->lookup);
		return true;
	case EBPF_FUNC_map_update_elem:
		if (ops->update == NULL)
			return false;
		x86_call_address(x, (const void *)(uintptr_t)ops->update);
		x86_put(x, 0x9848, 2); /* cdqe: they return int */
		return true;
	case EBPF_FUNC_map_delete_elem:
		if (ops->remove == NULL)
			return false;
		x86_call_address(x, (const void *)(uintptr_t)ops->remove);
		x86_put(x, 0x9848, 2);
		return true;
	}
	return false;
}

/*
 * bpf_tail_call: without return when it can be made, else without effect on
 * r0. Kinds that start with more than a context start again with all of it.
 */
static void
tail_call(struct x86 *x)
{
	const struct ebpf_map *map = x->gen.known[2].map;
	const struct ebpf_map_prog_array *array =
		(const struct ebpf_map_prog_array *)map;
	uint32_t cost = x->gen.func == x->gen.scan.funcs ? 1 : x->gen.scan.nest_cost;
	uint32_t range, limit, empty;

	x86_mov(x, 0, RDX, RDX);
	if (map != NULL)
		x86_alu_imm(x, OP_CMP, RDX, (int32_t)map->max_entries);
	else
		x86_mem(x, 0x3b, RDX, RSI,
			(int32_t)offsetof(struct ebpf_map, max_entries));
	range = x86_skip(x, CC_AE);
	/* a mispredicted index becomes 0: sbb ecx, ecx; and edx, ecx */
	x86_put(x, 0xc919, 2);
	x86_rr(x, OP_AND, RDX, RCX);
	x86_mem(x, OP_LOAD | X_W, R10, RSP, 0);
	x86_mem(x, 0x83, OP_CMP >> 3 & 7, R10,
		(int32_t)offsetof(struct ebpf_jit_run, tail_calls));
	x86_put(x, cost, 1);
	limit = x86_skip(x, CC_B);
	if (map != NULL)
		x86_address(x, R11, array->slots);
	else
		x86_mem(x, OP_LOAD | X_W, R11, RSI,
			(int32_t)offsetof(struct ebpf_map_prog_array, slots));
	/* An acquire, as every load is here. */
	x86_sib(x, OP_LOAD | X_W, R11, R11, RDX, 3, 0);
	x86_rr(x, OP_TEST | X_W, R11, R11);
	empty = x86_skip(x, CC_E);
	x86_mem(x, 0x83, OP_SUB >> 3 & 7, R10,
		(int32_t)offsetof(struct ebpf_jit_run, tail_calls));
	x86_put(x, cost, 1);
	if (x->gen.scan.full_run) {
		x86_mem(x, OP_LOAD | X_W, RSI, R10,
			(int32_t)offsetof(struct ebpf_jit_run, r2));
		x86_mem(x, OP_LOAD | X_W, RDX, R10,
			(int32_t)offsetof(struct ebpf_jit_run, r3));
	}
	x86_mov(x, X_W, RAX, R10);
	x86_mem(x, OP_LOAD | X_W, R11, R11,
		(int32_t)offsetof(struct ebpf_prog, entry));
	x86_epilogue(x);
	x86_alu_imm(x, OP_SUB | X_W, R11, X86_TAIL_ENTRY);
	x86_jump_r11(x);
	x86_land(x, range);
	x86_land(x, limit);
	x86_land(x, empty);
}

void
x86_call_helper(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct x86 *x = x86_of(gen);
	const struct ebpf_helper *helper =
		(const struct ebpf_helper *)(intptr_t)op->imm;

	if (helper->flags & EBPF_HELPER_TAIL) {
		tail_call(x);
	} else if (helper->flags & EBPF_HELPER_LOOP) {
		x86_loop(x, helper);
	} else if (gen->known[1].map == NULL ||
		   !call_map(x, helper, gen->known[1].map)) {
		if (helper->flags & EBPF_HELPER_ENV)
			x86_address(x, R9, x->gen.prog);
		x86_call_address(x, (const void *)(uintptr_t)helper->fn);
	}
}

/* Find the helper, with the arguments put aside meanwhile. */
void
x86_callx(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct x86 *x = x86_of(gen);
	/* six, so that the stack stays aligned */
	static const uint8_t args[] = { RDI, RSI, RDX, RCX, R8, R9 };
	uint32_t i, known;

	for (i = 0; i < sizeof(args); i++)
		x86_opcode(x, 0x50 | (args[i] & 7), 0, 0, args[i]);
	if (x86_regs[op->dst] != RSI)
		x86_mov(x, X_W, RSI, x86_regs[op->dst]);
	x86_address(x, RDI, x->gen.prog);
	x86_call_address(x, (const void *)(uintptr_t)ebpf_jit_callx_find);
	for (i = sizeof(args); i-- > 0;)
		x86_opcode(x, 0x58 | (args[i] & 7), 0, 0, args[i]);
	x86_rr(x, OP_TEST | X_W, RAX, RAX);
	known = x86_skip(x, CC_NE);
	end_run(x, ~0ull);
	x86_land(x, known);
	x86_address(x, R9, x->gen.prog);
	x86_call_rax(x);
}

void
x86_packet(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct x86 *x = x86_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t inside;

	if (info->form == EBPF_FORM_LD_IND)
		x86_mem(x, OP_LEA, RDX, x86_regs[op->src], (int32_t)op->imm);
	else
		x86_const(x, RDX, (uint32_t)op->imm);
	x86_const(x, RCX, info->width / 8);
	x86_mem(x, OP_LOAD | X_W, RSI, RSP, 0);
	x86_address(x, RDI, x->gen.prog);
	x86_call_address(x, (const void *)(uintptr_t)ebpf_jit_load_packet);
	x86_rr(x, OP_TEST | X_W, RAX, RAX);
	inside = x86_skip(x, 9); /* not negative */
	x86_const(x, RAX, 0);
	x86_epilogue(x);
	x86_ret(x);
	x86_land(x, inside);
}
