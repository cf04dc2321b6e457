/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One walk over a program before code is generated; see jit_scan.h. It trusts
 * nothing but the decoder: what the verifier says in funcs[].flags is found out
 * again here, because the engine tests run programs no verifier saw.
 */
#include "core/jit/jit_scan.h"

#include "core/runtime.h"

enum {
	INLINED_MAX = 6, /* slots */
	INLINED_ONCE = 64,
};

static void
mark(struct ebpf_jit_scan *scan, uint32_t slot)
{
	scan->slots[slot] |= EBPF_JIT_LABEL;
}

/* What the call at slot, if it is one of a function, calls. */
static struct ebpf_jit_func *
callee_of(const struct ebpf_prog *prog, const struct ebpf_jit_scan *scan,
	  uint32_t slot)
{
	const struct ebpf_op *op = &prog->ops[slot];

	if (op->code != EBPF_OP_CALL_LOCAL || ebpf_jit_is_dead(scan, slot))
		return NULL;
	return ebpf_jit_func_at(scan, (uint32_t)((int64_t)slot + 1 + op->off));
}

static void
scan_func(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
	  struct ebpf_jit_func *func)
{
	uint32_t regs = 0;

	for (uint32_t i = func->start; i < func->end; i++) {
		const struct ebpf_op *op = &prog->ops[i];
		uint32_t facts = ebpf_jit_facts[op->code];

		if (ebpf_jit_is_dead(scan, i))
			continue;
		/* as far as saving them is concerned */
		regs |= ebpf_jit_bit(facts, EBPF_JIT_NAMES_DST, op->dst) |
			ebpf_jit_bit(facts, EBPF_JIT_NAMES_SRC, op->src);
		if (!(facts & EBPF_JIT_IS_NOTED))
			continue;
		if (facts & EBPF_JIT_IS_JUMP) {
			mark(scan, (uint32_t)((int64_t)i + 1 + op->off));
			func->loops |= op->off < 0;
			continue;
		}
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_CALL: {
			const struct ebpf_helper *helper =
				(const struct ebpf_helper *)(intptr_t)op->imm;

			func->calls = 1;
			if (op->code == EBPF_OP_CALL_HELPER &&
			    (helper->flags & EBPF_HELPER_TAIL)) {
				func->run = 1;
				scan->tail_count++;
			}
			scan->lookups |= op->code == EBPF_OP_CALL_HELPER &&
				helper->number == EBPF_FUNC_map_lookup_elem;
			break;
		}
		case EBPF_FORM_CALL_LOCAL: {
			struct ebpf_jit_func *callee = callee_of(prog, scan, i);

			if (callee != NULL && callee->callers < 2)
				callee->callers++;
			break; /* and spread_calls() */
		}
		case EBPF_FORM_CALLX:
		case EBPF_FORM_LD_ABS:
		case EBPF_FORM_LD_IND:
			func->calls = 1;
			func->run = 1;
			scan->full_run = true;
			break;
		case EBPF_FORM_LDDW: {
			struct ebpf_jit_func *callback = ebpf_jit_func_at(
				scan, (uint32_t)((int64_t)i + 1 + op->off));

			if (callback != NULL)
				callback->taken = 1;
			break;
		}
		default:
			break;
		}
	}
	func->regs = (uint16_t)regs;
}

/* Programs of one kind can tail call each other: they must agree on this. */
static bool
kind_wants_full_run(const struct ebpf_kind *kind)
{
	if (kind == NULL)
		return true;
	switch (kind->number) {
	case EBPF_PROG_XDP:
	case EBPF_PROG_VALE:
		return false;
	}
	return true;
}

/* See jit_scan.h. */
static bool
is_inlined(const struct ebpf_prog *prog, const struct ebpf_jit_scan *scan,
	   const struct ebpf_jit_func *func)
{
	const struct ebpf_op *last = &prog->ops[func->end - 1];
	uint32_t most = func->callers == 1 ? INLINED_ONCE : INLINED_MAX;
	uint32_t hops = 0;

	if (func == scan->funcs || func->end - func->start > most ||
	    func->regs >> 6 != 0 || last->code != EBPF_OP_EXIT ||
	    ebpf_jit_is_dead(scan, func->end - 1))
		return false;
	for (uint32_t i = func->start; i < func->end; i++) {
		const struct ebpf_op *op = &prog->ops[i];

		if (scan->slots[i] & EBPF_JIT_FENCED)
			return false;
		if (ebpf_jit_is_dead(scan, i))
			continue;
		switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
		case EBPF_FORM_ALU_IMM:
		case EBPF_FORM_ALU_REG:
		case EBPF_FORM_ALU_UNARY:
		case EBPF_FORM_ENDIAN:
		case EBPF_FORM_LDX:
		case EBPF_FORM_ST:
		case EBPF_FORM_STX:
		case EBPF_FORM_ATOMIC:
		case EBPF_FORM_LOAD_ACQ:
		case EBPF_FORM_STORE_REL:
		case EBPF_FORM_LDDW:
		case EBPF_FORM_LDDW_HI:
			break;
		case EBPF_FORM_JA:
		case EBPF_FORM_JA32:
		case EBPF_FORM_JCC_IMM:
		case EBPF_FORM_JCC_REG:
			if (op->off < 0 || op->off >= (int64_t)func->end - 1 - i)
				return false;
			hops++;
			break;
		case EBPF_FORM_EXIT: /* jumps to the last one */
			hops++;
			break;
		default:
			return false;
		}
	}
	return hops <= EBPF_JIT_HOPS;
}

