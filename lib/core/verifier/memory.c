/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loads, stores and atomics: is the access inside what its pointer points to,
 * in the allowed direction, and what does it give. Also the memory arguments of
 * helpers. The stack has a file of its own.
 */
#include "core/assumed.h"
#include "core/map_lock.h"
#include "core/verifier/verify.h"

static int
unbounded(struct ebpf_venv *env, enum ebpf_rule rule, uint32_t number,
	  const struct ebpf_vreg *ptr)
{
	return ebpf_verify_reject(
		env, rule,
		"r%u is a %s with an offset that is not bounded%s", number,
		ebpf_verify_type_name(ptr),
		ptr->num.smin < 0 ? " (it may be negative)" : "");
}

/* [0, room) is there. */
static int
check_fixed(struct ebpf_venv *env, enum ebpf_rule rule,
	    const struct ebpf_vreg *ptr, uint32_t number, int32_t off,
	    uint64_t size, uint64_t room)
{
	int64_t lo, hi;

	if (ptr->num.smin < -EBPF_V_OFF_MAX || ptr->num.smax > EBPF_V_OFF_MAX)
		return unbounded(env, rule, number, ptr);
	lo = ptr->num.smin + ptr->off + off;
	hi = ptr->num.smax + ptr->off + off + (int64_t)size;
	if (lo < 0 || hi > (int64_t)room)
		return ebpf_verify_reject(
			env, rule,
			"the access reaches bytes %lld to %lld of the %s in "
			"r%u, which has %llu",
			(long long)lo, (long long)hi - 1,
			ebpf_verify_type_name(ptr), number,
			(unsigned long long)room);
	return 0;
}

/* ptr->range bytes from base + num on are there; or len bytes from base on. */
static int
check_proven(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
	     uint32_t number, int32_t off, uint64_t size)
{
	enum ebpf_rule rule = ptr->type == EBPF_V_MEM ? EBPF_RULE_MEM_BOUNDS :
							EBPF_RULE_PACKET_BOUNDS;
	int64_t from = (int64_t)ptr->off + off, to = from + (int64_t)size;

	if (ptr->num.smin < -EBPF_V_OFF_MAX)
		return unbounded(env, rule, number, ptr);
	if (ptr->num.smin + from < 0)
		return ebpf_verify_reject(
			env, rule,
			"the access starts %lld bytes before the %s in r%u",
			-(long long)(ptr->num.smin + from),
			ebpf_verify_type_name(ptr), number);
	/* a range of 0 proves nothing, not even for what lies before it */
	if (ptr->range && ptr->num.smin >= 0 && to <= (int64_t)ptr->range)
		return 0;
	if (ptr->type == EBPF_V_MEM && ptr->num.smax <= EBPF_V_OFF_MAX &&
	    (uint64_t)(ptr->num.smax + to) <= env->state->len.umin)
		return 0;
	if (ptr->type == EBPF_V_MEM)
		return ebpf_verify_reject(
			env, rule,
			"the access needs %lld bytes%s at r%u; the length is "
			"only known to be at least %llu",
			(long long)to,
			ptr->num.umax ? " past a variable offset" : "", number,
			(unsigned long long)env->state->len.umin);
	return ebpf_verify_reject(
		env, rule,
		"the access needs %lld bytes%s at r%u; %u are proven to be "
		"there",
		(long long)to, ptr->num.umax ? " past a variable offset" : "",
		number, ptr->range);
}

static int
check_map_use(struct ebpf_venv *env, const struct ebpf_map *map, bool write)
{
	if (map->flags & (write ? EBPF_F_RDONLY_PROG : EBPF_F_WRONLY_PROG))
		return ebpf_verify_reject(
			env, write ? EBPF_RULE_READ_ONLY : EBPF_RULE_MAP_USE,
			"map %s may only be %s by programs", map->obj.name,
			write ? "read" : "written");
	return 0;
}

