/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The x86-64 encoder: bytes of single instructions, and the state that the
 * backend's files share while one program is generated. Knows no BPF but the
 * register mapping. Included by x86_*.c only.
 */
#ifndef CORE_JIT_X86_ENC_H
#define CORE_JIT_X86_ENC_H

#include "core/jit/jit_gen.h"
#include "core/map.h"

enum {
	RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
	R8, R9, R10, R11, R12, R13, R14, R15,
};

/*
 * BPF register -> machine register. r1..r5 are the C calling convention's, so
 * that helpers need no shuffling; r6..r9 are callee-saved. r9, r10, r11 are
 * scratch; r12 is not used.
 */
extern const uint8_t x86_regs[EBPF_JIT_REGS];

/* Condition codes, the low four bits of jcc. */
enum {
	CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_A = 7,
	CC_S = 8, CC_NS = 9,
	CC_L = 0xc, CC_GE = 0xd, CC_LE = 0xe, CC_G = 0xf,
	CC_ALWAYS = 16,
};

/* The parts of a key that is kept (jit_key.c), with zeros above them. */
enum {
	X86_KEY_LOW = R9, X86_KEY_HIGH = R10,
};

enum {
	NO_FLAGS = 16,
	X86_SLOW = 12,
};

/* How an opcode is dressed; the low byte is the opcode itself. */
enum {
	X_0F = 1u << 8,	    /* escape byte */
	X_W = 1u << 9,	    /* 64-bit operand */
	X_16 = 1u << 10,    /* 16-bit operand */
	X_LOCK = 1u << 11,
	X_BYTE = 1u << 12,  /* reg is a byte register */
	X_BYTE_RM = 1u << 13,
};

enum {
	OP_ADD = 0x01, OP_OR = 0x09, OP_AND = 0x21, OP_SUB = 0x29,
	OP_XOR = 0x31, OP_CMP = 0x39, /* r/m, r; number in bits 3..5 */
	OP_MOVSXD = 0x63,
	OP_TEST = 0x85, OP_XCHG = 0x87,
	OP_STORE8 = 0x88, OP_MOV = 0x89, OP_LOAD = 0x8b, OP_LEA = 0x8d,
	OP_SHIFT_IMM = 0xc1, OP_SHIFT_1 = 0xd1, OP_SHIFT_CL = 0xd3,
	OP_GROUP3 = 0xf7, /* /0 test /2 not /3 neg /4 mul /6 div /7 idiv */
	OP_IMUL = X_0F | 0xaf,
	OP_PREFETCH = X_0F | 0x18, /* /1: into the nearest cache */
	OP_CMOVAE = X_0F | 0x43, OP_CMOVE = X_0F | 0x44,
	OP_CMOVNE = X_0F | 0x45,
	OP_CMPXCHG = X_0F | 0xb1,
	OP_MOVZX8 = X_0F | 0xb6, OP_MOVZX16 = X_0F | 0xb7,
	OP_MOVSX8 = X_0F | 0xbe, OP_MOVSX16 = X_0F | 0xbf,
	OP_XADD = X_0F | 0xc1,
};

enum {
	SHIFT_ROL = 0, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7,
	G3_NEG = 3, G3_MUL = 4, G3_DIV = 6, G3_IDIV = 7,
};

struct x86 {
	struct ebpf_jit_gen gen; /* first: x86_of() */
	uint32_t frame; /* bytes of the function between rsp and the pushes */
	uint32_t features;
	struct os_exec_rules rules;
	bool far_hops, want_far_hops; /* some hop (jit_gen.h) is long */
	/*
	 * The zero flag tells of this machine register, as long as no code is
	 * behind flags_at; NO_FLAGS: of none.
	 */
	uint32_t flags_reg;
	uint32_t flags_at;
	bool flags_wide; /* as a 64-bit number only, not as a 32-bit one */
	/* in the code of a lookup: jumps to where C does it */
	uint32_t slow[X86_SLOW];
	uint32_t slow_count;
};

static inline struct x86 *
x86_of(struct ebpf_jit_gen *gen)
{
	return (struct x86 *)(void *)gen;
}

/* They tell of something that a move to `to` leaves as it is. */
static inline bool
x86_flags_outlive(const struct x86 *x, uint32_t to)
{
	return x->flags_at == x->gen.buf.len && x->flags_reg != to;
}

