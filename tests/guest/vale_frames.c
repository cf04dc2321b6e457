/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Frames of every form through a VALE switch of ours: lengths, fragments, user
 * pointers good and bad (vale_pointers.c), offsets, headers, rings, verdicts,
 * and senders that change slots while netmap reads them; what a program is
 * shown, who receives which bytes, what is counted. VALE forwards in the
 * sender's call, so nothing is waited for. Run by vale.sh.
 *
 *	vale_frames OBJECT FILE   FILE: anything large, to read frames from
 */
#include <pthread.h>
#include <string.h>

#include "tap.h"
#include "vale_pointers.h"
#include "vale_room.h"

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
			vale_pointers(argv[2]);
		if (i % 3 == 0)
			vale_memory_goes();
		close_ports();
	}
	tap_ok(ask_switch(EBPF_REQUEST_SWITCH_DESTROY), "destroy");
	gebpf_close(device);
	return tap_done();
}
