/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of vgen.h: programs and their functions, and the ways through them: blocks,
 * branches, counted loops.
 */
#include "vgen.h"

void
vgen_put(struct vgen *gen, uint8_t code, uint32_t dst, uint32_t src,
	 int16_t off, int32_t imm)
{
	struct ebpf_insn insn = {code, (uint8_t)(src << 4 | dst), off, imm};

	if (gen->count < VGEN_MAX)
		gen->code[gen->count++] = insn;
}

void
vgen_lddw(struct vgen *gen, uint32_t dst, uint32_t kind)
{
	vgen_put(gen, 0x18, dst, kind, 0, 0);
	vgen_put(gen, 0, 0, 0, 0, 0);
}

void
vgen_leave(struct vgen *gen, uint8_t code, uint32_t dst, uint32_t src,
	   int32_t imm)
{
	gen->leaves[gen->leave_count++] = gen->count;
	vgen_put(gen, code, dst, src, 0, imm);
}

static void
gen_branch(struct vgen *gen, uint32_t depth)
{
	uint32_t at = gen->count, other;
	uint8_t op = vgen_jump_code(gen);

	if (below(gen, 2))
		vgen_put(gen, op, vgen_reg(gen), 0, 0, vgen_imm(gen));
	else
		vgen_put(gen, op | 8, vgen_reg(gen), vgen_reg(gen), 0, 0);
	if (below(gen, 3) == 0) {
		gen->leaves[gen->leave_count++] = at;
		return;
	}
	vgen_block(gen, depth + 1, 1 + below(gen, 3));
	if (below(gen, 2)) {
		other = gen->count;
		vgen_put(gen, 0x05, 0, 0, 0, 0);
		gen->code[at].off = (int16_t)(gen->count - at - 1);
		vgen_block(gen, depth + 1, 1 + below(gen, 3));
		gen->code[other].off = (int16_t)(gen->count - other - 1);
	} else {
		gen->code[at].off = (int16_t)(gen->count - at - 1);
	}
}

static void
gen_loop(struct vgen *gen, uint32_t depth)
{
	uint32_t top, reg = vgen_reg(gen);

	/* the counter lives on the stack, so the body may use any register */
	vgen_put(gen, 0x7a, 10, 0, -40 - 8 * (int16_t)depth, 0);
	top = gen->count;
	vgen_block(gen, depth + 2, 1 + below(gen, 4));
	vgen_put(gen, 0x79, reg, 10, -40 - 8 * (int16_t)depth, 0);
	vgen_put(gen, 0x07, reg, 0, 0, 1);
	vgen_put(gen, 0x7b, 10, reg, -40 - 8 * (int16_t)depth, 0);
	vgen_put(gen, 0xa5, reg, 0, 0, 1 + (int32_t)below(gen, 6));
	gen->code[gen->count - 1].off = (int16_t)((int)top - (int)gen->count);
}

void
vgen_block(struct vgen *gen, uint32_t depth, uint32_t n)
{
	while (n-- > 0 && gen->count < VGEN_MAX - 120) {
		switch (below(gen, 20)) {
		case 19:
			if (gen->shape == VGEN_PACKET && below(gen, 3) == 0)
				vgen_adjust(gen);
			else
				vgen_proof(gen);
			break;
		case 16:
		case 17:
			vgen_proof(gen);
			break;
		case 18:
			vgen_pointer(gen);
			break;
		case 0:
		case 1:
		case 2:
		case 3:
			vgen_alu(gen);
			break;
		case 4:
		case 5:
			if (depth < 4)
				gen_branch(gen, depth);
			break;
		case 6:
		case 7:
			vgen_bound(gen, vgen_reg(gen));
			break;
		case 8:
		case 9:
		case 10:
			vgen_access(gen);
			break;
		case 11:
			vgen_spill(gen);
			break;
		case 12:
			vgen_copy(gen);
			break;
		case 13:
			if (depth < 2)
				gen_loop(gen, depth);
			break;
		case 14:
			if (depth < 3 && below(gen, 3) == 0)
				vgen_callback(gen);
			else if (depth < 3)
				vgen_call(gen);
			break;
		default:
			vgen_atomic(gen);
			break;
		}
	}
}

