/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of checked.h: the run, instruction by instruction.
 */
#include <stdlib.h>
#include <string.h>

#include "arithmetic.h"
#include "checked.h"
#include "claims.h"
#include "core/verifier/num.h"

static uint64_t
context_field(const struct checked *run, uint64_t off)
{
	switch (off) {
	case 0:
		return run->m.base;
	case 4:
		return run->m.base + run->m.mem_len;
	case 8:
		return run->m.base - run->m.meta_len;
	default:
		return 0;
	}
}

static const char *
load(struct checked *run, const struct ebpf_op *op, uint32_t *pc)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint64_t *regs = run->m.regs[run->m.depth - 1], value = 0;
	uint64_t addr = regs[op->src] + (uint64_t)(int64_t)op->off;
	uint32_t size = info->width / 8;
	const uint8_t *place;

	if (addr - CHECKED_CTX < 24) {
		regs[op->dst] = context_field(run, addr - CHECKED_CTX);
		return NULL;
	}
	place = checked_memory(run, addr, size, CHECKED_READ);
	if (!place && checked_may_fault(run, regs[op->src])) {
		*pc = checked_come_back(run) - 1;
		return NULL;
	}
	if (!place)
		return "a load outside memory";
	checked_note_access(run, place, size, false,
			    claims_matter(run->claims, *pc + 1) >> op->dst & 1);
	checked_load(run, place, size, &value, *pc);
	if (info->fn == EBPF_FN_LDXS)
		value = (uint64_t)ebpf_bits_sext(value, info->width);
	regs[op->dst] = value;
	return NULL;
}

static const char *
store(struct checked *run, const struct ebpf_op *op, uint32_t *pc)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint64_t *regs = run->m.regs[run->m.depth - 1], value;
	uint64_t addr = regs[op->dst] + (uint64_t)(int64_t)op->off;
	uint32_t size = info->width / 8;
	uint8_t *place = checked_memory(run, addr, size, CHECKED_WRITE);

	if (!place && checked_may_fault(run, regs[op->dst])) {
		*pc = checked_come_back(run) - 1;
		return NULL;
	}
	if (!place)
		return "a store outside memory";
	checked_note_store(run, place, size);
	/* what an atomic one leaves is any number */
	checked_note_access(run, place, size, true, false);
	if (info->form == EBPF_FORM_ATOMIC) {
		checked_note_access(run, place, size, false, false);
		arith_atomic(op, place, regs);
		return NULL;
	}
	value = info->form == EBPF_FORM_ST ? (uint64_t)op->imm : regs[op->src];
	memcpy(place, &value, size);
	return NULL;
}

static bool
is_global(const struct checked *run, uint32_t insn)
{
	uint32_t i;

	for (i = 0; i < run->gen->global_count; i++)
		if (run->gen->globals[i] == insn)
			return true;
	return false;
}

static void
call_local(struct checked *run, const struct ebpf_op *op, uint32_t *pc)
{
	struct checked_machine *m = &run->m;

	m->back[m->depth] = *pc;
	m->loops[m->depth].start = 0;
	m->loops[m->depth].map = 0;
	memcpy(m->regs[m->depth], m->regs[m->depth - 1], sizeof(m->regs[0]));
	m->regs[m->depth][EBPF_REG_FP] = checked_frame_top(m->depth);
	*pc += (uint32_t)op->off;
	m->before[m->depth].root = m->root;
	m->before[m->depth].insn = m->root_insn;
	if (is_global(run, *pc + 1)) {
		m->root = m->depth;
		m->root_insn = *pc + 1;
		m->gave_null |= m->regs[m->depth][3] == 0;
		run->called_global += !run->ahead;
	}
	m->depth++;
	run->notes[run->step].begins = (uint8_t)m->depth;
}

/* *ended: the run. */
static const char *
leave(struct checked *run, uint32_t *pc, bool *ended)
{
	struct checked_machine *m = &run->m;
	uint64_t r0 = m->regs[m->depth - 1][0];
	uint32_t i;

	run->notes[run->step].ends = (uint8_t)m->depth;
	if (m->depth == 1 && run->ahead) {
		*pc = checked_come_back(run) - 1;
		return NULL;
	}
	m->depth--;
	m->root = m->before[m->depth].root;
	m->root_insn = m->before[m->depth].insn;
	if (m->depth == 0) {
		*ended = true;
		for (i = 0; i < m->record_count; i++)
			if (m->records[i].held)
				return "the program ends with a record";
		return m->lock ? "the program ends with a lock" : NULL;
	}
	if (!m->loops[m->depth].start) {
		m->regs[m->depth - 1][0] = r0;
		*pc = m->back[m->depth];
		return NULL;
	}
	if (r0 > 1 && !run->ahead)
		return "a callback returned neither 0 nor 1";
	checked_called_back(run, r0, pc);
	return NULL;
}

