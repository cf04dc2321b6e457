/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The interpreter. One function, one label for each row of insn.def, and each
 * handler jumps to the next one itself. Registers live in an array on the C
 * stack, local calls push onto a small array of frames, and only a tail call
 * from a subprogram nests a second C frame. Trusts what the verifier proved;
 * checks nothing that it checks, except depths, which cost nothing here.
 */
#include "core/interp.h"

#include "core/ctx.h"
#include "core/each.h"
#include "core/map.h"
#include "core/os.h"
#include "core/runtime.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "le16..le64 truncate, be16..be64 swap");

/* Memory of programs has any alignment and any type. */
struct mem8 {
	uint8_t v;
} __attribute__((packed, may_alias));
struct mem16 {
	uint16_t v;
} __attribute__((packed, may_alias));
struct mem32 {
	uint32_t v;
} __attribute__((packed, may_alias));
struct mem64 {
	uint64_t v;
} __attribute__((packed, may_alias));

/* What a local call saves; the caller's frame pointer follows from func. */
struct frame {
	uint32_t ret;  /* slot to go on at */
	uint16_t func; /* index of the caller */
	uint16_t loop; /* a helper calls, see loops at the same depth */
	uint64_t saved[4]; /* r6..r9 */
};

/* What a callback's frame also has: it is called again. */
struct loop {
	struct ebpf_each each;
	uint64_t ctx;
	const struct ebpf_op *callback;
};

bool
ebpf_packet_of(const struct ebpf_kind *kind, uint64_t r1, uint64_t r2,
	       const uint8_t **data, uint64_t *len)
{
	const uint8_t *ctx = (const uint8_t *)(uintptr_t)r1;
	uint64_t start = 0, end = 0;
	uint32_t i;
	bool skb;

	if (kind == NULL || ctx == NULL)
		return false;
	skb = (kind->bit & EBPF_KINDS_SKB) != 0;
	if (kind->entry != EBPF_ENTRY_CTX) {
		*data = ctx;
		*len = kind->entry == EBPF_ENTRY_BUF ? (uint16_t)r2 : r2;
		return true;
	}
	if (skb) {
		/* socket filters have the packet and no field that says so */
		const struct ebpf_pkt *pkt =
			(const struct ebpf_pkt *)(uintptr_t)r1;

		start = (uintptr_t)pkt->data;
		end = (uintptr_t)pkt->data_end;
	}
	for (i = 0; !skb && i < kind->field_count; i++) {
		const struct ebpf_ctx_field *field = &kind->fields[i];

		if (field->host_size != sizeof(void *))
			continue;
		if (field->type == EBPF_CTX_PKT)
			memcpy(&start, ctx + field->host_off, sizeof(void *));
		else if (field->type == EBPF_CTX_PKT_END)
			memcpy(&end, ctx + field->host_off, sizeof(void *));
	}
	if (start == 0 || end < start)
		return false;
	*data = (const uint8_t *)(uintptr_t)start;
	*len = end - start;
	return true;
}

/* Rare, and out of line so that it adds nothing to the interpreter's frame. */
static __attribute__((__noinline__)) bool
load_packet(const struct ebpf_prog *prog, uint64_t r1, uint64_t r2,
	    uint32_t off, uint32_t bytes, uint64_t *value)
{
	const uint8_t *data;
	uint64_t len, v = 0;
	uint32_t i;

	if (!ebpf_packet_of(prog->kind, r1, r2, &data, &len) || len < bytes ||
	    off > len - bytes)
		return false;
	for (i = 0; i < bytes; i++)
		v = v << 8 | data[off + i];
	*value = v;
	return true;
}