static inline void
x86_put(struct x86 *x, uint64_t bytes, uint32_t len)
{
	ebpf_jit_put(&x->gen.buf, bytes, len);
}

/* Prefixes, REX and opcode: at most five bytes, and how many. */
static inline uint64_t
x86_opcode_bytes(uint32_t op, uint32_t reg, uint32_t index, uint32_t rm,
		 uint32_t *len)
{
	uint32_t rex = (op & X_W) >> 6 | (reg & 8) >> 1 | (index & 8) >> 2 |
		       rm >> 3;
	uint64_t bytes = op & 0xff;
	uint32_t n = 1;

	if (op & X_0F) {
		bytes = bytes << 8 | 0x0f;
		n = 2;
	}
	/* byte registers from 4 on are others without */
	if (rex != 0 || ((op & X_BYTE) && reg >= 4) ||
	    ((op & X_BYTE_RM) && rm >= 4)) {
		bytes = bytes << 8 | 0x40 | rex;
		n++;
	}
	if (os_unlikely(op & (X_16 | X_LOCK))) {
		if (op & X_16) {
			bytes = bytes << 8 | 0x66;
			n++;
		}
		if (op & X_LOCK) {
			bytes = bytes << 8 | 0xf0;
			n++;
		}
	}
	*len = n;
	return bytes;
}
_Static_assert(X_W >> 6 == 8, "REX.W");

static inline void
x86_opcode(struct x86 *x, uint32_t op, uint32_t reg, uint32_t index,
	   uint32_t rm)
{
	uint32_t len;
	uint64_t bytes = x86_opcode_bytes(op, reg, index, rm, &len);

	x86_put(x, bytes, len);
}

/* op rm, reg (or reg, rm where the opcode's direction is that) */
static inline void
x86_rr(struct x86 *x, uint32_t op, uint32_t reg, uint32_t rm)
{
	uint32_t len;
	uint64_t bytes = x86_opcode_bytes(op, reg, 0, rm, &len);

	bytes |= (uint64_t)(0xc0 | (reg & 7) << 3 | (rm & 7)) << 8 * len;
	x86_put(x, bytes, len + 1);
}

/* The same, and an immediate of one byte. */
static inline void
x86_rr_byte(struct x86 *x, uint32_t op, uint32_t reg, uint32_t rm, uint32_t imm)
{
	uint32_t len;
	uint64_t bytes = x86_opcode_bytes(op, reg, 0, rm, &len);

	bytes |= (uint64_t)(0xc0 | (reg & 7) << 3 | (rm & 7) |
			    (imm & 0xff) << 8) << 8 * len;
	x86_put(x, bytes, len + 2);
}

static inline bool
x86_is_imm8(int64_t value)
{
	return value >= -128 && value <= 127;
}

/* op reg, [base + disp], or with a SIB byte: bytes behind the opcode's */
static inline void
x86_operand(struct x86 *x, uint64_t bytes, uint32_t len, uint32_t modrm,
	    uint32_t modrm_len, uint32_t base, int32_t disp)
{
	if (disp == 0 && (base & 7) != RBP) {
		bytes |= (uint64_t)modrm << 8 * len;
		x86_put(x, bytes, len + modrm_len);
	} else if (x86_is_imm8(disp)) {
		modrm |= 0x40 | (uint32_t)(uint8_t)disp << 8 * modrm_len;
		bytes |= (uint64_t)modrm << 8 * len;
		x86_put(x, bytes, len + modrm_len + 1);
	} else {
		bytes |= (uint64_t)(modrm | 0x80) << 8 * len;
		x86_put(x, bytes, len + modrm_len);
		x86_put(x, (uint32_t)disp, 4);
	}
}

/* op reg, [base + disp] */
static inline void
x86_mem(struct x86 *x, uint32_t op, uint32_t reg, uint32_t base, int32_t disp)
{
	uint32_t len, modrm = (reg & 7) << 3 | (base & 7);
	uint64_t bytes = x86_opcode_bytes(op, reg, 0, base, &len);

	if ((base & 7) == RSP)
		x86_operand(x, bytes, len, modrm | 0x24 << 8, 2, base, disp);
	else
		x86_operand(x, bytes, len, modrm, 1, base, disp);
}

