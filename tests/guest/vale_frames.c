/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Frames of every form through a VALE switch of ours: lengths, fragments, user
 * pointers good and bad, offsets, headers, rings, verdicts, and senders that
 * change slots while netmap reads them; what a program is shown, who receives
 * which bytes, what is counted. VALE forwards in the sender's call, so nothing
 * is waited for. Run by vale.sh.
 *
 *	vale_frames OBJECT FILE   FILE: anything large, to read frames from
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/gebpf.h"
#include "tap.h"
#include "vale_port.h"

#define SWITCH "vale6"

enum {
	HEADER = 14,
	FRAME_MAX = 65536,
	PARTS_MAX = NETMAP_MAX_FRAGS,
	LEAVE = 1000, /* no ring: the program leaves it as it is */
};

struct seen { /* as in vale_to.bpf.c */
	uint32_t frames, len, longest, port, ring, sum;
};

static struct gebpf_device *device;
static uint32_t look_id, choice_id, seen_id, link_id;

/* The sender, the one that frames are sent to, and one more. */
static struct port from, to, other;
static uint32_t from_index, to_index;
static uint32_t buf_size;
static uint8_t wire[2 * FRAME_MAX], got[2 * FRAME_MAX];

/* ---- the switch ---- */

static bool
ask_switch(enum ebpf_request what)
{
	struct ebpf_req_switch req = { .name = SWITCH };

	return gebpf_ask(device, what, &req, sizeof(req), NULL, 0) == 0;
}

static struct ebpf_rep_switch_info
counts(void)
{
	struct ebpf_req_switch req = { .name = SWITCH };
	struct ebpf_rep_switch_info info = { .size = 0 };

	if (gebpf_ask(device, EBPF_REQUEST_SWITCH_INFO, &req, sizeof(req),
		      &info, sizeof(info)) != 0)
		tap_ok(false, "the switch is there");
	return info;
}

static uint32_t
index_of(const char *name)
{
	struct ebpf_req_port_info req = { .name = SWITCH };
	struct ebpf_rep_port_info info = { .index = 0 };

	while (gebpf_ask(device, EBPF_REQUEST_PORT_INFO, &req, sizeof(req),
			 &info, sizeof(info)) == 0) {
		if (strcmp(info.port_name, name) == 0)
			return info.index;
		req.index = info.index + 1;
	}
	tap_ok(false, "port %s is there", name);
	return 0;
}

static bool
attach(void)
{
	struct ebpf_req_link_create req = {
		.prog_id = look_id, .hook = EBPF_HOOK_VALE, .replace = 1,
		.target = SWITCH,
	};
	struct ebpf_rep_id made = { .id = 0 };
	int error = gebpf_ask(device, EBPF_REQUEST_LINK_CREATE, &req,
			      sizeof(req), &made, sizeof(made));

	link_id = made.id;
	return error == 0;
}

static bool
detach(void)
{
	struct ebpf_req_id req = { .id = link_id };

	return gebpf_ask(device, EBPF_REQUEST_LINK_DETACH, &req, sizeof(req),
			 NULL, 0) == 0;
}

static void
map_set(uint32_t id, uint32_t key, const void *value, uint32_t len)
{
	struct ebpf_req_map_update req = { .id = id, .key_len = 4,
					   .value_len = len };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &req, .req_len = sizeof(req),
		.in = { { &key, 4 }, { value, len } },
	};

	if (gebpf_request(device, &call) != 0)
		tap_ok(false, "a map can be written");
}

static void
choose(uint32_t verdict, uint32_t ring)
{
	map_set(choice_id, 0, &verdict, 4);
	map_set(choice_id, 1, &ring, 4);
}

static struct seen
seen(void)
{
	struct ebpf_req_map_key req = { .id = seen_id, .key_len = 4 };
	uint64_t out[16] = { 0 };
	uint32_t key = 0;
	struct seen s;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP,
		.req = &req, .req_len = sizeof(req),
		.in = { { &key, 4 } },
		.out = out, .out_room = sizeof(out),
	};

	if (gebpf_request(device, &call) != 0)
		tap_ok(false, "a map can be read");
	memcpy(&s, out, sizeof(s));
	return s;
}

