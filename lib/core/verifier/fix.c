/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What would mend a refused program, in the terms of what failed: the true
 * offset and size of an access, the call that gave a null, the bytes that were
 * not written. Where nothing special can be said the rule's own advice stays.
 * Called by explain.c with the state before the instruction that failed.
 */
#include "core/verifier/trail.h"

struct text {
	char *at;
	size_t room;
};

static void add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->at, text->room, format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= text->room)
		len = (int)text->room - 1;
	text->at += len;
	text->room -= (size_t)len;
}

/* Whether the words of the refusal speak of that register. */
static bool
speaks_of(const struct ebpf_venv *env, uint32_t number)
{
	const char *at = env->fault.words;

	for (; at[0] && at[1]; at++)
		if (at[0] == 'r' && at[1] == (char)('0' + number) &&
		    !(at[2] >= '0' && at[2] <= '9'))
			return true;
	return false;
}

static const struct ebpf_vreg *
reg_of(const struct ebpf_venv *env, uint32_t number)
{
	return &env->state->frames[env->state->depth - 1]->regs[number];
}

/* Where a register got what it is: the oldest that is remembered. */
static bool
maker_of(const struct ebpf_venv *env, const struct ebpf_vtrail *trail,
	 uint32_t number, uint32_t *insn)
{
	const struct ebpf_vorigin *origin =
		&trail->regs[env->state->depth - 1][number];

	if (!origin->count)
		return false;
	*insn = origin->insns[origin->count - 1] & EBPF_VT_INSN;
	return true;
}

static void
fix_packet(const struct ebpf_venv *env, const struct ebpf_vreg *ptr,
	   struct text *text)
{
	bool meta = ptr->type == EBPF_V_PKT_META;
	long long need = (long long)ptr->off + env->fault.touch.off +
			 (long long)env->fault.touch.size;
	const char *start = meta ? "data_meta" : "data";
	const char *end = meta ? "data" : "data_end";

	if (ptr->num.smin < 0) {
		add(text,
		    "the offset may be negative: make it unsigned, or compare "
		    "it with 0, before it is added to %s", start);
	} else if (ptr->num.umax > EBPF_V_PKT_MAX) {
		add(text,
		    "bound the offset before it is added to %s, for instance "
		    "if (offset > 1500) return ...; then compare with %s",
		    start, end);
	} else if (ptr->num.umax != 0) {
		add(text,
		    "after adding the offset, and on that very pointer: "
		    "if (pointer + %lld > %s) return ...; before the access",
		    need, end);
	} else {
		if (ptr->range)
			add(text,
			    "the check that was made proves %u bytes, %lld are "
			    "needed: ",
			    ptr->range, need);
		add(text, "if (%s + %lld > %s) return ...; before the access",
		    start, need, end);
	}
}

/* Memory of a known size: `room` bytes. */
static void
fix_sized(const struct ebpf_venv *env, const struct ebpf_vreg *ptr,
	  uint64_t room, const char *what, struct text *text)
{
	long long most = (long long)room - ptr->off - env->fault.touch.off -
			 (long long)env->fault.touch.size;
	uint64_t scale; /* offsets that are multiples come from an index */

	if (ebpf_num_is_const(&ptr->num)) {
		if (most < (long long)ptr->num.umin)
			add(text,
			    "the %s has %llu bytes: access less, or make it "
			    "larger",
			    what, (unsigned long long)room);
		return;
	}
	if (most < 0)
		return;
	if (ptr->num.smin < -((int64_t)ptr->off + env->fault.touch.off)) {
		add(text,
		    "the offset may be negative: make it unsigned, or compare "
		    "it with 0, before it is added");
		return;
	}
	scale = ptr->num.t.value ? 1 :
				   ptr->num.t.mask & (0 - ptr->num.t.mask);
	if (scale > 1)
		what = "index";
	else
		what = "offset";
	most /= (long long)scale;
	add(text, "before the %s is added: if (%s > %lld) return ...;", what,
	    what, most);
	if (((most + 1) & most) == 0 && most > 0)
		add(text, " or %s &= %lld;", what, most);
	if (ptr->num.umax <= EBPF_V_OFF_MAX)
		add(text, " it can be %llu now",
		    (unsigned long long)(ptr->num.umax / scale));
}

static void
fix_memory(const struct ebpf_venv *env, const struct ebpf_vreg *ptr,
	   struct text *text)
{
	long long need = (long long)ptr->off + env->fault.touch.off +
			 (long long)env->fault.touch.size;

	if (!env->tied)
		fix_sized(env, ptr, env->prog->mem_size, "memory", text);
	else if (ptr->num.umax == 0)
		add(text, "if (len < %lld) return ...; before the access",
		    need);
	else
		add(text,
		    "if (offset + %lld > len) return ...; with offset "
		    "bounded first, so that the sum cannot wrap around",
		    need);
}

