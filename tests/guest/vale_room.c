/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The switch of vale_frames, see vale_room.h. */
#include "vale_room.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

struct gebpf_device *device;
uint32_t seen_id;
struct port from, to, other;
uint32_t from_index, to_index;
uint32_t buf_size;
uint8_t wire[2 * FRAME_MAX], got[2 * FRAME_MAX];

static uint32_t look_id, choice_id, link_id;

/* ---- the switch ---- */

bool
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

bool
ask_switch(enum ebpf_request what)
{
	struct ebpf_req_switch req = { .name = SWITCH };

	return gebpf_ask(device, what, &req, sizeof(req), NULL, 0) == 0;
}

struct ebpf_rep_switch_info
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

bool
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

bool
detach(void)
{
	struct ebpf_req_id req = { .id = link_id };

	return gebpf_ask(device, EBPF_REQUEST_LINK_DETACH, &req, sizeof(req),
			 NULL, 0) == 0;
}

void
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

void
choose(uint32_t verdict, uint32_t ring)
{
	map_set(choice_id, 0, &verdict, 4);
	map_set(choice_id, 1, &ring, 4);
}

struct seen
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

bool
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

void
close_ports(void)
{
	port_close(&from);
	port_close(&to);
	port_close(&other);
}

/* ---- one frame ---- */

uint32_t
sum_of(const uint8_t *data)
{
	uint32_t i, sum = 0;

	for (i = 0; i < HEADER; i++)
		sum += (i + 1) * data[i];
	return sum;
}

uint32_t
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

uint32_t
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

bool
send_parts(uint32_t ring, const struct part *parts, uint32_t n)
{
	return port_put(&from, ring, parts, n) && port_send(&from) == 0;
}

bool
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

bool
nothing_arrived(void)
{
	return drain(&to) + drain(&other) == 0;
}

bool
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

bool
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
