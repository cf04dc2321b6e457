/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects: what programs, maps, links and BTF have in common (an id, a name,
 * references, a birth, a death), the registry that finds them by id, and the
 * pins, names that keep them alive. Made whole, then published last; when the
 * last reference goes: unpublished, a grace period, destroyed.
 */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include "abi/wire.h"
#include "core/ebpf.h"
#include "core/os.h"

struct ebpf_object {
	struct ebpf_runtime *rt;
	uint32_t kind; /* enum ebpf_object_kind */
	uint32_t id;   /* 0 until published */
	uint32_t refs; /* atomic */
	uint32_t uid;
	uint64_t created_ns; /* Unix time */
	uint64_t mem_bytes;  /* charged to the runtime; ebpf_charge() */
	void (*destroy)(struct ebpf_object *obj); /* sleep context */
	struct os_deferred deferred;
	/*
	 * A program that uses a prog_array, or such a map: they can hold each
	 * other alive, so collect.c looks for what nobody else holds.
	 */
	uint32_t cyclic;
	uint32_t inner_refs; /* collect.c's, under the runtime's lock */
	bool reserved;	     /* a place in the registry; the runtime's lock */
	char name[EBPF_NAME_SIZE];
};

/*
 * Prepare a fresh, zeroed object with one reference. Names longer than
 * EBPF_NAME_SIZE - 1 give ENAMETOOLONG, control characters and '/' EINVAL.
 */
int ebpf_object_init(struct ebpf_object *obj, struct ebpf_runtime *rt,
		     enum ebpf_object_kind kind, const char *name, uint32_t uid,
		     void (*destroy)(struct ebpf_object *));

/* Give it an id and make it findable: the last step of making it. */
int ebpf_object_publish(struct ebpf_object *obj);
/* Whatever may fail of that, for those who cannot go back afterwards. */
int ebpf_object_reserve(struct ebpf_object *obj);

void ebpf_object_get(struct ebpf_object *obj);
/* NULL is fine. May be called in any context; destruction is deferred. */
void ebpf_object_put(struct ebpf_object *obj);
/* In place of the only put, for what was never published: destroyed at once. */
void ebpf_object_discard(struct ebpf_object *obj);

/* The object with that id, with a reference, or NULL. */
struct ebpf_object *ebpf_object_by_id(struct ebpf_runtime *rt,
				      enum ebpf_object_kind kind, uint32_t id);
/* The one with the smallest id above `id`, with a reference, or NULL. */
struct ebpf_object *ebpf_object_next(struct ebpf_runtime *rt,
				     enum ebpf_object_kind kind, uint32_t id);
uint32_t ebpf_object_count(struct ebpf_runtime *rt, enum ebpf_object_kind kind);

/*
 * Account memory to an object before it is allocated: ENOMEM over the
 * runtime's limit. Everything charged is returned when the object dies.
 */
int ebpf_charge(struct ebpf_object *obj, uint64_t bytes); /* sleep */
/* Without waiting for what was just released. Run path. */
int ebpf_charge_now(struct ebpf_object *obj, uint64_t bytes);
void ebpf_uncharge(struct ebpf_object *obj, uint64_t bytes);

/*
 * Pins: "a/b/c", no empty, "." or ".." component, no control characters, no
 * leading slash; EINVAL otherwise. A pin holds a reference.
 */
int ebpf_pin_set(struct ebpf_object *obj, const char *pin, bool replace);
int ebpf_pin_remove(struct ebpf_runtime *rt, const char *pin);
/* The object, with a reference. ENOENT. */
int ebpf_pin_get(struct ebpf_runtime *rt, const char *pin,
		 struct ebpf_object **obj);
/* As struct ebpf_req_pin_next says; *kind and *id as filters and results. */
int ebpf_pin_next(struct ebpf_runtime *rt, const char *after,
		  const char *prefix, uint32_t *kind, uint32_t *id,
		  char pin[EBPF_PIN_SIZE]);

#endif
