/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The checked interpreter: memory at made-up addresses, helpers, and the run.
 */
#include <stdlib.h>
#include <string.h>

#include "abi/helper.h"
#include "checked.h"
#include "claims.h"
#include "core/verifier/num.h"

static uint8_t *
memory(struct checked *run, uint64_t addr, uint32_t size)
{
	uint32_t f;

	for (f = 0; f < run->m.depth; f++)
		if (addr >= checked_frame_top(f) - EBPF_STACK_MAX &&
		    addr + size <= checked_frame_top(f))
			return run->m.stack[f] +
			       (addr - checked_frame_top(f) + EBPF_STACK_MAX);
	if (addr >= run->m.base - run->m.meta_len &&
	    addr + size <= run->m.base + run->m.mem_len)
		return run->m.mem + CHECKED_META + (addr - run->m.base);
	if (addr >= CHECKED_VALUE && addr + size <= CHECKED_VALUE + VGEN_AREA)
		return run->m.value + (addr - CHECKED_VALUE);
	return NULL;
}

/* A helper moved the packet: it is elsewhere, and its bytes are others. */
static void
move_packet(struct checked *run)
{
	uint32_t i;

	run->m.base += 0x10000;
	run->m.mem_len = dice_below(&run->dice, VGEN_AREA + 1);
	run->m.meta_len =
		dice_below(&run->dice, 2) ?
			4 * dice_below(&run->dice, CHECKED_META / 4 + 1) :
			0;
	for (i = 0; i < sizeof(run->m.mem); i++)
		run->m.mem[i] = (uint8_t)dice_next(&run->dice);
}

static uint64_t
call_helper(struct checked *run, uint32_t number, const uint64_t *regs,
	    uint32_t step)
{
	uint8_t *place;

	switch (number) {
	case EBPF_FUNC_map_lookup_elem:
		place = memory(run, regs[2], 4);
		if (place)
			checked_note_access(run, step, place, 4, false, false);
		return dice_below(&run->dice, 3) ? CHECKED_VALUE : 0;
	case EBPF_FUNC_xdp_adjust_head:
	case EBPF_FUNC_xdp_adjust_tail:
	case EBPF_FUNC_xdp_adjust_meta:
		if (dice_below(&run->dice, 8) == 0)
			return 0 - 22ULL;
		move_packet(run);
		return 0;
	default:
		return (uint32_t)dice_next(&run->dice);
	}
}

/* The callback whose frame is the next is called for its next number. */
static void
call_back(struct checked *run)
{
	uint64_t *regs = run->m.regs[run->m.depth];
	uint32_t i;

	for (i = 0; i < EBPF_REG_FP; i++)
		regs[i] = dice_next(&run->dice);
	regs[1] = run->m.loops[run->m.depth].index;
	regs[2] = run->m.loops[run->m.depth].ctx;
	regs[EBPF_REG_FP] = checked_frame_top(run->m.depth);
	run->m.depth++;
}

/* bpf_loop: whether it calls; else r0 is set. */
static bool
begin_loop(struct checked *run, uint64_t *regs, uint32_t pc)
{
	uint32_t end = (uint32_t)regs[1];

	if (regs[4] != 0 || end > 1u << 23 || end == 0) {
		regs[0] = regs[4] ? 0 - 22ULL : end ? 0 - 7ULL : 0;
		return false;
	}
	run->m.loops[run->m.depth].start = (uint32_t)(regs[2] - CHECKED_FUNC);
	run->m.loops[run->m.depth].index = 0;
	run->m.loops[run->m.depth].end = end;
	run->m.loops[run->m.depth].ctx = regs[3];
	run->m.back[run->m.depth] = pc;
	call_back(run);
	return true;
}

static bool
next_call(struct checked *run, uint64_t returned)
{
	run->m.loops[run->m.depth].index++;
	if (returned || run->m.loops[run->m.depth].index ==
				run->m.loops[run->m.depth].end) {
		run->m.regs[run->m.depth - 1][0] =
			run->m.loops[run->m.depth].index;
		return false;
	}
	call_back(run);
	return true;
}

