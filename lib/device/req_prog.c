/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Requests about programs: load, info, dumps, test runs. No address of this
 * host leaves through any of them.
 */
#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/test_run.h"
#include "device/dispatch.h"

enum {
	FLAGS = EBPF_PROG_JIT | EBPF_PROG_INTERP | EBPF_PROG_VERIFY_ONLY |
		EBPF_PROG_ASSUME_LINUX,
	LOG_LEVEL_MAX = 2,
	LOG_MAX = 16 << 20,
	REPORT_MAX = 1 << 20,
	RUN_DATA_MAX = 64 << 10,
	RUN_CTX_MAX = 4 << 10,
	RUN_GROWTH = 4 << 10, /* room for a program that makes data longer */
};

/* Nobody occupies the device for longer with one request. */
#define RUN_TIME_MAX_NS 10000000000ull

static struct ebpf_prog *
prog_get(struct ebpf_call *call, uint32_t id)
{
	struct ebpf_object *obj = ebpf_call_object(call, EBPF_OBJ_PROG, id);

	return obj == NULL ? NULL : os_container(obj, struct ebpf_prog, obj);
}

/* ---- load ---- */

static void
maps_put(struct ebpf_map **maps, uint32_t count)
{
	while (count-- > 0)
		ebpf_map_put(maps[count]);
	os_free(maps);
}

/* The maps with these ids, with references. */
static int
maps_get(struct ebpf_call *call, const uint32_t *ids, uint32_t count,
	 struct ebpf_map ***result)
{
	struct ebpf_object *obj;
	struct ebpf_map **maps;
	uint32_t i;

	*result = NULL;
	if (count == 0)
		return 0;
	maps = os_alloc((size_t)count * sizeof(maps[0]));
	if (maps == NULL)
		return -EBPF_ENOMEM;
	for (i = 0; i < count; i++) {
		obj = ebpf_object_by_id(call->rt, EBPF_OBJ_MAP, ids[i]);
		if (obj == NULL) {
			maps_put(maps, i);
			return -EBPF_ENOENT;
		}
		maps[i] = os_container(obj, struct ebpf_map, obj);
	}
	*result = maps;
	return 0;
}

/* Trailing parts, in order; each starts aligned, for sizes are even. */
static int
load_parts(struct ebpf_call *call, const struct ebpf_req_prog_load *req,
	   struct ebpf_load *load, const uint32_t **map_ids)
{
	const uint8_t *at = call->in;
	uint64_t len;

	if (req->insn_count > EBPF_INSN_MAX)
		return -EBPF_E2BIG;
	/* four sums of at most 2^36 each */
	len = (uint64_t)req->insn_count * sizeof(struct ebpf_insn) +
	      (uint64_t)req->map_count * sizeof(uint32_t) +
	      (uint64_t)req->func_count * sizeof(struct ebpf_func_info) +
	      (uint64_t)req->line_count * sizeof(struct ebpf_line_info);
	if (len != call->in_len)
		return -EBPF_EPROTO;
	load->insns = (const void *)at;
	load->insn_count = req->insn_count;
	at += (size_t)req->insn_count * sizeof(struct ebpf_insn);
	*map_ids = (const void *)at;
	at += (size_t)req->map_count * sizeof(uint32_t);
	load->funcs = (const void *)at;
	load->func_count = req->func_count;
	at += (size_t)req->func_count * sizeof(struct ebpf_func_info);
	load->lines = (const void *)at;
	load->line_count = req->line_count;
	return 0;
}

static void
load_result(struct ebpf_call *call, const struct ebpf_load *load,
	    const struct ebpf_prog *prog)
{
	const struct ebpf_load_stats *stats = load->stats;
	struct ebpf_rep_prog_load *rep = call->rep;

	if (prog != NULL) {
		rep->id = prog->obj.id;
		rep->jited = ebpf_prog_is_jited(prog);
	}
	if (load->log != NULL)
		rep->log_len = (uint32_t)strnlen(load->log, load->log_size);
	call->out_len = rep->log_len;
	if (load->report != NULL) {
		rep->report_len =
			(uint32_t)strnlen(load->report, load->report_size);
		memmove(call->out + call->out_len, load->report,
			rep->report_len);
		call->out_len += rep->report_len;
	}
	rep->rule = stats->rule;
	rep->insn = stats->insn;
	rep->stack_depth = stats->stack_depth;
	rep->states_peak = stats->states_peak > UINT32_MAX ?
		UINT32_MAX : (uint32_t)stats->states_peak;
	rep->insns_processed = stats->insns_processed;
	rep->states_total = stats->states_total;
	rep->mem_peak = stats->mem_peak;
	rep->verify_ns = stats->verify_ns;
	rep->jit_ns = stats->jit_ns;
}

