/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite device: map requests as other processes make them, one at a time and
 * batched, by one client and by two, to a device inside this process, to an
 * embedded one over its socket, to the kernel's where there is one, and to
 * Linux through bpf(2); then the dump of a large map. Time is the wall's:
 * others work for us.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench_crew.h"
#include "bench/bench_daemon.h"
#include "bench/bench_linux.h"
#include "bench/bench.h"

enum { LOCAL, SOCKET, MODULE, LINUX, COLUMNS };
enum { LOCAL_LINUX, SOCKET_LINUX, MODULE_LINUX };
enum {
	ENTRIES = 4096,
	MANY = 1000000,
	BATCH = 4096,
	ELEMENT = 12, /* a key of 4 bytes, a value of 8 */
	CLIENTS = BENCH_HANDS,
};

enum op { LOOKUP, UPDATE, DELETE_INSERT, LOOKUP_BATCH, UPDATE_BATCH, DUMP };

static const struct row {
	const char *name;
	enum op op;
	uint32_t batch, clients;
} rows[] = {
	{ "lookup", LOOKUP, 1, 1 },
	{ "update", UPDATE, 1, 1 },
	{ "delete and insert", DELETE_INSERT, 1, 1 },
	{ "lookup, 2 clients", LOOKUP, 1, 2 },
	{ "update, 2 clients", UPDATE, 1, 2 },
	{ "lookup of 64 at a time", LOOKUP_BATCH, 64, 1 },
	{ "lookup of 4096 at a time", LOOKUP_BATCH, 4096, 1 },
	{ "lookup of 4096, 2 clients", LOOKUP_BATCH, 4096, 2 },
	{ "update of 64 at a time", UPDATE_BATCH, 64, 1 },
	{ "update of 4096 at a time", UPDATE_BATCH, 4096, 1 },
	{ "update of 4096, 2 clients", UPDATE_BATCH, 4096, 2 },
	{ "dump of a million elements", DUMP, BATCH, 1 },
};

/* A client of one of the four. */
struct client {
	const struct row *row;
	struct gebpf_device *device; /* NULL: bpf(2) */
	uint32_t map;		     /* its id */
	int linux_map;
	uint32_t at;	  /* the next key */
	uint32_t entries; /* keys are below */
	uint64_t cursor;  /* of the walk under way, 0: from the start */
	uint32_t mark;	  /* Linux's cursor */
	uint8_t *buffer;  /* BATCH elements */
	uint32_t *keys;	  /* Linux has keys and values apart */
	uint64_t *values;
};

/* One of the four, with as many clients as a row may want. */
struct side {
	struct client clients[CLIENTS];
	struct bench_crew crew;
	uint32_t count; /* 0: cannot be asked */
	char why[BENCH_TEXT];
};

static uint32_t
next_key(struct client *client)
{
	return client->at++ * 2654435761u % ENTRIES;
}

/* ---- our devices ---- */

static int
ask_one(struct client *client, enum ebpf_request number, uint32_t key)
{
	struct ebpf_req_map_key find = { .id = client->map, .key_len = 4 };
	struct ebpf_req_map_update set = { .id = client->map, .key_len = 4,
					   .value_len = 8 };
	uint64_t value = 1;
	struct gebpf_call call = {
		.number = number,
		.req = &find,
		.req_len = sizeof(find),
		.in = { { &key, sizeof(key) } },
		.out = &value,
		.out_room = sizeof(value),
	};

	if (number == EBPF_REQUEST_MAP_UPDATE) {
		call.req = &set;
		call.req_len = sizeof(set);
		call.in[1] = (struct gebpf_part){ &value, sizeof(value) };
		call.out_room = 0;
	} else if (number == EBPF_REQUEST_MAP_DELETE) {
		call.out_room = 0;
	}
	return gebpf_request(client->device, &call);
}

static int
ask_walk(struct client *client)
{
	struct ebpf_req_map_lookup_batch req = {
		.id = client->map, .count = client->row->batch,
		.cursor = client->cursor,
	};
	struct ebpf_rep_map_lookup_batch rep = { .size = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &rep,
		.rep_len = sizeof(rep),
		.out = client->buffer,
		.out_room = (size_t)client->row->batch * ELEMENT,
	};
	int error = gebpf_request(client->device, &call);

	client->cursor = rep.done ? 0 : rep.cursor;
	return error;
}

static int
ask_fill(struct client *client, uint32_t first, uint32_t count)
{
	struct ebpf_req_map_batch req = { .id = client->map, .count = count };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_UPDATE_BATCH,
		.req = &req,
		.req_len = sizeof(req),
		.in = { { client->buffer, (size_t)count * ELEMENT } },
	};
	struct ebpf_rep_map_batch rep;

	call.rep = &rep;
	call.rep_len = sizeof(rep);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t key = (first + i) % client->entries;

		memcpy(client->buffer + (size_t)i * ELEMENT, &key, sizeof(key));
		memset(client->buffer + (size_t)i * ELEMENT + 4, 1, 8);
	}
	return gebpf_request(client->device, &call);
}

