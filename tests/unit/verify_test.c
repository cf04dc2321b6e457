/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verifier's cases, one program a .txt file in tests/verify/cases:
 *
 *	# what it shows
 *	kind xdp			(or vale, vale_buf, raw, tc, ...)
 *	map NAME KIND KEY VALUE ENTRIES [rdonly] [wronly] [frozen] [lock=OFFSET]
 *					[any_length: may differ as inner maps]
 *					[inner=NAME, last: maps of such maps]
 *	linux				(verified for Linux, not for here)
 *	mem SIZE			(raw: a fixed size of memory)
 *	func SLOT global|static TYPE ARG...	(a function, as BTF tells of it;
 *					types are num, ctx, mem SIZE, other, void)
 *	budget N			(instructions that may be looked at)
 *	accept [at most N]		(N instructions looked at)
 *	fences N			(accepted and hardened, it has so many)
 *	reject RULE words that the message must contain
 *	--
 *	assembler text; map[NAME] is the map's reference
 *
 * Each case is loaded again with the first, second ... allocation failing:
 * that gives ENOMEM, or the same refusal told in fewer words, and leaks nothing.
 * All of it is done twice, the second time in a runtime that is hardened, which
 * must not change any verdict. Then cost, of programs that no text case can
 * hold.
 *
 *	verify_test [--quick] [NAME]	quick: no failing allocations, no cost,
 *					and the first failure is the last case
 *	verify_test --cost		cost alone
 *	verify_test --device TARGET	the cases as requests to a device
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/gebpf.h"
#include "core/btf.h"
#include "core/jit/jit.h"
#include "core/map.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "tap.h"

enum {
	MAPS = 8,
	TEXT = 1 << 18,
};

static bool quick;

static const char *const rule_names[] = {
#define EBPF_RULE(name, sentence, fix) #name,
#include "abi/rule.def"
};

/* BTF of functions: five words each at most, and the types of arguments. */
struct types {
	uint32_t words[1024], count, last; /* id */
	struct ebpf_func_info funcs[16];
	uint32_t func_count;
};

struct test_case {
	struct types types;
	struct ebpf_btf *btf;
	char text[TEXT];
	uint32_t kind, mem, budget;
	int fences; /* -1: any number */
	bool for_linux;
	int inner[MAPS]; /* index of the map's template; -1: none */
	bool hardened;
	struct ebpf_map *maps[MAPS];
	char names[MAPS][32];
	uint32_t map_count;
	bool accept;
	unsigned long long at_most;
	char rule[32], words[128];
	char code[TEXT];
};

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
make_map(struct ebpf_runtime *rt, struct test_case *t, const char *line)
{
	struct ebpf_map_spec spec = {.size = sizeof(spec)};
	char kind[32], options[64] = "";
	const char *lock, *inner;
	uint32_t i;
	int error;

	if (t->map_count == MAPS ||
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
add_type(struct types *types, uint32_t name, uint32_t info, uint32_t word)
{
	types->words[types->count++] = name;
	types->words[types->count++] = info;
	types->words[types->count++] = word;
	return ++types->last;
}

/* Strings of all cases' types, and where they are. */
static const char type_strings[] = "\0int\0xdp_md\0__sk_buff\0s\0f\0a";
enum { S_INT = 1, S_XDP = 5, S_SKB = 12, S_STRUCT = 22, S_FUNC = 24, S_ARG = 26 };

/* The type that a word names, made; *at goes on behind it. */
static uint32_t
name_type(struct types *types, const char **at, uint32_t kind)
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
make_func(struct types *types, const char *line, uint32_t kind)
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
load_types(struct ebpf_runtime *rt, struct test_case *t)
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
put_names(struct test_case *t, const char *from)
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
		if (out - t->code > TEXT - 64)
			return false;
	}
	*out = '\0';
	return true;
}

static bool
parse(struct ebpf_runtime **rt, struct test_case *t)
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

struct outcome {
	int error, fences;
	struct ebpf_load_stats stats;
	char log[16384], report[16384];
};