static bool
open_ports(const struct port_form *form, uint32_t size)
{
	const char *file = "/sys/module/netmap/parameters/priv_buf_size";
	FILE *f = fopen(file, "w");
	bool good = f && fprintf(f, "%u\n", size) > 0;

	good = f && fclose(f) == 0 && good;
	good = good && port_open(&from, SWITCH ":from", form) == 0 &&
	       port_open(&to, SWITCH ":to", form) == 0 &&
	       port_open(&other, SWITCH ":other", form) == 0;
	if (!tap_ok(good, "ports of %u and %u rings of %u and %u slots of %u "
		    "bytes", form->tx_rings, form->rx_rings, form->tx_slots,
		    form->rx_slots, size))
		return false;
	buf_size = port_tx(&from, 0)->nr_buf_size;
	from_index = index_of("from");
	to_index = index_of("to");
	return true;
}

static void
close_ports(void)
{
	port_close(&from);
	port_close(&to);
	port_close(&other);
}

/* ---- one frame ---- */

static uint32_t
sum_of(const uint8_t *data)
{
	uint32_t i, sum = 0;

	for (i = 0; i < HEADER; i++)
		sum += (i + 1) * data[i];
	return sum;
}

/* Everything that is in the port's rings goes. */
static uint32_t
drain(struct port *port)
{
	uint32_t n = 0;

	port_poll(port);
	for (uint32_t ring = 0; ring < port->rx_rings; ring++)
		while (port_get(port, ring, got, sizeof(got)) >= 0)
			n++;
	port_poll(port);
	return n;
}

/* Parts of wire[], one behind the other, new bytes each time. */
static uint32_t
cut(struct part *parts, const uint16_t *lens, uint32_t n)
{
	static uint8_t salt;
	uint32_t at = 0;

	salt++;
	for (uint32_t i = 0; i < n; i++) {
		parts[i] = (struct part){ .data = wire + at, .len = lens[i] };
		at += lens[i];
	}
	for (uint32_t i = 0; i < at; i++)
		wire[i] = (uint8_t)(i * 7 + salt);
	return at;
}

static bool
send_parts(uint32_t ring, const struct part *parts, uint32_t n)
{
	return port_put(&from, ring, parts, n) && port_send(&from) == 0;
}

/* That frame, whole, reaches this ring of `to`, and nothing else does. */
static bool
arrived(uint32_t ring, uint32_t len)
{
	int n;

	port_poll(&to);
	n = port_get(&to, ring, got, sizeof(got));
	if (n != (int)len || memcmp(got, wire, len) != 0) {
		tap_diag("ring %u: %d bytes of %u", ring, n, len);
		drain(&to);
		drain(&other);
		return false;
	}
	port_poll(&to);
	return drain(&to) == 0 && drain(&other) == 0;
}

static bool
nothing_arrived(void)
{
	return drain(&to) + drain(&other) == 0;
}

/* Sent to `to`; the program has been shown so many bytes from `shown` on. */
static bool
goes_through(const uint16_t *lens, uint32_t n, uint32_t shown_at,
	     uint32_t shown_len)
{
	struct part parts[PARTS_MAX];
	struct seen before = seen(), after;
	uint32_t len = cut(parts, lens, n);

	if (!send_parts(0, parts, n) || !arrived(0, len))
		return false;
	after = seen();
	if (after.frames == before.frames + 1 && after.len == shown_len &&
	    after.port == from_index && after.sum == sum_of(wire + shown_at))
		return true;
	tap_diag("%u parts, first %u: shown %u times, %u bytes, port %u, "
		 "sum %u of %u", n, lens[0], after.frames - before.frames,
		 after.len, after.port, after.sum, sum_of(wire + shown_at));
	return false;
}

/* It is not shown to the program, nor sent; counted as dropped if so. */
static bool
is_dropped(const struct part *parts, uint32_t n, bool counted)
{
	struct ebpf_rep_switch_info before = counts(), after;
	struct seen seen_before = seen();

	if (!send_parts(0, parts, n) || !nothing_arrived())
		return false;
	after = counts();
	return seen().frames == seen_before.frames &&
	       after.verdicts.drop == before.verdicts.drop + counted &&
	       after.frames == before.frames + counted;
}

/* ---- with a program ---- */

