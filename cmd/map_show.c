/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How maps and their elements look: bpftool's lines in plain text, byte arrays
 * and "formatted" in JSON; a map with BTF is shown typed. gebpf map show and
 * dump live here too.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/data.h"
#include "cmd/handle.h"
#include "cmd/map.h"

enum { BATCH_BYTES = 1 << 20, BATCH_MAX = 4096 };

int
map_open(struct cmd *cmd, uint32_t id, struct map *map)
{
	int error;

	memset(map, 0, sizeof(*map));
	error = handle_map_info(cmd, id, &map->info);
	if (error != 0)
		return error;
	map->per_cpu = map->info.kind == EBPF_MAP_PERCPU_HASH ||
		       map->info.kind == EBPF_MAP_PERCPU_ARRAY ||
		       map->info.kind == EBPF_MAP_LRU_PERCPU_HASH;
	map->cpus = gebpf_hello(cmd->dev)->cpu_count;
	map->value_room = map->info.user_value_size;
	if (map->per_cpu &&
	    (map->cpus == 0 ||
	     map->value_room / map->cpus < map->info.value_size))
		return cmd_fail(cmd, EBPF_EPROTO,
				"map '%s': the device gives %zu bytes for the "
				"values of %u CPUs",
				map->info.name, map->value_room, map->cpus);
	if (!map->per_cpu && map->value_room < map->info.value_size)
		map->value_room = map->info.value_size;
	if (map->info.btf_id != 0 &&
	    (map->info.btf_key_type != 0 || map->info.btf_value_type != 0)) {
		struct gebpf_error why;

		error = gebpf_btf_fetch(cmd->dev, map->info.btf_id, &map->btf,
					&why);
		if (error != 0) {
			cmd_warn(cmd, "map '%s': its type information cannot "
				      "be read: %s",
				 map->info.name, why.text);
			map->btf = NULL;
		}
	}
	return 0;
}

void
map_close(struct map *map)
{
	gebpf_btf_free(map->btf);
	map->btf = NULL;
}

bool
map_is_typed(const struct map *map)
{
	return map->btf != NULL && map->info.btf_value_type != 0;
}

bool
map_holds_ids(const struct map *map)
{
	return map->info.kind == EBPF_MAP_PROG_ARRAY ||
	       map->info.kind == EBPF_MAP_ARRAY_OF_MAPS ||
	       map->info.kind == EBPF_MAP_HASH_OF_MAPS;
}

bool
map_has_records(const struct map *map)
{
	return map->info.kind == EBPF_MAP_RINGBUF ||
	       map->info.kind == EBPF_MAP_PERF_EVENT_ARRAY;
}

bool
map_has_no_keys(const struct map *map)
{
	return map->info.kind == EBPF_MAP_QUEUE ||
	       map->info.kind == EBPF_MAP_STACK ||
	       map->info.kind == EBPF_MAP_BLOOM_FILTER;
}

void
map_show_head(struct out *out, const struct ebpf_rep_map_info *info)
{
	const char *kind = gebpf_map_kind_name(info->kind);

	out_uint(out, "id", "%: ", info->id);
	out_string(out, "type", "%", kind != NULL ? kind : "unknown");
	out_string(out, "name", "  name %", info->name);
	out_uint(out, "flags", "  flags 0x%x", info->flags);
}

static int
show(struct cmd *cmd, uint32_t id)
{
	struct ebpf_rep_map_info info;
	struct out *out = cmd->out;
	int error = handle_map_info(cmd, id, &info);

	if (error != 0)
		return error;
	out_object(out, NULL);
	map_show_head(out, &info);
	out_uint(out, "bytes_key", "\n\tkey %B", info.key_size);
	out_uint(out, "bytes_value", "  value %B", info.value_size);
	out_uint(out, "max_entries", "  max_entries %", info.max_entries);
	if (info.count != UINT64_MAX)
		out_uint(out, "entries", "  entries %", info.count);
	out_uint(out, "bytes_memlock", "  memlock %B", info.mem_bytes);
	out_uint(out, "frozen", NULL, info.frozen);
	if (info.btf_id != 0)
		out_uint(out, "btf_id", "\n\tbtf_id %", info.btf_id);
	if (info.frozen)
		out_text(out, "%sfrozen", info.btf_id != 0 ? "  " : "\n\t");
	handle_show_pins(cmd, EBPF_OBJ_MAP, info.id);
	out_text(out, "\n");
	out_end(out);
	return 0;
}

int
cmd_map_show(struct cmd *cmd)
{
	return handle_show(cmd, EBPF_OBJ_MAP, show);
}

/* ---- elements ---- */

