/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Helpers and maps of Linux for verification only: the prototypes of
 * linux_helper.def, maps of any kind that hold nothing, and which of the two go
 * together. The kinds of programs are in assumed_kinds.c.
 */
#include "core/assumed.h"

static const struct ebpf_helper helpers[] = {
#define EBPF_HELPER_LINUX(nm, r, a1, a2, a3, a4, a5, fl)                    \
	{                                                                   \
		.name = #nm,                                                \
		.number = EBPF_FUNC_##nm,                                   \
		.flags = fl,                                                \
		.ret = EBPF_RET_##r,                                        \
		.args = { EBPF_ARG_##a1, EBPF_ARG_##a2, EBPF_ARG_##a3,      \
			  EBPF_ARG_##a4, EBPF_ARG_##a5 },                   \
	},
#include "abi/linux_helper.def"
};

const struct ebpf_helper *
ebpf_assumed_helper(uint32_t number)
{
	uint32_t i;

	for (i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (helpers[i].number == number)
			return &helpers[i];
	return NULL;
}

/* ---- maps ---- */

enum {
	KEY_MAX = 512,
	VALUE_MAX = 1 << 20,
};

static int
check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	*bytes = 0;
	return spec->key_size > KEY_MAX || spec->value_size > VALUE_MAX ?
		       -EBPF_E2BIG : 0;
}

static int
init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	return 0;
}

static void
fini(struct ebpf_map *map)
{
}

static const struct ebpf_map_ops map_ops[] = {
#define EBPF_MAP_KIND(KIND, number, name)                   \
	{                                                   \
		.kind = number,                             \
		.flags_allowed = 0xffffffffu,               \
		.struct_size = sizeof(struct ebpf_map),     \
		.check = check,                             \
		.init = init,                               \
		.fini = fini,                               \
	},
#include "abi/map_kind.def"
};

const struct ebpf_map_ops *
ebpf_assumed_map_ops(uint32_t kind)
{
	uint32_t i;

	for (i = 0; i < sizeof(map_ops) / sizeof(map_ops[0]); i++)
		if (map_ops[i].kind == kind)
			return &map_ops[i];
	return NULL;
}

/*
 * Maps with helpers of their own, and those helpers. A kind that is not here
 * is a plain one, and a helper that is not here takes plain ones.
 */
static const struct {
	uint8_t kind;
	uint8_t helper;
} pairs[] = {
#define PAIR(KIND, name) { EBPF_MAP_##KIND, EBPF_FUNC_##name }
	PAIR(PROG_ARRAY, tail_call),
	PAIR(PERF_EVENT_ARRAY, perf_event_output),
	PAIR(PERF_EVENT_ARRAY, perf_event_read),
	PAIR(PERF_EVENT_ARRAY, perf_event_read_value),
	PAIR(PERF_EVENT_ARRAY, skb_output),
	PAIR(PERF_EVENT_ARRAY, xdp_output),
	PAIR(RINGBUF, ringbuf_output),
	PAIR(RINGBUF, ringbuf_reserve),
	PAIR(RINGBUF, ringbuf_query),
	PAIR(RINGBUF, ringbuf_reserve_dynptr),
	PAIR(USER_RINGBUF, user_ringbuf_drain),
	PAIR(STACK_TRACE, get_stackid),
	PAIR(CGROUP_ARRAY, skb_under_cgroup),
	PAIR(CGROUP_ARRAY, current_task_under_cgroup),
	PAIR(CGROUP_STORAGE, get_local_storage),
	PAIR(PERCPU_CGROUP_STORAGE, get_local_storage),
	PAIR(DEVMAP, redirect_map),
	PAIR(DEVMAP, map_lookup_elem),
	PAIR(DEVMAP_HASH, redirect_map),
	PAIR(DEVMAP_HASH, map_lookup_elem),
	PAIR(CPUMAP, redirect_map),
	PAIR(XSKMAP, redirect_map),
	PAIR(XSKMAP, map_lookup_elem),
	PAIR(SOCKMAP, sk_redirect_map),
	PAIR(SOCKMAP, sock_map_update),
	PAIR(SOCKMAP, map_delete_elem),
	PAIR(SOCKMAP, msg_redirect_map),
	PAIR(SOCKMAP, sk_select_reuseport),
	PAIR(SOCKMAP, map_lookup_elem),
	PAIR(SOCKHASH, sk_redirect_hash),
	PAIR(SOCKHASH, sock_hash_update),
	PAIR(SOCKHASH, map_delete_elem),
	PAIR(SOCKHASH, msg_redirect_hash),
	PAIR(SOCKHASH, sk_select_reuseport),
	PAIR(SOCKHASH, map_lookup_elem),
	PAIR(REUSEPORT_SOCKARRAY, sk_select_reuseport),
	PAIR(QUEUE, map_peek_elem),
	PAIR(QUEUE, map_pop_elem),
	PAIR(QUEUE, map_push_elem),
	PAIR(STACK, map_peek_elem),
	PAIR(STACK, map_pop_elem),
	PAIR(STACK, map_push_elem),
	PAIR(BLOOM_FILTER, map_peek_elem),
	PAIR(BLOOM_FILTER, map_push_elem),
	PAIR(SK_STORAGE, sk_storage_get),
	PAIR(SK_STORAGE, sk_storage_delete),
	PAIR(INODE_STORAGE, inode_storage_get),
	PAIR(INODE_STORAGE, inode_storage_delete),
	PAIR(TASK_STORAGE, task_storage_get),
	PAIR(TASK_STORAGE, task_storage_delete),
};

bool
ebpf_assumed_map_call(uint32_t kind, uint32_t helper)
{
	bool own_kind = false, own_helper = false;
	uint32_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].kind == kind && pairs[i].helper == helper)
			return true;
		own_kind |= pairs[i].kind == kind;
		own_helper |= pairs[i].helper == helper;
	}
	/* what sockets can do, plain maps can */
	if (helper == EBPF_FUNC_map_lookup_elem ||
	    helper == EBPF_FUNC_map_delete_elem)
		own_helper = false;
	return !own_kind && !own_helper;
}