/* Places that speculation must not pass. NULL: of one that is only verified. */
static int
count_fences(const struct ebpf_prog *prog, uint32_t insn_count)
{
	uint32_t i;
	int n = 0;

	for (i = 0; prog && prog->fences && i < insn_count; i++)
		n += prog->fences[i / 8] >> i % 8 & 1;
	return n;
}

static void
load(struct ebpf_runtime *rt, const struct test_case *t,
     const struct ebpf_insn *insns, uint32_t count, struct outcome *out)
{
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = t->kind,
		.insns = insns,
		.insn_count = count,
		.engine = t->hardened ? EBPF_LOAD_JIT : EBPF_LOAD_INTERP,
		.mem_size = t->mem,
		.map_count = t->map_count,
		.maps = t->maps,
		.name = "case",
		.log = out->log,
		.log_size = sizeof(out->log),
		.stats = &out->stats,
		.report = out->report,
		.report_size = sizeof(out->report),
		.verify_only = t->for_linux,
		.assume_linux = t->for_linux,
		.btf = t->btf,
		.funcs = t->types.funcs,
		.func_count = t->types.func_count,
	};
	struct ebpf_prog *prog;

	out->log[0] = '\0';
	out->error = ebpf_prog_load(rt, &request, &prog);
	if (!out->error) {
		out->fences = count_fences(prog, count);
		ebpf_prog_put(prog);
	}
}

/* ---- the same by requests to a device ---- */

static struct gebpf_device *device; /* NULL: not in this mode */
static int left_out; /* cases that a device cannot be asked */

/* A map as the case's own is, with what was written before it was frozen. */
static int
remote_map(const struct ebpf_map *map, uint32_t inner_id, uint32_t *id)
{
	struct ebpf_req_map_create req = {
		.kind = map->ops->kind,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		/* a kind may add some of its own */
		.flags = map->flags &
			 (map->ops->flags_allowed | EBPF_F_ASSUMED),
		.inner_map_id = inner_id,
		.btf_key_type = map->btf_key_type,
		.btf_value_type = map->btf_value_type,
	};
	struct ebpf_req_btf_load types = {.len = map->btf ? map->btf->len : 0};
	struct ebpf_rep_id made = {0};
	struct gebpf_call load_types = {
		.number = EBPF_REQUEST_BTF_LOAD,
		.req = &types,
		.req_len = sizeof(types),
		.in = {{map->btf ? map->btf->data : NULL, types.len}},
		.rep = &made,
		.rep_len = sizeof(made),
	};
	uint8_t *value = calloc(1, map->value_size + 8);
	uint32_t key = 0;
	struct ebpf_req_map_update update = {
		.key_len = 4, .value_len = map->value_size,
	};
	struct gebpf_call write = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &update,
		.req_len = sizeof(update),
		.in = {{&key, 4}, {value, map->value_size}},
	};
	struct ebpf_req_id freeze;
	int error = 0;

	if (map->btf)
		error = gebpf_request(device, &load_types);
	req.btf_id = made.id;
	made.id = 0;
	if (!error)
		error = gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &req,
				  sizeof(req), &made, sizeof(made));
	*id = made.id;
	if (!error && map->frozen) {
		memcpy(value, "AB", map->value_size < 2 ? 1 : 2);
		update.id = freeze.id = made.id;
		error = gebpf_request(device, &write);
		if (!error)
			error = gebpf_ask(device, EBPF_REQUEST_MAP_FREEZE,
					  &freeze, sizeof(freeze), NULL, 0);
	}
	free(value);
	return error;
}

