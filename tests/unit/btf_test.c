/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * BTF in libgebpf: what compilers and Linux write is read, written as C and
 * compiled again with sizes and offsets compared; what is broken is refused, for
 * every truncation and every flipped byte. Small cases: btf_hand_test.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpfcc.h"
#include "client/gebpf.h"
#include "tap.h"

static struct gebpf_error last;

/* Ask everything of all types: under sanitizers, that is the test. */
static void
use(const struct gebpf_btf *btf, FILE *out)
{
	struct gebpf_btf_type t;
	struct gebpf_btf_member m;
	char text[256];
	uint32_t id, i;

	for (id = 0; id <= gebpf_btf_count(btf) + 1; id++) {
		if (gebpf_btf_type(btf, id, &t) != 0)
			continue;
		for (i = 0; gebpf_btf_member(btf, id, i, &m) == 0; i++)
			;
		gebpf_btf_resolve(btf, id);
		gebpf_btf_size(btf, id);
		gebpf_btf_decl(btf, id, text, sizeof(text));
	}
	gebpf_btf_dump_c(btf, out);
}

static struct gebpf_btf *
btf_of(const struct bpfcc *cc, const char *source,
       struct gebpf_object **object)
{
	size_t len;
	uint8_t *data = bpfcc_compile(cc, source, "", false, &len);
	struct gebpf_btf *btf = NULL;
	const void *bytes;

	*object = NULL;
	if (data == NULL)
		return NULL;
	if (gebpf_object_open_mem(data, len, source, object, &last) == 0 &&
	    gebpf_object_btf(*object) != NULL) {
		bytes = gebpf_btf_data(gebpf_object_btf(*object), &len);
		gebpf_btf_parse(bytes, len, &btf, &last);
	}
	free(data);
	return btf;
}

static const struct gebpf_btf *sorted;

/* Structs, unions and enums share their names in C. */
static uint32_t
space(uint32_t kind)
{
	return kind == GEBPF_BTF_UNION || kind == GEBPF_BTF_ENUM ||
			       kind == GEBPF_BTF_ENUM64 ?
		       GEBPF_BTF_STRUCT : kind;
}

static int
by_kind_name(const void *a, const void *b)
{
	struct gebpf_btf_type x, y;
	int order;

	gebpf_btf_type(sorted, *(const uint32_t *)a, &x);
	gebpf_btf_type(sorted, *(const uint32_t *)b, &y);
	if (space(x.kind) != space(y.kind))
		return space(x.kind) < space(y.kind) ? -1 : 1;
	order = strcmp(x.name, y.name);
	return order != 0 ? order : x.id < y.id ? -1 : 1;
}

/* Per id: is it the first that C knows by that name? */
static uint8_t *
mark_first(const struct gebpf_btf *btf)
{
	uint32_t n = gebpf_btf_count(btf), i;
	uint32_t *ids = calloc(n, sizeof(*ids));
	uint8_t *first = calloc(n + 1, 1);
	struct gebpf_btf_type t, before = { 0 };

	for (i = 0; i < n; i++)
		ids[i] = i + 1;
	sorted = btf;
	qsort(ids, n, sizeof(*ids), by_kind_name);
	for (i = 0; i < n; i++) {
		gebpf_btf_type(btf, ids[i], &t);
		first[ids[i]] = i == 0 || space(t.kind) != space(before.kind) ||
				strcmp(t.name, before.name) != 0;
		before = t;
	}
	free(ids);
	return first;
}

