/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The arm64 backend: layout of a program, prologues and jumps; arm64_alu.c,
 * arm64_memory.c and arm64_call.c have the other instructions, jit_gen.c the
 * walk over them.
 *
 * The layout is that of x86_64.c: the tail entry (bti, then a branch to the
 * body or a nop), at 8 the entry, the functions in order. A function's
 * frame, from sp up: the address of the run block if it needs it, its BPF
 * stack, the saved registers.
 */
#include "core/jit/arm64_enc.h"
#include "core/jit/jit_match.h"

enum {
	FAR = 900 << 10, /* conditional branches reach 1 MiB */
	BL_REACH = 127 << 20,
};

const uint8_t arm64_regs[EBPF_JIT_REGS] = {
	A_R0, 0, 1, 2, 3, 4, 19, 20, 21, 22, A_FP, A_IP1,
};

static void
pair(struct arm64 *a, uint32_t op, uint32_t one, uint32_t two, int32_t off)
{
	arm64_put(a, op | ((uint32_t)(off / 8) & 0x7f) << 15 | two << 10 |
			     A_SP << 5 | one);
}

/* Push and pop an even number of registers (the zero register fills up). */
static void
push_all(struct arm64 *a, const uint8_t *regs, uint32_t count)
{
	if (count > 0)
		pair(a, A_STP_PRE, regs[0], regs[1], -8 * (int32_t)count);
	for (uint32_t i = 2; i < count; i += 2)
		pair(a, A_STP, regs[i], regs[i + 1], 8 * (int32_t)i);
}

static void
pop_all(struct arm64 *a, const uint8_t *regs, uint32_t count)
{
	for (uint32_t i = 2; i < count; i += 2)
		pair(a, A_LDP, regs[i], regs[i + 1], 8 * (int32_t)i);
	if (count > 0)
		pair(a, A_LDP_POST, regs[0], regs[1], 8 * (int32_t)count);
}

static void
prologue(struct ebpf_jit_gen *gen)
{
	struct arm64 *a = arm64_of(gen);
	const struct ebpf_jit_func *func = gen->func;
	bool stack = func->regs >> EBPF_REG_FP & 1;
	uint32_t n = 0, depth = stack ? func->stack_depth : 0;

	if (func->taken)
		arm64_put(a, A_BTI_C);
	if (func->calls) {
		a->saved[n++] = 29;
		a->saved[n++] = A_LR;
	}
	for (uint32_t r = 6; r <= 9; r++) {
		if (func->regs >> r & 1)
			a->saved[n++] = arm64_regs[r];
	}
	if (stack)
		a->saved[n++] = A_FP;
	if (n & 1)
		a->saved[n++] = A_ZR;
	a->saves = n;
	push_all(a, a->saved, n);
	if (func->calls) /* frame record, for who walks the stack */
		arm64_add_imm(a, A_X, 29, A_SP, 0);
	a->frame = (depth + (func->run ? 8 : 0) + 15) & ~15u;
	if (a->frame > 0)
		arm64_add_imm(a, A_X, A_SP, A_SP, -(int64_t)a->frame);
	if (func->run)
		arm64_access(a, A_STORE, 64, A_RUN, A_SP, 0);
	if (stack)
		arm64_add_imm(a, A_X, A_FP, A_SP, a->frame);
}

/* Undo the prologue; what follows is ret or a branch. */
void
arm64_epilogue(struct arm64 *a)
{
	if (a->frame > 0)
		arm64_add_imm(a, A_X, A_SP, A_SP, a->frame);
	pop_all(a, a->saved, a->saves);
}

/*
 * The entry of a program that needs a run block. Whole blocks have below them
 * the address at which a run ends from any depth.
 */
