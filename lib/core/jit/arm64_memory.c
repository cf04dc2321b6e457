/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * arm64: loads, stores and atomics. Atomics are exclusive pairs, which every
 * such processor has; those that fetch are followed by a full fence, as
 * programs written for Linux expect. Used by arm64.c.
 */
#include "core/jit/arm64_enc.h"
#include "core/jit/jit_match.h"

/* Exclusive and ordered accesses; the size goes into bits 30 and 31. */
enum {
	LDXR = 0x085f7c00, STXR = 0x08007c00,
	LDAXR = 0x085ffc00, STLXR = 0x0800fc00,
	LDAR = 0x08dffc00, STLR = 0x089ffc00,
};

static uint32_t
size_field(uint32_t bits)
{
	return (bits == 64 ? 3u : bits == 32 ? 2u : bits == 16 ? 1u : 0u) << 30;
}

/* The register with base + off: these forms have no displacement. */
static uint32_t
address(struct arm64 *a, uint32_t base, int32_t off)
{
	if (off == 0)
		return base;
	arm64_add_imm(a, A_X, A_T0, base, off);
	return A_T0;
}

static void
branch_back(struct arm64 *a, uint32_t word, uint32_t to)
{
	int32_t words = ((int32_t)to - (int32_t)a->gen.buf.len) / 4;

	arm64_put(a, word | ((uint32_t)words & 0x7ffff) << 5);
}

static uint32_t
plain(uint32_t fn)
{
	switch (fn) {
	case EBPF_FN_ADD:
	case EBPF_FN_FETCH_ADD:
		return A_ADD;
	case EBPF_FN_OR:
	case EBPF_FN_FETCH_OR:
		return A_ORR;
	case EBPF_FN_AND:
	case EBPF_FN_FETCH_AND:
		return A_AND;
	}
	return A_EOR;
}

static void
atomic(struct arm64 *a, const struct ebpf_op *op,
       const struct ebpf_op_info *info)
{
	uint32_t size = size_field(info->width);
	uint32_t width = info->width == 64 ? A_X : 0;
	uint32_t src = arm64_regs[op->src], again, other;
	uint32_t at = address(a, arm64_regs[op->dst], op->off);
	bool fetch = info->fn != EBPF_FN_ADD && info->fn != EBPF_FN_OR &&
		     info->fn != EBPF_FN_AND && info->fn != EBPF_FN_XOR;

	again = a->gen.buf.len;
	/* T1 = old, T2 = new, T3 = not stored */
	arm64_put(a, (fetch ? LDAXR : LDXR) | size | at << 5 | A_T1);
	if (info->fn == EBPF_FN_CMPXCHG) {
		arm64_rrr(a, A_SUBS | width, A_ZR, A_T1, A_R0);
		other = arm64_skip(a, A_BCOND | A_NE);
		arm64_put(a, STLXR | size | A_T3 << 16 | at << 5 | src);
		branch_back(a, A_CBNZ | A_T3, again);
		arm64_land(a, other);
		arm64_put(a, A_DMB_ISH);
		arm64_mov(a, width, A_R0, A_T1);
		ebpf_jit_forget(&a->gen, 0, 0);
		return;
	}
	if (info->fn == EBPF_FN_XCHG) {
		arm64_put(a, STLXR | size | A_T3 << 16 | at << 5 | src);
	} else {
		arm64_rrr(a, plain(info->fn) | width, A_T2, A_T1, src);
		arm64_put(a, (fetch ? STLXR : STXR) | size | A_T3 << 16 |
				     at << 5 | A_T2);
	}
	branch_back(a, A_CBNZ | A_T3, again);
	if (fetch) {
		arm64_put(a, A_DMB_ISH);
		arm64_mov(a, width, src, A_T1);
		ebpf_jit_forget(&a->gen, op->src, op->src);
	}
}

/* ST's value in a register: A_T0, or the one that is zero. */
static uint32_t
constant(struct arm64 *a, uint32_t bits, uint64_t value)
{
	if (value == 0)
		return A_ZR;
	arm64_const(a, A_T0, bits == 64 ? value : value & ((1ull << bits) - 1));
	return A_T0;
}

/* The access of an op, at rn + (index << scale) + off; scale -1: no index. */
static void
access_at(struct arm64 *a, const struct ebpf_op *op, uint32_t rn,
	  uint32_t index, int32_t scale, int32_t off)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t kind = A_STORE, rt = arm64_regs[op->src];

	switch (info->fn) {
	case EBPF_FN_LDX:
		kind = A_LOAD;
		rt = arm64_regs[op->dst];
		break;
	case EBPF_FN_LDXS:
		kind = A_LOADS;
		rt = arm64_regs[op->dst];
		break;
	case EBPF_FN_ST:
		rt = constant(a, info->width, (uint64_t)op->imm);
		break;
	}
	if (scale >= 0) { /* add T1, rn, index, lsl scale */
		arm64_rrr(a, A_ADD | A_X | (uint32_t)scale << 10, A_T1, rn,
			  index);
		rn = A_T1;
	}
	arm64_access(a, kind, info->width, rt, rn, off);
}

/* What jit_match.h recognises. */
uint32_t
arm64_match(struct ebpf_jit_gen *gen, const struct ebpf_jit_match *match)
{
	struct arm64 *a = arm64_of(gen);
	uint32_t width = match->width == 64 ? A_X : 0;
	uint32_t dst = arm64_regs[match->dst], src = arm64_regs[match->src];

	switch (match->kind) {
	case EBPF_JIT_ADDRESS:
		access_at(a, match->op, arm64_regs[match->base],
			  arm64_regs[match->index],
			  match->indexed ? match->scale : -1, match->off);
		break;
	case EBPF_JIT_ROTATE: /* ror, which is extr of one register */
		if (match->width == 16) { /* by 8 */
			arm64_put(a, A_REV16 | src << 5 | dst);
			break;
		}
		arm64_rrr(a, 0x13800000 | width | (width ? 1u << 22 : 0) |
				     (match->width - match->count) << 10,
			  dst, src, src);
		break;
	}
	return match->slots;
}

uint32_t
arm64_memory(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct arm64 *a = arm64_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint32_t dst = arm64_regs[op->dst], src = arm64_regs[op->src];
	uint32_t bits = info->width;

	switch (info->fn) {
	case EBPF_FN_LDX:
	case EBPF_FN_LDXS:
		access_at(a, op, src, 0, -1, op->off);
		ebpf_jit_forget(&a->gen, op->dst, op->dst);
		break;
	case EBPF_FN_ST:
	case EBPF_FN_STX:
		access_at(a, op, dst, 0, -1, op->off);
		break;
	case EBPF_FN_LOAD_ACQ:
		src = address(a, src, op->off);
		arm64_put(a, LDAR | size_field(bits) | src << 5 | dst);
		ebpf_jit_forget(&a->gen, op->dst, op->dst);
		break;
	case EBPF_FN_STORE_REL:
		dst = address(a, dst, op->off);
		arm64_put(a, STLR | size_field(bits) | dst << 5 | src);
		break;
	default:
		atomic(a, op, info);
		break;
	}
	return 1;
}
