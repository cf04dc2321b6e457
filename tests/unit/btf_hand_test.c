/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * BTF by hand: headers and types that are wrong in one way each are refused
 * with a reason, types that refer to each other do not explode, and
 * declarations in C are what one would write.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "tap.h"

struct blob {
	uint32_t words[4096];
	uint32_t count; /* words of types */
	char strings[1024];
	uint32_t strings_len;
	uint8_t bytes[32768];
	size_t len;
};

static void
begin(struct blob *b)
{
	memset(b, 0, sizeof(*b));
	b->strings_len = 1;
}

static uint32_t
string(struct blob *b, const char *s)
{
	uint32_t at = b->strings_len;

	if (*s == 0)
		return 0;
	strcpy(b->strings + at, s);
	b->strings_len += (uint32_t)strlen(s) + 1;
	return at;
}

static void
word(struct blob *b, uint32_t w)
{
	b->words[b->count++] = w;
}

static void
type(struct blob *b, const char *name, uint32_t kind, uint32_t vlen,
     uint32_t size_or_type)
{
	word(b, string(b, name));
	word(b, kind << 24 | vlen);
	word(b, size_or_type);
}

static void
add_int(struct blob *b) /* "int" */
{
	type(b, "int", GEBPF_BTF_INT, 0, 4);
	word(b, 1u << 24 | 32);
}

static void
end(struct blob *b)
{
	uint32_t header[6] = { 0x0001eb9f, 24, 0, b->count * 4, b->count * 4,
			       b->strings_len };

	memcpy(b->bytes, header, sizeof(header));
	memcpy(b->bytes + 24, b->words, b->count * 4);
	memcpy(b->bytes + 24 + b->count * 4, b->strings, b->strings_len);
	b->len = 24 + b->count * 4 + b->strings_len;
}

static struct gebpf_error last;

static struct gebpf_btf *
parse(const struct blob *b)
{
	struct gebpf_btf *btf;

	memset(&last, 0, sizeof(last));
	gebpf_btf_parse(b->bytes, b->len, &btf, &last);
	return btf;
}

static void
refuse(struct blob *b, const char *why, const char *name)
{
	struct gebpf_btf *btf;

	end(b);
	btf = parse(b);
	tap_ok(btf == NULL && last.code < 0 && strstr(last.text, why) != NULL,
	       "refused: %s (%s)", name, last.text);
	gebpf_btf_free(btf);
}

static void
test_headers(void)
{
	struct blob b;
	struct gebpf_btf *btf;

	begin(&b);
	add_int(&b);
	end(&b);
	btf = parse(&b);
	tap_ok(btf != NULL && gebpf_btf_count(btf) == 1, "one integer");
	gebpf_btf_free(btf);

	b.bytes[0] = 0;
	TAP_CHECK(parse(&b) == NULL && strstr(last.text, "magic"));
	b.bytes[0] = 0xeb, b.bytes[1] = 0x9f;
	TAP_CHECK(parse(&b) == NULL && last.code == -EBPF_EUNSUPPORTED);
	end(&b);
	b.bytes[2] = 2;
	TAP_CHECK(parse(&b) == NULL && strstr(last.text, "version"));
	end(&b);
	b.bytes[4] = 23;
	TAP_CHECK(parse(&b) == NULL && strstr(last.text, "header length"));
	end(&b);
	b.bytes[15] = 0xff; /* type length near 4 GiB */
	TAP_CHECK(parse(&b) == NULL && strstr(last.text, "type section"));
	end(&b);
	b.bytes[23] = 0xff;
	TAP_CHECK(parse(&b) == NULL && strstr(last.text, "string section"));
	end(&b);
	b.bytes[b.len - 1] = 'x';
	TAP_CHECK(parse(&b) == NULL && strstr(last.text, "NUL"));
	end(&b);
	b.len = 10;
	TAP_CHECK(parse(&b) == NULL && strstr(last.text, "short"));
}