static void
stub(struct arm64 *a)
{
	static const uint8_t kept[] = { 29, A_LR, 19, 20, 21, 22, A_FP, A_ZR };
	static const uint8_t link[] = { 29, A_LR };
	uint32_t words;

	if (!a->gen.scan->full_run) {
		push_all(a, link, 2);
		arm64_const(a, A_T0, EBPF_TAIL_CALL_MAX);
		pair(a, A_STP_PRE, A_T0, A_ZR, -16);
		arm64_add_imm(a, A_X, A_RUN, A_SP, 0);
		arm64_put(a, A_BL | 4); /* over the rest of this */
		arm64_add_imm(a, A_X, A_SP, A_SP, 16);
		pop_all(a, link, 2);
		arm64_put(a, A_RET);
		return;
	}
	push_all(a, kept, sizeof(kept));
	arm64_const(a, A_T0, EBPF_TAIL_CALL_MAX);
	/* from below: tail_calls and r2, r3 and r1 */
	pair(a, A_STP_PRE, 2, 0, -16);
	pair(a, A_STP_PRE, A_T0, 1, -16);
	arm64_add_imm(a, A_X, A_RUN, A_SP, 0);
	/* adr to behind the bl, which is three words on */
	arm64_put(a, 0x10000000 | 3 << 5 | A_T0);
	pair(a, A_STP_PRE, A_ZR, A_T0, -16);
	words = 2 + 1 + 4 + 1;
	arm64_put(a, A_BL | words);
	arm64_put(a, A_BTI_J);
	arm64_add_imm(a, A_X, A_SP, A_SP, 16 + sizeof(struct ebpf_jit_run));
	pop_all(a, kept, sizeof(kept));
	/* BPF's r0 is not C's: the body has seen to that */
	arm64_put(a, A_RET);
}

static void
head(struct ebpf_jit_gen *gen)
{
	struct arm64 *a = arm64_of(gen);
	uint32_t jump;

	arm64_put(a, A_BTI_C);
	if (!a->gen.scan->funcs[0].run) {
		arm64_put(a, A_NOP);
		arm64_put(a, A_BTI_C);
		return;
	}
	jump = arm64_skip(a, A_B);
	arm64_put(a, A_BTI_C);
	stub(a);
	arm64_land(a, jump);
}

static bool
is_near(int64_t distance)
{
	return distance > -BL_REACH && distance < BL_REACH;
}

/* A call of a C function; see x86_call_address. */
void
arm64_call_address(struct arm64 *a, const void *function)
{
	uint64_t to = (uint64_t)(uintptr_t)function;
	int64_t distance = (int64_t)(to - (a->gen.buf.run + a->gen.buf.len));

	if (a->gen.buf.run != 0 && is_near(distance)) {
		arm64_put(a, A_BL | ((uint32_t)(distance / 4) & 0x3ffffff));
		ebpf_jit_note(&a->gen.buf, EBPF_JIT_FIX_NEAR, 4, to);
		return;
	}
	arm64_address(a, A_IP0, function);
	arm64_put(a, A_BLR | A_IP0 << 5);
	ebpf_jit_note(&a->gen.buf, EBPF_JIT_FIX_FAR, 0, to);
}

static void
branch(struct arm64 *a, uint32_t word, uint64_t to)
{
	arm64_put(a, word);
	ebpf_jit_note(&a->gen.buf, EBPF_JIT_FIX_SLOT, 0, to);
}

/* b and bl; adr; b.cond, cbz and cbnz: by what the word says. */
static bool
aim(uint8_t *end, const struct ebpf_jit_fix *fix, int64_t distance)
{
	int64_t words = distance / 4 + 1, reach = 1 << 18;
	uint32_t word = 0, field = 0x7ffff, shift = 5, i;

	for (i = 0; i < 4; i++)
		word |= (uint32_t)end[(int32_t)i - 4] << 8 * i;
	if ((word & 0x7c000000) == A_B) {
		reach = 1 << 25;
		field = 0x3ffffff;
		shift = 0;
	}
	word &= ~(field << shift);
	word |= ((uint32_t)words & field) << shift;
	for (i = 0; i < 4; i++)
		end[(int32_t)i - 4] = (uint8_t)(word >> 8 * i);
	return words >= -reach && words < reach;
}

