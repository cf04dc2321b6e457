/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The runtime inside another program, whole: an own kind of program (it sees
 * jobs), an own helper, a map, and a program that uses all three.
 * cc embed.c $(pkg-config --cflags --libs libebpf)
 */
#include <core/ebpf.h>
#include <stdio.h>

struct job { uint32_t size, priority; }; /* as programs see it, and as we do */
static const struct ebpf_ctx_field fields[] = {
	{ 0, 4, 0, 4, EBPF_CTX_SCALAR, 0 }, { 4, 4, 4, 4, EBPF_CTX_SCALAR, 1 } };
static struct ebpf_kind kind = { .name = "job", .number = 0x1000,
	.entry = EBPF_ENTRY_CTX, .fields = fields, .field_count = 2,
	.ctx_size = sizeof(struct job), .host_size = sizeof(struct job) };

static uint64_t
half(uint64_t size, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
     const struct ebpf_prog *prog)
{
	return (void)r2, (void)r3, (void)r4, (void)r5, (void)prog, size / 2;
}
static const struct ebpf_helper helper = { .fn = half, .name = "half",
	.number = 1000, .kinds = EBPF_KINDS_ALL, .args = { EBPF_ARG_SCALAR } };

static const struct ebpf_insn code[] = {
	{ 0x62, 0x01, 4, 5 },	/* *(u32 *)(r1 +4) = 5 */
	{ 0x61, 0x11, 0, 0 },	/* r1 = *(u32 *)(r1 +0) */
	{ 0x85, 0, 0, 1000 },	/* call half */
	{ 0x18, 0x61, 0, 0 }, { 0, 0, 0, 0 }, /* r1 = value of map 0 */
	{ 0xdb, 0x01, 0, 0 },	/* lock *(u64 *)(r1 +0) += r0 */
	{ 0x95, 0, 0, 0 } };	/* exit */

int
main(void)
{
	struct ebpf_map_spec spec = { .size = sizeof(spec), .max_entries = 1,
		.kind = EBPF_MAP_ARRAY, .key_size = 4, .value_size = 8 };
	struct ebpf_map *total = NULL;
	char why[4096] = "";
	struct ebpf_load load = { .size = sizeof(load), .kind = 0x1000,
		.insns = code, .insn_count = sizeof(code) / sizeof(code[0]),
		.maps = &total, .map_count = 1, .log = why, .log_size = 4096 };
	struct ebpf_runtime *rt = NULL;
	struct ebpf_prog *prog = NULL;
	struct ebpf_section section;
	struct job jobs[] = { { 60, 0 }, { 20, 0 }, { 100, 0 } };
	uint64_t sum = 0, result;
	uint32_t key = 0, i;

	if (ebpf_runtime_create(NULL, &rt) || ebpf_kind_register(rt, &kind) ||
	    ebpf_helper_register(rt, &helper) ||
	    ebpf_map_create(rt, &spec, &total) ||
	    ebpf_prog_load(rt, &load, &prog))
		return fprintf(stderr, "cannot load: %s\n", why), 1;
	ebpf_section_enter(&section);
	for (i = 0; i < 3; i++) {
		result = ebpf_prog_run_ctx(prog, &jobs[i]);
		printf("job %u: %u, priority %u\n", i, (unsigned)result,
		       jobs[i].priority);
	}
	ebpf_section_leave(&section);
	ebpf_map_read(total, &key, &sum);
	printf("total %u\n", (unsigned)sum);
	ebpf_prog_put(prog);
	ebpf_map_put(total);
	ebpf_runtime_destroy(rt);
	return 0;
}
