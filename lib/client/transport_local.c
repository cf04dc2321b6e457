/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The local target: a device of its own inside the calling process, called
 * instead of written to. One of the two places where the client library meets
 * the engine. Nothing of it outlives gebpf_close().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/transport.h"
#include "core/ebpf.h"
#include "device/device.h"
#include "host/host_runtime.h"
#include "host/vswitch.h"

struct local {
	struct ebpf_runtime *rt;
	struct ebpf_vswitch *switches;
	struct ebpf_device *device;
	struct ebpf_session *session;
};

static int
local_open(const char *argument, unsigned int flags, void **state, char *target,
	   struct gebpf_error *err)
{
	struct ebpf_device_config config = {
		.home = EBPF_HOME_LOCAL,
		.pid = (uint32_t)getpid(),
		.uid = geteuid(),
		.switches = &ebpf_vswitch_ops,
	};
	struct ebpf_host_config host;
	struct local *local;
	char why[256] = "";
	int error = -EBPF_ENOMEM;

	local = calloc(1, sizeof(*local));
	if (!local)
		goto fail;
	error = ebpf_host_runtime_create(&local->rt, &host, why,
					 sizeof(why));
	if (error)
		goto free;
	error = ebpf_vswitch_create(local->rt, &local->switches);
	if (error)
		goto runtime;
	config.rt = local->rt;
	config.switches_cookie = local->switches;
	error = ebpf_device_create(&config, &local->device);
	if (error)
		goto switches;
	error = ebpf_session_open(local->device, config.uid, &local->session);
	if (error)
		goto device;
	snprintf(target, GEBPF_TARGET_SIZE, "local");
	*state = local;
	return 0;

device:
	ebpf_device_destroy(local->device);
switches:
	ebpf_vswitch_destroy(local->switches);
runtime:
	ebpf_runtime_destroy(local->rt);
free:
	free(local);
fail:
	return gebpf_fail(err, error, "cannot make a local device: %s",
			  why[0] ? why : ebpf_error_text(error));
}

static int
local_exchange(void *state, const void *request, size_t request_len,
	       void *reply, size_t cap, size_t *len)
{
	struct local *local = state;

	/* The request is the handle's own copy: nobody changes it meanwhile. */
	*len = ebpf_dispatch(local->session, request, request_len, reply, cap);
	return 0;
}

static void
local_close(void *state)
{
	struct local *local = state;

	ebpf_session_close(local->session);
	ebpf_device_destroy(local->device);
	ebpf_vswitch_destroy(local->switches);
	ebpf_runtime_destroy(local->rt);
	free(local);
}

const struct gebpf_transport gebpf_transport_local = {
	.name = "local",
	.open = local_open,
	.exchange = local_exchange,
	.close = local_close,
};
