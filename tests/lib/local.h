/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A local device of the test's own and objects of a compiler in it: opened,
 * loaded, run, looked into. One device at a time; local_fresh() ends the one
 * before with all that it holds.
 */
#ifndef TESTS_LIB_LOCAL_H
#define TESTS_LIB_LOCAL_H

#include "bpfcc.h"
#include "client/gebpf.h"

extern struct gebpf_device *local_device;
extern struct gebpf_error local_last; /* of the last of these calls */
extern const uint8_t local_frame[64]; /* UDP over IPv4 */

void local_fresh(void);

/* The source compiled and opened; NULL with the reason in local_last. */
struct gebpf_object *local_open(const struct bpfcc *cc, const char *source,
				const char *flags);
struct gebpf_obj_prog *local_prog(struct gebpf_object *object,
				  const char *name);
struct gebpf_obj_map *local_map(struct gebpf_object *object, const char *name);

/* A rejected program's log is shown. */
int local_load(struct gebpf_object *object, struct gebpf_obj_prog *prog);

/* On a frame, or local_frame; ~0 when the device refuses. */
uint64_t local_run_on(uint32_t id, const void *frame, size_t len,
		      uint32_t port, void *out);
uint64_t local_run(const struct gebpf_obj_prog *prog);

/* Loads one program and compares what it returns: a test point. */
void local_expect(const struct bpfcc *cc, struct gebpf_object *object,
		  const char *name, uint64_t want);

int local_lookup(uint32_t id, const void *key, uint32_t key_len, void *value,
		 size_t room);
/* A test point as well. */
void local_put(uint32_t id, const void *key, uint32_t key_len,
	       const void *value, uint32_t value_len);

/* Programs, maps and BTF there are; what is retired goes a little later. */
uint32_t local_left_over(void);

#endif
