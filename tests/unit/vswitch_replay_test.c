/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Replays through the userspace switch: against a model, in every format of
 * captures, with files that break off and disks that are full, mixed with other
 * ports, and stopped in the middle.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture.h"
#include "switch_lab.h"

enum {
	PORTS = 3,
	EACH = 3000,
	HOSTS = 6, /* two behind each port */
};

/* Captures of three ports, with many equal time stamps. */
static void
replay_inputs(bool nano)
{
	uint8_t frame[1500];
	uint64_t time_ns;
	uint32_t p, i, len;
	char name[16];
	FILE *file;

	for (p = 0; p < PORTS; p++) {
		snprintf(name, sizeof(name), "in%u.pcap", p);
		file = capture_create(path(name), nano, 1);
		time_ns = 1700000000ull * 1000000000;
		for (i = 0; i < EACH; i++) {
			memset(frame, (int)i, sizeof(frame));
			frame_make(frame,
				   chance(8) ? (uint8_t)(2 + 2 * chance(HOSTS)) :
					       0xff,
				   (uint8_t)(2 + 2 * (p * 2 + chance(2))), i);
			frame[18] = (uint8_t)p;
			len = FRAME + chance(sizeof(frame) - FRAME);
			time_ns += chance(3) * (nano ? 1 : 1000);
			capture_put(file, nano, time_ns, frame, len,
				    len + chance(2) * 100);
		}
		fclose(file);
	}
}

/* What a learning bridge must do with them, said as simply as possible. */
static uint32_t
replay_check(void)
{
	struct capture *in[PORTS], *out[PORTS];
	uint32_t at[PORTS] = { 0 }, seen[PORTS] = { 0 }, p, best, to, wrong = 0;
	const struct capture_frame *frame, *sent;
	int learned[256];
	char name[16];

	memset(learned, -1, sizeof(learned));
	for (p = 0; p < PORTS; p++) {
		snprintf(name, sizeof(name), "in%u.pcap", p);
		in[p] = capture_read(path(name));
		snprintf(name, sizeof(name), "out%u.pcap", p);
		out[p] = capture_read(path(name));
		if (!in[p] || !out[p])
			return ~0u;
		wrong += in[p]->nano != out[p]->nano || !out[p]->whole;
	}
	for (;;) {
		best = PORTS;
		for (p = 0; p < PORTS; p++)
			if (at[p] < in[p]->count &&
			    (best == PORTS ||
			     in[p]->frames[at[p]].time_ns <
				     in[best]->frames[at[best]].time_ns))
				best = p;
		if (best == PORTS)
			break;
		frame = &in[best]->frames[at[best]++];
		learned[frame->data[7]] = (int)best;
		to = frame->data[0] == 0xff || learned[frame->data[1]] < 0 ?
			     EBPF_VALE_BROADCAST :
			     (uint32_t)learned[frame->data[1]];
		for (p = 0; p < PORTS; p++) {
			if (p == best || (to != EBPF_VALE_BROADCAST && p != to))
				continue;
			sent = &out[p]->frames[seen[p]];
			if (seen[p]++ >= out[p]->count) {
				wrong++;
				continue;
			}
			wrong += sent->len != frame->len ||
				 sent->wire_len != frame->wire_len ||
				 sent->time_ns != frame->time_ns ||
				 memcmp(sent->data, frame->data, frame->len);
		}
	}
	for (p = 0; p < PORTS; p++) {
		wrong += seen[p] != out[p]->count;
		free(in[p]);
		free(out[p]);
	}
	return wrong;
}

static void
replay_ports(void)
{
	char in[16], out[16];
	uint32_t p;

	for (p = 0; p < PORTS; p++) {
		snprintf(in, sizeof(in), "in%u.pcap", p);
		snprintf(out, sizeof(out), "out%u.pcap", p);
		added("vale0", spec(path(in), path(out)));
	}
}

static void
test_replay(bool nano)
{
	uint32_t wrong, round, i;

	replay_inputs(nano);
	for (round = 0; round < 2; round++) {
		begin();
		ops->create(set, "vale0", 0);
		replay_ports();
		TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_IDLE);
		TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
		TAP_CHECK(info.state == EBPF_SWITCH_DONE && !info.error);
		TAP_CHECK(info.frames == PORTS * EACH);
		wrong = replay_check();
		tap_ok(wrong == 0, "%s replay is what a bridge does: %u wrong",
		       nano ? "nanosecond" : "microsecond", wrong);
		TAP_CHECK(info.verdicts.learned == PORTS * EACH);
		for (i = 0; i < PORTS; i++)
			TAP_CHECK(port_info("vale0", i)->rx_frames == EACH &&
				  !port.rx_drops && !port.tx_drops);
		TAP_CHECK(ops->start(set, "vale0", 1000, &info) == 0 &&
			  info.state == EBPF_SWITCH_DONE &&
			  info.frames == PORTS * EACH);
		end();
	}
}

