/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Calls of helpers: which one, whether the program's kind may call it, and its
 * result by the prototype. Arguments are checked by args.c; calls of local
 * functions are in frames.c.
 */
#include "core/assumed.h"
#include "core/verifier/calls.h"

const struct ebpf_helper *
ebpf_verify_helper(const struct ebpf_venv *env, uint32_t number)
{
	const struct ebpf_helper *helper =
		ebpf_helper_find(env->prog->obj.rt, number);

	return helper || !env->prog->assume_linux ?
		       helper : ebpf_assumed_helper(number);
}

uint32_t
ebpf_verify_helper_args(const struct ebpf_helper *helper)
{
	uint32_t n = 0;

	while (n < 5 && helper->args[n] != EBPF_ARG_NONE)
		n++;
	return n;
}

static int
set_result(struct ebpf_venv *env, const struct ebpf_vcall *call)
{
	struct ebpf_vreg *r0 = &ebpf_verify_top(env)->regs[0];
	bool acquires = call->helper->flags & EBPF_HELPER_ACQUIRE;

	switch ((enum ebpf_ret)call->helper->ret) {
	case EBPF_RET_INT:
		ebpf_vreg_scalar(r0);
		return 0;
	case EBPF_RET_VOID:
		return 0;
	case EBPF_RET_SOCK_OR_NULL:
		return ebpf_verify_sock_result(env, EBPF_VS_SOCK, acquires,
					       call->ref);
	case EBPF_RET_SOCK_COMMON_OR_NULL:
		return ebpf_verify_sock_result(env, EBPF_VS_COMMON, acquires,
					       call->ref);
	case EBPF_RET_TCP_SOCK_OR_NULL:
		return ebpf_verify_sock_result(env, EBPF_VS_TCP, false,
					       call->ref);
	case EBPF_RET_BTF_OR_NULL:
		return ebpf_verify_sock_result(env, EBPF_VS_BTF, false,
					       call->ref);
	case EBPF_RET_MAP_VALUE:
	case EBPF_RET_MAP_VALUE_OR_NULL:
		if (call->map == EBPF_VCALL_NO_MAP)
			break;
		if (ebpf_verify_call_map(env, call)->flags & EBPF_F_ASSUMED) {
			switch (ebpf_verify_call_map(env, call)->ops->kind) {
			case EBPF_MAP_SOCKMAP:
			case EBPF_MAP_SOCKHASH:
				return ebpf_verify_sock_result(
					env, EBPF_VS_SOCK, true, 0);
			case EBPF_MAP_XSKMAP:
				return ebpf_verify_sock_result(
					env, EBPF_VS_XDP, false, 0);
			default:
				break;
			}
		}
		ebpf_vreg_const(r0, 0);
		/* elements of maps of maps are maps */
		r0->type = ebpf_verify_call_map(env, call)->ops->holds_maps ? EBPF_V_MAP :
								EBPF_V_VALUE;
		r0->inner = call->inner || r0->type == EBPF_V_MAP;
		r0->map = call->map;
		if (call->helper->ret == EBPF_RET_MAP_VALUE_OR_NULL) {
			r0->maybe_null = 1;
			r0->id = ebpf_verify_new_id(env);
		}
		r0->origin = env->insn;
		return 0;
	case EBPF_RET_RINGBUF_OR_NULL:
		return ebpf_verify_acquire(env, call->size);
	}
	return ebpf_verify_reject(
		env, EBPF_RULE_UNSUPPORTED,
		"%s returns something of a sort that is not verified here",
		call->helper->name);
}

/* A program for Linux: Linux's rules of who may call what. */
static int
find_linux_helper(struct ebpf_venv *env, uint32_t number,
		  struct ebpf_vcall *call)
{
	const struct ebpf_runtime *rt = env->prog->obj.rt;
	const struct ebpf_helper *helper = ebpf_verify_helper(env, number);
	const char *name = ebpf_helper_name(rt, number);

