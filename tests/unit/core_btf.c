/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * BTF as the engine takes it: good blobs in, and every kind of broken one out,
 * by name, by truncation and by flipping bits (sanitizers watch).
 */
#include <stdlib.h>

#include "core/btf.h"
#include "core/runtime.h"
#include "tap.h"

/* A blob under construction: words of types, then strings. */
struct blob {
	uint32_t types[128];
	uint32_t type_words;
	char strings[64];
	uint32_t strings_len;
	uint8_t bytes[1024];
	uint32_t len;
};

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};

enum {
	INT = 1, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE,
	CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG,
	TYPE_TAG, ENUM64,
};

static struct ebpf_runtime *rt;
static struct blob blob;

static void
begin(void)
{
	memset(&blob, 0, sizeof(blob));
	memcpy(blob.strings, "\0int\0name", 10);
	blob.strings_len = 10;
}

static void
type(uint32_t name, uint32_t kind, uint32_t count, uint32_t value)
{
	blob.types[blob.type_words++] = name;
	blob.types[blob.type_words++] = kind << 24 | count;
	blob.types[blob.type_words++] = value;
}

static void
word(uint32_t value)
{
	blob.types[blob.type_words++] = value;
}

static void
finish(void)
{
	struct header header = {
		.magic = 0xeb9f, .version = 1, .hdr_len = sizeof(header),
		.type_len = blob.type_words * 4,
		.str_off = blob.type_words * 4, .str_len = blob.strings_len,
	};

	memcpy(blob.bytes, &header, sizeof(header));
	memcpy(blob.bytes + sizeof(header), blob.types, header.type_len);
	memcpy(blob.bytes + sizeof(header) + header.type_len, blob.strings,
	       blob.strings_len);
	blob.len = (uint32_t)sizeof(header) + header.type_len +
		   blob.strings_len;
}

/* Load an exact copy, so that reading past the end is seen. */
static int
load(void)
{
	uint8_t *copy = malloc(blob.len ? blob.len : 1);
	struct ebpf_btf *btf;
	int error;

	memcpy(copy, blob.bytes, blob.len);
	error = ebpf_btf_load(rt, copy, blob.len, "", 0, &btf);
	free(copy);
	if (!error)
		ebpf_object_put(&btf->obj);
	return error;
}

/* One type of each kind. */
static void
everything(void)
{
	begin();
	type(1, INT, 0, 4), word(32);
	type(0, PTR, 0, 4);		       /* 2, forward to 4 */
	type(0, ARRAY, 0, 0), word(1), word(1), word(8);
	type(5, STRUCT, 2, 12);		       /* 4, points to itself by 2 */
	word(5), word(1), word(0), word(5), word(2), word(32);
	type(5, UNION, 1, 4), word(5), word(1), word(0);
	type(5, ENUM, 1, 4), word(5), word(7);
	type(5, FWD, 0, 0);
	type(5, TYPEDEF, 0, 4);
	type(0, VOLATILE, 0, 8);
	type(0, CONST, 0, 9);
	type(0, RESTRICT, 0, 2);
	type(0, FUNC_PROTO, 1, 1), word(5), word(2); /* 12 */
	type(5, FUNC, 1, 12);
	type(5, VAR, 0, 4), word(1); /* 14 */
	type(5, DATASEC, 1, 12), word(14), word(0), word(12);
	type(5, FLOAT, 0, 8);
	type(5, DECL_TAG, 0, 14), word((uint32_t)-1);
	type(5, TYPE_TAG, 0, 1);
	type(5, ENUM64, 1, 8), word(5), word(1), word(2);
	finish();
}

static void
test_good(void)
{
	struct ebpf_btf *btf;

	everything();
	TAP_CHECK(ebpf_btf_load(rt, blob.bytes, blob.len, "all", 3, &btf) == 0);
	TAP_CHECK(btf->type_count == 19 && btf->obj.id && btf->obj.uid == 3);
	TAP_CHECK(btf->type_offs[1] == 24 && btf->type_offs[2] == 24 + 16);
	TAP_CHECK(!strcmp(ebpf_btf_string(btf, 1), "int"));
	TAP_CHECK(!strcmp(ebpf_btf_string(btf, 5), "name"));
	TAP_CHECK(!strcmp(ebpf_btf_string(btf, 10), ""));
	TAP_CHECK(!strcmp(ebpf_btf_string(btf, UINT32_MAX), ""));
	ebpf_object_put(&btf->obj);
	begin();
	finish();
	tap_ok(load() == 0, "no types at all");
}

static void
refused(const char *what)
{
	finish();
	tap_ok(load() == -EBPF_EINVAL, "refused: %s", what);
}

