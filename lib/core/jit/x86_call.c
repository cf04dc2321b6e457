/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: everything that leaves a function of the program: helpers, maps known
 * when the program is compiled, tail calls, packet loads. r1..r5 are already
 * where C wants its arguments. Used by x86_64.c.
 */
#include "core/jit/jit_way.h"
#include "core/jit/x86_enc.h"
#include "core/prog.h"

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

void
x86_scale(struct x86 *x, uint32_t reg, uint32_t size)
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

/* to = the 32 bits that are the running CPU's number: mov to, fs:[off] */
static void
load_cpu(struct x86 *x, uint32_t to, const struct os_percpu_plan *plan)
{
	x86_put(x, (plan->gs ? 0x65 : 0x64) | 0x8b << 8 |
			   (4 | (to & 7) << 3) << 16 | 0x25 << 24, 4);
	x86_put(x, (uint32_t)plan->cpu_off, 4);
}

void
x86_percpu(struct x86 *x, uint32_t reg, uint32_t number, void *percpu,
	   const struct os_percpu_plan *plan)
{
	x86_address(x, reg, percpu);
	load_cpu(x, number, plan);
	if (plan->distance == 0) {
		x86_sib(x, OP_LOAD | X_W, reg, reg, number, 3, 0);
	} else {
		x86_scale(x, number, (uint32_t)plan->distance);
		x86_rr(x, OP_ADD | X_W, number, reg);
	}
}

/*
 * bpf_map_lookup_elem of an array: index in range, times stride; else the code
 * up to the end is skipped with rax NULL. The mask does nothing to an index in
 * range; it keeps a mispredicted one in the allocation.
 */
static void
lookup_array(struct x86 *x, const struct ebpf_jit_call *call)
{
	const struct ebpf_map_array *array =
		(const struct ebpf_map_array *)call->map;
	uint32_t out = 0;

	x86_mem(x, OP_LOAD, RCX, RSI, 0);
	x86_const(x, RAX, 0);
	x86_alu_imm(x, OP_CMP, RCX, (int32_t)array->map.max_entries);
	if (call->check == EBPF_JIT_IF_NULL)
		x86_jump_far(x, CC_AE, call->check_slot);
	else
		out = x86_skip(x, CC_AE);
	/* also where a processor that runs ahead has guessed the comparison */
	if (call->masked) {
		x86_alu_imm(x, OP_AND, RCX, (int32_t)array->index_mask);
	} else {
		x86_rr(x, 0x19, RDX, RDX); /* sbb: all ones when below */
		x86_rr(x, OP_AND, RDX, RCX);
	}
	if (call->percpu)
		x86_percpu(x, RAX, RDX, array->percpu, &call->plan);
	else
		x86_address(x, RAX, array->values);
	if (array->map.stride == 8) {
		x86_sib(x, OP_LEA | X_W, RAX, RAX, RCX, 3, 0);
	} else {
		x86_scale(x, RCX, array->map.stride);
		x86_rr(x, OP_ADD | X_W, RCX, RAX);
	}
	if (call->check == EBPF_JIT_UNLESS_NULL)
		x86_jump_far(x, CC_ALWAYS, call->check_slot);
	if (call->check != EBPF_JIT_IF_NULL)
		x86_land(x, out);
}

/*
 * The jump that follows a slot (jit_tail.h), if it is to the program in r11. It
 * begins as one to what lies behind it.
 */
static void
direct_jump(struct x86 *x, const struct ebpf_map *map, uint32_t index)
{
	uint32_t other;

	x86_address(x, RCX, ebpf_jit_tail_add(&x->gen, map, index));
	x86_mem(x, OP_CMP | 2 | X_W, R11, RCX, 0);
	other = x86_skip(x, CC_NE);
	x86_put(x, 0, 8);
	ebpf_jit_note(&x->gen.buf, EBPF_JIT_FIX_TAIL, 0, 0);
	x86_land(x, other);
}

/* In eight bytes; the four that change are aligned. */
uint32_t
x86_put_tail(uint8_t *end, uint64_t run)
{
	static const uint8_t nops[4][3] = {
		{ 0 }, { 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0x00 },
	};
	uint32_t pad = (uint32_t)(0 - (run - 8 + 1)) & 3;

	memset(end - 8, 0, 8);
	memcpy(end - 8, nops[pad], pad);
	end[-8 + (int32_t)pad] = 0xe9;
	memcpy(end - 3 + pad, nops[3 - pad], 3 - pad);
	return 7 - pad;
}

bool
x86_tail_jump(uint64_t at, uint64_t entry, uint32_t *word)
{
	int64_t distance = (int64_t)(entry - X86_TAIL_ENTRY - (at + 4));

	*word = (uint32_t)distance;
	return distance >= -0x7fffffffll && distance <= 0x7fffffffll &&
	       at % 4 == 0;
}

