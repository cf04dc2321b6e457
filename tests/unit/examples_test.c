/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The examples at work: what each does to frames and to its maps. */
#include <stdio.h>
#include <string.h>

#include "local.h"
#include "tap.h"

static uint64_t
forward(const struct gebpf_obj_prog *prog, const uint8_t *frame, uint32_t port)
{
	/* Port 0 is what a run without a context has. */
	return local_run_on(prog->id, frame, 64, port, NULL);
}

static void
test_bridges(const struct bpfcc *cc)
{
	static const char *const bridges[] = { "l2_bridge", "l2_percpu" };
	uint8_t ab[64], ba[64], ac[64], all[64];
	size_t i;

	memcpy(ab, local_frame, 64);
	memcpy(ba, local_frame, 64);
	ba[5] = 1, ba[11] = 2;
	memcpy(ac, local_frame, 64);
	ac[5] = 3;
	memcpy(all, local_frame, 64);
	memset(all, 0xff, 6);
	for (i = 0; i < 2; i++) {
		char source[64];
		struct gebpf_object *o;
		struct gebpf_obj_prog *p;

		local_fresh();
		snprintf(source, sizeof(source), "lib/bpf/examples/%s.bpf.c",
			 bridges[i]);
		o = local_open(cc, source, "");
		p = o != NULL ? local_prog(o, bridges[i]) : NULL;
		if (!tap_ok(p != NULL && local_load(o, p) == 0, "%s loads: %s",
			    bridges[i], local_last.text)) {
			gebpf_object_close(o);
			continue;
		}
		/* The per-CPU table knows only what its CPU has seen. */
		TAP_CHECK(forward(p, all, 1) == 254);
		if (i == 0) {
			TAP_CHECK(forward(p, ba, 2) == 1);
			TAP_CHECK(forward(p, ab, 1) == 2);
			TAP_CHECK(forward(p, ab, 2) == 255);
			TAP_CHECK(forward(p, ba, 5) == 2);
		}
		TAP_CHECK(forward(p, ac, 1) == 254);
		TAP_CHECK(local_run_on(p->id, ab, 14, 1, NULL) != 255);
		/* Test runs give a vale program whole Ethernet headers. */
		TAP_CHECK(local_run_on(p->id, ab, 13, 1, NULL) == ~0ULL);
		gebpf_object_close(o);
	}
}

