/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads the verifier's cases, see verify_case.h. */
#include "verify_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/btf.h"
#include "core/map.h"
#include "core/runtime.h"

static uint32_t
number_of(const char *name)
{
	static const struct {
		const char *name;
		uint32_t number;
	} names[] = {
		{"xdp", EBPF_PROG_XDP},	      {"tc", EBPF_PROG_TC},
		{"socket", EBPF_PROG_SOCKET}, {"vale", EBPF_PROG_VALE},
		{"vale_buf", EBPF_PROG_VALE_BUF}, {"raw", EBPF_PROG_RAW},
		{"hash", EBPF_MAP_HASH},      {"array", EBPF_MAP_ARRAY},
		{"prog_array", EBPF_MAP_PROG_ARRAY},
		{"percpu_array", EBPF_MAP_PERCPU_ARRAY},
		{"percpu_hash", EBPF_MAP_PERCPU_HASH},
		{"lru_hash", EBPF_MAP_LRU_HASH},
		{"lru_percpu_hash", EBPF_MAP_LRU_PERCPU_HASH},
		{"ringbuf", EBPF_MAP_RINGBUF},
		{"perf_event_array", EBPF_MAP_PERF_EVENT_ARRAY},
		{"devmap", EBPF_MAP_DEVMAP},
		{"devmap_hash", EBPF_MAP_DEVMAP_HASH},
		{"cpumap", EBPF_MAP_CPUMAP},
		{"array_of_maps", EBPF_MAP_ARRAY_OF_MAPS},
		{"hash_of_maps", EBPF_MAP_HASH_OF_MAPS},
		{"lru_percpu_hash", EBPF_MAP_LRU_PERCPU_HASH},
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].number;
	i = gebpf_prog_kind_number(name);
	return i ? (uint32_t)i : gebpf_map_kind_number(name);
}

/* Types that say where the value has its struct bpf_spin_lock. */
static bool
describe(struct ebpf_runtime *rt, struct ebpf_map_spec *spec, uint32_t lock_off)
{
	static const char strings[] = "\0u32\0val\0bpf_spin_lock\0value\0lock";
	enum { U32 = 1, VAL = 5, LOCK_TYPE = 9, VALUE = 23, LOCK = 29 };
	const uint32_t types[] = {
		U32, 1u << 24, 4, 32,
		LOCK_TYPE, 4u << 24 | 1, 4, VAL, 1, 0,
		VALUE, 4u << 24 | 1, spec->value_size, LOCK, 2, lock_off * 8,
	};
	const uint32_t header[] = {
		0x1eb9f, 24, 0, sizeof(types), sizeof(types), sizeof(strings),
	};
	uint8_t data[sizeof(header) + sizeof(types) + sizeof(strings)];

	memcpy(data, header, sizeof(header));
	memcpy(data + sizeof(header), types, sizeof(types));
	memcpy(data + sizeof(header) + sizeof(types), strings,
	       sizeof(strings));
	if (ebpf_btf_load(rt, data, sizeof(data), "types", 0, &spec->btf))
		return false;
	spec->btf_key_type = 1;
	spec->btf_value_type = 3;
	return true;
}

