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

static void
lddw(struct vgen *gen, uint32_t dst, uint32_t kind, int32_t low, int32_t high)
{
	vgen_put(gen, 0x18, dst, kind, 0, low);
	vgen_put(gen, 0, 0, 0, 0, high);
}

void
vgen_lddw_func(struct vgen *gen, uint32_t dst, enum vgen_function what)
{
	gen->calls[gen->call_count].at = gen->count;
	gen->calls[gen->call_count++].what = what;
	lddw(gen, dst, 4, 0, 0);
}

void
vgen_lddw_map(struct vgen *gen, uint32_t dst, enum vgen_map map)
{
	lddw(gen, dst, 5, (int32_t)map, 0);
}

void
vgen_lddw_value(struct vgen *gen, uint32_t dst, enum vgen_map map, int32_t off)
{
	lddw(gen, dst, 6, (int32_t)map, off);
}

void
vgen_call_helper(struct vgen *gen, int32_t helper)
{
	vgen_put(gen, 0x85, 0, 0, 0, helper);
}

void
vgen_here(struct vgen *gen, uint32_t jump)
{
	gen->code[jump].off = (int16_t)(gen->count - jump - 1);
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
		vgen_here(gen, at);
		vgen_block(gen, depth + 1, 1 + below(gen, 3));
		vgen_here(gen, other);
	} else {
		vgen_here(gen, at);
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

/* Something with a call in it. */
static void
gen_some_call(struct vgen *gen, uint32_t depth)
{
	if (gen->locked && (gen->careful || below(gen, 4)))
		return;
	if (gen->shape == VGEN_PACKET && gen->function == VGEN_GLOBAL &&
	    below(gen, 3) == 0) {
		vgen_adjust(gen);
		return;
	}
	switch (below(gen, 8)) {
	case 0:
		if (depth < 3)
			vgen_callback(gen);
		break;
	case 1:
	case 2:
		if (depth < 3)
			vgen_call(gen);
		break;
	case 3:
		vgen_pointer(gen);
		break;
	case 4:
		vgen_output(gen);
		break;
	case 5:
		vgen_record(gen, depth);
		break;
	case 6:
		vgen_lock(gen, depth);
		break;
	default:
		vgen_inner(gen, depth);
		break;
	}
}

void
vgen_block(struct vgen *gen, uint32_t depth, uint32_t n)
{
	while (n-- > 0 && gen->count < VGEN_MAX - 360) {
		switch (below(gen, 22)) {
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
		case 15:
		case 16:
			gen_some_call(gen, depth);
			break;
		case 17:
		case 18:
			vgen_proof(gen);
			break;
		case 19:
			if (gen->shape == VGEN_PACKET && below(gen, 3) == 0 &&
			    !gen->locked)
				vgen_adjust(gen);
			else
				vgen_proof(gen);
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
	bool is_callback = gen->function == VGEN_LOOPED ||
			   gen->function == VGEN_EACHED;
	uint32_t i;

	vgen_put(gen, 0xbf, 0, vgen_reg(gen), 0, 0);
	if (is_callback)
		vgen_put(gen, 0x57, 0, 0, 0, 1);
	for (i = 0; i < gen->leave_count; i++)
		vgen_here(gen, gen->leaves[i]);
	gen->leave_count = 0;
	vgen_put(gen, 0xb7, 0, 0, 0, 1);
	if (gen->function != VGEN_ENTRY)
		gen->code[gen->count - 1] =
			(struct ebpf_insn){0xbf, 0x90, 0, 0};
	if (is_callback)
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
	vgen_lddw_value(gen, 7, VGEN_ARRAY, 0);
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

/* r1 and r2 become numbers, r3 the value, r4 the caller's stack. */
static void
begin_callback(struct vgen *gen)
{
	if (gen->function == VGEN_LOOPED) {
		/* r1 a number, r2 the caller's stack */
		vgen_put(gen, 0xbf, 4, 2, 0, 0);
		vgen_put(gen, 0xbf, 2, 1, 0, 0);
		vgen_lddw_value(gen, 3, VGEN_ARRAY, 0);
		return;
	}
	/* r1 the map, r2 a key, r3 its value, r4 the caller's stack */
	vgen_put(gen, 0x7b, 10, 2, VGEN_SAVED_CTX, 0);
	vgen_put(gen, 0x7b, 10, 1, VGEN_SAVED_HELD, 0);
	vgen_put(gen, 0x61, 1, 2, 0, 0);
	vgen_put(gen, 0xbf, 2, 1, 0, 0);
}

static void
begin_function(struct vgen *gen)
{
	if (gen->function == VGEN_LOOPED || gen->function == VGEN_EACHED)
		begin_callback(gen);
	/* r1, r2 numbers, r3 value, r4 the caller's stack */
	vgen_put(gen, 0x7b, 10, 4, VGEN_SAVED_PTR, 0);
	vgen_put(gen, 0x79, 8, 4, -16, 0);
	if (below(gen, 3) == 0) {
		/* the caller's stack counts the calls */
		vgen_put(gen, 0x07, 8, 0, 0, 1 + (int32_t)below(gen, 2));
		vgen_put(gen, 0x7b, 4, 8, -16, 0);
	}
	vgen_put(gen, 0x7b, 4, 2, -24, 0);
	vgen_put(gen, 0xbf, 8, 1, 0, 0);
	vgen_put(gen, 0xbf, 9, 2, 0, 0);
	vgen_put(gen, 0xbf, 6, 3, 0, 0);
	vgen_put(gen, 0xbf, 7, 3, 0, 0);
}

/* Its arguments are two numbers, memory or null, and a context or number. */
static void
begin_global(struct vgen *gen)
{
	gen->globals[gen->global_count++] = gen->count;
	vgen_put(gen, 0x7b, 10, 3, VGEN_SAVED_PTR, 0);
	vgen_put(gen, 0x7b, 10, 4, VGEN_SAVED_CTX, 0);
	vgen_put(gen, 0xbf, 8, 1, 0, 0);
	vgen_put(gen, 0xbf, 9, 2, 0, 0);
	vgen_lddw_value(gen, 7, VGEN_ARRAY, 0);
	vgen_put(gen, 0xbf, 6, 7, 0, 0);
}

/* The function of a call, the next or one that is there already. */
static void
gen_called(struct vgen *gen, uint32_t call, uint32_t known)
{
	uint32_t at = gen->calls[call].at, i;

	gen->function = gen->calls[call].what;
	for (i = 0; i < call && i < known; i++)
		if (gen->calls[i].what == gen->function && below(gen, 2)) {
			/* what the earlier call leads to */
			gen->code[at].imm =
				gen->code[gen->calls[i].at].imm +
				(int32_t)gen->calls[i].at - (int32_t)at;
			return;
		}
	gen->code[at].imm = (int32_t)(gen->count - at - 1);
	if (gen->function == VGEN_GLOBAL)
		begin_global(gen);
	else
		begin_function(gen);
	vgen_numbers(gen);
	vgen_block(gen, 1, 2 + below(gen, 5));
	if (gen->shape == VGEN_PACKET && gen->function == VGEN_GLOBAL &&
	    below(gen, 3) == 0)
		vgen_adjust(gen);
	end_function(gen);
}

void
vgen_random(struct vgen *gen)
{
	uint32_t i, known;

	gen->shape = (enum vgen_shape)below(gen, VGEN_SHAPES);
	gen->careful = below(gen, 4) != 0;
	gen->count = gen->leave_count = gen->call_count = 0;
	gen->global_count = gen->held = 0;
	gen->locked = false;
	gen->function = VGEN_ENTRY;
	begin_program(gen);
	vgen_block(gen, 0, 4 + below(gen, 14));
	end_function(gen);
	known = gen->call_count;
	for (i = 0; i < gen->call_count; i++)
		gen_called(gen, i, known);
}