static void
end_function(struct vgen *gen)
{
	uint32_t i;

	vgen_put(gen, 0xbf, 0, vgen_reg(gen), 0, 0);
	if (gen->is_callback)
		vgen_put(gen, 0x57, 0, 0, 0, 1);
	for (i = 0; i < gen->leave_count; i++)
		gen->code[gen->leaves[i]].off =
			(int16_t)(gen->count - gen->leaves[i] - 1);
	gen->leave_count = 0;
	vgen_put(gen, 0xb7, 0, 0, 0, 1);
	if (gen->in_function)
		gen->code[gen->count - 1] =
			(struct ebpf_insn){0xbf, 0x90, 0, 0};
	if (gen->is_callback)
		vgen_put(gen, 0x57, 0, 0, 0, 1);
	vgen_put(gen, 0x95, 0, 0, 0, 0);
}

/* What the registers hold when the program begins, and the first numbers. */
static void
begin_program(struct vgen *gen)
{
	uint32_t i;

	vgen_put(gen, 0xbf, 6, 1, 0, 0);
	vgen_put(gen, 0x7b, 10, 1, VGEN_SAVED_CTX, 0);
	vgen_put(gen, 0x7b, 10, 1, VGEN_SAVED_PTR, 0);
	if (gen->shape == VGEN_TIED) {
		vgen_put(gen, 0xbf, 8, 2, 0, 0);
		vgen_put(gen, 0x7b, 10, 2, VGEN_SAVED_LEN, 0);
	}
	if (gen->shape == VGEN_PACKET) {
		vgen_put(gen, 0x61, 6, 1, 0, 0);
		vgen_put(gen, 0x61, 3, 1, 4, 0);
		vgen_put(gen, 0xbf, 2, 6, 0, 0);
		vgen_put(gen, 0x07, 2, 0, 0, (int32_t)below(gen, 40));
		vgen_leave(gen, below(gen, 4) ? 0x2d : 0x3d, 2, 3, 0);
	}
	vgen_lddw(gen, 7, 6);
	vgen_numbers(gen);
	if (gen->shape != VGEN_TIED)
		return;
	/* keep the length in r8 too: what would go there goes to r9 */
	for (i = 4; i < gen->count; i++) {
		struct ebpf_insn *insn = &gen->code[i];

		if ((insn->regs & 15) == 8)
			insn->regs = (uint8_t)((insn->regs & 0xf0) | 9);
	}
	vgen_leave(gen, below(gen, 2) ? 0x2d : 0x3d, vgen_reg(gen), 8, 0);
}

/* The call at one place leads to a function at another. */
static void
aim(struct vgen *gen, uint32_t call, uint32_t target)
{
	gen->code[call].imm = (int32_t)target - (int32_t)call - 1;
}

/* r1 and r2 are numbers, r3 the value, r4 the caller's stack. */
static void
gen_function(struct vgen *gen)
{
	if (gen->is_callback) {
		/* r1 a number, r2 the caller's stack */
		vgen_put(gen, 0xbf, 4, 2, 0, 0);
		vgen_put(gen, 0xbf, 2, 1, 0, 0);
		vgen_lddw(gen, 3, 6);
	}
	vgen_put(gen, 0x7b, 10, 4, VGEN_SAVED_PTR, 0);
	vgen_put(gen, 0x79, 8, 4, -16, 0);
	vgen_put(gen, 0x7b, 4, 2, -24, 0);
	vgen_put(gen, 0xbf, 8, 1, 0, 0);
	vgen_put(gen, 0xbf, 9, 2, 0, 0);
	vgen_put(gen, 0xbf, 6, 3, 0, 0);
	vgen_put(gen, 0xbf, 7, 3, 0, 0);
	vgen_numbers(gen);
	vgen_block(gen, 1, 2 + below(gen, 5));
	end_function(gen);
}

void
vgen_random(struct vgen *gen)
{
	uint32_t i, functions;

	gen->shape = (enum vgen_shape)below(gen, VGEN_SHAPES);
	gen->careful = below(gen, 4) != 0;
	gen->count = gen->leave_count = gen->call_count = 0;
	gen->in_function = gen->is_callback = false;
	begin_program(gen);
	vgen_block(gen, 0, 4 + below(gen, 14));
	end_function(gen);
	gen->in_function = true;
	functions = gen->count;
	for (i = 0; i < gen->call_count; i++) {
		uint32_t call = gen->calls[i];

		gen->is_callback = gen->code[call].code == 0x18;
		/* the same function again, of those that the entry calls */
		if (i > 0 && call < functions &&
		    gen->code[gen->calls[0]].code == gen->code[call].code &&
		    below(gen, 2)) {
			aim(gen, call, functions);
			continue;
		}
		aim(gen, call, gen->count);
		gen_function(gen);
	}
}
