/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One load under way, shared by the object_load*.c files: object_load.c is the
 * entry, the object's BTF and the list of what was made; object_load_map.c makes
 * maps and their first contents, object_load_prog.c sends programs.
 */
#ifndef CLIENT_OBJECT_LOAD_H
#define CLIENT_OBJECT_LOAD_H

#include "client/object_impl.h"

/* One thing made by this call; pin "": an object, else that pin. */
struct obj_made {
	uint32_t kind, id; /* enum ebpf_object_kind */
	uint32_t *cleared; /* where its id is kept: 0 again when undone */
	const char *pin;
};

struct obj_load {
	struct gebpf_device *device;
	struct gebpf_object *obj;
	const struct gebpf_load_options *options;
	uint32_t kind; /* of programs that name none */
	struct obj_made *made;
	size_t made_count, made_room;
	struct gebpf_error *err;
	char message[512], fix[512]; /* of the last rejection */
};

/* Fails with "OBJECT: what 'name': why". */
int obj_load_fail(struct obj_load *l, int code, const char *what,
		  const char *name, const char *why);

/*
 * Room is made before the thing, so that nothing made can be forgotten: after
 * obj_load_reserve() a map and its pin can be noted. `cleared` is where an id
 * is kept; pin NULL: an object, else that pin.
 */
int obj_load_reserve(struct obj_load *l);
void obj_load_note(struct obj_load *l, uint32_t kind, uint32_t id,
		   uint32_t *cleared, const char *pin);
void obj_load_drop(struct obj_load *l, uint32_t kind, uint32_t id);

/* Loading for Linux, and only to be verified? */
bool obj_load_assumes(const struct obj_load *l);

/* One element of a map. */
int obj_load_update(struct obj_load *l, uint32_t map, const void *key,
		    uint32_t key_len, const void *value, uint32_t value_len);

/* Afterwards the object's map of that index has an id. */
int obj_load_map(struct obj_load *l, int index);

/* Templates have served when the maps that needed them exist. */
void obj_load_drop_templates(struct obj_load *l);

/* A program with the maps it uses; `main` is the one asked for. */
int obj_load_one(struct obj_load *l, struct obj_prog *prog, bool main);

#endif
