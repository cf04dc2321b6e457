/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What ebpf.ko offers to our other modules beyond the embedding API
 * (core/ebpf.h): the runtime that they share, and who owns the switches here.
 * Included by ebpf_dev.ko, vale_bpf.ko and the tests' module.
 */
#ifndef EBPF_LINUX_H
#define EBPF_LINUX_H

#include "switch/provider.h"

#include <linux/module.h>
#include <linux/wait.h>

struct ebpf_runtime *ebpf_linux_runtime(void);

/* Woken whenever an os_event is signalled. */
extern struct wait_queue_head ebpf_linux_events;

/*
 * Whoever has switches says so here; before, between and after, requests about
 * switches get EUNSUPPORTED. Calls hold a reference to the owner, which thus
 * cannot be unloaded during one. EEXIST.
 */
int ebpf_linux_switches_register(const struct ebpf_switch_ops *ops,
				 void *cookie, struct module *owner);
void ebpf_linux_switches_unregister(void);

/* The owner's, or EUNSUPPORTED; the cookie means nothing. */
extern const struct ebpf_switch_ops ebpf_linux_switches;

/* Every allocation asks first, false: it is to fail; each end tells. */
bool os_linux_allocate(void);
void os_linux_release(void);

#endif