/* The lock in a value belongs to its helpers. */
static int
check_no_lock(struct ebpf_venv *env, const struct ebpf_map *map,
	      const struct ebpf_vreg *ptr, uint32_t number, int32_t off,
	      uint64_t size)
{
	int64_t lo = ptr->num.smin + ptr->off + off;
	int64_t hi = ptr->num.smax + ptr->off + off + (int64_t)size;

	if (!map->has_lock || lo >= (int64_t)map->lock_off + EBPF_LOCK_SIZE ||
	    hi <= (int64_t)map->lock_off)
		return 0;
	return ebpf_verify_reject(
		env, EBPF_RULE_MAP_USE,
		"the access at r%u reaches bytes %lld to %lld; the value's "
		"struct bpf_spin_lock is at %u",
		number, (long long)lo, (long long)hi - 1, map->lock_off);
}

/* Memory that is no stack and no context. */
static int
check_region(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
	     uint32_t number, int32_t off, uint64_t size, bool write)
{
	const struct ebpf_map *map;
	int error;

	if (ptr->maybe_null && ptr->type == EBPF_V_GIVEN)
		return ebpf_verify_reject(
			env, EBPF_RULE_NULL_CHECK,
			"r%u may be null: it is an argument of the global "
			"function at %u",
			number, ptr->origin);
	if (ptr->maybe_null)
		return ebpf_verify_reject(
			env, EBPF_RULE_NULL_CHECK,
			"r%u may be null: it is the result of the call at %u",
			number, ptr->origin);
	switch (ptr->type) {
	case EBPF_V_SOCK:
		return ebpf_verify_sock_access(env, ptr, number, off, size,
					       write);
	case EBPF_V_VALUE:
		map = ebpf_verify_map_of(env, ptr);
		error = check_map_use(env, map, write);
		if (!error)
			error = check_fixed(env, EBPF_RULE_VALUE_BOUNDS, ptr,
					    number, off, size, map->value_size);
		return error ? error :
			       check_no_lock(env, map, ptr, number, off, size);
	case EBPF_V_KEY:
		if (write)
			return ebpf_verify_reject(
				env, EBPF_RULE_READ_ONLY,
				"the map's key in r%u may only be read",
				number);
		return check_fixed(env, EBPF_RULE_MEM_BOUNDS, ptr, number, off,
				   size, ebpf_verify_map_of(env, ptr)->key_size);
	case EBPF_V_GIVEN:
	case EBPF_V_RECORD:
		return check_fixed(env, EBPF_RULE_MEM_BOUNDS, ptr, number, off,
				   size, ptr->range);
	case EBPF_V_PKT:
	case EBPF_V_PKT_META:
	case EBPF_V_MEM:
		if (write && !env->kind->pkt_writable)
			return ebpf_verify_reject(
				env, EBPF_RULE_READ_ONLY,
				"programs of kind %s may not write through "
				"the %s in r%u",
				env->kind->name, ebpf_verify_type_name(ptr),
				number);
		if (ptr->type == EBPF_V_MEM && !env->tied)
			return check_fixed(env, EBPF_RULE_MEM_BOUNDS, ptr,
					   number, off, size,
					   env->prog->mem_size);
		return check_proven(env, ptr, number, off, size);
	default:
		break;
	}
	return ebpf_verify_reject(
		env,
		ebpf_vreg_is_pointer(ptr) ? EBPF_RULE_POINTER_ARITH :
					    EBPF_RULE_CALL_ARG,
		"r%u is a %s; there is no memory behind it", number,
		ebpf_verify_type_name(ptr));
}

/*
 * The host's context differs from the program's, so an instruction that
 * touches it is rewritten, and must touch the same field on every path.
 */
static int
note_access(struct ebpf_venv *env, uint8_t access, uint32_t field)
{
	struct ebpf_vaux *aux = &env->aux[env->insn];

	if (aux->access != EBPF_VX_NONE &&
	    (aux->access != access || aux->field != field))
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"the same instruction accesses the context on one path "
			"and something else on another");
	aux->access = access;
	aux->field = (uint16_t)field;
	return 0;
}

/* A context of plain numbers, which only Linux's own kinds have. */
static int
check_plain_ctx(struct ebpf_venv *env, int64_t off, uint32_t size, bool write,
		const struct ebpf_ctx_field **found)
{
	static const struct ebpf_ctx_field number = {
		.type = EBPF_CTX_SCALAR,
	};
	const struct ebpf_kind *kind = env->kind;

	if (write || off < (int64_t)kind->host_size ||
	    off + size > (int64_t)kind->ctx_size || off % size)
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"the context of %s has nothing to %s at offset %lld "
			"size %u",
			kind->name, write ? "write" : "read", (long long)off,
			size);
	*found = &number;
	return note_access(env, EBPF_VX_CTX, 0);
}

