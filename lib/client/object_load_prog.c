/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The programs of an object in a device: map ids put into instructions, the
 * request, what a rejection says in words, and the programs that prog_arrays
 * start with.
 */
#include <stdlib.h>

#include "client/object_load.h"

enum { REPORT_SIZE = 64 << 10 };

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
say_rejected(struct obj_load *l, const struct obj_prog *prog, int error,
	     const struct ebpf_rep_prog_load *rep)
{
	char source[160];

	if (error == -EBPF_EUNSUPPORTED && obj_load_assumes(l) &&
	    is_foreign_to_linux(prog->pub.kind))
		return gebpf_fail(l->err, error, "%s: program '%s': Linux has "
				  "no programs of type %s", l->obj->name,
				  prog->pub.name,
				  gebpf_prog_kind_name(prog->pub.kind));
	if (error == -EBPF_EUNSUPPORTED && obj_load_assumes(l))
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
take_words(struct obj_load *l, const struct gebpf_call *call, bool log,
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
send_prog(struct obj_load *l, struct obj_prog *prog, uint32_t kind,
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

/* What the prog_arrays made by this call start with. */
static int
fill_progs(struct obj_load *l, size_t from)
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
				error = obj_load_one(l, prog, false);
				if (error != 0)
					return error;
			}
			error = obj_load_update(l, map->pub.id, &slot->key,
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
int
obj_load_one(struct obj_load *l, struct obj_prog *prog, bool main)
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
		error = prog->uses[i] ? obj_load_map(l, (int)i) : 0;
		if (error != 0)
			return error;
	}
	obj_load_drop_templates(l);
	error = obj_load_reserve(l);
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
		obj_load_note(l, EBPF_OBJ_PROG, rep.id, &prog->pub.id, NULL);
	}
	return verify_only ? 0 : fill_progs(l, from);
}
