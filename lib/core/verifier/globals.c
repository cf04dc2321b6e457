/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Global functions: those that BTF says are global are verified once, on their
 * own, with nothing known of their arguments but their types; calls of them
 * are checked against the same types and learn nothing of the result. Numbers
 * may be any, pointers to the program's context are that, other pointers are
 * null or lead to as much memory as their type has. Without function
 * information there are none, and every function is part of its callers' paths.
 */
#include "core/btf.h"
#include "core/verifier/verify.h"

enum {
	KIND_INT = 1,
	KIND_PTR = 2,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_TYPEDEF = 8,
	KIND_VOLATILE = 9,
	KIND_CONST = 10,
	KIND_RESTRICT = 11,
	KIND_FUNC = 12,
	KIND_FUNC_PROTO = 13,
	KIND_TYPE_TAG = 18,
	KIND_ENUM64 = 19,
	LINKAGE_GLOBAL = 1,
	CHAIN_MAX = 64, /* modifiers, and arrays of arrays */
};

struct type {
	uint32_t kind, count, name, word; /* word: size or type */
	const uint8_t *more;
};

/* An id that is none gives kind 0, as void has. */
static struct type
type_of(const struct ebpf_btf *btf, uint32_t id)
{
	struct type type = {0};
	uint32_t words[3];

	if (id == 0 || id > btf->type_count)
		return type;
	type.more = btf->data + btf->type_offs[id] + sizeof(words);
	memcpy(words, btf->data + btf->type_offs[id], sizeof(words));
	type.name = words[0];
	type.kind = words[1] >> 24 & 0x1f;
	type.count = words[1] & 0xffff;
	type.word = words[2];
	return type;
}

static uint32_t
word_of(const struct type *type, uint32_t index)
{
	uint32_t word;

	memcpy(&word, type->more + 4 * index, sizeof(word));
	return word;
}

/* Without const, typedef and the like. */
static struct type
plain(const struct ebpf_btf *btf, uint32_t id)
{
	struct type type = type_of(btf, id);
	uint32_t n;

	for (n = 0; n < CHAIN_MAX; n++) {
		switch (type.kind) {
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG:
			type = type_of(btf, type.word);
			break;
		default:
			return type;
		}
	}
	memset(&type, 0, sizeof(type));
	return type;
}

static bool
is_number(const struct type *type)
{
	return type->kind == KIND_INT || type->kind == KIND_ENUM ||
	       type->kind == KIND_ENUM64;
}

/* 0: it has none, or too much. */
static uint32_t
size_of(const struct ebpf_btf *btf, struct type type)
{
	uint64_t times = 1;
	uint32_t n;

	for (n = 0; n < CHAIN_MAX && type.kind == KIND_ARRAY; n++) {
		times *= word_of(&type, 2);
		if (times > EBPF_V_OFF_MAX)
			return 0;
		type = plain(btf, word_of(&type, 0));
	}
	if (type.kind == KIND_PTR)
		times *= 8;
	else if (is_number(&type) || type.kind == KIND_STRUCT ||
		 type.kind == KIND_UNION)
		times *= type.word;
	else
		return 0;
	return times > EBPF_V_OFF_MAX ? 0 : (uint32_t)times;
}

static const struct ebpf_func_info *
info_at(const struct ebpf_prog *prog, uint32_t insn)
{
	uint32_t i;

	for (i = 0; i < prog->func_info_count; i++)
		if (prog->func_infos[i].insn == insn)
			return &prog->func_infos[i];
	return NULL;
}

/* The name of what the first argument of the program points to, or "". */
static const char *
entry_context(const struct ebpf_prog *prog)
{
	const struct ebpf_func_info *info = info_at(prog, 0);
	struct type type;

	if (!info)
		return "";
	type = type_of(prog->btf, type_of(prog->btf, info->type_id).word);
	if (type.kind != KIND_FUNC_PROTO || type.count == 0)
		return "";
	type = plain(prog->btf, word_of(&type, 1));
	if (type.kind != KIND_PTR)
		return "";
	type = plain(prog->btf, type.word);
	return type.kind == KIND_STRUCT ?
		       ebpf_btf_string(prog->btf, type.name) : "";
}

