/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A device of the test's own, objects of a compiler in it; local.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"
#include "remote.h"
#include "tap.h"

struct gebpf_device *local_device;
struct gebpf_error local_last;

struct gebpf_object *
local_open(const struct bpfcc *cc, const char *source, const char *flags)
{
	struct gebpf_object *object = NULL;
	size_t len;
	uint8_t *data = bpfcc_compile(cc, source, flags, false, &len);

	memset(&local_last, 0, sizeof(local_last));
	if (data != NULL)
		gebpf_object_open_mem(data, len, source, &object, &local_last);
	free(data);
	return object;
}

struct gebpf_obj_prog *
local_prog(struct gebpf_object *object, const char *name)
{
	size_t i;

	for (i = 0; i < gebpf_object_prog_count(object); i++)
		if (strcmp(gebpf_object_prog(object, i)->name, name) == 0)
			return gebpf_object_prog(object, i);
	return NULL;
}

struct gebpf_obj_map *
local_map(struct gebpf_object *object, const char *name)
{
	size_t i;

	for (i = 0; i < gebpf_object_map_count(object); i++)
		if (strcmp(gebpf_object_map(object, i)->name, name) == 0)
			return gebpf_object_map(object, i);
	return NULL;
}

int
local_load(struct gebpf_object *object, struct gebpf_obj_prog *prog)
{
	static char log[65536];
	struct gebpf_load_options options = { 0 };
	int error;

	if (prog == NULL)
		return gebpf_fail(&local_last, -EBPF_ENOENT, "no such program");
	memset(&local_last, 0, sizeof(local_last));
	options.log = log;
	options.log_size = sizeof(log);
	error = gebpf_object_load_prog(local_device, object, prog, &options,
				       &local_last);
	if (error == -EBPF_EREJECTED)
		tap_diag("%s\n%s", local_last.text, log);
	return error;
}

const uint8_t local_frame[64] = {
	0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00,
	0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	0x0f, 0xa0, 0, 53, 0, 30, 0x12, 0x34,
};

/* Run on a frame; ~0 when the device refuses. */
uint64_t
local_run_on(uint32_t id, const void *frame, size_t len, uint32_t port,
	     void *out)
{
	struct {
		uint64_t data, data_end;
		uint32_t port, ring;
	} context = { 0, 0, port, 0 };
	struct ebpf_req_prog_run req = { 0 };
	struct ebpf_rep_prog_run rep = { 0 };
	struct gebpf_call call = { 0 };

	req.id = id;
	req.data_len = (uint32_t)len;
	/* Other kinds would take the port's place for something else. */
	req.ctx_len = port != 0 ? sizeof(context) : 0;
	req.data_out_max = out != NULL ? (uint32_t)len : 0;
	call.number = EBPF_REQUEST_PROG_RUN;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = frame;
	call.in[0].len = len;
	call.in[1].data = &context;
	call.in[1].len = req.ctx_len;
	call.rep = &rep;
	call.rep_len = sizeof(rep);
	call.out = out;
	call.out_room = req.data_out_max;
	return gebpf_request(local_device, &call) == 0 ? rep.retval : ~0ULL;
}

uint64_t
local_run(const struct gebpf_obj_prog *prog)
{
	return local_run_on(prog->id, local_frame, sizeof(local_frame), 0, NULL);
}

int
local_lookup(uint32_t id, const void *key, uint32_t key_len, void *value,
	     size_t room)
{
	struct ebpf_req_map_key req = { 0 };
	struct gebpf_call call = { 0 };

	req.id = id;
	req.key_len = key_len;
	call.number = EBPF_REQUEST_MAP_LOOKUP;
	call.req = &req;
	call.req_len = sizeof(req);
	call.in[0].data = key;
	call.in[0].len = key_len;
	call.out = value;
	call.out_room = room;
	return gebpf_request(local_device, &call);
}

static uint32_t
object_count(uint32_t kind)
{
	struct ebpf_req_obj_next req = { 0 };
	struct ebpf_rep_id rep = { 0 };
	uint32_t n = 0;

	req.kind = kind;
	while (gebpf_ask(local_device, EBPF_REQUEST_OBJ_NEXT, &req, sizeof(req),
			 &rep, sizeof(rep)) == 0) {
		req.id = rep.id;
		n++;
	}
	return n;
}

/* Programs, maps and BTF there are; what is retired goes a little later. */
uint32_t
local_left_over(void)
{
	uint32_t n = 0, i;

	for (i = 0; i < 1000; i++) {
		n = object_count(EBPF_OBJ_PROG) + object_count(EBPF_OBJ_MAP) +
		    object_count(EBPF_OBJ_BTF);
		if (n == 0)
			break;
		usleep(1000);
	}
	return n;
}

void
local_fresh(void)
{
	gebpf_close(local_device);
	local_device = NULL;
	if (gebpf_open("local", 0, &local_device, &local_last) != 0)
		tap_ok(false, "local device: %s", local_last.text);
}

/* Load one program and compare what it returns. */
void
local_expect(const struct bpfcc *cc, struct gebpf_object *object,
	     const char *name, uint64_t want)
{
	struct gebpf_obj_prog *prog = local_prog(object, name);
	int error = local_load(object, prog);
	uint64_t got = error == 0 ? local_run(prog) : ~0ULL;

	tap_ok(error == 0 && got == want, "%s: %s/%s returns %llu (%llu) %s",
	       cc->name, gebpf_object_name(object), name,
	       (unsigned long long)want, (unsigned long long)got, local_last.text);
}

void
local_put(uint32_t id, const void *key, uint32_t key_len, const void *value,
	  uint32_t value_len)
{
	TAP_CHECK(remote_update(local_device, id, key, key_len, value,
				value_len, EBPF_ANY) == 0);
}