void
map_show_typed(struct out *out, const struct map *map, const uint8_t *key,
	       const uint8_t *value, bool human)
{
	const struct ebpf_rep_map_info *info = &map->info;

	if (key != NULL && info->key_size > 0 && info->btf_key_type != 0)
		typed_print(out, "key", map->btf, info->btf_key_type, key,
			    info->key_size, human);
	else if (key != NULL && info->key_size > 0 && human)
		out_bytes(out, "key", key, info->key_size);
	if (value == NULL || info->btf_value_type == 0)
		return;
	if (!map->per_cpu) {
		typed_print(out, "value", map->btf, info->btf_value_type,
			    value, info->value_size, human);
		return;
	}
	out_array(out, "values");
	for (uint32_t cpu = 0; cpu < map->cpus; cpu++) {
		out_object(out, NULL);
		out_uint(out, "cpu", NULL, cpu);
		typed_print(out, "value", map->btf, info->btf_value_type,
			    value + cpu * (map->value_room / map->cpus),
			    info->value_size, human);
		out_end(out);
	}
	out_end(out);
}

static void
plain_element(struct out *out, const struct map *map, const uint8_t *key,
	      const uint8_t *value)
{
	size_t key_size = map->info.key_size;
	size_t value_size = map->info.value_size;
	bool break_names = key_size > 16 || value_size > 16;
	bool one_line = key_size + value_size <= 24 && !break_names;

	if (map->per_cpu) {
		out_text(out, "key:\n");
		out_hex(out, key, key_size);
		out_text(out, "\n");
		for (uint32_t cpu = 0; cpu < map->cpus; cpu++) {
			out_text(out, "value (CPU %02u):%c", cpu,
				 value_size > 16 ? '\n' : ' ');
			out_hex(out,
				value + cpu * (map->value_room / map->cpus),
				value_size);
			out_text(out, "\n");
		}
		return;
	}
	if (key_size > 0) {
		out_text(out, "key:%c", break_names ? '\n' : ' ');
		out_hex(out, key, key_size);
		out_text(out, one_line ? "  " : "\n");
	}
	out_text(out, "value:%c", break_names ? '\n' : ' ');
	out_hex(out, value, value_size);
	out_text(out, "\n");
}

void
map_show_element(struct out *out, const struct map *map, const uint8_t *key,
		 const uint8_t *value)
{
	if (out_is_plain(out)) {
		plain_element(out, map, key, value);
		return;
	}
	out_object(out, NULL);
	out_bytes(out, "key", key, map->info.key_size);
	if (!map->per_cpu) {
		out_bytes(out, "value", value, map->info.value_size);
	} else {
		out_array(out, "values");
		for (uint32_t cpu = 0; cpu < map->cpus; cpu++) {
			out_object(out, NULL);
			out_uint(out, "cpu", NULL, cpu);
			out_bytes(out, "value",
				  value + cpu * (map->value_room / map->cpus),
				  map->info.value_size);
			out_end(out);
		}
		out_end(out);
	}
	if (map_is_typed(map)) {
		out_object(out, "formatted");
		map_show_typed(out, map, key, value, false);
		out_end(out);
	}
	out_end(out);
}

/* ---- dump ---- */

struct dump {
	struct cmd *cmd;
	struct map map;
	struct out *out; /* typed plain output is pretty JSON of its own */
	uint64_t limit, shown;
	bool sum;
	uint8_t *total; /* sum: one value */
};

/* Per-CPU values added up: shown as a map with one value per key. */
static int
summed(struct dump *dump, const uint8_t *value, struct map *one)
{
	const struct ebpf_rep_map_info *info = &dump->map.info;
	size_t stride = dump->map.value_room / dump->map.cpus;

	memset(dump->total, 0, info->value_size);
	for (uint32_t cpu = 0; cpu < dump->map.cpus; cpu++)
		if (!typed_sum(dump->map.btf, info->btf_value_type, dump->total,
			       value + cpu * stride, info->value_size))
			return cmd_fail(dump->cmd, EBPF_EINVAL,
					"map '%s': its values are no numbers "
					"that can be added",
					info->name);
	*one = dump->map;
	one->per_cpu = false;
	return 0;
}

static int
show_one(struct dump *dump, const uint8_t *key, const uint8_t *value)
{
	const struct map *map = &dump->map;
	struct map one;
	int error;

	if (dump->sum && dump->map.per_cpu) {
		error = summed(dump, value, &one);
		if (error != 0)
			return error;
		map = &one;
		value = dump->total;
	}
	if (dump->out != dump->cmd->out) {
		out_object(dump->out, NULL);
		map_show_typed(dump->out, map, key, value, true);
		out_end(dump->out);
	} else {
		map_show_element(dump->out, map, key, value);
	}
	dump->shown++;
	return 0;
}

