/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * arm64: everything that leaves a function of the program: helpers, maps known
 * when the program is compiled, tail calls, packet loads. r1..r5 are already
 * where C wants its arguments; C's result goes from x0 to r0. Used by arm64.c.
 */
#include "core/jit/arm64_enc.h"
#include "core/jit/jit_way.h"
#include "core/prog.h"

/* End the whole run from here with a result. */
static void
end_run(struct arm64 *a, uint64_t result)
{
	arm64_access(a, A_LOAD, 64, A_T0, A_SP, 0);
	arm64_access(a, A_LOAD, 64, A_IP0, A_T0, -8);
	arm64_add_imm(a, A_X, A_SP, A_T0, -16);
	arm64_const(a, 0, result);
	arm64_put(a, A_BR | A_IP0 << 5);
}

/* dst += reg * size; A_T2 is used */
static void
add_scaled(struct arm64 *a, uint32_t dst, uint32_t reg, uint32_t size)
{
	if ((size & (size - 1)) == 0) {
		arm64_rrr(a, A_ADD | A_X |
				     (31 - (uint32_t)__builtin_clz(size)) << 10,
			  dst, dst, reg);
		return;
	}
	arm64_const(a, A_T2, size);
	/* madd */
	arm64_put(a, 0x1b000000 | A_X | A_T2 << 16 | dst << 10 | reg << 5 |
			     dst);
}

/* to = the 32 bits that are the running CPU's number */
static void
load_cpu(struct arm64 *a, uint32_t to, const struct os_percpu_plan *plan)
{
	arm64_put(a, 0xd53bd040 | to); /* mrs to, tpidr_el0 */
	arm64_access(a, A_LOAD, 32, to, to, plan->cpu_off);
}

void
arm64_percpu(struct arm64 *a, uint32_t rd, void *percpu,
	     const struct os_percpu_plan *plan)
{
	arm64_address(a, rd, percpu);
	load_cpu(a, A_T1, plan);
	add_scaled(a, rd, A_T1, plan->distance == 0 ?
					sizeof(void *) :
					(uint32_t)plan->distance);
	if (plan->distance == 0)
		arm64_access(a, A_LOAD, 64, rd, rd, 0);
}

/* bpf_map_lookup_elem of arrays, as in x86_call.c. */
static void
lookup_array(struct arm64 *a, const struct ebpf_jit_call *call)
{
	const struct ebpf_map_array *array =
		(const struct ebpf_map_array *)call->map;
	uint32_t out = 0;

	arm64_access(a, A_LOAD, 32, A_T0, 1, 0);
	arm64_const(a, A_R0, 0);
	arm64_cmp_imm(a, 0, A_T0, array->map.max_entries);
	if (call->check == EBPF_JIT_IF_NULL)
		arm64_branch_if(a, A_BCOND | A_HS, A_BCOND | A_LO,
				call->check_slot);
	else
		out = arm64_skip(a, A_BCOND | A_HS);
	if (call->masked) {
		arm64_logic_imm(a, A_AND_IMM, 0, A_T0, A_T0,
				array->index_mask);
	} else {
		/* csel w, w, wzr, lo; csdb */
		arm64_put(a, 0x1a800000 | A_ZR << 16 | A_LO << 12 |
				     A_T0 << 5 | A_T0);
		arm64_put(a, 0xd503229f);
	}
	if (call->percpu)
		arm64_percpu(a, A_R0, array->percpu, &call->plan);
	else
		arm64_address(a, A_R0, array->values);
	add_scaled(a, A_R0, A_T0, array->map.stride);
	if (call->check == EBPF_JIT_UNLESS_NULL)
		arm64_branch(a, call->check_slot);
	if (call->check != EBPF_JIT_IF_NULL)
		arm64_land(a, out);
}

/* As in x86_call.c; the program is in A_T1. */
static void
direct_jump(struct arm64 *a, const struct ebpf_map *map, uint32_t index)
{
	uint32_t other;

	arm64_address(a, A_T0, ebpf_jit_tail_add(&a->gen, map, index));
	arm64_access(a, A_LOAD, 64, A_T0, A_T0, 0);
	arm64_rrr(a, A_SUBS | A_X, A_ZR, A_T0, A_T1);
	other = arm64_skip(a, A_BCOND | A_NE);
	arm64_put(a, A_B | 1);
	ebpf_jit_note(&a->gen.buf, EBPF_JIT_FIX_TAIL, 0, 0);
	arm64_land(a, other);
}

/* The word is there already, and aligned. */
uint32_t
arm64_put_tail(uint8_t *end, uint64_t run)
{
	return 4;
}

bool
arm64_tail_jump(uint64_t at, uint64_t entry, uint32_t *word)
{
	int64_t words = (int64_t)(entry - ARM64_TAIL_ENTRY - at) / 4;

	*word = A_B | ((uint32_t)words & 0x3ffffff);
	return words >= -(1 << 25) && words < 1 << 25;
}

