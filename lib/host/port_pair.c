/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * pair:NAME: two ports of one NAME, on one switch or two, are connected in
 * memory; one end may also be held by a test or a bench. Two rings of bytes,
 * each with one writer (the sending end, under its switch's move lock) and one
 * reader, who reads frames in place. A writer wakes a reader that has gone to
 * sleep, and only such a one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/os.h"
#include "host/vswitch_parts.h"

enum {
	RING_SIZE = 1 << 20, /* power of two */
	ALIGN = 16,	     /* of records */
	SKIP = 0xffffffff,   /* len of a record that fills the ring's end */
};

struct record { /* VALE_FRAME_ROOM, once it was read */
	uint32_t len; /* bytes of the frame that follows */
	uint32_t wire_len;
	uint64_t time_ns;
};

_Static_assert(sizeof(struct record) == VALE_FRAME_ROOM, "room for others");

/* From one end to the other. Positions only grow; offset = position mod size. */
struct ring {
	/* writer */
	uint64_t tail __attribute__((aligned(64))); /* not yet published */
	uint64_t head_seen;
	/* shared */
	uint64_t published __attribute__((aligned(64))); /* atomic */
	uint64_t head __attribute__((aligned(64)));	 /* atomic: consumed */
	uint32_t asleep; /* atomic: the reader waits for its eventfd */
	/* reader */
	uint64_t read __attribute__((aligned(64))); /* looked at */
	uint64_t published_seen;
	uint8_t *data;
	int event;
};

struct pair {
	struct pair *next; /* set->pairs_lock */
	bool taken[2];	   /* set->pairs_lock */
	uint32_t present[2]; /* atomic: somebody reads at this end */
	struct ring inbound[2];
	char name[EBPF_NAME_SIZE];
};

struct ebpf_pair_end {
	struct ebpf_vswitch *set;
	struct pair *pair;
	uint32_t side;
	uint64_t now_ns; /* of the frames since the last flush, 0: none yet */
	struct ring *in, *out;
};

/* ---- pairs ---- */

static void
pair_free(struct pair *pair)
{
	uint32_t i;

	for (i = 0; i < 2; i++) {
		if (pair->inbound[i].event >= 0)
			close(pair->inbound[i].event);
		free(pair->inbound[i].data);
	}
	free(pair);
}

static struct pair *
pair_make(const char *name)
{
	struct pair *pair;
	uint32_t i;
	bool whole = true;

	pair = aligned_alloc(64, (sizeof(*pair) + 63) & ~(size_t)63);
	if (!pair)
		return NULL;
	memset(pair, 0, sizeof(*pair));
	snprintf(pair->name, sizeof(pair->name), "%s", name);
	for (i = 0; i < 2; i++) {
		pair->inbound[i].event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		pair->inbound[i].data = aligned_alloc(64, RING_SIZE);
		whole &= pair->inbound[i].event >= 0 && pair->inbound[i].data;
	}
	if (whole)
		return pair;
	pair_free(pair);
	return NULL;
}

static void
drain_event(struct ring *ring)
{
	uint64_t count;

	while (read(ring->event, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static void
wake(struct ring *ring)
{
	uint64_t one = 1;

	while (write(ring->event, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

int
ebpf_pair_open(struct ebpf_vswitch *set, const char *name,
	       struct ebpf_pair_end **result)
{
	struct ebpf_pair_end *end;
	struct pair *pair;
	struct ring *in;
	int error = 0;

	if (!*name || strlen(name) >= EBPF_NAME_SIZE)
		return -EBPF_EINVAL;
	end = calloc(1, sizeof(*end));
	if (!end)
		return -EBPF_ENOMEM;
	pthread_mutex_lock(&set->pairs_lock);
	for (pair = set->pairs; pair; pair = pair->next)
		if (!strcmp(pair->name, name))
			break;
	if (!pair) {
		pair = pair_make(name);
		if (pair) {
			pair->next = set->pairs;
			set->pairs = pair;
		}
	}
	if (!pair)
		error = -EBPF_ENOMEM;
	else if (pair->taken[0] && pair->taken[1])
		error = -EBPF_EBUSY;
	if (error) {
		pthread_mutex_unlock(&set->pairs_lock);
		free(end);
		return error;
	}
	end->set = set;
	end->pair = pair;
	end->side = pair->taken[0];
	end->in = &pair->inbound[end->side];
	end->out = &pair->inbound[!end->side];
	/* What was sent to an earlier holder of this end is not for us. */
	in = end->in;
	in->read = in->published_seen = os_load_acquire(&in->published);
	os_store_release(&in->head, in->read);
	os_store(&in->asleep, 1);
	drain_event(in);
	pair->taken[end->side] = true;
	os_store_release(&pair->present[end->side], 1);
	pthread_mutex_unlock(&set->pairs_lock);
	*result = end;
	return 0;
}

void
ebpf_pair_close(struct ebpf_pair_end *end)
{
	struct pair **at, *pair;

	if (!end)
		return;
	pair = end->pair;
	pthread_mutex_lock(&end->set->pairs_lock);
	os_store_release(&pair->present[end->side], 0);
	pair->taken[end->side] = false;
	if (!pair->taken[0] && !pair->taken[1]) {
		for (at = &end->set->pairs; *at != pair; at = &(*at)->next)
			;
		*at = pair->next;
		pair_free(pair);
	}
	pthread_mutex_unlock(&end->set->pairs_lock);
	free(end);
}

/* ---- writing ---- */

static bool
put(struct ebpf_pair_end *end, const void *data, uint32_t len,
    uint32_t wire_len, uint64_t time_ns)
{
	struct ring *ring = end->out;
	struct record record = {
		.len = len,
		.wire_len = wire_len,
		.time_ns = time_ns,
	};
	struct record skip = { .len = SKIP };
	uint64_t tail = ring->tail, need;
	uint32_t offset = (uint32_t)(tail & (RING_SIZE - 1));
	uint32_t size = (uint32_t)((sizeof(record) + len + ALIGN - 1) &
				   ~(ALIGN - 1u));

	if (!os_load_acquire(&end->pair->present[!end->side]))
		return false;
	need = size;
	if (RING_SIZE - offset < size) /* frames lie in one piece */
		need += RING_SIZE - offset;
	if (tail + need - ring->head_seen > RING_SIZE) {
		ring->head_seen = os_load_acquire(&ring->head);
		if (tail + need - ring->head_seen > RING_SIZE)
			return false;
	}
	if (need != size) {
		memcpy(ring->data + offset, &skip, sizeof(skip));
		tail += RING_SIZE - offset;
		offset = 0;
	}
	memcpy(ring->data + offset, &record, sizeof(record));
	memcpy(ring->data + offset + sizeof(record), data, len);
	ring->tail = tail + size;
	return true;
}

bool
ebpf_pair_put(struct ebpf_pair_end *end, const void *data, uint32_t len)
{
	if (len < VALE_FRAME_MIN || len > VALE_FRAME_MAX)
		return false;
	if (!end->now_ns)
		end->now_ns = os_wall_time_ns();
	return put(end, data, len, len, end->now_ns);
}

void
ebpf_pair_flush(struct ebpf_pair_end *end)
{
	struct ring *ring = end->out;
	uint32_t asleep = 1;

	end->now_ns = 0;
	/*
	 * Against the reader's "asleep = 1, then look again": one of the two
	 * sees the other's store. Both are read-modify-writes or followed by
	 * one, so the order holds.
	 */
	__atomic_store_n(&ring->published, ring->tail, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->asleep, __ATOMIC_SEQ_CST) &&
	    os_cas(&ring->asleep, &asleep, 0))
		wake(ring);
}

/* ---- reading ---- */

/* The next record that has not been looked at; NULL: none. */
static struct record *
next_record(struct ring *ring)
{
	struct record *record;

	for (;;) {
		if (ring->read == ring->published_seen) {
			ring->published_seen =
				os_load_acquire(&ring->published);
			if (ring->read == ring->published_seen)
				return NULL;
		}
		record = (struct record *)(ring->data +
					   (ring->read & (RING_SIZE - 1)));
		if (record->len != SKIP)
			return record;
		ring->read += RING_SIZE - (ring->read & (RING_SIZE - 1));
	}
}

static void
pass(struct ring *ring, const struct record *record)
{
	ring->read += (sizeof(*record) + record->len + ALIGN - 1) &
		      ~(uint64_t)(ALIGN - 1);
}

const void *
ebpf_pair_peek(struct ebpf_pair_end *end, uint32_t *len)
{
	struct record *record = next_record(end->in);

	if (!record)
		return NULL;
	*len = record->len;
	return record + 1;
}

void
ebpf_pair_next(struct ebpf_pair_end *end)
{
	struct record *record = next_record(end->in);

	if (!record)
		return;
	pass(end->in, record);
	os_store_release(&end->in->head, end->in->read);
}

/* ---- the port ---- */

static int
pair_port_open(struct vale_port *port, const char *argument, char *why,
	       size_t why_size)
{
	struct ebpf_pair_end *end;
	int error = ebpf_pair_open(port->set, argument, &end);

	if (error == -EBPF_EBUSY)
		snprintf(why, why_size, "pair '%s' has both its ends already",
			 argument);
	else if (error == -EBPF_EINVAL)
		snprintf(why, why_size, "a pair's name has 1 to %d bytes",
			 EBPF_NAME_SIZE - 1);
	if (error)
		return error;
	port->state = end;
	return 0;
}

static void
pair_port_close(struct vale_port *port)
{
	ebpf_pair_close(port->state);
}

static void
pair_port_name(const char *argument, char name[EBPF_NAME_SIZE])
{
	snprintf(name, EBPF_NAME_SIZE, "%s", argument);
}

static int
pair_port_fd(struct vale_port *port)
{
	struct ebpf_pair_end *end = port->state;

	return end->in->event;
}

static void
pair_port_send(struct vale_port *port, const struct vale_burst *burst,
	       const uint8_t *index, uint32_t count)
{
	struct ebpf_pair_end *end = port->state;
	const struct ebpf_frame *frame;
	uint64_t bytes = 0;
	uint32_t i, sent = 0;

	for (i = 0; i < count; i++) {
		frame = &burst->frames[index[i]];
		if (!put(end, frame->data, frame->len,
			 burst->wire_len[index[i]], burst->time_ns[index[i]]))
			continue;
		sent++;
		bytes += frame->len;
	}
	port->info.tx_frames += sent;
	port->info.tx_bytes += bytes;
	port->info.tx_drops += count - sent;
	if (sent)
		ebpf_pair_flush(end);
}

static void
pair_port_receive(struct vale_port *port, struct vale_burst *burst,
		  uint8_t *slots)
{
	struct ebpf_pair_end *end = port->state;
	struct ring *ring = end->in;
	struct ebpf_frame *frame;
	struct record *record;

	burst->unfinished = false;
	while (burst->count < VALE_BURST) {
		record = next_record(ring);
		if (!record)
			break;
		frame = &burst->frames[burst->count];
		frame->data = (uint8_t *)(record + 1);
		frame->len = record->len;
		frame->port = (uint16_t)port->index;
		frame->ring_nr = 0;
		frame->verdict = EBPF_VALE_DROP;
		burst->time_ns[burst->count] = record->time_ns;
		burst->wire_len[burst->count] = record->wire_len;
		burst->count++;
		pass(ring, record);
	}
	if (burst->count == VALE_BURST)
		return;
	/* Empty: go to sleep, unless something came just now. */
	drain_event(ring);
	__atomic_store_n(&ring->asleep, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->published, __ATOMIC_SEQ_CST) !=
	    ring->published_seen) {
		os_store(&ring->asleep, 0);
		wake(ring);
	}
}

static void
pair_port_release(struct vale_port *port)
{
	struct ebpf_pair_end *end = port->state;

	os_store_release(&end->in->head, end->in->read);
}

const struct vale_port_ops vale_port_pair = {
	.kind = "pair",
	.open = pair_port_open,
	.close = pair_port_close,
	.name = pair_port_name,
	.send = pair_port_send,
	.fd = pair_port_fd,
	.receive = pair_port_receive,
	.release = pair_port_release,
};
