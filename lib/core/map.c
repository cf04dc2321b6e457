/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps of every kind: the table of kinds, creation with its checks, and the
 * doors through which users (device requests, embedders) reach elements.
 * Knows no kind's data structure. Programs call the kinds' ops directly, so
 * what only users must obey (read-only, frozen) is checked here.
 */
#include "core/map.h"
#include "core/assumed.h"
#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/map_inner.h"
#include "core/map_lock.h"
#include "core/runtime.h"

enum {
	SECTION_ELEMENTS = 256, /* copied by a walk inside one section */
	ASK_AHEAD = 4, /* of many elements, so that their memory comes at once */
	USER_VALUE_MAX = 32 << 20,
	USER_MODES = EBPF_F_RDONLY | EBPF_F_WRONLY,
	PROG_MODES = EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG,
};

static const struct ebpf_map_ops *const kinds[] = {
	&ebpf_map_hash_ops,
	&ebpf_map_array_ops,
	&ebpf_map_prog_array_ops,
	&ebpf_map_percpu_hash_ops,
	&ebpf_map_percpu_array_ops,
	&ebpf_map_lru_hash_ops,
	&ebpf_map_lru_percpu_hash_ops,
	&ebpf_map_queue_ops,
	&ebpf_map_stack_ops,
	&ebpf_map_bloom_filter_ops,
	&ebpf_map_ringbuf_ops,
	&ebpf_map_perf_event_array_ops,
	&ebpf_map_array_of_maps_ops,
	&ebpf_map_hash_of_maps_ops,
	&ebpf_map_devmap_ops,
	&ebpf_map_devmap_hash_ops,
	&ebpf_map_cpumap_ops,
	&ebpf_map_xskmap_ops,
	&ebpf_map_lpm_trie_ops,
};

const struct ebpf_map_ops *
ebpf_map_ops_find(uint32_t kind)
{
	uint32_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->kind == kind)
			return kinds[i];
	return NULL;
}

/* ---- creation ---- */

static int
spec_check(const struct ebpf_map_ops *ops, const struct ebpf_map_spec *spec,
	   uint64_t *bytes)
{
	uint64_t user;
	int error;

	if (spec->pad != 0 || spec->pad2 != 0)
		return -EBPF_EINVAL;
	if ((spec->flags & ~ops->flags_allowed) != 0)
		return -EBPF_EINVAL;
	if ((spec->flags & USER_MODES) == USER_MODES ||
	    (spec->flags & PROG_MODES) == PROG_MODES)
		return -EBPF_EINVAL;
	if ((spec->flags & EBPF_F_NUMA_NODE) != 0 && spec->numa_node != 0)
		return -EBPF_EINVAL;
	if (spec->map_extra != 0 && spec->kind != EBPF_MAP_BLOOM_FILTER)
		return -EBPF_EINVAL;
	if (spec->inner != NULL && !ops->holds_maps)
		return -EBPF_EINVAL;
	if (ops->holds_maps) {
		error = ebpf_map_inner_check(spec->inner);
		if (error != 0)
			return error;
	}
	if (spec->btf == NULL) {
		if (spec->btf_key_type != 0 || spec->btf_value_type != 0)
			return -EBPF_EINVAL;
	} else if (spec->btf_key_type > spec->btf->type_count ||
		   spec->btf_value_type > spec->btf->type_count) {
		return -EBPF_EINVAL;
	}
	*bytes = 0;
	error = ops->check(spec, bytes);
	if (error != 0)
		return error;
	if (ops->holds_maps)
		*bytes += sizeof(struct ebpf_map);
	/* a user's message must be able to carry one value */
	user = ((uint64_t)spec->value_size + 7) & ~7ull;
	if (ops->percpu)
		user *= os_cpu_count();
	return user > USER_VALUE_MAX ? -EBPF_E2BIG : 0;
}

static void
map_destroy(struct ebpf_object *obj)
{
	struct ebpf_map *map = os_container(obj, struct ebpf_map, obj);

	ebpf_jit_lookup_free(map->code);
	map->ops->fini(map);
	ebpf_map_inner_fini(map);
	if (map->btf != NULL)
		ebpf_object_put(&map->btf->obj);
	os_free(map);
}

int
ebpf_map_create(struct ebpf_runtime *rt, const struct ebpf_map_spec *given,
		struct ebpf_map **result)
{
	const struct ebpf_map_ops *ops;
	struct ebpf_map_spec spec;
	struct ebpf_map *map;
	uint64_t bytes;
	int error;

