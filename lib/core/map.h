/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps from the inside: the ops table each kind fills in (one const object per
 * kind, one file per family), and the struct that all kinds start with.
 * Lookups take no lock: they run inside an epoch section. What is removed is
 * reused or freed only after a grace period.
 */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include "core/object.h"

struct ebpf_each; /* each.h */
struct ebpf_jit_lookup; /* jit/jit_lookup.h */
struct ebpf_jit_tails; /* jit/jit_tail.h */

struct ebpf_map_ops {
	uint32_t kind; /* enum ebpf_map_kind */
	uint32_t flags_allowed; /* EBPF_F_* that create accepts */
	bool percpu;   /* user values are one per CPU */
	bool holds_ids; /* user values are uint32_t ids of objects */
	bool has_records; /* for ebpf_map_take(): struct ebpf_map_rings */
	bool asks_value; /* users' lookups name a value instead of a key */
	/* Elements are maps: lookup gives struct ebpf_map *, not a value. */
	bool holds_maps;
	/* Bytes of the struct that starts with struct ebpf_map. */
	uint32_t struct_size;
	/*
	 * Check spec for this kind and tell what it will allocate beyond the
	 * struct (charged before init runs). EINVAL, E2BIG.
	 */
	int (*check)(const struct ebpf_map_spec *spec, uint64_t *bytes);
	int (*init)(struct ebpf_map *map, const struct ebpf_map_spec *spec);
	void (*fini)(struct ebpf_map *map); /* tolerates a partial init */

	/*
	 * Run path, for programs; any may be NULL where it makes no sense. For
	 * lookups call the map's own (struct ebpf_map), not this one.
	 */
	void *(*lookup)(struct ebpf_map *map, const void *key);
	/* one CPU's value, cpu < os_cpu_count(); per-CPU kinds */
	void *(*lookup_cpu)(struct ebpf_map *map, const void *key,
			    uint32_t cpu);
	int (*update)(struct ebpf_map *map, const void *key, const void *value,
		      uint64_t flags);
	int (*remove)(struct ebpf_map *map, const void *key);
	/*
	 * Kinds without keys. pop and peek fill value, with zeros when there is
	 * nothing (ENOENT); where asks_value, peek asks for the value there.
	 */
	int (*push)(struct ebpf_map *map, const void *value, uint64_t flags);
	int (*pop)(struct ebpf_map *map, void *value);
	int (*peek)(struct ebpf_map *map, void *value);

	/*
	 * For users: copies, inside an epoch section, not pinned. NULL read or
	 * write mean: by lookup and update above. holds_ids kinds take and
	 * return ids; their write may sleep and is called outside a section.
	 */
	int (*read)(struct ebpf_map *map, const void *key, void *value);
	int (*write)(struct ebpf_map *map, const void *key, const void *value,
		     uint64_t flags);
	/*
	 * sleep: writes without a section that have not seen what `frozen` is
	 * by now are over on return. NULL: there are none.
	 */
	void (*writers_wait)(struct ebpf_map *map);
	/*
	 * That key's update or removal comes soon: its memory is asked for.
	 * NULL: there is nothing to gain.
	 */
	void (*ask)(struct ebpf_map *map, const void *key);
	/* Read and remove in one step. NULL: by pop, or not at all. */
	int (*extract)(struct ebpf_map *map, const void *key, void *value);
	int (*next)(struct ebpf_map *map, const void *key, void *next);
	/*
	 * Batched walk: copy up to *count elements (key, value, key, ...) from
	 * *cursor on and advance it; *done when there are no more. May stop
	 * early, having looked at many empty places. NULL: cannot be walked.
	 */
	int (*walk)(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
		    void *out, bool *done);
	uint64_t (*count)(struct ebpf_map *map); /* NULL: does not count */
	/*
	 * sleep: what was removed before can be taken again on return. NULL:
	 * nothing but deferred work gives it back.
	 */
	void (*settle)(struct ebpf_map *map);
	/*
	 * Run path: the next element for a program's callback, its key and
	 * value in place, each->next moved on; false: there are no more. What
	 * stays in the map is seen once. NULL: programs cannot iterate.
	 */
	bool (*each)(struct ebpf_map *map, struct ebpf_each *each);
};

