/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of vgen.h: the maps that its programs use, and the types of those maps'
 * values and of global functions.
 */
#include "vgen.h"

#include <stddef.h>
#include <string.h>

#include "core/btf.h"

enum { /* offsets in the strings */
	N_U64 = 1,
	N_LOCK = 5,
	N_VALUE = 19,
	N_CTX = 25,
	N_GIVEN = 32,
	N_A = 38,
	N_B = 40,
	N_FUNC = 42,
};
static const char strings[] =
	"\0u64\0bpf_spin_lock\0value\0xdp_md\0given\0a\0b\0func";

enum { /* ids */
	T_U64 = 1,
	T_LOCK,
	T_VALUE,
	T_GIVEN,
	T_GIVEN_PTR,
	T_CTX,
	T_CTX_PTR,
	T_PROTO,
	T_FUNC,
	T_PROTO_CTX,
	T_FUNC_CTX,
};

enum kind {
	INT = 1u << 24,
	PTR = 2u << 24,
	STRUCT = 4u << 24,
	FUNC = 12u << 24,
	FUNC_PROTO = 13u << 24,
	GLOBAL = 1,
};

/* Name, kind and count, size or type; then what the kind has besides. */
static const uint32_t types[] = {
	N_U64,	 INT,		 8,	      64,
	N_LOCK,	 STRUCT,	 4,
	N_VALUE, STRUCT | 2,	 VGEN_AREA,   N_A,     T_U64, 0,
	N_B,	 T_LOCK,	 8 * VGEN_LOCK_OFF,
	N_GIVEN, STRUCT | 1,	 VGEN_GIVEN,  N_A,     T_U64, 0,
	0,	 PTR,		 T_GIVEN,
	N_CTX,	 STRUCT | 1,	 24,	      N_A,     T_U64, 0,
	0,	 PTR,		 T_CTX,
	0,	 FUNC_PROTO | 4, T_U64,	      N_A,     T_U64, N_A,
	T_U64,	 N_A,		 T_GIVEN_PTR, N_A,     T_U64,
	N_FUNC,	 FUNC | GLOBAL,	 T_PROTO,
	0,	 FUNC_PROTO | 4, T_U64,	      N_A,     T_U64, N_A,
	T_U64,	 N_A,		 T_GIVEN_PTR, N_A,     T_CTX_PTR,
	N_FUNC,	 FUNC | GLOBAL,	 T_PROTO_CTX,
};

uint32_t
vgen_global_type(const struct vgen *gen)
{
	return gen->shape == VGEN_PACKET ? T_FUNC_CTX : T_FUNC;
}

int
vgen_create_types(struct ebpf_runtime *rt, struct ebpf_btf **btf)
{
	const uint32_t header[] = {
		0x1eb9f, 24, 0, sizeof(types), sizeof(types), sizeof(strings),
	};
	uint8_t data[sizeof(header) + sizeof(types) + sizeof(strings)];

	memcpy(data, header, sizeof(header));
	memcpy(data + sizeof(header), types, sizeof(types));
	memcpy(data + sizeof(header) + sizeof(types), strings, sizeof(strings));
	return ebpf_btf_load(rt, data, sizeof(data), "types", 0, btf);
}

static int
create(struct ebpf_runtime *rt, const char *name, uint32_t kind,
       struct ebpf_btf *btf, struct ebpf_map *inner, uint32_t flags,
       struct ebpf_map **map)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = 4,
		.value_size = inner ? 4 : VGEN_AREA,
		.max_entries = VGEN_ELEMENTS,
		.flags = flags,
		.name = name,
		.btf = btf,
		.btf_key_type = btf ? T_U64 : 0,
		.btf_value_type = btf ? T_VALUE : 0,
		.inner = inner,
	};

	if (kind == EBPF_MAP_RINGBUF) {
		spec.key_size = spec.value_size = 0;
		spec.max_entries = 4096;
	}
	return ebpf_map_create(rt, &spec, map);
}

int
vgen_create_maps(struct ebpf_runtime *rt, struct ebpf_btf *btf,
		 struct ebpf_map *maps[VGEN_MAPS])
{
	struct ebpf_map *any_length = NULL;
	int error;

	memset(maps, 0, VGEN_MAPS * sizeof(maps[0]));
	error = create(rt, "array", EBPF_MAP_ARRAY, NULL, NULL, 0,
		       &maps[VGEN_ARRAY]);
	if (!error)
		error = create(rt, "ring", EBPF_MAP_RINGBUF, NULL, NULL, 0,
			       &maps[VGEN_RING]);
	if (!error)
		error = create(rt, "locked", EBPF_MAP_ARRAY, btf, NULL, 0,
			       &maps[VGEN_LOCKED]);
	if (!error)
		error = create(rt, "hash", EBPF_MAP_HASH, NULL, NULL, 0,
			       &maps[VGEN_HASH]);
	if (!error)
		error = create(rt, "any", EBPF_MAP_ARRAY, NULL, NULL,
			       EBPF_F_INNER_MAP, &any_length);
	if (!error)
		error = create(rt, "of_arrays", EBPF_MAP_ARRAY_OF_MAPS, NULL,
			       any_length, 0, &maps[VGEN_OF_ARRAYS]);
	if (!error)
		error = create(rt, "of_locked", EBPF_MAP_HASH_OF_MAPS, NULL,
			       maps[VGEN_LOCKED], 0, &maps[VGEN_OF_LOCKED]);
	ebpf_map_put(any_length);
	if (error)
		vgen_put_maps(maps);
	return error;
}

void
vgen_put_maps(struct ebpf_map *maps[VGEN_MAPS])
{
	uint32_t i;

	for (i = VGEN_MAPS; i-- > 0;)
		ebpf_map_put(maps[i]);
}