/* Who leaves by a native call, once it is known which functions are inlined. */
static void
spread_calls(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
	     struct ebpf_jit_func *func)
{
	for (uint32_t i = func->start; i < func->end && !func->calls; i++) {
		const struct ebpf_jit_func *callee = callee_of(prog, scan, i);

		func->calls = callee != NULL && !callee->inlined;
	}
}

/* A caller needs what its callees need, at any depth. */
static bool
spread_run(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
	    struct ebpf_jit_func *func)
{
	if (func->run || !func->calls)
		return false;
	for (uint32_t i = func->start; i < func->end; i++) {
		const struct ebpf_jit_func *callee = callee_of(prog, scan, i);

		if (callee != NULL && callee->run) {
			func->run = 1;
			return true;
		}
	}
	return false;
}

struct ebpf_jit_func *
ebpf_jit_func_at(const struct ebpf_jit_scan *scan, uint32_t slot)
{
	uint32_t low = 0, high = scan->func_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (scan->funcs[middle].start < slot)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == scan->func_count || scan->funcs[low].start != slot)
		return NULL;
	return &scan->funcs[low];
}

/* What a bit for each slot says, if anything. */
static void
spread_bits(struct ebpf_jit_scan *scan, const uint8_t *bits, uint32_t slot_bit)
{
	uint32_t count = scan->funcs[scan->func_count - 1].end;

	for (uint32_t i = 0; bits != NULL && i < count; i++)
		if (bits[i >> 3] >> (i & 7) & 1)
			scan->slots[i] |= (uint16_t)slot_bit;
}

int
ebpf_jit_scan(const struct ebpf_prog *prog, struct ebpf_jit_scan *scan)
{
	uint32_t at = 0;
	bool any = false, changed;

	memset(scan, 0, sizeof(*scan));
	if (prog->func_count == 0 || prog->op_count == 0 || prog->fused)
		return -EBPF_EINVAL;
	/* all in one piece */
	scan->funcs = os_alloc(prog->func_count * sizeof(*scan->funcs) +
			       prog->op_count * sizeof(*scan->slots));
	if (scan->funcs == NULL)
		return -EBPF_ENOMEM;
	scan->slots = (uint16_t *)(void *)(scan->funcs + prog->func_count);
	scan->func_count = prog->func_count;
	scan->nest_cost = 1 + prog->obj.rt->tail_nest_extra;
	for (uint32_t f = 0; f < prog->func_count; f++) {
		struct ebpf_jit_func *func = &scan->funcs[f];

		func->start = prog->funcs[f].start;
		func->end = prog->funcs[f].end;
		func->stack_depth = (prog->funcs[f].stack_depth + 7) & ~7u;
		if (func->start != at || func->end <= at ||
		    func->end > prog->op_count) {
			ebpf_jit_scan_free(scan);
			return -EBPF_EINVAL;
		}
		at = func->end;
	}
	if (at != prog->op_count) {
		ebpf_jit_scan_free(scan);
		return -EBPF_EINVAL;
	}
	spread_bits(scan, prog->dead, EBPF_JIT_DEAD);
	spread_bits(scan, prog->fences, EBPF_JIT_FENCED);
	for (uint32_t f = 0; f < scan->func_count; f++) {
		scan_func(prog, scan, &scan->funcs[f]);
		any |= scan->funcs[f].run;
	}
	for (uint32_t f = 0; f < scan->func_count; f++)
		scan->funcs[f].inlined =
			is_inlined(prog, scan, &scan->funcs[f]);
	for (uint32_t f = 0; f < scan->func_count; f++) {
		spread_calls(prog, scan, &scan->funcs[f]);
		ebpf_jit_live(prog, scan, &scan->funcs[f]);
	}
	scan->full_run |= kind_wants_full_run(prog->kind);
	for (changed = any && scan->func_count > 1; changed;) {
		changed = false;
		for (uint32_t f = scan->func_count; f-- > 0;)
			changed |= spread_run(prog, scan, &scan->funcs[f]);
	}
	/* who calls a callback has no run block to give it */
	for (uint32_t f = 0; f < scan->func_count; f++) {
		if (scan->funcs[f].taken && scan->funcs[f].run) {
			ebpf_jit_scan_free(scan);
			return -EBPF_EUNSUPPORTED;
		}
	}
	return 0;
}

void
ebpf_jit_scan_free(struct ebpf_jit_scan *scan)
{
	os_free(scan->funcs); /* with slots */
	scan->slots = NULL;
	scan->funcs = NULL;
}
