/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A program of an object into a device: its BTF once, its maps with their first
 * contents, the program with map ids in place, and the programs that its
 * prog_arrays start with. Everything made is written into a list, so that a
 * failure at any point takes all of it back.
 */
#include <stdlib.h>

#include "client/object_impl.h"

/* One thing made by this call; pin "": an object, else that pin. */
struct made {
	uint32_t kind, id; /* enum ebpf_object_kind */
	uint32_t *cleared; /* where its id is kept: 0 again when undone */
	const char *pin;
};

struct load {
	struct gebpf_device *device;
	struct gebpf_object *obj;
	const struct gebpf_load_options *options;
	uint32_t kind; /* of programs that name none */
	struct made *made;
	size_t made_count, made_room;
	struct gebpf_error *err;
	char message[512], fix[512]; /* of the last rejection */
};

enum { REPORT_SIZE = 64 << 10 };

static int
fail(struct load *l, int code, const char *what, const char *name,
     const char *why)
{
	return gebpf_fail(l->err, code, "%s: %s '%s': %s", l->obj->name, what,
			  name, why);
}

/* Room is made before the thing, so that nothing made can be forgotten. */
static int
reserve_made(struct load *l)
{
	struct made *more;
	size_t room;

	/* A map can need two places: itself and its pin. */
	if (l->made_count + 2 <= l->made_room)
		return 0;
	room = l->made_room * 2 + 16;
	more = realloc(l->made, room * sizeof(*more));
	if (more == NULL)
		return gebpf_fail(l->err, -EBPF_ENOMEM, "%s: out of memory",
				  l->obj->name);
	l->made = more;
	l->made_room = room;
	return 0;
}

static void
note_made(struct load *l, uint32_t kind, uint32_t id, uint32_t *cleared,
	  const char *pin)
{
	struct made *m = &l->made[l->made_count++];

	m->kind = kind;
	m->id = id;
	m->cleared = cleared;
	m->pin = pin;
}

static void
drop(struct load *l, uint32_t kind, uint32_t id)
{
	struct ebpf_req_obj req = { 0 };

	req.kind = kind;
	req.id = id;
	gebpf_ask(l->device, EBPF_REQUEST_OBJ_DROP, &req, sizeof(req), NULL,
		  0);
}

static void
undo(struct load *l)
{
	while (l->made_count != 0) {
		struct made *m = &l->made[--l->made_count];

		if (m->pin != NULL) {
			struct ebpf_req_pin_name req = { 0 };

			snprintf(req.pin, sizeof(req.pin), "%s", m->pin);
			gebpf_ask(l->device, EBPF_REQUEST_UNPIN, &req,
				  sizeof(req), NULL, 0);
		} else {
			drop(l, m->kind, m->id);
		}
		if (m->cleared != NULL)
			*m->cleared = 0;
	}
}

static bool
is_lost(int error)
{
	return error == -EBPF_EBADF || error == -EBPF_EPROTO ||
	       error == -EBPF_ENOMEM;
}

/* ---- BTF ---- */

static int
load_btf(struct load *l)
{
	struct gebpf_object *obj = l->obj;
	struct ebpf_req_btf_load req = { 0 };
	struct ebpf_rep_id rep = { 0 };
	struct gebpf_call call = { 0 };
	const void *data;
	size_t len;
	int error;

	if (obj->btf == NULL || obj->btf_id != 0 || obj->btf_refused)
		return 0;
	error = reserve_made(l);
	if (error != 0)
		return error;
	data = gebpf_btf_data(obj->btf, &len);
	req.len = (uint32_t)len;
	snprintf(req.name, sizeof(req.name), "%s", obj->name);
	call.number = EBPF_REQUEST_BTF_LOAD;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = data;
	call.in[0].len = len;
	call.rep = &rep;
	call.rep_len = sizeof(rep);
	error = gebpf_request(l->device, &call);
	if (error != 0) {
		if (is_lost(error))
			return fail(l, error, "section", ".BTF",
				    gebpf_error_text(error));
		obj->btf_refused = true;
		obj_warn(obj, "section '.BTF': the device refuses it (%s): "
			 "loading without types", gebpf_error_text(error));
		return 0;
	}
	obj->btf_id = rep.id;
	note_made(l, EBPF_OBJ_BTF, rep.id, &obj->btf_id, NULL);
	return 0;
}

