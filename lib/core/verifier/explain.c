/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Why a program is refused, told to people in the log and to programs in
 * records (abi/wire.h): the rule, the place in the source, what is known of
 * the registers and stack slots involved and where that knowledge comes from,
 * the branches that led there, and what would mend it (fix.c). Decides
 * nothing: the verdict has been given.
 */
#include "core/report.h"
#include "core/verifier/trail.h"

enum {
	SLOTS_MAX = 4, /* of stack that are shown */
};

/* ---- verdicts ---- */

static int
note(struct ebpf_venv *env, uint32_t insn, enum ebpf_rule rule,
     const char *format, va_list args)
{
	if (env->trail)
		return -EBPF_EREJECTED; /* it has been said */
	env->fault.rule = rule;
	env->fault.insn = insn;
	env->fault.touch = env->touch;
	vsnprintf(env->fault.words, sizeof(env->fault.words), format, args);
	return -EBPF_EREJECTED;
}

int
ebpf_verify_reject(struct ebpf_venv *env, enum ebpf_rule rule,
		   const char *format, ...)
{
	va_list args;
	int error;

	/* accepted already: only what speculation does is in question */
	if (env->hardened)
		return rule == EBPF_RULE_COMPLEXITY ? -EBPF_E2BIG :
						      -EBPF_EREJECTED;
	va_start(args, format);
	error = note(env, env->insn, rule, format, args);
	va_end(args);
	return error;
}

int
ebpf_verify_reject_at(struct ebpf_venv *env, uint32_t insn,
		      enum ebpf_rule rule, const char *format, ...)
{
	va_list args;
	int error;

	env->fault.walked = false;
	va_start(args, format);
	error = note(env, insn, rule, format, args);
	va_end(args);
	return error;
}

/* ---- places ---- */

/* "7: r2 &= 255, not taken (count.bpf.c:12: key = *byte;)" */
static void
tell_insn(struct ebpf_venv *env, uint32_t insn, const char *what)
{
	struct ebpf_source source = ebpf_verify_source(env);
	struct ebpf_place place;

	ebpf_log(env->log, "%u: ", insn);
	ebpf_verify_log_op(env, env->log, insn);
	ebpf_log(env->log, "%s", what);
	if (ebpf_source_find(&source, insn, &place)) {
		const char *text = place.text;

		while (*text == ' ' || *text == '\t')
			text++;
		ebpf_log(env->log, "   (");
		ebpf_log_place(env->log, &place);
		if (*text)
			ebpf_log(env->log, ": ");
		ebpf_log_clean(env->log, text, 120);
		ebpf_log(env->log, ")");
	}
	ebpf_log(env->log, "\n");
}

/* The fields of a record that say which instruction: "INSN\tWORDS\tFILE..." */
static void
record_insn(struct ebpf_venv *env, uint32_t insn)
{
	struct ebpf_source source = ebpf_verify_source(env);

	ebpf_log(env->log->records, "%u\t", insn);
	ebpf_verify_log_op(env, env->log->records, insn);
	ebpf_record_place(env->log->records, &source, insn);
}

static const char *
way_of(uint32_t branch, uint32_t taken)
{
	return !branch ? "" : taken ? ", taken" : ", not taken";
}

static void
tell_origins(struct ebpf_venv *env, const struct ebpf_vorigin *origin,
	     bool lost)
{
	uint32_t i, insn, branch, taken;
	const char *how;

	for (i = 0; i < origin->count; i++) {
		insn = origin->insns[i] & EBPF_VT_INSN;
		branch = origin->insns[i] & EBPF_VT_BRANCH;
		taken = origin->insns[i] & EBPF_VT_TAKEN;
		how = branch	      ? "learned from" :
		      lost && i == 0 ? "lost in" :
				       "set by";
		ebpf_log(env->log, "      %s ", how);
		tell_insn(env, insn, way_of(branch, taken));
		ebpf_log(env->log->records, "since\t");
		record_insn(env, insn);
		ebpf_log(env->log->records, "\t%s\n",
			 branch ? (taken ? "taken" : "passed") : "");
	}
}

/* ---- registers and stack ---- */

static uint32_t
call_args(const struct ebpf_venv *env, const struct ebpf_op *op)
{
	const struct ebpf_helper *helper =
		op->code == EBPF_OP_CALL_HELPER ?
			ebpf_verify_helper(env, (uint32_t)op->imm) :
			NULL;

	return helper ? (2u << ebpf_verify_helper_args(helper)) - 2 : 0;
}

