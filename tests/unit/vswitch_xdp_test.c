/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Short frames by AF_XDP: through a port that has that, many of them, when the
 * interface is down, when it takes less than others; the sender alone; and when
 * a queue is full, with a kernel that is made up. Root only but for that.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/os.h"
#include "host/xdp_sender.h"
#include "tap.h"
#include "wire_lab.h"

/* So many short ones, some after each other. How many were wrong. */
static uint32_t
short_ones(uint32_t count)
{
	static uint8_t frame[2048], got[65536];
	uint32_t i, number, len, wrong = 0;

	for (i = 0; i < count; i++) {
		len = 60 + i % 500;
		wire_frame(frame, len, WIRE_TYPE, i);
		wrong += !ebpf_pair_put(wire_pair, frame, len);
		if (i % 200 == 199 || i + 1 == count)
			ebpf_pair_flush(wire_pair);
	}
	for (i = 0; i < count && !wrong; i++) {
		len = wire_receive(got);
		memcpy(&number, got + 14, sizeof(number));
		wire_frame(frame, 60 + i % 500, WIRE_TYPE, i);
		wrong += number != i || len != 60 + i % 500 ||
			 memcmp(got, frame, len);
	}
	return wrong;
}

static void
test_xdp(void)
{
	uint64_t stop = wire_deadline(), before = wire_drops();
	struct ebpf_rep_port_info info;
	static uint8_t frame[60];
	struct xdp_sender other;
	char spec[32], why[256] = "";

	tap_ok(short_ones(450) == 0, "short ones, more than fit at a time");
	tap_ok(short_ones(450) == 0, "and again, in the same memory");
	tap_ok(xdp_sender_open(&other, if_nametoindex(wire_name), 1500) ==
			       EBUSY &&
		       other.fd < 0,
	       "the queue is the port's");
	snprintf(spec, sizeof(spec), "if:%s,xdp", wire_name);
	TAP_CHECK(ebpf_vswitch_ops.port_add(wire_set, "vale0", "other", spec,
					    &info, why, sizeof(why)) != 0);
	tap_ok(strstr(why, "another AF_XDP socket") != NULL, "%s", why);

	TAP_CHECK(wire_up(false));
	wire_frame(frame, 60, WIRE_TYPE, 1);
	TAP_CHECK(ebpf_pair_put(wire_pair, frame, 60));
	ebpf_pair_flush(wire_pair);
	while (wire_drops() == before && os_time_ns() < stop)
		wire_nap();
	tap_ok(wire_drops() == before + 1, "down, it drops and counts");
	TAP_CHECK(wire_up(true));
	tap_ok(short_ones(100) == 0, "up again, it sends, and nothing old");
}

static void
test_sender(void)
{
	static uint8_t frame[60], got[65536];
	unsigned int index = if_nametoindex(wire_name);
	struct xdp_sender sender;
	uint32_t i, number, wrong = 0;
	int error;

	/* what a closed one had is given back a little later */
	while ((error = xdp_sender_open(&sender, index, 1500)) == EBUSY)
		wire_nap();
	if (error) {
		tap_ok(false, "a sender alone: %s", strerror(error));
		return;
	}
	TAP_CHECK(xdp_sender_room(&sender) == XDP_SENDER_FRAMES);
	for (i = 0; i < XDP_SENDER_FRAMES; i++) {
		wire_frame(frame, 60, WIRE_TYPE, i);
		xdp_sender_put(&sender, frame, 60);
	}
	TAP_CHECK(xdp_sender_room(&sender) == 0);
	tap_ok(xdp_sender_flush(&sender) == 0, "all that fits, at once");
	for (i = 0; i < XDP_SENDER_FRAMES && !wrong; i++) {
		wrong += wire_receive(got) != 60;
		memcpy(&number, got + 14, sizeof(number));
		wrong += number != i;
	}
	tap_ok(!wrong && xdp_sender_room(&sender) == XDP_SENDER_FRAMES,
	       "they come in order, and there is room again (%u)", i);
	TAP_CHECK(wire_up(false));
	xdp_sender_put(&sender, frame, 60);
	tap_ok(xdp_sender_flush(&sender) == 1, "down, it says what is left");
	xdp_sender_close(&sender);
	TAP_CHECK(wire_up(true));
	tap_ok(xdp_sender_open(&sender, 0x7fffffff, 1500) != 0 &&
		       sender.fd < 0,
	       "no such interface");
	xdp_sender_close(&sender);
}