/* ---- maps ---- */

static int
update(struct load *l, uint32_t map, const void *key, uint32_t key_len,
       const void *value, uint32_t value_len)
{
	struct ebpf_req_map_update req = { 0 };
	struct gebpf_call call = { 0 };

	req.id = map;
	req.key_len = key_len;
	req.value_len = value_len;
	call.number = EBPF_REQUEST_MAP_UPDATE;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = key;
	call.in[0].len = key_len;
	call.in[1].data = value;
	call.in[1].len = value_len;
	return gebpf_request(l->device, &call);
}

/*
 * How many entries the map gets: rings are rounded up to what they can be, and
 * an array of events without a number has one for each CPU.
 */
static uint32_t
entries_of(const struct load *l, const struct gebpf_obj_map *pub)
{
	uint32_t size = 4096;

	switch (pub->kind) {
	case EBPF_MAP_PERF_EVENT_ARRAY:
		return pub->max_entries != 0 ?
			       pub->max_entries :
			       gebpf_hello(l->device)->cpu_count;
	case EBPF_MAP_RINGBUF:
	case EBPF_MAP_USER_RINGBUF:
		if (pub->max_entries == 0 || pub->max_entries > 1u << 31)
			return pub->max_entries; /* refused by the device */
		while (size < pub->max_entries)
			size *= 2;
		return size;
	}
	return pub->max_entries;
}

/* Is the map that is there one that the object can use? */
static int
check_same(struct load *l, const struct obj_map *map, uint32_t id, bool strict)
{
	const struct gebpf_obj_map *pub = &map->pub;
	struct ebpf_req_id req = { 0 };
	struct ebpf_rep_map_info info = { 0 };
	int error;

	req.id = id;
	error = gebpf_ask(l->device, EBPF_REQUEST_MAP_INFO, &req, sizeof(req),
			  &info, sizeof(info));
	if (error != 0)
		return gebpf_fail(l->err, error, "%s: map '%s': map %u given "
				  "for it: %s", l->obj->name, pub->name, id,
				  gebpf_error_text(error));
	if (info.kind == pub->kind && info.key_size == pub->key_size &&
	    info.value_size == pub->value_size &&
	    (!strict || info.max_entries == entries_of(l, pub)))
		return 0;
	gebpf_fail(l->err, -EBPF_EINVAL,
		   "%s: map '%s': map %u is another kind of map: %s with keys "
		   "of %u and values of %u bytes, %u entries; wanted %s with "
		   "%u and %u, %u entries", l->obj->name, pub->name, id,
		   gebpf_map_kind_name(info.kind) != NULL ?
			   gebpf_map_kind_name(info.kind) : "unknown",
		   info.key_size, info.value_size, info.max_entries,
		   gebpf_map_kind_name(pub->kind) != NULL ?
			   gebpf_map_kind_name(pub->kind) : "unknown",
		   pub->key_size, pub->value_size, entries_of(l, pub));
	return -EBPF_EINVAL;
}

/* For Linux, and only to be verified. */
static bool
assumes(const struct load *l)
{
	return l->options != NULL &&
	       (l->options->flags & EBPF_PROG_ASSUME_LINUX) != 0;
}

/* Whether a map of the kind has a number of elements from the start. */
static bool
has_entries(uint32_t kind)
{
	switch (kind) {
	case EBPF_MAP_RINGBUF:
	case EBPF_MAP_USER_RINGBUF:
	case EBPF_MAP_SK_STORAGE:
	case EBPF_MAP_INODE_STORAGE:
	case EBPF_MAP_TASK_STORAGE:
	case EBPF_MAP_CGRP_STORAGE:
	case EBPF_MAP_CGROUP_STORAGE:
	case EBPF_MAP_PERCPU_CGROUP_STORAGE:
		return false;
	default:
		return true;
	}
}

