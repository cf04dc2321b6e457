/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A userspace device's limits: programs and maps together may take half of the
 * machine's memory, so that one map request cannot push everything else out.
 */
#include "host/host_runtime.h"

#include <unistd.h>

int
ebpf_host_runtime_create(struct ebpf_runtime **rt)
{
	struct ebpf_runtime_config config = { .size = sizeof(config) };
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	if (pages > 0 && size > 0)
		config.mem_max = (uint64_t)pages * (uint64_t)size / 2;
	return ebpf_runtime_create(&config, rt);
}
