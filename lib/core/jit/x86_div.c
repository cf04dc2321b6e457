/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: division and remainder. RFC 9669 section 4.1: by zero gives 0, the
 * remainder by zero leaves the destination; the least number by -1 wraps. All
 * of that would fault in the machine. Constant divisors become a multiplication
 * with the reciprocal (Granlund and Montgomery). Used by x86_alu.c.
 */
#include "core/jit/x86_enc.h"

struct divide {
	uint32_t width; /* 0 or X_W */
	uint32_t dst;
	bool is_signed;
	bool remainder;
};

/* Quotient of (high * 2^64) / divisor, high < divisor; the rest in *rest. */
static uint64_t
divide_128(uint64_t high, uint64_t divisor, uint64_t *rest)
{
	uint64_t quotient = 0;

	for (uint32_t i = 0; i < 64; i++) {
		uint64_t carry = high >> 63;

		high <<= 1;
		quotient <<= 1;
		if (carry || high >= divisor) {
			high -= divisor;
			quotient |= 1;
		}
	}
	*rest = high;
	return quotient;
}

/* hi, lo = rdx * rm: mulx, flags and rdx untouched */
static void
mulx(struct x86 *x, uint32_t high, uint32_t low, uint32_t rm)
{
	uint32_t first = 0xe2 & ~(high >> 3 << 7 | rm >> 3 << 5);
	uint32_t second = 0x80 | (~low & 15) << 3 | 3;

	x86_put(x, 0xc4 | first << 8 | second << 16 | (uint64_t)0xf6 << 24 |
			(uint64_t)(0xc0 | (high & 7) << 3 | (rm & 7)) << 32, 5);
}

/* r10 = upper half of from * magic; r9 and r11 are lost */
static void
multiply_high(struct x86 *x, uint32_t from, uint64_t magic)
{
	if (x->features & EBPF_JIT_X86_BMI2) {
		if (from == RDX) {
			x86_const(x, R11, magic);
			mulx(x, R10, R11, R11);
			return;
		}
		x86_mov(x, X_W, R9, RDX);
		x86_const(x, RDX, magic);
		mulx(x, R10, R11, from);
		x86_mov(x, X_W, RDX, R9);
		return;
	}
	x86_mov(x, X_W, R9, RDX);
	x86_mov(x, X_W, R11, RAX);
	if (from == RAX) {
		x86_const(x, RDX, magic);
		x86_rr(x, OP_GROUP3 | X_W, G3_MUL, RDX);
	} else {
		x86_const(x, RAX, magic);
		x86_rr(x, OP_GROUP3 | X_W, G3_MUL, from);
	}
	x86_mov(x, X_W, R10, RDX);
	x86_mov(x, X_W, RAX, R11);
	x86_mov(x, X_W, RDX, R9);
}

/* r10 = dst / divisor, unsigned, divisor no power of two; dst is zero-extended
 * when 32 bits count. */
static void
quotient_by_constant(struct x86 *x, const struct divide *div, uint64_t divisor)
{
	uint32_t log = 63 - (uint32_t)__builtin_clzll(divisor);
	uint64_t rest, magic;

	if (!div->width) {
		/*
		 * 2^64 / divisor rounded up: the error is below divisor / 2^64
		 * a unit, less than it takes to reach the next quotient.
		 */
		multiply_high(x, div->dst, ~0ull / divisor + 1);
		return;
	}
	magic = divide_128(1ull << log, divisor, &rest);
	if (divisor - rest < 1ull << log) {
		multiply_high(x, div->dst, magic + 1);
		x86_shift_imm(x, X_W, SHIFT_SHR, R10, log);
		return;
	}
	/*
	 * The reciprocal needs 65 bits: its top bit is added by hand. One more
	 * bit of the quotient is 0, as rest <= divisor - 2^log < divisor / 2.
	 */
	multiply_high(x, div->dst, magic * 2 + 1);
	x86_mov(x, X_W, R11, div->dst);
	x86_rr(x, OP_SUB | X_W, R10, R11);
	x86_shift_imm(x, X_W, SHIFT_SHR, R11, 1);
	x86_rr(x, OP_ADD | X_W, R11, R10);
	x86_shift_imm(x, X_W, SHIFT_SHR, R10, log);
}