static uint32_t
regs_involved(const struct ebpf_venv *env, const struct ebpf_op *op)
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
		return call_args(env, op);
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
tell_reg(struct ebpf_venv *env, const struct ebpf_vtrail *trail, uint32_t i)
{
	uint32_t f = env->state->depth - 1;
	const struct ebpf_vreg *reg = &env->state->frames[f]->regs[i];

	ebpf_log(env->log, "  r%u: ", i);
	ebpf_verify_log_reg(env, env->log, reg);
	ebpf_log(env->log, "\n");
	ebpf_log(env->log->records, "reg\tr%u\t%s\t", i,
		 ebpf_verify_type_name(reg));
	ebpf_verify_log_reg(env, env->log->records, reg);
	ebpf_log(env->log->records, "\n");
	if (i != EBPF_REG_FP)
		tell_origins(env, &trail->regs[f][i],
			     reg->type == EBPF_V_NONE);
}

static void
tell_slot(struct ebpf_venv *env, const struct ebpf_vtrail *trail, uint32_t f,
	  uint32_t i)
{
	static const struct ebpf_vslot nothing;
	const struct ebpf_vframe *frame = env->state->frames[f];
	const struct ebpf_vslot *slot =
		i < frame->slot_count ? &frame->slots[i] : &nothing;
	int at = -8 * (int)(i + 1);

	ebpf_log(env->log, "  stack %d to %d: ", at, at + 7);
	ebpf_verify_log_slot(env, env->log, slot);
	ebpf_log(env->log, "\n");
	ebpf_log(env->log->records, "reg\tstack%d\t%s\t", at,
		 slot->spill_size[0] ? ebpf_verify_type_name(&slot->reg[0]) :
				       "bytes");
	ebpf_verify_log_slot(env, env->log->records, slot);
	ebpf_log(env->log->records, "\n");
	tell_origins(env, &trail->slots[f][i], false);
}

/* The stack that was to be accessed, if that was the matter. */
static void
tell_stack(struct ebpf_venv *env, const struct ebpf_vtrail *trail)
{
	const struct ebpf_vframe *frame = env->state->frames[env->state->depth - 1];
	const struct ebpf_vreg *ptr = &frame->regs[env->fault.touch.number];
	int64_t lo, hi;
	uint32_t i, shown = 0;

	if (!env->fault.touch.size ||
	    env->fault.touch.insn != env->fault.insn ||
	    ptr->type != EBPF_V_STACK ||
	    env->fault.rule == EBPF_RULE_STACK_BOUNDS)
		return;
	lo = ptr->num.smin + ptr->off + env->fault.touch.off;
	hi = ptr->num.smax + ptr->off + env->fault.touch.off +
	     (int64_t)env->fault.touch.size;
	if (ptr->num.smin < -EBPF_V_OFF_MAX || ptr->num.smax > EBPF_V_OFF_MAX)
		return;
	for (i = EBPF_V_SLOTS; i-- > 0;) {
		int64_t at = -8 * (int64_t)(i + 1);

		if (at + 8 <= lo || at >= hi || shown++ >= SLOTS_MAX)
			continue;
		tell_slot(env, trail, ptr->frame, i);
	}
	if (shown > SLOTS_MAX)
		ebpf_log(env->log, "  and %u more slots of the stack\n",
			 shown - SLOTS_MAX);
}

static void
tell_known(struct ebpf_venv *env, const struct ebpf_vtrail *trail)
{
	uint32_t set = regs_involved(env, &env->ops[env->fault.insn]), i;

	if (!set)
		return;
	ebpf_log(env->log, "known there:\n");
	for (i = 0; i < EBPF_REG_COUNT; i++)
		if (set & 1u << i)
			tell_reg(env, trail, i);
	tell_stack(env, trail);
}

/* ---- the way there ---- */

static void
tell_frames(struct ebpf_venv *env)
{
	const struct ebpf_vstate *state = env->state;
	uint32_t f, start;

	for (f = state->depth; f-- > 1;) {
		const struct ebpf_vframe *frame = state->frames[f];
		const char *name;

		start = env->funcs[frame->func].start;
		name = ebpf_verify_func_name(env, start);
		ebpf_log(env->log, "in ");
		if (*name)
			ebpf_log_clean(env->log, name, EBPF_NAME_SIZE);
		else
			ebpf_log(env->log, "the function at %u", start);
		ebpf_log(env->log, ", called at ");
		tell_insn(env, frame->call_insn, "");
		ebpf_log(env->log->records, "frame\t%u\t", start);
		ebpf_log_clean(env->log->records, name, EBPF_NAME_SIZE);
		ebpf_log(env->log->records, "\t");
		record_insn(env, frame->call_insn);
		ebpf_log(env->log->records, "\n");
	}
}