void
arm64_branch(struct arm64 *a, uint32_t slot)
{
	if (a->gen.copied)
		ebpf_jit_hop(&a->gen, arm64_skip(a, A_B), slot);
	else
		branch(a, A_B, ebpf_jit_landing(&a->gen, slot));
}

static void
land(struct ebpf_jit_gen *gen, uint32_t from)
{
	arm64_land(arm64_of(gen), from);
}

static void
jump(struct ebpf_jit_gen *gen, uint32_t slot)
{
	if (slot != gen->slot + 1)
		arm64_branch(arm64_of(gen), slot);
}

void
arm64_branch_if(struct arm64 *a, uint32_t word, uint32_t inverted,
		uint32_t slot)
{
	if (a->gen.copied) {
		ebpf_jit_hop(&a->gen, arm64_skip(a, word), slot);
		return;
	}
	if (a->far) {
		arm64_put(a, inverted | 2 << 5);
		arm64_branch(a, slot);
		return;
	}
	branch(a, word, ebpf_jit_landing(&a->gen, slot));
}

static uint32_t
condition(uint32_t fn)
{
	switch (fn) {
	case EBPF_FN_JEQ:
		return A_EQ;
	case EBPF_FN_JGT:
		return A_HI;
	case EBPF_FN_JGE:
		return A_HS;
	case EBPF_FN_JSET:
	case EBPF_FN_JNE:
		return A_NE;
	case EBPF_FN_JSGT:
		return A_GT;
	case EBPF_FN_JSGE:
		return A_GE;
	case EBPF_FN_JLT:
		return A_LO;
	case EBPF_FN_JLE:
		return A_LS;
	case EBPF_FN_JSLT:
		return A_LT;
	case EBPF_FN_JSLE:
		return A_LE;
	}
	return A_AL;
}

static uint32_t
jump_if(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct arm64 *a = arm64_of(gen);
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	const struct ebpf_op *next = &a->gen.prog->ops[a->gen.slot + 1];
	uint32_t width = info->width == 64 ? A_X : 0, used = 1;
	uint32_t dst = arm64_regs[op->dst], src = arm64_regs[op->src];
	uint32_t cc = condition(info->fn), slot = a->gen.slot, word, inverted;
	uint32_t target = ebpf_jit_target_slot(slot, op);
	bool imm = info->form == EBPF_FORM_JCC_IMM;
	bool zero = imm && op->imm == 0 &&
		    (info->fn == EBPF_FN_JEQ || info->fn == EBPF_FN_JNE);

	if (target == slot + 1)
		return 1;
	/* A jump over a jump: turn the condition round. */
	if (target == slot + 2 && slot + 1 < a->gen.func->end &&
	    (next->code == EBPF_OP_JA || next->code == EBPF_OP_JA32) &&
	    ebpf_jit_is_joined(a->gen.scan, slot + 1)) {
		target = ebpf_jit_target_slot(slot + 1, next);
		if (target == slot + 2)
			return 2;
		cc ^= 1;
		used = 2;
	}
	if (zero) {
		word = (cc == A_EQ ? A_CBZ : A_CBNZ) | width | dst;
		inverted = (cc == A_EQ ? A_CBNZ : A_CBZ) | width | dst;
	} else {
		if (info->fn == EBPF_FN_JSET && imm)
			arm64_logic_imm(a, A_ANDS_IMM, width, A_ZR, dst,
					(uint64_t)op->imm);
		else if (info->fn == EBPF_FN_JSET)
			arm64_rrr(a, A_ANDS | width, A_ZR, dst, src);
		else if (imm)
			arm64_cmp_imm(a, width, dst, op->imm);
		else
			arm64_rrr(a, A_SUBS | width, A_ZR, dst, src);
		word = A_BCOND | cc;
		inverted = A_BCOND | (cc ^ 1);
	}
	arm64_branch_if(a, word, inverted, target);
	return used;
}

