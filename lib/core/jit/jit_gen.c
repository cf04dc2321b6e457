/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The walk over a program that every backend makes, see jit_gen.h: functions in
 * order, slots in order, each noted in slot_offs where its code begins. Knows
 * which instructions there are and no machine.
 */
#include "core/jit/jit_gen.h"
#include "core/jit/jit_match.h"
#include "core/jit/jit_tail.h"
#include "core/jit/jit_way.h"

enum {
	DRAFT_BASE = 256, /* bytes of a draft at first, */
	DRAFT_EACH = 7,	  /* and for each slot */
};

/* Code of an op whose constant must not be seen; 0: it may be. */
static __attribute__((__noinline__)) uint32_t
generate_blinded(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	const struct ebpf_jit_target *target = gen->target;
	struct ebpf_op add = {
		.code = EBPF_OP_ADD32_REG, .dst = EBPF_JIT_BLIND_REG,
		.src = op->src,
	};
	struct ebpf_op twin;
	uint64_t key, value;
	uint8_t form;

	if (!ebpf_jit_blind(gen->image, gen->slot, op, &twin, &key))
		return 0;
	form = ebpf_op_info[twin.code].form;
	value = (uint64_t)op->imm ^ key;
	if (form == EBPF_FORM_LDDW) {
		ebpf_jit_forget(gen, op->dst, op->dst);
		target->load_hidden(gen, op->dst, value, key);
		return 2;
	}
	target->load_hidden(gen, EBPF_JIT_BLIND_REG, value, key);
	switch ((enum ebpf_form)form) {
	case EBPF_FORM_JCC_REG:
		return target->jump_if(gen, &twin);
	case EBPF_FORM_STX:
		target->memory(gen, &twin);
		return 1;
	case EBPF_FORM_LD_IND:
		if (ebpf_op_info[op->code].form == EBPF_FORM_LD_IND)
			target->alu(gen, &add);
		target->packet(gen, &twin);
		ebpf_jit_forget(gen, 0, 5);
		return 1;
	default:
		ebpf_jit_forget(gen, op->dst, op->dst);
		target->alu(gen, &twin);
		return 1;
	}
}

static uint32_t
generate_alu(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	uint32_t used = gen->target->alu(gen, op);
	bool knows = used == 1 && gen->knows >> op->src & 1;
	struct ebpf_jit_known *known;

	switch (used == 1 ? op->code : EBPF_OP_COUNT) {
	case EBPF_OP_MOV64_REG:
		ebpf_jit_forget(gen, op->dst, op->dst);
		if (knows)
			gen->known[op->dst] = gen->known[op->src];
		gen->knows |= (uint32_t)knows << op->dst;
		break;
	case EBPF_OP_MOV64_IMM:
	case EBPF_OP_MOV32_IMM:
		known = ebpf_jit_learn(gen, op->dst);
		known->constant = true;
		known->number = op->code == EBPF_OP_MOV64_IMM ?
					(uint64_t)op->imm :
					(uint32_t)op->imm;
		break;
	default:
		ebpf_jit_forget(gen, op->dst, op->dst);
		break;
	}
	return used;
}

static uint32_t generate_slot(struct ebpf_jit_gen *gen);

static void
label(struct ebpf_jit_gen *gen)
{
	ebpf_jit_forget(gen, 0, EBPF_REG_FP);
	gen->target->label(gen);
}

/* A slot of a copy begins here. */
static void
land_hops(struct ebpf_jit_gen *gen, uint32_t slot)
{
	for (uint32_t h = 0; h < gen->hop_count; h++) {
		if (gen->hops[h].slot != slot)
			continue;
		gen->target->land(gen, gen->hops[h].from);
		label(gen);
	}
}

/* The code of a function right here, but for its end. */
static void
put_inline(struct ebpf_jit_gen *gen, const struct ebpf_jit_func *callee)
{
	struct ebpf_jit_func *func = gen->func;
	uint32_t slot = gen->slot, last = callee->end - 1;

	gen->func = &gen->scan->funcs[callee - gen->scan->funcs];
	gen->limit = last;
	gen->copied = true;
	gen->hop_count = 0;
	for (uint32_t i = callee->start; i < last;) {
		gen->slot = i;
		land_hops(gen, i);
		i += ebpf_jit_is_dead(gen->scan, i) ? 1 : generate_slot(gen);
	}
	land_hops(gen, last);
	gen->copied = false;
	gen->func = func;
	gen->limit = func->end;
	gen->slot = slot;
}

