/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * References of programs to maps and helpers: from what the loader wrote, to
 * indices for the verifier, to addresses for engines, and back to numbers for
 * dumps. prog.h says what ops hold at each stage.
 */
#include "core/fuse.h"
#include "core/helper.h"
#include "core/map.h"
#include "core/prog_load.h"
#include "core/runtime.h"

enum {
	MAPS_MAX = 256, /* different maps of one program */
};

/* Calls and what is loaded by number stand last of all. */
_Static_assert(EBPF_OP_CALL_HELPER < EBPF_OP_LDDW_IMM64 &&
		       EBPF_OP_LDDW_IMM64 < EBPF_OP_LDDW_MAP &&
		       EBPF_OP_LDDW_MAP < EBPF_OP_LDDW_MAP_VALUE &&
		       EBPF_OP_LDDW_MAP_VALUE < EBPF_OP_LDDW_MAP_IDX &&
		       EBPF_OP_LDDW_MAP_IDX < EBPF_OP_LDDW_MAP_IDX_VALUE,
	       "most ops are passed over at a glance");

static bool
is_map_ref(uint16_t code)
{
	if (os_likely(code < EBPF_OP_LDDW_MAP))
		return false;
	return code == EBPF_OP_LDDW_MAP || code == EBPF_OP_LDDW_MAP_IDX ||
	       code == EBPF_OP_LDDW_MAP_VALUE ||
	       code == EBPF_OP_LDDW_MAP_IDX_VALUE;
}

static bool
is_by_index(uint16_t code)
{
	return code == EBPF_OP_LDDW_MAP_IDX ||
	       code == EBPF_OP_LDDW_MAP_IDX_VALUE;
}

static bool
is_value_ref(uint16_t code)
{
	return code == EBPF_OP_LDDW_MAP_VALUE ||
	       code == EBPF_OP_LDDW_MAP_IDX_VALUE;
}

/* The map that a reference names, with a reference of its own. */
static int
map_of(struct ebpf_loading *l, uint32_t insn, uint32_t number,
       struct ebpf_map **map)
{
	struct ebpf_object *obj;

	if (is_by_index(l->ops[insn].code)) {
		if (number >= l->load.map_count || !l->load.maps[number])
			return ebpf_reject(l, insn, EBPF_RULE_MAP_USE,
					   "no map has index %u", number);
		*map = l->load.maps[number];
		if ((*map)->obj.rt != l->rt)
			return ebpf_reject(l, insn, EBPF_RULE_MAP_USE,
					   "map %u is another runtime's",
					   number);
		ebpf_map_get(*map);
		return 0;
	}
	obj = ebpf_object_by_id(l->rt, EBPF_OBJ_MAP, number);
	if (!obj)
		return ebpf_reject(l, insn, EBPF_RULE_MAP_USE,
				   "no map has id %u", number);
	*map = os_container(obj, struct ebpf_map, obj);
	return 0;
}

/* Its place in prog->maps, which takes over the caller's reference. */
static int
map_place(struct ebpf_loading *l, uint32_t insn, struct ebpf_map *map,
	  uint32_t *index)
{
	struct ebpf_prog *prog = l->prog;
	uint32_t i;

	for (i = 0; i < prog->map_count; i++) {
		if (prog->maps[i] != map)
			continue;
		ebpf_map_put(map);
		*index = i;
		return 0;
	}
	if (prog->map_count == MAPS_MAX) {
		ebpf_map_put(map);
		return ebpf_reject(l, insn, EBPF_RULE_LIMIT,
				   "more than %d maps", MAPS_MAX);
	}
	prog->maps[prog->map_count] = map;
	*index = prog->map_count++;
	return 0;
}

/*
 * Values have an address only in arrays, whose elements never move: element 0
 * is meant, as far as its end.
 */
static int
check_value_ref(struct ebpf_loading *l, uint32_t insn,
		const struct ebpf_map *map, uint32_t off)
{
	if (map->ops->kind != EBPF_MAP_ARRAY)
		return ebpf_reject(l, insn, EBPF_RULE_MAP_USE,
				   "values of this kind of map have no fixed "
				   "address");
	if (off >= map->value_size || off > INT32_MAX)
		return ebpf_reject(l, insn, EBPF_RULE_VALUE_BOUNDS,
				   "offset %u is outside the value of %u bytes",
				   off, map->value_size);
	return 0;
}