/* C that says of every struct what BTF says. */
static void
write_asserts(const struct gebpf_btf *btf, FILE *out)
{
	uint8_t *first = mark_first(btf);
	uint32_t id, i;

	for (id = 1; id <= gebpf_btf_count(btf); id++) {
		struct gebpf_btf_type t;
		struct gebpf_btf_member m;
		const char *tag;

		gebpf_btf_type(btf, id, &t);
		if (t.name[0] == 0 || !first[id])
			continue;
		if (t.kind == GEBPF_BTF_TYPEDEF) {
			int64_t size = gebpf_btf_size(btf, id);

			if (size > 0 && strncmp(t.name, "__builtin", 9) != 0)
				fprintf(out, "_Static_assert(sizeof(%s) == "
					"%lld, \"%s\");\n", t.name,
					(long long)size, t.name);
			continue;
		}
		if (t.kind == GEBPF_BTF_STRUCT)
			tag = "struct";
		else if (t.kind == GEBPF_BTF_UNION)
			tag = "union";
		else if ((t.kind == GEBPF_BTF_ENUM ||
			  t.kind == GEBPF_BTF_ENUM64) && t.count != 0)
			tag = "enum";
		else
			continue;
		fprintf(out, "_Static_assert(sizeof(%s %s) == %u, \"%s\");\n",
			tag, t.name, t.size, t.name);
		if (tag[0] == 'e')
			continue;
		for (i = 0; gebpf_btf_member(btf, id, i, &m) == 0; i++)
			if (m.name[0] != 0 && m.bit_size == 0)
				fprintf(out, "_Static_assert(__builtin_"
					"offsetof(%s %s, %s) == %u, "
					"\"%s.%s\");\n", tag, t.name, m.name,
					m.bit_off / 8, t.name, m.name);
	}
	free(first);
}

/* Where bit fields are shows when all bits of each are set. */
static void
write_bits(const struct gebpf_btf *btf, const char *name, FILE *out)
{
	uint32_t id = gebpf_btf_find(btf, GEBPF_BTF_STRUCT, name), i, bit;
	struct gebpf_btf_member m;
	int64_t size = gebpf_btf_size(btf, id);

	for (i = 0; gebpf_btf_member(btf, id, i, &m) == 0; i++) {
		unsigned char want[256] = { 0 };

		if (m.bit_size == 0 || size > 256)
			continue;
		for (bit = m.bit_off; bit < m.bit_off + m.bit_size; bit++)
			want[bit / 8] |= (unsigned char)(1 << bit % 8);
		fprintf(out, "\t{ struct %s s; unsigned char w[] = {", name);
		for (bit = 0; bit < (uint32_t)size; bit++)
			fprintf(out, " %u,", want[bit]);
		fprintf(out, " };\n\t__builtin_memset(&s, 0, sizeof(s)); "
			"s.%s = -1;\n\tif (__builtin_memcmp(&s, w, "
			"sizeof(s))) return %u; }\n", m.name, i + 1);
	}
}

static void
test_dump(const struct bpfcc *cc)
{
	static const char *const bit_structs[] = { "bits", "packed_bits" };
	struct gebpf_object *object;
	struct gebpf_btf *btf = btf_of(cc, "tests/objects/types.bpf.c",
				       &object);
	char path[128], command[512];
	FILE *out;
	size_t i;

	if (!tap_ok(btf != NULL, "%s: types are read (%s)", cc->name,
		    last.text))
		return;
	snprintf(path, sizeof(path), "%s/dump.c", bpfcc_folder());
	out = fopen(path, "w");
	if (out == NULL) {
		tap_ok(false, "%s: cannot be written", path);
		return;
	}
	tap_ok(gebpf_btf_dump_c(btf, out) == 0, "%s: types are written",
	       cc->name);
	write_asserts(btf, out);
	fprintf(out, "int main(void)\n{\n");
	for (i = 0; i < 2; i++)
		write_bits(btf, bit_structs[i], out);
	fprintf(out, "\treturn 0;\n}\n");
	fclose(out);
	for (i = 0; i < 2; i++) {
		const char *host = i == 0 ? "cc" : cc->clang;

		snprintf(command, sizeof(command),
			 "%s -std=gnu11 -w '%s' -o '%s/dump' && "
			 "'%s/dump'", host, path, bpfcc_folder(),
			 bpfcc_folder());
		tap_ok(system(command) == 0, "%s: written types mean the same "
		       "to %s", cc->name, host);
	}
	gebpf_btf_free(btf);
	gebpf_object_close(object);
}

