/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Calls and returns: helpers by the prototypes of their struct ebpf_helper,
 * local functions inlined into the path, what is lost in a call, and what a
 * program may return.
 */
#include "core/assumed.h"
#include "core/map_redirect.h"
#include "core/verifier/verify.h"

enum {
	NO_MAP = UINT32_MAX,
};

struct call {
	const struct ebpf_helper *helper;
	uint32_t map; /* index, NO_MAP before a MAP argument */
	bool inner;   /* one of its inner maps */
	uint32_t size; /* of what it allocates */
	uint32_t ref;  /* id of what it releases; of its socket's reference */
};

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
bad_arg(struct ebpf_venv *env, const struct call *call, uint32_t number,
	const char *wanted)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];

	return ebpf_verify_reject(env,
				  reg->maybe_null ? EBPF_RULE_NULL_CHECK :
						    EBPF_RULE_CALL_ARG,
				  "%s wants %s in r%u, which is a %s",
				  call->helper->name, wanted, number,
				  ebpf_verify_type_name(reg));
}

static const struct ebpf_map *
map_of(const struct ebpf_venv *env, const struct call *call)
{
	const struct ebpf_map *map = env->prog->maps[call->map];

	return call->inner ? map->inner : map;
}

/* What a helper does with its map must be something that map can do. */
static int
check_map_call(struct ebpf_venv *env, const struct call *call)
{
	const struct ebpf_map *map = map_of(env, call);
	const char *why = NULL;

	if (env->prog->assume_linux && (map->flags & EBPF_F_ASSUMED)) {
		if (ebpf_assumed_map_call(map->ops->kind,
					  call->helper->number))
			return 0;
		return ebpf_verify_reject(
			env, EBPF_RULE_MAP_USE,
			"%s on map %s: Linux has no such use of its kind",
			call->helper->name, map->obj.name);
	}
	switch (call->helper->number) {
	case EBPF_FUNC_map_lookup_elem:
		if (!map->ops->lookup ||
		    (map->ops->holds_ids && !map->ops->holds_maps))
			why = "programs cannot look up its elements";
		else if (map->flags & EBPF_F_WRONLY_PROG)
			why = "programs may only write to it";
		break;
	case EBPF_FUNC_map_lookup_percpu_elem:
		if (!map->ops->lookup_cpu)
			why = "it has no values for each CPU";
		else if (map->flags & EBPF_F_WRONLY_PROG)
			why = "programs may only write to it";
		break;
	case EBPF_FUNC_map_update_elem:
		if (!map->ops->update || map->ops->holds_ids)
			why = "programs cannot update it";
		else if (map->flags & EBPF_F_RDONLY_PROG)
			why = "programs may only read it";
		break;
	case EBPF_FUNC_map_delete_elem:
		if (!map->ops->remove || map->ops->holds_ids)
			why = "programs cannot delete from it";
		else if (map->flags & EBPF_F_RDONLY_PROG)
			why = "programs may only read it";
		break;
	case EBPF_FUNC_map_push_elem:
		if (!map->ops->push)
			why = "only queue, stack and bloom_filter are pushed to";
		else if (map->flags & EBPF_F_RDONLY_PROG)
			why = "programs may only read it";
		break;
	case EBPF_FUNC_map_pop_elem:
		if (!map->ops->pop)
			why = "only queue and stack are popped from";
		else if (map->flags & EBPF_F_RDONLY_PROG)
			why = "programs may only read it";
		else if (map->flags & EBPF_F_WRONLY_PROG)
			why = "programs may only write to it";
		break;
	case EBPF_FUNC_map_peek_elem:
		if (!map->ops->peek)
			why = "only queue, stack and bloom_filter are peeked at";
		else if (map->flags & EBPF_F_WRONLY_PROG)
			why = "programs may only write to it";
		break;
	case EBPF_FUNC_for_each_map_elem:
		if (!map->ops->each)
			why = "programs cannot iterate over its elements";
		else if (map->flags & EBPF_F_WRONLY_PROG)
			why = "programs may only write to it";
		break;
	case EBPF_FUNC_tail_call:
		if (map->ops->kind != EBPF_MAP_PROG_ARRAY)
			why = "tail calls need a prog_array";
		break;
	case EBPF_FUNC_ringbuf_output:
	case EBPF_FUNC_ringbuf_reserve:
	case EBPF_FUNC_ringbuf_query:
		if (map->ops->kind != EBPF_MAP_RINGBUF)
			why = "it needs a ringbuf";
		break;
	case EBPF_FUNC_perf_event_output:
		if (map->ops->kind != EBPF_MAP_PERF_EVENT_ARRAY)
			why = "it needs a perf_event_array";
		break;
	case EBPF_FUNC_redirect_map:
		if (!ebpf_redirect_takes(map))
			why = "it needs a devmap, devmap_hash, cpumap or "
			      "xskmap";
		break;
	default:
		/* helpers of embedders know their maps */
		break;
	}
	if (why)
		return ebpf_verify_reject(env, EBPF_RULE_MAP_USE,
					  "%s on map %s: %s",
					  call->helper->name, map->obj.name,
					  why);
	return 0;
}

