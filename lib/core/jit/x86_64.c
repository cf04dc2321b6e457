/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The x86-64 backend: layout of a program, prologues, and the switch over all
 * instructions; x86_alu.c, x86_div.c, x86_memory.c, x86_jump.c and x86_call.c
 * have the instructions themselves.
 *
 * Layout: 7 traps, the tail entry (endbr64, then a jump to the body or a nop),
 * at 16 the entry, then the functions in order. A program that may tail call
 * has a stub as entry that keeps the run block (jit_scan.h) in its own frame
 * and hands its address to the body in rax; every function that needs it keeps
 * that address at the bottom of its frame. Tail calls drop the frame of the
 * function they are in and jump to the target's tail entry, so prologues need
 * not be alike. The depth of local calls is not counted: the verifier has.
 */
#include "core/jit/x86_enc.h"

enum {
	ENTRY = 16,
};

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
prologue(struct x86 *x)
{
	const struct ebpf_jit_func *func = x->func;
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
	const struct ebpf_jit_func *func = x->func;

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

/* jmp or call to code of the home's; it is near, or there is no rule for it */
static void
near(struct x86 *x, uint32_t opcode, const void *address)
{
	uint64_t to = (uint64_t)(uintptr_t)address;
	int64_t distance = (int64_t)(to - (x->buf.run + x->buf.len + 5));

	if (x->buf.run != 0 &&
	    (distance < -0x7fff0000ll || distance > 0x7fff0000ll))
		x->broken = true;
	x86_put(x, opcode, 1);
	ebpf_jit_put_addr(&x->buf, x->buf.len, 4);
	x86_put(x, (uint32_t)distance, 4);
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
	bool full = x->scan.full_run;
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
head(struct x86 *x)
{
	uint32_t jump;

	x86_put(x, 0xcccccccccccccc, ENTRY - X86_TAIL_ENTRY);
	endbr(x);
	if (!x->scan.funcs[0].run) {
		x86_put(x, 0x0000441f0f, 5);
		endbr(x);
		return;
	}
	x86_put(x, 0xe9, 5); /* jmp over the stub */
	jump = x->buf.len;
	endbr(x);
	stub(x);
	if (x->buf.write != NULL && !x->buf.full)
		x->buf.write[jump - 4] = (uint8_t)(x->buf.len - jump);
}

/*
 * A call of a C function, near where it reaches; the address is not known
 * while sizing, which then takes the long way (a later pass finds it moved).
 */
void
x86_call_address(struct x86 *x, const void *function)
{
	uint64_t to = (uint64_t)(uintptr_t)function;
	int64_t distance = (int64_t)(to - (x->buf.run + x->buf.len + 5));

	if (x->buf.run != 0 && distance >= -0x7fff0000ll &&
	    distance <= 0x7fff0000ll) {
		x86_put(x, 0xe8, 1);
		ebpf_jit_put_addr(&x->buf, x->buf.len, 4);
		x86_put(x, (uint32_t)distance, 4);
		return;
	}
	x86_address(x, RAX, function);
	x86_call_rax(x);
}

static void
load_const(struct x86 *x, const struct ebpf_op *op)
{
	uint32_t dst = x86_regs[op->dst];

	switch (op->code) {
	case EBPF_OP_LDDW_MAP:
	case EBPF_OP_LDDW_MAP_IDX:
		x86_address(x, dst, (const void *)(intptr_t)op->imm);
		x->maps[op->dst] = (const struct ebpf_map *)(intptr_t)op->imm;
		break;
	case EBPF_OP_LDDW_MAP_VALUE:
	case EBPF_OP_LDDW_MAP_IDX_VALUE:
	case EBPF_OP_LDDW_BTF_VAR:
		x86_address(x, dst, (const void *)(intptr_t)op->imm);
		break;
	case EBPF_OP_LDDW_FUNC: {
		uint32_t slot = (uint32_t)((int64_t)x->slot + 1 + op->off);

		x->callbacks[op->dst] = slot + 1;
		/* lea dst, [rip + distance] */
		x86_opcode(x, OP_LEA | X_W, dst, 0, 0);
		x86_put(x, 5 | (dst & 7) << 3, 1);
		x86_put(x, (uint32_t)(x->image->slot_offs[slot] -
				      (x->buf.len + 4)), 4);
		break;
	}
	default:
		x86_const(x, dst, (uint64_t)op->imm);
		break;
	}
}

/* A call of the function that starts at slot. */
void
x86_call_slot(struct x86 *x, uint32_t slot)
{
	x86_put(x, 0xe8, 1);
	x86_put(x, (uint32_t)(x->image->slot_offs[slot] - (x->buf.len + 4)), 4);
}

static void
call_local(struct x86 *x, const struct ebpf_op *op)
{
	uint32_t slot = (uint32_t)((int64_t)x->slot + 1 + op->off);
	const struct ebpf_jit_func *callee = ebpf_jit_func_at(&x->scan, slot);

	if (callee == NULL) {
		x->broken = true;
		return;
	}
	if (callee->run)
		x86_mem(x, OP_LOAD | X_W, RAX, RSP, 0);
	x86_call_slot(x, slot);
	x86_forget(x, 0, 5);
}

/* Code of an op whose constant must not be seen. */
static uint32_t
generate_blinded(struct x86 *x, const struct ebpf_op *op,
		 const struct ebpf_op *twin, uint64_t key)
{
	uint8_t form = ebpf_op_info[twin->code].form;

	if (form == EBPF_FORM_LDDW) {
		x86_forget(x, op->dst, op->dst);
		x86_const(x, x86_regs[op->dst], (uint64_t)op->imm ^ key);
		x86_const(x, R11, key);
		x86_rr(x, OP_XOR | X_W, R11, x86_regs[op->dst]);
		return 2;
	}
	x86_const(x, R11, (uint64_t)op->imm ^ key);
	x86_alu_imm(x, OP_XOR | X_W, R11, (int32_t)key);
	switch ((enum ebpf_form)form) {
	case EBPF_FORM_JCC_REG:
		return x86_jump_cond(x, twin, NO_FLAGS);
	case EBPF_FORM_STX:
		x86_memory(x, twin);
		return 1;
	case EBPF_FORM_LD_IND:
		if (ebpf_op_info[op->code].form == EBPF_FORM_LD_IND)
			x86_rr(x, OP_ADD, x86_regs[op->src], R11);
		x86_packet(x, twin);
		return 1;
	default:
		x86_forget(x, op->dst, op->dst);
		x86_alu(x, twin);
		return 1;
	}
}

/* Code of the op at x->slot, and maybe the ones after it: how many. */
static uint32_t
generate_slot(struct x86 *x)
{
	const struct ebpf_op *op = &x->prog->ops[x->slot];
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	const struct ebpf_map *map = NULL;
	uint32_t used, flags = x->flags_reg, callback = 0;
	struct ebpf_op twin;
	uint64_t key;

	x->flags_reg = NO_FLAGS;
	if (ebpf_jit_blind(x->image, x->slot, op, &twin, &key))
		return generate_blinded(x, op, &twin, key);
	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
		if (op->code == EBPF_OP_MOV64_REG) {
			map = x->maps[op->src];
			callback = x->callbacks[op->src];
		}
		used = x86_fuse(x, x->slot);
		x86_forget(x, op->dst, op->dst);
		if (used > 0)
			return used;
		x86_alu(x, op);
		x->maps[op->dst] = map;
		x->callbacks[op->dst] = callback;
		return 1;
	case EBPF_FORM_LDX:
	case EBPF_FORM_ST:
	case EBPF_FORM_STX:
	case EBPF_FORM_ATOMIC:
	case EBPF_FORM_LOAD_ACQ:
	case EBPF_FORM_STORE_REL:
		x86_memory(x, op);
		return 1;
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		x86_jump_to(x, CC_ALWAYS, (uint32_t)((int64_t)x->slot + 1 + op->off));
		return 1;
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		return x86_jump_cond(x, op, flags);
	case EBPF_FORM_CALL:
		if (op->code == EBPF_OP_CALL_KFUNC) {
			x->unknown = true;
			return 1;
		}
		x86_call_helper(x, op);
		return 1;
	case EBPF_FORM_CALL_LOCAL:
		call_local(x, op);
		return 1;
	case EBPF_FORM_CALLX:
		x86_callx(x, op);
		return 1;
	case EBPF_FORM_EXIT:
		x86_epilogue(x);
		x86_ret(x);
		return 1;
	case EBPF_FORM_LDDW:
		x86_forget(x, op->dst, op->dst);
		load_const(x, op);
		return 2;
	case EBPF_FORM_LDDW_HI:
		return 1;
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
		x86_packet(x, op);
		return 1;
	case EBPF_FORM_COUNT:
		break;
	}
	return 1;
}

/* Note or check where a slot begins. */
static void
place(struct x86 *x, uint32_t slot)
{
	if (x->image->slot_offs[slot] != x->buf.len) {
		x->image->slot_offs[slot] = x->buf.len;
		x->moved = true;
	}
}

static void
generate_func(struct x86 *x, struct ebpf_jit_func *func)
{
	x->func = func;
	x86_forget(x, 0, EBPF_REG_FP);
	x->flags_reg = NO_FLAGS;
	place(x, func->start);
	prologue(x);
	func->body = x->buf.len - x->image->slot_offs[func->start];
	for (uint32_t i = func->start; i < func->end;) {
		uint32_t used = 1;

		if (i != func->start)
			place(x, i);
		x->slot = i;
		if (ebpf_jit_is_label(&x->scan, i)) {
			x86_forget(x, 0, EBPF_REG_FP);
			x->flags_reg = NO_FLAGS;
		}
		if (ebpf_jit_is_fenced(x->prog, i))
			x86_put(x, 0xe8ae0f, 3); /* lfence */
		if (!ebpf_jit_is_dead(x->prog, i))
			used = generate_slot(x);
		for (i++; used > 1; used--, i++)
			place(x, i);
	}
}

/* One walk over everything. */
static void
pass(struct x86 *x)
{
	x->moved = false;
	x->buf.len = 0;
	x->buf.addr_count = 0;
	x->jump_count = 0;
	head(x);
	for (uint32_t f = 0; f < x->scan.func_count; f++)
		generate_func(x, &x->scan.funcs[f]);
	if (x->buf.len != x->image->code_len) {
		x->image->code_len = x->buf.len;
		x->moved = true;
	}
}

static void
plan(struct x86 *x)
{
	uint8_t *write = x->buf.write;

	x->sizing = true;
	x->broken = false;
	x->buf.full = 0;
	x->buf.write = NULL;
	pass(x);
	x86_relax(x);
	x->sizing = false;
	x->buf.write = write;
}

static int
generate(const struct ebpf_prog *prog, struct ebpf_jit_image *image,
	 uint8_t *write, size_t room, uint64_t run)
{
	struct x86 x;
	int err;

	memset(&x, 0, sizeof(x));
	x.prog = prog;
	x.image = image;
	x.features = ebpf_jit_features();
	os_exec_rules(&x.rules);
	x.buf.write = write;
	x.buf.room = room;
	x.buf.run = run;
	x.buf.addrs = image->addrs;
	x.buf.addr_room = image->addr_count;
	err = ebpf_jit_scan(prog, &x.scan);
	if (err < 0)
		return err;
	err = -EBPF_ENOMEM;
	x.jumps = os_alloc(((size_t)x.scan.jump_count + 1) * sizeof(*x.jumps));
	if (x.jumps == NULL)
		goto out;
	if (write == NULL) {
		plan(&x);
	} else {
		pass(&x);
		if (x.moved) { /* near calls were possible after all */
			plan(&x);
			pass(&x);
		}
	}
	err = -EBPF_EUNSUPPORTED;
	if (x.unknown)
		goto out;
	err = -EBPF_E2BIG;
	if (x.broken || x.buf.full || (write != NULL && x.moved))
		goto out;
	image->entry_off = ENTRY;
	image->addr_count = x.buf.addr_count;
	err = 0;
out:
	os_free(x.jumps);
	ebpf_jit_scan_free(&x.scan);
	return err;
}

const struct ebpf_jit_ops ebpf_jit_x86_64 = {
	.name = "x86_64",
	.generate = generate,
	.trap = { 0xcc },
	.trap_len = 1,
};