static int
load_check(const struct ebpf_req_prog_load *req)
{
	if (ebpf_call_text(req->name, sizeof(req->name)) != 0 ||
	    ebpf_call_text(req->license, sizeof(req->license)) != 0)
		return -EBPF_EPROTO;
	if ((req->flags & ~(uint32_t)FLAGS) != 0 ||
	    ((req->flags & EBPF_PROG_JIT) != 0 &&
	     (req->flags & EBPF_PROG_INTERP) != 0) ||
	    req->log_level > LOG_LEVEL_MAX ||
	    (req->btf_id == 0 && (req->func_count | req->line_count) != 0))
		return -EBPF_EINVAL;
	return 0;
}

int
ebpf_do_prog_load(struct ebpf_call *call)
{
	const struct ebpf_req_prog_load *req = call->req;
	struct ebpf_load_stats stats = { 0 };
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = req->kind,
		.engine = (req->flags & EBPF_PROG_JIT) != 0 ? EBPF_LOAD_JIT :
			  (req->flags & EBPF_PROG_INTERP) != 0 ?
							EBPF_LOAD_INTERP :
							EBPF_LOAD_ANY,
		.mem_size = req->mem_size,
		.map_count = req->map_count,
		.name = req->name,
		.license = req->license,
		.log_level = req->log_level,
		.verify_only = (req->flags & EBPF_PROG_VERIFY_ONLY) != 0,
		.assume_linux = (req->flags & EBPF_PROG_ASSUME_LINUX) != 0,
		.stats = &stats,
		.uid = call->session->uid,
	};
	struct ebpf_prog *prog = NULL;
	struct ebpf_map **maps;
	struct ebpf_object *btf;
	const uint32_t *map_ids;
	int error;

	error = load_check(req);
	if (error == 0)
		error = load_parts(call, req, &load, &map_ids);
	if (error != 0)
		return error;
	if (req->btf_id != 0) {
		btf = ebpf_call_object(call, EBPF_OBJ_BTF, req->btf_id);
		if (btf == NULL)
			return -EBPF_ENOENT;
		load.btf = os_container(btf, struct ebpf_btf, obj);
	}
	load.log_size = req->log_size < call->out_room ? req->log_size :
							 call->out_room;
	if (load.log_size > LOG_MAX)
		load.log_size = LOG_MAX;
	if (load.log_size != 0) {
		load.log = (char *)call->out;
		load.log[0] = '\0';
	}
	load.report_size = call->out_room - load.log_size;
	if (load.report_size > req->report_size)
		load.report_size = req->report_size;
	if (load.report_size > REPORT_MAX)
		load.report_size = REPORT_MAX;
	if (load.report_size != 0) {
		load.report = (char *)call->out + load.log_size;
		load.report[0] = '\0';
	}
	error = ebpf_session_reserve(call->session, EBPF_OBJ_PROG);
	if (error != 0)
		return error;
	error = maps_get(call, map_ids, req->map_count, &maps);
	if (error != 0)
		return error;
	load.maps = maps;
	error = ebpf_prog_load(call->rt, &load, &prog);
	maps_put(maps, req->map_count);
	if (error != 0)
		prog = NULL;
	load_result(call, &load, prog);
	call->keep_reply = true;
	if (prog != NULL) {
		ebpf_session_hold(call->session, &prog->obj); /* reserved */
		ebpf_prog_put(prog);
	}
	return error;
}

/* ---- info ---- */