static bool
make_map(struct ebpf_runtime *rt, struct verify_case *t, const char *line)
{
	struct ebpf_map_spec spec = {.size = sizeof(spec)};
	char kind[32], options[64] = "";
	const char *lock, *inner;
	uint32_t i;
	int error;

	if (t->map_count == VERIFY_MAPS ||
	    sscanf(line, "%31s %31s %u %u %u %63[^\n]", t->names[t->map_count],
		   kind, &spec.key_size, &spec.value_size, &spec.max_entries,
		   options) < 5)
		return false;
	spec.kind = number_of(kind);
	spec.name = t->names[t->map_count];
	if (spec.kind == EBPF_MAP_LPM_TRIE)
		spec.flags |= EBPF_F_NO_PREALLOC;
	if (strstr(options, "rdonly"))
		spec.flags |= EBPF_F_RDONLY_PROG;
	if (strstr(options, "wronly"))
		spec.flags |= EBPF_F_WRONLY_PROG;
	if (strstr(options, "any_length"))
		spec.flags |= EBPF_F_INNER_MAP;
	if (!ebpf_map_ops_find(spec.kind))
		spec.flags |= EBPF_F_ASSUMED;
	inner = strstr(options, "inner=");
	t->inner[t->map_count] = -1;
	for (i = 0; inner && i < t->map_count; i++)
		if (strcmp(inner + 6, t->names[i]) == 0) {
			spec.inner = t->maps[i];
			t->inner[t->map_count] = (int)i;
		}
	if (inner && !spec.inner)
		return false;
	lock = strstr(options, "lock=");
	if (lock && !describe(rt, &spec, (uint32_t)atoi(lock + 5)))
		return false;
	error = ebpf_map_create(rt, &spec, &t->maps[t->map_count]);
	if (spec.btf)
		ebpf_object_put(&spec.btf->obj);
	if (error)
		return false;
	if (strstr(options, "frozen")) {
		/* "AB" and zeros: strings end, numbers are known */
		uint8_t *value = calloc(1, spec.value_size);
		uint32_t key = 0;

		memcpy(value, "AB", spec.value_size < 2 ? 1 : 2);
		ebpf_map_write(t->maps[t->map_count], &key, value, 0);
		ebpf_map_freeze(t->maps[t->map_count]);
		free(value);
	}
	t->map_count++;
	return true;
}

static uint32_t
add_type(struct verify_types *types, uint32_t name, uint32_t info,
	 uint32_t word)
{
	types->words[types->count++] = name;
	types->words[types->count++] = info;
	types->words[types->count++] = word;
	return ++types->last;
}

/* Strings of all cases' types, and where they are. */
static const char type_strings[] = "\0int\0xdp_md\0__sk_buff\0s\0f\0a";
enum {
	S_INT = 1, S_XDP = 5, S_SKB = 12, S_STRUCT = 22, S_FUNC = 24,
	S_ARG = 26,
};

/* The type that a word names, made; *at goes on behind it. */
static uint32_t
name_type(struct verify_types *types, const char **at, uint32_t kind)
{
	uint32_t size = 0, id;
	char word[32] = "";
	int n = 0;

	if (sscanf(*at, "%31s%n", word, &n) < 1)
		return UINT32_MAX;
	*at += n;
	if (strcmp(word, "void") == 0)
		return 0;
	if (strcmp(word, "num") == 0) {
		id = add_type(types, S_INT, 1u << 24, 4);
		types->words[types->count++] = 32;
		return id;
	}
	if (strcmp(word, "other") == 0)
		return add_type(types, 0, 2u << 24, 0);
	if (strcmp(word, "mem") == 0 && sscanf(*at, "%u%n", &size, &n) == 1) {
		*at += n;
		id = add_type(types, S_STRUCT, 4u << 24, size);
	} else if (strcmp(word, "ctx") == 0) {
		id = add_type(types, kind == EBPF_PROG_XDP ? S_XDP : S_SKB,
			      4u << 24, 4);
	} else {
		return UINT32_MAX;
	}
	/* with a const, as people write */
	id = add_type(types, 0, 10u << 24, id);
	return add_type(types, 0, 2u << 24, id);
}

static bool
make_func(struct verify_types *types, const char *line, uint32_t kind)
{
	uint32_t slot, args[6], n = 0, i, proto;
	char linkage[16];
	int read = 0;

	if (sscanf(line, "%u %15s%n", &slot, linkage, &read) < 2 ||
	    types->func_count == 16 || types->count > 900)
		return false;
	line += read;
	for (;;) {
		while (*line == ' ')
			line++;
		if (!*line)
			break;
		args[n] = name_type(types, &line, kind);
		if (args[n] == UINT32_MAX || n++ == 6)
			return false;
	}
	if (n == 0)
		return false;
	proto = add_type(types, 0, 13u << 24 | (n - 1), args[0]);
	for (i = 1; i < n; i++) {
		types->words[types->count++] = S_ARG;
		types->words[types->count++] = args[i];
	}
	types->funcs[types->func_count].insn = slot;
	types->funcs[types->func_count++].type_id =
		add_type(types, S_FUNC,
			 12u << 24 | (strcmp(linkage, "global") == 0), proto);
	return true;
}

