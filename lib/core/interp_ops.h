/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What each instruction does, for interp.c alone. Bottom up: what arithmetic,
 * comparisons and loads compute, one line for each fn of insn.def; what an
 * instruction of each form does with that, one macro for each form; and from
 * both, by going through insn.def, functions for each row:
 *
 *	value_ROW(op, d, s)  what it leaves in its destination, for rows that
 *			     do nothing else
 *	link_ROW(op, &d, s)  the same on a value that is not in its register;
 *			     for comparisons too: true, it jumps
 *	take_ROW(m, op)	     execute it; true: it jumps
 *	do_ROW(m, op)	     execute it; the op to go on with, NULL: the run
 *			     ends with r0
 *
 * How ADD64_IMM is executed: its row says form ALU_IMM, fn ADD, width 64, so
 * VALUES(ADD, d + s) and ROW_ALU_IMM. Then the same for lines of fused.def.
 */
#ifndef CORE_INTERP_OPS_H
#define CORE_INTERP_OPS_H

#include "core/each.h"
#include "core/fuse.h"
#include "core/os.h"
#include "core/prog.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "le16..le64 truncate, be16..be64 swap");

/* All of this becomes part of handlers, whatever the compiler thinks of it. */
#define INSIDE static inline __attribute__((__always_inline__))

/* ---- the machine ---- */

/* What a local call saves; the caller's frame pointer follows from func. */
struct frame {
	const struct ebpf_op *ret;
	uint32_t func; /* the caller */
	uint32_t loop; /* a helper calls, see loops at the same depth */
	uint64_t r6, r7, r8, r9;
};

/* What a callback's frame also has: it is called again. */
struct loop {
	struct ebpf_each each;
	uint64_t ctx;
	const struct ebpf_op *callback;
};

struct machine {
	uint64_t r[EBPF_REG_COUNT];
	const struct ebpf_prog *prog;
	uint32_t depth, func;	   /* frames in use; index of the function */
	uint64_t start_r1, start_r2, start_r3; /* the run began with these */
	uint32_t *tail_calls;	   /* of all programs of the run */
	bool *ended;		   /* it ends here, whoever called */
	struct frame frames[EBPF_FRAME_MAX - 1];
	struct loop loops[EBPF_FRAME_MAX - 1];
};

/* What calls and exits do, out of line in interp.c; as do_ROW. */
static const struct ebpf_op *call_engine(struct machine *m,
					 const struct ebpf_op *op,
					 const struct ebpf_helper *helper);
static const struct ebpf_op *call_number(struct machine *m,
					 const struct ebpf_op *op);
static const struct ebpf_op *call_local(struct machine *m,
					const struct ebpf_op *op);
static const struct ebpf_op *leave(struct machine *m);
static const struct ebpf_op *load_packet(struct machine *m,
					 const struct ebpf_op *op,
					 uint32_t index, uint32_t bytes);
static const struct ebpf_op *fault(struct machine *m);

/* ---- arithmetic: d and s have the row's width, and so has the result ---- */

INSIDE uint64_t
sdiv64(uint64_t d, uint64_t s)
{
	if (s == 0)
		return 0;
	if (s == UINT64_MAX)
		return 0 - d;
	return (uint64_t)((int64_t)d / (int64_t)s);
}

INSIDE uint64_t
smod64(uint64_t d, uint64_t s)
{
	if (s == 0)
		return d;
	if (s == UINT64_MAX)
		return 0;
	return (uint64_t)((int64_t)d % (int64_t)s);
}

INSIDE uint32_t
sdiv32(uint32_t d, uint32_t s)
{
	if (s == 0)
		return 0;
	if (s == UINT32_MAX)
		return 0 - d;
	return (uint32_t)((int32_t)d / (int32_t)s);
}

INSIDE uint32_t
smod32(uint32_t d, uint32_t s)
{
	if (s == 0)
		return d;
	if (s == UINT32_MAX)
		return 0;
	return (uint32_t)((int32_t)d % (int32_t)s);
}

