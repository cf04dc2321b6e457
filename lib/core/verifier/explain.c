/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verifier's words: instructions, registers and stack as text, the source
 * line from line info, and the shape of a rejection. Decides nothing.
 */
#include "core/btf.h"
#include "core/verifier/verify.h"

struct rule_text {
	const char *name, *sentence, *fix;
};

static const struct rule_text rules[EBPF_RULE_COUNT] = {
#define EBPF_RULE(name, sentence, fix) {#name, sentence, fix},
#include "abi/rule.def"
};

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
		return "map";
	case EBPF_V_VALUE:
		return reg->maybe_null ? "map value pointer that may be null" :
					 "map value pointer";
	case EBPF_V_RECORD:
		return reg->maybe_null ?
			       "ring buffer record that may be null" :
			       "ring buffer record";
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
	if (n->umin == 0 && n->umax == UINT64_MAX && ~n->t.mask == 0) {
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

static void
log_reg(struct ebpf_venv *env, const struct ebpf_vreg *reg)
{
	struct ebpf_log *log = env->log;
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
		ebpf_log(log, "%s %s",
			 reg->type == EBPF_V_MAP ? "map" : "value of map",
			 map->obj.name);
		break;
	case EBPF_V_RECORD:
		ebpf_log(log, "record of %u bytes", reg->range);
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
			 env->prog->maps[reg->map]->value_size);
	if (reg->maybe_null)
		ebpf_log(log, ", or null (from the call at %u)", reg->origin);
}