static void
test_bad_types(void)
{
	begin(), type(1, 0, 0, 0), refused("kind 0");
	begin(), type(1, 20, 0, 0), refused("kind 20");
	begin(), type(10, INT, 0, 4), word(32), refused("name outside");
	begin(), type(0, PTR, 0, 2), refused("type that is not there");
	begin(), type(0, STRUCT, 1, 4), word(0), word(9), word(0),
		refused("member of no type");
	begin(), type(0, STRUCT, 1, 4), word(99), word(0), word(0),
		refused("member without name");
	begin(), type(0, ENUM, 1, 4), word(10), word(0),
		refused("enumerator without name");
	begin(), type(0, STRUCT, 2, 4), word(0), word(0), word(0),
		refused("fewer members than said");
	begin(), type(0, INT, 0, 4), refused("int without its word");
	begin(), type(0, INT, 0, 4), word(33), refused("int of 33 bits in 4");
	begin(), type(0, INT, 0, 0), word(0), refused("int of no bytes");
	begin(), type(0, ENUM, 0, 3), refused("enum of 3 bytes");
	begin(), type(5, TYPEDEF, 0, 1), refused("typedef of itself");
	begin(), type(5, TYPEDEF, 0, 2), type(0, CONST, 0, 1),
		refused("typedef and const in a circle");
	begin(), type(5, STRUCT, 1, 4), word(5), word(1), word(0),
		refused("struct that contains itself");
	begin(), type(5, STRUCT, 1, 4), word(5), word(2), word(0),
		type(0, ARRAY, 0, 0), word(1), word(0), word(2),
		refused("struct that contains an array of itself");
	begin(), type(0, FUNC_PROTO, 1, 0), word(5), word(7),
		refused("parameter of no type");
}

static void
test_deep(void)
{
	uint32_t i;

	/* qualifiers around qualifiers: 16 fit the blob, none is too many */
	begin();
	for (i = 0; i < 16; i++)
		type(0, CONST, 0, i + 2);
	type(1, INT, 0, 4), word(32);
	finish();
	tap_ok(load() == 0, "16 types nested");
}

static void
test_header(void)
{
	struct header header;
	uint32_t i;

	static const struct {
		const char *what;
		uint32_t at;
		uint32_t value;
	} cases[] = {
		{ "magic", 0, 0x0001eb9e },
		{ "version", 0, 0x0002eb9f },
		{ "flags", 0, 0x0101eb9f },
		{ "short header", 4, 20 },
		{ "long header", 4, 0xfffffffc },
		{ "odd header", 4, 25 },
		{ "types outside", 8, 0xfffffff0 },
		{ "odd types", 8, 2 },
		{ "many types", 12, 0x7ffffff0 },
		{ "strings outside", 16, 0x7fffffff },
		{ "strings over types", 16, 0 },
		{ "no strings", 20, 0 },
		{ "many strings", 20, 0xffffffff },
		{ "strings without end", 20, 9 },
	};

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		everything();
		memcpy(blob.bytes + cases[i].at, &cases[i].value, 4);
		tap_ok(load() == -EBPF_EINVAL, "refused: %s", cases[i].what);
	}
	everything();
	memcpy(&header, blob.bytes, sizeof(header));
	blob.bytes[sizeof(header) + header.str_off] = 'x';
	tap_ok(load() == -EBPF_EINVAL, "refused: first string not empty");
}

static void
test_broken(void)
{
	uint32_t whole, i, bit, accepted = 0, truncated = 0;

	everything();
	whole = blob.len;
	for (i = 0; i < whole; i++) {
		blob.len = i;
		truncated += load() != 0;
	}
	tap_ok(truncated == whole, "every truncation is refused");
	blob.len = whole;
	for (i = 0; i < whole; i++) {
		for (bit = 0; bit < 8; bit++) {
			blob.bytes[i] ^= (uint8_t)(1 << bit);
			accepted += load() == 0;
			blob.bytes[i] ^= (uint8_t)(1 << bit);
		}
	}
	tap_ok(accepted < whole * 8,
	       "every bit flipped: %u of %u make no difference that matters",
	       accepted, whole * 8);
}

static void
test_no_memory(void)
{
	uint32_t n, right = 0;
	uint64_t live;
	int error;

	os_epoch_drain(); /* what earlier tests put back */
	live = os_test_live();
	everything();
	for (n = 1;; n++) {
		os_test_fail_at(n);
		error = load();
		if (!os_test_failed())
			break;
		os_epoch_drain();
		right += error == -EBPF_ENOMEM && os_test_live() == live;
	}
	os_test_fail_at(0);
	os_epoch_drain();
	tap_ok(error == 0 && right == n - 1 && n > 3,
	       "%u ways to have no memory", n - 1);
	TAP_CHECK(os_test_live() == live);
}

int
main(void)
{
	if (ebpf_runtime_create(NULL, &rt) != 0)
		abort();
	test_good();
	test_bad_types();
	test_deep();
	test_header();
	test_broken();
	test_no_memory();
	ebpf_runtime_destroy(rt);
	TAP_CHECK(os_test_live() == 0);
	return tap_done();
}