/* What the interface does not take does not go past it either. */
static void
test_small_mtu(void)
{
	uint64_t stop = wire_deadline();
	static uint8_t frame[512], got[65536];
	static const uint32_t lens[] = { 114, 115, 512, 60 };
	uint32_t i, number = 9;

	for (i = 0; i < 4; i++) {
		wire_frame(frame, lens[i], WIRE_TYPE, i);
		TAP_CHECK(ebpf_pair_put(wire_pair, frame, lens[i]));
		ebpf_pair_flush(wire_pair);
	}
	tap_ok(wire_receive(got) == 114, "as long as the MTU allows");
	if (wire_receive(got) == 60)
		memcpy(&number, got + 14, sizeof(number));
	while (wire_drops() < 2 && os_time_ns() < stop)
		wire_nap();
	tap_ok(number == 3 && wire_drops() == 2, "what is longer is dropped");
}

enum { CALLS_ONE = 6, CALLS_ALL = 9 };

/* A queue with places for one frame at call 6, and for all at call 9. */
struct full_queue {
	struct xdp_sender sender;
	uint32_t producer, consumer;
	int kernel;
};

static void *
full_queue_serve(void *cookie)
{
	struct full_queue *queue = cookie;
	uint32_t calls = 0;
	char none;

	while (recv(queue->kernel, &none, 1, 0) == 0 && ++calls < CALLS_ALL)
		if (calls == CALLS_ONE)
			os_store_release(&queue->consumer, 1);
	os_store_release(&queue->consumer, 3);
	return NULL;
}

static void
full_queue_make(struct full_queue *queue, uint64_t patience_ns)
{
	int ends[2];

	memset(queue, 0, sizeof(*queue));
	TAP_CHECK(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
	queue->sender.fd = ends[0];
	queue->kernel = ends[1];
	queue->sender.sent_producer = &queue->producer;
	queue->sender.sent_consumer = &queue->consumer;
	queue->sender.patience_ns = patience_ns;
	queue->sender.put = 3;
}

static void
test_full_queue(void)
{
	static struct full_queue queue;
	pthread_t thread;

	full_queue_make(&queue, 60000000000);
	TAP_CHECK(!pthread_create(&thread, NULL, full_queue_serve, &queue));
	tap_ok(xdp_sender_flush(&queue.sender) == 0 && queue.producer == 3,
	       "it waits for places in a full queue");
	pthread_join(thread, NULL);
	close(queue.sender.fd);
	close(queue.kernel);

	full_queue_make(&queue, 0);
	tap_ok(xdp_sender_flush(&queue.sender) == 3, "but not for ever");
	queue.sender.patience_ns = 60000000000;
	close(queue.kernel);
	tap_ok(xdp_sender_flush(&queue.sender) == 3,
	       "and not for what will never come");
	close(queue.sender.fd);
}

int
main(void)
{
	int fd;

	test_full_queue();
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		close(fd);
	if (fd < 0 || !wire_make()) {
		tap_skip("needs root, /dev/net/tun and AF_XDP",
			 "frames by AF_XDP");
		return tap_done();
	}
	if (wire_switch_open(",xdp")) {
		test_xdp();
		wire_switch_close();
	}
	TAP_CHECK(wire_mtu(100));
	if (wire_switch_open(",xdp")) {
		test_small_mtu();
		wire_switch_close();
	}
	TAP_CHECK(wire_mtu(1500));
	test_sender();
	wire_remove();
	return tap_done();
}