/*
 * A map to verify with: a real one where the device has its kind, with few
 * elements and without the flags that it lacks; else one that only has sizes.
 */
static int
create_assumed(struct load *l, struct ebpf_req_map_create *req,
	       struct ebpf_rep_id *rep)
{
	enum { ENTRIES = 4096 };
	int error;

	if (req->max_entries > ENTRIES && req->kind != EBPF_MAP_RINGBUF)
		req->max_entries = ENTRIES;
	/* left to the program that loads it */
	if (req->max_entries == 0 && has_entries(req->kind))
		req->max_entries = 1;
	error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, req,
			  sizeof(*req), rep, sizeof(*rep));
	if (error != -EBPF_EINVAL && error != -EBPF_EUNSUPPORTED)
		return error;
	req->flags &= EBPF_F_RDONLY_PROG | EBPF_F_WRONLY_PROG;
	error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, req,
			  sizeof(*req), rep, sizeof(*rep));
	if (error != -EBPF_EINVAL && error != -EBPF_EUNSUPPORTED)
		return error;
	req->flags |= EBPF_F_ASSUMED;
	return gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, req,
			 sizeof(*req), rep, sizeof(*rep));
}

static int
create(struct load *l, struct obj_map *map, uint32_t inner_id, uint32_t *id)
{
	struct gebpf_obj_map *pub = &map->pub;
	struct ebpf_req_map_create req = { 0 };
	struct ebpf_rep_id rep = { 0 };
	const char *kind = gebpf_map_kind_name(pub->kind);
	int error;

	if (kind == NULL)
		return gebpf_fail(l->err, -EBPF_EUNSUPPORTED,
				  "%s: map '%s': map kind %u is unknown",
				  l->obj->name, pub->name, pub->kind);
	req.kind = pub->kind;
	req.key_size = pub->key_size;
	req.value_size = pub->value_size;
	req.max_entries = entries_of(l, pub);
	req.flags = pub->flags;
	req.inner_map_id = inner_id;
	req.map_extra = pub->map_extra;
	snprintf(req.name, sizeof(req.name), "%s", pub->name);
	if (l->obj->btf_id != 0 && pub->btf_value_type != 0) {
		req.btf_id = l->obj->btf_id;
		req.btf_key_type = pub->btf_key_type;
		req.btf_value_type = pub->btf_value_type;
	}
	if (assumes(l) && !pub->is_data)
		error = create_assumed(l, &req, &rep);
	else
		error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, &req,
				  sizeof(req), &rep, sizeof(rep));
	if (req.btf_id != 0 &&
	    (error == -EBPF_EINVAL || error == -EBPF_EUNSUPPORTED)) {
		/* Perhaps only its types are not to the device's taste. */
		req.btf_id = req.btf_key_type = req.btf_value_type = 0;
		error = gebpf_ask(l->device, EBPF_REQUEST_MAP_CREATE, &req,
				  sizeof(req), &rep, sizeof(rep));
		if (error == 0)
			obj_warn(l->obj, "map '%s': the device refuses its "
				 "types: created without", pub->name);
	}
	if (error != 0) {
		gebpf_fail(l->err, error, "%s: map '%s': cannot be created "
			   "(%s, keys of %u and values of %u bytes, %u "
			   "entries, flags 0x%x%s): %s", l->obj->name, pub->name,
			   kind, pub->key_size, pub->value_size,
			   req.max_entries, pub->flags,
			   pub->map_extra != 0 ? ", with map_extra" : "",
			   gebpf_error_text(error));
		if (req.max_entries == 0 && has_entries(pub->kind))
			gebpf_hint(l->err, "its size is left to whoever loads "
				   "it: gebpf map create, then load with: map "
				   "name %s MAP", pub->name);
		return error;
	}
	*id = rep.id;
	return 0;
}