static void
call_local(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	const struct ebpf_jit_func *callee = ebpf_jit_func_at(
		gen->scan, ebpf_jit_target_slot(gen->slot, op));

	if (callee == NULL)
		gen->broken = true;
	else if (callee->inlined)
		put_inline(gen, callee);
	else
		gen->target->call_local(gen, callee);
}

static uint32_t
call_helper(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	struct ebpf_jit_call call;

	ebpf_jit_call(gen, op, &call);
	gen->target->call_helper(gen, &call);
	return call.ops;
}

static void
load_const(struct ebpf_jit_gen *gen, const struct ebpf_op *op)
{
	const struct ebpf_jit_target *target = gen->target;
	const void *address = (const void *)(intptr_t)op->imm;
	uint32_t slot;

	ebpf_jit_forget(gen, op->dst, op->dst);
	switch (op->code) {
	case EBPF_OP_LDDW_MAP:
	case EBPF_OP_LDDW_MAP_IDX:
		/* a lookup that knows the map need not be told */
		if (!ebpf_jit_unread(gen, gen->slot + 1, op->dst))
			target->load_address(gen, op->dst, address);
		ebpf_jit_learn(gen, op->dst)->map = address;
		break;
	case EBPF_OP_LDDW_MAP_VALUE:
	case EBPF_OP_LDDW_MAP_IDX_VALUE:
	case EBPF_OP_LDDW_BTF_VAR:
		target->load_address(gen, op->dst, address);
		break;
	case EBPF_OP_LDDW_FUNC:
		slot = ebpf_jit_target_slot(gen->slot, op);
		target->load_function(gen, op->dst, slot);
		ebpf_jit_learn(gen, op->dst)->callback = slot + 1;
		break;
	default:
		target->load_const(gen, op->dst, (uint64_t)op->imm);
		break;
	}
}

/* Several ops that are one thing; 0: they are not. */
static __attribute__((__noinline__)) uint32_t
generate_match(struct ebpf_jit_gen *gen)
{
	uint32_t slot = gen->slot, limit = gen->limit, used;
	struct ebpf_jit_match match;

	if (!ebpf_jit_match(gen, &match))
		return 0;
	for (uint32_t n = 0; match.others >> n != 0;) {
		uint32_t end = n + 1;

		if (!(match.others >> n & 1)) {
			n++;
			continue;
		}
		while (match.others >> end & 1)
			end++;
		gen->slot = slot + n;
		gen->limit = slot + end;
		n += generate_slot(gen);
	}
	gen->slot = slot;
	gen->limit = limit;
	used = gen->target->match(gen, &match);
	for (uint32_t n = 0; n < used; n++) {
		uint32_t dst = gen->prog->ops[slot + n].dst;

		ebpf_jit_forget(gen, dst, dst);
	}
	return used;
}

/* Code of the op at gen->slot, and maybe the ones after it: how many. */
static uint32_t
generate_slot(struct ebpf_jit_gen *gen)
{
	const struct ebpf_jit_target *target = gen->target;
	const struct ebpf_op *op = &gen->prog->ops[gen->slot];
	uint32_t used = 0;

	if ((op->code == EBPF_OP_MOV64_REG || op->code == EBPF_OP_ADD64_IMM) &&
	    (gen->scan->slots[gen->slot] & EBPF_JIT_KEY_PLACE))
		return 1;
	if (gen->image->blind)
		used = generate_blinded(gen, op);
	else if (ebpf_jit_facts[op->code] & EBPF_JIT_BEGINS)
		used = generate_match(gen);
	if (used > 0)
		return used;
	switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
		return generate_alu(gen, op);
	case EBPF_FORM_LDX:
		used = ebpf_jit_merge(gen);
		return used > 0 ? used : target->memory(gen, op);
	case EBPF_FORM_ST:
	case EBPF_FORM_STX:
	case EBPF_FORM_ATOMIC:
	case EBPF_FORM_LOAD_ACQ:
	case EBPF_FORM_STORE_REL:
		return target->memory(gen, op);
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		target->jump(gen, ebpf_jit_target_slot(gen->slot, op));
		return 1;
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_JCC_REG:
		return target->jump_if(gen, op);
	case EBPF_FORM_CALL:
		used = 1;
		if (op->code == EBPF_OP_CALL_KFUNC)
			gen->unknown = true;
		else
			used = call_helper(gen, op);
		ebpf_jit_forget(gen, 0, 5);
		return used;
	case EBPF_FORM_CALL_LOCAL:
		call_local(gen, op);
		ebpf_jit_forget(gen, 0, 5);
		return 1;
	case EBPF_FORM_CALLX:
		target->callx(gen, op);
		ebpf_jit_forget(gen, 0, 5);
		return 1;
	case EBPF_FORM_EXIT:
		if (gen->copied)
			target->jump(gen, gen->func->end - 1);
		else
			target->leave(gen);
		return 1;
	case EBPF_FORM_LDDW:
		load_const(gen, op);
		return 2;
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_LD_IND:
		target->packet(gen, op);
		ebpf_jit_forget(gen, 0, 5);
		return 1;
	case EBPF_FORM_LDDW_HI:
	case EBPF_FORM_COUNT:
		break;
	}
	return 1;
}