static void
load_const(struct ebpf_jit_gen *gen, uint32_t reg, uint64_t value)
{
	arm64_const(arm64_of(gen), arm64_regs[reg], value);
}

static void
load_address(struct ebpf_jit_gen *gen, uint32_t reg, const void *address)
{
	arm64_address(arm64_of(gen), arm64_regs[reg], address);
}

static void
load_function(struct ebpf_jit_gen *gen, uint32_t reg, uint32_t slot)
{
	/* adr reaches 1 MiB; adrp would need the page of this code */
	branch(arm64_of(gen), 0x10000000 | arm64_regs[reg], slot);
}

void
arm64_call_slot(struct arm64 *a, uint32_t slot)
{
	branch(a, A_BL, slot);
}

static void
call_local(struct ebpf_jit_gen *gen, const struct ebpf_jit_func *callee)
{
	struct arm64 *a = arm64_of(gen);

	if (callee->run)
		arm64_access(a, A_LOAD, 64, A_RUN, A_SP, 0);
	arm64_call_slot(a, callee->start);
	arm64_mov(a, A_X, A_R0, 0);
}

static void
load_hidden(struct ebpf_jit_gen *gen, uint32_t reg, uint64_t value,
	    uint64_t key)
{
	struct arm64 *a = arm64_of(gen);
	uint32_t to = arm64_regs[reg];

	arm64_const(a, to, value);
	arm64_const(a, A_T1, key);
	arm64_rrr(a, A_EOR | A_X, to, to, A_T1);
}

static void
leave(struct ebpf_jit_gen *gen)
{
	struct arm64 *a = arm64_of(gen);

	arm64_mov(a, A_X, 0, A_R0);
	arm64_epilogue(a);
	arm64_put(a, A_RET);
}

static void
label(struct ebpf_jit_gen *gen)
{
}

static void
fence(struct ebpf_jit_gen *gen)
{
	struct arm64 *a = arm64_of(gen);

	arm64_put(a, 0xd5033f9f); /* dsb sy */
	arm64_put(a, 0xd5033fdf); /* isb */
}

static bool
again(struct ebpf_jit_gen *gen)
{
	struct arm64 *a = arm64_of(gen);

	if (a->far || gen->buf.len <= FAR)
		return false;
	a->far = true;
	return true;
}

static const struct ebpf_jit_target target = {
	.entry = ARM64_TAIL_ENTRY,
	.head = head,
	.prologue = prologue,
	.label = label,
	.fence = fence,
	.alu = arm64_alu,
	.memory = arm64_memory,
	.jump_if = jump_if,
	.jump = jump,
	.land = land,
	.match = arm64_match,
	.call_helper = arm64_call_helper,
	.call_local = call_local,
	.callx = arm64_callx,
	.packet = arm64_packet,
	.leave = leave,
	.load_const = load_const,
	.load_address = load_address,
	.load_function = load_function,
	.load_hidden = load_hidden,
	.again = again,
};

static int
draft(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
      struct ebpf_jit_image *image, struct ebpf_jit_draft *draft)
{
	struct arm64 a;

	memset(&a, 0, sizeof(a));
	return ebpf_jit_generate(&a.gen, &target, prog, scan, image, draft);
}

const struct ebpf_jit_ops ebpf_jit_arm64 = {
	.name = "arm64",
	.draft = draft,
	.aim = aim,
	.is_near = is_near,
	.put_tail = arm64_put_tail,
	.tail_jump = arm64_tail_jump,
	.lookup = arm64_lookup,
	.trap = { 0x00, 0x00, 0x20, 0xd4 },
	.trap_len = 4,
};
