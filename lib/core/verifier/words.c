/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verifier's words: numbers, registers, stack slots and instructions as
 * text, and the account of states that a load may ask for. Decides nothing;
 * explain.c makes sentences of them.
 */
#include "core/btf.h"
#include "core/report.h"
#include "core/verifier/verify.h"

enum {
	BTF_KIND_FUNC = 12,
};

struct ebpf_source
ebpf_verify_source(const struct ebpf_venv *env)
{
	struct ebpf_source source = {env->prog->btf, env->prog->line_infos,
				     env->prog->line_info_count};

	return source;
}

const char *
ebpf_verify_func_name(const struct ebpf_venv *env, uint32_t start)
{
	const struct ebpf_prog *prog = env->prog;
	const struct ebpf_btf *btf = prog->btf;
	uint32_t i, id, word[2];

	for (i = 0; btf && i < prog->func_info_count; i++) {
		id = prog->func_infos[i].type_id;
		if (prog->func_infos[i].insn != start || id == 0 ||
		    id > btf->type_count)
			continue;
		memcpy(word, btf->data + btf->type_offs[id], sizeof(word));
		if ((word[1] >> 24 & 0x1f) == BTF_KIND_FUNC)
			return ebpf_btf_string(btf, word[0]);
	}
	return "";
}

const char *
ebpf_verify_type_name(const struct ebpf_vreg *reg)
{
	switch ((enum ebpf_vtype)reg->type) {
	case EBPF_V_NONE:
		return "register that was not written";
	case EBPF_V_SCALAR:
		return "number";
	case EBPF_V_CTX:
		return "context pointer";
	case EBPF_V_STACK:
		return "stack pointer";
	case EBPF_V_PKT:
		return "packet pointer";
	case EBPF_V_PKT_META:
		return "packet metadata pointer";
	case EBPF_V_PKT_END:
		return "packet end pointer";
	case EBPF_V_MEM:
		return "memory pointer";
	case EBPF_V_MAP:
		return reg->maybe_null ? "map that may be null" : "map";
	case EBPF_V_VALUE:
		return reg->maybe_null ? "map value pointer that may be null" :
					 "map value pointer";
	case EBPF_V_FUNC:
		return "function";
	case EBPF_V_KEY:
		return "pointer to a map's key";
	case EBPF_V_GIVEN:
		return reg->maybe_null ?
			       "pointer argument that may be null" :
			       "pointer argument";
	case EBPF_V_RECORD:
		return reg->maybe_null ?
			       "ring buffer record that may be null" :
			       "ring buffer record";
	case EBPF_V_LOW:
		return "lower half of a packet address";
	case EBPF_V_SOCK:
		return ebpf_verify_sock_name(reg);
	}
	return "register";
}

/* ---- numbers and registers ---- */

static void
log_num(struct ebpf_log *log, const struct ebpf_num *n)
{
	uint64_t ones = n->t.value | n->t.mask;

	if (ebpf_num_is_const(n)) {
		if (n->smin < 0 || n->smin > 0xffff)
			ebpf_log(log, "%lld (0x%llx)", (long long)n->smin,
				 (unsigned long long)n->umin);
		else
			ebpf_log(log, "%lld", (long long)n->smin);
		return;
	}
	if (n->umin == 0 && n->umax == UINT64_MAX && ~n->t.mask == 0 &&
	    n->smin == INT64_MIN && n->smax == INT64_MAX) {
		ebpf_log(log, "any");
		return;
	}
	if (n->smin >= 0 || n->smin == INT64_MIN)
		ebpf_log(log, "%llu..%llu", (unsigned long long)n->umin,
			 (unsigned long long)n->umax);
	else
		ebpf_log(log, "%lld..%lld", (long long)n->smin,
			 (long long)n->smax);
	if (n->t.value || (n->smin >= 0 && (ones & (ones + 1)) != 0))
		ebpf_log(log, " bits 0x%llx/0x%llx",
			 (unsigned long long)n->t.value,
			 (unsigned long long)n->t.mask);
}

