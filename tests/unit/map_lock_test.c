/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Locks in map values: where BTF says they are, which maps may have one, that
 * copies leave them alone, and that programs and users who hold one are alone.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/btf.h"
#include "core/map.h"
#include "core/prog.h"
#include "tap.h"

enum {
	THREADS = 4,
	ROUNDS = 20000,
};

static struct ebpf_runtime *rt;

/* ---- types ---- */

/* Names in the strings below. */
enum name {
	N_NONE = 0,
	N_U32 = 1,
	N_LOCK = 5,
	N_OTHER = 19,
};
static const char strings[] = "\0u32\0bpf_spin_lock\0bpf_spin_lock_t";

enum {
	INT = 1, STRUCT = 4, UNION = 5, TYPEDEF = 8, CONST = 10, VAR = 14,
	DATASEC = 15,
};

static uint32_t words[128], word_count;

static void
type(uint32_t name, uint32_t kind, uint32_t count, uint32_t size)
{
	words[word_count++] = name;
	words[word_count++] = kind << 24 | count;
	words[word_count++] = size;
}

static void
three(uint32_t a, uint32_t b, uint32_t c)
{
	words[word_count++] = a;
	words[word_count++] = b;
	words[word_count++] = c;
}

/* 1: u32, 2: the lock, 3: a typedef of it, 4: one that is too long */
static void
begin(void)
{
	word_count = 0;
	type(N_U32, INT, 0, 4);
	words[word_count++] = 32;
	type(N_LOCK, STRUCT, 1, 4);
	three(N_U32, 1, 0);
	type(N_OTHER, TYPEDEF, 0, 2);
	type(N_LOCK, STRUCT, 1, 8);
	three(N_U32, 1, 0);
}

static struct ebpf_btf *
finish(void)
{
	uint32_t types = word_count * 4;
	const uint32_t header[] = {
		0x1eb9f, 24, 0, types, types, sizeof(strings),
	};
	struct ebpf_btf *btf = NULL;
	uint8_t data[1024];

	memcpy(data, header, sizeof(header));
	memcpy(data + sizeof(header), words, types);
	memcpy(data + sizeof(header) + types, strings, sizeof(strings));
	if (ebpf_btf_load(rt, data,
			  (uint32_t)(sizeof(header) + types + sizeof(strings)),
			  "types", 0, &btf))
		tap_ok(false, "types");
	return btf;
}

/* A map whose values are of the last type; returns create's result. */
static int
create(uint32_t kind, uint32_t size, uint32_t flags, struct ebpf_map **map)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec),
		.kind = kind,
		.key_size = 4,
		.value_size = size,
		.max_entries = 4,
		.flags = flags,
		.name = "locked",
		.btf_key_type = 1,
	};
	int error;

	spec.btf = finish();
	spec.btf_value_type = spec.btf ? spec.btf->type_count : 0;
	error = ebpf_map_create(rt, &spec, map);
	if (spec.btf)
		ebpf_object_put(&spec.btf->obj);
	return error;
}

/* As create(), of an array; off: where the lock was found, -1 nowhere. */
static bool
found_at(uint32_t size, int off)
{
	struct ebpf_map *map;
	bool right;

	if (create(EBPF_MAP_ARRAY, size, 0, &map))
		return false;
	right = off < 0 ? !map->has_lock :
			  map->has_lock && map->lock_off == (uint32_t)off;
	ebpf_map_put(map);
	return right;
}

static void
one_member(uint32_t member, uint32_t size, uint32_t bits)
{
	begin();
	type(N_NONE, STRUCT, 1, size);
	three(N_OTHER, member, bits);
}