static bool
all_zero(const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

/* The contents of a section, and the seal on those of a read-only one. */
static int
fill_data(struct load *l, struct obj_map *map)
{
	static const uint32_t zero;
	struct gebpf_obj_map *pub = &map->pub;
	struct ebpf_req_id req = { 0 };
	int error = 0;

	if (!all_zero(map->data, pub->value_size))
		error = update(l, pub->id, &zero, sizeof(zero), map->data,
			       pub->value_size);
	if (error == 0 && pub->frozen) {
		req.id = pub->id;
		error = gebpf_ask(l->device, EBPF_REQUEST_MAP_FREEZE, &req,
				  sizeof(req), NULL, 0);
	}
	return error == 0 ? 0 : gebpf_fail(l->err, error,
					   "%s: map '%s': initial values: %s",
					   l->obj->name, pub->name,
					   gebpf_error_text(error));
}

static int need_map(struct load *l, int index);

static int
fill_maps(struct load *l, struct obj_map *map)
{
	size_t i;

	for (i = 0; i < map->slot_count; i++) {
		const struct obj_slot *slot = &map->slots[i];
		int error;

		if (slot->map < 0)
			continue;
		error = need_map(l, slot->map);
		if (error != 0)
			return error;
		error = update(l, map->pub.id, &slot->key, sizeof(slot->key),
			       &l->obj->maps[slot->map].pub.id,
			       sizeof(uint32_t));
		if (error != 0)
			return gebpf_fail(l->err, error, "%s: map '%s': "
					  "initial element %u: %s",
					  l->obj->name, map->pub.name,
					  slot->key, gebpf_error_text(error));
	}
	return 0;
}

/* A map pinned by name: the one that is there, or 1 if none is. */
static int
find_pinned(struct load *l, struct obj_map *map)
{
	struct ebpf_req_pin_name req = { 0 };
	struct ebpf_rep_pin rep = { 0 };
	struct ebpf_req_obj hold = { 0 };
	int error;

	snprintf(req.pin, sizeof(req.pin), "%s", map->pub.name);
	error = gebpf_ask(l->device, EBPF_REQUEST_PIN_GET, &req, sizeof(req),
			  &rep, sizeof(rep));
	if (error == -EBPF_ENOENT)
		return 1;
	if (error != 0)
		return fail(l, error, "map", map->pub.name,
			    gebpf_error_text(error));
	if (rep.kind != EBPF_OBJ_MAP)
		return fail(l, -EBPF_EEXIST, "map", map->pub.name,
			    "the pin of that name is no map");
	error = check_same(l, map, rep.id, true);
	if (error != 0)
		return error;
	hold.kind = EBPF_OBJ_MAP;
	hold.id = rep.id;
	error = gebpf_ask(l->device, EBPF_REQUEST_OBJ_HOLD, &hold,
			  sizeof(hold), NULL, 0);
	if (error != 0)
		return fail(l, error, "map", map->pub.name,
			    gebpf_error_text(error));
	map->pub.id = rep.id;
	note_made(l, EBPF_OBJ_MAP, rep.id, &map->pub.id, NULL);
	return 0;
}

static int
pin_map(struct load *l, struct obj_map *map)
{
	struct ebpf_req_pin req = { 0 };
	int error;

	req.kind = EBPF_OBJ_MAP;
	req.id = map->pub.id;
	snprintf(req.pin, sizeof(req.pin), "%s", map->pub.name);
	error = gebpf_ask(l->device, EBPF_REQUEST_PIN, &req, sizeof(req), NULL,
			  0);
	if (error != 0)
		return gebpf_fail(l->err, error, "%s: map '%s': cannot be "
				  "pinned: %s", l->obj->name, map->pub.name,
				  gebpf_error_text(error));
	note_made(l, 0, 0, NULL, map->pub.name);
	return 0;
}

/* Afterwards the map has an id. */
static int
need_map(struct load *l, int index)
{
	struct obj_map *map = &l->obj->maps[index];
	struct gebpf_obj_map *pub = &map->pub;
	uint32_t inner_id = 0;
	int error;

	if (pub->id != 0)
		return 0;
	if (pub->reuse_id != 0) {
		error = check_same(l, map, pub->reuse_id, false);
		if (error == 0)
			pub->id = pub->reuse_id;
		return error;
	}
	if (map->broken.code != 0) {
		if (l->err != NULL)
			*l->err = map->broken;
		return map->broken.code;
	}
	error = reserve_made(l);
	if (error != 0)
		return error;
	if (pub->pinning == 1) {
		error = find_pinned(l, map);
		if (error <= 0)
			return error;
	}
	if (pub->inner >= 0) {
		error = need_map(l, pub->inner);
		if (error == 0)
			error = reserve_made(l);
		if (error != 0)
			return error;
		inner_id = l->obj->maps[pub->inner].pub.id;
	}
	error = create(l, map, inner_id, &pub->id);
	if (error != 0)
		return error;
	note_made(l, EBPF_OBJ_MAP, pub->id, &pub->id, NULL);
	if (pub->pinning == 1 && !pub->is_template)
		error = pin_map(l, map);
	if (error == 0 && pub->is_data)
		error = fill_data(l, map);
	if (error == 0)
		error = fill_maps(l, map);
	return error;
}

/* Templates have served when the maps that needed them exist. */
static void
drop_templates(struct load *l)
{
	size_t i, j;

	for (i = 0; i < l->obj->map_count; i++) {
		struct gebpf_obj_map *pub = &l->obj->maps[i].pub;

		if (!pub->is_template || pub->id == 0)
			continue;
		for (j = 0; j < l->made_count; j++)
			if (l->made[j].cleared == &pub->id) {
				memmove(&l->made[j], &l->made[j + 1],
					(--l->made_count - j) *
						sizeof(*l->made));
				break;
			}
		drop(l, EBPF_OBJ_MAP, pub->id);
		pub->id = 0;
	}
}

/* ---- programs ---- */

/* Instructions with ids for indices; NULL: out of memory. */
static struct ebpf_insn *
patch(const struct gebpf_object *obj, const struct obj_prog *prog)
{
	struct ebpf_insn *insns;
	uint32_t i;

	insns = malloc((size_t)prog->pub.insn_count * sizeof(*insns) + 1);
	if (insns == NULL)
		return NULL;
	for (i = 0; i < prog->pub.insn_count; i++) {
		unsigned int src;

		insns[i] = prog->insns[i];
		if (!obj_is_lddw(insns[i]))
			continue;
		src = insns[i].regs >> 4;
		/* Written by hand, an index can be anything. */
		if ((src == 5 || src == 6) && insns[i].imm >= 0 &&
		    (size_t)insns[i].imm < obj->map_count &&
		    obj->maps[insns[i].imm].pub.id != 0) {
			insns[i].regs = (uint8_t)((insns[i].regs & 0x0f) |
						  (src - 4) << 4);
			insns[i].imm = (int32_t)obj->maps[insns[i].imm].pub.id;
		}
		if (i + 1 < prog->pub.insn_count) {
			insns[i + 1] = prog->insns[i + 1];
			i++;
		}
	}
	return insns;
}

/* "l2.bpf.c:42: " for the source of an instruction, or "". */
static void
source_of(const struct gebpf_object *obj, const struct obj_prog *prog,
	  uint32_t insn, char *text, size_t size)
{
	const struct ebpf_line_info *line = NULL;
	const char *file, *slash;
	uint32_t i;

	text[0] = 0;
	for (i = 0; i < prog->line_count && prog->lines[i].insn <= insn; i++)
		line = &prog->lines[i];
	if (line == NULL)
		return;
	file = gebpf_btf_string(obj->btf, line->file_off);
	slash = strrchr(file, '/');
	snprintf(text, size, "%.128s:%u: ", slash != NULL ? slash + 1 : file,
		 line->line_col >> 10);
}

/* Kinds of our own. */
static bool
is_foreign_to_linux(uint32_t kind)
{
	return kind == EBPF_PROG_VALE || kind == EBPF_PROG_VALE_BUF ||
	       kind == EBPF_PROG_RAW;
}

static int
say_rejected(struct load *l, const struct obj_prog *prog, int error,
	     const struct ebpf_rep_prog_load *rep)
{
	char source[160];

	if (error == -EBPF_EUNSUPPORTED && assumes(l) &&
	    is_foreign_to_linux(prog->pub.kind))
		return gebpf_fail(l->err, error, "%s: program '%s': Linux has "
				  "no programs of type %s", l->obj->name,
				  prog->pub.name,
				  gebpf_prog_kind_name(prog->pub.kind));
	if (error == -EBPF_EUNSUPPORTED && assumes(l))
		return gebpf_fail(l->err, error, "%s: program '%s': programs "
				  "of type %s need the types of one kernel and "
				  "cannot be verified here", l->obj->name,
				  prog->pub.name,
				  gebpf_prog_kind_name(prog->pub.kind));
	if (error == -EBPF_EUNSUPPORTED && l->options != NULL &&
	    (l->options->flags & EBPF_PROG_INTERP) != 0)
		return gebpf_fail(l->err, error, "%s: program '%s': this "
				  "device interprets no programs",
				  l->obj->name, prog->pub.name);
	if (error != -EBPF_EREJECTED)
		return gebpf_fail(l->err, error, "%s: program '%s': cannot be "
				  "loaded: %s", l->obj->name, prog->pub.name,
				  gebpf_error_text(error));
	source_of(l->obj, prog, rep->insn, source, sizeof(source));
	gebpf_fail(l->err, error, "%s: program '%s': rejected by the verifier "
		   "at instruction %u: %s%s", l->obj->name, prog->pub.name,
		   rep->insn, source,
		   l->message[0] != 0 ? l->message :
		   rep->rule != 0     ? gebpf_rule_demand(rep->rule) :
					gebpf_error_text(error));
	gebpf_hint(l->err, "%s", l->fix[0] != 0 ? l->fix :
						  gebpf_rule_fix(rep->rule));
	return error;
}

/* What the reply brought: the log, then records, as the caller has room. */
static void
take_words(struct load *l, const struct gebpf_call *call, bool log,
	   const struct ebpf_rep_prog_load *rep)
{
	const struct gebpf_load_options *o = l->options;
	size_t log_len = rep->log_len < call->out_len ? rep->log_len :
							call->out_len;
	char *records = (char *)call->out + log_len, *at = records;
	struct gebpf_record record;

	((char *)call->out)[call->out_len] = 0;
	if (log && o != NULL && o->report != NULL && o->report_size != 0)
		snprintf(o->report, o->report_size, "%s", records);
	if (log && o != NULL && o->log != NULL && o->log_size != 0) {
		if (log_len >= o->log_size)
			log_len = o->log_size - 1;
		memcpy(o->log, call->out, log_len);
		o->log[log_len] = 0;
	}
	l->message[0] = l->fix[0] = 0;
	while (gebpf_record_next(&at, &record)) {
		const char *text = gebpf_record_field(&record, 0);

		if (strcmp(record.word, "message") == 0)
			snprintf(l->message, sizeof(l->message), "%s", text);
		else if (strcmp(record.word, "fix") == 0)
			snprintf(l->fix, sizeof(l->fix), "%s", text);
	}
}

static int
send_prog(struct load *l, struct obj_prog *prog, uint32_t kind,
	  const struct ebpf_insn *insns, bool main, bool log, bool infos,
	  struct ebpf_rep_prog_load *rep)
{
	const struct gebpf_load_options *o = l->options;
	struct ebpf_req_prog_load req = { 0 };
	struct gebpf_call call = { 0 };
	int error;

	req.kind = kind;
	req.insn_count = prog->pub.insn_count;
	snprintf(req.name, sizeof(req.name), "%s",
		 main && o != NULL && o->name != NULL ? o->name :
							prog->pub.name);
	snprintf(req.license, sizeof(req.license), "%s", l->obj->license);
	if (o != NULL) {
		req.flags = o->flags;
		req.log_level = o->log_level;
		if (log && o->log != NULL && o->log_size > 1)
			req.log_size = o->log_size - 1 > EBPF_MSG_MAX / 2 ?
					       EBPF_MSG_MAX / 2 :
					       (uint32_t)(o->log_size - 1);
	}
	req.report_size = REPORT_SIZE;
	call.out_room = (size_t)req.log_size + req.report_size;
	call.out = malloc(call.out_room + 1);
	if (call.out == NULL)
		return -EBPF_ENOMEM;
	call.in[0].data = insns;
	call.in[0].len = (size_t)req.insn_count * sizeof(*insns);
	if (infos && l->obj->btf_id != 0 && prog->func_count != 0) {
		req.btf_id = l->obj->btf_id;
		req.func_count = prog->func_count;
		req.line_count = prog->line_count;
		call.in[1].data = prog->funcs;
		call.in[1].len = prog->func_count * sizeof(*prog->funcs);
		call.in[2].data = prog->lines;
		call.in[2].len = prog->line_count * sizeof(*prog->lines);
	}
	call.number = EBPF_REQUEST_PROG_LOAD;
	call.req = &req;
	call.req_len = sizeof(req);
	memset(rep, 0, sizeof(*rep));
	call.rep = rep;
	call.rep_len = sizeof(*rep);
	error = gebpf_request(l->device, &call);
	take_words(l, &call, log, rep);
	free(call.out);
	return error;
}

static int load_one(struct load *l, struct obj_prog *prog, bool main);

/* What the prog_arrays made by this call start with. */
static int
fill_progs(struct load *l, size_t from)
{
	struct gebpf_object *obj = l->obj;
	size_t i, j;
	int error;

	for (i = 0; i < obj->map_count; i++) {
		struct obj_map *map = &obj->maps[i];

		if (map->slot_count == 0 ||
		    map->pub.kind != EBPF_MAP_PROG_ARRAY)
			continue;
		for (j = from; j < l->made_count &&
			       l->made[j].cleared != &map->pub.id; j++)
			;
		if (j >= l->made_count)
			continue; /* somebody else's, or filled before */
		for (j = 0; j < map->slot_count; j++) {
			const struct obj_slot *slot = &map->slots[j];
			struct obj_prog *prog;

			if (slot->func < 0)
				continue;
			prog = &obj->progs[obj->funcs[slot->func].prog];
			if (prog->pub.id == 0) {
				error = load_one(l, prog, false);
				if (error != 0)
					return error;
			}
			error = update(l, map->pub.id, &slot->key,
				       sizeof(slot->key), &prog->pub.id,
				       sizeof(prog->pub.id));
			if (error != 0)
				return gebpf_fail(l->err, error,
						  "%s: map '%s': program '%s' "
						  "as element %u: %s",
						  obj->name, map->pub.name,
						  prog->pub.name, slot->key,
						  gebpf_error_text(error));
		}
	}
	return 0;
}

/*
 * One program; `main` is the one asked for, others come along in prog_arrays.
 * A prog_array exists from the first program on that uses it, so it is filled
 * once and programs that name each other end.
 */
static int
load_one(struct load *l, struct obj_prog *prog, bool main)
{
	struct gebpf_object *obj = l->obj;
	uint32_t kind = prog->pub.kind != 0 ? prog->pub.kind : l->kind;
	bool verify_only = l->options != NULL &&
			   (l->options->flags & EBPF_PROG_VERIFY_ONLY) != 0;
	struct ebpf_rep_prog_load rep = { 0 };
	size_t from = l->made_count, i;
	struct ebpf_insn *insns;
	int error;

	if (prog->broken.code != 0) {
		if (l->err != NULL)
			*l->err = prog->broken;
		return prog->broken.code;
	}
	for (i = 0; i < obj->map_count; i++) {
		error = prog->uses[i] ? need_map(l, (int)i) : 0;
		if (error != 0)
			return error;
	}
	drop_templates(l);
	error = reserve_made(l);
	if (error != 0)
		return error;
	insns = patch(obj, prog);
	if (insns == NULL)
		return gebpf_fail(l->err, -EBPF_ENOMEM, "%s: out of memory",
				  obj->name);
	error = send_prog(l, prog, kind, insns, main, main, true, &rep);
	if (error == -EBPF_EREJECTED && rep.rule == EBPF_RULE_DEBUG_INFO &&
	    prog->func_count != 0) {
		obj_warn(obj, "program '%s': the device refuses its debug "
			 "information: loaded without", prog->pub.name);
		error = send_prog(l, prog, kind, insns, main, main, false,
				  &rep);
	}
	/* The log is the main program's, unless it was another's fault. */
	if (error == -EBPF_EREJECTED && !main)
		error = send_prog(l, prog, kind, insns, main, true, true,
				  &rep);
	free(insns);
	if (main && l->options != NULL && l->options->result != NULL)
		*l->options->result = rep;
	if (error != 0)
		return say_rejected(l, prog, error, &rep);
	if (rep.id != 0) {
		prog->pub.id = rep.id;
		note_made(l, EBPF_OBJ_PROG, rep.id, &prog->pub.id, NULL);
	}
	return verify_only ? 0 : fill_progs(l, from);
}

int
gebpf_object_load_prog(struct gebpf_device *device, struct gebpf_object *obj,
		       struct gebpf_obj_prog *prog,
		       const struct gebpf_load_options *options,
		       struct gebpf_error *err)
{
	struct load l = { .device = device, .obj = obj, .options = options,
			  .kind = prog->kind, .err = err };
	bool first = obj->device == NULL;
	size_t i;
	int error;

	if (options != NULL && options->log != NULL && options->log_size != 0)
		options->log[0] = 0;
	for (i = 0; i < obj->prog_count && &obj->progs[i].pub != prog; i++)
		;
	if (i == obj->prog_count)
		return gebpf_fail(err, -EBPF_EINVAL,
				  "%s: a program of another object",
				  obj->name);
	if (!first && obj->device != device)
		return gebpf_fail(err, -EBPF_EBUSY,
				  "%s: is loaded into another device",
				  obj->name);
	if (prog->kind == 0 && obj->progs[i].broken.code == 0) {
		gebpf_fail(err, -EBPF_EINVAL,
			   "%s: section '%s': program '%s': the section's "
			   "name says no program type", obj->name,
			   prog->section, prog->name);
		gebpf_hint(err, "name the type: vale, vale_buf, xdp, tc, "
				"socket or raw");
		return -EBPF_EINVAL;
	}
	if (gebpf_prog_kind_is_linux_only(prog->kind) && !assumes(&l)) {
		gebpf_fail(err, -EBPF_EUNSUPPORTED,
			   "%s: section '%s': program '%s': programs of type "
			   "%s exist only inside Linux", obj->name,
			   prog->section, prog->name,
			   gebpf_prog_kind_name(prog->kind));
		gebpf_hint(err, "gebpf prog verify OBJ assume-linux checks it "
				"for Linux");
		return -EBPF_EUNSUPPORTED;
	}
	error = load_btf(&l);
	if (error == 0)
		error = load_one(&l, &obj->progs[i], true);
	if (error != 0) {
		undo(&l);
		for (i = 0; i < obj->map_count; i++)
			if (obj->maps[i].pub.id == obj->maps[i].pub.reuse_id)
				obj->maps[i].pub.id = 0;
	} else {
		obj->device = device;
	}
	free(l.made);
	return error;
}
