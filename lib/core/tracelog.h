/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The trace log: a ring of lines that bpf_trace_printk writes, any reader reads. */
#ifndef CORE_TRACELOG_H
#define CORE_TRACELOG_H

#include "abi/wire.h"
#include "core/os.h"

struct ebpf_tracelog;

struct ebpf_tracelog *ebpf_tracelog_create(uint32_t slots); /* NULL: ENOMEM */
void ebpf_tracelog_destroy(struct ebpf_tracelog *log);
/* Run path; text is cut at 256 bytes; control characters become '?'. */
void ebpf_tracelog_write(struct ebpf_tracelog *log, uint32_t prog_id,
			 const char *text, size_t len);
/*
 * Copy whole records (struct ebpf_trace_record and text) after position
 * *next into out[room]; advances *next, adds overwritten ones to *lost.
 * Returns the number of bytes written.
 */
size_t ebpf_tracelog_read(struct ebpf_tracelog *log, uint32_t prog_id,
			  uint64_t *next, uint64_t *lost, uint32_t *count,
			  uint8_t *out, size_t room);
/* The position of the newest record; each new one signals an event. any */
uint64_t ebpf_tracelog_last(struct ebpf_tracelog *log);

#endif