static void
lengths(void)
{
	uint16_t lens[] = { 14, 15, 59, 60, 63, 64, 65, 127, 128, 129,
			    (uint16_t)(buf_size - 1), (uint16_t)buf_size };
	static const uint16_t none[] = { 1, 13 };
	struct part part;
	uint32_t bad = 0;

	choose(to_index, LEAVE);
	for (uint32_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		bad += !goes_through(&lens[i], 1, 0, lens[i]);
	tap_ok(bad == 0, "lengths up to the buffer's, %u bytes", buf_size);
	bad = 0;
	for (uint32_t i = 0; i < 2; i++) {
		cut(&part, &none[i], 1);
		bad += !is_dropped(&part, 1, true);
	}
	part.len = 0; /* netmap does not ask about it */
	bad += !is_dropped(&part, 1, false);
	tap_ok(bad == 0, "without a whole header no program is asked");
}

static void
fragments(void)
{
	static const uint32_t counts_of[] = { 2, 3, 5, 16, 40, 64 };
	uint64_t sum = counts().bytes, whole = 0;
	uint16_t lens[PARTS_MAX];
	struct part parts[PARTS_MAX];
	uint32_t bad = 0, most = port_rx(&to, 0)->num_slots - 1, i, n;

	if (port_tx(&from, 0)->num_slots - 1 < most)
		most = port_tx(&from, 0)->num_slots - 1;
	choose(to_index, LEAVE);
	for (i = 0; i < sizeof(counts_of) / 4; i++) {
		n = counts_of[i] < most ? counts_of[i] : most;
		for (uint32_t k = 0; k < n; k++) {
			lens[k] = (uint16_t)(k % 3 == 1 ? 1 : 14 + k * 3);
			whole += lens[k];
		}
		bad += !goes_through(lens, n, 0, lens[0]);
	}
	/* one that has nothing in it */
	lens[0] = 60;
	lens[1] = 0;
	lens[2] = 40;
	bad += !goes_through(lens, 3, 0, 60);
	tap_ok(bad == 0, "fragments: the first is shown, all are sent");
	tap_ok(counts().bytes == sum + whole + 100, "and counted");

	lens[0] = 13;
	lens[1] = 60;
	cut(parts, lens, 2);
	tap_ok(is_dropped(parts, 2, true), "a first fragment without a header");

	/* What the program does not see may be anywhere. */
	lens[0] = 60;
	n = cut(parts, lens, 2);
	parts[1].indirect = true;
	tap_ok(send_parts(0, parts, 2) && arrived(0, n),
	       "the second fragment by a pointer");
	cut(parts, lens, 2);
	parts[0].indirect = true;
	tap_ok(is_dropped(parts, 2, true), "but not the first");
	parts[1].indirect = true;
	tap_ok(is_dropped(parts, 2, true), "nor both");
	/* a chain without an end is netmap's to end */
	cut(parts, lens, 2);
	port_put(&from, 0, parts, 2);
	port_tx(&from, 0)->slot[(port_tx(&from, 0)->head +
				 port_tx(&from, 0)->num_slots - 1) %
				port_tx(&from, 0)->num_slots].flags |=
		NS_MOREFRAG;
	tap_ok(port_send(&from) == 0 && arrived(0, 120),
	       "a chain that does not end");
}

static void
rings(void)
{
	static const uint16_t len = 60;
	uint32_t bad = 0, nr = to.rx_rings;
	struct part part;

	for (uint32_t ring = 0; ring < 256; ring++) {
		choose(to_index, ring);
		cut(&part, &len, 1);
		bad += !send_parts(ring % from.tx_rings, &part, 1) ||
		       !arrived(ring % 16 % nr, len);
	}
	tap_ok(bad == 0, "256 rings onto %u", nr);
	bad = 0;
	choose(to_index, LEAVE);
	for (uint32_t ring = 0; ring < from.tx_rings; ring++) {
		cut(&part, &len, 1);
		bad += !send_parts(ring, &part, 1) ||
		       !arrived(ring % nr, len) || seen().ring != ring;
	}
	tap_ok(bad == 0, "%u rings as they came", from.tx_rings);
	choose(EBPF_VALE_BROADCAST, 9);
	cut(&part, &len, 1);
	tap_ok(send_parts(0, &part, 1) && (port_poll(&other), true) &&
		       port_get(&other, 0, got, sizeof(got)) == len &&
		       memcmp(got, wire, len) == 0 && arrived(0, len),
	       "a broadcast goes to everybody's first ring");
}

static void
verdicts(void)
{
	static const struct {
		uint32_t says;
		uint64_t broadcast, drop, invalid;
	} cases[] = {
		{ 254, 1, 0, 0 }, { 255, 0, 1, 0 }, { 256, 0, 0, 1 },
		{ 257, 0, 0, 1 }, { 65536, 0, 0, 1 }, { 65537, 0, 0, 1 },
		{ 0xffff00fe, 0, 0, 1 }, { 0x80000001, 0, 0, 1 },
		{ 0xffffffff, 0, 0, 1 }, { 253, 0, 0, 0 },
	};
	static const uint16_t len = 60;
	struct ebpf_rep_switch_info a, b;
	uint32_t bad = 0, n;
	struct part part;

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		a = counts();
		choose(cases[i].says, LEAVE);
		cut(&part, &len, 1);
		send_parts(0, &part, 1);
		n = drain(&to) + drain(&other);
		b = counts();
		if (n == 2 * cases[i].broadcast &&
		    b.verdicts.broadcast - a.verdicts.broadcast ==
			    cases[i].broadcast &&
		    b.verdicts.drop - a.verdicts.drop == cases[i].drop &&
		    b.verdicts.invalid - a.verdicts.invalid ==
			    cases[i].invalid &&
		    b.verdicts.no_port - a.verdicts.no_port ==
			    (cases[i].says == 253))
			continue;
		tap_diag("%x: %u received", cases[i].says, n);
		bad++;
	}
	tap_ok(bad == 0, "verdicts that are a port, everybody, nobody, nothing");
	a = counts();
	choose(from_index, LEAVE);
	cut(&part, &len, 1);
	send_parts(0, &part, 1);
	b = counts();
	tap_ok(nothing_arrived() &&
		       b.verdicts.reflected == a.verdicts.reflected + 1,
	       "back to where it came from");
}

