/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Stand-ins for what a device is given: a provider of one switch "vale0" with
 * port 7, which the spec "good:" makes, and a hook there that takes one link.
 */
#ifndef TESTS_LIB_STANDIN_H
#define TESTS_LIB_STANDIN_H

#include "core/hook.h"
#include "switch/provider.h"

extern const struct ebpf_switch_ops standin_switch_ops;
extern const struct ebpf_hook_ops standin_hook_ops;
extern uint32_t standin_switches; /* how often one was asked for */
extern struct ebpf_link *standin_link;

#endif
