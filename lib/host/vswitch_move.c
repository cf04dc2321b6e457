/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The data path: one burst is decided as a whole, then handed out per
 * destination, in order. And the thread that takes bursts from live ports.
 * Decides nothing itself (switch/bridge.h does) and knows no kind of port.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/ebpf.h"
#include "core/os.h"
#include "host/pace.h"
#include "host/vswitch_parts.h"

enum {
	POLL_EVENTS = 64,
	POLL_BURSTS = 16, /* of one port before the next gets its turn */
	NONE = 0xff,
};

void
vale_move_lock(struct vale *vale)
{
	while (os_unlikely(os_load(&vale->wanted)))
		sched_yield();
	pthread_mutex_lock(&vale->move);
}

void
vale_control_lock(struct vale *vale)
{
	os_add(&vale->wanted, 1);
	pthread_mutex_lock(&vale->move);
	os_sub(&vale->wanted, 1);
}

void
vale_move_unlock(struct vale *vale)
{
	pthread_mutex_unlock(&vale->move);
}

static void
counts_add(struct ebpf_verdict_counts *to,
	   const struct ebpf_verdict_counts *more)
{
	to->port += more->port;
	to->broadcast += more->broadcast;
	to->drop += more->drop;
	to->invalid += more->invalid;
	to->learned += more->learned;
	to->no_port += more->no_port;
	to->reflected += more->reflected;
}

/* Decide for all frames; each ingress port is told about its own. */
static void
decide(struct vale *vale, struct vale_burst *burst)
{
	struct ebpf_verdict_counts counts;
	struct ebpf_section section;
	struct vale_port *port;
	uint32_t i, j, bytes;

	ebpf_section_enter(&section);
	for (i = 0; i < burst->count; i = j) {
		port = vale->ports[burst->frames[i].port];
		bytes = 0;
		for (j = i; j < burst->count &&
			    burst->frames[j].port == port->index; j++)
			bytes += burst->frames[j].len;
		memset(&counts, 0, sizeof(counts));
		ebpf_bridge_decide(vale->bridge, &burst->frames[i], j - i,
				   &counts);
		counts_add(&port->info.verdicts, &counts);
		counts_add(&vale->verdicts, &counts);
		port->info.rx_frames += j - i;
		port->info.rx_bytes += bytes;
		vale->frames += j - i;
		vale->bytes += bytes;
	}
	ebpf_section_leave(&section);
}

/* Frames for one destination: a list through next[], head NONE when empty. */
struct queues {
	uint8_t head[EBPF_VALE_PORT_MAX], tail[EBPF_VALE_PORT_MAX];
	uint8_t next[VALE_BURST];
	uint8_t targets[VALE_BURST]; /* those with frames, in order of first */
	uint8_t broadcast[VALE_BURST];
	uint32_t target_count, broadcast_count;
};

static void
sort(struct vale *vale, const struct vale_burst *burst, struct queues *q)
{
	struct vale_port *from;
	uint32_t i, to;

	q->target_count = 0;
	q->broadcast_count = 0;
	memset(q->head, NONE, vale->port_top);
	for (i = 0; i < burst->count; i++) {
		to = burst->frames[i].verdict;
		if (to == EBPF_VALE_DROP)
			continue;
		if (to == EBPF_VALE_BROADCAST) {
			q->broadcast[q->broadcast_count++] = (uint8_t)i;
			continue;
		}
		if (os_unlikely(to >= vale->port_top || !vale->ports[to])) {
			from = vale->ports[burst->frames[i].port];
			from->info.verdicts.no_port++;
			vale->verdicts.no_port++;
			continue;
		}
		if (os_unlikely(to == burst->frames[i].port)) {
			vale->ports[to]->info.verdicts.reflected++;
			vale->verdicts.reflected++;
			continue;
		}
		q->next[i] = NONE;
		if (q->head[to] == NONE) {
			q->head[to] = (uint8_t)i;
			q->targets[q->target_count++] = (uint8_t)to;
		} else {
			q->next[q->tail[to]] = (uint8_t)i;
		}
		q->tail[to] = (uint8_t)i;
	}
}

/* What goes to port `to`: its own frames and the broadcasts, as they came. */
static uint32_t
gather(const struct vale_burst *burst, const struct queues *q, uint32_t to,
       uint8_t *index)
{
	uint32_t own = q->head[to], b = 0, n = 0, i;

	while (own != NONE || b < q->broadcast_count) {
		if (own == NONE || (b < q->broadcast_count &&
				    q->broadcast[b] < own)) {
			i = q->broadcast[b++];
			if (burst->frames[i].port != to)
				index[n++] = (uint8_t)i;
		} else {
			index[n++] = (uint8_t)own;
			own = q->next[own];
		}
	}
	return n;
}

