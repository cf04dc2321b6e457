/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The code of their own that lpm_trie maps get, beside their lookup in C and
 * beside a list of the prefixes: addresses of all lengths that have such code
 * and some that have not, prefixes that lie dense or far apart and in each
 * other, keys shorter than an address; while prefixes come and go; while others
 * change the map, and when something is handed on in the middle of a look.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/jit/jit_lookup.h"
#include "core/runtime.h"
#include "dice.h"
#include "jit_lab.h"
#include "tap.h"
#include "unverified.h"

enum {
	MEM = 512,
	KEY_MAX = 4 + 256,
	PREFIXES = 3000,
	ASKED = 3000, /* keys of a map */
	ROUNDS = 20000, /* of who changes a map, at most */
};

static uint64_t mem[MEM / 8];

struct prefix {
	uint8_t key[KEY_MAX];
	uint32_t len;
	bool in;
};

static struct prefix prefixes[PREFIXES];

/* How prefixes are: where they begin alike, how long they are. */
struct scene {
	const char *name;
	uint32_t key_size;
	uint32_t count;
	uint32_t alike; /* first bits of all */
	uint32_t shortest, longest;
};

enum {
	ROUTERS4 = 1, /* places of two of them */
	ROUTERS6 = 8,
};

static const struct scene scenes[] = {
	{ "IPv4, all lengths", 8, 2000, 0, 0, 32 },
	{ "IPv4, as in routers", 8, 3000, 0, 12, 28 },
	{ "IPv4, all in one /8", 8, 3000, 8, 9, 28 },
	{ "IPv4, hosts", 8, 1000, 16, 32, 32 },
	{ "IPv4, one", 8, 1, 0, 0, 32 },
	{ "8 bytes", 12, 2000, 0, 0, 64 },
	{ "8 bytes, 40 bits alike", 12, 2000, 40, 0, 64 },
	{ "IPv6, all lengths", 20, 2000, 0, 0, 128 },
	{ "IPv6, as in routers", 20, 3000, 3, 20, 48 },
	{ "IPv6, in one /40", 20, 2000, 40, 0, 64 },
	{ "IPv6, hosts in one /64", 20, 2000, 64, 0, 128 },
	{ "IPv6, hosts in one /56", 20, 2000, 56, 56, 128 },
	{ "IPv6, few and far down", 20, 12, 72, 40, 128 },
	{ "16 bytes and more", 36, 500, 20, 0, 256 },
	{ "the longest", KEY_MAX, 300, 8, 0, 2048 },
	{ "1 byte", 5, 200, 0, 0, 8 },
	{ "6 bytes", 10, 500, 0, 0, 48 },
};

/* Random behind what all have alike, dense there. */
static void
address_make(struct dice *dice, const struct scene *scene, uint8_t *data)
{
	uint32_t size = scene->key_size - 4;

	for (uint32_t i = 0; i < size; i++) {
		data[i] = (uint8_t)dice_next(dice);
		if (i * 8 + 8 <= scene->alike)
			data[i] = 0xa5;
		else if (dice_below(dice, 3) == 0)
			data[i] &= 3;
	}
}

static void
prefix_make(struct dice *dice, const struct scene *scene, uint8_t *key)
{
	uint32_t len = scene->shortest +
		dice_below(dice, scene->longest - scene->shortest + 1);

	memcpy(key, &len, 4);
	address_make(dice, scene, key + 4);
}

static bool
covers(const uint8_t *prefix, const uint8_t *key)
{
	uint32_t len, most, whole;

	memcpy(&len, prefix, 4);
	memcpy(&most, key, 4);
	whole = len / 8;
	if (len > most || memcmp(prefix + 4, key + 4, whole) != 0)
		return false;
	return len % 8 == 0 ||
	       ((prefix[4 + whole] ^ key[4 + whole]) >> (8 - len % 8)) == 0;
}

/* The longest of the list that covers the key, as its place in it; -1: none. */
static int32_t
listed(const struct scene *scene, const uint8_t *key)
{
	int32_t best = -1;

	for (uint32_t i = 0; i < scene->count; i++)
		if (prefixes[i].in && covers(prefixes[i].key, key) &&
		    (best < 0 || prefixes[i].len > prefixes[best].len))
			best = (int32_t)i;
	return best;
}

static struct ebpf_map *
make(uint32_t key_size, uint32_t entries)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = EBPF_MAP_LPM_TRIE,
		.key_size = key_size, .value_size = 8,
		.max_entries = entries, .flags = EBPF_F_NO_PREALLOC,
	};
	struct ebpf_map *map = NULL;

	if (ebpf_map_create(lab_rt, &spec, &map) != 0) {
		tap_ok(false, "a map");
		exit(tap_done());
	}
	return map;
}