/* bpf_tail_call, as in x86_call.c. */
static void
tail_call(struct arm64 *a, const struct ebpf_jit_call *call)
{
	const struct ebpf_map_prog_array *array =
		(const struct ebpf_map_prog_array *)call->map;
	uint32_t range = 0, limit, empty;

	if (call->constant) {
		arm64_address(a, A_T1, &array->slots[call->index]);
	} else {
		arm64_access(a, A_LOAD, 32, A_T0, 1,
			     (int32_t)offsetof(struct ebpf_map, max_entries));
		arm64_rrr(a, A_SUBS, A_ZR, 2, A_T0);
		range = arm64_skip(a, A_BCOND | A_HS);
		/* a mispredicted index becomes 0: csel w2, w2, wzr, lo; csdb */
		arm64_put(a, 0x1a9f3042);
		arm64_put(a, 0xd503229f);
		arm64_access(a, A_LOAD, 64, A_T1, 1,
			     (int32_t)offsetof(struct ebpf_map_prog_array,
					       slots));
		/* T1 + index * 8, 32 bits of index */
		arm64_put(a, 0x8b204c00 | 2 << 16 | A_T1 << 5 | A_T1);
	}
	/* an acquire */
	arm64_put(a, 0xc8dffc00 | A_T1 << 5 | A_T1);
	empty = arm64_skip(a, A_CBZ | A_X | A_T1);
	arm64_access(a, A_LOAD, 64, A_RUN, A_SP, 0);
	arm64_access(a, A_LOAD, 64, A_T0, A_RUN, 0);
	/* subs T0, T0, cost */
	arm64_put(a, A_SUBS_IMM | A_X | call->cost << 10 | A_T0 << 5 | A_T0);
	limit = arm64_skip(a, A_BCOND | A_LO);
	arm64_access(a, A_STORE, 64, A_T0, A_RUN, 0);
	if (a->gen.scan->full_run) {
		arm64_access(a, A_LOAD, 64, 1, A_RUN,
			     (int32_t)offsetof(struct ebpf_jit_run, r2));
		arm64_access(a, A_LOAD, 64, 2, A_RUN,
			     (int32_t)offsetof(struct ebpf_jit_run, r3));
	}
	arm64_epilogue(a);
	if (call->constant)
		direct_jump(a, call->map, call->index);
	arm64_access(a, A_LOAD, 64, A_IP0, A_T1,
		     (int32_t)offsetof(struct ebpf_prog, entry));
	arm64_add_imm(a, A_X, A_IP0, A_IP0, -ARM64_TAIL_ENTRY);
	arm64_put(a, A_BR | A_IP0 << 5);
	if (!call->constant)
		arm64_land(a, range);
	arm64_land(a, limit);
	arm64_land(a, empty);
}

void
arm64_call_helper(struct ebpf_jit_gen *gen, const struct ebpf_jit_call *call)
{
	struct arm64 *a = arm64_of(gen);

	if (call->load)
		arm64_address(a, 0, call->map);
	switch (call->way) {
	case EBPF_JIT_NOTHING:
		break;
	case EBPF_JIT_ZERO:
		arm64_const(a, A_R0, 0);
		break;
	case EBPF_JIT_CPU:
		load_cpu(a, A_R0, &call->plan);
		break;
	case EBPF_JIT_ARRAY:
		lookup_array(a, call);
		break;
	case EBPF_JIT_FUNCTION:
		if (call->env)
			arm64_address(a, 5, gen->prog);
		arm64_call_address(a, call->function);
		if (call->is_int) /* sign-extended */
			arm64_bitfield(a, A_SBFM, A_X, A_R0, 0, 0, 31);
		else
			arm64_mov(a, A_X, A_R0, 0);
		break;
	case EBPF_JIT_TAIL:
		tail_call(a, call);
		break;
	case EBPF_JIT_LOOP_NUMBERS:
		arm64_loop_numbers(a);
		break;
	case EBPF_JIT_LOOP_ELEMENTS:
		arm64_loop_elements(a);
		break;
	}
}

/* Find the helper, with the arguments put aside meanwhile. */
void
arm64_callx(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct arm64 *a = arm64_of(gen);
	uint32_t known;

	arm64_put(a, A_STP_PRE | (0x7fu & -6) << 15 | 1 << 10 | A_SP << 5 | 0);
	arm64_put(a, A_STP | 2 << 15 | 3 << 10 | A_SP << 5 | 2);
	arm64_put(a, A_STP | 4 << 15 | A_ZR << 10 | A_SP << 5 | 4);
	if (arm64_regs[op->dst] != 1)
		arm64_mov(a, A_X, 1, arm64_regs[op->dst]);
	arm64_address(a, 0, a->gen.prog);
	arm64_call_address(a, (const void *)(uintptr_t)ebpf_jit_callx_find);
	arm64_mov(a, A_X, A_IP0, 0);
	arm64_put(a, A_LDP | 4 << 15 | A_ZR << 10 | A_SP << 5 | 4);
	arm64_put(a, A_LDP | 2 << 15 | 3 << 10 | A_SP << 5 | 2);
	arm64_put(a, A_LDP_POST | 6 << 15 | 1 << 10 | A_SP << 5 | 0);
	known = arm64_skip(a, A_CBNZ | A_X | A_IP0);
	end_run(a, ~0ull);
	arm64_land(a, known);
	arm64_address(a, 5, a->gen.prog);
	arm64_put(a, A_BLR | A_IP0 << 5);
	arm64_mov(a, A_X, A_R0, 0);
}

void
arm64_packet(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct arm64 *a = arm64_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t inside;

	if (info->form == EBPF_FORM_LD_IND)
		arm64_add_imm(a, 0, 2, arm64_regs[op->src], op->imm);
	else
		arm64_const(a, 2, (uint32_t)op->imm);
	arm64_const(a, 3, info->width / 8);
	arm64_access(a, A_LOAD, 64, 1, A_SP, 0);
	arm64_address(a, 0, a->gen.prog);
	arm64_call_address(a, (const void *)(uintptr_t)ebpf_jit_load_packet);
	/* tbz x0, 63: not negative */
	inside = arm64_skip(a, 0xb6000000 | 31 << 19 | 0);
	arm64_const(a, 0, 0);
	arm64_epilogue(a);
	arm64_put(a, A_RET);
	arm64_land(a, inside);
	arm64_mov(a, A_X, A_R0, 0);
}