	if (!name)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_UNKNOWN,
					  "there is no helper %u", number);
	if (!ebpf_assumed_call(env->kind, number))
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_UNKNOWN,
			"helper %s (%u) is not for Linux programs of kind %s",
			name, number, env->kind->name);
	if (!helper)
		return ebpf_verify_reject(
			env, EBPF_RULE_UNSUPPORTED,
			"Linux's helper %s (%u) is not modelled here", name,
			number);
	call->helper = helper;
	call->map = EBPF_VCALL_NO_MAP;
	return 0;
}

static int
find_helper(struct ebpf_venv *env, const struct ebpf_op *op,
	    struct ebpf_vcall *call)
{
	uint32_t number = (uint32_t)op->imm;
	const struct ebpf_helper *helper = ebpf_verify_helper(env, number);
	const char *name;

	if (env->prog->assume_linux)
		return find_linux_helper(env, number, call);
	if (!helper) {
		name = ebpf_helper_name(env->prog->obj.rt, number);
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_UNKNOWN,
			name ? "helper %s (%u) is not available here" :
			       "there is no helper %s%u",
			name ? name : "", number);
	}
	if (!(helper->kinds & env->kind->bit))
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_UNKNOWN,
			"helper %s (%u) is not for programs of kind %s",
			helper->name, number, env->kind->name);
	call->helper = helper;
	call->map = EBPF_VCALL_NO_MAP;
	return 0;
}

/*
 * How many arguments this path gives. Where it leaves optional ones unset (or
 * a pointer of its own lies there), the op remembers the most that any path
 * leaves, so that what the register happens to hold is never shown.
 */
static uint32_t
call_args(struct ebpf_venv *env, const struct ebpf_vcall *call)
{
	const struct ebpf_vreg *regs = ebpf_verify_top(env)->regs;
	uint32_t n = ebpf_verify_helper_args(call->helper), i;
	struct ebpf_op *op = &env->ops[env->insn];

	for (i = 1; i <= n; i++) {
		if (call->helper->args[i - 1] != EBPF_ARG_SCALAR_OR_UNSET ||
		    regs[i].type == EBPF_V_SCALAR)
			continue;
		if (op->off < (int32_t)(n + 1 - i))
			op->off = (int32_t)(n + 1 - i);
		return i - 1;
	}
	return n;
}

int
ebpf_verify_call_helper(struct ebpf_venv *env, const struct ebpf_op *op)
{
	struct ebpf_vcall call = {NULL, EBPF_VCALL_NO_MAP, false, 0, 0};
	uint32_t i, n;
	int error = find_helper(env, op, &call);

	if (error)
		return error;
	/* taking another is told better where it is taken */
	if (call.helper->number != EBPF_FUNC_spin_lock &&
	    call.helper->number != EBPF_FUNC_spin_unlock) {
		error = ebpf_verify_holds_no_lock(env, call.helper->name);
		if (error)
			return error;
	}
	n = call_args(env, &call);
	env->out_count = 0;
	for (i = 1; i <= n && !error; i++)
		error = ebpf_verify_arg(env, &call, i);
	if (error)
		return error;
	ebpf_verify_stack_outs(env);
	if (call.helper->flags & EBPF_HELPER_TAIL) {
		error = ebpf_verify_holds_nothing(env, "a tail call");
		if (!error && ebpf_verify_in_callback(env))
			error = ebpf_verify_reject(
				env, EBPF_RULE_UNSUPPORTED,
				"a tail call in a function that a helper "
				"calls");
		if (error)
			return error;
	}
	if (call.helper->flags & EBPF_HELPER_LOOP)
		return ebpf_verify_loop(env, call.helper);
	if (call.helper->flags & EBPF_HELPER_PKT)
		ebpf_verify_lose_packet(env);
	if (call.helper->flags & EBPF_HELPER_RELEASE)
		ebpf_verify_release(env, call.ref);
	/* the other program takes a subprogram's place: a path of its own */
	if ((call.helper->flags & EBPF_HELPER_TAIL) && env->state->depth > 1) {
		error = ebpf_verify_put_off(env);
		if (error)
			return error;
	}
	ebpf_verify_lose_args(ebpf_verify_top(env));
	return set_result(env, &call);
}