/*
 * Most bursts are for one port: no lists then. NULL: this one is not, or needs
 * a closer look.
 */
static struct vale_port *
only_target(struct vale *vale, const struct vale_burst *burst)
{
	uint32_t to = burst->frames[0].verdict, other = 0, i;

	if (to >= vale->port_top)
		return NULL;
	for (i = 0; i < burst->count; i++)
		other |= (burst->frames[i].verdict ^ to) |
			 (burst->frames[i].port == to);
	return other ? NULL : vale->ports[to];
}

static inline void
send(struct vale_port *port, struct vale_burst *burst, const uint8_t *index,
     uint32_t count)
{
	if (os_unlikely(burst->unfinished && !port->takes_unfinished))
		vale_send_whole(port, burst, index, count);
	else
		port->ops->send(port, burst, index, count);
}

void
vale_forward(struct vale *vale, struct vale_burst *burst)
{
	uint8_t index[VALE_BURST];
	struct vale_port *port;
	struct queues q;
	uint32_t i, n;

	if (!burst->count)
		return;
	decide(vale, burst);
	port = only_target(vale, burst);
	if (port) {
		for (i = 0; i < burst->count; i++)
			index[i] = (uint8_t)i;
		send(port, burst, index, burst->count);
		return;
	}
	sort(vale, burst, &q);
	if (!q.broadcast_count) {
		for (i = 0; i < q.target_count; i++) {
			port = vale->ports[q.targets[i]];
			n = gather(burst, &q, q.targets[i], index);
			send(port, burst, index, n);
		}
		return;
	}
	for (i = 0; i < vale->port_top; i++) {
		port = vale->ports[i];
		if (!port)
			continue;
		n = gather(burst, &q, i, index);
		if (n)
			send(port, burst, index, n);
	}
}

/* What the poll thread has moved. */
struct moved {
	uint64_t frames, bytes;
};

/*
 * A port that is ready gets up to POLL_BURSTS bursts; the lock is given back
 * between bursts. The port may have gone between epoll's word and the lock:
 * index and serial tell. True: it may have more that epoll does not know of.
 */
static bool
serve(struct vale *vale, uint64_t which, struct vale_burst *burst,
      struct moved *moved)
{
	uint32_t index = (uint32_t)which, serial = (uint32_t)(which >> 32);
	struct vale_port *port;
	uint32_t i, got = VALE_BURST;
	uint64_t bytes;

	for (i = 0; i < POLL_BURSTS && got == VALE_BURST; i++) {
		vale_move_lock(vale);
		port = vale->ports[index];
		got = 0;
		if (port && port->serial == serial &&
		    !os_load(&vale->stop)) {
			burst->count = 0;
			port->ops->receive(port, burst, vale->slots);
			got = burst->count;
			bytes = vale->bytes;
			vale_forward(vale, burst);
			moved->frames += got;
			moved->bytes += vale->bytes - bytes;
			if (port->ops->release)
				port->ops->release(port);
		}
		vale_move_unlock(vale);
	}
	return got == VALE_BURST;
}

/* Ports that have more, each once. */
struct again {
	uint32_t count;
	uint64_t which[EBPF_VALE_PORT_MAX];
};

static void
again_add(struct again *again, uint64_t which)
{
	uint32_t i;

	for (i = 0; i < again->count; i++)
		if ((uint32_t)again->which[i] == (uint32_t)which)
			break;
	again->which[i] = which; /* the latest port of an index */
	if (i == again->count)
		again->count++;
}

void *
vale_poll_main(void *cookie)
{
	struct epoll_event events[POLL_EVENTS];
	struct again again = { .count = 0 };
	struct vale *vale = cookie;
	struct moved moved = { .frames = 0 };
	struct vale_burst burst;
	struct pace pace;
	uint32_t k, kept;
	int i, n;

	pace_begin(&pace);
	while (!os_load_acquire(&vale->stop)) {
		kept = again.count;
		again.count = 0;
		for (k = 0; k < kept; k++)
			if (serve(vale, again.which[k], &burst, &moved))
				again_add(&again, again.which[k]);
		pace_wait(&pace, os_time_ns());
		n = epoll_wait(vale->epoll, events, POLL_EVENTS,
			       again.count ? 0 : -1);
		if (n < 0 && errno != EINTR)
			break;
		if (!again.count && pace_woken(&pace, os_time_ns(), moved.frames,
					       moved.bytes))
			pace_pause();
		for (i = 0; i < n; i++)
			/* ~0: the kick; stop is looked at above */
			if (events[i].data.u64 != ~0ull &&
			    serve(vale, events[i].data.u64, &burst, &moved))
				again_add(&again, events[i].data.u64);
	}
	return NULL;
}
