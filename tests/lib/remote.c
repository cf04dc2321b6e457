/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Maps and programs of a device by requests; remote.h. */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "remote.h"
#include "tap.h"

enum { LOG = 2048 };

static const char *target;

struct gebpf_device *
remote_again(void)
{
	struct gebpf_device *device = NULL;
	struct gebpf_error err = { 0 };

	if (gebpf_open(target, GEBPF_OPEN_QUIET, &device, &err) != 0)
		tap_diag("%s: %s", target, err.text);
	return device;
}

struct gebpf_device *
remote_open(int argc, char **argv)
{
	int i;

	for (i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--device") == 0)
			target = argv[i + 1];
	if (target == NULL) {
		daemon_fresh();
		target = daemon_target;
	}
	return remote_again();
}

bool
remote_is_kernel(void)
{
	return strncmp(target, "kernel", 6) == 0;
}

uint32_t
remote_map(struct gebpf_device *device, uint32_t kind, uint32_t key_size,
	   uint32_t value_size, uint32_t entries, uint32_t flags)
{
	struct ebpf_req_map_create req = {
		.kind = kind, .key_size = key_size, .value_size = value_size,
		.max_entries = entries, .flags = flags, .name = "remote",
	};
	struct ebpf_rep_id rep = { .id = 0 };
	int error = gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &req,
			      sizeof(req), &rep, sizeof(rep));

	if (error != 0)
		tap_diag("a map of kind %u: %s", kind, gebpf_error_name(error));
	return error == 0 ? rep.id : 0;
}

uint32_t
remote_prog(struct gebpf_device *device, uint32_t kind, uint32_t mem_size,
	    const char *text, const uint32_t *maps, uint32_t count)
{
	static char log[LOG + 1];
	struct ebpf_req_prog_load req = {
		.kind = kind, .mem_size = mem_size, .map_count = count,
		.log_size = LOG, .name = "remote", .license = "GPL",
	};
	struct ebpf_rep_prog_load rep = { .id = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req, .req_len = sizeof(req),
		.rep = &rep, .rep_len = sizeof(rep),
		.out = log, .out_room = LOG,
	};
	struct ebpf_insn *insns = NULL;
	struct gebpf_error err = { 0 };
	int error = gebpf_asm(text, strlen(text), &insns, &req.insn_count,
			      &err);

	if (error != 0) {
		tap_diag("%s", err.text);
		return 0;
	}
	call.in[0] = (struct gebpf_part){ insns,
					  req.insn_count * sizeof(*insns) };
	call.in[1] = (struct gebpf_part){ maps, count * sizeof(*maps) };
	error = gebpf_request(device, &call);
	free(insns);
	if (error != 0) {
		log[call.out_len] = '\0';
		tap_diag("a program: %s: %s", gebpf_error_name(error), log);
	}
	return error == 0 ? rep.id : 0;
}

static int
reference(struct gebpf_device *device, enum ebpf_request number, uint32_t kind,
	  uint32_t id)
{
	struct ebpf_req_obj req = { .kind = kind, .id = id };

	return gebpf_ask(device, number, &req, sizeof(req), NULL, 0);
}

int
remote_hold(struct gebpf_device *device, uint32_t kind, uint32_t id)
{
	return reference(device, EBPF_REQUEST_OBJ_HOLD, kind, id);
}

int
remote_drop(struct gebpf_device *device, uint32_t kind, uint32_t id)
{
	return reference(device, EBPF_REQUEST_OBJ_DROP, kind, id);
}

int
remote_run(struct gebpf_device *device, uint32_t prog, void *data,
	   uint32_t len, uint32_t repeat, uint64_t *result)
{
	struct ebpf_req_prog_run req = {
		.id = prog, .repeat = repeat, .data_len = len,
		.data_out_max = len,
	};
	struct ebpf_rep_prog_run rep = { .retval = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_RUN,
		.req = &req, .req_len = sizeof(req),
		.in = { { data, len } },
		.rep = &rep, .rep_len = sizeof(rep),
		.out = data, .out_room = len,
	};
	int error = gebpf_request(device, &call);

	if (error == 0 && result != NULL)
		*result = rep.retval;
	return error;
}

int
remote_key(struct gebpf_device *device, enum ebpf_request number, uint32_t map,
	   const void *key, uint32_t key_len, void *value, uint32_t value_len)
{
	struct ebpf_req_map_key req = { .id = map, .key_len = key_len };
	struct gebpf_call call = {
		.number = number,
		.req = &req, .req_len = sizeof(req),
		.in = { { key, key_len } },
		.out = value, .out_room = value_len,
	};

	return gebpf_request(device, &call);
}

int
remote_update(struct gebpf_device *device, uint32_t map, const void *key,
	      uint32_t key_len, const void *value, uint32_t value_len,
	      uint64_t flags)
{
	struct ebpf_req_map_update req = {
		.id = map, .key_len = key_len, .value_len = value_len,
		.flags = flags,
	};
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &req, .req_len = sizeof(req),
		.in = { { key, key_len }, { value, value_len } },
	};

	return gebpf_request(device, &call);
}