static int
check_ctx(struct ebpf_venv *env, const struct ebpf_vreg *ptr, uint32_t number,
	  int32_t insn_off, uint32_t size, bool write,
	  const struct ebpf_ctx_field **found)
{
	const struct ebpf_kind *kind = env->kind;
	const struct ebpf_ctx_field *field = NULL;
	int64_t off = (int64_t)ptr->off + insn_off;
	uint32_t i;

	if (ptr->num.umax != 0)
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"r%u points into the context at a variable offset",
			number);
	if (!kind->fields)
		return check_plain_ctx(env, off, size, write, found);
	for (i = 0; i < kind->field_count; i++) {
		field = &kind->fields[i];
		if (off >= field->off && off + size <= field->off + field->size)
			break;
	}
	if (i == kind->field_count)
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"the context of %s has no field at offset %lld size %u",
			kind->name, (long long)off, size);
	if ((off - field->off) % size)
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"offset %lld size %u is not aligned in its field",
			(long long)off, size);
	if (write && !field->writable)
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"the context field at offset %u may only be read",
			field->off);
	if ((write || field->type != EBPF_CTX_SCALAR) && size != field->size)
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"the context field at offset %u must be accessed as a "
			"whole (%u bytes)",
			field->off, field->size);
	if (write && (field->type != EBPF_CTX_SCALAR ||
		      field->host_size > field->size))
		return ebpf_verify_reject(
			env, EBPF_RULE_CTX_ACCESS,
			"the context field at offset %u cannot be written",
			field->off);
	*found = field;
	/* where in the field matters for the rewritten form too */
	return note_access(env, EBPF_VX_CTX,
			   i << 3 | (uint32_t)(off - field->off));
}

static void
ctx_value(struct ebpf_venv *env, struct ebpf_vreg *value,
	  const struct ebpf_ctx_field *field, uint32_t size)
{
	ebpf_vreg_upto(value, ebpf_bits_mask(size * 8));
	if (field->type > EBPF_CTX_PKT_META) {
		ebpf_verify_sock_field(env, value, field->type);
		return;
	}
	switch ((enum ebpf_ctx_type)field->type) {
	case EBPF_CTX_SCALAR:
		return;
	case EBPF_CTX_PKT:
		value->type = EBPF_V_PKT;
		break;
	case EBPF_CTX_PKT_END:
		value->type = EBPF_V_PKT_END;
		break;
	case EBPF_CTX_PKT_META:
		value->type = EBPF_V_PKT_META;
		break;
	}
	ebpf_num_const(&value->num, 0, 64);
	value->origin = env->insn;
}

int
ebpf_verify_frozen_byte(struct ebpf_venv *env, uint32_t index, uint64_t off)
{
	const struct ebpf_map *map = env->prog->maps[index];
	const struct ebpf_map_array *array;

	/* nobody writes any more: neither programs nor users */
	if (map->ops->kind != EBPF_MAP_ARRAY ||
	    !(map->flags & EBPF_F_RDONLY_PROG) ||
	    os_load_acquire(&map->frozen) != EBPF_MAP_FROZEN || off >= map->value_size)
		return -1;
	array = os_container(map, const struct ebpf_map_array, map);
	return array->values ? array->values[off] : -1;
}

/* A load from a value that never changes gives a known number. */
static void
frozen_value(struct ebpf_venv *env, const struct ebpf_vreg *ptr, int32_t off,
	     uint32_t size, struct ebpf_vreg *value)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint64_t word = 0, at;
	uint32_t i;
	int byte;

	if (ptr->type != EBPF_V_VALUE || !ptr->fixed_element ||
	    !ebpf_num_is_const(&ptr->num))
		return;
	at = ptr->num.umin + (uint64_t)(int64_t)(ptr->off + off);
	for (i = 0; i < size; i++) {
		byte = ebpf_verify_frozen_byte(env, ptr->map, at + i);
		if (byte < 0)
			return;
		word |= (uint64_t)byte << 8 * (little ? i : size - 1 - i);
	}
	ebpf_vreg_const(value, word);
}