int
ebpf_do_prog_info(struct ebpf_call *call)
{
	const struct ebpf_req_id *req = call->req;
	struct ebpf_rep_prog_info *rep = call->rep;
	struct ebpf_prog *prog = prog_get(call, req->id);
	const struct ebpf_run_stats *stats;
	uint32_t i, ids;

	if (prog == NULL)
		return -EBPF_ENOENT;
	rep->id = prog->obj.id;
	rep->kind = prog->kind->number;
	rep->jited = ebpf_prog_is_jited(prog);
	rep->insn_count = prog->op_count;
	rep->xlated_len = prog->op_count * (uint32_t)sizeof(struct ebpf_insn);
	rep->jited_len = prog->image != NULL ? prog->image->code_len : 0;
	rep->map_count = prog->map_count;
	rep->func_count = prog->func_info_count;
	rep->line_count = prog->line_info_count;
	rep->btf_id = prog->btf != NULL ? prog->btf->obj.id : 0;
	rep->uid = prog->obj.uid;
	rep->gpl_compatible = prog->gpl_compatible;
	rep->stack_depth = prog->stack_depth;
	rep->refs = os_load(&prog->obj.refs) - call->object_count;
	rep->loaded_ns = prog->obj.created_ns;
	rep->mem_bytes = os_load(&prog->obj.mem_bytes);
	for (i = 0; i < os_cpu_count(); i++) {
		stats = os_percpu_ptr(prog->stats, i);
		rep->run_count += os_load(&stats->count);
		rep->run_time_ns += os_load(&stats->time_ns);
	}
	rep->insns_processed = prog->insns_processed;
	ebpf_prog_tag(prog, rep->tag);
	memcpy(rep->name, prog->obj.name, sizeof(rep->name));
	ids = prog->map_count;
	if (ids > call->out_room / sizeof(uint32_t))
		ids = (uint32_t)(call->out_room / sizeof(uint32_t));
	for (i = 0; i < ids; i++)
		memcpy(call->out + i * sizeof(uint32_t),
		       &prog->maps[i]->obj.id, sizeof(uint32_t));
	call->out_len = ids * sizeof(uint32_t);
	return 0;
}

/* ---- dumps ---- */

/* Encode the window slot by slot; its ends may cut slots. */
static int
dump_xlated(struct ebpf_call *call, const struct ebpf_prog *prog,
	    const struct ebpf_req_prog_dump *req)
{
	uint32_t size = sizeof(struct ebpf_insn), at, part, in_slot;
	size_t done = 0;
	struct ebpf_insn insn;
	int error;

	error = ebpf_call_window_len(call, prog->op_count * size, req->offset,
				     req->len);
	if (error != 0)
		return error;
	while (done < call->out_len) {
		at = req->offset + (uint32_t)done;
		in_slot = at % size;
		insn = ebpf_prog_xlated(prog, at / size);
		part = size - in_slot;
		if (part > call->out_len - done)
			part = (uint32_t)(call->out_len - done);
		memcpy(call->out + done, (const uint8_t *)&insn + in_slot,
		       part);
		done += part;
	}
	return 0;
}

/* Machine code in which every host address is zero. */
static int
dump_jited(struct ebpf_call *call, const struct ebpf_prog *prog,
	   const struct ebpf_req_prog_dump *req)
{
	const struct ebpf_jit_image *image = prog->image;
	uint64_t from, to, begin = req->offset, end;
	uint32_t i;
	int error;

	if (image == NULL)
		return -EBPF_ENOENT;
	error = ebpf_call_window(call, image->code, image->code_len,
				 req->offset, req->len);
	if (error != 0)
		return error;
	end = begin + call->out_len;
	for (i = 0; i < image->addr_count; i++) {
		from = image->addrs[i].off;
		to = from + image->addrs[i].len;
		from = from < begin ? begin : from;
		to = to > end ? end : to;
		if (from < to)
			memset(call->out + (from - begin), 0, to - from);
	}
	return 0;
}

