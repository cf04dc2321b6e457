/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Books of what must be in a map that many use at once. Every word of a value
 * says whose it is and how old, so whoever sees a torn word, another key's value
 * or an older one than before has found a bug. Keys are of three sorts:
 *
 *	stable	never removed: found always, and once by every walk
 *	owned	by one writer, who knows at each moment what must be there:
 *		nothing is lost, nothing comes back
 *	common	everybody inserts and removes them
 *
 * How a map is asked is the test's business, by threads in a process or by
 * processes at a device; what it answers is judged here. One map at a time.
 */
#ifndef TESTS_LIB_BOOKS_H
#define TESTS_LIB_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BOOKS_STABLE = 64, /* keys 0 .. that stay, but not in LRU maps */
	BOOKS_OWNED = 400, /* the next */
	BOOKS_COMMON = 200,
	BOOKS_KEYS = BOOKS_STABLE + BOOKS_OWNED + BOOKS_COMMON,
	BOOKS_ENTRIES = 420, /* fewer than keys: full at times */
	BOOKS_KEY_MAX = 40,
	BOOKS_WORDS_MAX = 16, /* of a value */
	BOOKS_CPUS_MAX = 64,
	BOOKS_VALUE_MAX = BOOKS_WORDS_MAX * BOOKS_CPUS_MAX, /* words */
};

struct books_shape {
	const char *name;
	uint32_t kind, key_size, words, flags;
};
extern const struct books_shape books_shapes[];
extern const uint32_t books_shape_count;

enum books_wrong {
	BOOKS_TORN, BOOKS_FOREIGN, BOOKS_OLDER, BOOKS_LOST, BOOKS_BACK,
	BOOKS_TWICE, BOOKS_ODD_ERROR, BOOKS_WRONGS
};

/* In memory that children share. */
struct books {
	uint64_t wrong[BOOKS_WRONGS]; /* atomic */
	uint64_t reads, writes, walks, full, again; /* atomic */
	uint64_t aliased; /* atomic: another's value where that may be */
	/* What a writer knows of its keys: 0, or the version that is there. */
	uint32_t there[BOOKS_KEYS];
	uint32_t newest[BOOKS_KEYS]; /* there ever was */
	uint32_t stop;		     /* atomic */
};
extern struct books *books;

/* Of the map at hand. */
extern const struct books_shape *books_shape;
extern bool books_is_array, books_is_lru, books_is_lpm, books_is_percpu;
extern uint32_t books_stable;  /* how many keys stay */
extern uint32_t books_entries; /* elements it may have */
extern uint32_t books_words;   /* of a value as users see it */

/* Empty books for a map of that shape, on a device of so many CPUs. */
void books_open(const struct books_shape *shape, uint32_t cpus);

void books_note(enum books_wrong what);
/* And shows what was; the books of it are clean then. */
bool books_nothing_wrong(void);
/* What everybody did, in words. */
void books_told(bool good);

uint32_t books_random(uint64_t *state, uint32_t below);

/* BOOKS_KEY_MAX bytes. */
void books_key(uint32_t n, uint8_t *key);
/* A value as users write it. */
void books_fill(uint32_t n, uint32_t version, uint64_t *value);

/* Version numbers that somebody has seen. */
struct books_seen {
	uint32_t version[BOOKS_KEYS];
};
/*
 * A value found for key `asked`, in place or a copy, as a program sees it: so
 * many words that are whole, and not older than before (seen may be NULL).
 * False: it is another key's, which a pointer into a hash may lead to when
 * removed elements were handed on at once meanwhile, and nothing else.
 */
bool books_check(uint32_t asked, const uint64_t *value, uint32_t words,
		 struct books_seen *seen);

/* The owner of n has read it as a user: error and value are the answer. */
void books_read(uint32_t n, int error, const uint64_t *value);
/* The version an owner shall insert next. */
uint32_t books_next_version(uint32_t n);
/* It has, with these flags. */
void books_inserted(uint32_t n, uint32_t version, uint64_t flags, int error);
/* It has removed it; value: what was read with that, or NULL. */
void books_removed(uint32_t n, int error, const uint64_t *value);
/* Somebody else has written or removed n. */
void books_changed(uint32_t n, int error);
/* Whether this is how a full map refuses. */
bool books_is_full(int error);

/* A walk has come to this key, and value unless NULL. False: not a pair. */
bool books_saw(uint8_t *seen, const uint8_t *key, const uint64_t *value);
/* It has come to its end. */
void books_walked(const uint8_t *seen);

/* The first word says which element it is; for LPM maps. */
bool books_is_of(uint32_t n, const uint64_t *value);

#endif