/* The same prefix twice is that of the later. */
static bool
put(struct ebpf_map *map, const struct scene *scene, uint32_t n)
{
	uint64_t value = n;

	for (uint32_t i = 0; i < scene->count; i++)
		if (prefixes[i].in && prefixes[i].len == prefixes[n].len &&
		    covers(prefixes[i].key, prefixes[n].key))
			prefixes[i].in = false;
	prefixes[n].in = true;
	return ebpf_map_write(map, prefixes[n].key, &value, EBPF_ANY) == 0;
}

/* What a map's own code leaves to C. */
static uint32_t left_to_c;
static void *(*in_c)(struct ebpf_map *map, const void *key);

static void *
counted(struct ebpf_map *map, const void *key)
{
	left_to_c++;
	return in_c(map, key);
}

static bool
same(struct ebpf_prog *const *progs, struct ebpf_map *map,
     const struct scene *scene, const uint8_t *key)
{
	int32_t want = listed(scene, key);
	struct ebpf_section section;
	const uint64_t *found;
	bool same;

	memcpy((uint8_t *)mem + LAB_KEY_AT, key, map->key_size);
	ebpf_section_enter(&section);
	found = in_c(map, key);
	same = want < 0 ? found == NULL :
			  found != NULL && *found == (uint64_t)want;
	for (uint32_t asks = LAB_NOT; asks < LAB_LOOKUPS; asks++)
		same &= ebpf_prog_run(progs[asks], (uintptr_t)mem, MEM, 0) ==
			lab_asked((uintptr_t)found, asks);
	ebpf_section_leave(&section);
	return same;
}

/* An address of its own, or in a prefix, or near to one. */
static void
ask_make(struct dice *dice, const struct scene *scene, uint8_t *key)
{
	const struct prefix *prefix =
		&prefixes[dice_below(dice, scene->count)];
	uint32_t bits = (scene->key_size - 4) * 8, len = bits, at;

	address_make(dice, scene, key + 4);
	if (dice_below(dice, 8) != 0) {
		uint32_t whole = prefix->len / 8, rest = prefix->len % 8;
		uint8_t mask = (uint8_t)(0xff00 >> rest);

		memcpy(key + 4, prefix->key + 4, whole);
		if (rest != 0)
			key[4 + whole] = (uint8_t)(
				(prefix->key[4 + whole] & mask) |
				(key[4 + whole] & ~mask));
	}
	if (dice_below(dice, 4) == 0) {
		at = dice_below(dice, prefix->len < bits ? prefix->len + 1 :
							   bits);
		key[4 + at / 8] ^= (uint8_t)(0x80 >> at % 8);
	}
	switch (dice_below(dice, 16)) {
	case 0:
		len = dice_below(dice, bits + 1);
		break;
	case 1:
		len = prefix->len;
		break;
	case 2:
		len = bits + 1 + dice_below(dice, 3);
		break;
	}
	memcpy(key, &len, 4);
}

static bool
ask(struct ebpf_map *map, struct ebpf_prog *const *progs, struct dice *dice,
    const struct scene *scene, uint32_t count)
{
	uint8_t key[KEY_MAX + 1];
	uint32_t len;
	bool ok = true;

	for (uint32_t n = 0; n < count; n++) {
		ask_make(dice, scene, key);
		memcpy(&len, key, 4);
		if (len > (scene->key_size - 4) * 8) { /* in no prefix */
			memcpy((uint8_t *)mem + LAB_KEY_AT, key, map->key_size);
			ok &= lab_run(progs[LAB_NOT], (uintptr_t)mem, MEM, 0) ==
			      0;
			continue;
		}
		ok &= same(progs, map, scene, key);
	}
	return ok;
}

/* A few whole addresses; most are decided without C. */
static bool
mostly_own(struct ebpf_map *map, struct ebpf_prog *const *progs,
	   struct dice *dice, const struct scene *scene)
{
	uint32_t bits = (scene->key_size - 4) * 8, most = ASKED / 4;

	left_to_c = 0;
	for (uint32_t n = 0; n < ASKED; n++) {
		uint8_t *key = (uint8_t *)mem + LAB_KEY_AT;

		ask_make(dice, scene, key);
		memcpy(key, &bits, 4);
		lab_run(progs[LAB_NOT], (uintptr_t)mem, MEM, 0);
	}
	if (scene->longest > 64)
		most = ASKED;
	if (left_to_c > most)
		tap_diag("%u of %u lookups were left to C", left_to_c, ASKED);
	return left_to_c <= most;
}