static void
tell_turns(struct ebpf_venv *env, const struct ebpf_vtrail *trail)
{
	uint32_t i;

	if (!trail->turn_count)
		return;
	ebpf_log(env->log, "the path that led there");
	if (trail->turns_lost)
		ebpf_log(env->log, " (its last branches)");
	ebpf_log(env->log, ":\n");
	for (i = 0; i < trail->turn_count; i++) {
		const struct ebpf_vturn *turn = &trail->turns[i];
		char what[48];

		if (turn->times > 1)
			snprintf(what, sizeof(what), "%s %u times",
				 way_of(1, turn->taken), turn->times);
		else
			snprintf(what, sizeof(what), "%s",
				 way_of(1, turn->taken));
		ebpf_log(env->log, "  ");
		tell_insn(env, turn->insn, what);
		ebpf_log(env->log->records, "branch\t");
		record_insn(env, turn->insn);
		ebpf_log(env->log->records, "\t%s\t%u\n",
			 turn->taken ? "taken" : "passed", turn->times);
	}
}

/* Where a limit was reached, the loop that went round most is the news. */
static void
tell_loop(struct ebpf_venv *env, const struct ebpf_vtrail *trail)
{
	if (trail->loop_times < 2 || (env->fault.rule != EBPF_RULE_COMPLEXITY &&
				      env->fault.rule != EBPF_RULE_LOOP))
		return;
	ebpf_log(env->log, "this path went round %u times at ",
		 trail->loop_times);
	tell_insn(env, trail->loop_insn, "");
	ebpf_log(env->log->records, "loop\t");
	record_insn(env, trail->loop_insn);
	ebpf_log(env->log->records, "\t%u\n", trail->loop_times);
}

/* What was acquired on the way and is not given back. */
static void
tell_held(struct ebpf_venv *env)
{
	uint32_t i;

	if (env->fault.rule != EBPF_RULE_REFERENCE)
		return;
	for (i = 0; i < env->state->ref_count; i++) {
		ebpf_log(env->log, "held since ");
		tell_insn(env, env->state->refs[i].origin, "");
		ebpf_log(env->log->records, "held\t");
		record_insn(env, env->state->refs[i].origin);
		ebpf_log(env->log->records, "\n");
	}
}

/* Whose stack adds up. */
static void
tell_depths(struct ebpf_venv *env)
{
	uint32_t f;

	for (f = 0; f < env->func_count; f++) {
		const struct ebpf_vfunc *func = &env->funcs[f];
		const char *name = ebpf_verify_func_name(env, func->start);

		if (!func->used)
			continue;
		ebpf_log(env->log, "  ");
		if (*name)
			ebpf_log_clean(env->log, name, EBPF_NAME_SIZE);
		else
			ebpf_log(env->log, "the function at %u", func->start);
		ebpf_log(env->log, " uses %u bytes\n", func->depth);
	}
}

void
ebpf_verify_tell_functions(struct ebpf_venv *env)
{
	struct ebpf_log *records = env->log->records;
	uint32_t f;

	for (f = 0; records && f < env->func_count; f++) {
		const struct ebpf_vfunc *func = &env->funcs[f];

		if (!func->used)
			continue;
		ebpf_log(records, "func\t%u\t%u\t", func->start, func->end);
		ebpf_log_clean(records, ebpf_verify_func_name(env, func->start),
			       EBPF_NAME_SIZE);
		ebpf_log(records, "\t%u\t%u\n", func->depth, func->total);
	}
}

void
ebpf_verify_explain(struct ebpf_venv *env)
{
	struct ebpf_source source = ebpf_verify_source(env);
	const struct ebpf_vfault *fault = &env->fault;
	struct ebpf_load_stats stats = *env->stats;
	struct ebpf_vtrail *trail = NULL;
	struct ebpf_log *records = env->log->records;
	char fix[256] = "";

	if (env->log->text || records) {
		if (fault->walked)
			trail = ebpf_verify_retrace(env);
		ebpf_report_begin(env->log, fault->rule, fault->words, &source,
				  fault->insn);
		ebpf_log(env->log, "at ");
		ebpf_log(env->log, "%u: ", fault->insn);
		ebpf_verify_log_op(env, env->log, fault->insn);
		ebpf_log(env->log, "\n");
		ebpf_log(records, "at\t");
		record_insn(env, fault->insn);
		ebpf_log(records, "\n");
		if (fault->limit)
			ebpf_log(records, "limit\t%s\t%llu\n", fault->limit,
				 (unsigned long long)fault->limit_value);
		if (fault->walked)
			ebpf_log(records, "path\t%llu\t%s\n",
				 (unsigned long long)fault->steps,
				 trail ? "told" : "lost");
		if (trail) {
			ebpf_verify_fix(env, trail, fix, sizeof(fix));
			tell_frames(env);
			tell_loop(env, trail);
			tell_held(env);
			tell_known(env, trail);
			tell_turns(env, trail);
		}
		if (fault->rule == EBPF_RULE_STACK_DEPTH) {
			tell_depths(env);
			ebpf_verify_tell_functions(env);
		}
		ebpf_report_end(env->log, fault->rule, fix);
		ebpf_verify_trail_free(trail);
	}
	/* going the path again is nobody's business */
	*env->stats = stats;
	env->stats->rule = fault->rule;
	env->stats->insn = fault->insn;
}
