/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where bpf_redirect_map() may send a packet: devmap and devmap_hash hold
 * interface indices, cpumap the queue sizes of CPUs, xskmap numbers that stand
 * for sockets. Layouts and errors are Linux's. Nothing here sends anything:
 * whoever runs the program asks what it decided (ebpf_redirect_take).
 *
 * The long form of a value also names a program to run behind the redirect;
 * there is none here, so only "no program" is taken.
 */
#include "core/hash_table.h"
#include "core/map_redirect.h"
#include "core/map_value.h"

enum {
	CPU_MAX = 8192, /* as Debian's kernel is configured */
	QUEUE_MAX = 16384,
	ENTRIES_MAX = 1 << 24,
	FLAGS = EBPF_F_NUMA_NODE | EBPF_F_RDONLY | EBPF_F_WRONLY,
};

/* bpf_devmap_val and bpf_cpumap_val, the short form and the long. */
struct target {
	uint32_t value; /* ifindex, queue size, socket; 0: none */
	int32_t prog;	/* users write a program there, or what is none */
};

struct map_targets {
	struct ebpf_map map;
	struct target *slots; /* value is atomic, prog always 0 */
};

static struct target *
slot_at(struct ebpf_map *map, uint32_t index)
{
	struct target *slots =
		os_container(map, struct map_targets, map)->slots;

	if (index >= map->max_entries)
		return NULL;
	return &slots[ebpf_index_within(index, map->max_entries)];
}

/* A user's value of the map's size. */
static int
take_value(const struct ebpf_map *map, const void *value,
	   struct target *target)
{
	memset(target, 0, sizeof(*target));
	memcpy(target, value, map->value_size);
	if (target->prog > 0)
		return target->value == 0 ? -EBPF_EINVAL : -EBPF_EUNSUPPORTED;
	target->prog = 0;
	return 0;
}

/* ---- making ---- */

static int
slots_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	bool longer = spec->kind != EBPF_MAP_XSKMAP &&
		      spec->value_size == sizeof(struct target);

	if (spec->key_size != sizeof(uint32_t) || spec->max_entries == 0 ||
	    (spec->value_size != sizeof(uint32_t) && !longer))
		return -EBPF_EINVAL;
	if (spec->max_entries >
	    (spec->kind == EBPF_MAP_CPUMAP ? CPU_MAX : ENTRIES_MAX))
		return -EBPF_E2BIG;
	*bytes = (uint64_t)spec->max_entries * sizeof(struct target);
	return 0;
}

static int
slots_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	struct map_targets *targets =
		os_container(map, struct map_targets, map);

	map->flags |= EBPF_F_RDONLY_PROG;
	targets->slots = os_alloc(map->max_entries * sizeof(struct target));
	return targets->slots == NULL ? -EBPF_ENOMEM : 0;
}

static void
slots_fini(struct ebpf_map *map)
{
	os_free(os_container(map, struct map_targets, map)->slots);
}

/* ---- elements ---- */

static void *
slots_lookup(struct ebpf_map *map, const void *key)
{
	struct target *slot = slot_at(map, ebpf_key_index(key));

	return slot != NULL && os_load(&slot->value) != 0 ? slot : NULL;
}

static int
slots_read(struct ebpf_map *map, const void *key, void *value)
{
	struct target *slot = slot_at(map, ebpf_key_index(key));
	struct target copy = { 0, 0 };

	if (slot != NULL)
		copy.value = os_load(&slot->value);
	if (copy.value == 0)
		return -EBPF_ENOENT;
	memcpy(value, &copy, map->value_size);
	return 0;
}

static int
slots_write(struct ebpf_map *map, const void *key, const void *value,
	    uint64_t flags)
{
	uint32_t index = ebpf_key_index(key);
	struct target *slot = slot_at(map, index), target;
	int error;

	if (flags > EBPF_EXIST)
		return -EBPF_EINVAL;
	if (slot == NULL)
		return -EBPF_E2BIG;
	if (flags == EBPF_NOEXIST) /* as in arrays */
		return -EBPF_EEXIST;
	error = take_value(map, value, &target);
	if (error != 0)
		return error;
	if (map->ops->kind == EBPF_MAP_CPUMAP) {
		if (target.value > QUEUE_MAX)
			return -EBPF_ERANGE;
		if (index >= os_cpu_count())
			return -EBPF_ENODEV;
	}
	os_store(&slot->value, target.value);
	return 0;
}

/* A slot of an xskmap is there or not, as in a hash. */
static int
sockets_write(struct ebpf_map *map, const void *key, const void *value,
	      uint64_t flags)
{
	struct target *slot = slot_at(map, ebpf_key_index(key));
	uint32_t now, fresh;

	memcpy(&fresh, value, sizeof(fresh));
	if (flags > EBPF_EXIST || fresh == 0)
		return -EBPF_EINVAL;
	if (slot == NULL)
		return -EBPF_E2BIG;
	now = os_load(&slot->value);
	do {
		if (now != 0 && flags == EBPF_NOEXIST)
			return -EBPF_EEXIST;
		if (now == 0 && flags == EBPF_EXIST)
			return -EBPF_ENOENT;
	} while (!os_cas(&slot->value, &now, fresh));
	return 0;
}

