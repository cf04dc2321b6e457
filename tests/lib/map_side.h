/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps of this engine and of Linux, asked by lines of text and answering by
 * text, so that answers can be recorded and compared:
 *
 *	create KIND KEY VALUE ENTRIES FLAGS EXTRA	ok or an error
 *	update KEY VALUE FLAGS		keys are hexadecimal, - for none; values
 *	lookup, delete, extract KEY	are numbers that stand for bytes, or for
 *					inner maps
 *	next KEY, keys, drain, sweep	the key after; all keys; all of them by
 *					turns of next and delete; all, each
 *					deleted when the one after is known
 *	fill FIRST			new keys from that number on until one
 *					is refused: how many, and why
 *	bupdate KEY VALUE KEY VALUE ..	as one request: how many, and why no
 *	bdelete KEY KEY ..		more
 *	blookup, bextract		all elements by requests of some
 */
#ifndef TESTS_LIB_MAP_SIDE_H
#define TESTS_LIB_MAP_SIDE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SIDE_KEY_MAX = 600,
	SIDE_VALUE_MAX = 64,
	SIDE_CPU_MAX = 512,
	SIDE_INNERS = 4,
	SIDE_TEXT = 8192,
	SIDE_LINE = SIDE_TEXT + SIDE_KEY_MAX * 2 + 200,
	SIDE_BATCH = 64, /* elements of a request */
	SIDE_REQUEST_ROOM = 1 << 19, /* bytes of them, there and back */
};

struct side_shape {
	uint32_t kind, key, value, entries, flags;
	uint64_t extra;
};

/* Many elements at once: keys and values apart, each in its own array. */
struct side_batch {
	uint8_t *keys, *values;
	uint32_t count;	 /* in: asked for; out: done */
	uint64_t cursor; /* of lookups; 0 at the start */
	bool started, done;
};

/* One of the two: errors are names, 0 is success. */
struct side {
	int (*create)(struct side *side, const struct side_shape *shape,
		      uint32_t inner);
	int (*call)(struct side *side, const char *verb, const uint8_t *key,
		    uint8_t *value, uint64_t flags);
	int (*batch)(struct side *side, const char *verb,
		     struct side_batch *batch);
	void (*close)(struct side *side);
	uint32_t cpus;
	struct side_shape shape; /* of what is open */
	uint64_t map, inners[SIDE_INNERS]; /* fd or address */
	uint32_t inner_ids[SIDE_INNERS];
	bool open;
};

/* map_side_linux.c needs bpf(2): false when it cannot be used. */
extern struct side side_ours, side_theirs;

/* How many processors the kernel's per-CPU maps have values for; 0: unknown. */
uint32_t side_linux_cpus(void);
bool side_open_ours(void); /* door.h */
void side_close_ours(void);
bool side_open_theirs(void);
/* map_side_device.c: what that device answers, in the place of a side. */
bool side_open_device(struct side *side, const char *target);
void side_close_device(struct side *side);

/* map_side_request.c: a batch of map number `map`, asked for by `ask`. */
struct gebpf_call;
typedef int side_ask_fn(struct gebpf_call *call);
int side_request_batch(struct side *side, uint32_t map, const char *verb,
		       struct side_batch *batch, side_ask_fn *ask);

bool side_is_percpu(uint32_t kind);
bool side_is_outer(uint32_t kind);
bool side_is_hash(uint32_t kind); /* in no order of their own */
bool side_is_keyless(uint32_t kind);

/* Of values as users see them: all CPUs'. */
uint32_t side_value_size(const struct side *side);
void side_key(const struct side_shape *shape, uint32_t number, uint8_t *key);
void side_hex(char *text, const uint8_t *bytes, uint32_t len);

/* What it answers to the line, SIDE_TEXT bytes. False: it cannot be read. */
bool side_answer(struct side *side, const char *line, char *result);

#endif