static int
resolve_one(struct ebpf_loading *l, uint32_t insn)
{
	struct ebpf_op *op = &l->ops[insn];
	struct ebpf_insn *raw = &l->prog->raw[insn];
	uint32_t number = (uint32_t)op->imm, index = 0;
	uint32_t off = (uint32_t)((uint64_t)op->imm >> 32);
	bool value = is_value_ref(op->code);
	struct ebpf_map *map = NULL;
	int error;

	error = map_of(l, insn, number, &map);
	if (error)
		return error;
	error = map_place(l, insn, map, &index);
	if (error)
		return error;
	if ((map->flags & EBPF_F_ASSUMED) && !l->load.assume_linux)
		return ebpf_reject(l, insn, EBPF_RULE_MAP_USE,
				   "map %s exists only for verification for "
				   "Linux", map->obj.name);
	op->off = 0;
	op->imm = index;
	if (value) {
		error = check_value_ref(l, insn, map, off);
		if (error)
			return error;
		op->off = (int32_t)off;
	}
	op->code = value ? EBPF_OP_LDDW_MAP_VALUE : EBPF_OP_LDDW_MAP;
	raw->regs = (uint8_t)((raw->regs & 0x0f) |
			      ebpf_op_info[op->code].value << 4);
	raw->imm = (int32_t)map->obj.id;
	return 0;
}

int
ebpf_resolve_maps(struct ebpf_loading *l)
{
	struct ebpf_prog *prog = l->prog;
	uint32_t i, refs = 0;
	int error;

	for (i = 0; i < prog->op_count; i++)
		refs += is_map_ref(l->ops[i].code);
	if (refs == 0)
		return 0;
	if (refs > MAPS_MAX)
		refs = MAPS_MAX;
	error = ebpf_charge(&prog->obj, refs * sizeof(prog->maps[0]));
	if (error)
		return error;
	prog->maps = os_alloc(refs * sizeof(prog->maps[0]));
	if (!prog->maps)
		return -EBPF_ENOMEM;
	for (i = 0; i < prog->op_count; i++) {
		if (!is_map_ref(l->ops[i].code))
			continue;
		error = resolve_one(l, i);
		if (error)
			return error;
	}
	return 0;
}

static uint8_t *
value_base(const struct ebpf_map *map)
{
	return os_container(map, struct ebpf_map_array, map)->values;
}

int
ebpf_resolve_link(struct ebpf_loading *l)
{
	const struct ebpf_prog *prog = l->prog;
	const struct ebpf_helper *helper;
	const struct ebpf_map *map;
	struct ebpf_op *op;
	uint32_t i;

	for (i = 0; i < prog->op_count; i++) {
		op = &l->ops[i];
		if (os_likely(op->code < EBPF_OP_CALL_HELPER))
			continue;
		switch (op->code) {
		case EBPF_OP_LDDW_MAP:
			op->imm = (intptr_t)prog->maps[op->imm];
			break;
		case EBPF_OP_LDDW_MAP_VALUE:
			map = prog->maps[op->imm];
			op->imm = (intptr_t)(value_base(map) + op->off);
			break;
		case EBPF_OP_CALL_HELPER:
			helper = ebpf_helper_find(l->rt, (uint32_t)op->imm);
			if (!helper)
				return ebpf_reject(l, i,
						   EBPF_RULE_CALL_UNKNOWN,
						   "there is no helper %lld",
						   (long long)op->imm);
			/* trace_printk is the only one with such arguments */
			if (op->off > 0)
				helper = &ebpf_trace_printk_set[3 - op->off];
			op->imm = (intptr_t)helper;
			op->off = 0;
			break;
		default:
			break;
		}
	}
	return 0;
}

/* ---- back again, for dumps ---- */

/* Slot index's op with numbers in the place of addresses. */
static struct ebpf_op
plain_op(const struct ebpf_prog *prog, uint32_t index)
{
	struct ebpf_op op = ebpf_unfused(&prog->ops[index]);
	const struct ebpf_helper *helper;
	const struct ebpf_map *map;
	uint32_t i;

	switch (op.code) {
	case EBPF_OP_LDDW_MAP:
		map = (const struct ebpf_map *)(intptr_t)op.imm;
		op.imm = map->obj.id;
		break;
	case EBPF_OP_LDDW_MAP_VALUE:
		for (i = 0; i < prog->map_count; i++) {
			map = prog->maps[i];
			if (map->ops->kind != EBPF_MAP_ARRAY ||
			    value_base(map) + op.off !=
				    (const uint8_t *)(intptr_t)op.imm)
				continue;
			op.imm = (int64_t)((uint64_t)(uint32_t)op.off << 32 |
					   map->obj.id);
			break;
		}
		break;
	case EBPF_OP_CALL_HELPER:
		helper = (const struct ebpf_helper *)(intptr_t)op.imm;
		op.imm = helper->number;
		break;
	default:
		break;
	}
	return op;
}

struct ebpf_insn
ebpf_prog_xlated(const struct ebpf_prog *prog, uint32_t index)
{
	bool high = prog->ops[index].code == EBPF_OP_LDDW_HI;
	struct ebpf_op op = plain_op(prog, high ? index - 1 : index);

	return high ? ebpf_encode_hi(&op) : ebpf_encode(&op);
}
