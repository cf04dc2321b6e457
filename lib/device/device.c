/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device's beginning and end. It owns little: the objects live in the
 * runtime, the switches at their provider, the references in sessions.
 */
#include "core/map.h"
#include "device/device.h"
#include "device/dispatch.h"

enum {
	SESSION_MAX = 1024,
	HOLDS_MAX = 65536,
};

int
ebpf_device_create(const struct ebpf_device_config *config,
		   struct ebpf_device **result)
{
	struct ebpf_device *device = os_alloc(sizeof(*device));

	*result = NULL;
	if (device == NULL)
		return -EBPF_ENOMEM;
	device->config = *config;
	if (device->config.session_max == 0)
		device->config.session_max = SESSION_MAX;
	if (device->config.session_holds_max == 0)
		device->config.session_holds_max = HOLDS_MAX;
	device->rt = config->rt;
	device->start_time_ns = os_wall_time_ns();
	os_mutex_init(&device->lock);
	*result = device;
	return 0;
}

void
ebpf_device_destroy(struct ebpf_device *device)
{
	if (device == NULL)
		return;
	os_mutex_destroy(&device->lock);
	os_free(device);
}

void
ebpf_device_end_waits(struct ebpf_device *device)
{
	struct ebpf_object *obj;
	uint32_t id = 0;

	os_store_release(&device->ending, 1);
	while ((obj = ebpf_object_next(device->rt, EBPF_OBJ_MAP, id)) != NULL) {
		id = obj->id;
		ebpf_map_wake(os_container(obj, struct ebpf_map, obj));
		ebpf_object_put(obj);
	}
}