	*result = NULL;
	error = ebpf_sized_copy(&spec, sizeof(spec), given);
	if (error != 0)
		return error;
	ops = ebpf_map_ops_find(spec.kind);
	if (ops == NULL && (spec.flags & EBPF_F_ASSUMED) != 0)
		ops = ebpf_assumed_map_ops(spec.kind);
	if (ops == NULL)
		return -EBPF_EUNSUPPORTED;
	/* what holds nothing is held by nothing */
	if (spec.inner != NULL && (spec.inner->flags & EBPF_F_ASSUMED) != 0)
		return -EBPF_EINVAL;
	error = spec_check(ops, &spec, &bytes);
	if (error != 0)
		return error;
	if (bytes > (uint64_t)SIZE_MAX / 2)
		return -EBPF_E2BIG;

	map = os_alloc(ops->struct_size);
	if (map == NULL)
		return -EBPF_ENOMEM;
	error = ebpf_object_init(&map->obj, rt, EBPF_OBJ_MAP, spec.name,
				 spec.uid, map_destroy);
	if (error != 0) {
		os_free(map);
		return error;
	}
	/* from here on the object's end undoes everything */
	map->ops = ops;
	map->lookup = ops->lookup;
	map->key_size = spec.key_size;
	map->value_size = spec.value_size;
	map->max_entries = spec.max_entries;
	map->flags = spec.flags;
	map->map_extra = spec.map_extra;
	map->stride = (spec.value_size + 7) & ~7u;
	map->user_value_size = ops->holds_ids ? sizeof(uint32_t) :
			       ops->percpu ? map->stride * os_cpu_count() :
					     spec.value_size;
	if (spec.btf != NULL) {
		ebpf_object_get(&spec.btf->obj);
		map->btf = spec.btf;
		map->btf_key_type = spec.btf_key_type;
		map->btf_value_type = spec.btf_value_type;
	}
	error = ebpf_map_find_lock(map);
	if (error == 0)
		error = ebpf_charge(&map->obj, bytes + ops->struct_size);
	if (error == 0 && ops->holds_maps)
		error = ebpf_map_inner_init(map, spec.inner);
	if (error == 0)
		error = ops->init(map, &spec);
	if ((map->flags & EBPF_F_WRONLY) != 0)
		map->read = NULL;
	if ((map->flags & EBPF_F_RDONLY) != 0)
		map->write = NULL;
	if (error == 0)
		error = ebpf_object_publish(&map->obj);
	if (error != 0) {
		ebpf_object_discard(&map->obj);
		return error;
	}
	*result = map;
	return 0;
}

void
ebpf_map_get(struct ebpf_map *map)
{
	ebpf_object_get(&map->obj);
}

void
ebpf_map_put(struct ebpf_map *map)
{
	if (map != NULL)
		ebpf_object_put(&map->obj);
}

/* ---- elements, for users ---- */

uint32_t
ebpf_map_user_value_size(const struct ebpf_map *map)
{
	return map->user_value_size;
}

void *
ebpf_map_find(struct ebpf_map *map, const void *key)
{
	return map->lookup == NULL ? NULL : map->lookup(map, key);
}

int
ebpf_map_read(struct ebpf_map *map, const void *key, void *value)
{
	struct os_epoch section;
	void *stored;
	int error = 0;

	if (os_likely(map->read != NULL))
		return map->read(map, key, value);
	if ((map->flags & EBPF_F_WRONLY) != 0)
		return -EBPF_EACCES;
	if (map->ops->peek != NULL)
		return map->ops->peek(map, value);
	if (map->ops->read == NULL && map->lookup == NULL)
		return -EBPF_EUNSUPPORTED;
	os_epoch_enter(&section);
	if (map->ops->read != NULL) {
		error = map->ops->read(map, key, value);
	} else {
		stored = map->lookup(map, key);
		if (stored != NULL)
			ebpf_map_value_get(map, value, stored, 0);
		else
			error = -EBPF_ENOENT;
	}
	os_epoch_exit(&section);
	return error;
}

/* Kinds whose values may have a lock look up what others see. */
int
ebpf_map_read_locked(struct ebpf_map *map, const void *key, void *value)
{
	struct os_epoch section;
	void *stored;

	if ((map->flags & EBPF_F_WRONLY) != 0)
		return -EBPF_EACCES;
	if (!map->has_lock)
		return -EBPF_EINVAL;
	os_epoch_enter(&section);
	os_cpu_pin();
	stored = map->lookup(map, key);
	if (stored != NULL)
		ebpf_map_value_get(map, value, stored, EBPF_F_LOCK);
	os_cpu_unpin();
	os_epoch_exit(&section);
	return stored != NULL ? 0 : -EBPF_ENOENT;
}