static void
test_broken(const struct bpfcc *cc)
{
	struct gebpf_object *object;
	struct gebpf_btf *btf = btf_of(cc, "tests/objects/types.bpf.c",
				       &object), *other;
	FILE *null = fopen("/dev/null", "w");
	const void *bytes;
	uint8_t *copy;
	size_t len, i, accepted = 0, tried = 0;
	unsigned int mask;

	if (btf == NULL) {
		tap_ok(false, "%s: types are read", cc->name);
		return;
	}
	bytes = gebpf_btf_data(btf, &len);
	for (i = 0; i < len; i++) {
		/* In a block of its own, so that reading past it shows. */
		copy = malloc(i != 0 ? i : 1);
		memcpy(copy, bytes, i);
		if (gebpf_btf_parse(copy, i, &other, NULL) == 0) {
			accepted++;
			gebpf_btf_free(other);
		}
		free(copy);
	}
	tap_ok(accepted == 0, "all %zu truncations are refused", len);
	copy = malloc(len);
	accepted = 0;
	for (i = 0; i < len; i++)
		for (mask = 0; mask < 3; mask++) {
			memcpy(copy, bytes, len);
			copy[i] ^= mask == 0 ? 0xff : mask == 1 ? 0x01 : 0x80;
			tried++;
			if (gebpf_btf_parse(copy, len, &other, NULL) != 0)
				continue;
			accepted++;
			/* A sample: writing all is slow under sanitizers. */
			if (accepted % 16 == 0)
				use(other, null);
			gebpf_btf_free(other);
		}
	tap_ok(accepted < tried, "%zu of %zu flipped bytes are refused, the "
	       "rest can be used", tried - accepted, tried);
	free(copy);
	fclose(null);
	gebpf_btf_free(btf);
	gebpf_object_close(object);
}

/* The largest BTF that there is. */
static void
test_linux(void)
{
	static const char path[] = "/sys/kernel/btf/vmlinux";
	struct gebpf_btf *btf = NULL;
	char command[256], out[128];
	size_t len;
	uint8_t *data = bpfcc_read(path, &len);
	FILE *file;

	if (data == NULL || len == 0) {
		tap_skip("no /sys/kernel/btf/vmlinux", "Linux's own BTF");
		free(data);
		return;
	}
	gebpf_btf_parse(data, len, &btf, &last);
	tap_ok(btf != NULL, "Linux's own BTF, %zu bytes: %s", len, last.text);
	free(data);
	if (btf == NULL)
		return;
	snprintf(out, sizeof(out), "%s/vmlinux.c", bpfcc_folder());
	file = fopen(out, "w");
	if (file == NULL) {
		tap_ok(false, "%s: cannot be written", out);
		gebpf_btf_free(btf);
		return;
	}
	tap_ok(gebpf_btf_dump_c(btf, file) == 0, "Linux's types are written");
	write_asserts(btf, file);
	fclose(file);
	snprintf(command, sizeof(command), "cc -std=gnu11 -w -fsyntax-only "
		 "'%s' 2>&1 | grep error | head -n 5 | sed 's/^/# /' | "
		 "tee '%s/errors'; ! [ -s '%s/errors' ]", out, bpfcc_folder(),
		 bpfcc_folder());
	tap_ok(system(command) == 0,
	       "Linux's types compile, sizes and offsets are the same");
	gebpf_btf_free(btf);
}

int
main(void)
{
	const struct bpfcc *all, *best;
	size_t n, i;

	all = bpfcc_all(&n);
	for (i = 0; i < n; i++)
		if (all[i].debug)
			test_dump(&all[i]);
	best = bpfcc_best();
	if (best == NULL)
		tap_skip("no clang with BPF", "BTF of compilers");
	else
		test_broken(best);
	test_linux();
	return tap_done();
}
