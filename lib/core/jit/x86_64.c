/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The x86-64 backend: layout of a program and prologues; x86_alu.c, x86_div.c,
 * x86_memory.c, x86_jump.c and x86_call.c have the instructions, jit_gen.c the
 * walk over them.
 *
 * Layout: the tail entry (endbr64, then a jump to the body or a nop), at 9 the
 * entry, then the functions in order. A program that may tail call
 * has a stub as entry that keeps the run block (jit_scan.h) in its own frame
 * and hands its address to the body in rax; every function that needs it keeps
 * that address at the bottom of its frame. Tail calls drop the frame of the
 * function they are in and jump to the target's tail entry, so prologues need
 * not be alike. The depth of local calls is not counted: the verifier has.
 */
#include "core/jit/jit_match.h"
#include "core/jit/x86_enc.h"

const uint8_t x86_regs[EBPF_JIT_REGS] = {
	RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP, R11,
};

static const uint8_t saved[] = { 6, 7, 8, 9 };

static void
endbr(struct x86 *x)
{
	x86_put(x, 0xfa1e0ff3, 4);
}

static void
push(struct x86 *x, uint32_t reg)
{
	x86_opcode(x, 0x50 | (reg & 7), 0, 0, reg);
}

static void
pop(struct x86 *x, uint32_t reg)
{
	x86_opcode(x, 0x58 | (reg & 7), 0, 0, reg);
}

static void
prologue(struct ebpf_jit_gen *gen)
{
	struct x86 *x = x86_of(gen);
	const struct ebpf_jit_func *func = gen->func;
	uint32_t pushes = 0;

	if (func->taken)
		endbr(x);
	for (uint32_t i = 0; i < sizeof(saved); i++) {
		if (func->regs >> saved[i] & 1) {
			push(x, x86_regs[saved[i]]);
			pushes++;
		}
	}
	x->frame = 0;
	if (func->regs >> EBPF_REG_FP & 1) {
		push(x, RBP);
		x86_mov(x, X_W, RBP, RSP);
		pushes++;
		x->frame = func->stack_depth;
	}
	if (func->run)
		x->frame += 8;
	/* The return address makes it one more; C wants 16 at calls. */
	if (func->calls && (8 + 8 * pushes + x->frame) % 16 != 0)
		x->frame += 8;
	if (x->frame == 8) {
		push(x, RAX);
	} else if (x->frame > 0) {
		x86_alu_imm(x, OP_SUB | X_W, RSP, (int32_t)x->frame);
		if (func->run)
			x86_mem(x, OP_MOV | X_W, RAX, RSP, 0);
	}
}

/* Undo the prologue; what follows is ret or a jump. Keeps rax and rcx. */
void
x86_epilogue(struct x86 *x)
{
	const struct ebpf_jit_func *func = x->gen.func;

	if (func->regs >> EBPF_REG_FP & 1)
		x86_put(x, 0xc9, 1); /* leave */
	else if (x->frame > 0)
		x86_alu_imm(x, OP_ADD | X_W, RSP, (int32_t)x->frame);
	for (uint32_t i = sizeof(saved); i-- > 0;) {
		if (func->regs >> saved[i] & 1)
			pop(x, x86_regs[saved[i]]);
	}
}

/* ---- branches as the home wants them ---- */

static bool
is_near(int64_t distance)
{
	return distance >= -0x7fff0000ll && distance <= 0x7fff0000ll;
}

/* From the end of a near jmp or call that is put next; run is known. */
static int64_t
distance_to(const struct x86 *x, const void *address)
{
	uint64_t to = (uint64_t)(uintptr_t)address;

	return (int64_t)(to - (x->gen.buf.run + x->gen.buf.len + 5));
}

static void
put_near(struct x86 *x, uint32_t opcode, const void *address)
{
	uint64_t distance = (uint64_t)distance_to(x, address);

	x86_put(x, opcode | distance << 8, 5);
	ebpf_jit_note(&x->gen.buf, EBPF_JIT_FIX_NEAR, 4,
		      (uint64_t)(uintptr_t)address);
}

/* jmp or call to code of the home's; it is near, or there is no rule for it */
static void
near(struct x86 *x, uint32_t opcode, const void *address)
{
	if (x->gen.buf.run != 0 && !is_near(distance_to(x, address)))
		x->gen.broken = true;
	put_near(x, opcode, address);
}

static uint32_t
ret_len(const struct x86 *x)
{
	return (x->rules.ret != NULL ? 5 : 1) + x->rules.trap_behind;
}

void
x86_ret(struct x86 *x)
{
	if (x->rules.ret != NULL)
		near(x, 0xe9, x->rules.ret);
	else
		x86_put(x, 0xc3, 1);
	if (x->rules.trap_behind)
		x86_put(x, 0xcc, 1);
}

void
x86_jump_r11(struct x86 *x)
{
	if (x->rules.jump != NULL)
		near(x, 0xe9, x->rules.jump);
	else
		x86_rr(x, 0xff, 4, R11);
	if (x->rules.trap_behind)
		x86_put(x, 0xcc, 1);
}

void
x86_call_rax(struct x86 *x)
{
	if (x->rules.jump != NULL) {
		x86_mov(x, X_W, R11, RAX);
		near(x, 0xe8, x->rules.jump);
	} else {
		x86_put(x, 0xd0ff, 2);
	}
}