static int
check_map(struct ebpf_venv *env, struct call *call, uint32_t number)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];

	if (reg->type != EBPF_V_MAP || reg->maybe_null)
		return bad_arg(env, call, number, "a map");
	call->map = reg->map;
	call->inner = reg->inner;
	return check_map_call(env, call);
}

static int
check_element(struct ebpf_venv *env, const struct call *call, uint32_t number,
	      bool key, bool write)
{
	const struct ebpf_map *map;
	uint32_t size;

	if (!ebpf_vreg_is_pointer(&ebpf_verify_top(env)->regs[number]))
		return bad_arg(env, call, number,
			       key ? "a pointer to a key" :
				     "a pointer to a value");
	if (call->map == NO_MAP)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_ARG,
					  "%s's prototype has no map before "
					  "r%u",
					  call->helper->name, number);
	map = map_of(env, call);
	size = key ? map->key_size : map->value_size;
	/* a question, not a place for the answer */
	if (map->ops->asks_value)
		write = false;
	return ebpf_verify_helper_mem(env, number, size, size, write);
}

/* Memory in r<number>, its size in the next register. */
static int
check_mem(struct ebpf_venv *env, const struct call *call, uint32_t number,
	  bool or_null, bool write)
{
	const struct ebpf_vframe *frame = ebpf_verify_top(env);
	const struct ebpf_vreg *reg = &frame->regs[number];
	const struct ebpf_vreg *size;
	uint8_t kind = number < 5 ? call->helper->args[number] : EBPF_ARG_NONE;

	if (kind != EBPF_ARG_SIZE && kind != EBPF_ARG_SIZE_OR_ZERO)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_ARG,
					  "%s's prototype has no size after "
					  "r%u",
					  call->helper->name, number);
	size = &frame->regs[number + 1];
	if (size->type == EBPF_V_NONE)
		return ebpf_verify_reject(env, EBPF_RULE_UNINIT,
					  "r%u is read but was not written",
					  number + 1);
	if (size->type != EBPF_V_SCALAR)
		return bad_arg(env, call, number + 1, "a size");
	if (size->num.smin < 0)
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"the size in r%u may be negative", number + 1);
	if (kind == EBPF_ARG_SIZE && size->num.umin == 0)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_ARG,
					  "the size in r%u may be zero",
					  number + 1);
	if (or_null && ebpf_vreg_is_zero(reg)) {
		if (size->num.umax == 0)
			return 0;
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"r%u is null and the size in r%u not 0", number,
			number + 1);
	}
	if (!ebpf_vreg_is_pointer(reg))
		return bad_arg(env, call, number, "a pointer to memory");
	return ebpf_verify_helper_mem(env, number, size->num.umax,
				      size->num.umin, write);
}

static int
check_string(struct ebpf_venv *env, const struct call *call, uint32_t number)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];
	int64_t at;
	int byte;

	if (reg->type != EBPF_V_VALUE || reg->maybe_null ||
	    !reg->fixed_element || !ebpf_num_is_const(&reg->num))
		return bad_arg(env, call, number,
			       "a string in read-only data");
	for (at = reg->num.smin + reg->off;; at++) {
		byte = at < 0 ? -1 :
				ebpf_verify_frozen_byte(env, reg->map,
							(uint64_t)at);
		if (byte < 0)
			return ebpf_verify_reject(
				env, EBPF_RULE_CALL_ARG,
				"r%u points to no terminated string in a "
				"frozen read-only map",
				number);
		if (byte == 0)
			return 0;
	}
}