/* Bytes before the Ethernet header that ports have agreed upon. */
static void
headers(void)
{
	static const uint16_t one[] = { 72 }, two[] = { 12, 60 },
			      small[] = { 12, 13 }, before[] = { 5, 67 },
			      inside[] = { 25, 60 };
	struct part parts[2];

	choose(to_index, LEAVE);
	tap_ok(port_header(SWITCH ":from", 12) == 0 &&
		       port_header(SWITCH ":to", 12) == 0 &&
		       port_header(SWITCH ":other", 12) == 0,
	       "ports whose frames have a header of 12 bytes");
	tap_ok(goes_through(one, 1, 12, 60), "it is not shown");
	tap_ok(goes_through(two, 2, 12, 60), "nor if it is a fragment itself");
	cut(parts, small, 2);
	tap_ok(is_dropped(parts, 2, true), "too little after it");
	cut(parts, inside, 2);
	tap_ok(is_dropped(parts, 2, true), "and in its fragment");
	cut(parts, before, 2);
	tap_ok(is_dropped(parts, 2, false), "one that is cut is netmap's");
	port_header(SWITCH ":from", 0);
	port_header(SWITCH ":to", 0);
	port_header(SWITCH ":other", 0);
}

/* Frames that do not begin where their buffers do. */
static void
offsets(void)
{
	static const uint16_t at[] = { 0, 1, 64, 127, 128 };
	struct part part;
	uint32_t bad = 0;

	choose(to_index, LEAVE);
	for (uint32_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		uint16_t lens[] = { 60, (uint16_t)(buf_size - 128),
				    (uint16_t)(buf_size - at[i]) };

		for (uint32_t k = 0; k < 3; k++) {
			uint32_t sure = lens[k] < buf_size - 128u ?
						lens[k] : buf_size - 128u;

			cut(&part, &lens[k], 1);
			part.offset = at[i];
			/* what netmap does with what does not fit is its own */
			bad += !send_parts(0, &part, 1) ||
			       (lens[k] == 60 && !arrived(0, 60)) ||
			       seen().len != sure ||
			       seen().sum != sum_of(wire);
			drain(&to);
			drain(&other);
		}
	}
	tap_ok(bad == 0, "offsets: what is surely in the buffer is shown");
}

/* ---- slots that change while netmap reads them ---- */

static uint32_t stop; /* atomic */

static void *
change_slots(void *argument)
{
	struct netmap_ring *ring = port_tx(&from, 0);
	uint32_t i = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		volatile struct netmap_slot *slot = &ring->slot[i % 32];

		slot->len = 65535;
		/* never a long chain: netmap does not survive 256 of them */
		if (i % 4 == 0)
			slot->flags = NS_MOREFRAG;
		slot->ptr = 128;
		slot->len = 60;
		slot->flags = 0;
		slot->ptr = 0;
		i++;
	}
	return NULL;
}