static void
unsigned_by_constant(struct x86 *x, const struct divide *div, uint64_t divisor)
{
	uint32_t width = div->width;

	if ((divisor & (divisor - 1)) == 0) {
		uint32_t log = 63 - (uint32_t)__builtin_clzll(divisor);

		if (!div->remainder) {
			if (log > 0)
				x86_shift_imm(x, width, SHIFT_SHR, div->dst,
					      log);
			else if (!width)
				x86_mov(x, 0, div->dst, div->dst);
		} else if (log < 32) { /* the mask is positive */
			x86_alu_imm(x, OP_AND, div->dst,
				    (int32_t)(divisor - 1));
		} else {
			x86_const(x, R10, divisor - 1);
			x86_rr(x, OP_AND | X_W, R10, div->dst);
		}
		return;
	}
	if (!width)
		x86_mov(x, 0, div->dst, div->dst);
	quotient_by_constant(x, div, divisor);
	if (!div->remainder) {
		x86_mov(x, width, div->dst, R10);
		return;
	}
	if (divisor <= 0x7fffffffu) {
		x86_rr(x, width | 0x69, R10, R10);
		x86_put(x, divisor, 4);
	} else {
		x86_const(x, R11, divisor);
		x86_rr(x, OP_IMUL | width, R10, R11);
	}
	x86_rr(x, OP_SUB | width, R10, div->dst);
}

static void
zero_divisor(struct x86 *x, const struct divide *div)
{
	if (!div->remainder)
		x86_const(x, div->dst, 0);
	else if (!div->width)
		x86_mov(x, 0, div->dst, div->dst);
}

static void
minus_one_divisor(struct x86 *x, const struct divide *div)
{
	if (div->remainder)
		x86_const(x, div->dst, 0);
	else
		x86_rr(x, OP_GROUP3 | div->width, G3_NEG, div->dst);
}

/* The machine's division; by is not rax or rdx, and not 0 (nor -1). */
static void
machine(struct x86 *x, const struct divide *div, uint32_t by)
{
	uint32_t dst = div->dst, result = div->remainder ? RDX : RAX;

	if (dst != RAX)
		x86_mov(x, X_W, R10, RAX);
	if (dst != RDX)
		x86_mov(x, X_W, R9, RDX);
	if (dst != RAX)
		x86_mov(x, div->width, RAX, dst);
	if (div->is_signed) {
		x86_opcode(x, div->width | 0x99, 0, 0, 0); /* cdq, cqo */
		x86_rr(x, OP_GROUP3 | div->width, G3_IDIV, by);
	} else {
		x86_const(x, RDX, 0);
		x86_rr(x, OP_GROUP3 | div->width, G3_DIV, by);
	}
	if (dst != result)
		x86_mov(x, div->width, dst, result);
	if (dst != RAX)
		x86_mov(x, X_W, RAX, R10);
	if (dst != RDX)
		x86_mov(x, X_W, RDX, R9);
}

static void
by_register(struct x86 *x, const struct divide *div, uint32_t by)
{
	uint32_t zero, minus_one = 0, done;

	if (by == RAX || by == RDX) {
		x86_mov(x, div->width, R11, by);
		by = R11;
	}
	x86_rr(x, OP_TEST | div->width, by, by);
	zero = x86_skip(x, CC_E);
	if (div->is_signed) {
		x86_alu_imm(x, OP_CMP | div->width, by, -1);
		minus_one = x86_skip(x, CC_E);
	}
	machine(x, div, by);
	if (div->remainder && div->width && !div->is_signed) {
		x86_land(x, zero); /* nothing to do there */
		return;
	}
	done = x86_skip(x, CC_ALWAYS);
	x86_land(x, zero);
	zero_divisor(x, div);
	if (div->is_signed) {
		uint32_t end = x86_skip(x, CC_ALWAYS);

		x86_land(x, minus_one);
		minus_one_divisor(x, div);
		x86_land(x, end);
	}
	x86_land(x, done);
}

void
x86_divide(struct x86 *x, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct divide div = {
		.width = info->width == 64 ? X_W : 0,
		.dst = x86_regs[op->dst],
		.is_signed = info->fn == EBPF_FN_SDIV ||
			     info->fn == EBPF_FN_SMOD,
		.remainder = info->fn == EBPF_FN_MOD ||
			     info->fn == EBPF_FN_SMOD,
	};

	if (info->form == EBPF_FORM_ALU_REG) {
		by_register(x, &div, x86_regs[op->src]);
	} else if (op->imm == 0) {
		zero_divisor(x, &div);
	} else if (div.is_signed && op->imm == -1) {
		minus_one_divisor(x, &div);
	} else if (div.is_signed) {
		x86_const(x, R11, (uint64_t)op->imm);
		machine(x, &div, R11);
	} else {
		unsigned_by_constant(x, &div,
				     div.width ? (uint64_t)op->imm :
						 (uint32_t)op->imm);
	}
}
