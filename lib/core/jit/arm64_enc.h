/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The arm64 encoder: words of single instructions, and the state the backend's
 * files share while one program is generated. Knows no BPF but the register
 * mapping. Included by arm64*.c only.
 */
#ifndef CORE_JIT_ARM64_ENC_H
#define CORE_JIT_ARM64_ENC_H

#include "core/jit/jit_gen.h"
#include "core/map.h"

/*
 * BPF register -> machine register. r1..r5 are the C calling convention's
 * arguments x0..x4; r0 is not x0, which would collide with r1; r6..r9 and r10
 * are callee-saved. x5 is the helpers' sixth argument, x8 brings the run block,
 * x9..x12 are scratch, x16 and x17 are for branches.
 */
extern const uint8_t arm64_regs[EBPF_JIT_REGS];

enum {
	A_R0 = 7,
	A_FP = 25,
	A_RUN = 8,
	A_T0 = 9, A_T1 = 10, A_T2 = 11, A_T3 = 12,
	A_IP0 = 16, A_IP1 = 17,
	A_LR = 30,
	A_ZR = 31, A_SP = 31,
};

enum {
	A_EQ = 0, A_NE = 1, A_HS = 2, A_LO = 3, A_HI = 8, A_LS = 9, A_GE = 10,
	A_LT = 11, A_GT = 12, A_LE = 13, A_AL = 14,
};

/* Words; A_X makes the 64-bit form. */
#define A_X 0x80000000u
enum {
	A_ADD = 0x0b000000, A_SUB = 0x4b000000, A_SUBS = 0x6b000000,
	A_AND = 0x0a000000, A_ORR = 0x2a000000, A_EOR = 0x4a000000,
	A_ANDS = 0x6a000000,
	A_LSLV = 0x1ac02000, A_LSRV = 0x1ac02400, A_ASRV = 0x1ac02800,
	A_UDIV = 0x1ac00800, A_SDIV = 0x1ac00c00,
	A_MUL = 0x1b007c00, A_MSUB = 0x1b008000,
	A_ADD_IMM = 0x11000000, A_SUB_IMM = 0x51000000,
	A_ADDS_IMM = 0x31000000, A_SUBS_IMM = 0x71000000,
	A_AND_IMM = 0x12000000, A_ORR_IMM = 0x32000000,
	A_EOR_IMM = 0x52000000, A_ANDS_IMM = 0x72000000,
	A_UBFM = 0x53000000, A_SBFM = 0x13000000,
	A_REV16 = 0x5ac00400, A_REV32 = 0x5ac00800,
	A_MOVN = 0x12800000, A_MOVZ = 0x52800000, A_MOVK = 0x72800000,
	A_B = 0x14000000,
	A_BCOND = 0x54000000, A_CBZ = 0x34000000, A_CBNZ = 0x35000000,
	A_LOAD = 0x39400000, A_STORE = 0x39000000, A_LOADS = 0x39800000,
};
#define A_BL 0x94000000u
#define A_REV64 0xdac00c00u
#define A_BR 0xd61f0000u
#define A_BLR 0xd63f0000u
#define A_RET 0xd65f03c0u
#define A_BTI_C 0xd503245fu
#define A_BTI_J 0xd503249fu
#define A_NOP 0xd503201fu
#define A_BRK 0xd4200000u
#define A_DMB_ISH 0xd5033bbfu
#define A_DMB_LOADS 0xd50339bfu /* in front of all that follows */
#define A_MADD 0x1b000000u
#define A_LDAR64 0xc8dffc00u /* acquires */
#define A_LDAR32 0x88dffc00u
#define A_STP_PRE 0xa9800000u
#define A_LDP_POST 0xa8c00000u
#define A_STP 0xa9000000u
#define A_LDP 0xa9400000u

enum {
	ARM64_SLOW = 12,
};

struct arm64 {
	struct ebpf_jit_gen gen; /* first: arm64_of() */
	uint32_t frame;	 /* bytes between sp and the saved registers */
	uint32_t saves;	 /* of them: how many */
	uint8_t saved[8];
	bool far;    /* conditional jumps are two instructions */
	/* in the code of a lookup: jumps to where C does it */
	uint32_t slow[ARM64_SLOW];
	uint32_t slow_count;
};

static inline struct arm64 *
arm64_of(struct ebpf_jit_gen *gen)
{
	return (struct arm64 *)(void *)gen;
}

static inline void
arm64_put(struct arm64 *a, uint32_t word)
{
	ebpf_jit_put(&a->gen.buf, word, 4);
}

/* op rd, rn, rm */
static inline void
arm64_rrr(struct arm64 *a, uint32_t op, uint32_t rd, uint32_t rn, uint32_t rm)
{
	arm64_put(a, op | rm << 16 | rn << 5 | rd);
}