const char *
checked_run(struct checked *run, uint32_t *at)
{
	uint32_t pc = 0, steps;

	run->ahead = 0;
	for (steps = 0; steps < CHECKED_STEPS; steps++) {
		const struct ebpf_op *op = &run->ops[pc];
		const struct ebpf_op_info *info = &ebpf_op_info[op->code];
		uint64_t *regs = run->m.regs[run->m.depth - 1];
		uint64_t src = info->form == EBPF_FORM_ALU_REG ||
					       info->form == EBPF_FORM_JCC_REG ?
				       regs[op->src] :
				       (uint64_t)op->imm;
		uint64_t value = 0;
		uint8_t *place;

		*at = pc;
		if (run->ahead &&
		    (checked_is_fenced(run, pc) || --run->ahead == 0)) {
			pc = checked_come_back(run);
			continue;
		}
		if (checked_is_fenced(run, pc))
			memset(run->m.is_stale, 0, sizeof(run->m.is_stale));
		if (run->pass == CHECKED_NOTING)
			memset(&run->notes[steps], 0,
			       sizeof(run->notes[steps]));
		if (run->pass == CHECKED_CLAIMS &&
		    !claims_have(run->claims, run, pc, &run->needs[steps]))
			return "no state has these registers and slots";
		switch ((enum ebpf_form)info->form) {
		case EBPF_FORM_ALU_IMM:
		case EBPF_FORM_ALU_REG:
		case EBPF_FORM_ALU_UNARY:
			regs[op->dst] =
				checked_alu((enum ebpf_fn)info->fn,
					    regs[op->dst], src, info->width);
			break;
		case EBPF_FORM_ENDIAN:
			regs[op->dst] =
				info->fn == EBPF_FN_LE ?
					regs[op->dst] &
						ebpf_bits_mask(info->width) :
					checked_swapped(regs[op->dst],
							info->width);
			break;
		case EBPF_FORM_LDX:
			value = regs[op->src] + (uint64_t)(int64_t)op->off -
				CHECKED_CTX;
			if (value < 24) {
				regs[op->dst] =
					value == 0 ?
						run->m.base :
					value == 4 ?
						run->m.base + run->m.mem_len :
					value == 8 ?
						run->m.base - run->m.meta_len :
						0;
				break;
			}
			value = 0;
			place = memory(
				run, regs[op->src] + (uint64_t)(int64_t)op->off,
				info->width / 8);
			if (!place && checked_may_fault(run, regs[op->src])) {
				pc = checked_come_back(run);
				continue;
			}
			if (!place)
				return "a load outside memory";
			checked_note_access(
				run, steps, place, info->width / 8, false,
				claims_matter(run->claims, pc + 1) >> op->dst &
					1);
			checked_load(run, place, info->width / 8, &value, pc);
			if (info->fn == EBPF_FN_LDXS)
				value = (uint64_t)ebpf_bits_sext(value,
								 info->width);
			regs[op->dst] = value;
			break;
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
		case EBPF_FORM_ATOMIC:
			place = memory(
				run, regs[op->dst] + (uint64_t)(int64_t)op->off,
				info->width / 8);
			if (!place && checked_may_fault(run, regs[op->dst])) {
				pc = checked_come_back(run);
				continue;
			}
			if (!place)
				return "a store outside memory";
			checked_note_store(run, place, info->width / 8);
			/* what an atomic one leaves is any number */
			checked_note_access(run, steps, place, info->width / 8,
					    true, false);
			if (info->form == EBPF_FORM_ATOMIC)
				checked_note_access(run, steps, place,
						    info->width / 8, false,
						    false);
			value = info->form == EBPF_FORM_ST ? (uint64_t)op->imm :
							     regs[op->src];
			if (info->form == EBPF_FORM_ATOMIC)
				checked_atomic(op, place, regs);
			else
				memcpy(place, &value, info->width / 8);
			break;
		case EBPF_FORM_JA:
			pc += (uint32_t)op->off;
			break;
		case EBPF_FORM_JCC_IMM:
		case EBPF_FORM_JCC_REG:
			if (checked_holds((enum ebpf_fn)info->fn, regs[op->dst],
					  src, info->width) !=
			    checked_turns(run, pc))
				pc += (uint32_t)op->off;
			break;
		case EBPF_FORM_CALL:
			if (op->imm == EBPF_FUNC_loop) {
				if (begin_loop(run, regs, pc)) {
					run->notes[steps].begins =
						(uint8_t)run->m.depth;
					pc = run->m.loops[run->m.depth - 1]
						     .start -
					     1;
				}
				break;
			}
			regs[0] = call_helper(run, (uint32_t)op->imm, regs,
					      steps);
			run->m.gave_null |= regs[0] == 0;
			break;
		case EBPF_FORM_CALL_LOCAL:
			run->m.back[run->m.depth] = pc;
			run->m.loops[run->m.depth].start = 0;
			memcpy(run->m.regs[run->m.depth], regs,
			       sizeof(run->m.regs[0]));
			run->m.regs[run->m.depth][EBPF_REG_FP] =
				checked_frame_top(run->m.depth);
			run->m.depth++;
			run->notes[steps].begins = (uint8_t)run->m.depth;
			pc += (uint32_t)op->off;
			break;
		case EBPF_FORM_EXIT:
			run->notes[steps].ends = (uint8_t)run->m.depth;
			if (--run->m.depth == 0 && run->ahead) {
				pc = checked_come_back(run);
				continue;
			}
			if (run->m.depth == 0) {
				if (run->pass == CHECKED_NOTING)
					checked_find_needs(run, steps + 1);
				return NULL;
			}
			if (run->m.loops[run->m.depth].start) {
				if (regs[0] > 1 && !run->ahead)
					return "a callback returned neither 0 "
					       "nor 1";
				if (next_call(run, regs[0])) {
					run->notes[steps].begins =
						(uint8_t)run->m.depth;
					pc = run->m.loops[run->m.depth - 1]
						     .start -
					     1;
					break;
				}
			} else {
				run->m.regs[run->m.depth - 1][0] = regs[0];
			}
			pc = run->m.back[run->m.depth];
			break;
		case EBPF_FORM_LDDW:
			regs[op->dst] =
				op->code == EBPF_OP_LDDW_MAP_VALUE ?
					CHECKED_VALUE + (uint64_t)op->off :
				op->code == EBPF_OP_LDDW_FUNC ?
					CHECKED_FUNC + pc + 1 +
						(uint64_t)op->off :
					(uint64_t)op->imm;
			pc++;
			break;
		default:
			abort();
		}
		pc++;
	}
	if (run->pass == CHECKED_NOTING)
		checked_find_needs(run, steps);
	return NULL; /* long, but nothing wrong so far */
}