/* The function that begins at a slot; funcs ascend. */
static __attribute__((__noinline__)) uint32_t
func_at(const struct ebpf_prog *prog, uint32_t slot)
{
	uint32_t low = 0, high = prog->func_count;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (prog->funcs[mid].start <= slot)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/*
 * Begin the loop that a helper makes: r1 is how often or what map, r2 the
 * function, r3 what it gets besides. 0, or what the helper returns at once.
 */
static __attribute__((__noinline__)) int64_t
loop_begin(struct loop *loop, const struct ebpf_helper *helper,
	   const uint64_t *r)
{
	loop->callback = (const struct ebpf_op *)(uintptr_t)r[2];
	loop->ctx = r[3];
	if (helper->number == EBPF_FUNC_loop)
		return ebpf_each_begin_loop(&loop->each, (uint32_t)r[1], r[4]);
	return ebpf_each_begin(&loop->each,
			       (struct ebpf_map *)(uintptr_t)r[1], r[4]);
}

/* The arguments of the next call, false when there is none. */
static __attribute__((__noinline__)) bool
loop_next(struct loop *loop, uint64_t *r)
{
	if (!ebpf_each_next(&loop->each))
		return false;
	if (loop->each.map == NULL) {
		r[1] = loop->each.key;
		r[2] = loop->ctx;
	} else {
		r[1] = (uintptr_t)loop->each.map;
		r[2] = loop->each.key;
		r[3] = loop->each.value;
		r[4] = loop->ctx;
	}
	return true;
}

static uint64_t
sdiv64(uint64_t d, uint64_t s)
{
	if (s == 0)
		return 0;
	if (s == UINT64_MAX)
		return 0 - d;
	return (uint64_t)((int64_t)d / (int64_t)s);
}

static uint64_t
smod64(uint64_t d, uint64_t s)
{
	if (s == 0)
		return d;
	if (s == UINT64_MAX)
		return 0;
	return (uint64_t)((int64_t)d % (int64_t)s);
}

static uint32_t
sdiv32(uint32_t d, uint32_t s)
{
	if (s == 0)
		return 0;
	if (s == UINT32_MAX)
		return 0 - d;
	return (uint32_t)((int32_t)d / (int32_t)s);
}

static uint32_t
smod32(uint32_t d, uint32_t s)
{
	if (s == 0)
		return d;
	if (s == UINT32_MAX)
		return 0;
	return (uint32_t)((int32_t)d % (int32_t)s);
}

/* The one way from handler to handler; visible at the end of each. */
#define GOTO_SLOT(next)              \
	do {                         \
		op = (next);         \
		goto *labels[op->code]; \
	} while (0)
#define GOTO_NEXT GOTO_SLOT(op + 1)

#define DST r[op->dst]
#define SRC r[op->src]
#define ADDR(reg) ((uintptr_t)((reg) + (uint64_t)(int64_t)op->off))
#define MEM(bits, reg) (((struct mem##bits *)ADDR(reg))->v)
#define CELL(bits, reg) ((uint##bits##_t *)ADDR(reg))

/* Both forms of a two-operand instruction; d and s have the row's width. */
#define BINARY(name, bits, expression)                                   \
	L_##name##bits##_IMM:                                            \
	{                                                                \
		uint##bits##_t d = (uint##bits##_t)DST;                  \
		uint##bits##_t s = (uint##bits##_t)op->imm;              \
		DST = (uint##bits##_t)(expression);                      \
		GOTO_NEXT;                                               \
	}                                                                \
	L_##name##bits##_REG:                                            \
	{                                                                \
		uint##bits##_t d = (uint##bits##_t)DST;                  \
		uint##bits##_t s = (uint##bits##_t)SRC;                  \
		DST = (uint##bits##_t)(expression);                      \
		GOTO_NEXT;                                               \
	}
#define BINARY_BOTH(name, expression) \
	BINARY(name, 64, expression)  \
	BINARY(name, 32, expression)

/* Both forms of a conditional jump. */
#define BRANCH(name, bits, condition)                                    \
	L_##name##bits##_IMM:                                            \
	{                                                                \
		uint##bits##_t d = (uint##bits##_t)DST;                  \
		uint##bits##_t s = (uint##bits##_t)op->imm;              \
		if (condition)                                           \
			GOTO_SLOT(op + 1 + op->off);                     \
		GOTO_NEXT;                                               \
	}                                                                \
	L_##name##bits##_REG:                                            \
	{                                                                \
		uint##bits##_t d = (uint##bits##_t)DST;                  \
		uint##bits##_t s = (uint##bits##_t)SRC;                  \
		if (condition)                                           \
			GOTO_SLOT(op + 1 + op->off);                     \
		GOTO_NEXT;                                               \
	}
#define BRANCH_BOTH(name, condition) \
	BRANCH(name, 64, condition)  \
	BRANCH(name, 32, condition)

#define LOAD(name, bits, type)                                           \
	L_##name:                                                        \
	DST = (uint64_t)(type)MEM(bits, SRC);                            \
	GOTO_NEXT;
#define STORE(letter, bits)                                              \
	L_ST##letter:                                                    \
	MEM(bits, DST) = (uint##bits##_t)op->imm;                        \
	GOTO_NEXT;                                                       \
	L_STX##letter:                                                   \
	MEM(bits, DST) = (uint##bits##_t)SRC;                            \
	GOTO_NEXT;

/* Fetching forms are fully ordered, the others only atomic, as on Linux. */
#define ATOMIC(name, bits, builtin)                                      \
	L_ATOMIC_##name##bits:                                           \
	builtin(CELL(bits, DST), (uint##bits##_t)SRC, __ATOMIC_RELAXED); \
	GOTO_NEXT;                                                       \
	L_ATOMIC_FETCH_##name##bits:                                     \
	SRC = builtin(CELL(bits, DST), (uint##bits##_t)SRC,              \
		      __ATOMIC_SEQ_CST);                                 \
	GOTO_NEXT;
#define ATOMIC_SWAPS(bits)                                               \
	L_ATOMIC_XCHG##bits:                                             \
	SRC = __atomic_exchange_n(CELL(bits, DST), (uint##bits##_t)SRC,  \
				  __ATOMIC_SEQ_CST);                     \
	GOTO_NEXT;                                                       \
	L_ATOMIC_CMPXCHG##bits:                                          \
	{                                                                \
		uint##bits##_t old = (uint##bits##_t)r[0];               \
		__atomic_compare_exchange_n(                             \
			CELL(bits, DST), &old, (uint##bits##_t)SRC,      \
			false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);      \
		r[0] = old;                                              \
		GOTO_NEXT;                                               \
	}
#define ORDERED(letter, bits)                                            \
	L_LOAD_ACQ##letter:                                              \
	DST = __atomic_load_n(CELL(bits, SRC), __ATOMIC_ACQUIRE);        \
	GOTO_NEXT;                                                       \
	L_STORE_REL##letter:                                             \
	__atomic_store_n(CELL(bits, DST), (uint##bits##_t)SRC,           \
			 __ATOMIC_RELEASE);                              \
	GOTO_NEXT;

static uint64_t run(uint64_t r1, uint64_t r2, uint64_t r3,
		    const struct ebpf_prog *prog, uint32_t *tail_calls,
		    bool *ended);

/*
 * tail_calls is shared by all programs of one run; *ended: it ends here. The
 * stack ends where r10 points to.
 */
static __attribute__((__noinline__)) uint64_t
interpret(uint64_t r1, uint64_t r2, uint64_t r3, const struct ebpf_prog *prog,
	  uint32_t *tail_calls, bool *ended, uint64_t r10)
{
	static const void *const labels[EBPF_OP_COUNT] OS_JUMP_TABLE = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	[EBPF_OP_##op] = &&L_##op,
#include "abi/insn.def"
	};
	uint64_t r[EBPF_REG_COUNT] = { 0 };
	struct frame frames[EBPF_FRAME_MAX - 1];
	struct loop loops[EBPF_FRAME_MAX - 1];
	const struct ebpf_op *op = prog->ops;
	uint32_t depth = 0, func = 0, packet_off, packet_bytes;

	r[1] = r1;
	r[2] = r2;
	r[3] = r3;
	r[10] = r10;
	goto *labels[op->code];

	BINARY_BOTH(ADD, d + s)
	BINARY_BOTH(SUB, d - s)
	BINARY_BOTH(MUL, d * s)
	BINARY_BOTH(DIV, s == 0 ? 0 : d / s)
	BINARY_BOTH(OR, d | s)
	BINARY_BOTH(AND, d & s)
	BINARY_BOTH(MOD, s == 0 ? d : d % s)
	BINARY_BOTH(XOR, d ^ s)
	BINARY(LSH, 64, d << (s & 63))
	BINARY(LSH, 32, d << (s & 31))
	BINARY(RSH, 64, d >> (s & 63))
	BINARY(RSH, 32, d >> (s & 31))
	BINARY(ARSH, 64, (int64_t)d >> (s & 63))
	BINARY(ARSH, 32, (int32_t)d >> (s & 31))
	BINARY(SDIV, 64, sdiv64(d, s))
	BINARY(SDIV, 32, sdiv32(d, s))
	BINARY(SMOD, 64, smod64(d, s))
	BINARY(SMOD, 32, smod32(d, s))

L_MOV64_IMM:
	DST = (uint64_t)op->imm;
	GOTO_NEXT;
L_MOV64_REG:
	DST = SRC;
	GOTO_NEXT;
L_MOV32_IMM:
	DST = (uint32_t)op->imm;
	GOTO_NEXT;
L_MOV32_REG:
	DST = (uint32_t)SRC;
	GOTO_NEXT;
L_MOVSX8_64:
	DST = (uint64_t)(int8_t)SRC;
	GOTO_NEXT;
L_MOVSX16_64:
	DST = (uint64_t)(int16_t)SRC;
	GOTO_NEXT;
L_MOVSX32_64:
	DST = (uint64_t)(int32_t)SRC;
	GOTO_NEXT;
L_MOVSX8_32:
	DST = (uint32_t)(int8_t)SRC;
	GOTO_NEXT;
L_MOVSX16_32:
	DST = (uint32_t)(int16_t)SRC;
	GOTO_NEXT;
L_NEG64:
	DST = 0 - DST;
	GOTO_NEXT;
L_NEG32:
	DST = 0 - (uint32_t)DST;
	GOTO_NEXT;

L_LE16:
	DST = (uint16_t)DST;
	GOTO_NEXT;
L_LE32:
	DST = (uint32_t)DST;
	GOTO_NEXT;
L_LE64:
	GOTO_NEXT;
L_BE16:
L_BSWAP16:
	DST = __builtin_bswap16((uint16_t)DST);
	GOTO_NEXT;
L_BE32:
L_BSWAP32:
	DST = __builtin_bswap32((uint32_t)DST);
	GOTO_NEXT;
L_BE64:
L_BSWAP64:
	DST = __builtin_bswap64(DST);
	GOTO_NEXT;

	LOAD(LDXB, 8, uint8_t)
	LOAD(LDXH, 16, uint16_t)
	LOAD(LDXW, 32, uint32_t)
	LOAD(LDXDW, 64, uint64_t)
	LOAD(LDXSB, 8, int8_t)
	LOAD(LDXSH, 16, int16_t)
	LOAD(LDXSW, 32, int32_t)
	STORE(B, 8)
	STORE(H, 16)
	STORE(W, 32)
	STORE(DW, 64)

	ATOMIC(ADD, 64, __atomic_fetch_add)
	ATOMIC(ADD, 32, __atomic_fetch_add)
	ATOMIC(OR, 64, __atomic_fetch_or)
	ATOMIC(OR, 32, __atomic_fetch_or)
	ATOMIC(AND, 64, __atomic_fetch_and)
	ATOMIC(AND, 32, __atomic_fetch_and)
	ATOMIC(XOR, 64, __atomic_fetch_xor)
	ATOMIC(XOR, 32, __atomic_fetch_xor)
	ATOMIC_SWAPS(64)
	ATOMIC_SWAPS(32)
	ORDERED(B, 8)
	ORDERED(H, 16)
	ORDERED(W, 32)
	ORDERED(DW, 64)

L_JA:
L_JA32:
	GOTO_SLOT(op + 1 + op->off);

	BRANCH_BOTH(JEQ, d == s)
	BRANCH_BOTH(JNE, d != s)
	BRANCH_BOTH(JGT, d > s)
	BRANCH_BOTH(JGE, d >= s)
	BRANCH_BOTH(JLT, d < s)
	BRANCH_BOTH(JLE, d <= s)
	BRANCH_BOTH(JSET, d & s)
	BRANCH(JSGT, 64, (int64_t)d > (int64_t)s)
	BRANCH(JSGT, 32, (int32_t)d > (int32_t)s)
	BRANCH(JSGE, 64, (int64_t)d >= (int64_t)s)
	BRANCH(JSGE, 32, (int32_t)d >= (int32_t)s)
	BRANCH(JSLT, 64, (int64_t)d < (int64_t)s)
	BRANCH(JSLT, 32, (int32_t)d < (int32_t)s)
	BRANCH(JSLE, 64, (int64_t)d <= (int64_t)s)
	BRANCH(JSLE, 32, (int32_t)d <= (int32_t)s)

L_CALL_HELPER:
{
	const struct ebpf_helper *helper =
		(const struct ebpf_helper *)(uintptr_t)op->imm;

	if (os_unlikely(helper->flags &
			(EBPF_HELPER_TAIL | EBPF_HELPER_LOOP))) {
		if (helper->flags & EBPF_HELPER_LOOP)
			goto loop_call;
		goto tail_call;
	}
	r[0] = helper->fn(r[1], r[2], r[3], r[4], r[5], prog);
	GOTO_NEXT;
}

L_CALLX:
{
	const struct ebpf_helper *helper = NULL;

	if (DST <= UINT32_MAX)
		helper = ebpf_helper_find(prog->obj.rt, (uint32_t)DST);
	if (helper == NULL ||
	    (helper->flags & (EBPF_HELPER_TAIL | EBPF_HELPER_LOOP)))
		goto fault;
	r[0] = helper->fn(r[1], r[2], r[3], r[4], r[5], prog);
	GOTO_NEXT;
}

L_CALL_LOCAL:
{
	struct frame *frame = &frames[depth];
	const struct ebpf_op *target = op + 1 + op->off;

	if (os_unlikely(depth == EBPF_FRAME_MAX - 1))
		goto fault;
	frame->ret = (uint32_t)(op + 1 - prog->ops);
	frame->func = (uint16_t)func;
	frame->loop = 0;
	memcpy(frame->saved, &r[6], sizeof(frame->saved));
	r[10] -= prog->funcs[func].stack_depth;
	func = func_at(prog, (uint32_t)(target - prog->ops));
	depth++;
	GOTO_SLOT(target);
}

L_EXIT:
{
	const struct frame *frame;

	if (depth == 0)
		return r[0];
	frame = &frames[depth - 1];
	if (os_unlikely(frame->loop)) {
		struct loop *loop = &loops[depth - 1];

		if (r[0] == 0 && loop_next(loop, r))
			GOTO_SLOT(loop->callback);
		r[0] = loop->each.visited;
	}
	depth--;
	func = frame->func;
	memcpy(&r[6], frame->saved, sizeof(frame->saved));
	r[10] += prog->funcs[func].stack_depth;
	GOTO_SLOT(prog->ops + frame->ret);
}

L_LDDW_IMM64:
L_LDDW_MAP:
L_LDDW_MAP_VALUE:
L_LDDW_MAP_IDX:
L_LDDW_MAP_IDX_VALUE:
L_LDDW_BTF_VAR:
	DST = (uint64_t)op->imm;
	GOTO_SLOT(op + 2);

L_LDDW_FUNC:
	DST = (uint64_t)(uintptr_t)(op + 1 + op->off);
	GOTO_SLOT(op + 2);

L_LD_ABSB:
	packet_off = (uint32_t)op->imm;
	packet_bytes = 1;
	goto packet;
L_LD_ABSH:
	packet_off = (uint32_t)op->imm;
	packet_bytes = 2;
	goto packet;
L_LD_ABSW:
	packet_off = (uint32_t)op->imm;
	packet_bytes = 4;
	goto packet;
L_LD_INDB:
	packet_off = (uint32_t)op->imm + (uint32_t)SRC;
	packet_bytes = 1;
	goto packet;
L_LD_INDH:
	packet_off = (uint32_t)op->imm + (uint32_t)SRC;
	packet_bytes = 2;
	goto packet;
L_LD_INDW:
	packet_off = (uint32_t)op->imm + (uint32_t)SRC;
	packet_bytes = 4;
packet:
	if (!load_packet(prog, r1, r2, packet_off, packet_bytes, &r[0])) {
		r[0] = 0;
		goto L_EXIT;
	}
	GOTO_NEXT;

loop_call:
{
	const struct ebpf_helper *helper =
		(const struct ebpf_helper *)(uintptr_t)op->imm;
	struct frame *frame = &frames[depth];
	struct loop *loop = &loops[depth];

	if (os_unlikely(depth == EBPF_FRAME_MAX - 1))
		goto fault;
	r[0] = (uint64_t)loop_begin(loop, helper, r);
	if (r[0] != 0 || !loop_next(loop, r))
		GOTO_NEXT;
	frame->ret = (uint32_t)(op + 1 - prog->ops);
	frame->func = (uint16_t)func;
	frame->loop = 1;
	memcpy(frame->saved, &r[6], sizeof(frame->saved));
	r[10] -= prog->funcs[func].stack_depth;
	func = func_at(prog, (uint32_t)(loop->callback - prog->ops));
	depth++;
	GOTO_SLOT(loop->callback);
}

tail_call:
{
	const struct ebpf_map *map = (const struct ebpf_map *)(uintptr_t)r[2];
	const struct ebpf_prog *target;

	const uint32_t cost = depth == 0 ? 1 : 1 + prog->obj.rt->tail_nest_extra;

	if (*tail_calls + cost > EBPF_TAIL_CALL_MAX)
		GOTO_NEXT;
	target = ebpf_prog_array_get(map, (uint32_t)r[3]);
	if (target == NULL)
		GOTO_NEXT;
	*tail_calls += cost;
	if (depth == 0) {
		prog = target;
		func = 0;
		r[2] = r2;
		r[3] = r3;
		GOTO_SLOT(prog->ops);
	}
	/*
	 * In place of a subprogram: what it returns is the subprogram's result.
	 * A C frame of its own, since the target may want all of a stack.
	 */
	r[0] = run(r[1], r2, r3, target, tail_calls, ended);
	if (*ended)
		return r[0];
	goto L_EXIT;
}

L_CALL_KFUNC:
L_LDDW_HI:
fault:
	*ended = true;
	return UINT64_MAX;
}

/* With a stack of its own, in a C frame of its own: neither is large. */
static __attribute__((__noinline__)) uint64_t
run(uint64_t r1, uint64_t r2, uint64_t r3, const struct ebpf_prog *prog,
    uint32_t *tail_calls, bool *ended)
{
	uint64_t stack[EBPF_STACK_MAX / 8];

	return interpret(r1, r2, r3, prog, tail_calls, ended,
			 (uint64_t)(uintptr_t)stack + sizeof(stack));
}

uint64_t
ebpf_interp_run(uint64_t r1, uint64_t r2, uint64_t r3,
		const struct ebpf_prog *prog)
{
	uint32_t tail_calls = 0;
	bool ended = false;

	return run(r1, r2, r3, prog, &tail_calls, &ended);
}