static void
test_refused(void)
{
	struct blob b;
	uint32_t i;

	begin(&b);
	type(&b, "x", 31, 0, 4);
	refuse(&b, "unknown kind", "kind 31");

	begin(&b);
	type(&b, "s", GEBPF_BTF_STRUCT, 0xffff, 4);
	refuse(&b, "cut off", "65535 members in nothing");

	begin(&b);
	type(&b, "x", GEBPF_BTF_INT, 0, 3);
	word(&b, 24);
	refuse(&b, "integer of 3 bytes", "odd integer");

	begin(&b);
	type(&b, "x", GEBPF_BTF_INT, 0, 4);
	word(&b, 8u << 16 | 32);
	refuse(&b, "32 bits at 8", "bits beyond an integer");

	begin(&b);
	type(&b, "", GEBPF_BTF_PTR, 0, 2);
	refuse(&b, "refers to type 2 of 1", "reference outside");

	begin(&b);
	add_int(&b);
	b.words[0] = 100000;
	refuse(&b, "name offset", "name outside");

	begin(&b);
	type(&b, "a\033[2J", GEBPF_BTF_FWD, 0, 0);
	refuse(&b, "control character", "escape sequence in a name");

	begin(&b);
	type(&b, "t", GEBPF_BTF_TYPEDEF, 0, 1);
	refuse(&b, "contains itself", "typedef of itself");

	begin(&b);
	type(&b, "", GEBPF_BTF_PTR, 0, 1);
	refuse(&b, "contains itself", "pointer to itself");

	begin(&b);
	type(&b, "s", GEBPF_BTF_STRUCT, 1, 4);
	word(&b, 0), word(&b, 1), word(&b, 0);
	refuse(&b, "contains itself", "struct in itself");

	begin(&b);
	type(&b, "", GEBPF_BTF_ARRAY, 0, 0);
	word(&b, 2), word(&b, 1), word(&b, 4);
	type(&b, "s", GEBPF_BTF_STRUCT, 1, 4);
	word(&b, 0), word(&b, 1), word(&b, 0);
	refuse(&b, "contains itself", "struct in an array in itself");

	begin(&b);
	type(&b, "", GEBPF_BTF_FUNC_PROTO, 1, 0);
	word(&b, 0), word(&b, 2);
	type(&b, "", GEBPF_BTF_PTR, 0, 1);
	refuse(&b, "contains itself", "prototype in itself");

	begin(&b);
	add_int(&b);
	type(&b, "s", GEBPF_BTF_STRUCT, 1, 4);
	word(&b, 0), word(&b, 1), word(&b, 8);
	refuse(&b, "lies outside", "member behind the end");

	begin(&b);
	add_int(&b);
	type(&b, "s", GEBPF_BTF_STRUCT, 1, 8);
	word(&b, 0), word(&b, 1), word(&b, 3);
	b.words[4 + 1] |= 1u << 31;
	refuse(&b, "not at a byte", "member between bytes");

	begin(&b);
	type(&b, "s", GEBPF_BTF_STRUCT, 1, 8);
	word(&b, 0), word(&b, 0), word(&b, 0);
	refuse(&b, "has no size", "member of type void");

	begin(&b);
	add_int(&b);
	type(&b, "f", GEBPF_BTF_FUNC, 0, 1);
	refuse(&b, "without a prototype", "function of type int");

	begin(&b);
	add_int(&b);
	type(&b, ".x", GEBPF_BTF_DATASEC, 1, 4);
	word(&b, 1), word(&b, 0), word(&b, 4);
	refuse(&b, "no variable", "section of types");

	begin(&b);
	type(&b, "e", GEBPF_BTF_ENUM, 0, 3);
	refuse(&b, "enum of 3 bytes", "odd enum");

	begin(&b);
	for (i = 0; i < 200; i++)
		type(&b, "", GEBPF_BTF_CONST, 0, i + 2);
	add_int(&b);
	refuse(&b, "deep", "200 times const");

	/* Backwards the walk meets the bottom first. */
	begin(&b);
	add_int(&b);
	for (i = 0; i < 200; i++)
		type(&b, "", GEBPF_BTF_PTR, 0, i + 1);
	refuse(&b, "deep", "200 times pointer");
}

/* Small to say, immense to write: refused in time and memory. */
static void
test_explosion(void)
{
	struct blob b;
	struct gebpf_btf *btf;
	char text[256];
	uint32_t i;
	FILE *null = fopen("/dev/null", "w");

	begin(&b);
	add_int(&b);
	for (i = 0; i < 50; i++) {
		type(&b, "", GEBPF_BTF_FUNC_PROTO, 2, 0);
		word(&b, 0), word(&b, i == 0 ? 1 : i + 1);
		word(&b, 0), word(&b, i == 0 ? 1 : i + 1);
	}
	type(&b, "boom", GEBPF_BTF_TYPEDEF, 0, 51);
	end(&b);
	btf = parse(&b);
	tap_ok(btf != NULL, "a prototype of 2^50 words is well-formed");
	TAP_CHECK(btf != NULL &&
		  gebpf_btf_decl(btf, 51, text, sizeof(text)) < 0);
	TAP_CHECK(btf != NULL && gebpf_btf_dump_c(btf, null) < 0);
	gebpf_btf_free(btf);

	begin(&b);
	add_int(&b);
	for (i = 0; i < 6; i++) {
		type(&b, "", GEBPF_BTF_ARRAY, 0, 0);
		word(&b, i + 1), word(&b, 1), word(&b, 100000);
	}
	end(&b);
	btf = parse(&b);
	TAP_CHECK(btf != NULL && gebpf_btf_size(btf, 2) == 400000);
	TAP_CHECK(btf != NULL && gebpf_btf_size(btf, 3) == -EBPF_EINVAL);
	TAP_CHECK(btf != NULL && gebpf_btf_size(btf, 7) == -EBPF_EINVAL);
	gebpf_btf_free(btf);
	fclose(null);
}

