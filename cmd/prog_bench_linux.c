/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * See prog_bench_linux.h. The instructions are those that the device was given,
 * with its ids of maps replaced by descriptors; maps are made like its own and
 * get their elements.
 */
#include "cmd/prog_bench_linux.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bench_linux.h"
#include "cmd/handle.h"
#include "cmd/prog.h"

enum {
	LDDW = 0x18,
	PSEUDO_MAP = 1, /* ids here, descriptors in Linux */
	PSEUDO_MAP_VALUE = 2,
	BATCH = 256,
	COPIED_MAX = 1 << 20, /* elements */
};

/* Linux's number; 0: it has no such type, or none that is test run alike. */
static uint32_t
linux_type(uint32_t kind)
{
	switch (kind) {
	case EBPF_PROG_SOCKET:
	case EBPF_PROG_TC:
	case EBPF_PROG_XDP:
		return kind;
	}
	return 0;
}

static bool
holds_objects(uint32_t kind)
{
	switch (kind) {
	case EBPF_MAP_PROG_ARRAY:
	case EBPF_MAP_ARRAY_OF_MAPS:
	case EBPF_MAP_HASH_OF_MAPS:
		return true;
	}
	return false;
}

static bool
is_per_cpu(uint32_t kind)
{
	switch (kind) {
	case EBPF_MAP_PERCPU_ARRAY:
	case EBPF_MAP_PERCPU_HASH:
	case EBPF_MAP_LRU_PERCPU_HASH:
		return true;
	}
	return false;
}

/* Kinds whose elements are keys and values that mean the same in Linux. */
static bool
can_copy(uint32_t kind)
{
	switch (kind) {
	case EBPF_MAP_ARRAY:
	case EBPF_MAP_HASH:
	case EBPF_MAP_LRU_HASH:
	case EBPF_MAP_LPM_TRIE:
		return true;
	}
	return false;
}

static int
copy_elements(struct cmd *cmd, const struct ebpf_rep_map_info *info, int map,
	      struct prog_twin *twin)
{
	size_t size = (size_t)info->key_size + info->user_value_size;
	struct ebpf_req_map_lookup_batch req = { .id = info->id,
						 .count = BATCH };
	struct ebpf_rep_map_lookup_batch rep = { .size = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP_BATCH,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &rep,
		.rep_len = sizeof(rep),
	};
	uint64_t copied = 0;
	int error = 0;

	req.count = size > (1 << 20) ? 1 : BATCH;
	call.out_room = req.count * size;
	call.out = malloc(call.out_room + 1);
	if (call.out == NULL)
		return cmd_no_memory(cmd);
	do {
		memset(&rep, 0, sizeof(rep));
		error = gebpf_request(cmd->dev, &call);
		if (error == 0 && (rep.count > req.count ||
				   rep.count * size > call.out_len))
			error = -EBPF_EPROTO;
		for (uint32_t i = 0; error == 0 && i < rep.count; i++) {
			const uint8_t *at = (uint8_t *)call.out + i * size;
			int refused = bench_linux_update(
				map, at, at + info->key_size, EBPF_ANY);

			if (refused == 0 && ++copied <= COPIED_MAX)
				continue;
			snprintf(twin->why, sizeof(twin->why),
				 "its map '%.48s' cannot be copied: %s",
				 info->name,
				 refused != 0 ? strerror(-refused)
					      : "too many elements");
			rep.done = 1;
			break;
		}
		req.cursor = rep.cursor;
	} while (error == 0 && !rep.done);
	free(call.out);
	if (error != 0)
		return cmd_fail(cmd, error, "map '%s': reading it failed: %s",
				info->name, gebpf_error_text(error));
	return 0;
}

static int
copy_map(struct cmd *cmd, uint32_t id, int *map, struct prog_twin *twin)
{
	struct ebpf_rep_map_info info;
	int error = handle_map_info(cmd, id, &info);

	if (error != 0)
		return error;
	if (holds_objects(info.kind)) {
		snprintf(twin->why, sizeof(twin->why),
			 "its map '%.48s' holds programs or maps", info.name);
		return 0;
	}
	*map = bench_linux_map(info.kind, info.key_size, info.value_size,
			       info.max_entries, info.flags);
	if (*map < 0) {
		snprintf(twin->why, sizeof(twin->why),
			 "the kernel refused a map like '%.48s': %s", info.name,
			 strerror(-*map));
		return 0;
	}
	twin->per_cpu |= is_per_cpu(info.kind);
	if (can_copy(info.kind))
		error = copy_elements(cmd, &info, *map, twin);
	if (error == 0 && info.frozen)
		bench_linux_freeze(*map);
	return error;
}

/* The code with descriptors for ids; a map that is not there stays. */
static void
patch(struct ebpf_insn *insns, uint32_t count, const uint32_t *ids,
      const struct prog_twin *twin)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t src = insns[i].regs >> 4;

		if (insns[i].code != LDDW)
			continue;
		for (uint32_t m = 0; m < twin->map_count; m++) {
			if ((src == PSEUDO_MAP || src == PSEUDO_MAP_VALUE) &&
			    (uint32_t)insns[i].imm == ids[m]) {
				insns[i].imm = twin->maps[m];
				break;
			}
		}
		i++; /* its second half */
	}
}

int
prog_twin_open(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
	       struct prog_twin *twin)
{
	uint32_t type = linux_type(info->kind), *ids = NULL;
	const char *kind = gebpf_prog_kind_name(info->kind), *no;
	void *code = NULL;
	size_t len;
	int error;

	memset(twin, 0, sizeof(*twin));
	twin->prog = -1;
	if (type == 0) {
		snprintf(twin->why, sizeof(twin->why),
			 "Linux has no test runs of type %s",
			 kind != NULL ? kind : "unknown");
		return 0;
	}
	if (!bench_linux_may(&no)) {
		snprintf(twin->why, sizeof(twin->why), "%s", no);
		return 0;
	}
	error = prog_map_ids(cmd, info, &ids);
	if (error != 0)
		return error;
	twin->maps = malloc((info->map_count + 1) * sizeof(*twin->maps));
	if (twin->maps == NULL) {
		error = cmd_no_memory(cmd);
		goto out;
	}
	while (twin->map_count < info->map_count && error == 0 &&
	       twin->why[0] == '\0') {
		twin->maps[twin->map_count] = -1;
		error = copy_map(cmd, ids[twin->map_count],
				 &twin->maps[twin->map_count], twin);
		twin->map_count++;
	}
	if (error == 0 && twin->why[0] == '\0')
		error = prog_fetch(cmd, info->id, EBPF_DUMP_RAW, &code, &len);
	if (error == 0 && twin->why[0] == '\0') {
		uint32_t count = (uint32_t)(len / sizeof(struct ebpf_insn));

		patch(code, count, ids, twin);
		twin->prog = bench_linux_prog(
			type, info->gpl_compatible ? "GPL" : "none", code,
			count, twin->why, sizeof(twin->why));
	}
out:
	free(code);
	free(ids);
	if (error != 0)
		prog_twin_close(twin);
	return error;
}

void
prog_twin_close(struct prog_twin *twin)
{
	if (twin->maps == NULL)
		return;
	bench_linux_close(twin->prog);
	for (uint32_t i = 0; i < twin->map_count; i++)
		bench_linux_close(twin->maps[i]);
	free(twin->maps);
	memset(twin, 0, sizeof(*twin));
	twin->prog = -1;
}