/* The UDP checksum over what is in the frame, 0 if it is right. */
static uint16_t
udp_sum(const uint8_t *f)
{
	uint32_t sum = 17 + ((uint32_t)f[38] << 8 | f[39]), i;

	for (i = 26; i < 64; i += 2) /* addresses, header, data */
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
test_others(const struct bpfcc *cc)
{
	uint16_t port = 53, to = 5353, sum;
	uint8_t frame[64], out[64], key[16] = {
		10, 0, 0, 1, 10, 0, 0, 2, 0x0f, 0xa0, 0, 53, 17,
	};
	uint64_t hits = 0, counts[1024];
	uint32_t zero = 0, i, limit = 40;
	struct gebpf_object *o;
	struct gebpf_obj_prog *p;

	/* A frame whose UDP checksum is right. */
	memcpy(frame, local_frame, 64);
	frame[39] = 30;
	frame[40] = frame[41] = 0;
	sum = udp_sum(frame);
	frame[40] = (uint8_t)(sum >> 8), frame[41] = (uint8_t)sum;
	TAP_CHECK(udp_sum(frame) == 0);

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/port_rewrite.bpf.c", "");
	p = o != NULL ? local_prog(o, "port_rewrite") : NULL;
	if (tap_ok(p != NULL && local_load(o, p) == 0, "port_rewrite loads")) {
		TAP_CHECK(local_run_on(p->id, frame, 64, 0, out) == 1 &&
			  memcmp(frame, out, 64) == 0);
		local_put(local_map(o, "moved")->id, &port, 2, &to, 2);
		TAP_CHECK(local_run_on(p->id, frame, 64, 1, out) == 0);
		TAP_CHECK(out[36] == 5353 >> 8 && out[37] == (5353 & 0xff));
		tap_ok(udp_sum(out) == 0, "the UDP checksum stays right");
		out[36] = frame[36], out[37] = frame[37];
		out[40] = frame[40], out[41] = frame[41];
		TAP_CHECK(memcmp(frame, out, 64) == 0);
	}
	gebpf_object_close(o);

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/acl.bpf.c", "");
	p = o != NULL ? local_prog(o, "acl") : NULL;
	if (tap_ok(p != NULL && local_load(o, p) == 0, "acl loads")) {
		TAP_CHECK(local_run_on(p->id, frame, 64, 0, NULL) == 1);
		local_put(local_map(o, "denied")->id, key, 16, &hits, 8);
		TAP_CHECK(local_run_on(p->id, frame, 64, 0, NULL) == 255);
		TAP_CHECK(local_run_on(p->id, frame, 64, 1, NULL) == 255);
		frame[37]++;
		TAP_CHECK(local_run_on(p->id, frame, 64, 1, NULL) == 0);
		frame[37]--;
		TAP_CHECK(local_lookup(local_map(o, "denied")->id, key, 16, &hits,
				       8) == 0 && hits == 2);
	}
	gebpf_object_close(o);

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/pkt_count.bpf.c", "");
	p = o != NULL ? local_prog(o, "pkt_count") : NULL;
	if (tap_ok(p != NULL && local_load(o, p) == 0, "pkt_count loads")) {
		uint32_t protocol = 17;
		uint16_t type = 0x0800;

		for (i = 0; i < 3; i++)
			TAP_CHECK(local_run_on(p->id, frame, 64, 0, NULL) == 254);
		memset(counts, 0, sizeof(counts));
		TAP_CHECK(local_lookup(local_map(o, "by_protocol")->id, &protocol, 4,
				       counts, sizeof(counts)) == 0);
		for (i = 2; i < 1024; i += 2)
			counts[0] += counts[i], counts[1] += counts[i + 1];
		TAP_CHECK(counts[0] == 3 && counts[1] == 192);
		memset(counts, 0, sizeof(counts));
		TAP_CHECK(local_lookup(local_map(o, "by_ethertype")->id, &type, 2,
				       counts, sizeof(counts)) == 0);
		for (i = 2; i < 1024; i += 2)
			counts[0] += counts[i], counts[1] += counts[i + 1];
		TAP_CHECK(counts[0] == 3 && counts[1] == 192);
	}
	gebpf_object_close(o);

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/xdp_count.bpf.c", "");
	p = o != NULL ? local_prog(o, "xdp_count") : NULL;
	if (tap_ok(p != NULL && local_load(o, p) == 0, "xdp_count loads")) {
		TAP_CHECK(local_run(p) == EBPF_XDP_PASS);
		memset(counts, 0, sizeof(counts));
		TAP_CHECK(local_lookup(local_map(o, "counts")->id, &zero, 4, counts,
				       sizeof(counts)) == 0);
		for (i = 1; i < 1024; i++)
			counts[0] += counts[i];
		TAP_CHECK(counts[0] == 1);
	}
	gebpf_object_close(o);

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/tail_demux.bpf.c", "");
	p = o != NULL ? local_prog(o, "tail_demux") : NULL;
	if (tap_ok(p != NULL && local_load(o, p) == 0, "tail_demux loads")) {
		TAP_CHECK(p == gebpf_object_prog(o, 0)); /* not on_ip */
		TAP_CHECK(forward(p, frame, 2) == 1);
		TAP_CHECK(forward(p, frame, 1) == 0);
		frame[12] = 0x86, frame[13] = 0xdd;
		TAP_CHECK(forward(p, frame, 1) == 2);
		frame[12] = 0x08, frame[13] = 0x06;
		TAP_CHECK(forward(p, frame, 1) == 254);
		frame[12] = 0x12, frame[13] = 0x34;
		TAP_CHECK(forward(p, frame, 1) == 255);
	}
	gebpf_object_close(o);

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/globals.bpf.c", "");
	p = o != NULL ? local_prog(o, "globals") : NULL;
	TAP_CHECK(o != NULL && gebpf_object_set_var(o, "limit", &limit, 4,
						    &local_last) == 0);
	if (tap_ok(p != NULL && local_load(o, p) == 0, "globals loads")) {
		TAP_CHECK(forward(p, frame, 1) == 255);
		TAP_CHECK(local_run_on(p->id, frame, 40, 1, NULL) == 0);
		TAP_CHECK(local_run_on(p->id, frame, 40, 1, NULL) == 2);
		TAP_CHECK(local_run_on(p->id, frame, 40, 2, NULL) == 0);
	}
	gebpf_object_close(o);

	local_fresh();
	o = local_open(cc, "lib/bpf/examples/mylookup.bpf.c", "");
	p = o != NULL ? local_prog(o, "mylookup") : NULL;
	if (p != NULL)
		p->kind = EBPF_PROG_VALE_BUF;
	if (tap_ok(p != NULL && local_load(o, p) == 0, "mylookup loads")) {
		TAP_CHECK(local_run(p) == 1);
		TAP_CHECK(local_run_on(p->id, local_frame, 13, 0, NULL) == 255);
		memset(frame, 0xff, 6);
		TAP_CHECK(local_run_on(p->id, frame, 64, 0, NULL) == 254);
	}
	gebpf_object_close(o);
}

int
main(void)
{
	const struct bpfcc *best = bpfcc_best();

	if (best == NULL) {
		tap_skip("no clang with BPF", "objects of compilers");
		return tap_done();
	}
	test_bridges(best);
	test_others(best);
	gebpf_close(local_device);
	return tap_done();
}