static void
places(void)
{
	struct ebpf_map *map;
	uint32_t i;

	one_member(2, 16, 64);
	tap_ok(found_at(16, 8), "a member");
	one_member(3, 16, 96);
	tap_ok(found_at(16, 12), "a member by another name, at the end");
	begin();
	type(N_NONE, STRUCT, 2, 16);
	three(N_U32, 1, 0);
	three(N_OTHER, 2, 32);
	type(N_NONE, CONST, 0, 5);
	tap_ok(found_at(16, 4), "the second member, of a const struct");
	one_member(2, 16, 64);
	words[word_count - 5] |= 1u << 31;
	tap_ok(found_at(16, 8), "a member of a struct with bit fields");

	one_member(1, 16, 64);
	tap_ok(found_at(16, -1), "a member of another type is none");
	one_member(4, 16, 64);
	tap_ok(found_at(16, -1), "one of another size is none");
	begin();
	type(N_OTHER, STRUCT, 1, 4);
	three(N_U32, 1, 0);
	type(N_NONE, STRUCT, 1, 16);
	three(N_LOCK, 5, 0);
	tap_ok(found_at(16, -1), "one of another name is none");
	one_member(2, 16, 64);
	type(N_NONE, STRUCT, 1, 16);
	three(N_LOCK, 5, 0);
	tap_ok(found_at(16, -1), "a member's member is none");
	begin();
	type(N_NONE, UNION, 1, 16);
	three(N_LOCK, 2, 0);
	tap_ok(found_at(16, -1), "a member of a union is none");
	begin();
	type(N_NONE, STRUCT, 1, 16);
	three(N_LOCK, 0, 0);
	tap_ok(found_at(16, -1), "a member without a type is none");

	begin();
	type(N_LOCK, VAR, 0, 2);
	words[word_count++] = 1;
	type(N_U32, VAR, 0, 1);
	words[word_count++] = 1;
	type(N_OTHER, DATASEC, 2, 32);
	three(6, 0, 4);
	three(5, 20, 4);
	tap_ok(found_at(32, 20), "a variable of a section");

	one_member(2, 16, 72);
	tap_ok(create(EBPF_MAP_ARRAY, 16, 0, &map) == -EBPF_EINVAL,
	       "not aligned");
	one_member(2, 16, 65);
	tap_ok(create(EBPF_MAP_ARRAY, 16, 0, &map) == -EBPF_EINVAL,
	       "in the middle of a byte");
	one_member(2, 16, 128);
	tap_ok(create(EBPF_MAP_ARRAY, 16, 0, &map) == -EBPF_EINVAL,
	       "behind the value");
	one_member(2, 16, 0);
	tap_ok(create(EBPF_MAP_ARRAY, 3, 0, &map) == -EBPF_EINVAL,
	       "in a value that is too short");
	begin();
	type(N_NONE, STRUCT, 2, 16);
	three(N_LOCK, 2, 0);
	three(N_LOCK, 2, 32);
	tap_ok(create(EBPF_MAP_ARRAY, 16, 0, &map) == -EBPF_E2BIG,
	       "two of them");

	for (i = 0; i < 4; i++) {
		static const uint32_t kinds[] = {
			EBPF_MAP_PERCPU_ARRAY, EBPF_MAP_PERCPU_HASH,
			EBPF_MAP_LRU_HASH, EBPF_MAP_LRU_PERCPU_HASH,
		};

		one_member(2, 16, 0);
		tap_ok(create(kinds[i], 16, 0, &map) == -EBPF_EUNSUPPORTED,
		       "not in maps of kind %u", kinds[i]);
	}
	one_member(2, 16, 0);
	tap_ok(create(EBPF_MAP_ARRAY, 16, EBPF_F_RDONLY_PROG, &map) ==
		       -EBPF_EACCES,
	       "not where programs may not write");
	one_member(2, 16, 0);
	tap_ok(create(EBPF_MAP_HASH, 16, EBPF_F_WRONLY_PROG, &map) ==
		       -EBPF_EACCES,
	       "nor where they may not read");
}

/* ---- copies ---- */