static int
ask_map(struct client *client, uint32_t entries)
{
	struct ebpf_req_map_create req = {
		.kind = EBPF_MAP_HASH, .key_size = 4, .value_size = 8,
		.max_entries = entries,
	};
	struct ebpf_rep_id rep = { .size = 0 };
	int error = gebpf_ask(client->device, EBPF_REQUEST_MAP_CREATE, &req,
			      sizeof(req), &rep, sizeof(rep));

	client->map = rep.id;
	return error;
}

static int
ask(struct client *client)
{
	uint32_t key;
	int error;

	switch (client->row->op) {
	case LOOKUP:
		return ask_one(client, EBPF_REQUEST_MAP_LOOKUP,
			       next_key(client));
	case UPDATE:
		return ask_one(client, EBPF_REQUEST_MAP_UPDATE,
			       next_key(client));
	case DELETE_INSERT:
		key = next_key(client);
		error = ask_one(client, EBPF_REQUEST_MAP_DELETE, key);
		return error != 0 ? error
				  : ask_one(client, EBPF_REQUEST_MAP_UPDATE,
					    key);
	case LOOKUP_BATCH:
		return ask_walk(client);
	case UPDATE_BATCH:
		client->at = (client->at + client->row->batch) % ENTRIES;
		return ask_fill(client, client->at, client->row->batch);
	case DUMP:
		client->cursor = 0;
		do
			error = ask_walk(client);
		while (error == 0 && client->cursor != 0);
		return error;
	}
	return -EBPF_EINVAL;
}

/* ---- Linux ---- */

static int
linux_walk(struct client *client)
{
	uint32_t count = client->row->batch;
	int error = bench_linux_lookup_batch(
		client->linux_map, client->cursor ? &client->mark : NULL,
		&client->mark, client->keys, client->values, &count);

	client->cursor = error == 0;
	return error == -2 /* ENOENT: the end */ ? 0 : error;
}

static int
linux_fill(struct client *client, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		client->keys[i] = (first + i) % client->entries;
		client->values[i] = 1;
	}
	return bench_linux_update_batch(client->linux_map, client->keys,
					client->values, &count);
}

static int
linux_ask(struct client *client)
{
	uint64_t value = 1;
	uint32_t key;
	int error;

	switch (client->row->op) {
	case LOOKUP:
		key = next_key(client);
		return bench_linux_lookup(client->linux_map, &key, &value);
	case UPDATE:
		key = next_key(client);
		return bench_linux_update(client->linux_map, &key, &value, 0);
	case DELETE_INSERT:
		key = next_key(client);
		error = bench_linux_delete(client->linux_map, &key);
		return error != 0 ? error
				  : bench_linux_update(client->linux_map, &key,
						       &value, 0);
	case LOOKUP_BATCH:
		return linux_walk(client);
	case UPDATE_BATCH:
		client->at = (client->at + client->row->batch) % ENTRIES;
		return linux_fill(client, client->at, client->row->batch);
	case DUMP:
		client->cursor = 0;
		do
			error = linux_walk(client);
		while (error == 0 && client->cursor != 0);
		return error;
	}
	return -EBPF_EINVAL;
}

/* ---- measuring ---- */

static double
run_client(void *cookie, uint64_t repeat)
{
	struct client *client = cookie;
	double start = bench_wall_ns();
	int error = 0;

	while (repeat-- > 0 && error == 0)
		error = client->device != NULL ? ask(client)
					       : linux_ask(client);
	return error != 0 ? -1 : bench_wall_ns() - start;
}

/* ---- sides ---- */

static bool
client_room(struct client *client)
{
	client->linux_map = -1;
	client->buffer = malloc((size_t)BATCH * ELEMENT);
	client->keys = malloc(BATCH * sizeof(*client->keys));
	client->values = malloc(BATCH * sizeof(*client->values));
	return client->buffer != NULL && client->keys != NULL &&
	       client->values != NULL;
}

static void
side_close(struct side *side)
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct client *client = &side->clients[i];

		gebpf_close(client->device);
		if (i == 0)
			bench_linux_close(client->linux_map);
		free(client->buffer);
		free(client->keys);
		free(client->values);
	}
}

/* Clients of one device. A local one is its client's own. */
static void
side_open(struct side *side, const char *target, uint32_t clients)
{
	struct gebpf_error err;

	memset(side, 0, sizeof(*side));
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct client *client = &side->clients[i];

		if (!client_room(client)) {
			snprintf(side->why, sizeof(side->why), "no memory");
			return;
		}
		if (i < clients &&
		    gebpf_open(target, GEBPF_OPEN_NO_START | GEBPF_OPEN_QUIET,
			       &client->device, &err) != 0) {
			snprintf(side->why, sizeof(side->why), "%.150s",
				 err.text);
			return;
		}
	}
	side->count = clients;
}