static void
log_offset(struct ebpf_log *log, const struct ebpf_vreg *reg)
{
	if (reg->off)
		ebpf_log(log, "%+d", reg->off);
	if (!ebpf_num_is_const(&reg->num) || reg->num.umin) {
		ebpf_log(log, "+[");
		log_num(log, &reg->num);
		ebpf_log(log, "]");
	}
}

void
ebpf_verify_log_reg(const struct ebpf_venv *env, struct ebpf_log *log,
		    const struct ebpf_vreg *reg)
{
	const struct ebpf_map *map;

	switch ((enum ebpf_vtype)reg->type) {
	case EBPF_V_NONE:
		ebpf_log(log, "not written");
		return;
	case EBPF_V_SCALAR:
		ebpf_log(log, "number ");
		log_num(log, &reg->num);
		if (reg->id == EBPF_V_ID_LEN && !reg->shl) {
			ebpf_log(log, " (the length");
			if (reg->off)
				ebpf_log(log, "%+d", reg->off);
			ebpf_log(log, ")");
		}
		return;
	case EBPF_V_CTX:
		ebpf_log(log, "context");
		break;
	case EBPF_V_STACK:
		if (reg->frame + 1u != env->state->depth)
			ebpf_log(log, "stack of caller %u", reg->frame);
		else
			ebpf_log(log, "stack");
		break;
	case EBPF_V_PKT:
		ebpf_log(log, "packet");
		break;
	case EBPF_V_PKT_META:
		ebpf_log(log, "packet metadata");
		break;
	case EBPF_V_PKT_END:
		ebpf_log(log, "packet end");
		break;
	case EBPF_V_MEM:
		ebpf_log(log, "memory");
		break;
	case EBPF_V_MAP:
	case EBPF_V_VALUE:
		map = env->prog->maps[reg->map];
		ebpf_log(log, "%s%s %s",
			 reg->type == EBPF_V_MAP ? "" : "value of ",
			 reg->inner ? "a map in" : "map", map->obj.name);
		break;
	case EBPF_V_FUNC:
		ebpf_log(log, "the function at %u",
			 env->funcs[reg->map].start);
		return;
	case EBPF_V_KEY:
		map = ebpf_verify_map_of(env, reg);
		ebpf_log(log, "key of map %s, %u bytes", map->obj.name,
			 map->key_size);
		break;
	case EBPF_V_GIVEN:
		ebpf_log(log, "argument, %u bytes", reg->range);
		break;
	case EBPF_V_RECORD:
		ebpf_log(log, "record of %u bytes", reg->range);
		break;
	case EBPF_V_LOW:
		ebpf_log(log, "lower half of a packet address");
		break;
	case EBPF_V_SOCK:
		ebpf_log(log, "%s", ebpf_verify_sock_name(reg));
		break;
	}
	log_offset(log, reg);
	if (reg->type == EBPF_V_PKT || reg->type == EBPF_V_PKT_META)
		ebpf_log(log, ", %u bytes proven", reg->range);
	if (reg->type == EBPF_V_MEM && env->tied)
		ebpf_log(log, ", length at least %llu",
			 (unsigned long long)env->state->len.umin);
	if (reg->type == EBPF_V_MEM && !env->tied)
		ebpf_log(log, ", %u bytes", env->prog->mem_size);
	if (reg->type == EBPF_V_VALUE)
		ebpf_log(log, ", %u bytes",
			 ebpf_verify_map_of(env, reg)->value_size);
	if (reg->maybe_null && reg->type == EBPF_V_GIVEN)
		ebpf_log(log, ", or null");
	else if (reg->maybe_null)
		ebpf_log(log, ", or null (from the call at %u)", reg->origin);
}