/* op reg, [base + index << scale + disp]; index is not RSP */
static inline void
x86_sib(struct x86 *x, uint32_t op, uint32_t reg, uint32_t base, uint32_t index,
	uint32_t scale, int32_t disp)
{
	uint32_t sib = scale << 6 | (index & 7) << 3 | (base & 7), len;
	uint64_t bytes = x86_opcode_bytes(op, reg, index, base, &len);

	x86_operand(x, bytes, len, 4 | (reg & 7) << 3 | sib << 8, 2, base, disp);
}

/* add, or, and, sub, xor, cmp with an immediate */
static inline void
x86_alu_imm(struct x86 *x, uint32_t op, uint32_t reg, int32_t imm)
{
	uint32_t number = op >> 3 & 7;

	if (x86_is_imm8(imm)) {
		x86_rr_byte(x, (op & X_W) | 0x83, number, reg, (uint8_t)imm);
		return;
	}
	if (reg == RAX) {
		x86_opcode(x, (op & X_W) | number << 3 | 5, 0, 0, 0);
	} else {
		x86_rr(x, (op & X_W) | 0x81, number, reg);
	}
	x86_put(x, (uint32_t)imm, 4);
}

static inline void
x86_mov(struct x86 *x, uint32_t width, uint32_t to, uint32_t from)
{
	x86_rr(x, OP_MOV | width, from, to);
}

static inline void
x86_shift_imm(struct x86 *x, uint32_t width, uint32_t kind, uint32_t reg,
	      uint32_t count)
{
	if (count == 1) {
		x86_rr(x, OP_SHIFT_1 | width, kind, reg);
		return;
	}
	x86_rr_byte(x, OP_SHIFT_IMM | width, kind, reg, count);
}

static inline void
x86_bswap(struct x86 *x, uint32_t width, uint32_t reg)
{
	x86_opcode(x, X_0F | width | 0xc8 | (reg & 7), 0, 0, reg);
}

/* A constant in the fewest bytes. Changes flags when it is 0. */
static inline void
x86_const(struct x86 *x, uint32_t reg, uint64_t value)
{
	if (value == 0) {
		x86_rr(x, OP_XOR, reg, reg);
	} else if (value <= 0xffffffffu) {
		if (reg >= 8)
			x86_put(x, 0x41 | (0xb8 | (reg & 7)) << 8 | value << 16, 6);
		else
			x86_put(x, 0xb8 | reg | value << 8, 5);
	} else if ((int64_t)value >= -0x80000000ll &&
		   (int64_t)value <= 0x7fffffffll) {
		x86_rr(x, X_W | 0xc7, 0, reg);
		x86_put(x, (uint32_t)value, 4);
	} else {
		x86_opcode(x, X_W | 0xb8 | (reg & 7), 0, 0, reg);
		x86_put(x, value, 8);
	}
}

/* A constant that is a host address. */
static inline void
x86_address(struct x86 *x, uint32_t reg, const void *address)
{
	uint64_t value = (uint64_t)(uintptr_t)address;
	uint32_t len = value > 0xffffffffu ? 8 : 4;

	x86_opcode(x, (len == 8 ? X_W : 0) | 0xb8 | (reg & 7), 0, 0, reg);
	x86_put(x, value, len);
	ebpf_jit_note(&x->gen.buf, EBPF_JIT_FIX_ADDR, len, 0);
}

/*
 * Short jumps inside one slot's code: jump, then land at the place they go
 * to. What lies between is far less than 127 bytes.
 */
static inline uint32_t
x86_skip(struct x86 *x, uint32_t cc)
{
	x86_put(x, cc == CC_ALWAYS ? 0xeb : 0x70 | cc, 2);
	return x->gen.buf.len;
}

static inline void
x86_land(struct x86 *x, uint32_t from)
{
	uint32_t distance = x->gen.buf.len - from;

	if (distance > 127)
		x->gen.broken = true;
	if (x->gen.buf.write != NULL && !x->gen.buf.full)
		x->gen.buf.write[from - 1] = (uint8_t)distance;
}

/* The same in six bytes, five if always, for any distance. */
static inline uint32_t
x86_skip_far(struct x86 *x, uint32_t cc)
{
	if (cc == CC_ALWAYS)
		x86_put(x, 0xe9, 5);
	else
		x86_put(x, 0x800f | cc << 8, 6);
	return x->gen.buf.len;
}