static bool
play(const struct scene *scene)
{
	struct dice dice = { 77 + scene->key_size };
	struct ebpf_prog *progs[LAB_LOOKUPS];
	struct ebpf_map *map = make(scene->key_size, scene->count);
	bool has_code = scene->key_size == 8 || scene->key_size >= 12;
	bool ok, own;

	memset(prefixes, 0, sizeof(prefixes));
	in_c = map->lookup;
	map->lookup = counted;
	/* the code is made while the map is empty, and stays */
	ok = lab_lookups(map, progs);
	ebpf_jit_lookup_code(map, false, &own);
	if (own != has_code) {
		tap_diag("code of its own: %d", own);
		ok = false;
	}
	for (uint32_t n = 0; n < scene->count; n++)
		prefix_make(&dice, scene, prefixes[n].key);
	for (uint32_t n = 0; n < scene->count; n++)
		memcpy(&prefixes[n].len, prefixes[n].key, 4);
	ok &= ask(map, progs, &dice, scene, 20);
	for (uint32_t n = 0; n < scene->count; n++) {
		ok &= put(map, scene, n);
		if (n % 100 == 7)
			ok &= ask(map, progs, &dice, scene, 20);
	}
	ok &= ask(map, progs, &dice, scene, ASKED / 2);
	if (own)
		ok &= mostly_own(map, progs, &dice, scene);
	for (uint32_t n = 0; n < scene->count; n++) {
		if (!prefixes[n].in || dice_below(&dice, 8) == 0)
			continue;
		ok &= ebpf_map_remove(map, prefixes[n].key) == 0;
		prefixes[n].in = false;
		if (n % 100 == 7)
			ok &= ask(map, progs, &dice, scene, 20);
	}
	ok &= ask(map, progs, &dice, scene, ASKED / 4);
	lab_lookups_free(progs);
	map->lookup = in_c;
	ebpf_map_put(map);
	return ok;
}

static void
all_scenes(const char *what)
{
	for (uint32_t s = 0; s < sizeof(scenes) / sizeof(scenes[0]); s++)
		tap_ok(play(&scenes[s]), "%s%s", scenes[s].name, what);
}

/* ---- while others change it ---- */

enum {
	KEPT = 64,    /* /24s that stay as they are */
	COMERS = 256, /* prefixes around and below their neighbours */
};

struct traffic {
	struct ebpf_map *map;
	uint32_t stop; /* atomic */
	bool ok;
};

/* Of 10.N.M.0: N has those kept, and others, side by side. */
static void
route_make(uint8_t key[8], uint32_t len, uint32_t n, uint32_t m, uint32_t host)
{
	memcpy(key, &len, 4);
	key[4] = 10;
	key[5] = (uint8_t)n;
	key[6] = (uint8_t)m;
	key[7] = (uint8_t)host;
}

/* Everything but the kept ones: longer ones beside them, shorter ones around. */
static void *
change(void *cookie)
{
	struct traffic *traffic = cookie;
	struct dice dice = { 4711 };
	uint64_t value = ~0ull;
	uint8_t key[8];

	for (uint32_t n = 0; n < ROUNDS && os_load(&traffic->stop) == 0; n++) {
		uint32_t who = dice_below(&dice, COMERS);
		int error;

		if (who < 16)
			route_make(key, 8 + who % 9, 0, 0, 0);
		else
			route_make(key, 17 + who % 16, who % 4,
				   (who / 4 % 64) * 2 + 1, who & 0xf0);
		if (dice_below(&dice, 2))
			error = ebpf_map_write(traffic->map, key, &value,
					       EBPF_ANY);
		else
			error = ebpf_map_remove(traffic->map, key);
		if (error == -EBPF_EAGAIN)
			ebpf_map_settle(traffic->map);
		else if (error != 0 && error != -EBPF_ENOENT)
			traffic->ok = false;
	}
	return NULL;
}

/*
 * No prefix that comes or goes covers an address of those that stay and is
 * longer: each look finds the very element.
 */
static void
while_changed(void)
{
	struct ebpf_prog *progs[LAB_LOOKUPS];
	struct traffic traffic = { .map = make(8, KEPT + COMERS), .ok = true };
	const void *values[KEPT];
	struct ebpf_section section;
	bool own, ok = lab_lookups(traffic.map, progs);
	pthread_t thread;
	uint8_t key[8];

	for (uint64_t n = 0; n < KEPT; n++) {
		route_make(key, 24, (uint32_t)n % 4, (uint32_t)(n / 4) * 2, 0);
		ok &= ebpf_map_write(traffic.map, key, &n, EBPF_ANY) == 0;
	}
	ebpf_section_enter(&section);
	for (uint32_t n = 0; n < KEPT; n++) {
		route_make(key, 32, n % 4, n / 4 * 2, 9);
		values[n] = traffic.map->lookup(traffic.map, key);
	}
	ebpf_section_leave(&section);
	pthread_create(&thread, NULL, change, &traffic);
	for (uint32_t round = 0; round < 400; round++) {
		for (uint32_t n = 0; n < KEPT; n++) {
			route_make((uint8_t *)mem + LAB_KEY_AT, 32, n % 4,
				   n / 4 * 2, round & 0xff);
			ok &= lab_run(progs[LAB_NOT], (uintptr_t)mem, MEM, 0) ==
			      (uintptr_t)values[n];
		}
	}
	os_store(&traffic.stop, 1);
	pthread_join(thread, NULL);
	ebpf_jit_lookup_code(traffic.map, false, &own);
	tap_ok(ok && own && traffic.ok,
	       "what stays is found while others come and go");
	lab_lookups_free(progs);
	ebpf_map_put(traffic.map);
}

