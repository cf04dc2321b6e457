/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Several clients of one device at once, each in a thread of its own: they make
 * objects, find each other's, pin, use, replace and drop them, attach and
 * detach, come and go. What is answered may vary, that nothing is lost, mixed
 * or left may not. Meant for TSan as well (GEBPF_RACE_MS: how long).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/link.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "device/device.h"
#include "tap.h"

enum {
	THREADS = 4,
	ROOM = 16 << 10,
	ENTRIES = 64,
};

static struct ebpf_runtime *rt;
static struct ebpf_device *device;
static uint32_t stop;
static uint64_t asked, good, wrong;

/* ---- a hook with one place ---- */

static struct os_mutex hook_lock;
static struct ebpf_link *attached;

static int
hook_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	struct ebpf_link *old = NULL;
	int error = 0;

	os_mutex_lock(&hook_lock);
	if (attached != NULL && !replace) {
		error = -EBPF_EBUSY;
	} else {
		old = attached;
		ebpf_link_get(link);
		attached = link;
	}
	os_mutex_unlock(&hook_lock);
	if (old != NULL) {
		ebpf_link_gone(old, EBPF_LINK_DETACHED);
		ebpf_link_put(old);
	}
	return error;
}

static int
hook_update(void *cookie, struct ebpf_link *link, struct ebpf_prog *prog)
{
	int error;

	os_mutex_lock(&hook_lock);
	error = attached == link ? 0 : -EBPF_ESTALE;
	os_mutex_unlock(&hook_lock);
	return error;
}

static void
hook_detach(void *cookie, struct ebpf_link *link)
{
	bool ours;

	os_mutex_lock(&hook_lock);
	ours = attached == link;
	if (ours)
		attached = NULL;
	os_mutex_unlock(&hook_lock);
	if (ours)
		ebpf_link_put(link);
}

static const struct ebpf_hook_ops hook_ops = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE,
	.attach = hook_attach,
	.update = hook_update,
	.detach = hook_detach,
};

/* ---- a client ---- */

struct client {
	struct ebpf_session *session;
	uint64_t random;
	uint64_t tag;
	uint64_t request[ROOM / 8], reply[ROOM / 8];
	uint8_t *rep;
	size_t rep_len;
};

static uint32_t
below(struct client *client, uint32_t limit)
{
	client->random = client->random * 6364136223846793005ull + 1;
	return (uint32_t)(client->random >> 33) % limit;
}

static int
ask(struct client *client, uint32_t number, const void *body, size_t len,
    const void *tail, size_t tail_len)
{
	uint32_t size = (uint32_t)len;
	struct ebpf_msg msg = {
		.size = (uint32_t)(sizeof(msg) + len + tail_len),
		.reply_max = ROOM,
		.number = (uint16_t)number,
		.tag = ++client->tag,
	};
	uint8_t *at = (uint8_t *)client->request;
	struct ebpf_reply head;
	size_t got;

	memcpy(at, &msg, sizeof(msg));
	memcpy(at + sizeof(msg), body, len);
	memcpy(at + sizeof(msg), &size, sizeof(size));
	if (tail_len != 0)
		memcpy(at + sizeof(msg) + len, tail, tail_len);
	got = ebpf_dispatch(client->session, client->request, msg.size,
			    client->reply, ROOM);
	memcpy(&head, client->reply, sizeof(head));
	if (head.size != got || head.tag != client->tag || head.error > 0 ||
	    head.error == -EBPF_EPROTO)
		os_add(&wrong, 1);
	os_add(&asked, 1);
	if (head.error == 0)
		os_add(&good, 1);
	client->rep = (uint8_t *)client->reply + sizeof(head);
	client->rep_len = got - sizeof(head);
	return head.error;
}

