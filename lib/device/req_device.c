/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Requests about the device itself: who it is, what it can, statistics, log. */
#include "abi/version.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/runtime.h"
#include "core/tracelog.h"
#include "device/dispatch.h"

static void
text_set(char *to, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(to, text, len);
	to[len] = '\0';
}

static void
jit_name(const struct ebpf_runtime *rt, char *to, size_t size)
{
	const struct ebpf_jit_ops *jit = ebpf_jit_host();

	text_set(to, size,
		 jit == NULL || rt->config.no_jit != 0 ? "" : jit->name);
}

int
ebpf_do_hello(struct ebpf_call *call)
{
	const struct ebpf_req_hello *req = call->req;
	struct ebpf_rep_hello *rep = call->rep;
	struct ebpf_device *device = call->device;
	struct ebpf_runtime *rt = call->rt;

	rep->version = EBPF_WIRE_VERSION;
	rep->home = device->config.home;
	text_set(rep->release, sizeof(rep->release), EBPF_RELEASE);
	if (req->version != EBPF_WIRE_VERSION) {
		call->keep_reply = true; /* so that the client can say which */
		return -EBPF_EVERSION;
	}
	rep->cpu_count = os_cpu_count();
	rep->pid = device->config.pid;
	rep->uid = device->config.uid;
	os_mutex_lock(&device->lock);
	rep->sessions = device->sessions;
	os_mutex_unlock(&device->lock);
	rep->stats_on = os_load(&rt->stats_on);
	rep->prog_count = ebpf_object_count(rt, EBPF_OBJ_PROG);
	rep->map_count = ebpf_object_count(rt, EBPF_OBJ_MAP);
	rep->link_count = ebpf_object_count(rt, EBPF_OBJ_LINK);
	rep->btf_count = ebpf_object_count(rt, EBPF_OBJ_BTF);
	rep->start_time_ns = device->start_time_ns;
	rep->mem_used = os_load(&rt->mem_used);
	rep->mem_limit = rt->config.mem_max;
	jit_name(rt, rep->jit, sizeof(rep->jit));
	rep->insns_processed_max = rt->config.insns_processed_max;
	rep->verify_time_ms = rt->config.verify_time_ms;
	rep->verify_mem_max = rt->config.verify_mem_max;
	rep->harden = rt->config.harden;
	return 0;
}

/*
 * A uint32_t more at the end of the reply, as long as there is room; the counts
 * say how many there are.
 */
static void
append(struct ebpf_call *call, uint32_t number)
{
	if (call->out_room - call->out_len < sizeof(number))
		return;
	memcpy(call->out + call->out_len, &number, sizeof(number));
	call->out_len += sizeof(number);
}

static uint32_t
append_helpers(struct ebpf_call *call, uint32_t kinds)
{
	const struct ebpf_runtime *rt = call->rt;
	const struct ebpf_helper *helper;
	uint32_t i, count = 0;

	for (i = 0; i < EBPF_HELPER_SLOTS + EBPF_HELPER_EXTRA; i++) {
		helper = i < EBPF_HELPER_SLOTS ?
			rt->helpers[i] :
			rt->helpers_extra[i - EBPF_HELPER_SLOTS];
		if (helper == NULL || (helper->kinds & kinds) == 0)
			continue;
		append(call, helper->number);
		count++;
	}
	return count;
}

static uint32_t
append_map_kinds(struct ebpf_call *call)
{
	static const uint16_t numbers[] = {
#define EBPF_MAP_KIND(kind, number, name) number,
#include "abi/map_kind.def"
	};
	uint32_t i, count = 0;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (ebpf_map_ops_find(numbers[i]) == NULL)
			continue;
		append(call, numbers[i]);
		count++;
	}
	return count;
}

static uint32_t
append_prog_kinds(struct ebpf_call *call)
{
	uint32_t i, count = 0;

	for (i = 0; i < EBPF_KIND_SLOTS; i++) {
		if (call->rt->kinds[i] == NULL)
			continue;
		append(call, call->rt->kinds[i]->number);
		count++;
	}
	return count;
}

int
ebpf_do_features(struct ebpf_call *call)
{
	const struct ebpf_req_features *req = call->req;
	struct ebpf_rep_features *rep = call->rep;
	const struct ebpf_kind *kind = NULL;
	struct ebpf_runtime *rt = call->rt;
	uint32_t i;

	if (req->prog_kind != 0) {
		kind = ebpf_kind_find(rt, req->prog_kind);
		if (kind == NULL)
			return -EBPF_EUNSUPPORTED;
	}
	rep->insn_max = EBPF_INSN_MAX;
	rep->stack_max = EBPF_STACK_MAX;
	rep->frame_max = EBPF_FRAME_MAX;
	rep->tail_call_max = EBPF_TAIL_CALL_MAX;
	jit_name(rt, rep->jit, sizeof(rep->jit));

	os_mutex_lock(&rt->lock);
	for (i = 1; i < EBPF_HOOK_SLOTS; i++)
		if (rt->hooks[i].ops != NULL)
			rep->hooks |= 1u << (i - 1);
	rep->helper_count = append_helpers(call, kind != NULL ? kind->bit :
								UINT32_MAX);
	rep->map_kind_count = append_map_kinds(call);
	rep->prog_kind_count = append_prog_kinds(call);
	os_mutex_unlock(&rt->lock);
	return 0;
}

int
ebpf_do_stop(struct ebpf_call *call)
{
	const struct ebpf_device_config *config = &call->device->config;

	if (config->stop == NULL)
		return -EBPF_EUNSUPPORTED;
	config->stop(config->stop_cookie);
	return 0;
}

static void
stats_reset(struct ebpf_runtime *rt)
{
	struct ebpf_object *obj;
	struct ebpf_prog *prog;
	struct ebpf_run_stats *stats;
	uint32_t id = 0, cpu;

	while ((obj = ebpf_object_next(rt, EBPF_OBJ_PROG, id)) != NULL) {
		id = obj->id;
		prog = os_container(obj, struct ebpf_prog, obj);
		for (cpu = 0; cpu < os_cpu_count(); cpu++) {
			stats = os_percpu_ptr(prog->stats, cpu);
			os_store(&stats->count, 0);
			os_store(&stats->time_ns, 0);
		}
		ebpf_object_put(obj);
	}
}

int
ebpf_do_stats(struct ebpf_call *call)
{
	const struct ebpf_req_stats *req = call->req;

	switch (req->op) {
	case EBPF_STATS_OFF:
	case EBPF_STATS_ON:
		os_store(&call->rt->stats_on, req->op == EBPF_STATS_ON);
		return 0;
	case EBPF_STATS_RESET:
		stats_reset(call->rt);
		return 0;
	}
	return -EBPF_EINVAL;
}

int
ebpf_do_tracelog(struct ebpf_call *call)
{
	const struct ebpf_req_tracelog *req = call->req;
	struct ebpf_rep_tracelog *rep = call->rep;

	rep->next = req->after;
	call->out_len = ebpf_tracelog_read(call->rt->tracelog, req->prog_id,
					   &rep->next, &rep->lost, &rep->count,
					   call->out, call->out_room);
	call->session->reads_trace = true;
	call->session->trace_next = rep->next;
	return 0;
}