/* For the words of a refusal: where the access goes. */
static void
touch(struct ebpf_venv *env, uint32_t number, int32_t off, uint64_t size)
{
	env->touch.insn = env->insn;
	env->touch.number = number;
	env->touch.off = off;
	env->touch.size = size;
}

static int
load(struct ebpf_venv *env, const struct ebpf_vreg *ptr, uint32_t number,
     int32_t off, uint32_t size, struct ebpf_vreg *value)
{
	const struct ebpf_ctx_field *field;
	int error;

	touch(env, number, off, size);
	if (ptr->type == EBPF_V_SCALAR)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_ARITH,
			"r%u is a number, not a pointer", number);
	if (ptr->type == EBPF_V_CTX) {
		error = check_ctx(env, ptr, number, off, size, false, &field);
		if (!error)
			ctx_value(env, value, field, size);
		return error;
	}
	error = note_access(env, EBPF_VX_OTHER, 0);
	if (error)
		return error;
	if (ptr->type == EBPF_V_STACK)
		return ebpf_verify_stack_load(env, ptr, number, off, size,
					      value);
	error = check_region(env, ptr, number, off, size, false);
	if (error)
		return error;
	ebpf_vreg_upto(value, ebpf_bits_mask(size * 8));
	frozen_value(env, ptr, off, size, value);
	return 0;
}

/* Atomics and ordered accesses: kinds of memory, natural alignment. */
static int
check_atomic(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
	     uint32_t number, int32_t off, uint32_t size)
{
	uint64_t low = (uint64_t)(int64_t)(ptr->off + off) + ptr->num.t.value;

	if (ptr->type != EBPF_V_VALUE && ptr->type != EBPF_V_STACK &&
	    ptr->type != EBPF_V_RECORD &&
	    (ptr->type != EBPF_V_MEM || env->kind->entry == EBPF_ENTRY_BUF))
		return ebpf_verify_reject(
			env, EBPF_RULE_UNSUPPORTED,
			"atomic access through a %s (r%u) is not allowed",
			ebpf_verify_type_name(ptr), number);
	if ((low | ptr->num.t.mask) & (size - 1))
		return ebpf_verify_reject(
			env, EBPF_RULE_ALIGNMENT,
			"the atomic access at r%u is not aligned to %u bytes",
			number, size);
	return 0;
}

int
ebpf_verify_load(struct ebpf_venv *env, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_vreg *ptr, *value = &env->scratch[1];
	uint32_t size = info->width / 8;
	int error;

	if (op->dst == EBPF_REG_FP)
		return ebpf_verify_reject(env, EBPF_RULE_FRAME_POINTER,
					  "r10 is written");
	error = ebpf_verify_read_reg(env, op->src, &ptr);
	if (!error && info->fn == EBPF_FN_LOAD_ACQ)
		error = check_atomic(env, ptr, op->src, op->off, size);
	env->want_number = env->live[env->insn + 1] >> 16 & 1u << op->dst;
	if (!error)
		ebpf_verify_rely(env, ptr);
	if (!error)
		error = load(env, ptr, op->src, op->off, size, value);
	if (error)
		return error;
	if (info->fn == EBPF_FN_LDXS) {
		if (ebpf_vreg_is_pointer(value))
			return ebpf_verify_reject(
				env, EBPF_RULE_POINTER_ARITH,
				"a %s cannot be sign-extended",
				ebpf_verify_type_name(value));
		value->id = value->range = 0;
		value->off = 0;
		value->shl = 0;
		ebpf_num_sext(&value->num, info->width, true, 64);
	}
	ebpf_verify_top(env)->regs[op->dst] = *value;
	return 0;
}

