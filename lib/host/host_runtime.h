/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The runtime as userspace devices make it: the daemon and the local one. */
#ifndef HOST_HOST_RUNTIME_H
#define HOST_HOST_RUNTIME_H

#include "core/ebpf.h"

/* As ebpf_runtime_create, with the memory limit of this machine. */
int ebpf_host_runtime_create(struct ebpf_runtime **rt);

#endif