static bool
is_context(const struct ebpf_venv *env, const struct type *type)
{
	const char *name = ebpf_btf_string(env->prog->btf, type->name);
	const char *known = "";

	if (env->kind->entry != EBPF_ENTRY_CTX || type->kind != KIND_STRUCT ||
	    !*name)
		return false;
	if (env->kind->bit & EBPF_KINDS_SKB)
		known = "__sk_buff";
	else if (env->kind->bit & EBPF_KINDS_XDP)
		known = "xdp_md";
	else if (env->kind->bit & EBPF_KINDS_VALE)
		known = "vale_bpf_md";
	return strcmp(name, known) == 0 ||
	       strcmp(name, entry_context(env->prog)) == 0;
}

static void
learn_argument(const struct ebpf_venv *env, struct ebpf_vfunc *func,
	       uint32_t index, uint32_t id)
{
	const struct ebpf_btf *btf = env->prog->btf;
	struct type type = plain(btf, id);

	func->args[index].sort = EBPF_VG_OTHER;
	if (is_number(&type)) {
		func->args[index].sort = EBPF_VG_NUMBER;
		return;
	}
	if (type.kind != KIND_PTR)
		return;
	type = plain(btf, type.word);
	if (is_context(env, &type)) {
		func->args[index].sort = EBPF_VG_CONTEXT;
		return;
	}
	func->args[index].size = size_of(btf, type);
	if (func->args[index].size)
		func->args[index].sort = EBPF_VG_MEMORY;
}

static void
learn(const struct ebpf_venv *env, struct ebpf_vfunc *func)
{
	const struct ebpf_btf *btf = env->prog->btf;
	const struct ebpf_func_info *info = info_at(env->prog, func->start);
	struct type type, result;
	uint32_t i;

	if (!info)
		return;
	type = type_of(btf, info->type_id);
	if (type.kind != KIND_FUNC || type.count != LINKAGE_GLOBAL)
		return;
	func->global = 1;
	type = type_of(btf, type.word);
	if (type.kind != KIND_FUNC_PROTO || type.count > 5) {
		func->result = EBPF_VG_OTHER;
		return;
	}
	result = plain(btf, type.word);
	func->result = is_number(&result) ? EBPF_VG_NUMBER :
		       type.word == 0	  ? EBPF_VG_NONE :
					    EBPF_VG_OTHER;
	func->arg_count = (uint8_t)type.count;
	for (i = 0; i < type.count; i++)
		learn_argument(env, func, i, word_of(&type, 2 * i + 1));
}

void
ebpf_verify_find_globals(struct ebpf_venv *env)
{
	uint32_t f;

	for (f = 1; env->prog->btf && f < env->func_count; f++)
		if (env->funcs[f].used)
			learn(env, &env->funcs[f]);
}

void
ebpf_verify_global_begin(struct ebpf_venv *env)
{
	const struct ebpf_vfunc *func = &env->funcs[env->root];
	struct ebpf_vreg *regs = env->state->frames[0]->regs;
	uint32_t i;

	for (i = 0; i < func->arg_count; i++) {
		struct ebpf_vreg *reg = &regs[i + 1];

		ebpf_vreg_const(reg, 0);
		switch ((enum ebpf_vglobal)func->args[i].sort) {
		case EBPF_VG_NUMBER:
			ebpf_vreg_scalar(reg);
			break;
		case EBPF_VG_CONTEXT:
			reg->type = EBPF_V_CTX;
			break;
		case EBPF_VG_MEMORY:
			reg->type = EBPF_V_GIVEN;
			reg->maybe_null = 1;
			reg->range = func->args[i].size;
			reg->id = ebpf_verify_new_id(env);
			reg->origin = func->start;
			break;
		case EBPF_VG_NONE:
		case EBPF_VG_OTHER:
			break; /* nobody calls it */
		}
	}
}

/* ---- calls ---- */

struct target {
	const struct ebpf_vfunc *func;
	const char *name;
};