/* No writes by users from FREEZING on; it may still be taken back. */
enum ebpf_map_frozen {
	EBPF_MAP_OPEN,
	EBPF_MAP_FREEZING,
	EBPF_MAP_FROZEN,
};

struct ebpf_map {
	/* read-mostly, used while running */
	const struct ebpf_map_ops *ops;
	/*
	 * The lookup of this very map, for interpreters, C and compiled code
	 * alike: ops->lookup, or what init put in its place because it knows
	 * more, such as the size of the keys. Never changes once the map can
	 * be seen, so compiled code may hold its address as a constant; NULL
	 * only where ops->lookup is. What a map's own code (jit_lookup.h) has
	 * as constants is constant as well: of a hash the address or size of
	 * buckets, homes, elements and metas, bucket_bits, seed, value_off; of a trie
	 * what lpm_trie.h says.
	 */
	void *(*lookup)(struct ebpf_map *map, const void *key);
	/*
	 * What users read and write this very map by, where that needs no
	 * section; as lookup chosen by init. NULL: by ops, or not at all. write
	 * knows no EBPF_F_LOCK, and looks at `frozen` where ops->writers_wait
	 * waits for it.
	 */
	int (*read)(struct ebpf_map *map, const void *key, void *value);
	int (*write)(struct ebpf_map *map, const void *key, const void *value,
		     uint64_t flags);
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags; /* EBPF_F_* */
	uint32_t stride; /* value_size rounded up to 8 */
	uint32_t frozen; /* atomic, enum ebpf_map_frozen */
	/*
	 * Of maps of maps, else NULL: what every inner map equals in ops, sizes,
	 * flags and, for arrays without INNER_MAP, max_entries. No object.
	 */
	struct ebpf_map *inner;
	uint32_t user_value_size; /* ebpf_map_user_value_size() */
	bool has_lock; /* values have a struct bpf_spin_lock; map_lock.h */
	/* cold */
	/* atomic: what programs compiled for it call; NULL: none yet */
	struct ebpf_jit_lookup *code;
	struct ebpf_object obj;
	struct ebpf_btf *btf;
	uint32_t btf_key_type, btf_value_type;
	uint64_t map_extra; /* as given */
	uint32_t lock_off; /* in the value, where it has one */
	/* that may sleep, or have it in memory; a freeze meanwhile is EBUSY */
	uint32_t writers;
};

const struct ebpf_map_ops *ebpf_map_ops_find(uint32_t kind); /* NULL: none */
extern const struct ebpf_map_ops ebpf_map_array_ops, ebpf_map_percpu_array_ops;
extern const struct ebpf_map_ops ebpf_map_hash_ops, ebpf_map_percpu_hash_ops;
extern const struct ebpf_map_ops ebpf_map_lru_hash_ops;
extern const struct ebpf_map_ops ebpf_map_lru_percpu_hash_ops;
extern const struct ebpf_map_ops ebpf_map_prog_array_ops;
extern const struct ebpf_map_ops ebpf_map_ringbuf_ops;
extern const struct ebpf_map_ops ebpf_map_perf_event_array_ops;
extern const struct ebpf_map_ops ebpf_map_array_of_maps_ops;
extern const struct ebpf_map_ops ebpf_map_hash_of_maps_ops;
extern const struct ebpf_map_ops ebpf_map_devmap_ops, ebpf_map_devmap_hash_ops;
extern const struct ebpf_map_ops ebpf_map_cpumap_ops, ebpf_map_xskmap_ops;
extern const struct ebpf_map_ops ebpf_map_lpm_trie_ops;
extern const struct ebpf_map_ops ebpf_map_queue_ops, ebpf_map_stack_ops;
extern const struct ebpf_map_ops ebpf_map_bloom_filter_ops;

/*
 * What ebpf_map_read and friends of ebpf.h leave out. Freeze (sleep): EBUSY
 * when it is frozen, or while a user's write sleeps; waits for others. Walk:
 * *count elements at most into out, fewer only when done.
 */
int ebpf_map_freeze(struct ebpf_map *map);
/*
 * An array with EBPF_F_MMAPABLE: its values are about to be mapped by a process,
 * for reading or writing as well; they lie at `memory`, whole pages (os.h). Each
 * share, again or not, ends with an unshare that says the same. EUNSUPPORTED:
 * another map; EACCES: read-only, write-only, or frozen. map_share.c
 */