#define VALUE(fn, bits, expression)                              \
	INSIDE uint64_t fn##_##bits(uint64_t dst, uint64_t src)  \
	{                                                        \
		const uint##bits##_t d = (uint##bits##_t)dst;    \
		const uint##bits##_t s = (uint##bits##_t)src;    \
                                                                 \
		(void)d;                                         \
		(void)s;                                         \
		return (uint##bits##_t)(expression);             \
	}
#define VALUES(fn, expression)    \
	VALUE(fn, 64, expression) \
	VALUE(fn, 32, expression)

VALUES(ADD, d + s)
VALUES(SUB, d - s)
VALUES(MUL, d * s)
VALUES(DIV, s == 0 ? 0 : d / s)
VALUES(OR, d | s)
VALUES(AND, d & s)
VALUES(MOD, s == 0 ? d : d % s)
VALUES(XOR, d ^ s)
VALUES(MOV, s)
VALUES(NEG, 0 - d)
VALUE(LSH, 64, d << (s & 63))
VALUE(LSH, 32, d << (s & 31))
VALUE(RSH, 64, d >> (s & 63))
VALUE(RSH, 32, d >> (s & 31))
VALUE(ARSH, 64, (int64_t)d >> (s & 63))
VALUE(ARSH, 32, (int32_t)d >> (s & 31))
VALUE(SDIV, 64, sdiv64(d, s))
VALUE(SDIV, 32, sdiv32(d, s))
VALUE(SMOD, 64, smod64(d, s))
VALUE(SMOD, 32, smod32(d, s))
VALUES(MOVSX8, (int8_t)s)
VALUES(MOVSX16, (int16_t)s)
VALUE(MOVSX32, 64, (int32_t)s)
VALUE(LE, 16, d)
VALUE(LE, 32, d)
VALUE(LE, 64, d)
VALUE(BE, 16, __builtin_bswap16(d))
VALUE(BE, 32, __builtin_bswap32(d))
VALUE(BE, 64, __builtin_bswap64(d))
VALUE(BSWAP, 16, __builtin_bswap16(d))
VALUE(BSWAP, 32, __builtin_bswap32(d))
VALUE(BSWAP, 64, __builtin_bswap64(d))

/* ---- comparisons, whose result is no number but that it holds ---- */

#define TEST(fn, bits, condition)                             \
	INSIDE bool fn##_##bits(uint64_t dst, uint64_t src)   \
	{                                                     \
		const uint##bits##_t d = (uint##bits##_t)dst; \
		const uint##bits##_t s = (uint##bits##_t)src; \
                                                              \
		return condition;                             \
	}
#define TESTS(fn, condition)    \
	TEST(fn, 64, condition) \
	TEST(fn, 32, condition)

TESTS(JEQ, d == s)
TESTS(JNE, d != s)
TESTS(JGT, d > s)
TESTS(JGE, d >= s)
TESTS(JLT, d < s)
TESTS(JLE, d <= s)
TESTS(JSET, (d & s) != 0)
TEST(JSGT, 64, (int64_t)d > (int64_t)s)
TEST(JSGT, 32, (int32_t)d > (int32_t)s)
TEST(JSGE, 64, (int64_t)d >= (int64_t)s)
TEST(JSGE, 32, (int32_t)d >= (int32_t)s)
TEST(JSLT, 64, (int64_t)d < (int64_t)s)
TEST(JSLT, 32, (int32_t)d < (int32_t)s)
TEST(JSLE, 64, (int64_t)d <= (int64_t)s)
TEST(JSLE, 32, (int32_t)d <= (int32_t)s)

/* ---- memory of programs, of any alignment and any type ---- */

#define MEMORY(bits)                                                     \
	struct mem##bits {                                               \
		uint##bits##_t v;                                        \
	} __attribute__((packed, may_alias));                            \
	INSIDE uint64_t LDX_##bits(uint64_t at)                          \
	{                                                                \
		return ((const struct mem##bits *)(uintptr_t)at)->v;     \
	}                                                                \
	INSIDE uint64_t LDXS_##bits(uint64_t at)                         \
	{                                                                \
		return (uint64_t)(int##bits##_t)LDX_##bits(at);          \
	}                                                                \
	INSIDE void store_##bits(uint64_t at, uint64_t value)            \
	{                                                                \
		((struct mem##bits *)(uintptr_t)at)->v =                 \
			(uint##bits##_t)value;                           \
	}                                                                \
	INSIDE uint64_t LOAD_ACQ_##bits(uint64_t at)                     \
	{                                                                \
		return __atomic_load_n((uint##bits##_t *)(uintptr_t)at,  \
				       __ATOMIC_ACQUIRE);                \
	}                                                                \
	INSIDE void STORE_REL_##bits(uint64_t at, uint64_t value)        \
	{                                                                \
		__atomic_store_n((uint##bits##_t *)(uintptr_t)at,        \
				 (uint##bits##_t)value,                  \
				 __ATOMIC_RELEASE);                      \
	}
MEMORY(8)
MEMORY(16)
MEMORY(32)
MEMORY(64)

/*
 * Atomic operations on what `at` points to. Fetching forms are fully ordered,
 * the others only atomic, as on Linux.
 */
#define ATOMIC(fn, bits, builtin)                                           \
	INSIDE void atomic_##fn##_##bits(struct machine *m, uint64_t at,    \
					 uint8_t src)                       \
	{                                                                   \
		builtin((uint##bits##_t *)(uintptr_t)at,                    \
			(uint##bits##_t)m->r[src], __ATOMIC_RELAXED);       \
	}                                                                   \
	INSIDE void atomic_FETCH_##fn##_##bits(struct machine *m,           \
					       uint64_t at, uint8_t src)    \
	{                                                                   \
		m->r[src] = builtin((uint##bits##_t *)(uintptr_t)at,        \
				    (uint##bits##_t)m->r[src],              \
				    __ATOMIC_SEQ_CST);                      \
	}
#define ATOMICS(bits)                                                       \
	ATOMIC(ADD, bits, __atomic_fetch_add)                               \
	ATOMIC(OR, bits, __atomic_fetch_or)                                 \
	ATOMIC(AND, bits, __atomic_fetch_and)                               \
	ATOMIC(XOR, bits, __atomic_fetch_xor)                               \
	INSIDE void atomic_XCHG_##bits(struct machine *m, uint64_t at,      \
				       uint8_t src)                         \
	{                                                                   \
		m->r[src] = __atomic_exchange_n(                            \
			(uint##bits##_t *)(uintptr_t)at,                    \
			(uint##bits##_t)m->r[src], __ATOMIC_SEQ_CST);       \
	}                                                                   \
	INSIDE void atomic_CMPXCHG_##bits(struct machine *m, uint64_t at,   \
					  uint8_t src)                      \
	{                                                                   \
		uint##bits##_t old = (uint##bits##_t)m->r[0];               \
                                                                            \
		__atomic_compare_exchange_n(                                \
			(uint##bits##_t *)(uintptr_t)at, &old,              \
			(uint##bits##_t)m->r[src], false, __ATOMIC_SEQ_CST, \
			__ATOMIC_SEQ_CST);                                  \
		m->r[0] = old;                                              \
	}
ATOMICS(64)
ATOMICS(32)

/* ---- rows, by form ---- */

INSIDE uint64_t
address(const struct ebpf_op *op, uint64_t base)
{
	return base + (uint64_t)(int64_t)op->off;
}

/* In run form off is the distance in bytes: a chain of loads and additions. */
INSIDE const struct ebpf_op *
target(const struct ebpf_op *op)
{
	return (const struct ebpf_op *)((const char *)op + op->off);
}

/*
 * The same behind a comparison. Branches are predicted; without the barrier
 * compilers choose between two ops by a conditional move, or compute the one
 * and the other in common, and all that follows waits for the comparison.
 */
INSIDE const struct ebpf_op *
jump(const struct ebpf_op *op)
{
	const struct ebpf_op *to = target(op);

	__asm__ volatile("" : "+r"(to));
	return to;
}

/* The six forms of body; `what` may name m, op, d and s. */
#define ROW_VALUE(row, what)                                              \
	INSIDE uint64_t value_##row(const struct ebpf_op *op, uint64_t d, \
				    uint64_t s)                           \
	{                                                                 \
		return what;                                              \
	}                                                                 \
	INSIDE bool link_##row(const struct ebpf_op *op, uint64_t *d,     \
			       uint64_t s)                                \
	{                                                                 \
		*d = value_##row(op, *d, s);                              \
		return false;                                             \
	}                                                                 \
	ROW_EFFECT(row, m->r[op->dst] = value_##row(op, m->r[op->dst],    \
						    m->r[op->src]))
#define ROW_EFFECT(row, what) ROW_TAKE(row, ((void)(what), false))
#define ROW_TEST(row, what)                                           \
	INSIDE bool link_##row(const struct ebpf_op *op, uint64_t *d, \
			       uint64_t s)                            \
	{                                                             \
		return what;                                          \
	}                                                             \
	ROW_TAKE(row, link_##row(op, &m->r[op->dst], m->r[op->src]))
#define ROW_TAKE(row, what)                                             \
	INSIDE bool take_##row(struct machine *m, const struct ebpf_op *op) \
	{                                                               \
		return what;                                            \
	}                                                               \
	ROW_GOES(row, take_##row(m, op) ? jump(op) : op + SLOTS_##row)
#define ROW_GOES(row, what)                                      \
	INSIDE const struct ebpf_op *do_##row(struct machine *m, \
					      const struct ebpf_op *op) \
	{                                                        \
		return what;                                     \
	}

#define ROW_ALU_IMM(row, fn, bits) \
	ROW_VALUE(row, fn##_##bits(d, (uint64_t)op->imm))
#define ROW_ALU_REG(row, fn, bits) ROW_VALUE(row, fn##_##bits(d, s))
#define ROW_ALU_UNARY(row, fn, bits) ROW_VALUE(row, fn##_##bits(d, 0))
#define ROW_ENDIAN(row, fn, bits) ROW_VALUE(row, fn##_##bits(d, 0))
#define ROW_LDX(row, fn, bits) ROW_VALUE(row, fn##_##bits(address(op, s)))
#define ROW_LOAD_ACQ(row, fn, bits) \
	ROW_VALUE(row, fn##_##bits(address(op, s)))
#define ROW_ST(row, fn, bits)                                     \
	ROW_EFFECT(row, store_##bits(address(op, m->r[op->dst]), \
				     (uint64_t)op->imm))
#define ROW_STX(row, fn, bits)                                    \
	ROW_EFFECT(row, store_##bits(address(op, m->r[op->dst]), \
				     m->r[op->src]))
#define ROW_STORE_REL(row, fn, bits)                                \
	ROW_EFFECT(row, fn##_##bits(address(op, m->r[op->dst]), \
				    m->r[op->src]))
#define ROW_ATOMIC(row, fn, bits)                        \
	ROW_EFFECT(row, atomic_##fn##_##bits(            \
				m, address(op, m->r[op->dst]), op->src))
#define ROW_JCC_IMM(row, fn, bits) \
	ROW_TEST(row, fn##_##bits(*d, (uint64_t)op->imm))
#define ROW_JCC_REG(row, fn, bits) \
	ROW_TEST(row, fn##_##bits(*d, s))
#define ROW_JA(row, fn, bits) ROW_GOES(row, target(op))
#define ROW_JA32(row, fn, bits) ROW_GOES(row, target(op))
/* A function's address is a distance until it runs. */
#define ROW_LDDW(row, fn, bits)                                        \
	ROW_EFFECT(row, m->r[op->dst] =                                \
				EBPF_OP_##row == EBPF_OP_LDDW_FUNC ? \
					(uintptr_t)target(op) :        \
					(uint64_t)op->imm)
#define ROW_CALL(row, fn, bits) ROW_GOES(row, row##_row(m, op))
#define ROW_CALLX(row, fn, bits) ROW_GOES(row, call_number(m, op))
#define ROW_CALL_LOCAL(row, fn, bits) ROW_GOES(row, call_local(m, op))
#define ROW_EXIT(row, fn, bits) \
	ROW_GOES(row, os_likely(m->depth == 0) ? NULL : leave(m))
#define ROW_LDDW_HI(row, fn, bits) ROW_GOES(row, fault(m))
#define ROW_LD_ABS(row, fn, bits) \
	ROW_GOES(row, load_packet(m, op, 0, bits / 8))
#define ROW_LD_IND(row, fn, bits) \
	ROW_GOES(row, load_packet(m, op, (uint32_t)m->r[op->src], bits / 8))

INSIDE const struct ebpf_op *
CALL_HELPER_row(struct machine *m, const struct ebpf_op *op)
{
	const struct ebpf_helper *helper =
		(const struct ebpf_helper *)(uintptr_t)op->imm;

	if (os_unlikely(helper->flags &
			(EBPF_HELPER_TAIL | EBPF_HELPER_LOOP)))
		return call_engine(m, op, helper);
	m->r[0] = helper->fn(m->r[1], m->r[2], m->r[3], m->r[4], m->r[5],
			     m->prog);
	return op + 1;
}

INSIDE const struct ebpf_op *
CALL_KFUNC_row(struct machine *m, const struct ebpf_op *op)
{
	return fault(m);
}

/* What is known of a row before it runs. */
enum {
#define EBPF_INSN(row, code, sel, value, form, fn, width, cpu, group)   \
	LOADS_##row = EBPF_FORM_##form == EBPF_FORM_LDX,                \
	SLOTS_##row = EBPF_FORM_##form == EBPF_FORM_LDDW ? 2 : 1,       \
	ENDS_##row = EBPF_FORM_##form == EBPF_FORM_CALL ||              \
		     EBPF_FORM_##form == EBPF_FORM_CALLX ||             \
		     EBPF_FORM_##form == EBPF_FORM_CALL_LOCAL ||        \
		     EBPF_FORM_##form == EBPF_FORM_EXIT ||              \
		     EBPF_FORM_##form == EBPF_FORM_LDDW_HI ||           \
		     EBPF_FORM_##form == EBPF_FORM_LD_ABS ||            \
		     EBPF_FORM_##form == EBPF_FORM_LD_IND,
#include "abi/insn.def"
};

#define EBPF_INSN(row, code, sel, value, form, fn, width, cpu, group) \
	ROW_##form(row, fn, width)
#include "abi/insn.def"

/* ---- lines of fused.def ---- */

#define SEQ2(a, b)                           \
	if (take_##a(m, op))                 \
		return jump(op);           \
	return do_##b(m, op + SLOTS_##a);
#define SEQ3(a, b, c)                        \
	if (take_##a(m, op))                 \
		return jump(op);           \
	op += SLOTS_##a;                     \
	SEQ2(b, c)
#define SEQ4(a, b, c, d)                     \
	if (take_##a(m, op))                 \
		return jump(op);           \
	op += SLOTS_##a;                     \
	SEQ3(b, c, d)

/*
 * Two of a chain, the value in v until the second is done with it. Of loads
 * behind others v is the base.
 */
#define LINK(row, op, v) \
	link_##row(op, &(v), LOADS_##row ? (v) : m->r[(op)->src])
#define CHAIN(a, b)                                                       \
	uint64_t v = value_##a(op, m->r[op->dst], m->r[op->src]);         \
	bool jumps = LINK(b, op + 1, v);                                  \
                                                                          \
	m->r[op->dst] = v;                                                \
	if (jumps)                                                        \
		return jump(op + 1);                                      \
	op += 2;
#define CHAIN2(a, b) \
	CHAIN(a, b)  \
	return op;
#define CHAIN3(a, b, c)                                                   \
	uint64_t v = value_##a(op, m->r[op->dst], m->r[op->src]);         \
	bool jumps;                                                       \
                                                                          \
	v = value_##b(op + 1, v, m->r[op[1].src]);                        \
	jumps = LINK(c, op + 2, v);                                       \
	m->r[op->dst] = v;                                                \
	return jumps ? jump(op + 2) : op + 3;
#define HEAD3(a, b, c) \
	CHAIN(a, b)    \
	return do_##c(m, op);
#define HEAD4(a, b, c, d) \
	CHAIN(a, b)       \
	SEQ2(c, d)
#define TAIL3(a, b, c)       \
	if (take_##a(m, op)) \
		return jump(op); \
	op += SLOTS_##a;     \
	CHAIN2(b, c)
#define TAIL4(a, b, c, d)    \
	if (take_##a(m, op)) \
		return jump(op); \
	op += SLOTS_##a;     \
	TAIL3(b, c, d)

#define FUSED(name, last, body)                                        \
	enum { ENDS_##name = ENDS_##last };                            \
	INSIDE const struct ebpf_op *do_##name(struct machine *m,      \
					       const struct ebpf_op *op) \
	{                                                              \
		body                                                   \
	}
#define EBPF_FUSED2(how, a, b) FUSED(how##_##a##_##b, b, how##2(a, b))
#define EBPF_FUSED3(how, a, b, c) \
	FUSED(how##_##a##_##b##_##c, c, how##3(a, b, c))
#define EBPF_FUSED4(how, a, b, c, d) \
	FUSED(how##_##a##_##b##_##c##_##d, d, how##4(a, b, c, d))
#include "core/fused.def"

#endif