/* Eight bytes of stack. */
void
ebpf_verify_log_slot(const struct ebpf_venv *env, struct ebpf_log *log,
		     const struct ebpf_vslot *slot)
{
	struct ebpf_vreg reg;
	uint32_t written = 0, told = 0, i;

	for (i = 0; i < 8; i++)
		written += slot->bytes[i] != EBPF_VB_NONE;
	if (!written) {
		ebpf_log(log, "not written");
		return;
	}
	for (i = 0; i < 2; i++) {
		if (!slot->spill_size[i])
			continue;
		if (told++)
			ebpf_log(log, ", ");
		ebpf_verify_log_reg(env, log, &slot->reg[i]);
		if (slot->spill_size[i] < 8)
			ebpf_log(log, " in bytes %u to %u", slot->spill_off[i],
				 slot->spill_off[i] + slot->spill_size[i] - 1u);
	}
	if (written == 8) {
		if (!told && ebpf_verify_slot_number(slot, 0, 8, &reg))
			ebpf_verify_log_reg(env, log, &reg);
		return;
	}
	ebpf_log(log, "%swritten but for byte", told ? ", " : "");
	for (i = 0; i < 8; i++)
		if (slot->bytes[i] == EBPF_VB_NONE)
			ebpf_log(log, " %u", i);
}

static void
log_state(struct ebpf_venv *env)
{
	const struct ebpf_vframe *frame = ebpf_verify_top(env);
	uint32_t i, h;

	for (i = 0; i < EBPF_REG_FP; i++) {
		if (frame->regs[i].type == EBPF_V_NONE ||
		    !(env->live[env->insn] & 1u << i))
			continue;
		ebpf_log(env->log, "    r%u = ", i);
		ebpf_verify_log_reg(env, env->log, &frame->regs[i]);
		ebpf_log(env->log, "\n");
	}
	for (i = 0; i < frame->slot_count; i++) {
		const struct ebpf_vslot *slot = &frame->slots[i];

		for (h = 0; h < 2; h++) {
			if (!slot->spill_size[h])
				continue;
			ebpf_log(env->log, "    stack %d = ",
				 -8 * (int)(i + 1) + slot->spill_off[h]);
			ebpf_verify_log_reg(env, env->log, &slot->reg[h]);
			ebpf_log(env->log, "\n");
		}
	}
}

/* ---- instructions ---- */

static const char *
sign_of(uint8_t fn)
{
	static const char *const signs[EBPF_FN_COUNT] = {
#define EBPF_FN(fn, word, sign) sign,
#include "abi/insn.def"
	};

	return signs[fn];
}

static const char *
word_of(uint8_t fn)
{
	static const char *const words[EBPF_FN_COUNT] = {
#define EBPF_FN(fn, word, sign) word,
#include "abi/insn.def"
	};

	return words[fn];
}

static void
log_call(const struct ebpf_venv *env, struct ebpf_log *log,
	 const struct ebpf_op *op, uint32_t insn)
{
	const char *name;

	if (op->code == EBPF_OP_CALL_LOCAL) {
		name = ebpf_verify_func_name(env, insn + 1 + (uint32_t)op->off);
		ebpf_log(log, "call ");
		if (*name)
			ebpf_log_clean(log, name, EBPF_NAME_SIZE);
		else
			ebpf_log(log, "the function");
		ebpf_log(log, " at %d", (int)insn + 1 + op->off);
		return;
	}
	name = op->code == EBPF_OP_CALL_HELPER ?
		       ebpf_helper_name(env->prog->obj.rt, (uint32_t)op->imm) :
		       NULL;
	ebpf_log(log, "call %s (%lld)", name ? name : "unknown",
		 (long long)op->imm);
}

static void
log_lddw(const struct ebpf_venv *env, struct ebpf_log *log,
	 const struct ebpf_op *op)
{
	const char *map = "?";

	if (op->imm >= 0 && op->imm < env->prog->map_count)
		map = env->prog->maps[op->imm]->obj.name;
	if (op->code == EBPF_OP_LDDW_FUNC)
		ebpf_log(log, "r%u = the function at %d", op->dst,
			 (int)(op - env->ops) + 1 + op->off);
	else if (op->code == EBPF_OP_LDDW_MAP)
		ebpf_log(log, "r%u = map %s", op->dst, map);
	else if (op->code == EBPF_OP_LDDW_MAP_VALUE)
		ebpf_log(log, "r%u = value of map %s %+d", op->dst, map,
			 op->off);
	else
		ebpf_log(log, "r%u = 0x%llx ll", op->dst,
			 (unsigned long long)op->imm);
}