static bool
load_types(struct ebpf_runtime *rt, struct verify_case *t)
{
	uint32_t len = t->types.count * 4;
	const uint32_t header[] = {
		0x1eb9f, 24, 0, len, len, sizeof(type_strings),
	};
	uint8_t data[sizeof(header) + sizeof(t->types.words) +
		     sizeof(type_strings)];

	if (!t->types.func_count)
		return true;
	memcpy(data, header, sizeof(header));
	memcpy(data + sizeof(header), t->types.words, len);
	memcpy(data + sizeof(header) + len, type_strings,
	       sizeof(type_strings));
	return ebpf_btf_load(rt, data,
			     (uint32_t)sizeof(header) + len +
				     (uint32_t)sizeof(type_strings),
			     "types", 0, &t->btf) == 0;
}

/* Names of maps become their indices. */
static bool
put_names(struct verify_case *t, const char *from)
{
	char *out = t->code, *end;
	uint32_t i;

	while (*from) {
		if (strncmp(from, "map[", 4) == 0) {
			for (i = 0; i < t->map_count; i++) {
				size_t n = strlen(t->names[i]);

				if (strncmp(from + 4, t->names[i], n) == 0 &&
				    from[4 + n] == ']')
					break;
			}
			end = strchr(from, ']');
			if (i == t->map_count || !end)
				return false;
			out += sprintf(out, "map[idx:%u]", i);
			from = end + 1;
			continue;
		}
		*out++ = *from++;
		if (out - t->code > VERIFY_TEXT - 64)
			return false;
	}
	*out = '\0';
	return true;
}

bool
verify_case_parse(struct ebpf_runtime **rt, struct verify_case *t)
{
	char *line = t->text, *next, word[32];
	struct ebpf_runtime_config config = {.size = sizeof(config)};
	bool verdict = false;

	if (t->hardened)
		config.harden = EBPF_HARDEN_ALL;
	/* the budget belongs to the runtime, so it is made here */
	next = strstr(t->text, "\nbudget ");
	if (next)
		config.insns_processed_max = (uint32_t)atoi(next + 8);
	if (ebpf_runtime_create(&config, rt))
		return false;
	t->kind = EBPF_PROG_XDP;
	t->fences = -1;
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (strcmp(line, "--") == 0)
			return verdict && next && load_types(*rt, t) &&
			       put_names(t, next);
		if (*line == '#' || *line == '\0')
			continue;
		if (sscanf(line, "kind %31s", word) == 1)
			t->kind = number_of(word);
		else if (strncmp(line, "map ", 4) == 0) {
			if (!make_map(*rt, t, line + 4))
				return false;
		} else if (strncmp(line, "func ", 5) == 0) {
			if (!make_func(&t->types, line + 5, t->kind))
				return false;
		} else if (strcmp(line, "linux") == 0) {
			t->for_linux = true;
		} else if (sscanf(line, "mem %u", &t->mem) == 1 ||
			   sscanf(line, "budget %u", &t->budget) == 1 ||
			   sscanf(line, "fences %d", &t->fences) == 1) {
			continue;
		} else if (strncmp(line, "accept", 6) == 0) {
			t->accept = verdict = true;
			sscanf(line, "accept at most %llu", &t->at_most);
		} else if (sscanf(line, "reject %31s %127[^\n]", t->rule,
				  t->words) >= 1) {
			verdict = true;
		} else {
			return false;
		}
	}
	return false;
}

void
verify_case_clear(struct verify_case *t)
{
	uint32_t i;

	for (i = 0; i < t->map_count; i++)
		ebpf_map_put(t->maps[i]);
	if (t->btf)
		ebpf_object_put(&t->btf->obj);
}
