/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Books of what must be in a map that many use at once; books.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/error.h"
#include "abi/kinds.h"
#include "books.h"
#include "core/os.h"
#include "tap.h"

const struct books_shape books_shapes[] = {
	{ "hash", EBPF_MAP_HASH, 8, 3, 0 },
	{ "hash, long keys and values", EBPF_MAP_HASH, 40, 16, 0 },
	{ "hash, no_prealloc", EBPF_MAP_HASH, 4, 3, EBPF_F_NO_PREALLOC },
	{ "hash, no_prealloc, long", EBPF_MAP_HASH, 40, 16,
	  EBPF_F_NO_PREALLOC },
	{ "percpu_hash", EBPF_MAP_PERCPU_HASH, 8, 3, 0 },
	{ "percpu_hash, no_prealloc", EBPF_MAP_PERCPU_HASH, 8, 3,
	  EBPF_F_NO_PREALLOC },
	{ "lru_hash", EBPF_MAP_LRU_HASH, 8, 3, 0 },
	{ "lru_percpu_hash", EBPF_MAP_LRU_PERCPU_HASH, 8, 3, 0 },
	{ "array", EBPF_MAP_ARRAY, 4, 3, 0 },
	{ "percpu_array", EBPF_MAP_PERCPU_ARRAY, 4, 3, 0 },
	{ "lpm_trie", EBPF_MAP_LPM_TRIE, 8, 3, EBPF_F_NO_PREALLOC },
};
const uint32_t books_shape_count =
	sizeof(books_shapes) / sizeof(books_shapes[0]);

struct books *books;
const struct books_shape *books_shape;
bool books_is_array, books_is_lru, books_is_lpm, books_is_percpu;
uint32_t books_stable, books_entries, books_words;

void
books_open(const struct books_shape *shape, uint32_t cpus)
{
	if (books == NULL)
		books = mmap(NULL, sizeof(*books), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (books == MAP_FAILED)
		abort();
	memset(books, 0, sizeof(*books));
	books_shape = shape;
	books_is_array = shape->kind == EBPF_MAP_ARRAY ||
			 shape->kind == EBPF_MAP_PERCPU_ARRAY;
	books_is_lru = shape->kind == EBPF_MAP_LRU_HASH ||
		       shape->kind == EBPF_MAP_LRU_PERCPU_HASH;
	books_is_lpm = shape->kind == EBPF_MAP_LPM_TRIE;
	books_is_percpu = shape->kind == EBPF_MAP_PERCPU_HASH ||
			  shape->kind == EBPF_MAP_PERCPU_ARRAY ||
			  shape->kind == EBPF_MAP_LRU_PERCPU_HASH;
	books_stable = books_is_lru ? 0 : BOOKS_STABLE;
	books_entries = books_is_array ? BOOKS_KEYS : BOOKS_ENTRIES;
	books_words = shape->words * (books_is_percpu ? cpus : 1);
}

/* ---- what is wrong ---- */

static const char *const wrong_names[BOOKS_WRONGS] = {
	"torn words", "values of other keys", "values older than before",
	"lost elements", "removed elements that are back",
	"stable elements not seen once by a walk", "errors without reason",
};

void
books_note(enum books_wrong what)
{
	os_add(&books->wrong[what], 1);
}

bool
books_nothing_wrong(void)
{
	bool good = true;
	uint32_t i;

	for (i = 0; i < BOOKS_WRONGS; i++) {
		if (books->wrong[i] != 0)
			tap_diag("%s: %llu %s", books_shape->name,
				 (unsigned long long)books->wrong[i],
				 wrong_names[i]);
		good &= books->wrong[i] == 0;
		books->wrong[i] = 0;
	}
	return good;
}

void
books_told(bool good)
{
	good &= books_nothing_wrong();
	tap_ok(good, "%s: %llu reads, %llu writes, %llu walks; full %llu times, "
	       "waited %llu, %llu others in its place", books_shape->name,
	       (unsigned long long)books->reads,
	       (unsigned long long)books->writes,
	       (unsigned long long)books->walks,
	       (unsigned long long)books->full,
	       (unsigned long long)books->again,
	       (unsigned long long)books->aliased);
}

/* ---- keys and values ---- */

uint32_t
books_random(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33) % below;
}

struct prefix {
	uint32_t len;
	uint8_t at[4];
};

