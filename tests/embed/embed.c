/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The runtime inside another program: an own kind of program (it judges jobs),
 * an own helper, a map, a program that uses all three. Compiled against the
 * installed headers and libebpf: cc embed.c $(pkg-config --cflags --libs libebpf)
 */
#include <core/ebpf.h>
#include <stddef.h>
#include <stdio.h>

struct job { /* what programs of kind "job" get; they see the same layout */
	uint32_t owner, size;
	uint32_t priority; /* theirs to change */
};
static const struct ebpf_ctx_field job_fields[] = {
	{ 0, 4, offsetof(struct job, owner), 4, EBPF_CTX_SCALAR, 0 },
	{ 4, 4, offsetof(struct job, size), 4, EBPF_CTX_SCALAR, 0 },
	{ 8, 4, offsetof(struct job, priority), 4, EBPF_CTX_SCALAR, 1 },
};
static struct ebpf_kind job_kind = { .name = "job", .number = 0x1000,
	.entry = EBPF_ENTRY_CTX, .fields = job_fields, .field_count = 3,
	.ctx_size = sizeof(struct job), .host_size = sizeof(struct job) };

static uint64_t
quota(uint64_t owner, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
      const struct ebpf_prog *prog)
{
	const uint32_t *quotas = ebpf_prog_cookie(prog);

	(void)r2, (void)r3, (void)r4, (void)r5;
	return quotas[owner % 4];
}
static struct ebpf_helper quota_helper = { .fn = quota, .name = "quota",
	.number = 1000, .flags = EBPF_HELPER_ENV, .ret = EBPF_RET_INT,
	.args = { EBPF_ARG_SCALAR } };

/* total[0] += job->size; job->priority = 5; return total[0] <= quota(owner) */
static const struct ebpf_insn code[] = {
	{ 0xbf, 0x16, 0, 0 },	  /* r6 = r1 */
	{ 0x61, 0x62, 4, 0 },	  /* r2 = *(u32 *)(r6 + 4) */
	{ 0x18, 0x67, 0, 0 }, { 0, 0, 0, 0 }, /* r7 = value of map 0 */
	{ 0xdb, 0x27, 0, 0 },	  /* lock *(u64 *)(r7 + 0) += r2 */
	{ 0x62, 0x06, 8, 5 },	  /* *(u32 *)(r6 + 8) = 5 */
	{ 0x61, 0x61, 0, 0 },	  /* r1 = *(u32 *)(r6 + 0) */
	{ 0x85, 0, 0, 1000 },	  /* call quota */
	{ 0x79, 0x71, 0, 0 },	  /* r1 = *(u64 *)(r7 + 0) */
	{ 0xbf, 0x02, 0, 0 },	  /* r2 = r0 */
	{ 0xb7, 0x00, 0, 1 },	  /* r0 = 1 */
	{ 0xbd, 0x21, 1, 0 },	  /* if r1 <= r2 goto +1 */
	{ 0xb7, 0x00, 0, 0 },	  /* r0 = 0 */
	{ 0x95, 0, 0, 0 },	  /* exit */
};

int
main(void)
{
	static const uint32_t quotas[4] = { 100, 1000, 100, 100 };
	struct ebpf_map_spec spec = { .size = sizeof(spec), .value_size = 8,
		.kind = EBPF_MAP_ARRAY, .key_size = 4, .max_entries = 1 };
	struct job jobs[] = { { 0, 60, 0 }, { 0, 60, 0 }, { 1, 60, 0 } };
	char why[4096] = "";
	struct ebpf_map *total = NULL;
	struct ebpf_load load = { .size = sizeof(load), .kind = 0x1000,
		.insns = code, .insn_count = sizeof(code) / sizeof(code[0]),
		.maps = &total, .map_count = 1, .cookie = quotas,
		.log = why, .log_size = sizeof(why) };
	struct ebpf_runtime *rt = NULL;
	struct ebpf_prog *prog = NULL;
	struct ebpf_section section;
	uint32_t key = 0, i;
	uint64_t sum = 0;
	int error;

	if ((error = ebpf_runtime_create(NULL, &rt)) ||
	    (error = ebpf_kind_register(rt, &job_kind)) ||
	    (quota_helper.kinds = job_kind.bit, /* only for jobs */
	     error = ebpf_helper_register(rt, &quota_helper)) ||
	    (error = ebpf_map_create(rt, &spec, &total)) ||
	    (error = ebpf_prog_load(rt, &load, &prog))) {
		fprintf(stderr, "%s\n%s", ebpf_error_text(error), why);
		return 1;
	}
	ebpf_section_enter(&section);
	for (i = 0; i < 3; i++)
		printf("job %u of owner %u: %s\n", i, jobs[i].owner,
		       ebpf_prog_run_ctx(prog, &jobs[i]) ? "yes" : "no");
	ebpf_section_leave(&section);
	ebpf_map_read(total, &key, &sum);
	printf("total %llu, priority %u\n", (unsigned long long)sum,
	       jobs[2].priority);
	ebpf_prog_put(prog);
	ebpf_map_put(total);
	ebpf_runtime_destroy(rt);
	return 0;
}