static int
slots_remove(struct ebpf_map *map, const void *key)
{
	struct target *slot = slot_at(map, ebpf_key_index(key));

	if (slot == NULL)
		return -EBPF_EINVAL;
	os_store(&slot->value, 0);
	return 0;
}

static uint64_t
slots_count(struct ebpf_map *map)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < map->max_entries; i++)
		n += os_load(&slot_at(map, i)->value) != 0;
	return n;
}

#define SLOTS                                         \
	.struct_size = sizeof(struct map_targets),    \
	.check = slots_check, .init = slots_init,     \
	.fini = slots_fini, .read = slots_read,       \
	.remove = slots_remove, .next = ebpf_slots_next,   \
	.walk = ebpf_slots_walk, .count = slots_count

const struct ebpf_map_ops ebpf_map_devmap_ops = {
	.kind = EBPF_MAP_DEVMAP,
	SLOTS,
	.flags_allowed = FLAGS,
	.lookup = slots_lookup,
	.write = slots_write,
};

/* Programs cannot look up what is in a cpumap. */
const struct ebpf_map_ops ebpf_map_cpumap_ops = {
	.kind = EBPF_MAP_CPUMAP,
	SLOTS,
	.flags_allowed = EBPF_F_NUMA_NODE, /* no more, as in Linux */
	.write = slots_write,
};

const struct ebpf_map_ops ebpf_map_xskmap_ops = {
	.kind = EBPF_MAP_XSKMAP,
	SLOTS,
	.flags_allowed = FLAGS,
	.lookup = slots_lookup,
	.write = sockets_write,
};

/* ---- devmap_hash: a hash with the same values ---- */

static int
devices_check(const struct ebpf_map_spec *spec, uint64_t *bytes)
{
	if (spec->key_size != sizeof(uint32_t) ||
	    (spec->value_size != sizeof(uint32_t) &&
	     spec->value_size != sizeof(struct target)))
		return -EBPF_EINVAL;
	return ebpf_map_hash_ops.check(spec, bytes);
}

static int
devices_init(struct ebpf_map *map, const struct ebpf_map_spec *spec)
{
	map->flags |= EBPF_F_RDONLY_PROG;
	return ebpf_map_hash_ops.init(map, spec);
}

static void
devices_fini(struct ebpf_map *map)
{
	ebpf_map_hash_ops.fini(map);
}

static void *
devices_lookup(struct ebpf_map *map, const void *key)
{
	return ebpf_map_hash_ops.lookup(map, key);
}

static int
devices_write(struct ebpf_map *map, const void *key, const void *value,
	      uint64_t flags)
{
	struct target target;
	uint32_t device;
	int error;

	memcpy(&device, value, sizeof(device));
	if (flags > EBPF_EXIST || device == 0)
		return -EBPF_EINVAL;
	error = take_value(map, value, &target);
	if (error != 0)
		return error;
	/* EXIST makes an entry all the same, as in Linux */
	return ebpf_map_hash_ops.update(map, key, &target,
					flags & EBPF_NOEXIST);
}

static int
devices_remove(struct ebpf_map *map, const void *key)
{
	return ebpf_map_hash_ops.remove(map, key);
}

static int
devices_next(struct ebpf_map *map, const void *key, void *next)
{
	return ebpf_map_hash_ops.next(map, key, next);
}

static int
devices_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
	     void *out, bool *done)
{
	return ebpf_map_hash_ops.walk(map, cursor, count, out, done);
}

static uint64_t
devices_count(struct ebpf_map *map)
{
	return ebpf_map_hash_ops.count(map);
}

const struct ebpf_map_ops ebpf_map_devmap_hash_ops = {
	.kind = EBPF_MAP_DEVMAP_HASH,
	.flags_allowed = FLAGS,
	.struct_size = sizeof(struct ebpf_map_hash),
	.check = devices_check,
	.init = devices_init,
	.fini = devices_fini,
	.lookup = devices_lookup,
	.write = devices_write,
	.remove = devices_remove,
	.next = devices_next,
	.walk = devices_walk,
	.count = devices_count,
};

/* ---- for the helper ---- */

uint32_t
ebpf_redirect_find(struct ebpf_map *map, uint32_t key)
{
	const struct target *target =
		map->ops->kind == EBPF_MAP_DEVMAP_HASH ?
			devices_lookup(map, &key) :
			slot_at(map, key);

	return target == NULL ? 0 : os_load(&target->value);
}

bool
ebpf_redirect_takes(const struct ebpf_map *map)
{
	return map->ops->kind == EBPF_MAP_DEVMAP ||
	       map->ops->kind == EBPF_MAP_DEVMAP_HASH ||
	       map->ops->kind == EBPF_MAP_CPUMAP ||
	       map->ops->kind == EBPF_MAP_XSKMAP;
}