/* Every place of a lock in values of every length around it. */
static void
copies(uint32_t kind)
{
	uint8_t in[40], out[40], want[40], *stored;
	struct ebpf_section section;
	struct ebpf_map *map;
	bool good = true;
	uint32_t size, off, i, key = 1;

	for (size = 4; size <= sizeof(in); size++)
		for (off = 0; off + 4 <= size; off += 4) {
			one_member(2, size, off * 8);
			if (create(kind, size, 0, &map)) {
				good = false;
				continue;
			}
			for (i = 0; i < size; i++)
				in[i] = (uint8_t)(i + 1);
			memcpy(want, in, size);
			memset(want + off, 0, 4);
			good &= ebpf_map_write(map, &key, in, 0) == 0;
			ebpf_section_enter(&section);
			stored = ebpf_map_find(map, &key);
			good &= stored && memcmp(stored, want, size) == 0;
			/* as if held: writing leaves it */
			memset(stored + off, 7, 4);
			for (i = 0; i < size; i++)
				in[i] = want[i] = (uint8_t)(i + 101);
			memset(want + off, 7, 4);
			good &= ebpf_map_write(map, &key, in, EBPF_EXIST) == 0;
			good &= memcmp(stored, want, size) == 0;
			ebpf_section_leave(&section);
			/* and readers get zero */
			memset(want + off, 0, 4);
			memset(out, 0xee, sizeof(out));
			good &= ebpf_map_read(map, &key, out) == 0;
			good &= memcmp(out, want, size) == 0;
			good &= size == sizeof(out) || out[size] == 0xee;
			memset(stored + off, 0, 4);
			memset(out, 0xee, sizeof(out));
			good &= ebpf_map_read_locked(map, &key, out) == 0;
			good &= memcmp(out, want, size) == 0;
			/* what locked is free again */
			good &= memcmp(stored, want, size) == 0;
			in[0] ^= 1;
			want[0] ^= 1;
			memset(want + off, 0, 4);
			good &= ebpf_map_write(map, &key, in,
					       EBPF_F_LOCK | EBPF_EXIST) == 0;
			good &= memcmp(stored, want, size) == 0;
			ebpf_map_put(map);
			os_epoch_drain();
		}
	tap_ok(good, "copies leave the lock out in kind %u", kind);
}

static void
flags(uint32_t kind)
{
	struct ebpf_map *map;
	uint64_t value[2] = { 1, 2 };
	uint32_t key = 2, other = 9;

	one_member(2, 16, 0);
	TAP_CHECK(create(kind, 16, 0, &map) == 0);
	if (kind == EBPF_MAP_HASH) {
		TAP_CHECK(ebpf_map_write(map, &key, value,
					 EBPF_F_LOCK | EBPF_EXIST) ==
			  -EBPF_ENOENT);
		TAP_CHECK(ebpf_map_write(map, &key, value,
					 EBPF_F_LOCK | EBPF_NOEXIST) == 0);
	}
	TAP_CHECK(ebpf_map_write(map, &key, value, EBPF_F_LOCK) == 0);
	TAP_CHECK(ebpf_map_write(map, &key, value,
				 EBPF_F_LOCK | EBPF_NOEXIST) == -EBPF_EEXIST);
	TAP_CHECK(ebpf_map_write(map, &key, value, EBPF_F_LOCK | 3) ==
		  -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_write(map, &key, value, 8) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_read_locked(map, &other, value) == -EBPF_ENOENT);
	ebpf_map_put(map);

	one_member(1, 16, 0);
	TAP_CHECK(create(kind, 16, 0, &map) == 0);
	TAP_CHECK(ebpf_map_write(map, &key, value, EBPF_F_LOCK) ==
		  -EBPF_EINVAL);
	TAP_CHECK(ebpf_map_read_locked(map, &key, value) == -EBPF_EINVAL);
	ebpf_map_put(map);
	one_member(2, 16, 0);
	TAP_CHECK(create(kind, 16, EBPF_F_WRONLY, &map) == 0);
	TAP_CHECK(ebpf_map_read_locked(map, &key, value) == -EBPF_EACCES);
	ebpf_map_put(map);
}

/* ---- alone ---- */

static struct ebpf_map *shared;
static struct ebpf_prog *adder;
static uint64_t wrong;

/* Words 1 and 2 are equal for whoever holds the lock in word 0. */
struct value {
	uint32_t lock, pad;
	uint64_t a, b;
};