static void
generate_func(struct ebpf_jit_gen *gen, struct ebpf_jit_func *func)
{
	uint32_t *offs = gen->image->slot_offs;

	gen->func = func;
	gen->limit = func->end;
	label(gen);
	offs[func->start] = gen->buf.len;
	if (func->inlined && !func->taken) {
		for (uint32_t i = func->start + 1; i < func->end; i++)
			offs[i] = gen->buf.len;
		return;
	}
	gen->target->prologue(gen);
	func->body = gen->buf.len - offs[func->start];
	for (uint32_t i = func->start; i < func->end;) {
		uint32_t used = 1;

		if (i != func->start)
			offs[i] = gen->buf.len;
		gen->slot = i;
		if (ebpf_jit_is_label(gen->scan, i))
			label(gen);
		if (gen->scan->slots[i] & EBPF_JIT_FENCED)
			gen->target->fence(gen);
		if (!ebpf_jit_is_dead(gen->scan, i))
			used = generate_slot(gen);
		for (i++; used > 1; used--, i++)
			offs[i] = gen->buf.len;
	}
}

const void *
ebpf_jit_tail_add(struct ebpf_jit_gen *gen, const struct ebpf_map *map,
		  uint32_t index)
{
	struct ebpf_jit_image *image = gen->image;
	struct ebpf_jit_tail *tail;

	if (image->tail_count == gen->scan->tail_count) {
		gen->broken = true;
		return NULL;
	}
	tail = &image->tails[image->tail_count++];
	tail->array = (struct ebpf_map_prog_array *)(uintptr_t)map;
	tail->index = index;
	return &tail->direct;
}

/* One walk over everything. */
static void
pass(struct ebpf_jit_gen *gen, struct ebpf_jit_draft *draft)
{
	gen->broken = false;
	gen->buf.full = false;
	gen->buf.len = 0;
	draft->fix_count = draft->addr_count = 0;
	gen->image->tail_count = 0;
	gen->target->head(gen);
	for (uint32_t f = 0; f < gen->scan->func_count; f++)
		generate_func(gen, &gen->scan->funcs[f]);
}

int
ebpf_jit_generate(struct ebpf_jit_gen *gen,
		  const struct ebpf_jit_target *target,
		  const struct ebpf_prog *prog, struct ebpf_jit_scan *scan,
		  struct ebpf_jit_image *image, struct ebpf_jit_draft *draft)
{
	gen->target = target;
	gen->prog = prog;
	gen->scan = scan;
	gen->image = image;
	if (!ebpf_jit_draft_grow(draft, DRAFT_BASE + (size_t)prog->op_count *
							     DRAFT_EACH))
		return -EBPF_ENOMEM;
	gen->buf.draft = draft;
	gen->buf.write = draft->code;
	gen->buf.room = draft->room;
	gen->buf.run = draft->run;
	do
		pass(gen, draft);
	while (!gen->buf.full && target->again(gen));
	if (gen->unknown)
		return -EBPF_EUNSUPPORTED;
	if (gen->buf.full)
		return -EBPF_ENOMEM;
	if (gen->broken)
		return -EBPF_E2BIG;
	draft->len = image->code_len = gen->buf.len;
	image->entry_off = target->entry;
	image->addr_count = draft->addr_count;
	return 0;
}