int ebpf_map_share(struct ebpf_map *map, bool write, void **memory,
		   size_t *size);
void ebpf_map_share_again(struct ebpf_map *map, bool write); /* any */
void ebpf_map_unshare(struct ebpf_map *map, bool write);     /* any */
/*
 * sleep: wait for removed elements' grace period, when a write said EAGAIN
 * because all that is spare waits for it.
 */
void ebpf_map_settle(struct ebpf_map *map);
/*
 * ebpf_map_write() and ebpf_map_remove() of *count elements (key, value, key,
 * ...) and keys, one after the other up to the first that fails; *count is how
 * many went well.
 */
int ebpf_map_write_many(struct ebpf_map *map, const void *elements,
			uint32_t *count, uint64_t flags);
int ebpf_map_remove_many(struct ebpf_map *map, const void *keys,
			 uint32_t *count);
/*
 * ebpf_map_extract() of what a walk has shown. As in Linux, maps of maps may be
 * emptied by walks and not element by element.
 */
int ebpf_map_extract_walked(struct ebpf_map *map, const void *key, void *value);
int ebpf_map_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
		  void *out, bool *done);

/*
 * Take records out, oldest first, each as struct ebpf_record (abi/wire.h) and
 * its bytes: as many whole ones as there are and fit. While there is none wait
 * up to wait_ns, or until *stop (may be NULL) is set and the map woken, or the
 * home calls off; then count is 0. EUNSUPPORTED: no such kind; ERANGE: no such
 * CPU; ENOSPC: the first does not fit, `need` bytes would do.
 */
#define EBPF_CPU_ANY UINT32_MAX
struct ebpf_take {
	uint32_t cpu;	    /* of a perf_event_array; EBPF_CPU_ANY: all */
	uint32_t count_max; /* 0: no limit */
	uint8_t *out;
	size_t room;
	size_t len;	/* result: bytes at out */
	uint32_t count; /* result: records */
	uint32_t need;
};
int ebpf_map_take(struct ebpf_map *map, struct ebpf_take *take,
		  uint64_t wait_ns, const uint32_t *stop);
void ebpf_map_wake(struct ebpf_map *map); /* any; harmless for other kinds */
/* One that may be taken is there; false for other kinds. */
bool ebpf_map_has_record(struct ebpf_map *map); /* sleep */

/* Array family: what the JIT needs to inline lookups, and verifier to check
 * direct values (lddw map_value). map_array.c */
struct ebpf_map_array {
	struct ebpf_map map;
	/*
	 * max_entries - 1, rounded up to ones: if it is no more than that, a
	 * mask for indices under speculation as well.
	 */
	uint32_t index_mask;
	uint32_t pad;
	uint8_t *values;   /* array: max_entries * stride; NULL per-CPU */
	void *percpu;	   /* percpu_array: os_percpu memory of the same */
};

/*
 * prog_array, map_prog_array.c: slots are read with os_load_acquire inside the
 * epoch section of the run. All programs must be compatible: same kind, same
 * engine. The first program or owner decides.
 */
struct ebpf_map_prog_array {
	struct ebpf_map map;
	struct os_spin lock;
	uint32_t owner_kind; /* 0: undecided */
	uint32_t owner_jited;
	struct ebpf_prog **slots; /* max_entries; with references */
	/* atomic: jumps that follow slots, jit/jit_tail.h; NULL: none yet */
	struct ebpf_jit_tails *tails;
};
/* ENOENT-safe run path read; NULL when the slot is empty or out of range. */
const struct ebpf_prog *ebpf_prog_array_get(const struct ebpf_map *map,
					    uint64_t index);
/* A program is about to use this map for tail calls: EINVAL if it differs. */
int ebpf_prog_array_adopt(struct ebpf_map *map, uint32_t kind, bool jited);

/*
 * Kinds whose elements are slots by index that may be empty, map_slots.c: ops
 * next, walk and count, the latter two by the kind's own read; and check, where
 * a slot is a pointer and users know it by an id.
 */
int ebpf_slots_check(const struct ebpf_map_spec *spec, uint64_t *bytes);
uint64_t ebpf_slots_count(struct ebpf_map *map);
int ebpf_slots_next(struct ebpf_map *map, const void *key, void *next);
int ebpf_slots_walk(struct ebpf_map *map, uint64_t *cursor, uint32_t *count,
		    void *out, bool *done);

#endif
