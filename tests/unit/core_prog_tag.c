/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tags of programs, as Linux gives them: SHA-1 of the instructions without what
 * tells one map from another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sha1.h"
#include "prog_lab.h"
#include "tap.h"

static const struct ebpf_insn seven[] = { MOV(0, 7), EXIT };

static void
hex(const uint8_t *bytes, uint32_t len, char *text)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void
test_sha1(void)
{
	static const struct {
		const char *text;
		uint32_t times;
		const char *digest;
	} cases[] = {
		{ "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ "0123456701234567012345670123456701234567012345670123456701"
		  "234567", 10,
		  "dea356a2cddd90c7a7ecedc5ebb563934f460452" },
	};
	struct ebpf_sha1 sha;
	uint8_t digest[20];
	char text[41];
	uint32_t i, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ebpf_sha1_init(&sha);
		for (n = 0; n < cases[i].times; n++)
			ebpf_sha1_add(&sha, cases[i].text,
				      strlen(cases[i].text));
		ebpf_sha1_end(&sha, digest);
		hex(digest, 20, text);
		tap_ok(!strcmp(text, cases[i].digest), "sha-1 %s", text);
	}
}

static void
test_progs(void)
{
	struct ebpf_map *map = progs_array(8, 1, 0), *other;
	struct ebpf_load load = { .kind = EBPF_PROG_RAW, .maps = &map,
				  .map_count = 1 };
	struct ebpf_insn by_index[] = { LDDW(1, 6, 0, 4), MOV(0, 0), EXIT };
	struct ebpf_insn by_id[] = { LDDW(1, 2, 0, 4), MOV(0, 0), EXIT };
	struct ebpf_prog *prog;
	struct ebpf_sha1 sha;
	uint8_t digest[20], tag[8], other_tag[8];
	char text[17];

	prog = MUST_LOAD(EBPF_PROG_RAW, EBPF_LOAD_ANY, seven);
	ebpf_prog_tag(prog, tag);
	hex(tag, 8, text);
	tap_ok(!strcmp(text, "8923dad831f6fb51"),
	       "the tag of r0 = 7; exit as Linux 6.1 gives it: %s", text);
	ebpf_prog_put(prog);

	if (LOAD(&load, by_index, &prog) != 0)
		abort();
	ebpf_prog_tag(prog, tag);
	ebpf_prog_put(prog);
	other = progs_array(8, 1, 0);
	by_id[0].imm = (int32_t)other->obj.id;
	if (LOAD(&load, by_id, &prog) != 0)
		abort();
	ebpf_prog_tag(prog, other_tag);
	tap_ok(!memcmp(tag, other_tag, 8), "which map it is does not matter");
	ebpf_prog_tag(prog, tag);
	tap_ok(!memcmp(tag, other_tag, 8), "who asks again is told the same");
	/* lddw r1 with src 2 and both immediates 0, then the rest */
	by_id[0].imm = by_id[1].imm = 0;
	ebpf_sha1_init(&sha);
	ebpf_sha1_add(&sha, by_id, sizeof(by_id));
	ebpf_sha1_end(&sha, digest);
	TAP_CHECK(!memcmp(digest, tag, 8));
	ebpf_prog_put(prog);
	ebpf_map_put(map);
	ebpf_map_put(other);
}

int
main(void)
{
	progs_begin();
	test_sha1();
	test_progs();
	return progs_end();
}