/* The entry of a program that needs a run block: build it, call the body. */
static void
stub(struct x86 *x)
{
	static const uint8_t kept[] = { RBP, RBX, R13, R14, R15 };
	bool full = x->gen.scan->full_run;
	uint32_t i;

	if (full) {
		for (i = 0; i < sizeof(kept); i++)
			push(x, kept[i]);
		push(x, RDI); /* r1, r3, r2 */
		push(x, RDX);
		push(x, RSI);
	}
	x86_put(x, 0x6a | EBPF_TAIL_CALL_MAX << 8, 2); /* push */
	x86_mov(x, X_W, RAX, RSP);
	/* call the body, which lies behind the rest of this */
	x86_put(x, 0xe8 | (uint64_t)(full ? 4 + 8 + ret_len(x) :
					    1 + ret_len(x)) << 8, 5);
	if (full) {
		x86_alu_imm(x, OP_ADD | X_W, RSP, sizeof(struct ebpf_jit_run));
		for (i = sizeof(kept); i-- > 0;)
			pop(x, kept[i]);
	} else {
		pop(x, RCX);
	}
	x86_ret(x);
}

/* The head of the program, up to the body of its first function. */
static void
head(struct ebpf_jit_gen *gen)
{
	struct x86 *x = x86_of(gen);
	uint32_t jump;

	endbr(x);
	if (!x->gen.scan->funcs[0].run) {
		x86_put(x, 0x0000441f0f, 5);
		endbr(x);
		return;
	}
	x86_put(x, 0xe9, 5); /* jmp over the stub */
	jump = x->gen.buf.len;
	endbr(x);
	stub(x);
	if (x->gen.buf.write != NULL && !x->gen.buf.full)
		x->gen.buf.write[jump - 4] = (uint8_t)(x->gen.buf.len - jump);
}

/*
 * A call of a C function, near where it reaches; where nothing is known of the
 * address that takes the long way.
 */
void
x86_call_address(struct x86 *x, const void *function)
{
	if (x->gen.buf.run != 0 && is_near(distance_to(x, function))) {
		put_near(x, 0xe8, function);
		return;
	}
	x86_address(x, RAX, function);
	x86_call_rax(x);
	ebpf_jit_note(&x->gen.buf, EBPF_JIT_FIX_FAR, 0,
		      (uint64_t)(uintptr_t)function);
}

static void
load_const(struct ebpf_jit_gen *gen, uint32_t reg, uint64_t value)
{
	x86_const(x86_of(gen), x86_regs[reg], value);
}

static void
load_address(struct ebpf_jit_gen *gen, uint32_t reg, const void *address)
{
	x86_address(x86_of(gen), x86_regs[reg], address);
}

static void
load_function(struct ebpf_jit_gen *gen, uint32_t reg, uint32_t slot)
{
	struct x86 *x = x86_of(gen);
	uint32_t to = x86_regs[reg];

	/* lea to, [rip + distance] */
	x86_opcode(x, OP_LEA | X_W, to, 0, 0);
	x86_put(x, 5 | (to & 7) << 3, 5);
	ebpf_jit_note(&gen->buf, EBPF_JIT_FIX_SLOT, 0, slot);
}

/* A call of the function that starts at slot. */
void
x86_call_slot(struct x86 *x, uint32_t slot)
{
	x86_put(x, 0xe8, 5);
	ebpf_jit_note(&x->gen.buf, EBPF_JIT_FIX_SLOT, 0, slot);
}

static void
call_local(struct ebpf_jit_gen *gen, const struct ebpf_jit_func *callee)
{
	struct x86 *x = x86_of(gen);

	if (callee->run)
		x86_mem(x, OP_LOAD | X_W, RAX, RSP, 0);
	x86_call_slot(x, callee->start);
}

static void
load_hidden(struct ebpf_jit_gen *gen, uint32_t reg, uint64_t value,
	    uint64_t key)
{
	struct x86 *x = x86_of(gen);
	uint32_t to = x86_regs[reg];

	x86_const(x, to, value);
	if (to == R11) {
		x86_alu_imm(x, OP_XOR | X_W, to, (int32_t)key);
		return;
	}
	x86_const(x, R11, key);
	x86_rr(x, OP_XOR | X_W, R11, to);
}

static void
leave(struct ebpf_jit_gen *gen)
{
	x86_epilogue(x86_of(gen));
	x86_ret(x86_of(gen));
}

static void
label(struct ebpf_jit_gen *gen)
{
	x86_of(gen)->flags_reg = NO_FLAGS;
}

static void
fence(struct ebpf_jit_gen *gen)
{
	x86_put(x86_of(gen), 0xe8ae0f, 3); /* lfence */
}

static bool
again(struct ebpf_jit_gen *gen)
{
	struct x86 *x = x86_of(gen);

	if (!x->want_far_hops || x->far_hops)
		return false;
	x->far_hops = true;
	return true;
}

static const struct ebpf_jit_target target = {
	.entry = X86_TAIL_ENTRY,
	.head = head,
	.prologue = prologue,
	.label = label,
	.fence = fence,
	.alu = x86_alu,
	.memory = x86_memory,
	.jump_if = x86_jump_if,
	.jump = x86_jump,
	.land = x86_land_hop,
	.match = x86_match,
	.call_helper = x86_call_helper,
	.call_local = call_local,
	.callx = x86_callx,
	.packet = x86_packet,
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
	struct x86 x;
	int err;

	memset(&x, 0, sizeof(x));
	x.features = ebpf_jit_features();
	os_exec_rules(&x.rules);
	err = ebpf_jit_generate(&x.gen, &target, prog, scan, image, draft);
	if (err == 0)
		x86_relax(draft, image, prog->op_count);
	return err;
}

const struct ebpf_jit_ops ebpf_jit_x86_64 = {
	.name = "x86_64",
	.draft = draft,
	.aim = x86_aim,
	.is_near = is_near,
	.put_tail = x86_put_tail,
	.tail_jump = x86_tail_jump,
	.lookup = x86_lookup,
	.trap = { 0xcc },
	.trap_len = 1,
};