static inline void
arm64_mov(struct arm64 *a, uint32_t width, uint32_t rd, uint32_t rm)
{
	arm64_rrr(a, A_ORR | width, rd, A_ZR, rm);
}

/* arm64_enc.c */

/* A constant in the fewest instructions. */
void arm64_const(struct arm64 *a, uint32_t rd, uint64_t value);
/* A constant that is a host address; always four instructions. */
void arm64_address(struct arm64 *a, uint32_t rd, const void *address);
/* add, or subtract a negative; tmp is used for what does not fit */
void arm64_add_imm(struct arm64 *a, uint32_t width, uint32_t rd, uint32_t rn,
		   int64_t imm);
void arm64_cmp_imm(struct arm64 *a, uint32_t width, uint32_t rn, int64_t imm);
/* and, orr, eor, ands (A_..._IMM) */
void arm64_logic_imm(struct arm64 *a, uint32_t op, uint32_t width, uint32_t rd,
		     uint32_t rn, uint64_t imm);
/* ubfm (or sbfm): the shifts and extensions by constants */
void arm64_bitfield(struct arm64 *a, uint32_t op, uint32_t width, uint32_t rd,
		    uint32_t rn, uint32_t immr, uint32_t imms);
/* A_LOAD, A_STORE or A_LOADS of 8..64 bits at [rn + off]; uses A_T3. */
void arm64_access(struct arm64 *a, uint32_t op, uint32_t bits, uint32_t rt,
		  uint32_t rn, int32_t off);

/* Short branches inside one slot: jump, then land where they go to. */
uint32_t arm64_skip(struct arm64 *a, uint32_t word);
/* A conditional branch back to an offset in the code, near. */
void arm64_back(struct arm64 *a, uint32_t word, uint32_t to);
void arm64_land(struct arm64 *a, uint32_t at);

/* Parts of the backend's struct ebpf_jit_target, by file. */

/* arm64_alu.c */
uint32_t arm64_alu(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
/* arm64_memory.c */
uint32_t arm64_memory(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
uint32_t arm64_match(struct ebpf_jit_gen *gen,
		     const struct ebpf_jit_match *match);
/* arm64_call.c */
void arm64_call_helper(struct ebpf_jit_gen *gen,
		       const struct ebpf_jit_call *call);
void arm64_callx(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
void arm64_packet(struct ebpf_jit_gen *gen, const struct ebpf_op *op);
uint32_t arm64_put_tail(uint8_t *end, uint64_t run);
bool arm64_tail_jump(uint64_t at, uint64_t entry, uint32_t *word);

/* What the files have for each other. */

/* arm64_call.c: rd = where this CPU's copy of percpu is; uses A_T1, A_T2 */
void arm64_percpu(struct arm64 *a, uint32_t rd, void *percpu,
		  const struct os_percpu_plan *plan);
/* arm64_lookup.c, as in struct ebpf_jit_ops */
struct ebpf_jit_plan;
uint32_t arm64_lookup(const struct ebpf_jit_plan *plan, uint8_t *write,
		      size_t room, uint64_t run, uint32_t *kept);
/* then (b.cond, cbz or cbnz) the map's own lookup is asked instead */
void arm64_slow_if(struct arm64 *a, uint32_t word);
/* rd = address + reg * size, another register; uses A_T3 */
void arm64_place(struct arm64 *a, uint32_t rd, const void *address,
		 uint32_t reg, uint64_t size);
/* arm64_hash.c */
struct ebpf_jit_hash;
void arm64_lookup_hash(struct arm64 *a, const struct ebpf_jit_hash *hash);
/* arm64_lpm.c */
struct ebpf_map_lpm;
void arm64_lookup_lpm(struct arm64 *a, const struct ebpf_map_lpm *lpm);
/* arm64_loop.c */
void arm64_loop_numbers(struct arm64 *a);
void arm64_loop_elements(struct arm64 *a);
/* arm64.c */
void arm64_epilogue(struct arm64 *a);
/* To a slot: b; or b.cond, cbz or cbnz, and the word with the opposite sense. */
void arm64_branch(struct arm64 *a, uint32_t slot);
void arm64_branch_if(struct arm64 *a, uint32_t word, uint32_t inverted,
		     uint32_t slot);
/* A call of the function that starts at slot; its result is in x0. */
void arm64_call_slot(struct arm64 *a, uint32_t slot);
void arm64_call_address(struct arm64 *a, const void *function);

enum {
	/* Where tail calls enter a program, counted back from its entry. */
	ARM64_TAIL_ENTRY = 8,
};

#endif
