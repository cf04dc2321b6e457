/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arguments of helpers: each register against what the prototype in struct
 * ebpf_helper wants there, and which map may be given to which helper.
 */
#include "core/assumed.h"
#include "core/map_redirect.h"
#include "core/verifier/calls.h"

static int
bad_arg(struct ebpf_venv *env, const struct ebpf_vcall *call, uint32_t number,
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

const struct ebpf_map *
ebpf_verify_call_map(const struct ebpf_venv *env, const struct ebpf_vcall *call)
{
	const struct ebpf_map *map = env->prog->maps[call->map];

	return call->inner ? map->inner : map;
}

/* What a helper does with its map must be something that map can do. */
static int
check_map_call(struct ebpf_venv *env, const struct ebpf_vcall *call)
{
	const struct ebpf_map *map = ebpf_verify_call_map(env, call);
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
check_map(struct ebpf_venv *env, struct ebpf_vcall *call, uint32_t number)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];

	if (reg->type != EBPF_V_MAP || reg->maybe_null)
		return bad_arg(env, call, number, "a map");
	call->map = reg->map;
	call->inner = reg->inner;
	return check_map_call(env, call);
}

static int
check_element(struct ebpf_venv *env, const struct ebpf_vcall *call,
	      uint32_t number, bool key, bool write)
{
	const struct ebpf_map *map;
	uint32_t size;

	if (!ebpf_vreg_is_pointer(&ebpf_verify_top(env)->regs[number]))
		return bad_arg(env, call, number,
			       key ? "a pointer to a key" :
			       "a pointer to a value");
	if (call->map == EBPF_VCALL_NO_MAP)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_ARG,
					  "%s's prototype has no map before "
					  "r%u",
					  call->helper->name, number);
	map = ebpf_verify_call_map(env, call);
	size = key ? map->key_size : map->value_size;
	/* a question, not a place for the answer */
	if (map->ops->asks_value)
		write = false;
	return ebpf_verify_helper_mem(env, number, size, size, write);
}

/* Memory in r<number>, its size in the next register. */
static int
check_mem(struct ebpf_venv *env, const struct ebpf_vcall *call, uint32_t number,
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
check_string(struct ebpf_venv *env, const struct ebpf_vcall *call,
	     uint32_t number)
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
check_alloc_size(struct ebpf_venv *env, struct ebpf_vcall *call, uint32_t number)
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
check_record(struct ebpf_venv *env, struct ebpf_vcall *call, uint32_t number)
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
check_some(struct ebpf_venv *env, const struct ebpf_vcall *call, uint32_t number,
	   uint32_t size, bool write)
{
	if (!ebpf_vreg_is_pointer(&ebpf_verify_top(env)->regs[number]))
		return bad_arg(env, call, number, "a pointer to memory");
	return ebpf_verify_helper_mem(env, number, size, size, write);
}

static int
check_lock(struct ebpf_venv *env, const struct ebpf_vcall *call, uint32_t number)
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

int
ebpf_verify_arg(struct ebpf_venv *env, struct ebpf_vcall *call, uint32_t number)
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