int
ebpf_verify_store(struct ebpf_venv *env, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	const struct ebpf_ctx_field *field;
	struct ebpf_vreg *ptr, *value;
	uint32_t size = info->width / 8;
	int error;

	error = ebpf_verify_read_reg(env, op->dst, &ptr);
	if (error)
		return error;
	touch(env, op->dst, op->off, size);
	if (info->form == EBPF_FORM_ST) {
		value = &env->scratch[1];
		ebpf_vreg_const(value,
				(uint64_t)op->imm & ebpf_bits_mask(info->width));
	} else {
		error = ebpf_verify_read_reg(env, op->src, &value);
		if (error)
			return error;
	}
	if (info->fn == EBPF_FN_STORE_REL) {
		error = check_atomic(env, ptr, op->dst, op->off, size);
		if (error)
			return error;
	}
	ebpf_verify_rely(env, ptr);
	if (ptr->type == EBPF_V_SCALAR)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_ARITH,
			"r%u is a number, not a pointer", op->dst);
	if (ebpf_vreg_is_pointer(value) && ptr->type != EBPF_V_STACK &&
	    !ebpf_verify_may_leak(env))
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"the %s in r%u would be stored where others can read it",
			ebpf_verify_type_name(value), op->src);
	if (ptr->type == EBPF_V_CTX)
		return check_ctx(env, ptr, op->dst, op->off, size, true,
				 &field);
	error = note_access(env, EBPF_VX_OTHER, 0);
	if (error)
		return error;
	if (ptr->type == EBPF_V_STACK) {
		ebpf_verify_name(env, value);
		return ebpf_verify_stack_store(env, ptr, op->dst, op->off,
					       size, value);
	}
	return check_region(env, ptr, op->dst, op->off, size, true);
}

int
ebpf_verify_atomic(struct ebpf_venv *env, const struct ebpf_op *op)
{
	const struct ebpf_op_info *info = &ebpf_op_info[op->code];
	struct ebpf_vreg *ptr, *src, *old, *result = NULL;
	uint32_t size = info->width / 8;
	int error;

	error = ebpf_verify_read_reg(env, op->dst, &ptr);
	if (!error)
		error = ebpf_verify_read_reg(env, op->src, &src);
	if (!error && info->fn == EBPF_FN_CMPXCHG)
		error = ebpf_verify_read_reg(env, 0, &result);
	if (error)
		return error;
	if (ptr->type == EBPF_V_SCALAR)
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_ARITH,
			"r%u is a number, not a pointer", op->dst);
	if (ebpf_vreg_is_pointer(src) ||
	    (result && ebpf_vreg_is_pointer(result)))
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"atomic operations take numbers, not pointers");
	ebpf_verify_rely(env, ptr);
	error = check_atomic(env, ptr, op->dst, op->off, size);
	if (error)
		return error;
	if (info->fn == EBPF_FN_FETCH_ADD || info->fn == EBPF_FN_FETCH_OR ||
	    info->fn == EBPF_FN_FETCH_AND || info->fn == EBPF_FN_FETCH_XOR ||
	    info->fn == EBPF_FN_XCHG)
		result = src;
	if (result == src && op->src == EBPF_REG_FP)
		return ebpf_verify_reject(env, EBPF_RULE_FRAME_POINTER,
					  "r10 is written");
	old = &env->scratch[1];
	env->want_number = false; /* whatever it was, now it is unknown */
	error = load(env, ptr, op->dst, op->off, size, old);
	if (error)
		return error;
	if (ebpf_vreg_is_pointer(old))
		return ebpf_verify_reject(
			env, EBPF_RULE_POINTER_LEAK,
			"atomic operation on a saved %s",
			ebpf_verify_type_name(old));
	if (ptr->type == EBPF_V_STACK)
		error = ebpf_verify_stack_store(env, ptr, op->dst, op->off,
						size, NULL);
	else
		error = check_region(env, ptr, op->dst, op->off, size, true);
	if (!error && result)
		ebpf_vreg_upto(result, ebpf_bits_mask(info->width));
	return error;
}

int
ebpf_verify_helper_mem(struct ebpf_venv *env, uint32_t number, uint64_t size,
		       uint64_t sure, bool write)
{
	const struct ebpf_vreg *ptr = &ebpf_verify_top(env)->regs[number];

	touch(env, number, 0, size);
	if (size > EBPF_V_OFF_MAX)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_ARG,
					  "the size of r%u's memory may be up "
					  "to %llu bytes",
					  number, (unsigned long long)size);
	if (ptr->type == EBPF_V_SOCK)
		return ebpf_verify_reject(env, EBPF_RULE_CALL_ARG,
					  "r%u is a %s, which no helper takes "
					  "for memory",
					  number, ebpf_verify_type_name(ptr));
	if (ptr->type == EBPF_V_STACK)
		return ebpf_verify_stack_mem(env, ptr, number, size, sure,
					     write);
	return check_region(env, ptr, number, 0, size, write);
}