static void
remote_load(const struct test_case *t, const struct ebpf_insn *insns,
	    uint32_t count, struct outcome *out)
{
	uint32_t ids[MAPS] = {0}, i;
	struct ebpf_req_prog_load req = {
		.kind = t->kind,
		.flags = t->for_linux ? EBPF_PROG_VERIFY_ONLY |
						EBPF_PROG_ASSUME_LINUX :
					EBPF_PROG_JIT,
		.insn_count = count,
		.map_count = t->map_count,
		.mem_size = t->mem,
		.log_size = sizeof(out->log) - 1,
	};
	struct ebpf_rep_prog_load rep = {0};
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req,
		.req_len = sizeof(req),
		.in = {{insns, (size_t)count * 8},
		       {ids, (size_t)t->map_count * 4}},
		.rep = &rep,
		.rep_len = sizeof(rep),
		.out = out->log,
		.out_room = sizeof(out->log) - 1,
	};
	struct ebpf_req_obj drop = {.kind = EBPF_OBJ_PROG};

	out->error = 0;
	for (i = 0; i < t->map_count && !out->error; i++)
		out->error = remote_map(
			t->maps[i], t->inner[i] < 0 ? 0 : ids[t->inner[i]],
			&ids[i]);
	if (!out->error) {
		out->error = gebpf_request(device, &call);
		out->log[call.out_len] = '\0';
		out->stats.rule = rep.rule;
		out->stats.insns_processed = rep.insns_processed;
	}
	drop.id = rep.id;
	if (drop.id)
		gebpf_ask(device, EBPF_REQUEST_OBJ_DROP, &drop, sizeof(drop),
			  NULL, 0);
	drop.kind = EBPF_OBJ_MAP;
	for (i = 0; i < t->map_count; i++) {
		drop.id = ids[i];
		if (drop.id)
			gebpf_ask(device, EBPF_REQUEST_OBJ_DROP, &drop,
				  sizeof(drop), NULL, 0);
	}
}

static bool
judge(const struct test_case *t, const struct outcome *out)
{
	const char *rule = out->stats.rule < EBPF_RULE_COUNT ?
				   rule_names[out->stats.rule] :
				   "?";
	char record[64];

	if (t->accept) {
		if (out->error) {
			tap_diag("refused (%d):\n%s", out->error, out->log);
			return false;
		}
		if (t->at_most && out->stats.insns_processed > t->at_most) {
			tap_diag("looked at %llu instructions",
				 (unsigned long long)
					 out->stats.insns_processed);
			return false;
		}
		if (t->hardened && !device && t->fences >= 0 &&
		    out->fences != t->fences) {
			tap_diag("%d fences, not %d", out->fences, t->fences);
			return false;
		}
		return true;
	}
	if (out->error != -EBPF_EREJECTED || strcmp(rule, t->rule) != 0 ||
	    !strstr(out->log, t->words)) {
		tap_diag("wanted %s '%s', got %d %s:\n%s", t->rule, t->words,
			 out->error, rule, out->log);
		return false;
	}
	if (device)
		return true;
	/* the records have the same, and the path could be gone again */
	snprintf(record, sizeof(record), "rule\t%s\n", rule);
	if (strncmp(out->report, record, strlen(record)) != 0 ||
	    !strstr(out->report, t->words) || strstr(out->report, "\tlost\n") ||
	    !strstr(out->report, "\nat\t") || !strstr(out->report, "\nfix\t") ||
	    !strstr(out->log, "\nfix: ")) {
		tap_diag("its records:\n%s", out->report);
		return false;
	}
	return true;
}

/* Loading fails cleanly whichever allocation does; up to `most` of them. */
static bool
survives_no_memory(struct ebpf_runtime *rt, const struct test_case *t,
		   const struct ebpf_insn *insns, uint32_t count,
		   struct outcome *out, uint64_t most)
{
	uint64_t n, live;
	bool failed = true;

	os_epoch_drain();
	live = os_test_live();
	for (n = 1; n <= most && failed; n++) {
		os_test_fail_at(n);
		load(rt, t, insns, count, out);
		failed = os_test_failed();
		os_test_fail_at(0);
		os_epoch_drain();
		/* a refusal stays one when there is no memory to explain it */
		if (failed && out->error != -EBPF_ENOMEM &&
		    (t->accept || out->error != -EBPF_EREJECTED)) {
			tap_diag("allocation %llu failing gives %d",
				 (unsigned long long)n, out->error);
			return false;
		}
		if (os_test_live() != live) {
			tap_diag("allocation %llu failing leaks",
				 (unsigned long long)n);
			return false;
		}
	}
	return true;
}