/* An index into a variable that begins at a known place of the stack. */
static void
fix_stack(const struct ebpf_venv *env, const struct ebpf_vreg *ptr,
	  struct text *text)
{
	long long most = -((long long)ptr->off + env->fault.touch.off +
			   (long long)env->fault.touch.size);

	if (ebpf_num_is_const(&ptr->num))
		return;
	if (ptr->num.smin < 0 || most < 0 ||
	    ptr->num.umax <= (unsigned long long)most) {
		add(text,
		    "bound the index into the variable on the stack first, "
		    "for instance with index &= size - 1");
		return;
	}
	add(text,
	    "before the index is added: if (index > %lld) return ...; or less, "
	    "as the variable's size is",
	    most);
	if (ptr->num.umax <= EBPF_V_OFF_MAX)
		add(text, "; it can be %llu now",
		    (unsigned long long)ptr->num.umax);
}

/* Something lies outside of what the pointer that was used leads to. */
static void
fix_bounds(const struct ebpf_venv *env, struct text *text)
{
	const struct ebpf_vreg *ptr = reg_of(env, env->fault.touch.number);

	if (!env->fault.touch.size || env->fault.touch.insn != env->fault.insn)
		return;
	switch (ptr->type) {
	case EBPF_V_PKT:
	case EBPF_V_PKT_META:
		fix_packet(env, ptr, text);
		break;
	case EBPF_V_MEM:
		fix_memory(env, ptr, text);
		break;
	case EBPF_V_VALUE:
		fix_sized(env, ptr, ebpf_verify_map_of(env, ptr)->value_size,
			  "map value", text);
		break;
	case EBPF_V_RECORD:
		fix_sized(env, ptr, ptr->range, "ring buffer record", text);
		break;
	case EBPF_V_STACK:
		fix_stack(env, ptr, text);
		break;
	default:
		break;
	}
}

static void
fix_null(const struct ebpf_venv *env, const struct ebpf_vtrail *trail,
	 struct text *text)
{
	uint32_t i, insn;

	for (i = 0; i < EBPF_REG_FP; i++) {
		const struct ebpf_vreg *reg = reg_of(env, i);

		if (!reg->maybe_null)
			continue;
		/* the one that is used, if it can be told */
		if (env->fault.touch.insn == env->fault.insn && env->fault.touch.size &&
		    env->fault.touch.number != i)
			continue;
		if (reg->type == EBPF_V_GIVEN) {
			add(text, "if (!argument) return ...; at the beginning "
				  "of the function: whoever calls it is "
				  "checked for its own");
			return;
		}
		if (!maker_of(env, trail, i, &insn))
			return;
		add(text, "if (!value) return ...; after the ");
		if (env->ops[insn].code == EBPF_OP_CALL_HELPER)
			add(text, "call of %s at %u",
			    ebpf_helper_name(env->prog->obj.rt,
					     (uint32_t)env->ops[insn].imm),
			    insn);
		else
			add(text, "instruction at %u", insn);
		add(text, " and before anything else is done with it");
		return;
	}
}

static bool
releases(const struct ebpf_venv *env, uint32_t insn)
{
	const struct ebpf_helper *helper;

	if (env->ops[insn].code != EBPF_OP_CALL_HELPER)
		return false;
	helper = ebpf_helper_find(env->prog->obj.rt,
				  (uint32_t)env->ops[insn].imm);
	return helper && (helper->flags & EBPF_HELPER_RELEASE);
}

/* The first register that is read and holds nothing. */
static void
fix_uninit(const struct ebpf_venv *env, const struct ebpf_vtrail *trail,
	   struct text *text)
{
	const struct ebpf_vreg *ptr = reg_of(env, env->fault.touch.number);
	const struct ebpf_vorigin *origin;
	uint32_t number = 0, insn;

	if (env->fault.touch.size && env->fault.touch.insn == env->fault.insn &&
	    ptr->type == EBPF_V_STACK) {
		add(text,
		    "give the whole variable a value first, with the gaps "
		    "between its members: struct key key = {}; or "
		    "__builtin_memset(&key, 0, sizeof(key));");
		return;
	}
	while (number < EBPF_REG_FP && !speaks_of(env, number))
		number++;
	if (number == EBPF_REG_FP || reg_of(env, number)->type != EBPF_V_NONE)
		return;
	origin = &trail->regs[env->state->depth - 1][number];
	if (!origin->count) {
		if (number >= 1 && number <= 5)
			add(text,
			    "nothing gave it a value on this path: initialise "
			    "the variable; a program of this kind gets %s",
			    env->kind->entry == EBPF_ENTRY_CTX ?
				    "its context in r1 only" :
			    env->kind->entry == EBPF_ENTRY_MEM ?
				    "r1 and r2 only" :
				    "r1, r2 and r3 only");
		return;
	}
	insn = origin->insns[0] & EBPF_VT_INSN;
	if (ebpf_op_info[env->ops[insn].code].form != EBPF_FORM_CALL &&
	    ebpf_op_info[env->ops[insn].code].form != EBPF_FORM_CALL_LOCAL)
		return;
	if (number > 5 && releases(env, insn))
		add(text,
		    "the call at %u gave away what it pointed to: read what "
		    "is needed before the call",
		    insn);
	else if (number > 5)
		add(text,
		    "the call at %u may move the packet: read data and "
		    "data_end from the context again after it, and compare "
		    "again",
		    insn);
	else
		add(text,
		    "the call at %u changed it, as calls do with r0 to r5: "
		    "keep what is needed in r6 to r9 or read it again after "
		    "the call",
		    insn);
}

