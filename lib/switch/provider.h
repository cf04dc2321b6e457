/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a device asks of whoever owns the switches here: the userspace switch
 * (host/vswitch.c) or the kernel's VALE module. A const table, one per home.
 */
#ifndef SWITCH_PROVIDER_H
#define SWITCH_PROVIDER_H

#include <stddef.h>

#include "abi/wire.h"

/* All may sleep; return 0 or a negative error; fill whole reply bodies. */
struct ebpf_switch_ops {
	int (*create)(void *cookie, const char *name, uint32_t uid);
	int (*destroy)(void *cookie, const char *name);
	/* first name after `name` in byte order */
	int (*next)(void *cookie, const char *name,
		    struct ebpf_rep_switch_info *info);
	int (*info)(void *cookie, const char *name,
		    struct ebpf_rep_switch_info *info);
	/* start replay if it was not, then wait for its end at most wait_ms */
	int (*start)(void *cookie, const char *name, uint32_t wait_ms,
		     struct ebpf_rep_switch_info *info);
	int (*port_add)(void *cookie, const char *name, const char *port_name,
			const char *spec, struct ebpf_rep_port_info *info,
			char *why, size_t why_size);
	int (*port_del)(void *cookie, const char *name, uint32_t index,
			const char *port_name);
	int (*port_info)(void *cookie, const char *name, uint32_t index,
			 struct ebpf_rep_port_info *info);
};

#endif
