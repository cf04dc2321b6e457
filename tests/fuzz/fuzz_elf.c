/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Any bytes as an object: opened, asked for everything, every program loaded
 * into a local device. Nothing may crash, and what cannot be opened must come
 * with words.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gebpf_device *device;
static unsigned int used;

static void
need_device(void)
{
	/* A fresh one now and then, so that nothing piles up. */
	if (device != NULL && used++ % 256 != 0)
		return;
	gebpf_close(device);
	device = NULL;
	if (gebpf_open("local", 0, &device, NULL) != 0)
		abort();
}

static void
load_all(struct gebpf_object *object)
{
	static char log[8192];
	struct gebpf_load_options options = { 0 };
	uint64_t bytes = 0;
	size_t i;

	/* A map of many gigabytes is no fault, but takes its time to clear. */
	for (i = 0; i < gebpf_object_map_count(object); i++) {
		const struct gebpf_obj_map *map = gebpf_object_map(object, i);

		bytes += ((uint64_t)map->key_size + map->value_size + 64) *
			 map->max_entries;
		if (map->max_entries > 1 << 20 || map->key_size > 1 << 20 ||
		    map->value_size > 1 << 20 || bytes > 16 << 20)
			return;
	}
	options.log = log;
	options.log_size = sizeof(log);
	for (i = 0; i < gebpf_object_prog_count(object) && i < 8; i++) {
		struct gebpf_obj_prog *prog = gebpf_object_prog(object, i);
		struct gebpf_error err = { 0 };

		if (prog->kind == 0)
			prog->kind = EBPF_PROG_XDP;
		if (gebpf_object_load_prog(device, object, prog, &options,
					   &err) != 0 && err.text[0] == 0)
			abort();
	}
}

static void
ask(struct gebpf_object *object)
{
	static FILE *null;
	const struct gebpf_btf *btf = gebpf_object_btf(object);
	uint64_t value = 0;
	size_t i;

	if (null == NULL)
		null = fopen("/dev/null", "w");
	if (btf != NULL)
		gebpf_btf_dump_c(btf, null);
	gebpf_object_set_var(object, "limit", &value, 4, NULL);
	for (i = 0; i < gebpf_object_map_count(object); i++) {
		const struct gebpf_obj_map *map = gebpf_object_map(object, i);

		if (memchr(map->name, 0, sizeof(map->name)) == NULL ||
		    map->inner >= (int)gebpf_object_map_count(object))
			abort();
		if (map->is_data && map->value_size != 0)
			fwrite(map->data, 1, map->value_size, null);
	}
	for (i = 0; i < gebpf_object_prog_count(object); i++) {
		const struct gebpf_obj_prog *p = gebpf_object_prog(object, i);

		fwrite(p->insns, sizeof(*p->insns), p->insn_count, null);
		fputs(p->section, null);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gebpf_object *object;
	struct gebpf_error err = { 0 };

	need_device();
	if (gebpf_object_open_mem(data, size, "fuzz.o", &object, &err) != 0) {
		if (err.text[0] == 0 || object != NULL)
			abort();
		return 0;
	}
	ask(object);
	load_all(object);
	gebpf_object_close(object);
	return 0;
}