/*
 * Writers look at `frozen` inside the section in which they write, or under
 * their map's own locks; freeze sets it, then waits for those that may not have
 * seen it. So those who write at the same time share nothing that they would
 * have to write to for that.
 * FROZEN, on which the verifier relies, is set only when nobody writes.
 */
static int
write_begin(struct ebpf_map *map, struct os_epoch *section)
{
	if ((map->flags & EBPF_F_RDONLY) != 0)
		return -EBPF_EACCES;
	os_epoch_enter(section);
	if (os_likely(os_load(&map->frozen) == EBPF_MAP_OPEN))
		return 0;
	os_epoch_exit(section);
	return -EBPF_EACCES;
}

static void
write_end(struct os_epoch *section)
{
	os_epoch_exit(section);
}

/*
 * A write that may sleep can have no section: it is counted before it looks at
 * `frozen`, freeze looks after it has set it. Either sees the other.
 */
static int
write_asleep(struct ebpf_map *map, const void *key, const void *value,
	     uint64_t flags)
{
	int error = -EBPF_EACCES;

	if ((map->flags & EBPF_F_RDONLY) != 0)
		return error;
	os_add(&map->writers, 1);
	if (os_load_acquire(&map->frozen) != EBPF_MAP_OPEN)
		;
	else if (!map->ops->holds_maps && !ebpf_map_flags_ok(map, flags))
		error = -EBPF_EINVAL; /* maps of maps look at the id first */
	else
		error = map->ops->write(map, key, value, flags);
	os_sub(&map->writers, 1);
	return error;
}

int
ebpf_map_freeze(struct ebpf_map *map)
{
	uint32_t was = EBPF_MAP_OPEN;

	if (!os_cas(&map->frozen, &was, EBPF_MAP_FREEZING))
		return -EBPF_EBUSY;
	if (os_add(&map->writers, 0) != 0) {
		os_store_release(&map->frozen, EBPF_MAP_OPEN);
		return -EBPF_EBUSY;
	}
	os_epoch_sync();
	if (map->ops->writers_wait != NULL)
		map->ops->writers_wait(map);
	os_store_release(&map->frozen, EBPF_MAP_FROZEN);
	return 0;
}

void
ebpf_map_settle(struct ebpf_map *map)
{
	if (map->ops->settle != NULL)
		map->ops->settle(map);
	else
		os_epoch_drain();
}

int
ebpf_map_write(struct ebpf_map *map, const void *key, const void *value,
	       uint64_t flags)
{
	const struct ebpf_map_ops *ops = map->ops;
	struct os_epoch section;
	int error;

	if (os_likely(map->write != NULL && (flags & EBPF_F_LOCK) == 0))
		return map->write(map, key, value, flags);
	if (os_unlikely(ops->holds_ids && ops->write != NULL))
		return write_asleep(map, key, value, flags);
	error = write_begin(map, &section);
	if (error != 0)
		return error;
	if ((flags & EBPF_F_LOCK) != 0)
		os_cpu_pin();
	if (!ebpf_map_flags_ok(map, flags))
		error = -EBPF_EINVAL;
	else if (ops->push != NULL)
		error = ops->push(map, value, flags);
	else if (ops->write != NULL)
		error = ops->write(map, key, value, flags);
	else if (ops->update != NULL)
		error = ops->update(map, key, value, flags);
	else
		error = -EBPF_EUNSUPPORTED;
	if ((flags & EBPF_F_LOCK) != 0)
		os_cpu_unpin();
	write_end(&section);
	return error;
}

int
ebpf_map_remove(struct ebpf_map *map, const void *key)
{
	struct os_epoch section;
	int error;

	error = write_begin(map, &section);
	if (error != 0)
		return error;
	/* what can be popped has no single elements, as Linux says it */
	if (os_likely(map->ops->remove != NULL))
		error = map->ops->remove(map, key);
	else
		error = map->ops->pop != NULL ? -EBPF_EINVAL :
						-EBPF_EUNSUPPORTED;
	write_end(&section);
	return error;
}

/* Whether writes of many need nothing but what one of them needs. */
static bool
writes_plainly(const struct ebpf_map *map, uint64_t flags)
{
	return map->ops->push == NULL && !map->ops->holds_ids &&
	       (map->ops->write != NULL || map->ops->update != NULL) &&
	       (flags & EBPF_F_LOCK) == 0 && ebpf_map_flags_ok(map, flags);
}