static void
fix_loop(const struct ebpf_vtrail *trail, struct text *text)
{
	if (trail->loop_times > 1)
		add(text,
		    "the loop closed at %u must change something in every "
		    "round that its end depends on: for (i = 0; i < 16; i++)",
		    trail->loop_insn);
}

static void
fix_limit(const struct ebpf_venv *env, const struct ebpf_vtrail *trail,
	  struct text *text)
{
	if (!env->fault.limit)
		return;
	if (trail->loop_times > 64)
		add(text,
		    "give the loop closed at %u fewer rounds, or put its body "
		    "into a function of its own; ",
		    trail->loop_insn);
	else
		add(text,
		    "many paths reach the end: combine conditions, make "
		    "branches meet early, split the program with tail "
		    "calls; ");
	add(text, "or raise the device's limit %s", env->fault.limit);
}

static void
fix_ctx(const struct ebpf_venv *env, struct text *text)
{
	const struct ebpf_kind *kind = env->kind;
	uint32_t i, writable = 0;

	add(text, "programs of kind %s may access (offset:size)", kind->name);
	for (i = 0; i < kind->field_count && text->room > 48; i++)
		add(text, "%s %u:%u%s", i ? "," : "", kind->fields[i].off,
		    kind->fields[i].size,
		    kind->fields[i].writable ? " rw" : "");
	if (i < kind->field_count)
		add(text, " ...");
	for (i = 0; i < kind->field_count; i++)
		writable += kind->fields[i].writable;
	if (!writable)
		add(text, "; none may be written");
}

static void
fix_call_arg(const struct ebpf_venv *env, struct text *text)
{
	uint32_t i;

	/* a size that may be negative, zero or too large */
	for (i = 1; i <= 5; i++) {
		const struct ebpf_vreg *reg = reg_of(env, i);

		if (reg->type != EBPF_V_SCALAR || !speaks_of(env, i))
			continue;
		if (reg->num.smin < 0 || reg->num.umin == 0 ||
		    reg->num.umax > EBPF_V_OFF_MAX) {
			add(text,
			    "bound the size from both sides before the call: "
			    "if (size < 1 || size > sizeof(buffer)) "
			    "return ...;");
			return;
		}
	}
}

/* The bytes of a lock as if they were the program's. */
static void
fix_map_use(const struct ebpf_venv *env, struct text *text)
{
	const struct ebpf_vreg *ptr = reg_of(env, env->fault.touch.number);
	const struct ebpf_map *map;

	if (!env->fault.touch.size ||
	    env->fault.touch.insn != env->fault.insn ||
	    ptr->type != EBPF_V_VALUE)
		return;
	map = ebpf_verify_map_of(env, ptr);
	if (map->has_lock &&
	    !(map->flags & (EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG)))
		add(text, "leave the lock's 4 bytes at %u to bpf_spin_lock() "
			  "and bpf_spin_unlock()", map->lock_off);
}

static void
fix_return(const struct ebpf_venv *env, struct text *text)
{
	if (env->state->frames[env->state->depth - 1]->callback)
		add(text, "return 0 to be called again, 1 to end");
}

void
ebpf_verify_fix(const struct ebpf_venv *env, const struct ebpf_vtrail *trail,
		char *fix, size_t size)
{
	struct text text = {fix, size};

	switch ((enum ebpf_rule)env->fault.rule) {
	case EBPF_RULE_PACKET_BOUNDS:
	case EBPF_RULE_VALUE_BOUNDS:
	case EBPF_RULE_MEM_BOUNDS:
	case EBPF_RULE_STACK_BOUNDS:
		fix_bounds(env, &text);
		break;
	case EBPF_RULE_NULL_CHECK:
		fix_null(env, trail, &text);
		break;
	case EBPF_RULE_UNINIT:
		fix_uninit(env, trail, &text);
		break;
	case EBPF_RULE_LOOP:
		fix_loop(trail, &text);
		break;
	case EBPF_RULE_COMPLEXITY:
		fix_limit(env, trail, &text);
		break;
	case EBPF_RULE_CTX_ACCESS:
		fix_ctx(env, &text);
		break;
	case EBPF_RULE_CALL_ARG:
		fix_call_arg(env, &text);
		break;
	case EBPF_RULE_MAP_USE:
		fix_map_use(env, &text);
		break;
	case EBPF_RULE_RETURN_VALUE:
		fix_return(env, &text);
		break;
	default:
		break;
	}
}