int
ebpf_do_prog_dump(struct ebpf_call *call)
{
	const struct ebpf_req_prog_dump *req = call->req;
	struct ebpf_prog *prog = prog_get(call, req->id);
	const void *data = NULL;
	uint32_t total = 0;

	if (prog == NULL)
		return -EBPF_ENOENT;
	switch (req->what) {
	case EBPF_DUMP_RAW:
		data = prog->raw;
		total = prog->op_count * (uint32_t)sizeof(prog->raw[0]);
		break;
	case EBPF_DUMP_XLATED:
		return dump_xlated(call, prog, req);
	case EBPF_DUMP_JITED:
		return dump_jited(call, prog, req);
	case EBPF_DUMP_JIT_OFFSETS:
		if (prog->image == NULL)
			return -EBPF_ENOENT;
		data = prog->image->slot_offs;
		total = prog->op_count * (uint32_t)sizeof(uint32_t);
		break;
	case EBPF_DUMP_FUNC_INFO:
		data = prog->func_infos;
		total = prog->func_info_count *
			(uint32_t)sizeof(struct ebpf_func_info);
		break;
	case EBPF_DUMP_LINE_INFO:
		data = prog->line_infos;
		total = prog->line_info_count *
			(uint32_t)sizeof(struct ebpf_line_info);
		break;
	default:
		return -EBPF_EINVAL;
	}
	return ebpf_call_window(call, data, total, req->offset, req->len);
}

/* ---- test runs ---- */

/* What came back, data then context, as much as was wanted and fits. */
static int
run_reply(struct ebpf_call *call, const struct ebpf_req_prog_run *req,
	  const struct ebpf_test_run *run)
{
	struct ebpf_rep_prog_run *rep = call->rep;

	rep->data_len = run->data_len;
	rep->data_sent = run->data_len;
	if (rep->data_sent > run->data_room)
		rep->data_sent = run->data_room;
	if (rep->data_sent > req->data_out_max)
		rep->data_sent = req->data_out_max;
	rep->ctx_sent = run->ctx_len;
	if (rep->ctx_sent > req->ctx_out_max)
		rep->ctx_sent = req->ctx_out_max;
	if ((uint64_t)rep->data_sent + rep->ctx_sent > call->out_room)
		return -EBPF_ENOSPC;
	if (rep->data_sent != 0)
		memcpy(call->out, run->data, rep->data_sent);
	if (rep->ctx_sent != 0)
		memcpy(call->out + rep->data_sent, run->ctx, rep->ctx_sent);
	call->out_len = (size_t)rep->data_sent + rep->ctx_sent;
	rep->retval = run->retval;
	rep->duration_ns = run->duration_ns;
	rep->time_ns = run->time_ns;
	rep->redirect = run->redirect.set;
	rep->redirect_target = run->redirect.target;
	rep->redirect_map_id = run->redirect.map_id;
	rep->redirect_key = run->redirect.key;
	rep->redirect_flags = run->redirect.flags;
	return 0;
}

int
ebpf_do_prog_run(struct ebpf_call *call)
{
	const struct ebpf_req_prog_run *req = call->req;
	struct ebpf_test_run run = {
		.data_len = req->data_len,
		.repeat = req->repeat == 0 ? 1 : req->repeat,
		.engine = req->engine,
		.time_max_ns = RUN_TIME_MAX_NS,
	};
	struct ebpf_prog *prog;
	int error;

	if ((uint64_t)req->data_len + req->ctx_len != call->in_len)
		return -EBPF_EPROTO;
	if (req->data_len > RUN_DATA_MAX || req->ctx_len > RUN_CTX_MAX)
		return -EBPF_E2BIG;
	if (req->engine > EBPF_ENGINE_JIT)
		return -EBPF_EINVAL;
	prog = prog_get(call, req->id);
	if (prog == NULL)
		return -EBPF_ENOENT;

	/* a context may be wanted back though none, or less, was given */
	run.ctx_len = prog->kind->ctx_size;
	if (run.ctx_len > req->ctx_out_max)
		run.ctx_len = req->ctx_out_max;
	if (run.ctx_len < req->ctx_len)
		run.ctx_len = req->ctx_len;
	run.data_room = (req->data_len + RUN_GROWTH + 7) & ~7u;
	run.data = os_alloc((size_t)run.data_room + run.ctx_len);
	if (run.data == NULL)
		return -EBPF_ENOMEM;
	if (req->data_len != 0)
		memcpy(run.data, call->in, req->data_len);
	if (run.ctx_len != 0)
		run.ctx = run.data + run.data_room;
	if (req->ctx_len != 0)
		memcpy(run.ctx, call->in + req->data_len, req->ctx_len);
	error = ebpf_test_run(prog, &run);
	if (error == 0)
		error = run_reply(call, req, &run);
	os_free(run.data);
	return error;
}
