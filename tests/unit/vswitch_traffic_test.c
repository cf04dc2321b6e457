/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The userspace switch under traffic: its program is replaced and its ports
 * come and go while frames move, and not one frame is lost, twice, misplaced or
 * out of order that should not be.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "core/link.h"
#include "switch_lab.h"

enum {
	REPLACES = 10000,
	WINDOW = 256, /* frames on their way, so that no ring is ever full */
	FRAMES_A_REPLACE = 10,
};

struct traffic {
	struct ebpf_pair_end *from;
	uint32_t stop;	    /* atomic: no more frames, please */
	uint32_t done;	    /* atomic: the last frame was sent */
	uint32_t sent;	    /* atomic */
	uint32_t received;  /* atomic */
	struct ebpf_pair_end *to[2];
	uint32_t to_count;
	uint32_t misplaced; /* receiver only: twice, or out of order */
	uint32_t by_port[2];
};

static void *
sender_main(void *cookie)
{
	struct traffic *t = cookie;
	uint8_t frame[FRAME];
	uint32_t number = 0, burst;

	while (!os_load_acquire(&t->stop)) {
		for (burst = 0; burst < 32; burst++) {
			if (number - os_load_acquire(&t->received) >= WINDOW)
				break;
			frame_make(frame, 0x20, 0x10, number);
			if (!ebpf_pair_put(t->from, frame, FRAME))
				break;
			number++;
		}
		ebpf_pair_flush(t->from);
		os_store_release(&t->sent, number);
		if (burst < 32)
			sched_yield();
	}
	return NULL;
}

static void *
receiver_main(void *cookie)
{
	struct traffic *t = cookie;
	uint32_t i, len, total = 0;
	int64_t last[2] = { -1, -1 };
	const uint8_t *frame;
	uint64_t idle = os_time_ns();
	bool some;

	for (;;) {
		some = false;
		for (i = 0; i < t->to_count; i++) {
			while ((frame = ebpf_pair_peek(t->to[i], &len))) {
				t->misplaced += number_of(frame) <= last[i];
				last[i] = number_of(frame);
				t->by_port[i]++;
				total++;
				ebpf_pair_next(t->to[i]);
				some = true;
			}
		}
		os_store_release(&t->received, total);
		if (some) {
			idle = os_time_ns();
			continue;
		}
		if (os_load_acquire(&t->done) &&
		    total >= os_load_acquire(&t->sent))
			break;
		if (os_time_ns() - idle > 5000000000ull)
			break; /* something was lost */
		sched_yield();
	}
	return NULL;
}

/* The receiver counts until it has all that the sender sent in the end. */
static void
traffic_end(struct traffic *t, pthread_t sender, pthread_t receiver)
{
	os_store_release(&t->stop, 1);
	pthread_join(sender, NULL);
	os_store_release(&t->done, 1);
	pthread_join(receiver, NULL);
}

/* Each frame goes to exactly one of two ports, whichever program decides. */
static void
test_replace(void)
{
	struct ebpf_prog *progs[2];
	struct traffic t = { 0 };
	struct ebpf_link *link = NULL, *next;
	pthread_t sender, receiver;
	uint32_t i, refused_count = 0;
	uint64_t start;

	three(3);
	progs[0] = verdict_prog(1);
	progs[1] = verdict_prog(2);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", progs[0], false,
				   0, &link) == 0);
	t.from = ends[0];
	t.to[0] = ends[1];
	t.to[1] = ends[2];
	t.to_count = 2;
	start = os_time_ns();
	pthread_create(&receiver, NULL, receiver_main, &t);
	pthread_create(&sender, NULL, sender_main, &t);
	for (i = 0; i < REPLACES; i++) {
		/* The flow keeps pace, or there would be nothing to disturb. */
		while (os_load_acquire(&t.received) <
			       i * FRAMES_A_REPLACE &&
		       os_time_ns() - start < 20000000000ull)
			sched_yield();
		if (i % 100) {
			refused_count +=
				ebpf_link_update(link, progs[chance(2)],
						 NULL) != 0;
			continue;
		}
		/* by another link, too */
		if (ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0",
				     progs[chance(2)], true, 0, &next)) {
			refused_count++;
			continue;
		}
		ebpf_object_put(&link->obj);
		link = next;
	}
	traffic_end(&t, sender, receiver);
	tap_ok(refused_count == 0, "%u replaces in %llu ms", i,
	       (unsigned long long)(os_time_ns() - start) / 1000000);
	tap_ok(t.received == t.sent && t.sent >= REPLACES,
	       "%u frames sent, %u received", t.sent, t.received);
	tap_ok(t.misplaced == 0, "none twice or out of order (%u)",
	       t.misplaced);
	tap_ok(t.by_port[0] && t.by_port[1], "both programs decided: %u, %u",
	       t.by_port[0], t.by_port[1]);
	TAP_CHECK(port_info("vale0", 1)->tx_drops == 0 &&
		  port_info("vale0", 2)->tx_drops == 0);
	TAP_CHECK(switch_info("vale0")->frames == t.sent &&
		  info.verdicts.port == t.sent);
	ebpf_link_detach(link);
	ebpf_object_put(&link->obj);
	ebpf_prog_put(progs[0]);
	ebpf_prog_put(progs[1]);
	three_end(3);
}

/* Other ports come and go, switches too; one flow must not notice. */
static void
test_ports_under_traffic(void)
{
	struct ebpf_prog *prog;
	struct ebpf_link *link = NULL;
	struct traffic t = { 0 };
	pthread_t sender, receiver;
	uint32_t i, index, failed = 0;
	char name[32];

	fclose(capture_create(path("in0.pcap"), false, 1));
	three(2);
	prog = verdict_prog(1);
	ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0, &link);
	t.from = ends[0];
	t.to[0] = ends[1];
	t.to_count = 1;
	pthread_create(&receiver, NULL, receiver_main, &t);
	pthread_create(&sender, NULL, sender_main, &t);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "pair:extra%u", i % 7);
		failed += add("vale0", "", name) != 0;
		index = port.index;
		failed += add("vale0", "", name) != 0;
		failed += add("vale0", "", spec(path("in0.pcap"),
						path("x.pcap"))) != 0;
		failed += ops->port_del(set, "vale0", port.index, "") != 0;
		failed += ops->port_del(set, "vale0", index, "") != 0;
		failed += ops->port_del(set, "vale0", index + 1, "") != 0;
		failed += switch_info("vale0")->port_count != 2;
		if (i % 10 == 0) {
			failed += ops->create(set, "vale1", 0) != 0;
			failed += add("vale1", "", "pair:y") != 0;
			failed += ops->destroy(set, "vale1") != 0;
		}
	}
	traffic_end(&t, sender, receiver);
	tap_ok(failed == 0, "ports come and go (%u failed)", failed);
	tap_ok(t.received == t.sent && t.sent > 0 && !t.misplaced,
	       "%u frames sent, %u received, %u misplaced", t.sent, t.received,
	       t.misplaced);
	ebpf_link_detach(link);
	ebpf_object_put(&link->obj);
	ebpf_prog_put(prog);
	three_end(2);
}

int
main(void)
{
	folder_make();
	test_replace();
	test_ports_under_traffic();
	folder_remove();
	return tap_done();
}
