/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How much of what a hash map gets: buckets, elements, hands, homes, so that
 * it takes no more memory than such a map does in Linux. Knows sizes alone,
 * allocates nothing; for hash_table.c, which makes what a plan says.
 */
#ifndef CORE_HASH_PLAN_H
#define CORE_HASH_PLAN_H

#include "core/hash_table.h"

/* What a map of this shape consists of. */
struct ebpf_hash_plan {
	uint64_t buckets;
	uint64_t bucket_bytes; /* where they are not among the elements */
	uint64_t hands;
	uint64_t first;	   /* number that the pool begins with */
	uint64_t elements; /* the unused number 0 and all homes included */
	uint64_t element_size;
	uint64_t percpu_size; /* of one CPU; 0: values are in elements */
	bool chunks;	      /* elements come on demand */
	uint32_t key_room;
	uint32_t batch;
	uint32_t slots;
	uint32_t home, home_first, home_numbers;
	uint64_t used_size; /* of an LRU map's marks, else 0 */
	/* with chunks, as struct ebpf_chunks_spec has them */
	uint32_t records, record_spare;
	/* of struct ebpf_hash_budget */
	int64_t base;
	uint64_t each;
};

/* spec is one that ebpf_hash_check() takes. */
void ebpf_hash_plan_make(struct ebpf_hash_plan *plan,
			 const struct ebpf_map_spec *spec, bool percpu,
			 bool lru);

#endif