void
checked_prepare(struct checked *run)
{
	uint32_t i;
	uint64_t v;

	memset(&run->m, 0, sizeof(run->m));
	for (i = 0; i < sizeof(run->m.stack); i += 8) {
		v = dice_next(&run->dice); /* some earlier run's */
		memcpy(&run->m.stack[0][0] + i, &v, 8);
	}
	run->m.depth = 1;
	run->m.mem_len = run->shape == VGEN_FIXED ?
				 VGEN_AREA :
				 dice_below(&run->dice, VGEN_AREA + 1);
	run->m.base = CHECKED_MEM;
	run->m.meta_len =
		run->shape == VGEN_PACKET && dice_below(&run->dice, 2) ?
			4 * dice_below(&run->dice, CHECKED_META / 4 + 1) :
			0;
	for (i = 0; i < VGEN_AREA; i += 8) {
		v = dice_interesting(&run->dice);
		memcpy(run->m.value + i, &v, 8);
		v = dice_interesting(&run->dice);
		memcpy(run->m.mem + CHECKED_META + i, &v, 8);
	}
	run->m.regs[0][1] =
		run->shape == VGEN_PACKET ? CHECKED_CTX : CHECKED_MEM;
	run->m.regs[0][2] = run->shape == VGEN_FIXED ?
				    dice_interesting(&run->dice) :
				    run->m.mem_len;
	run->m.regs[0][EBPF_REG_FP] = checked_frame_top(0);
}