static void
changing(uint32_t offset_max)
{
	static const uint16_t len = 60;
	struct part part;
	pthread_t thread;
	struct seen s;

	choose(to_index, LEAVE);
	memset(&s, 0, sizeof(s));
	map_set(seen_id, 0, &s, sizeof(s));
	stop = 0;
	if (pthread_create(&thread, NULL, change_slots, NULL) != 0)
		return;
	cut(&part, &len, 1);
	for (uint32_t i = 0; i < 6000; i++) {
		for (uint32_t k = 0; k < 16; k++)
			port_put(&from, 0, &part, 1);
		port_send(&from);
		if (i % 16 == 0)
			drain(&to);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	drain(&to);
	drain(&other);
	s = seen();
	tap_ok(s.frames > 0 && s.longest <= buf_size - offset_max,
	       "%u frames whose slots change: at most %u bytes are shown",
	       s.frames, s.longest);
}

/* ---- without a program: the learning bridge, and users' memory ---- */

static bool
sends_indirect(const void *data, uint16_t len, int arrives)
{
	const struct part part = { .data = data, .len = len,
				   .indirect = true };
	int n;

	drain(&to);
	drain(&other);
	if (!send_parts(0, &part, 1))
		return false;
	port_poll(&to);
	n = port_get(&to, 0, got, sizeof(got));
	drain(&to);
	drain(&other);
	if (n == arrives)
		return true;
	tap_diag("%u bytes at %p: %d arrive, not %d", len, data, n, arrives);
	return false;
}

/* Frames in a file whose pages have to be read, while netmap waits. */
static void
from_file(const char *file)
{
	size_t size = 1 << 20, at = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	uint8_t *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	static uint8_t wanted[60];
	uint32_t bad = 0, sent = 0;

	while (memory != MAP_FAILED && (at += 4096 + 64) < size - 256) {
		/* to everybody, as netmap's first bit says */
		while (at < size - 256 &&
		       (pread(fd, wanted, 60, (off_t)at) != 60 ||
			!(wanted[0] & 1)))
			at++;
		if (at >= size - 256)
			break;
		madvise(memory, size, MADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		bad += !sends_indirect(memory + at, 60, 60) ||
		       memcmp(got, wanted, 60) != 0;
		sent++;
	}
	tap_ok(sent > 0 && bad == 0, "%u frames that have to be read", sent);
	munmap(memory, size);
	close(fd);
}

static void
pointers(const char *file)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const uint64_t nowhere[] = {
		8, 4096, 0x7ffffffff000ull, 0x800000000000ull,
		0xffff800000000000ull, 0xffff888000000000ull,
		0xffffffff81000000ull, 0xffffffffc0000000ull,
		0xfffffffffffff000ull, 0xfffffffffffffff8ull,
	};
	uint16_t lens[] = { 14, 60, 64, 65, (uint16_t)(buf_size - 128) };
	uint8_t *at = memory + page;
	struct ebpf_rep_switch_info before;
	uint32_t bad = 0, i;

	munmap(memory + 3 * page, page);
	memset(memory, 0xff, 3 * page);
	/*
	 * netmap keeps the place on a cache line: what does not begin with one
	 * takes up to 128 bytes more in the buffer, and 63 more are fetched.
	 */
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		bad += !sends_indirect(at + 64, lens[i], lens[i]);
		bad += memcmp(got, at + 64, lens[i]) != 0;
		bad += !sends_indirect(at + 1, lens[i], lens[i]);
		bad += !sends_indirect(at + page - 7, lens[i], lens[i]);
	}
	/* up to the very end */
	bad += !sends_indirect(at + 2 * page - 64, 64, 64);
	bad += !sends_indirect(at + 2 * page - 64, 14, 14);
	bad += !sends_indirect(at + 2 * page - 128, 128, 128);
	tap_ok(bad == 0, "frames by pointers reach everybody, whole");

	bad = 0;
	before = counts();
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		bad += !sends_indirect((void *)(uintptr_t)nowhere[i], 60, -1);
	mprotect(at, page, PROT_NONE);
	bad += !sends_indirect(at, 60, -1);
	mprotect(at, page, PROT_READ);
	bad += !sends_indirect(at, 60, 60);
	mprotect(at, page, PROT_READ | PROT_WRITE);
	/* no header; 13 bytes of one */
	bad += !sends_indirect(at + 2 * page, 60, -1);
	bad += !sends_indirect(at + 2 * page - 13, 60, -1);
	bad += !sends_indirect(at, 13, -1);
	tap_ok(bad == 0, "pointers to nowhere, into the kernel, to pages that "
			 "may not be read");
	tap_ok(counts().verdicts.drop == before.verdicts.drop + i + 4,
	       "are counted");
	/* the header is there, the rest is not: netmap sends an empty frame */
	tap_ok(sends_indirect(at + 2 * page - 14, 60, 0), "half a frame");

	/* Never touched: zeros, from one address to the same. */
	before = counts();
	madvise(at, page, MADV_DONTNEED);
	tap_ok(sends_indirect(at, 60, -1) &&
		       counts().verdicts.reflected ==
			       before.verdicts.reflected + 1,
	       "memory that comes when it is looked at");
	munmap(memory, 3 * page);
	from_file(file);
}