static void
run_case(const char *path, const char *name, bool hardened, int *accepts,
	 int *rejects)
{
	struct test_case *t = calloc(1, sizeof(*t));
	struct outcome *out = calloc(1, sizeof(*out));
	struct gebpf_error err = {0};
	struct ebpf_runtime *rt = NULL;
	struct ebpf_insn *insns = NULL;
	uint32_t count = 0, i;
	bool ok;
	FILE *file = fopen(path, "r");

	t->hardened = hardened;
	if (file) {
		fread(t->text, 1, sizeof(t->text) - 1, file);
		fclose(file);
	}
	if (!file || !parse(&rt, t)) {
		tap_ok(false, "%s: cannot be read", name);
		goto out;
	}
	if (gebpf_asm(t->code, strlen(t->code), &insns, &count, &err)) {
		tap_ok(false, "%s: does not assemble: %s", name, err.text);
		goto out;
	}
	/* these cases need types, or a budget of their own */
	if (device && (t->types.func_count || t->budget)) {
		left_out++;
		goto out;
	}
	if (device)
		remote_load(t, insns, count, out);
	else
		load(rt, t, insns, count, out);
	ok = judge(t, out) &&
	     (quick || survives_no_memory(rt, t, insns, count, out, 40));
	tap_ok(ok, "%s%s", name, hardened ? ", hardened" : "");
	if (quick && !device && !ok)
		exit(1);
	*(t->accept ? accepts : rejects) += !hardened;
out:
	free(insns);
	for (i = 0; i < t->map_count; i++)
		ebpf_map_put(t->maps[i]);
	if (t->btf)
		ebpf_object_put(&t->btf->obj);
	if (rt)
		ebpf_runtime_destroy(rt);
	free(out);
	free(t);
}

static int
is_case(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0;
}

static void
run_cases(const char *only)
{
	static const char dir[] = "tests/verify/cases";
	struct dirent **entries;
	int n = scandir(dir, &entries, is_case, alphasort), i;
	int accepts = 0, rejects = 0;
	char path[512];

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!only || strstr(entries[i]->d_name, only)) {
			run_case(path, entries[i]->d_name, false, &accepts,
				 &rejects);
			if (ebpf_jit_host() && !device)
				run_case(path, entries[i]->d_name, true,
					 &accepts, &rejects);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	tap_diag("%d accepted, %d rejected", accepts, rejects);
	if (left_out)
		tap_skip("types are not sent, a device has one budget for all",
			 "%d cases", left_out);
	if (!only)
		tap_ok(accepts >= 300 && rejects >= 300,
		       "at least 300 cases of each");
}

/* ---- cost ---- */

static struct ebpf_insn
insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	struct ebpf_insn i = {code, (uint8_t)(src << 4 | dst), off, imm};

	return i;
}

/* Of this thread: other work on the machine does not count. */
static unsigned long long
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000ULL +
	       (unsigned long long)t.tv_nsec;
}

static void
cost(const char *what, const struct ebpf_insn *insns, uint32_t count,
     int error, unsigned long long insns_max, unsigned long long ns_max)
{
	struct test_case *t = calloc(1, sizeof(*t));
	struct outcome *out = calloc(1, sizeof(*out));
	struct ebpf_runtime *rt;
	unsigned long long ns;

	ebpf_runtime_create(NULL, &rt);
	t->kind = EBPF_PROG_RAW;
	t->mem = 64;
	ns = cpu_ns();
	load(rt, t, insns, count, out);
	ns = cpu_ns() - ns;
#ifdef __SANITIZE_ADDRESS__
	ns_max *= 20;
#endif
	tap_diag("%s: %llu instructions looked at, %llu states, %llu KiB, "
		 "%llu us",
		 what, (unsigned long long)out->stats.insns_processed,
		 (unsigned long long)out->stats.states_total,
		 (unsigned long long)out->stats.mem_peak >> 10,
		 ns / 1000);
	tap_ok(out->error == error && out->stats.insns_processed <= insns_max &&
		       ns <= ns_max,
	       "%s", what);
	if (out->error != error)
		tap_diag("%s", out->log);
	ebpf_runtime_destroy(rt);
	free(out);
	free(t);
}

