/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps and programs of whatever device is open, by plain requests, for tests
 * that ask the kernel's device as well as one of their own. Results are the
 * device's errors; ids are 0 when refused, with the reason shown.
 */
#ifndef TESTS_LIB_REMOTE_H
#define TESTS_LIB_REMOTE_H

#include "client/gebpf.h"

/* The device named behind --device, else a daemon of the test's own. */
struct gebpf_device *remote_open(int argc, char **argv);
/* Another session there; what it is to read it has to hold. */
struct gebpf_device *remote_again(void);
bool remote_is_kernel(void);

uint32_t remote_map(struct gebpf_device *device, uint32_t kind,
		    uint32_t key_size, uint32_t value_size, uint32_t entries,
		    uint32_t flags);
/* A program of kind raw or, with packets, xdp; map[idx:0] is maps[0]. */
uint32_t remote_prog(struct gebpf_device *device, uint32_t kind,
		     uint32_t mem_size, const char *text, const uint32_t *maps,
		     uint32_t count);
int remote_hold(struct gebpf_device *device, uint32_t kind, uint32_t id);
int remote_drop(struct gebpf_device *device, uint32_t kind, uint32_t id);

/* Runs it on data, which is left behind as the program leaves it. */
int remote_run(struct gebpf_device *device, uint32_t prog, void *data,
	       uint32_t len, uint32_t repeat, uint64_t *result);

/* number: MAP_LOOKUP, _DELETE, _LOOKUP_DELETE, _NEXT. */
int remote_key(struct gebpf_device *device, enum ebpf_request number,
	       uint32_t map, const void *key, uint32_t key_len, void *value,
	       uint32_t value_len);
int remote_update(struct gebpf_device *device, uint32_t map, const void *key,
		  uint32_t key_len, const void *value, uint32_t value_len,
		  uint64_t flags);

#endif