static int
check_alloc_size(struct ebpf_venv *env, struct call *call, uint32_t number)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];

	if (reg->type != EBPF_V_SCALAR || !ebpf_num_is_const(&reg->num) ||
	    reg->num.umin > EBPF_V_OFF_MAX)
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"%s wants a size in r%u that is known here and at most "
			"%d",
			call->helper->name, number, EBPF_V_OFF_MAX);
	call->size = (uint32_t)reg->num.umin;
	return 0;
}

/* What was reserved, as it was given. */
static int
check_record(struct ebpf_venv *env, struct call *call, uint32_t number)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];

	if (reg->type != EBPF_V_RECORD || reg->maybe_null)
		return bad_arg(env, call, number, "a ring buffer record");
	if (reg->off != 0 || reg->num.umax != 0)
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"%s wants the start of the record; r%u was moved",
			call->helper->name, number);
	call->ref = reg->id;
	return 0;
}

/* Memory of a size that only the prototype says. */
static int
check_some(struct ebpf_venv *env, const struct call *call, uint32_t number,
	   uint32_t size, bool write)
{
	if (!ebpf_vreg_is_pointer(&ebpf_verify_top(env)->regs[number]))
		return bad_arg(env, call, number, "a pointer to memory");
	return ebpf_verify_helper_mem(env, number, size, size, write);
}

static int
check_lock(struct ebpf_venv *env, const struct call *call, uint32_t number)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];
	const struct ebpf_map *map;

	if (reg->type != EBPF_V_VALUE || reg->maybe_null)
		return bad_arg(env, call, number,
			       "a pointer to a map value's lock");
	map = ebpf_verify_map_of(env, reg);
	if (!map->has_lock)
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"%s: no struct bpf_spin_lock is known in the values of "
			"map %s",
			call->helper->name, map->obj.name);
	if (!ebpf_num_is_const(&reg->num) ||
	    reg->off + reg->num.smin != (int64_t)map->lock_off)
		return ebpf_verify_reject(
			env, EBPF_RULE_CALL_ARG,
			"%s wants the value's lock in r%u, which is at offset "
			"%u",
			call->helper->name, number, map->lock_off);
	return call->helper->number == EBPF_FUNC_spin_lock ?
		       ebpf_verify_lock(env, reg) :
		       ebpf_verify_unlock(env, reg);
}

