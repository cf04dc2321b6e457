/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Devices in the cross build: none. Their libraries are not there for arm64;
 * what runs under the emulator is the engine, and its tests open no device.
 */
#include "client/gebpf.h"

int
gebpf_open(const char *target, unsigned int flags,
	   struct gebpf_device **device, struct gebpf_error *err)
{
	*device = NULL;
	return gebpf_fail(err, -EBPF_ENODEV, "no devices in this build");
}

void
gebpf_close(struct gebpf_device *device)
{
}

int
gebpf_request(struct gebpf_device *device, struct gebpf_call *call)
{
	return -EBPF_ENODEV;
}

int
gebpf_ask(struct gebpf_device *device, enum ebpf_request number,
	  const void *req, size_t req_len, void *rep, size_t rep_len)
{
	return -EBPF_ENODEV;
}
