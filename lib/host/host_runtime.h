/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The runtime as userspace devices make it: the daemon and the local one. */
#ifndef HOST_HOST_RUNTIME_H
#define HOST_HOST_RUNTIME_H

#include <stddef.h>

#include "core/ebpf.h"

/* Where a device that is started finds its options. */
#define EBPF_HOST_OPTIONS "GEBPF_DEVICE_OPTIONS"

struct ebpf_host_config {
	struct ebpf_runtime_config runtime;
	uint32_t spin_us; /* how long the daemon looks for a next request */
};

/*
 * Read options, "name=value" separated by blanks, into config: harden
 * (speculation, constants, all or none), insns_processed, memory and verify_memory
 * (bytes), verify_time (milliseconds), spin (microseconds). text NULL or "":
 * there are none. EINVAL, with words in why.
 */
int ebpf_host_options(const char *text, struct ebpf_host_config *config,
		      char *why, size_t why_size);

/*
 * As ebpf_runtime_create, with the memory limit of this machine and with what
 * the environment has in EBPF_HOST_OPTIONS; config is what came of it. Words in
 * why, "" without.
 */
int ebpf_host_runtime_create(struct ebpf_runtime **rt,
			     struct ebpf_host_config *config, char *why,
			     size_t why_size);

#endif