static int
check_arg(struct ebpf_venv *env, struct call *call, uint32_t number)
{
	struct ebpf_vreg *reg;
	int error = ebpf_verify_read_reg(env, number, &reg);

	if (error)
		return error;
	/* all but plain numbers, which helpers check themselves */
	if (call->helper->args[number - 1] != EBPF_ARG_SCALAR &&
	    call->helper->args[number - 1] != EBPF_ARG_SCALAR_OR_UNSET)
		ebpf_verify_rely(env, reg);
	switch ((enum ebpf_arg)call->helper->args[number - 1]) {
	case EBPF_ARG_NONE:
		return 0;
	case EBPF_ARG_SCALAR:
		if (reg->type == EBPF_V_SCALAR || ebpf_verify_may_leak(env))
			return 0;
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"%s takes a number in r%u, which is a %s",
			call->helper->name, number,
			ebpf_verify_type_name(reg));
	case EBPF_ARG_SCALAR_OR_UNSET:
		return 0; /* call_args() saw that it is one */
	case EBPF_ARG_CTX:
		if (reg->type == EBPF_V_CTX && reg->off == 0 &&
		    reg->num.umax == 0)
			return 0;
		/*
		 * Kinds without a context hand on their memory and its length;
		 * a size fixed at load would not be the other program's.
		 */
		if (env->tied && reg->type == EBPF_V_MEM && reg->off == 0 &&
		    reg->num.umax == 0)
			return 0;
		return bad_arg(env, call, number, "the unmodified context");
	case EBPF_ARG_MAP:
		return check_map(env, call, number);
	case EBPF_ARG_MAP_KEY:
		return check_element(env, call, number, true, false);
	case EBPF_ARG_MAP_VALUE:
		return check_element(env, call, number, false, false);
	case EBPF_ARG_MAP_VALUE_OUT:
		return check_element(env, call, number, false, true);
	case EBPF_ARG_MEM:
		return check_mem(env, call, number, false, false);
	case EBPF_ARG_MEM_OR_NULL:
		return check_mem(env, call, number, true, false);
	case EBPF_ARG_MEM_OUT:
		return check_mem(env, call, number, false, true);
	case EBPF_ARG_SIZE:
	case EBPF_ARG_SIZE_OR_ZERO:
		return 0; /* with the memory before it */
	case EBPF_ARG_STR_CONST:
		return check_string(env, call, number);
	case EBPF_ARG_ALLOC_SIZE:
		return check_alloc_size(env, call, number);
	case EBPF_ARG_RINGBUF_MEM:
		return check_record(env, call, number);
	case EBPF_ARG_SPIN_LOCK:
		return check_lock(env, call, number);
	case EBPF_ARG_ANY:
		return 0;
	case EBPF_ARG_CTX_OR_NULL:
		if (ebpf_vreg_is_zero(reg) ||
		    (reg->type == EBPF_V_CTX && reg->off == 0 &&
		     reg->num.umax == 0))
			return 0;
		return bad_arg(env, call, number, "the context or null");
	case EBPF_ARG_MAP_VALUE_OR_NULL:
		return ebpf_vreg_is_zero(reg) ?
			       0 : check_element(env, call, number, false,
						 false);
	case EBPF_ARG_MEM_INOUT:
		error = check_mem(env, call, number, false, false);
		return error ? error :
			       check_mem(env, call, number, false, true);
	case EBPF_ARG_MEM_OUT_OR_NULL:
		return check_mem(env, call, number, true, true);
	case EBPF_ARG_U32_INOUT:
		error = check_some(env, call, number, 4, false);
		return error ? error : check_some(env, call, number, 4, true);
	case EBPF_ARG_U64_OUT:
		return check_some(env, call, number, 8, true);
	case EBPF_ARG_MEM_20:
		return check_some(env, call, number, 20, false);
	case EBPF_ARG_MEM_40:
		return check_some(env, call, number, 40, false);
	case EBPF_ARG_SOCK:
	case EBPF_ARG_SOCK_OR_NULL:
		return ebpf_verify_sock_arg(
			env, call->helper, number,
			call->helper->args[number - 1] ==
				EBPF_ARG_SOCK_OR_NULL,
			&call->ref);
	case EBPF_ARG_FUNC:
		return reg->type == EBPF_V_FUNC ?
			       0 :
			       bad_arg(env, call, number,
				       "a function of the program");
	case EBPF_ARG_STACK_OR_NULL:
		return reg->type == EBPF_V_STACK || ebpf_vreg_is_zero(reg) ?
			       0 :
			       bad_arg(env, call, number,
				       "a stack pointer, or 0,");
	}
	return ebpf_verify_reject(
		env, EBPF_RULE_UNSUPPORTED,
		"%s takes an argument in r%u of a sort that is not verified "
		"here",
		call->helper->name, number);
}

static int
forget_packet(struct ebpf_venv *env, struct ebpf_vreg *reg, const void *arg)
{
	if (reg->type != EBPF_V_PKT && reg->type != EBPF_V_PKT_END &&
	    reg->type != EBPF_V_PKT_META && reg->type != EBPF_V_LOW)
		return 0;
	if (ebpf_verify_may_leak(env))
		ebpf_vreg_scalar(reg);
	else
		ebpf_vreg_none(reg);
	return 0;
}

void
ebpf_verify_lose_packet(struct ebpf_venv *env)
{
	ebpf_verify_each(env, forget_packet, NULL);
	ebpf_verify_drop_dead_spills(env);
}

static void
lose_args(struct ebpf_vframe *frame)
{
	uint32_t i;

	for (i = 0; i <= 5; i++)
		ebpf_vreg_none(&frame->regs[i]);
}