/* A port that comes later waits for the next start. */
static void
test_replay_again(void)
{
	struct capture *out;
	uint32_t before;

	begin();
	ops->create(set, "vale0", 0);
	replay_ports();
	ops->start(set, "vale0", 60000, &info);
	before = (uint32_t)port_info("vale0", 0)->tx_frames;
	ops->port_del(set, "vale0", 2, "");
	added("vale0", spec(path("in2.pcap"), path("out2.pcap")));
	TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_IDLE);
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0 &&
		  info.state == EBPF_SWITCH_DONE);
	TAP_CHECK(info.frames == (PORTS + 1) * EACH);
	out = capture_read(path("out0.pcap"));
	TAP_CHECK(out && out->whole &&
		  out->count == port_info("vale0", 0)->tx_frames &&
		  out->count > before);
	free(out);
	end();
}

static void
test_formats(void)
{
	static uint8_t frame[70000];
	struct capture *out;
	uint32_t i;
	FILE *file;

	file = capture_create_ng(path("in.pcapng"));
	for (i = 0; i < 10; i++) {
		frame_make(frame, 0xff, 2, i);
		capture_put_ng(file, 1700000000123456789ull + i, frame,
			       FRAME + i);
	}
	fclose(file);
	file = capture_create(path("odd.pcap"), false, 1);
	frame_make(frame, 0xff, 4, 0);
	capture_put(file, false, 5000, frame, 13, 13);
	capture_put(file, false, 5000, frame, 14, 14);
	capture_put(file, false, 5000, frame, 65535, 65535);
	capture_put(file, false, 5000, frame, 65536, 65536);
	capture_put(file, false, 5000, frame, 0, 0);
	capture_put(file, false, 5000, frame, 40, 1514);
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("in.pcapng"), path("out0.pcap")));
	added("vale0", spec(path("odd.pcap"), path("out1.pcap")));
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0 &&
		  info.state == EBPF_SWITCH_DONE);
	out = capture_read(path("out1.pcap"));
	TAP_CHECK(out && out->nano && out->whole && out->count == 10);
	for (i = 0; out && i < out->count; i++)
		if (out->frames[i].time_ns != 1700000000123456789ull + i ||
		    out->frames[i].len != FRAME + i)
			break;
	tap_ok(i == 10, "pcapng keeps its nanoseconds");
	free(out);
	out = capture_read(path("out0.pcap"));
	TAP_CHECK(out && out->whole && out->count == 3);
	TAP_CHECK(out && out->frames[0].len == 14 &&
		  out->frames[1].len == 65535);
	tap_ok(out && out->frames[2].len == 40 &&
		       out->frames[2].wire_len == 1514,
	       "a frame captured in part is forwarded in part");
	free(out);
	TAP_CHECK(port_info("vale0", 1)->rx_drops == 3 && port.rx_frames == 3);
	end();
}

/* Input that breaks off: what came before is delivered, and it is told. */
static void
test_truncated(void)
{
	struct capture *out;
	uint8_t frame[FRAME];
	uint32_t i;
	FILE *file;

	file = capture_create(path("cut.pcap"), false, 1);
	for (i = 0; i < 100; i++) {
		frame_make(frame, 0xff, 2, i);
		capture_put(file, false, i * 1000, frame, FRAME, FRAME);
	}
	fclose(file);
	if (truncate(path("cut.pcap"), 24 + 99 * (16 + FRAME) + 30))
		tap_diag("truncate: %s", strerror(errno));
	file = capture_create(path("fine.pcap"), false, 1);
	for (i = 0; i < 200; i++) {
		frame_make(frame, 0xff, 4, i);
		capture_put(file, false, i * 1000, frame, FRAME, FRAME);
	}
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("fine.pcap"), path("out0.pcap")));
	added("vale0", spec(path("cut.pcap"), path("out1.pcap")));
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
	TAP_CHECK(info.state == EBPF_SWITCH_FAILED && info.error_port == 1 &&
		  info.error == -EBPF_EIO);
	tap_ok(strstr(info.error_text, "cut.pcap") &&
		       strstr(info.error_text, "99 frames"),
	       "%s", info.error_text);
	out = capture_read(path("out0.pcap"));
	TAP_CHECK(out && out->whole && out->count == 99);
	free(out);
	out = capture_read(path("out1.pcap"));
	TAP_CHECK(out && out->whole && out->count == 200);
	free(out);
	TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_FAILED);
	TAP_CHECK(ops->port_del(set, "vale0", 1, "") == 0);
	TAP_CHECK(switch_info("vale0")->state == EBPF_SWITCH_DONE);
	end();
}