static uint8_t *moving;

static void *
change_memory(void *argument)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t i = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		switch (i++ % 4) {
		case 0:
			mprotect(moving, page, PROT_NONE);
			mprotect(moving, page, PROT_READ | PROT_WRITE);
			break;
		case 1:
			madvise(moving, page, MADV_DONTNEED);
			break;
		case 2:
			munmap(moving, page);
			mmap(moving, page, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 3:
			memset(moving, (int)i, 64);
			break;
		}
	}
	return NULL;
}

static void
memory_goes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct part part = { .len = 60, .indirect = true };
	uint64_t before = counts().frames;
	pthread_t thread;

	moving = mmap(NULL, page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	part.data = moving;
	stop = 0;
	if (pthread_create(&thread, NULL, change_memory, NULL) != 0)
		return;
	for (uint32_t i = 0; i < 2000; i++) {
		for (uint32_t k = 0; k < 4; k++)
			port_put(&from, 0, &part, 1);
		port_send(&from);
		if (i % 8 == 0) {
			drain(&to);
			drain(&other);
		}
		/* and with a program */
		if (i % 200 == 100)
			attach();
		if (i % 200 == 199)
			detach();
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	munmap(moving, page);
	drain(&to);
	drain(&other);
	tap_ok(counts().frames == before + 8000,
	       "8000 frames in memory that comes and goes");
}

/* ---- */

static bool
load(const char *path)
{
	struct gebpf_load_options options = { .flags = 0 };
	struct gebpf_object *object = NULL;
	struct gebpf_error err;
	int error = gebpf_open("kernel", 0, &device, &err);

	if (error == 0)
		error = gebpf_object_open(path, &object, &err);
	for (size_t i = 0; error == 0 && i < gebpf_object_prog_count(object);
	     i++) {
		struct gebpf_obj_prog *prog = gebpf_object_prog(object, i);

		if (strcmp(prog->name, "look") != 0)
			continue;
		error = gebpf_object_load_prog(device, object, prog, &options,
					       &err);
		look_id = prog->id;
	}
	for (size_t i = 0; error == 0 && i < gebpf_object_map_count(object);
	     i++) {
		struct gebpf_obj_map *map = gebpf_object_map(object, i);

		if (strcmp(map->name, "choice") == 0)
			choice_id = map->id;
		if (strcmp(map->name, "seen") == 0)
			seen_id = map->id;
	}
	gebpf_object_close(object);
	return tap_ok(error == 0 && look_id && choice_id && seen_id,
		      "a program that looks (%d)", error);
}

int
main(int argc, char **argv)
{
	static const struct {
		struct port_form form;
		uint32_t size;
	} forms[] = {
		{ { 1, 1, 1024, 1024, 0 }, 2048 },
		{ { 4, 4, 64, 64, 0 }, 2048 },
		{ { 2, 3, 128, 512, 0 }, 256 },
		{ { 16, 16, 96, 96, 0 }, 4160 },
		{ { 1, 1, 256, 256, 128 }, 2048 },
		{ { 3, 1, 200, 100, 128 }, 1472 },
	};

	if (argc != 3)
		return 2;
	if (!load(argv[1]) || !tap_ok(ask_switch(EBPF_REQUEST_SWITCH_CREATE),
				      "a switch of our own"))
		return tap_done();
	for (uint32_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!open_ports(&forms[i].form, forms[i].size))
			break;
		tap_ok(attach(), "attach");
		if (forms[i].form.offset_max) {
			offsets();
		} else {
			lengths();
			fragments();
			headers();
		}
		rings();
		verdicts();
		changing(forms[i].form.offset_max);
		tap_ok(detach(), "detach");
		if (!forms[i].form.offset_max)
			pointers(argv[2]);
		if (i % 3 == 0)
			memory_goes();
		close_ports();
	}
	tap_ok(ask_switch(EBPF_REQUEST_SWITCH_DESTROY), "destroy");
	gebpf_close(device);
	return tap_done();
}