static int
set_result(struct ebpf_venv *env, const struct call *call)
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
		if (call->map == NO_MAP)
			break;
		if (map_of(env, call)->flags & EBPF_F_ASSUMED) {
			switch (map_of(env, call)->ops->kind) {
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
		r0->type = map_of(env, call)->ops->holds_maps ? EBPF_V_MAP :
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
find_linux_helper(struct ebpf_venv *env, uint32_t number, struct call *call)
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
	call->map = NO_MAP;
	return 0;
}

static int
find_helper(struct ebpf_venv *env, const struct ebpf_op *op, struct call *call)
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
	call->map = NO_MAP;
	return 0;
}

/*
 * How many arguments this path gives. Where it leaves optional ones unset (or
 * a pointer of its own lies there), the op remembers the most that any path
 * leaves, so that what the register happens to hold is never shown.
 */
static uint32_t
call_args(struct ebpf_venv *env, const struct call *call)
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
	struct call call = {NULL, NO_MAP, false, 0, 0};
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
	for (i = 1; i <= n && !error; i++)
		error = check_arg(env, &call, i);
	if (error)
		return error;
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
	lose_args(ebpf_verify_top(env));
	return set_result(env, &call);
}

struct ebpf_vframe *
ebpf_verify_new_frame(struct ebpf_venv *env)
{
	struct ebpf_vstate *state = env->state;
	uint32_t f = state->depth++;
	struct ebpf_vframe *frame = &state->frames[f];

	memset(frame, 0, offsetof(struct ebpf_vframe, slots));
	frame->call_insn = env->insn;
	frame->regs[EBPF_REG_FP].type = EBPF_V_STACK;
	frame->regs[EBPF_REG_FP].frame = (uint8_t)f;
	ebpf_num_const(&frame->regs[EBPF_REG_FP].num, 0, 64);
	/* nothing that was kept before can speak of the new frame's slots */
	env->written[f] = ~0ULL;
	return frame;
}

int
ebpf_verify_call_local(struct ebpf_venv *env, const struct ebpf_op *op)
{
	struct ebpf_vstate *state = env->state;
	struct ebpf_vframe *caller = ebpf_verify_top(env), *callee;
	uint32_t f = state->depth, i;
	uint32_t func = ebpf_verify_func_at(env, env->insn + 1 + op->off);

	if (env->funcs[func].global)
		return ebpf_verify_call_global(env, func);
	/* cfg.c found at most eight levels; a bound here costs nothing */
	if (f == EBPF_FRAME_MAX)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_DEPTH,
					  "calls nest more than %d functions "
					  "deep",
					  EBPF_FRAME_MAX);
	callee = ebpf_verify_new_frame(env);
	callee->func = func;
	for (i = 1; i <= 5; i++)
		callee->regs[i] = caller->regs[i];
	lose_args(caller);
	env->insn = env->funcs[callee->func].start;
	return 0;
}

int
ebpf_verify_exit(struct ebpf_venv *env, bool *done)
{
	struct ebpf_vstate *state = env->state;
	struct ebpf_vframe *frame = ebpf_verify_top(env);
	struct ebpf_vreg *r0 = &frame->regs[0];

	*done = state->depth == 1;
	if (*done) {
		int error = ebpf_verify_holds_nothing(env, "exit");

		if (error || (env->root &&
			      env->funcs[env->root].result == EBPF_VG_NONE))
			return error;
		if (r0->type == EBPF_V_NONE)
			return ebpf_verify_reject(
				env, EBPF_RULE_RETURN_VALUE,
				"r0 was not set before exit");
		if (r0->type != EBPF_V_SCALAR && !ebpf_verify_may_leak(env))
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_LEAK,
				"the program returns a %s",
				ebpf_verify_type_name(r0));
		return 0;
	}
	if (frame->callback)
		return ebpf_verify_callback_exit(env);
	if (r0->type == EBPF_V_STACK && r0->frame + 1u == state->depth)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"the function returns a pointer to its own stack");
	state->frames[state->depth - 2].regs[0] = *r0;
	env->insn = frame->call_insn + 1;
	state->depth--;
	return 0;
}

/* What the other program did to the packet and returns is not known. */
int
ebpf_verify_tail_called(struct ebpf_venv *env)
{
	bool done;

	ebpf_verify_lose_packet(env);
	ebpf_vreg_scalar(&ebpf_verify_top(env)->regs[0]);
	return ebpf_verify_exit(env, &done);
}