/* Prefix number n, unlike all others; seven each are parts of one another. */
static struct prefix
prefix_of(uint32_t n)
{
	uint32_t group = n / 7, bits, i;
	struct prefix p = { .len = 12 + n % 7 * 3 };

	/* the first bits alike for all, so that the trie is deep */
	bits = 0x98000000u | group << 20 | (group * 0x9e3779b1u >> 12);
	for (i = 0; i < p.len; i++)
		if (bits >> (31 - i) & 1)
			p.at[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return p;
}

static bool
is_part(const struct prefix *part, const struct prefix *of)
{
	uint32_t i;

	if (part->len < of->len)
		return false;
	for (i = 0; i < of->len; i++)
		if ((part->at[i / 8] ^ of->at[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

void
books_key(uint32_t n, uint8_t *key)
{
	struct prefix p;

	memset(key, 0x5a, BOOKS_KEY_MAX);
	if (books_is_lpm) {
		p = prefix_of(n);
		memcpy(key, &p, sizeof(p));
		return;
	}
	memcpy(key, &n, sizeof(n));
	if (books_shape->key_size == BOOKS_KEY_MAX)
		memcpy(key + BOOKS_KEY_MAX - 4, &n, sizeof(n));
}

/* The number of a key that a walk shows; BOOKS_KEYS: it is none of ours. */
static uint32_t
number_of(const uint8_t *key)
{
	uint8_t right[BOOKS_KEY_MAX];
	struct prefix p;
	uint32_t n;

	if (books_is_lpm) {
		memcpy(&p, key, sizeof(p));
		for (n = 0; n < BOOKS_KEYS; n++) {
			struct prefix q = prefix_of(n);

			if (memcmp(&p, &q, sizeof(p)) == 0)
				break;
		}
		return n;
	}
	memcpy(&n, key, sizeof(n));
	books_key(n, right);
	return n < BOOKS_KEYS &&
			       memcmp(key, right, books_shape->key_size) == 0 ?
		       n :
		       BOOKS_KEYS;
}

/* May the value found for key number `asked` be number n's? */
static bool
answers(uint32_t asked, uint32_t n)
{
	struct prefix a, b;

	if (!books_is_lpm)
		return n == asked;
	a = prefix_of(asked);
	b = prefix_of(n);
	return n < BOOKS_KEYS && is_part(&a, &b);
}

/* number:16, version:24, check:24 */
static uint64_t
word_of(uint32_t n, uint32_t version, uint32_t index)
{
	uint64_t low = (uint64_t)(n & 0xffff) << 24 | (version & 0xffffff);
	uint64_t mixed = (low + index + 1) * 0x9e3779b97f4a7c15ull;

	return low << 24 | mixed >> 40;
}

static uint32_t
word_number(uint64_t word)
{
	return (uint32_t)(word >> 48);
}

static uint32_t
word_version(uint64_t word)
{
	return (uint32_t)(word >> 24) & 0xffffff;
}

static bool
word_is_whole(uint64_t word, uint32_t index)
{
	return word == word_of(word_number(word), word_version(word), index);
}

/* A new element of an array, or of a program's on other CPUs, is zeros. */
static bool
may_be_zero(uint64_t word)
{
	return word == 0 && (books_is_array || books_is_percpu);
}

void
books_fill(uint32_t n, uint32_t version, uint64_t *value)
{
	uint32_t i;

	for (i = 0; i < books_words; i++)
		value[i] = word_of(n, version, i % books_shape->words);
}

bool
books_check(uint32_t asked, const uint64_t *value, uint32_t words,
	    struct books_seen *seen)
{
	uint64_t first = os_load_acquire(&value[0]), word;
	bool right = true;
	uint32_t i;

	for (i = 0; i < words; i++) {
		word = i == 0 ? first : os_load_acquire(&value[i]);
		if (may_be_zero(word))
			continue;
		if (!word_is_whole(word, i))
			books_note(BOOKS_TORN);
		else
			right &= answers(asked, word_number(word));
	}
	/* a CPU's copies are written one after the other */
	if (seen == NULL || books_is_percpu || books_is_lpm ||
	    asked < BOOKS_STABLE || asked >= BOOKS_STABLE + BOOKS_OWNED ||
	    first == 0 || !answers(asked, word_number(first)))
		return right;
	if (word_version(first) < seen->version[asked])
		books_note(BOOKS_OLDER);
	seen->version[asked] = word_version(first);
	return right;
}

bool
books_is_of(uint32_t n, const uint64_t *value)
{
	return word_number(value[0]) == n;
}

/* ---- owners ---- */

void
books_read(uint32_t n, int error, const uint64_t *value)
{
	uint32_t there = books->there[n], i;

	/* another prefix may cover it */
	if (error == 0 && books_is_lpm && !books_is_of(n, value) &&
	    word_is_whole(value[0], 0))
		error = -EBPF_ENOENT;
	if (error == -EBPF_ENOENT) {
		if (there != 0 && !books_is_lru)
			books_note(BOOKS_LOST);
		return;
	}
	if (error != 0) {
		books_note(BOOKS_ODD_ERROR);
		return;
	}
	if (there == 0 && !(books_is_array && value[0] == 0)) {
		books_note(BOOKS_BACK);
		return;
	}
	for (i = 0; i < books_words && there != 0; i++)
		if (value[i] != word_of(n, there, i % books_shape->words)) {
			books_note(BOOKS_OLDER);
			return;
		}
}

uint32_t
books_next_version(uint32_t n)
{
	return books->newest[n] % 0xfffff0 + 1;
}

bool
books_is_full(int error)
{
	return error == (books_is_lpm ? -EBPF_ENOSPC : -EBPF_E2BIG);
}

void
books_inserted(uint32_t n, uint32_t version, uint64_t flags, int error)
{
	bool there = books->there[n] != 0 || books_is_array;

	if (error == 0) {
		if (!books_is_lru && flags == EBPF_EXIST && !there)
			books_note(BOOKS_BACK);
		if (!books_is_lru && flags == EBPF_NOEXIST && there)
			books_note(BOOKS_LOST);
		books->there[n] = books->newest[n] = version;
	} else if (error == -EBPF_EEXIST) {
		if (flags != EBPF_NOEXIST || !there)
			books_note(BOOKS_BACK);
	} else if (error == -EBPF_ENOENT) {
		if (flags != EBPF_EXIST || (there && !books_is_lru))
			books_note(BOOKS_LOST);
		books->there[n] = books_is_lru ? 0 : books->there[n];
	} else if (books_is_full(error)) {
		os_add(&books->full, 1);
		if (there && !books_is_lru)
			books_note(BOOKS_LOST);
		if (books_is_lru || books_is_array)
			books_note(BOOKS_ODD_ERROR);
	} else {
		books_note(BOOKS_ODD_ERROR);
	}
}

void
books_removed(uint32_t n, int error, const uint64_t *value)
{
	uint32_t there = books->there[n];

	if (error == 0) {
		if (there == 0)
			books_note(BOOKS_BACK);
		else if (value != NULL && value[0] != word_of(n, there, 0))
			books_note(BOOKS_OLDER);
	} else if (error != -EBPF_ENOENT) {
		books_note(BOOKS_ODD_ERROR);
	} else if (there != 0 && !books_is_lru) {
		books_note(BOOKS_LOST);
	}
	books->there[n] = 0;
}

void
books_changed(uint32_t n, int error)
{
	if (books_is_full(error)) {
		os_add(&books->full, 1);
		if (n < books_stable)
			books_note(BOOKS_LOST);
	} else if (error != 0 && error != -EBPF_ENOENT) {
		books_note(BOOKS_ODD_ERROR);
	}
}

/* ---- walks ---- */

bool
books_saw(uint8_t *seen, const uint8_t *key, const uint64_t *value)
{
	uint32_t n = number_of(key), i;
	bool right = true;

	if (n == BOOKS_KEYS)
		return false;
	if (seen[n] < 255)
		seen[n]++;
	for (i = 0; value != NULL && i < books_shape->words; i++) {
		uint64_t word = os_load_acquire(&value[i]);

		if (may_be_zero(word))
			continue;
		if (!word_is_whole(word, i))
			books_note(BOOKS_TORN);
		else
			right &= word_number(word) == n;
	}
	return right;
}

void
books_walked(const uint8_t *seen)
{
	uint32_t i;

	for (i = 0; i < books_stable; i++)
		if (seen[i] != 1)
			books_note(BOOKS_TWICE);
}