static inline void
x86_land_far(struct x86 *x, uint32_t from)
{
	uint32_t distance = x->gen.buf.len - from;

	if (x->gen.buf.write != NULL && !x->gen.buf.full)
		memcpy(x->gen.buf.write + from - 4, &distance, 4);
}

static inline void
x86_back(struct x86 *x, uint32_t cc, uint32_t to)
{
	int64_t distance = (int64_t)to - (x->gen.buf.len + 2);

	if (cc == CC_ALWAYS)
		x86_put(x, 0xe9 | (uint64_t)(uint32_t)(distance - 3) << 8, 5);
	else if (x86_is_imm8(distance))
		x86_put(x, (0x70 | cc) | (uint64_t)(uint8_t)distance << 8, 2);
	else
		x86_put(x, (0x800f | cc << 8) |
				(uint64_t)(uint32_t)(distance - 4) << 16, 6);
}

/* Parts of the backend's struct ebpf_jit_target, by file. */

/* x86_alu.c */
uint32_t x86_alu(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
/* x86_memory.c */
uint32_t x86_memory(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
uint32_t x86_match(struct ebpf_jit_gen *gen,
		   const struct ebpf_jit_match *match);
/* x86_call.c */
void x86_call_helper(struct ebpf_jit_gen *gen,
		     const struct ebpf_jit_call *call);
void x86_callx(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
void x86_packet(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
uint32_t x86_put_tail(uint8_t *end, uint64_t run);
bool x86_tail_jump(uint64_t at, uint64_t entry, uint32_t *word);
/* x86_jump.c */
void x86_jump(struct ebpf_jit_gen *gen, uint32_t slot);
void x86_land_hop(struct ebpf_jit_gen *gen, uint32_t from);
bool x86_aim(uint8_t *end, const struct ebpf_jit_fix *fix, int64_t distance);
uint32_t x86_jump_if(struct ebpf_jit_gen *gen, const struct ebpf_op *op);

/* What the files have for each other. */

/* x86_div.c */
void x86_divide(struct x86 *x, const struct ebpf_op *op);
/* x86_call.c: reg *= size */
void x86_scale(struct x86 *x, uint32_t reg, uint32_t size);
/* reg = where this CPU's copy of percpu is; number is used up */
void x86_percpu(struct x86 *x, uint32_t reg, uint32_t number, void *percpu,
		const struct os_percpu_plan *plan);
/* x86_lookup.c, as in struct ebpf_jit_ops */
struct ebpf_jit_plan;
uint32_t x86_lookup(const struct ebpf_jit_plan *plan, uint8_t *write,
		    size_t room, uint64_t run, uint32_t *kept);
/* reg = a number that should not be seen, or that is always long */
void x86_const64(struct x86 *x, uint32_t reg, uint64_t value);
/* then the map's own lookup is asked instead; at most X86_SLOW times */
void x86_slow_if(struct x86 *x, uint32_t cc);
/* x86_hash.c */
struct ebpf_jit_hash;
void x86_lookup_hash(struct x86 *x, const struct ebpf_jit_hash *hash,
		     uint32_t *kept);
/* x86_lpm.c */
struct ebpf_map_lpm;
void x86_lookup_lpm(struct x86 *x, const struct ebpf_map_lpm *lpm);
/* x86_loop.c */
void x86_loop_numbers(struct x86 *x);
void x86_loop_elements(struct x86 *x);
/* x86_jump.c */
void x86_relax(struct ebpf_jit_draft *draft, struct ebpf_jit_image *image,
	       uint32_t slots);
/* In the middle of a slot's code, always in the long form. */
void x86_jump_far(struct x86 *x, uint32_t cc, uint32_t slot);
/* x86_64.c */
void x86_epilogue(struct x86 *x);
void x86_call_address(struct x86 *x, const void *function);
void x86_call_slot(struct x86 *x, uint32_t slot);
void x86_ret(struct x86 *x);
void x86_jump_r11(struct x86 *x);
void x86_call_rax(struct x86 *x);

enum {
	/* Where tail calls enter a program, counted back from its entry. */
	X86_TAIL_ENTRY = 9,
};

#endif