void
ebpf_verify_log_state(struct ebpf_venv *env)
{
	const struct ebpf_vframe *frame = ebpf_verify_top(env);
	uint32_t i;

	for (i = 0; i < EBPF_REG_FP; i++) {
		if (frame->regs[i].type == EBPF_V_NONE ||
		    !(env->live[env->insn] & 1u << i))
			continue;
		ebpf_log(env->log, "    r%u = ", i);
		log_reg(env, &frame->regs[i]);
		ebpf_log(env->log, "\n");
	}
	for (i = 0; i < frame->slot_count; i++) {
		const struct ebpf_vslot *slot = &frame->slots[i];

		if (!slot->spill_size)
			continue;
		ebpf_log(env->log, "    stack %d = ",
			 -8 * (int)(i + 1) + slot->spill_off);
		log_reg(env, &slot->reg);
		ebpf_log(env->log, "\n");
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
log_call(struct ebpf_venv *env, const struct ebpf_op *op, uint32_t insn)
{
	const char *name;

	if (op->code == EBPF_OP_CALL_LOCAL) {
		ebpf_log(env->log, "call the function at %d",
			 (int)insn + 1 + op->off);
		return;
	}
	name = op->code == EBPF_OP_CALL_HELPER ?
		       ebpf_helper_name(env->prog->obj.rt, (uint32_t)op->imm) :
		       NULL;
	ebpf_log(env->log, "call %s (%lld)", name ? name : "unknown",
		 (long long)op->imm);
}

static void
log_lddw(struct ebpf_venv *env, const struct ebpf_op *op)
{
	const char *map = "?";

	if (op->imm >= 0 && op->imm < env->prog->map_count)
		map = env->prog->maps[op->imm]->obj.name;
	if (op->code == EBPF_OP_LDDW_MAP)
		ebpf_log(env->log, "r%u = map %s", op->dst, map);
	else if (op->code == EBPF_OP_LDDW_MAP_VALUE)
		ebpf_log(env->log, "r%u = value of map %s %+d", op->dst, map,
			 op->off);
	else
		ebpf_log(env->log, "r%u = 0x%llx ll", op->dst,
			 (unsigned long long)op->imm);
}

static void
log_op(struct ebpf_venv *env, uint32_t insn)
{
	const struct ebpf_op *op = &env->ops[insn];
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_log *log = env->log;
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
		log_call(env, op, insn);
		break;
	case EBPF_FORM_CALLX:
		ebpf_log(log, "call r%u", op->dst);
		break;
	case EBPF_FORM_EXIT:
		ebpf_log(log, "exit");
		break;
	case EBPF_FORM_LDDW:
		log_lddw(env, op);
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

/* ---- source lines ---- */

static const struct ebpf_line_info *
find_line(const struct ebpf_venv *env, uint32_t insn)
{
	const struct ebpf_prog *prog = env->prog;
	uint32_t lo = 0, hi = prog->line_info_count, mid;

	if (!prog->btf || !prog->line_infos)
		return NULL;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (prog->line_infos[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &prog->line_infos[lo - 1] : NULL;
}

static void
log_source(struct ebpf_venv *env, const struct ebpf_line_info *line)
{
	const char *text = ebpf_btf_string(env->prog->btf, line->line_off);
	const char *file = ebpf_btf_string(env->prog->btf, line->file_off);
	uint32_t column = line->line_col & 0x3ff, skip = 0, i;

	ebpf_log(env->log, "  at %s:%u:%u\n", *file ? file : "?",
		 line->line_col >> 10, column);
	while (text[skip] == ' ' || text[skip] == '\t')
		skip++;
	if (!text[skip])
		return;
	ebpf_log(env->log, "      %.200s\n", text + skip);
	if (column <= skip || column > strnlen(text, 200 + skip))
		return;
	ebpf_log(env->log, "      ");
	for (i = skip + 1; i < column; i++)
		ebpf_log(env->log, "%c", text[i - 1] == '\t' ? '\t' : ' ');
	ebpf_log(env->log, "^\n");
}

void
ebpf_verify_log_insn(struct ebpf_venv *env, uint32_t insn)
{
	const struct ebpf_line_info *line = find_line(env, insn);

	if (line && line->insn == insn) {
		ebpf_log(env->log, "; %s:%u: %s\n",
			 ebpf_btf_string(env->prog->btf, line->file_off),
			 line->line_col >> 10,
			 ebpf_btf_string(env->prog->btf, line->line_off));
	}
	ebpf_log(env->log, "%u: ", insn);
	log_op(env, insn);
	ebpf_log(env->log, "\n");
}

/* ---- rejections ---- */

static uint32_t
regs_involved(const struct ebpf_op *op)
{
	switch ((enum ebpf_form)ebpf_op_info[op->code].form) {
	case EBPF_FORM_ALU_IMM:
		return ebpf_op_info[op->code].fn == EBPF_FN_MOV ?
			       0 :
			       1u << op->dst;
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
	case EBPF_FORM_JCC_IMM:
	case EBPF_FORM_ST:
	case EBPF_FORM_CALLX:
		return 1u << op->dst;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
	case EBPF_FORM_LD_IND:
		return 1u << op->src;
	case EBPF_FORM_ALU_REG:
	case EBPF_FORM_STX:
	case EBPF_FORM_STORE_REL:
	case EBPF_FORM_ATOMIC:
	case EBPF_FORM_JCC_REG:
		return 1u << op->dst | 1u << op->src;
	case EBPF_FORM_CALL:
	case EBPF_FORM_CALL_LOCAL:
		return 0x3e;
	case EBPF_FORM_EXIT:
		return 1;
	case EBPF_FORM_JA:
	case EBPF_FORM_JA32:
	case EBPF_FORM_LDDW:
	case EBPF_FORM_LDDW_HI:
	case EBPF_FORM_LD_ABS:
	case EBPF_FORM_COUNT:
		break;
	}
	return 0;
}

static void
log_involved(struct ebpf_venv *env, uint32_t insn)
{
	const struct ebpf_vframe *frame;
	uint32_t set, i;

	if (!env->state || !env->state->depth)
		return;
	frame = ebpf_verify_top(env);
	set = regs_involved(&env->ops[insn]);
	for (i = 0; i < EBPF_REG_COUNT; i++) {
		if (!(set & 1u << i) || frame->regs[i].type == EBPF_V_NONE)
			continue;
		ebpf_log(env->log, "  r%u = ", i);
		log_reg(env, &frame->regs[i]);
		ebpf_log(env->log, "\n");
	}
}

static int
reject(struct ebpf_venv *env, uint32_t insn, enum ebpf_rule rule,
       const char *format, va_list args)
{
	const struct ebpf_line_info *line = find_line(env, insn);
	char words[256];

	env->stats->rule = rule;
	env->stats->insn = insn;
	vsnprintf(words, sizeof(words), format, args);
	ebpf_log_conclude(env->log);
	ebpf_log(env->log, "%u: ", insn);
	log_op(env, insn);
	ebpf_log(env->log, "\n");
	if (line)
		log_source(env, line);
	ebpf_log(env->log, "rejected: %s\n", words);
	log_involved(env, insn);
	ebpf_log(env->log, "rule %s: %s\n", rules[rule].name,
		 rules[rule].sentence);
	ebpf_log(env->log, "fix: %s\n", rules[rule].fix);
	return -EBPF_EREJECTED;
}

int
ebpf_verify_reject(struct ebpf_venv *env, enum ebpf_rule rule,
		   const char *format, ...)
{
	va_list args;
	int error;

	va_start(args, format);
	error = reject(env, env->insn, rule, format, args);
	va_end(args);
	return error;
}

int
ebpf_verify_reject_at(struct ebpf_venv *env, uint32_t insn,
		      enum ebpf_rule rule, const char *format, ...)
{
	va_list args;
	int error;

	va_start(args, format);
	error = reject(env, insn, rule, format, args);
	va_end(args);
	return error;
}