static uint64_t
constant(const struct ebpf_op *op, uint32_t pc)
{
	switch (op->code) {
	case EBPF_OP_LDDW_MAP:
		return checked_map((uint32_t)op->imm);
	case EBPF_OP_LDDW_MAP_VALUE:
		return checked_value((uint32_t)op->imm, 0) + (uint64_t)op->off;
	case EBPF_OP_LDDW_FUNC:
		return CHECKED_FUNC + pc + 1 + (uint64_t)op->off;
	default:
		return (uint64_t)op->imm;
	}
}

/* One instruction; *pc: it, and where it jumps from. */
static const char *
step(struct checked *run, uint32_t *pc, bool *ended)
{
	const struct ebpf_op *op = &run->ops[*pc];
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	uint64_t *regs = run->m.regs[run->m.depth - 1];
	uint64_t src = info->form == EBPF_FORM_ALU_REG ||
				       info->form == EBPF_FORM_JCC_REG ?
			       regs[op->src] :
			       (uint64_t)op->imm;

	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_ALU_UNARY:
		regs[op->dst] = arith_compute((enum ebpf_fn)info->fn,
					    regs[op->dst], src, info->width);
		return NULL;
	case EBPF_FORM_ENDIAN:
		regs[op->dst] =
			info->fn == EBPF_FN_LE ?
				regs[op->dst] & ebpf_bits_mask(info->width) :
				arith_swapped(regs[op->dst], info->width);
		return NULL;
	case EBPF_FORM_LDX:
		return load(run, op, pc);
	case EBPF_FORM_ST:
	case EBPF_FORM_STX:
	case EBPF_FORM_ATOMIC:
		return store(run, op, pc);
	case EBPF_FORM_JA:
		*pc += (uint32_t)op->off;
		return NULL;
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		if (arith_holds((enum ebpf_fn)info->fn, regs[op->dst], src,
				  info->width) != checked_turns(run, *pc))
			*pc += (uint32_t)op->off;
		return NULL;
	case EBPF_FORM_CALL:
		return checked_call(run, (uint32_t)op->imm, pc);
	case EBPF_FORM_CALL_LOCAL:
		call_local(run, op, pc);
		return NULL;
	case EBPF_FORM_EXIT:
		return leave(run, pc, ended);
	case EBPF_FORM_LDDW:
		regs[op->dst] = constant(op, *pc);
		++*pc;
		return NULL;
	default:
		abort();
	}
}

const char *
checked_run(struct checked *run, uint32_t *at)
{
	const char *why = NULL;
	bool ended = false;
	uint32_t pc = 0;

	run->ahead = 0;
	for (run->step = 0; run->step < CHECKED_STEPS && !ended; run->step++) {
		*at = pc;
		if (run->ahead &&
		    (checked_is_fenced(run, pc) || --run->ahead == 0)) {
			pc = checked_come_back(run);
			continue;
		}
		if (checked_is_fenced(run, pc))
			memset(run->m.is_stale, 0, sizeof(run->m.is_stale));
		if (run->pass == CHECKED_NOTING)
			memset(&run->notes[run->step], 0,
			       sizeof(run->notes[0]));
		if (run->pass == CHECKED_CLAIMS &&
		    !claims_have(run->claims, run, pc, &run->needs[run->step]))
			return "no state has these registers and slots";
		why = step(run, &pc, &ended);
		if (why)
			return why;
		pc++;
	}
	/* ended, or long, but nothing wrong so far */
	if (run->pass == CHECKED_NOTING)
		checked_find_needs(run, run->step);
	return NULL;
}

/* Interesting numbers; each array has a multiple of eight bytes. */
static void
fill(struct checked *run, uint8_t *bytes, size_t size)
{
	uint64_t v;
	size_t i;

	for (i = 0; i < size; i += 8) {
		v = dice_interesting(&run->dice);
		memcpy(bytes + i, &v, 8);
	}
}

void
checked_prepare(struct checked *run)
{
	struct checked_machine *m = &run->m;
	enum vgen_shape shape = run->gen->shape;
	uint32_t i;
	uint64_t v;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < sizeof(m->stack); i += 8) {
		v = dice_next(&run->dice); /* some earlier run's */
		memcpy(&m->stack[0][0] + i, &v, 8);
	}
	m->depth = 1;
	m->mem_len = shape == VGEN_FIXED ?
			     VGEN_AREA :
			     dice_below(&run->dice, VGEN_AREA + 1);
	m->base = CHECKED_MEM;
	m->meta_len = shape == VGEN_PACKET && dice_below(&run->dice, 2) ?
			      4 * dice_below(&run->dice, CHECKED_META / 4 + 1) :
			      0;
	fill(run, m->mem + CHECKED_META, VGEN_AREA);
	fill(run, &m->values[0][0][0], sizeof(m->values));
	for (i = 0; i < CHECKED_RECORDS; i++)
		fill(run, m->records[i].bytes, VGEN_AREA);
	m->regs[0][1] = shape == VGEN_PACKET ? CHECKED_CTX : CHECKED_MEM;
	m->regs[0][2] = shape == VGEN_FIXED ? dice_interesting(&run->dice) :
					      m->mem_len;
	m->regs[0][EBPF_REG_FP] = checked_frame_top(0);
}
