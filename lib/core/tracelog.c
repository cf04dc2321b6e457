/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The trace log: a ring of fixed slots under one spin lock, because a line is
 * short to copy and readers are rare. Positions count lines from 1 and never
 * repeat; a reader that remembers its position sees every line once, or learns
 * how many were overwritten.
 */
#include "core/tracelog.h"

enum {
	TEXT_MAX = 256,
};

struct slot {
	struct ebpf_trace_record record;
	char text[TEXT_MAX];
};

struct ebpf_tracelog {
	struct os_event event; /* a line was written */
	struct os_spin lock; /* everything below */
	uint32_t slot_count;
	uint64_t last; /* position of the newest line, 0: none yet */
	struct slot slots[];
};

struct ebpf_tracelog *
ebpf_tracelog_create(uint32_t slots)
{
	struct ebpf_tracelog *log;

	log = os_alloc(sizeof(*log) + (size_t)slots * sizeof(log->slots[0]));
	if (!log)
		return NULL;
	os_event_init(&log->event);
	os_spin_init(&log->lock);
	log->slot_count = slots;
	return log;
}

void
ebpf_tracelog_destroy(struct ebpf_tracelog *log)
{
	if (log)
		os_event_destroy(&log->event);
	os_free(log);
}

void
ebpf_tracelog_write(struct ebpf_tracelog *log, uint32_t prog_id,
		    const char *text, size_t len)
{
	uint64_t now = os_wall_time_ns();
	struct slot *slot;
	size_t i;

	/* A record is a line: the newline that C habit adds is no part of it. */
	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	os_spin_lock(&log->lock);
	log->last++;
	slot = &log->slots[log->last % log->slot_count];
	slot->record.time_ns = now;
	slot->record.prog_id = prog_id;
	slot->record.cpu = os_cpu_id();
	slot->record.len = (uint32_t)len;
	slot->record.pad = 0;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		slot->text[i] = c < 0x20 || c == 0x7f ? '?' : text[i];
	}
	os_spin_unlock(&log->lock);
	os_event_signal(&log->event);
}

uint64_t
ebpf_tracelog_last(struct ebpf_tracelog *log)
{
	uint64_t last;

	os_spin_lock(&log->lock);
	last = log->last;
	os_spin_unlock(&log->lock);
	return last;
}

size_t
ebpf_tracelog_read(struct ebpf_tracelog *log, uint32_t prog_id, uint64_t *next,
		   uint64_t *lost, uint32_t *count, uint8_t *out, size_t room)
{
	uint64_t at = *next;
	size_t used = 0, need;
	struct slot *slot;
	bool more = true;

	/* The lock is taken for each line, so writers never wait for long. */
	while (more) {
		os_spin_lock(&log->lock);
		if (at > log->last)
			at = 0; /* a position of another log: all is new */
		if (log->last - at > log->slot_count) {
			*lost += log->last - at - log->slot_count;
			at = log->last - log->slot_count;
		}
		slot = &log->slots[(at + 1) % log->slot_count];
		need = sizeof(slot->record) + slot->record.len;
		if (at == log->last) {
			more = false;
		} else if (prog_id && slot->record.prog_id != prog_id) {
			at++;
		} else if (room - used < need) {
			more = false;
		} else {
			memcpy(out + used, &slot->record,
			       sizeof(slot->record));
			memcpy(out + used + sizeof(slot->record), slot->text,
			       slot->record.len);
			used += need;
			(*count)++;
			at++;
		}
		os_spin_unlock(&log->lock);
	}
	*next = at;
	return used;
}