/* value.a++, value.b++, with a look at whether they were equal before */
static const char adder_text[] =
	"*(u32 *)(r10 -4) = 0\n"
	"r1 = map[idx:0]\n"
	"r2 = r10\n"
	"r2 += -4\n"
	"call map_lookup_elem\n"
	"if r0 == 0 goto none\n"
	"r6 = r0\n"
	"r1 = r6\n"
	"call spin_lock\n"
	"r7 = *(u64 *)(r6 +8)\n"
	"r8 = *(u64 *)(r6 +16)\n"
	"r7 += 1\n"
	"*(u64 *)(r6 +8) = r7\n"
	"r8 += 1\n"
	"*(u64 *)(r6 +16) = r8\n"
	"r1 = r6\n"
	"call spin_unlock\n"
	"r0 = 0\n"
	"if r7 == r8 goto same\n"
	"none: r0 = 1\n"
	"same: exit\n";

static void *
add(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		if (ebpf_prog_run_mem(adder, NULL, 0) != 0)
			os_add(&wrong, 1);
	return NULL;
}

static void *
look(void *arg)
{
	struct value value;
	uint32_t key = 0;
	int i;

	for (i = 0; i < ROUNDS; i++)
		if (ebpf_map_read_locked(shared, &key, &value) ||
		    value.a != value.b || value.lock != 0)
			os_add(&wrong, 1);
	return NULL;
}

/* Users overwrite: the sum is lost, equality is not. */
static void *
overwrite(void *arg)
{
	struct value value = { .lock = 5 };
	uint32_t key = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		value.a = value.b = (uint64_t)i << 32;
		if (ebpf_map_write(shared, &key, &value, EBPF_F_LOCK))
			os_add(&wrong, 1);
	}
	return NULL;
}

static void
alone(uint32_t kind, uint32_t engine)
{
	struct gebpf_error err = { 0 };
	struct ebpf_insn *insns = NULL;
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = EBPF_PROG_RAW,
		.engine = engine,
		.map_count = 1,
		.name = "adder",
	};
	struct value value = { 0 };
	pthread_t threads[2 * THREADS];
	uint32_t count = 0, key = 0;
	int i, error;

	one_member(2, sizeof(struct value), 0);
	TAP_CHECK(create(kind, sizeof(struct value), 0, &shared) == 0);
	TAP_CHECK(ebpf_map_write(shared, &key, &value, 0) == 0);
	TAP_CHECK(gebpf_asm(adder_text, sizeof(adder_text) - 1, &insns, &count,
			    &err) == 0);
	request.maps = &shared;
	request.insns = insns;
	request.insn_count = count;
	error = ebpf_prog_load(rt, &request, &adder);
	free(insns);
	if (error == -EBPF_EUNSUPPORTED && engine != EBPF_LOAD_INTERP) {
		tap_skip("no JIT for this machine", "alone");
		ebpf_map_put(shared);
		return;
	}
	TAP_CHECK(error == 0);
	if (error)
		return;
	wrong = 0;
	for (i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, add, NULL);
		pthread_create(&threads[THREADS + i], NULL, look, NULL);
	}
	for (i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	TAP_CHECK(ebpf_map_read(shared, &key, &value) == 0);
	tap_ok(wrong == 0 && value.a == THREADS * ROUNDS && value.b == value.a,
	       "whoever holds the lock is alone: kind %u, engine %u", kind,
	       engine);
	for (i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, add, NULL);
		pthread_create(&threads[THREADS + i], NULL,
			       i % 2 ? look : overwrite, NULL);
	}
	for (i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_ok(wrong == 0, "users that write as well: kind %u, engine %u", kind,
	       engine);
	ebpf_prog_put(adder);
	ebpf_map_put(shared);
}

int
main(void)
{
	if (ebpf_runtime_create(NULL, &rt) != 0) {
		tap_ok(false, "runtime");
		return tap_done();
	}
	places();
	copies(EBPF_MAP_ARRAY);
	copies(EBPF_MAP_HASH);
	flags(EBPF_MAP_ARRAY);
	flags(EBPF_MAP_HASH);
	alone(EBPF_MAP_ARRAY, EBPF_LOAD_INTERP);
	alone(EBPF_MAP_HASH, EBPF_LOAD_INTERP);
	alone(EBPF_MAP_ARRAY, EBPF_LOAD_JIT);
	alone(EBPF_MAP_HASH, EBPF_LOAD_JIT);
	os_epoch_drain();
	ebpf_runtime_destroy(rt);
	return tap_done();
}