/* ---- what was handed on meanwhile ---- */

static struct ebpf_map_lpm *trap_lpm;
static void *trap_page;
static size_t page_size;
static uint32_t trap_adds, trapped;

/* A look is on its way: it has seen `changes`, and will read the page again. */
static void
trap(int number)
{
	mprotect(trap_page, page_size, PROT_READ | PROT_WRITE);
	os_store(&trap_lpm->changes, trap_lpm->changes + trap_adds);
	trapped++;
}

/* An address whose entry in the first table is in a page of nothing else. */
static bool
trap_address(struct dice *dice, const struct scene *scene, uint8_t *key)
{
	uint32_t root = os_load_acquire(&trap_lpm->root);
	uint32_t bits = trap_lpm->data_bits;
	const struct ebpf_lpm_table *table;
	uintptr_t begin, end, at;

	if (!ebpf_lpm_is_table(root))
		return false;
	table = &ebpf_lpm_node(trap_lpm, root)->table;
	begin = (uintptr_t)table->entries;
	end = begin + ((size_t)table->mask + 1) * sizeof(table->entries[0]);
	for (uint32_t tries = 0; tries < 1000; tries++) {
		struct ebpf_lpm_probe probe;

		ask_make(dice, scene, key);
		memcpy(key, &bits, 4);
		probe = ebpf_lpm_probe(trap_lpm, key);
		at = (uintptr_t)&table->entries[ebpf_lpm_index(table, &probe,
							       bits)];
		at &= ~(uintptr_t)(page_size - 1);
		trap_page = (void *)at;
		if (at >= begin && at + page_size <= end)
			return true;
	}
	return false;
}

/* Then, and only then, C looks again. */
static bool
handed_on(const struct scene *scene)
{
	struct sigaction action = { .sa_handler = trap }, before;
	struct ebpf_map *map = make(scene->key_size, scene->count);
	struct ebpf_prog *progs[LAB_LOOKUPS];
	uint8_t *key = (uint8_t *)mem + LAB_KEY_AT;
	struct dice dice = { 99 };
	bool ok;

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	trap_lpm = ebpf_lpm_of(map);
	memset(prefixes, 0, sizeof(prefixes));
	in_c = map->lookup;
	map->lookup = counted;
	ok = lab_lookups(map, progs);
	for (uint32_t n = 0; n < scene->count; n++) {
		prefix_make(&dice, scene, prefixes[n].key);
		memcpy(&prefixes[n].len, prefixes[n].key, 4);
		ok &= put(map, scene, n);
	}
	sigaction(SIGSEGV, &action, &before);
	for (uint32_t n = 0; ok && n < 200; n++) {
		uint32_t without;
		uint64_t want;

		ok &= trap_address(&dice, scene, key);
		left_to_c = 0;
		want = lab_run(progs[LAB_NOT], (uintptr_t)mem, MEM, 0);
		without = left_to_c;
		left_to_c = trapped = 0;
		trap_adds = n % 2;
		mprotect(trap_page, page_size, PROT_NONE);
		ok &= lab_run(progs[LAB_NOT], (uintptr_t)mem, MEM, 0) == want;
		mprotect(trap_page, page_size, PROT_READ | PROT_WRITE);
		ok &= trapped == 1 &&
		      left_to_c == (trap_adds != 0 ? 1 : without);
	}
	sigaction(SIGSEGV, &before, NULL);
	lab_lookups_free(progs);
	map->lookup = in_c;
	ebpf_map_put(map);
	return ok;
}

int
main(void)
{
	if (!lab_open("jit of lpm_trie"))
		return lab_close();
	all_scenes("");
	while_changed();
	tap_ok(handed_on(&scenes[ROUTERS4]) && handed_on(&scenes[ROUTERS6]),
	       "who looks while something is handed on looks again");
	lab_rt->config.harden = EBPF_HARDEN_CONSTANTS;
	all_scenes(", with constants that must not be seen");
	return lab_close();
}