static void
side_open_linux(struct side *side)
{
	const char *why;

	side_open(side, NULL, 0);
	if (!bench_linux_may(&why))
		snprintf(side->why, sizeof(side->why), "%s", why);
	else
		side->count = CLIENTS;
}

/* A map of that size for the row's clients, full. */
static int
side_fill(struct side *side, const struct row *row)
{
	uint32_t entries = row->op == DUMP ? MANY : ENTRIES, n;
	struct client *first = &side->clients[0];
	int error;

	side->crew.run = run_client;
	side->crew.count = row->clients;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		side->crew.cookies[i] = &side->clients[i];
		side->clients[i].row = row;
		side->clients[i].entries = entries;
	}
	if (first->device != NULL)
		error = ask_map(first, entries);
	else
		error = first->linux_map = bench_linux_map(EBPF_MAP_HASH, 4, 8,
							   entries, 0);
	if (error < 0)
		return error;
	error = 0;
	for (uint32_t at = 0; at < entries && error == 0; at += n) {
		n = entries - at < BATCH ? entries - at : BATCH;
		error = first->device != NULL ? ask_fill(first, at, n)
					      : linux_fill(first, at, n);
	}
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct client *client = &side->clients[i];

		client->map = first->map;
		client->linux_map = first->linux_map;
		client->cursor = 0;
		client->at = i * ENTRIES / CLIENTS;
	}
	return error;
}

static void
side_empty(struct side *side)
{
	struct ebpf_req_obj req = { .kind = EBPF_OBJ_MAP,
				    .id = side->clients[0].map };

	if (side->clients[0].device != NULL)
		gebpf_ask(side->clients[0].device, EBPF_REQUEST_OBJ_DROP, &req,
			  sizeof(req), NULL, 0);
	else
		bench_linux_close(side->clients[0].linux_map);
	for (uint32_t i = 0; i < CLIENTS; i++)
		side->clients[i].linux_map = -1;
}

static void
measure(struct bench *bench, struct side *sides, const struct row *row)
{
	bool full[COLUMNS] = { false };
	int error;

	bench_row_unit(bench, row->op == DUMP ? BENCH_MS : BENCH_MPS);
	for (uint32_t c = 0; c < COLUMNS; c++) {
		if (sides[c].count == 0) {
			bench_row_skip(bench, c, "%s", sides[c].why);
		} else if (sides[c].count < row->clients) {
			bench_row_skip(bench, c, "such a device has one "
						 "client only");
		} else {
			error = side_fill(&sides[c], row);
			full[c] = true;
			if (error != 0)
				bench_row_skip(bench, c, "the map cannot be "
							 "made: error %d",
					       error);
			else
				bench_row_add(bench, c, bench_crew_run,
					      &sides[c].crew,
					      row->op == DUMP
						      ? 1
						      : (double)row->batch *
								row->clients);
		}
	}
	if (row->clients == 1 && row->batch == 1 && row->op == LOOKUP)
		bench_row_goal(bench, BENCH_GOAL_FIGURE, MODULE, 5);
	if (row->op == LOOKUP_BATCH && row->batch == 4096 && row->clients == 1)
		bench_row_goal(bench, BENCH_GOAL_RATIO, MODULE_LINUX, 3);
	bench_row_measure(bench);
	for (uint32_t c = 0; c < COLUMNS; c++)
		if (full[c])
			side_empty(&sides[c]);
}

static int
run(struct bench *bench)
{
	static struct side sides[COLUMNS];
	struct bench_daemon daemon = { .pid = 0 };
	bool open = false;
	char why[BENCH_TEXT];

	memset(sides, 0, sizeof(sides));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!bench_row_begin(bench, "%s", rows[i].name))
			continue;
		/* not before there is a row to measure */
		if (!open) {
			open = true;
			side_open(&sides[LOCAL], "local", 1);
			if (bench_daemon_start(&daemon, why, sizeof(why)) == 0)
				side_open(&sides[SOCKET], daemon.target,
					  CLIENTS);
			else
				memcpy(sides[SOCKET].why, why, sizeof(why));
			side_open(&sides[MODULE], "kernel", CLIENTS);
			side_open_linux(&sides[LINUX]);
		}
		while (bench_row_next(bench, 1))
			measure(bench, sides, &rows[i]);
	}
	for (uint32_t c = 0; c < COLUMNS && open; c++)
		side_close(&sides[c]);
	bench_daemon_stop(&daemon);
	return 0;
}

const struct bench_suite bench_suite_device = {
	.name = "device",
	.what = "map elements in a second, asked from outside",
	.columns = { "local", "socket", "module", "linux" },
	.ratios = {
		[LOCAL_LINUX] = { LOCAL, LINUX, BENCH_FASTER },
		[SOCKET_LINUX] = { SOCKET, LINUX, BENCH_FASTER },
		[MODULE_LINUX] = { MODULE, LINUX, BENCH_FASTER },
	},
	.ratio_count = 3,
	.reference = LINUX,
	.run = run,
};
