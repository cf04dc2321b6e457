/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Replay: the captures of a switch, merged by time stamp (ties: the lower port
 * index), as fast as the switch goes. One thread, so that the same captures
 * and the same program always give the same output. A capture that breaks off
 * ends like one that ends; the port remembers why.
 */
#include <stdlib.h>
#include <string.h>

#include "core/os.h"
#include "host/vswitch_parts.h"

enum {
	ARENA_SIZE = VALE_BURST * (VALE_FRAME_MAX + 64 + VALE_FRAME_ROOM),
};

/* The port whose next frame is the earliest; NULL: all are at their end. */
static struct vale_port *
earliest(struct vale *vale, uint64_t *time_ns, uint32_t *len)
{
	struct vale_port *port, *best = NULL;
	uint64_t when;
	uint32_t i, bytes;

	for (i = 0; i < vale->port_top; i++) {
		port = vale->ports[i];
		if (!port || !port->ops->peek || !port->played)
			continue;
		if (!port->ops->peek(port, &when, &bytes))
			continue;
		if (best && when >= *time_ns)
			continue;
		best = port;
		*time_ns = when;
		*len = bytes;
	}
	return best;
}

/* Programs write into frames, so they are copied, packed for the cache. */
static void
fill(struct vale *vale, struct vale_burst *burst, uint8_t *arena)
{
	struct ebpf_frame *frame;
	struct vale_port *port;
	uint64_t time_ns = 0;
	uint32_t len = 0;
	size_t used = 0;

	burst->count = 0;
	burst->unfinished = false;
	while (burst->count < VALE_BURST) {
		port = earliest(vale, &time_ns, &len);
		if (!port)
			break;
		frame = &burst->frames[burst->count];
		frame->data = arena + used + VALE_FRAME_ROOM;
		frame->len = len;
		frame->port = (uint16_t)port->index;
		frame->ring_nr = 0;
		frame->verdict = EBPF_VALE_DROP;
		burst->time_ns[burst->count] = time_ns;
		port->ops->take(port, frame->data,
				&burst->wire_len[burst->count]);
		used += (VALE_FRAME_ROOM + len + 63u) & ~63u;
		burst->count++;
	}
}

static void
flush(struct vale *vale)
{
	struct vale_port *port;
	uint32_t i;

	for (i = 0; i < vale->port_top; i++) {
		port = vale->ports[i];
		if (port && port->ops->flush)
			port->ops->flush(port);
	}
}

static void *
replay_main(void *cookie)
{
	struct vale *vale = cookie;
	struct vale_burst burst;
	struct vale_port *port;
	uint8_t *arena;
	uint32_t i;
	bool more = true;

	arena = malloc(ARENA_SIZE);
	while (arena && more && !os_load_acquire(&vale->stop)) {
		vale_move_lock(vale);
		fill(vale, &burst, arena);
		vale_forward(vale, &burst);
		more = burst.count > 0;
		vale_move_unlock(vale);
	}
	vale_control_lock(vale);
	for (i = 0; i < vale->port_top && more; i++) {
		port = vale->ports[i];
		if (port && port->ops->peek && port->played)
			vale_port_fail(port,
				       arena ? -EBPF_ECANCELED : -EBPF_ENOMEM,
				       "replay was broken off: %s",
				       arena ? "the switch was stopped" :
					       "out of memory");
	}
	flush(vale);
	os_store_release(&vale->replaying, 0);
	vale_move_unlock(vale);
	free(arena);

	pthread_mutex_lock(&vale->lock);
	vale->replay = VALE_REPLAY_ENDED;
	pthread_cond_broadcast(&vale->changed);
	pthread_mutex_unlock(&vale->lock);
	return NULL;
}

int
vale_replay_start(struct vale *vale)
{
	struct vale_port *port;
	bool nano = false;
	uint32_t i, fresh = 0;
	int error;

	if (vale->replay == VALE_REPLAY_RUNNING)
		return 0;
	for (i = 0; i < vale->port_top; i++) {
		port = vale->ports[i];
		if (!port || !port->ops->peek)
			continue;
		fresh += !port->played;
		nano |= port->ops->wants_nano(port);
	}
	if (!fresh)
		return 0;
	if (vale->replay_thread_made) /* it has ended: nothing is held up */
		pthread_join(vale->replay_thread, NULL);
	vale->replay_thread_made = false;

	vale_control_lock(vale);
	for (i = 0; i < vale->port_top; i++) {
		port = vale->ports[i];
		if (!port || !port->ops->peek || port->played)
			continue;
		port->ops->start(port, nano);
		port->played = true;
	}
	os_store_release(&vale->replaying, 1);
	vale_move_unlock(vale);

	error = vale_thread(&vale->replay_thread, replay_main, vale);
	if (error) {
		vale_control_lock(vale);
		os_store_release(&vale->replaying, 0);
		for (i = 0; i < vale->port_top; i++)
			if (vale->ports[i] && vale->ports[i]->ops->peek)
				vale->ports[i]->played = false;
		vale_move_unlock(vale);
		return error;
	}
	vale->replay_thread_made = true;
	vale->replay = VALE_REPLAY_RUNNING;
	return 0;
}