static inline int
write_one(struct ebpf_map *map, const uint8_t *element, uint64_t flags)
{
	const struct ebpf_map_ops *ops = map->ops;

	return (ops->write != NULL ? ops->write : ops->update)(
		map, element, element + map->key_size, flags);
}

static inline int
remove_one(struct ebpf_map *map, const uint8_t *key, uint64_t flags)
{
	(void)flags;
	return map->ops->remove(map, key);
}

/*
 * Some in each section, asking for memory ahead. Inlined, so that what is done
 * to one costs no call more.
 */
static inline __attribute__((always_inline)) int
do_many(struct ebpf_map *map, const uint8_t *at, size_t step, uint32_t *count,
	uint64_t flags,
	int (*one)(struct ebpf_map *map, const uint8_t *at, uint64_t flags))
{
	uint32_t wanted = *count, n = 0, end;
	struct os_epoch section;
	int error = 0;

	while (n < wanted && error == 0) {
		error = write_begin(map, &section);
		if (error != 0)
			break;
		end = wanted - n < SECTION_ELEMENTS ? wanted :
						      n + SECTION_ELEMENTS;
		for (; n < end; n++, at += step) {
			if (map->ops->ask != NULL && end - n > ASK_AHEAD)
				map->ops->ask(map, at + ASK_AHEAD * step);
			error = one(map, at, flags);
			if (error != 0)
				break;
		}
		write_end(&section);
	}
	*count = n;
	return error;
}

int
ebpf_map_write_many(struct ebpf_map *map, const void *elements,
		    uint32_t *count, uint64_t flags)
{
	size_t step = (size_t)map->key_size + map->user_value_size;
	const uint8_t *at = elements;
	uint32_t n;
	int error = 0;

	if (writes_plainly(map, flags))
		return do_many(map, at, step, count, flags, write_one);
	for (n = 0; n < *count && error == 0; at += step) {
		error = ebpf_map_write(map, at, at + map->key_size, flags);
		n += error == 0;
	}
	*count = n;
	return error;
}

int
ebpf_map_remove_many(struct ebpf_map *map, const void *keys, uint32_t *count)
{
	int error;

	if (map->ops->remove != NULL)
		return do_many(map, keys, map->key_size, count, 0, remove_one);
	error = *count != 0 ? ebpf_map_remove(map, keys) : 0; /* says why not */
	*count = 0;
	return error;
}

static int
extract(struct ebpf_map *map, const void *key, void *value, bool may)
{
	const struct ebpf_map_ops *ops = map->ops;
	struct os_epoch section;
	int error;

	if ((map->flags & EBPF_F_WRONLY) != 0)
		return -EBPF_EACCES;
	error = write_begin(map, &section);
	if (error != 0)
		return error;
	if (ops->extract != NULL && may)
		error = ops->extract(map, key, value);
	else
		error = ops->pop != NULL ? ops->pop(map, value) :
					   -EBPF_EUNSUPPORTED;
	write_end(&section);
	return error;
}

int
ebpf_map_extract(struct ebpf_map *map, const void *key, void *value)
{
	return extract(map, key, value, !map->ops->holds_maps);
}

int
ebpf_map_extract_walked(struct ebpf_map *map, const void *key, void *value)
{
	return extract(map, key, value, true);
}

int
ebpf_map_next(struct ebpf_map *map, const void *key, void *next)
{
	struct os_epoch section;
	int error;

	if ((map->flags & EBPF_F_WRONLY) != 0)
		return -EBPF_EACCES;
	if (map->ops->next == NULL)
		return map->ops->pop != NULL ? -EBPF_EINVAL :
					       -EBPF_EUNSUPPORTED;
	os_epoch_enter(&section);
	error = map->ops->next(map, key, next);
	os_epoch_exit(&section);
	return error;
}

int
ebpf_map_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
	      void *out, bool *done)
{
	uint64_t element = (uint64_t)map->key_size +
			   map->user_value_size;
	uint32_t want = *count, had = 0, n;
	struct os_epoch section;
	int error = 0;

	*count = 0;
	*done = false;
	if ((map->flags & EBPF_F_WRONLY) != 0)
		return -EBPF_EACCES;
	if (map->ops->walk == NULL)
		return -EBPF_EUNSUPPORTED;
	/* a section at a time, so that a long walk holds up no grace period */
	while (error == 0 && had < want && !*done) {
		n = want - had < SECTION_ELEMENTS ? want - had :
						    SECTION_ELEMENTS;
		os_epoch_enter(&section);
		error = map->ops->walk(map, cursor, &n,
				       (uint8_t *)out + had * element, done);
		os_epoch_exit(&section);
		if (error == 0)
			had += n;
	}
	*count = had;
	return error;
}
