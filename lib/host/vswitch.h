/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The userspace VALE: all switches of one device. The daemon and the local
 * transport make one and hand its ops to the device; its hook is registered
 * with the runtime. Below, memory ends of pair ports for tests and benches.
 *
 * Frames have 14 to 65535 bytes; others are counted as rx_drops. Of a frame
 * that a capture holds only in part, the captured part is forwarded, and OUT
 * keeps the original length beside it.
 */
#ifndef HOST_VSWITCH_H
#define HOST_VSWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switch/provider.h"

struct ebpf_runtime;
struct ebpf_vswitch;

/* The cookie of these is the struct ebpf_vswitch. */
extern const struct ebpf_switch_ops ebpf_vswitch_ops;

/* Also registers the vale hook. EEXIST, ENOMEM. */
int ebpf_vswitch_create(struct ebpf_runtime *rt, struct ebpf_vswitch **set);
/*
 * Move no more frames: threads end, captures are flushed, whoever waits for a
 * replay returns. Requests that come later get ECANCELED.
 */
void ebpf_vswitch_stop(struct ebpf_vswitch *set);
/* Stop, detach links, free. Nobody else may be inside. NULL is fine. */
void ebpf_vswitch_destroy(struct ebpf_vswitch *set);

/*
 * One end of the pair NAME, held by the caller instead of a port; the other
 * end is a port "pair:NAME". EBUSY when both ends are taken. Sending and
 * receiving may be done by two threads, each by one at a time.
 */
struct ebpf_pair_end;

int ebpf_pair_open(struct ebpf_vswitch *set, const char *name,
		   struct ebpf_pair_end **end);
void ebpf_pair_close(struct ebpf_pair_end *end); /* NULL is fine */
/* False: no room now, or nobody at the other end. Seen there after flush. */
bool ebpf_pair_put(struct ebpf_pair_end *end, const void *data, uint32_t len);
void ebpf_pair_flush(struct ebpf_pair_end *end);
/* The oldest frame, in place until ebpf_pair_next(); NULL: none now. */
const void *ebpf_pair_peek(struct ebpf_pair_end *end, uint32_t *len);
void ebpf_pair_next(struct ebpf_pair_end *end);

#endif
