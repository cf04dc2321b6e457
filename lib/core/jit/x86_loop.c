/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * x86-64: loops that a helper makes of a function of the program. They become
 * loops right where the helper is called, so that a callback costs no more
 * than a local call: its registers are C's, and where it is known which one it
 * is the call is direct. Used by x86_call.c.
 */
#include "core/jit/x86_enc.h"

#include "core/each.h"

enum {
	ROOM = (sizeof(struct ebpf_each) + 15) & ~15u,
};

/* What the loop keeps over calls; an even number, for the stack's sake. */
static const uint8_t kept[] = { RBX, R12, R13, R14 };

static void
keep(struct x86 *x)
{
	for (uint32_t i = 0; i < sizeof(kept); i++)
		x86_opcode(x, 0x50 | (kept[i] & 7), 0, 0, kept[i]);
}

static void
restore(struct x86 *x)
{
	for (uint32_t i = sizeof(kept); i-- > 0;)
		x86_opcode(x, 0x58 | (kept[i] & 7), 0, 0, kept[i]);
}

/* The callback whose address is in r13; r2 held it when the loop began. */
static void
call(struct x86 *x)
{
	uint32_t callback = ebpf_jit_known(&x->gen, 2)->callback;

	if (callback != 0) {
		x86_call_slot(x, callback - 1);
		return;
	}
	x86_mov(x, X_W, RAX, R13);
	x86_call_rax(x);
}

/* rdi: how often, rdx: what the callback gets, rcx: flags */
void
x86_loop_numbers(struct x86 *x)
{
	uint32_t flags, many, top, done, end[2];

	x86_rr(x, OP_TEST | X_W, RCX, RCX);
	flags = x86_skip(x, CC_NE);
	x86_alu_imm(x, OP_CMP, RDI, EBPF_LOOPS_MAX);
	many = x86_skip(x, CC_A);
	keep(x);
	x86_mov(x, 0, R12, RDI);
	x86_mov(x, X_W, R13, RSI);
	x86_mov(x, X_W, R14, RDX);
	x86_const(x, RBX, 0);
	top = x->gen.buf.len;
	x86_rr(x, OP_CMP, R12, RBX);
	done = x86_skip(x, CC_AE);
	x86_mov(x, 0, RDI, RBX);
	x86_mov(x, X_W, RSI, R14);
	call(x);
	x86_alu_imm(x, OP_ADD, RBX, 1);
	x86_rr(x, OP_TEST | X_W, RAX, RAX);
	x86_back(x, CC_E, top);
	x86_land(x, done);
	x86_mov(x, 0, RAX, RBX);
	restore(x);
	end[0] = x86_skip(x, CC_ALWAYS);
	x86_land(x, flags);
	x86_const(x, RAX, (uint64_t)-EBPF_EINVAL);
	end[1] = x86_skip(x, CC_ALWAYS);
	x86_land(x, many);
	x86_const(x, RAX, (uint64_t)-EBPF_E2BIG);
	x86_land(x, end[0]);
	x86_land(x, end[1]);
}

/* rdi: the map, rdx: what the callback gets, rcx: flags */
void
x86_loop_elements(struct x86 *x)
{
	uint32_t top, done, out;

	keep(x);
	x86_alu_imm(x, OP_SUB | X_W, RSP, ROOM);
	x86_mov(x, X_W, R12, RDI);
	x86_mov(x, X_W, R13, RSI);
	x86_mov(x, X_W, R14, RDX);
	x86_mov(x, X_W, RSI, RDI);
	x86_mov(x, X_W, RDX, RCX);
	x86_mov(x, X_W, RDI, RSP);
	x86_call_address(x, (const void *)(uintptr_t)ebpf_each_begin);
	x86_rr(x, OP_TEST | X_W, RAX, RAX);
	out = x86_skip(x, CC_NE);
	top = x->gen.buf.len;
	x86_mov(x, X_W, RDI, RSP);
	x86_call_address(x, (const void *)(uintptr_t)ebpf_each_next);
	x86_rr(x, OP_TEST | X_W, RAX, RAX);
	done = x86_skip(x, CC_E);
	x86_mov(x, X_W, RDI, R12);
	x86_mem(x, OP_LOAD | X_W, RSI, RSP,
		(int32_t)offsetof(struct ebpf_each, key));
	x86_mem(x, OP_LOAD | X_W, RDX, RSP,
		(int32_t)offsetof(struct ebpf_each, value));
	x86_mov(x, X_W, RCX, R14);
	call(x);
	x86_rr(x, OP_TEST | X_W, RAX, RAX);
	x86_back(x, CC_E, top);
	x86_land(x, done);
	x86_mem(x, OP_LOAD, RAX, RSP,
		(int32_t)offsetof(struct ebpf_each, visited));
	x86_land(x, out);
	x86_alu_imm(x, OP_ADD | X_W, RSP, ROOM);
	restore(x);
}