static void
test_full_disk(void)
{
	struct rlimit limit, old;
	struct capture *out;
	uint32_t p;

	replay_inputs(false);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("in0.pcap"), path("out0.pcap")));
	added("vale0", spec(path("in1.pcap"), "/dev/full"));
	added("vale0", spec(path("in2.pcap"), NULL));
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
	TAP_CHECK(info.state == EBPF_SWITCH_FAILED &&
		  info.error == -EBPF_ENOSPC && info.error_port == 1);
	tap_ok(strstr(info.error_text, "/dev/full") != NULL, "%s",
	       info.error_text);
	TAP_CHECK(port_info("vale0", 1)->tx_frames == 0 && port.tx_drops > 0);
	TAP_CHECK(port_info("vale0", 0)->tx_drops == 0 && port.tx_frames > 0);
	/* Without OUT frames are taken and forgotten. */
	TAP_CHECK(port_info("vale0", 2)->tx_drops == 0 && port.tx_frames > 0);
	end();

	/* Full in the middle: whole records stay, and the counters know. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 700001;
	begin();
	ops->create(set, "vale0", 0);
	replay_ports();
	fflush(stdout);
	setrlimit(RLIMIT_FSIZE, &limit);
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0);
	setrlimit(RLIMIT_FSIZE, &old);
	TAP_CHECK(info.state == EBPF_SWITCH_FAILED &&
		  info.error == -EBPF_ENOSPC);
	for (p = 0; p < PORTS; p++) {
		out = capture_read(path(p == 0 ? "out0.pcap" :
					p == 1 ? "out1.pcap" :
						 "out2.pcap"));
		port_info("vale0", p);
		tap_ok(out && out->whole && out->count == port.tx_frames &&
			       port.tx_drops > 0 && out->count > 0,
		       "port %u: %u frames in the file, %llu sent, %llu "
		       "dropped", p, out ? out->count : 0,
		       (unsigned long long)port.tx_frames,
		       (unsigned long long)port.tx_drops);
		free(out);
	}
	end();
}

/* Frames from live ports reach a capture once it has been started. */
static void
test_mixed(void)
{
	struct ebpf_pair_end *live;
	struct capture *out;
	uint32_t i;
	FILE *file;

	file = capture_create(path("none.pcap"), false, 1);
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("none.pcap"), path("live.pcap")));
	added("vale0", "pair:live");
	TAP_CHECK(!ebpf_pair_open(set, "live", &live));
	transmit(live, 0xff, 2, 1);
	for (i = 0; i < WAIT_MS && port_info("vale0", 0)->tx_drops == 0; i++)
		nap();
	TAP_CHECK(port.tx_drops == 1);
	TAP_CHECK(ops->start(set, "vale0", 60000, &info) == 0 &&
		  info.state == EBPF_SWITCH_DONE);
	transmit(live, 0xff, 2, 2);
	for (i = 0; i < WAIT_MS && port_info("vale0", 0)->tx_frames == 0; i++)
		nap();
	out = capture_read(path("live.pcap"));
	TAP_CHECK(out && out->count == 1 && number_of(out->frames[0].data) == 2);
	free(out);
	ebpf_pair_close(live);
	end();
}

/* Waiters return when the switch is destroyed or all is stopped. */
static void *
wait_main(void *result)
{
	struct ebpf_rep_switch_info mine;

	*(int *)result = ops->start(set, "vale0", 60000, &mine);
	return NULL;
}

static void
test_stop_in_replay(bool destroy)
{
	struct capture *out;
	pthread_t waiter;
	uint64_t start;
	int result = 1;
	uint32_t i;
	FILE *file;
	uint8_t frame[1500];

	file = capture_create(path("long.pcap"), false, 1);
	memset(frame, 7, sizeof(frame));
	frame_make(frame, 0xff, 2, 0);
	for (i = 0; i < 20000; i++)
		capture_put(file, false, i * 1000, frame, 1500, 1500);
	fclose(file);
	begin();
	ops->create(set, "vale0", 0);
	added("vale0", spec(path("long.pcap"), path("long0.pcap")));
	for (i = 1; i < 40; i++)
		added("vale0", spec(path("in0.pcap"), "/dev/null"));
	start = os_time_ns();
	pthread_create(&waiter, NULL, wait_main, &result);
	while (switch_info("vale0")->state == EBPF_SWITCH_IDLE)
		nap();
	if (destroy)
		TAP_CHECK(ops->destroy(set, "vale0") == 0);
	else
		ebpf_vswitch_stop(set);
	pthread_join(waiter, NULL);
	tap_ok(destroy ? result == -EBPF_ESTALE || result == 0 : result == 0,
	       "a waiter returns (%d) after %llu ms", result,
	       (unsigned long long)(os_time_ns() - start) / 1000000);
	out = capture_read(path("long0.pcap"));
	TAP_CHECK(out && out->whole);
	free(out);
	if (!destroy) {
		TAP_CHECK(ops->create(set, "vale5", 0) == -EBPF_ECANCELED);
		TAP_CHECK(add("vale0", "", "pair:x") == -EBPF_ECANCELED);
		TAP_CHECK(ops->start(set, "vale0", 0, &info) ==
			  -EBPF_ECANCELED);
	}
	end();
}

int
main(void)
{
	folder_make();
	test_replay(false);
	test_replay(true);
	test_replay_again();
	test_formats();
	test_truncated();
	test_full_disk();
	test_mixed();
	test_stop_in_replay(false);
	test_stop_in_replay(true);
	folder_remove();
	return tap_done();
}