static void
check_decl(const struct gebpf_btf *btf, uint32_t id, const char *want)
{
	char text[256] = "";
	int error = gebpf_btf_decl(btf, id, text, sizeof(text));

	tap_ok(error == 0 && strcmp(text, want) == 0, "declaration: %s (%s)",
	       want, text);
}

static void
test_decl(void)
{
	struct blob b;
	struct gebpf_btf *btf;
	char small[8];

	begin(&b);
	add_int(&b);					/* 1 */
	type(&b, "xdp_md", GEBPF_BTF_STRUCT, 0, 0);	/* 2 */
	type(&b, "", GEBPF_BTF_PTR, 0, 2);		/* 3 */
	type(&b, "", GEBPF_BTF_FUNC_PROTO, 1, 1);	/* 4 */
	word(&b, string(&b, "ctx")), word(&b, 3);
	type(&b, "count", GEBPF_BTF_FUNC, 1, 4);	/* 5 */
	type(&b, "", GEBPF_BTF_ARRAY, 0, 0);		/* 6: int[3] */
	word(&b, 1), word(&b, 1), word(&b, 3);
	type(&b, "", GEBPF_BTF_PTR, 0, 6);		/* 7: int (*)[3] */
	type(&b, "", GEBPF_BTF_ARRAY, 0, 0);		/* 8: int (*[2])[3] */
	word(&b, 7), word(&b, 1), word(&b, 2);
	type(&b, "", GEBPF_BTF_PTR, 0, 4);		/* 9 */
	type(&b, "", GEBPF_BTF_CONST, 0, 1);		/* 10 */
	type(&b, "", GEBPF_BTF_PTR, 0, 10);		/* 11 */
	type(&b, "", GEBPF_BTF_CONST, 0, 11);		/* 12 */
	type(&b, "v", GEBPF_BTF_VAR, 0, 8);		/* 13 */
	word(&b, 1);
	type(&b, "", GEBPF_BTF_FUNC_PROTO, 3, 0);	/* 14 */
	word(&b, 0), word(&b, 9), word(&b, 0), word(&b, 12);
	word(&b, 0), word(&b, 0);
	type(&b, "none", GEBPF_BTF_FUNC, 0, 16);	/* 15 */
	type(&b, "", GEBPF_BTF_FUNC_PROTO, 0, 0);	/* 16 */
	end(&b);
	btf = parse(&b);
	if (!tap_ok(btf != NULL, "declarations: %s", last.text))
		return;
	check_decl(btf, 0, "void");
	check_decl(btf, 1, "int");
	check_decl(btf, 3, "struct xdp_md *");
	check_decl(btf, 5, "int count(struct xdp_md * ctx)");
	check_decl(btf, 6, "int [3]");
	check_decl(btf, 7, "int (*)[3]");
	check_decl(btf, 8, "int (* [2])[3]");
	check_decl(btf, 9, "int (*)(struct xdp_md * ctx)");
	check_decl(btf, 12, "const int * const");
	check_decl(btf, 13, "int (* v[2])[3]");
	check_decl(btf, 14, "void (int (*)(struct xdp_md * ctx), "
			    "const int * const, ...)");
	check_decl(btf, 15, "void none(void)");
	TAP_CHECK(gebpf_btf_decl(btf, 99, small, sizeof(small)) ==
		  -EBPF_ENOENT);
	TAP_CHECK(gebpf_btf_decl(btf, 5, small, sizeof(small)) ==
			  -EBPF_E2BIG && strcmp(small, "int cou") == 0);
	TAP_CHECK(gebpf_btf_find(btf, GEBPF_BTF_FUNC, "count") == 5);
	TAP_CHECK(gebpf_btf_find(btf, GEBPF_BTF_FUNC, "counts") == 0);
	TAP_CHECK(gebpf_btf_find(btf, GEBPF_BTF_STRUCT, "count") == 0);
	TAP_CHECK(gebpf_btf_size(btf, 8) == 16);
	TAP_CHECK(gebpf_btf_size(btf, 5) == -EBPF_EINVAL);
	TAP_CHECK(gebpf_btf_size(btf, 0) == -EBPF_EINVAL);
	TAP_CHECK(gebpf_btf_resolve(btf, 12) == 11);
	TAP_CHECK(gebpf_btf_resolve(btf, 1000) == 0);
	gebpf_btf_free(btf);
}

int
main(void)
{
	test_headers();
	test_refused();
	test_explosion();
	test_decl();
	return tap_done();
}