static int
check_memory(struct ebpf_venv *env, const struct target *to, uint32_t number,
	     uint32_t size)
{
	struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];
	uint8_t maybe_null = reg->maybe_null;
	int error;

	if (ebpf_vreg_is_zero(reg))
		return 0;
	if (!ebpf_vreg_is_pointer(reg))
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"argument %u of the global function %s is null or "
			"points to %u bytes; r%u is a %s",
			number, to->name, size, number,
			ebpf_verify_type_name(reg));
	/* it does not know what it was given, so it cannot lose it */
	if ((to->func->flags & EBPF_VF_MOVES) &&
	    (reg->type == EBPF_V_PKT || reg->type == EBPF_V_PKT_META))
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"r%u points into the packet, which the global function "
			"%s may move; copy %u bytes, or make it static",
			number, to->name, size);
	/* it looks itself whether it is null; what it leaves is any number */
	reg->maybe_null = 0;
	error = ebpf_verify_helper_mem(env, number, size, 0, false);
	if (!error)
		error = ebpf_verify_helper_mem(env, number, size, 0, true);
	reg->maybe_null = maybe_null;
	return error;
}

static int
check_argument(struct ebpf_venv *env, const struct target *to, uint32_t number)
{
	struct ebpf_vreg *reg;
	int error = ebpf_verify_read_reg(env, number, &reg);

	if (error)
		return error;
	switch ((enum ebpf_vglobal)to->func->args[number - 1].sort) {
	case EBPF_VG_NUMBER:
		if (reg->type == EBPF_V_SCALAR)
			return 0;
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"argument %u of the global function %s is a number; "
			"r%u is a %s",
			number, to->name, number, ebpf_verify_type_name(reg));
	case EBPF_VG_CONTEXT:
		ebpf_verify_rely(env, reg);
		if (reg->type == EBPF_V_CTX && reg->off == 0 &&
		    reg->num.umax == 0)
			return 0;
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"argument %u of the global function %s is the "
			"unmodified context; r%u is a %s",
			number, to->name, number, ebpf_verify_type_name(reg));
	case EBPF_VG_MEMORY:
		ebpf_verify_rely(env, reg);
		return check_memory(env, to, number,
				    to->func->args[number - 1].size);
	case EBPF_VG_NONE:
	case EBPF_VG_OTHER:
		break;
	}
	return ebpf_verify_reject(
		env, EBPF_RULE_UNSUPPORTED,
		"argument %u of the global function %s is neither a number, "
		"nor the context, nor a pointer to something of a known size; "
		"make the function static",
		number, to->name);
}

int
ebpf_verify_call_global(struct ebpf_venv *env, uint32_t f)
{
	struct ebpf_vframe *frame = ebpf_verify_top(env);
	struct ebpf_vfunc *func = &env->funcs[f];
	struct target to = {func, ebpf_verify_func_name(env, func->start)};
	uint32_t i;
	int error;

	error = ebpf_verify_holds_no_lock(env, "a call of a global function");
	if (!error && func->result == EBPF_VG_OTHER)
		error = ebpf_verify_reject(
			env, EBPF_RULE_UNSUPPORTED,
			"the global function %s returns no number, or has "
			"more than five arguments; make it static",
			to.name);
	env->out_count = 0;
	for (i = 1; i <= func->arg_count && !error; i++)
		error = check_argument(env, &to, i);
	if (!error && (func->flags & (EBPF_FUNC_TAIL_CALLS | EBPF_VF_LOADS)) &&
	    ebpf_verify_in_callback(env))
		error = ebpf_verify_reject(
			env, EBPF_RULE_UNSUPPORTED,
			"the global function %s, which makes %s, in a function "
			"that a helper calls",
			to.name,
			func->flags & EBPF_FUNC_TAIL_CALLS ?
				"tail calls" : "old packet accesses");
	if (error)
		return error;
	ebpf_verify_stack_outs(env);
	func->called = 1;
	if (func->flags & EBPF_VF_MOVES)
		ebpf_verify_lose_packet(env);
	for (i = 0; i <= 5; i++)
		ebpf_vreg_none(&frame->regs[i]);
	if (func->result == EBPF_VG_NUMBER)
		ebpf_vreg_scalar(&frame->regs[0]);
	env->insn++;
	return 0;
}