static void
test_cost(void)
{
	enum { N = 10000 };
	struct ebpf_insn *p = calloc(4 * N + 64, sizeof(*p));
	uint32_t n = 0, i;

	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < N; i++) {
		p[n++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		p[n++] = insn(0x45, 2, 0, 1, 1 << i % 8);
		p[n++] = insn(0x07, 0, 0, 0, 1);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("10,000 diamonds that count", p, n, 0, 7 * N, 50000000);

	n = 0;
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < N; i++) {
		p[n++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		p[n++] = insn(0x15, 2, 0, 1, 7);
		p[n++] = insn(0x7b, 10, 2, -8, 0);
		p[n++] = insn(0x0f, 0, 2, 0, 0);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("10,000 diamonds that spill", p, n, 0, 8 * N, 100000000);

	n = 0;
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; n < 4000 - 1; i++) {
		p[n++] = insn(0x71, 2, 1, (int16_t)(i % 64), 0);
		p[n++] = insn(0x0f, 0, 2, 0, 0);
		p[n++] = insn(0x7b, 10, 0, -8, 0);
		p[n++] = insn(0x79, 3, 10, -8, 0);
		p[n++] = insn(0x67, 3, 0, 0, 3);
		p[n++] = insn(0x57, 3, 0, 0, 0xff);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("4,000 instructions in a row", p, n, 0, 4010, 10000000);

	/* each bit is remembered: as many paths as there are numbers */
	n = 0;
	p[n++] = insn(0x61, 2, 1, 0, 0);
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < N; i++) {
		p[n++] = insn(0x45, 2, 0, 1, 1 << i % 31);
		p[n++] = insn(0x07, 0, 0, 0, 1);
	}
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("2^31 paths end by the budget", p, n, -EBPF_EREJECTED, 1000001,
	     2000000000);

	/* while (x != 0) x = *p, with eight kinds of x on the stack */
	n = 0;
	p[n++] = insn(0xb7, 0, 0, 0, 0);
	for (i = 0; i < 60; i++)
		p[n++] = insn(0x7b, 10, 0, (int16_t)(-8 - 8 * (int)i), 0);
	for (i = 0; i < 60; i++) {
		p[n++] = insn(0x79, 3, 10, (int16_t)(-8 - 8 * (int)i), 0);
		p[n++] = insn(0x07, 3, 0, 0, 1);
		p[n++] = insn(0x71, 2, 1, (int16_t)i, 0);
		p[n++] = insn(0x15, 2, 0, 1, 7);
		p[n++] = insn(0x7b, 10, 3, (int16_t)(-8 - 8 * (int)i), 0);
	}
	p[n] = insn(0x05, 0, 0, (int16_t)(60 - (int)n), 0);
	n++;
	p[n++] = insn(0x95, 0, 0, 0, 0);
	p[n - 1] = p[n - 2];
	p[n - 2] = insn(0x15, 2, 0, 1, 9);
	p[n - 1].off--;
	p[n++] = insn(0x95, 0, 0, 0, 0);
	cost("states of a whole stack end by a limit", p, n, -EBPF_EREJECTED,
	     1000001, 2000000000);
	free(p);
}

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--device") == 0) {
		struct gebpf_error err;

		if (gebpf_open(argv[2], GEBPF_OPEN_NO_START, &device, &err)) {
			tap_ok(false, "%s: %s", argv[2], err.text);
			return tap_done();
		}
		quick = true;
		argv += 2;
		argc -= 2;
	}
	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		quick = true;
		argv++;
		argc--;
	}
	if (argc == 1 || strcmp(argv[1], "--cost") != 0)
		run_cases(argc > 1 ? argv[1] : NULL);
	if (!quick && (argc == 1 || strcmp(argv[1], "--cost") == 0))
		test_cost();
	gebpf_close(device);
	return tap_done();
}