void
ebpf_verify_log_op(const struct ebpf_venv *env, struct ebpf_log *log,
		   uint32_t insn)
{
	const struct ebpf_op *op = &env->ops[insn];
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	char r = info->width == 64 ? 'r' : 'w';
	const char *sign = sign_of(info->fn);

	switch ((enum ebpf_form)info->form) {
	case EBPF_FORM_ALU_IMM:
		ebpf_log(log, "%c%u %s %lld", r, op->dst, sign,
			 (long long)op->imm);
		break;
	case EBPF_FORM_ALU_REG:
		ebpf_log(log, "%c%u %s %c%u", r, op->dst, sign, r, op->src);
		break;
	case EBPF_FORM_ALU_UNARY:
		ebpf_log(log, "%c%u = -%c%u", r, op->dst, r, op->dst);
		break;
	case EBPF_FORM_ENDIAN:
		ebpf_log(log, "r%u = %s%u r%u", op->dst, word_of(info->fn),
			 info->width, op->dst);
		break;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
		ebpf_log(log, "r%u = *(%c%u *)(r%u %+d)", op->dst,
			 info->fn == EBPF_FN_LDXS ? 's' : 'u', info->width,
			 op->src, op->off);
		break;
	case EBPF_FORM_ST:
		ebpf_log(log, "*(u%u *)(r%u %+d) = %lld", info->width, op->dst,
			 op->off, (long long)op->imm);
		break;
	case EBPF_FORM_STX:
	case EBPF_FORM_STORE_REL:
		ebpf_log(log, "*(u%u *)(r%u %+d) = r%u", info->width, op->dst,
			 op->off, op->src);
		break;
	case EBPF_FORM_ATOMIC:
		ebpf_log(log, "atomic %s *(u%u *)(r%u %+d), r%u",
			 word_of(info->fn), info->width, op->dst, op->off,
			 op->src);
		break;
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
		ebpf_log(log, "goto %d", (int)insn + 1 + op->off);
		break;
	case EBPF_FORM_JCC_IMM:
		ebpf_log(log, "if %c%u %s %lld goto %d", r, op->dst, sign,
			 (long long)op->imm, (int)insn + 1 + op->off);
		break;
	case EBPF_FORM_JCC_REG:
		ebpf_log(log, "if %c%u %s %c%u goto %d", r, op->dst, sign, r,
			 op->src, (int)insn + 1 + op->off);
		break;
	case EBPF_FORM_CALL:
	case EBPF_FORM_CALL_LOCAL:
		log_call(env, log, op, insn);
		break;
	case EBPF_FORM_CALLX:
		ebpf_log(log, "call r%u", op->dst);
		break;
	case EBPF_FORM_EXIT:
		ebpf_log(log, "exit");
		break;
	case EBPF_FORM_LDDW:
		log_lddw(env, log, op);
		break;
	case EBPF_FORM_LDDW_HI:
		ebpf_log(log, "second half of an lddw");
		break;
	case EBPF_FORM_LD_ABS:
		ebpf_log(log, "r0 = packet u%u at %lld", info->width,
			 (long long)op->imm);
		break;
	case EBPF_FORM_LD_IND:
		ebpf_log(log, "r0 = packet u%u at r%u %+lld", info->width,
			 op->src, (long long)op->imm);
		break;
	case EBPF_FORM_COUNT:
		break;
	}
}

/* ---- the account ---- */

void
ebpf_verify_log_step(struct ebpf_venv *env)
{
	struct ebpf_source source = ebpf_verify_source(env);
	struct ebpf_vaux *aux = &env->aux[env->insn];
	struct ebpf_place place;
	bool has_place = ebpf_source_find(&source, env->insn, &place);

	/* level 1: where a source line begins, the first time */
	if (env->log->level < 2 &&
	    ((aux->flags & EBPF_VA_LINE) || (has_place && !place.begins)))
		return;
	aux->flags |= EBPF_VA_LINE;
	if (has_place && place.begins) {
		ebpf_log(env->log, "; ");
		ebpf_log_place(env->log, &place);
		ebpf_log(env->log, ": ");
		ebpf_log_clean(env->log, place.text, 200);
		ebpf_log(env->log, "\n");
	}
	log_state(env);
	ebpf_log(env->log, "%u: ", env->insn);
	ebpf_verify_log_op(env, env->log, env->insn);
	ebpf_log(env->log, "\n");
}