/*
 * bpf_tail_call: without return when it can be made, else without effect on
 * r0. Kinds that start with more than a context start again with all of it.
 */
static void
tail_call(struct x86 *x, const struct ebpf_jit_call *call)
{
	const struct ebpf_map *map = call->map;
	const struct ebpf_map_prog_array *array =
		(const struct ebpf_map_prog_array *)map;
	uint32_t range = 0, limit, empty;

	if (!call->constant) {
		x86_mov(x, 0, RDX, RDX);
		if (map != NULL)
			x86_alu_imm(x, OP_CMP, RDX, (int32_t)map->max_entries);
		else
			x86_mem(x, 0x3b, RDX, RSI,
				(int32_t)offsetof(struct ebpf_map,
						  max_entries));
		range = x86_skip(x, CC_AE);
		/* a mispredicted index becomes 0: sbb ecx, ecx; and edx, ecx */
		x86_put(x, 0xc919, 2);
		x86_rr(x, OP_AND, RDX, RCX);
	}
	x86_mem(x, OP_LOAD | X_W, R10, RSP, 0);
	x86_mem(x, 0x83, OP_CMP >> 3 & 7, R10,
		(int32_t)offsetof(struct ebpf_jit_run, tail_calls));
	x86_put(x, call->cost, 1);
	limit = x86_skip(x, CC_B);
	/* Loads of slots are acquires, as every load is here. */
	if (call->constant) {
		x86_address(x, R11, &array->slots[call->index]);
		x86_mem(x, OP_LOAD | X_W, R11, R11, 0);
	} else {
		if (map != NULL)
			x86_address(x, R11, array->slots);
		else
			x86_mem(x, OP_LOAD | X_W, R11, RSI,
				(int32_t)offsetof(struct ebpf_map_prog_array,
						  slots));
		x86_sib(x, OP_LOAD | X_W, R11, R11, RDX, 3, 0);
	}
	x86_rr(x, OP_TEST | X_W, R11, R11);
	empty = x86_skip(x, CC_E);
	x86_mem(x, 0x83, OP_SUB >> 3 & 7, R10,
		(int32_t)offsetof(struct ebpf_jit_run, tail_calls));
	x86_put(x, call->cost, 1);
	if (x->gen.scan->full_run) {
		x86_mem(x, OP_LOAD | X_W, RSI, R10,
			(int32_t)offsetof(struct ebpf_jit_run, r2));
		x86_mem(x, OP_LOAD | X_W, RDX, R10,
			(int32_t)offsetof(struct ebpf_jit_run, r3));
	}
	x86_mov(x, X_W, RAX, R10);
	x86_epilogue(x);
	if (call->constant)
		direct_jump(x, map, call->index);
	x86_mem(x, OP_LOAD | X_W, R11, R11,
		(int32_t)offsetof(struct ebpf_prog, entry));
	x86_alu_imm(x, OP_SUB | X_W, R11, X86_TAIL_ENTRY);
	x86_jump_r11(x);
	if (!call->constant)
		x86_land(x, range);
	x86_land(x, limit);
	x86_land(x, empty);
}

void
x86_call_helper(struct ebpf_jit_gen *gen, const struct ebpf_jit_call *call)
{
	struct x86 *x = x86_of(gen);

	if (call->load)
		x86_address(x, RDI, call->map);
	switch (call->way) {
	case EBPF_JIT_NOTHING:
		break;
	case EBPF_JIT_ZERO:
		x86_const(x, RAX, 0);
		break;
	case EBPF_JIT_CPU:
		load_cpu(x, RAX, &call->plan);
		break;
	case EBPF_JIT_ARRAY:
		lookup_array(x, call);
		break;
	case EBPF_JIT_FUNCTION:
		if (call->env)
			x86_address(x, R9, gen->prog);
		x86_call_address(x, call->function);
		if (call->is_int)
			x86_put(x, 0x9848, 2); /* cdqe */
		/* it has asked whether it is NULL; a home's return may do more */
		if (call->own && x->rules.ret == NULL) {
			x->flags_reg = RAX;
			x->flags_at = x->gen.buf.len;
			x->flags_wide = true;
		}
		break;
	case EBPF_JIT_TAIL:
		tail_call(x, call);
		break;
	case EBPF_JIT_LOOP_NUMBERS:
		x86_loop_numbers(x);
		break;
	case EBPF_JIT_LOOP_ELEMENTS:
		x86_loop_elements(x);
		break;
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
	inside = x86_skip(x, CC_NS);
	x86_const(x, RAX, 0);
	x86_epilogue(x);
	x86_ret(x);
	x86_land(x, inside);
}