#define ASK(client, NAME, body) \
	ask(client, EBPF_REQUEST_##NAME, &(body), sizeof(body), NULL, 0)
#define ASK_TAIL(client, NAME, body, tail, len) \
	ask(client, EBPF_REQUEST_##NAME, &(body), sizeof(body), tail, len)

static uint32_t
rep_id(const struct client *client)
{
	return ((const struct ebpf_rep_id *)client->rep)->id;
}

/* Some object of that kind: the next after a guess. */
static uint32_t
some(struct client *client, uint32_t kind)
{
	struct ebpf_req_obj_next next = { .kind = kind };

	if (below(client, 4) != 0)
		next.id = below(client, 50);
	return ASK(client, OBJ_NEXT, next) == 0 ? rep_id(client) : 0;
}

static void
use_map(struct client *client)
{
	struct ebpf_req_map_update update = { .id = some(client, EBPF_OBJ_MAP),
					      .key_len = 4, .value_len = 8 };
	struct ebpf_req_map_key key = { .id = update.id, .key_len = 4 };
	struct ebpf_req_map_lookup_batch walk = { .id = update.id,
						  .count = ENTRIES * 2 };
	uint32_t element[3] = { below(client, ENTRIES * 2) }, value[2], i;
	struct ebpf_rep_map_lookup_batch *batch;

	element[1] = element[0] * 3;
	element[2] = element[0] * 5;
	ASK_TAIL(client, MAP_UPDATE, update, element, sizeof(element));
	if (ASK_TAIL(client, MAP_LOOKUP, key, element, 4) == 0) {
		memcpy(value, client->rep + sizeof(struct ebpf_rep_none), 8);
		if (value[0] != element[0] * 3 || value[1] != element[0] * 5)
			os_add(&wrong, 1);
	}
	if (ASK(client, MAP_LOOKUP_BATCH, walk) == 0) {
		batch = (void *)client->rep;
		for (i = 0; i < batch->count; i++) {
			memcpy(element, client->rep + sizeof(*batch) + i * 12,
			       12);
			if (element[1] != element[0] * 3 ||
			    element[2] != element[0] * 5)
				os_add(&wrong, 1);
		}
	}
	element[0] = below(client, ENTRIES * 2);
	ASK_TAIL(client, MAP_DELETE, key, element, 4);
}

static void
make_map(struct client *client)
{
	struct ebpf_req_map_create make = { .kind = EBPF_MAP_HASH,
					    .key_size = 4, .value_size = 8,
					    .max_entries = ENTRIES,
					    .name = "map" };
	struct ebpf_req_obj drop = { .kind = EBPF_OBJ_MAP };
	struct ebpf_req_pin pin = { .kind = EBPF_OBJ_MAP, .replace = 1,
				    .pin = "?" };

	if (ASK(client, MAP_CREATE, make) != 0)
		return;
	pin.id = drop.id = rep_id(client);
	pin.pin[0] = (char)('a' + below(client, 4));
	ASK(client, PIN, pin);
	ASK(client, OBJ_DROP, drop);
}

static void
use_pins(struct client *client)
{
	struct ebpf_req_pin_name name = { .pin = "?" };
	struct ebpf_req_obj hold = { .kind = EBPF_OBJ_MAP };
	struct ebpf_req_pin_next next = { 0 };

	name.pin[0] = (char)('a' + below(client, 4));
	if (ASK(client, PIN_GET, name) == 0) {
		hold.id = ((struct ebpf_rep_pin *)client->rep)->id;
		ASK(client, OBJ_HOLD, hold);
		use_map(client);
		ASK(client, OBJ_DROP, hold);
	}
	if (below(client, 4) == 0)
		ASK(client, UNPIN, name);
	ASK(client, PIN_NEXT, next);
}

static void
use_prog(struct client *client)
{
	static const struct ebpf_insn code[] = {
		{ 0xb7, 0, 0, 254 }, { 0x95, 0, 0, 0 },
	};
	struct ebpf_req_prog_load load = { .kind = EBPF_PROG_VALE,
					   .insn_count = 2, .log_size = 256 };
	struct ebpf_req_prog_run run = { .data_len = 60 };
	struct ebpf_req_id info = { 0 };
	struct ebpf_req_link_create link = { .hook = EBPF_HOOK_VALE,
					     .target = "vale0" };
	struct ebpf_req_link_update update = { 0 };
	struct ebpf_req_obj drop = { .kind = EBPF_OBJ_PROG };
	struct ebpf_req_stats stats = { .op = below(client, 3) };
	uint8_t frame[60] = { 0 };

	if (ASK_TAIL(client, PROG_LOAD, load, code, sizeof(code)) != 0) {
		os_add(&wrong, 1);
		return;
	}
	drop.id = run.id = link.prog_id = rep_id(client);
	if (ASK_TAIL(client, PROG_RUN, run, frame, sizeof(frame)) != 0 ||
	    ((struct ebpf_rep_prog_run *)client->rep)->retval != 254)
		os_add(&wrong, 1);
	link.replace = below(client, 2);
	ASK(client, LINK_CREATE, link);
	update.id = some(client, EBPF_OBJ_LINK);
	update.prog_id = run.id;
	ASK(client, LINK_UPDATE, update);
	info.id = update.id;
	ASK(client, LINK_INFO, info);
	if (below(client, 2) == 0)
		ASK(client, LINK_DETACH, info);
	info.id = some(client, EBPF_OBJ_PROG);
	ASK(client, PROG_INFO, info);
	ASK(client, STATS, stats);
	ASK(client, OBJ_DROP, drop);
}

static void *
client_main(void *arg)
{
	struct client *client = calloc(1, sizeof(*client));
	uint32_t i;

	client->random = (uintptr_t)arg;
	while (!os_load(&stop)) {
		if (ebpf_session_open(device, 0, &client->session) != 0) {
			os_add(&wrong, 1);
			break;
		}
		for (i = 0; i < 20; i++) {
			switch (below(client, 8)) {
			case 0:
				make_map(client);
				break;
			case 1:
				use_prog(client);
				break;
			case 2:
			case 3:
				use_pins(client);
				break;
			default:
				use_map(client);
				break;
			}
		}
		ebpf_session_close(client->session);
	}
	free(client);
	return NULL;
}

int
main(void)
{
	const char *text = getenv("GEBPF_RACE_MS");
	uint64_t ms = text != NULL ? (uint64_t)atoi(text) : 500;
	struct ebpf_device_config config = { 0 };
	struct timespec rest = { 0, 10 * 1000 * 1000 };
	uint64_t live = os_test_live(), until;
	pthread_t threads[THREADS];
	struct ebpf_link *link;
	uint32_t i;

	if (ebpf_runtime_create(NULL, &rt) != 0)
		return 1;
	os_mutex_init(&hook_lock);
	config.rt = rt;
	TAP_CHECK(ebpf_hook_register(rt, &hook_ops, NULL) == 0);
	TAP_CHECK(ebpf_device_create(&config, &device) == 0);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, client_main,
			       (void *)(uintptr_t)(i + 1));
	until = os_time_ns() + ms * 1000000;
	while (os_time_ns() < until)
		nanosleep(&rest, NULL);
	os_store(&stop, 1);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_ok(wrong == 0 && good > 0,
	       "%llu requests of %u clients, %llu without error, %llu wrong",
	       (unsigned long long)asked, THREADS, (unsigned long long)good,
	       (unsigned long long)wrong);
	while (rt->pin_count > 0)
		ebpf_pin_remove(rt, rt->pins[0].name);
	link = attached;
	if (link != NULL) {
		ebpf_link_get(link);
		ebpf_link_detach(link);
		ebpf_link_put(link);
	}
	for (i = 0; i < 4; i++)
		os_epoch_drain();
	for (i = EBPF_OBJ_PROG; i <= EBPF_OBJ_BTF; i++)
		tap_ok(ebpf_object_count(rt, i) == 0, "no object of kind %u",
		       i);
	TAP_CHECK(rt->mem_used == 0);
	ebpf_device_destroy(device);
	ebpf_runtime_destroy(rt);
	os_mutex_destroy(&hook_lock);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left");
	return tap_done();
}