static int
walk(struct dump *dump)
{
	const struct ebpf_rep_map_info *info = &dump->map.info;
	size_t size = info->key_size + dump->map.value_room;
	struct ebpf_req_map_lookup_batch req = { .id = info->id };
	struct ebpf_rep_map_lookup_batch rep = { .size = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &rep,
		.rep_len = sizeof(rep),
	};
	int error = 0;

	req.count = size > BATCH_BYTES ? 1 : (uint32_t)(BATCH_BYTES / size);
	if (req.count > BATCH_MAX)
		req.count = BATCH_MAX;
	call.out_room = req.count * size;
	call.out = malloc(call.out_room + 1);
	if (call.out == NULL)
		return cmd_no_memory(dump->cmd);
	do {
		memset(&rep, 0, sizeof(rep));
		error = gebpf_request(dump->cmd->dev, &call);
		if (error == 0 && (rep.count > req.count ||
				   rep.count * size > call.out_len))
			error = -EBPF_EPROTO;
		if (error != 0) {
			error = cmd_fail(dump->cmd, error,
					 "map '%s': reading it failed: %s",
					 info->name, gebpf_error_text(error));
			break;
		}
		for (uint32_t i = 0; error == 0 && i < rep.count &&
				     dump->shown < dump->limit;
		     i++) {
			const uint8_t *key = (uint8_t *)call.out + i * size;

			error = show_one(dump, key, key + info->key_size);
		}
		req.cursor = rep.cursor;
	} while (error == 0 && !rep.done && dump->shown < dump->limit &&
		 out_flush(dump->out) == 0);
	free(call.out);
	return error;
}

static int
dump_map(struct cmd *cmd, uint32_t id, uint64_t limit, bool sum, bool head)
{
	struct dump dump = { .cmd = cmd, .limit = limit, .sum = sum };
	bool plain = out_is_plain(cmd->out);
	int error = map_open(cmd, id, &dump.map);

	if (error != 0)
		return error;
	if (!head && dump.map.info.kind == EBPF_MAP_BLOOM_FILTER) {
		cmd_fail(cmd, EBPF_EUNSUPPORTED,
			 "map '%s': a bloom_filter does not know its elements",
			 dump.map.info.name);
		error = cmd_hint(cmd, "it can be asked for one: gebpf map peek "
				      "MAP value DATA");
		map_close(&dump.map);
		return error;
	}
	if (!head && map_has_records(&dump.map)) {
		cmd_fail(cmd, EBPF_EUNSUPPORTED,
			 "map '%s': maps of type %s have no elements",
			 dump.map.info.name,
			 gebpf_map_kind_name(dump.map.info.kind));
		error = cmd_hint(cmd, "their records are shown by: gebpf map "
				      "event_pipe");
		map_close(&dump.map);
		return error;
	}
	if (head) {
		out_object(cmd->out, NULL);
		map_show_head(cmd->out, &dump.map.info);
		out_text(cmd->out, "\n");
	}
	dump.out = cmd->out;
	dump.total = calloc(1, dump.map.info.value_size + 1);
	if (plain && map_is_typed(&dump.map))
		dump.out = out_new(OUT_PRETTY, cmd->out->file);
	if (dump.total == NULL || dump.out == NULL) {
		error = cmd_no_memory(cmd);
		goto out;
	}
	out_array(dump.out, head && plain ? NULL : head ? "elements" : NULL);
	if (!map_has_records(&dump.map) &&
	    dump.map.info.kind != EBPF_MAP_BLOOM_FILTER)
		error = walk(&dump);
	if (dump.out != cmd->out) {
		out_free(dump.out);
	} else if (error == 0) {
		out_end(dump.out);
		out_text(cmd->out, "Found %llu element%s\n",
			 (unsigned long long)dump.shown,
			 dump.shown == 1 ? "" : "s");
	}
	if (head && error == 0) {
		out_text(cmd->out, "\n");
		out_end(cmd->out);
	}
out:
	free(dump.total);
	map_close(&dump.map);
	return error;
}

int
cmd_map_dump(struct cmd *cmd)
{
	struct handle_list list = { NULL, 0 };
	uint64_t limit = UINT64_MAX;
	const char *word = cmd_peek(cmd);
	bool sum = false, all, many;
	int error = 0;

	all = word == NULL || strcmp(word, "sum") == 0 ||
	      (strcmp(word, "limit") == 0 && cmd->at + 1 < cmd->count);
	error = all ? handle_all(cmd, EBPF_OBJ_MAP, &list)
		    : handle_many(cmd, EBPF_OBJ_MAP, &list);
	while (error == 0 && cmd_peek(cmd) != NULL) {
		if (cmd_take_if(cmd, "sum"))
			sum = true;
		else if (cmd_take_if(cmd, "limit"))
			error = cmd_number(cmd, "limit", UINT64_MAX, &limit);
		else
			error = cmd_done(cmd);
	}
	many = all || list.count > 1;
	if (error == 0 && many)
		out_array(cmd->out, NULL);
	for (size_t i = 0; error == 0 && i < list.count; i++) {
		error = dump_map(cmd, list.ids[i], limit, sum, many);
		if (error == -EBPF_ENOENT && many)
			error = 0;
	}
	if (error == 0 && many)
		out_end(cmd->out);
	handle_free(&list);
	return error;
}
