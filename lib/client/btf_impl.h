/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Inside of struct gebpf_btf, shared by the btf_*.c files and the ELF loader.
 * After gebpf_btf_parse() every offset, count and type id in `data` is valid,
 * no type contains itself, and no chain of types is longer than
 * BTF_DEPTH_MAX, so recursion over types needs no further check.
 */
#ifndef CLIENT_BTF_IMPL_H
#define CLIENT_BTF_IMPL_H

#include <string.h>

#include "client/gebpf.h"

enum {
	BTF_MAGIC = 0xeb9f,
	BTF_HEADER_SIZE = 24,
	BTF_TYPE_MAX = 0xfffff,	 /* highest type id */
	BTF_DEPTH_MAX = 128,	 /* of types inside types */
	/*
	 * Types used many times inside each other can grow without bound when
	 * written out; no honest one comes near this.
	 */
	BTF_TEXT_MAX = 1 << 20,
	BTF_CHAIN_MAX = 32,	 /* typedefs and modifiers in a row */
};

struct gebpf_btf {
	uint8_t *data;
	size_t len;
	uint32_t *offs; /* offs[id]: offset in data; [0] unused */
	uint32_t count; /* highest id */
	const char *strings;
	uint32_t strings_len;
};

/* A type's three fixed words. */
struct btf_raw {
	uint32_t name_off;
	uint32_t info; /* kind_flag << 31 | kind << 24 | vlen */
	uint32_t size_or_type;
};

static inline uint32_t
btf_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline struct btf_raw
btf_raw(const struct gebpf_btf *btf, uint32_t id)
{
	struct btf_raw raw = { 0, 0, 0 };

	if (id != 0)
		memcpy(&raw, btf->data + btf->offs[id], sizeof(raw));
	return raw;
}

static inline uint32_t
btf_raw_kind(struct btf_raw raw)
{
	return raw.info >> 24 & 0x1f;
}

static inline uint32_t
btf_raw_vlen(struct btf_raw raw)
{
	return raw.info & 0xffff;
}

static inline bool
btf_raw_flag(struct btf_raw raw)
{
	return raw.info >> 31;
}

/* What follows the three words of a type; nothing to read for void. */
static inline const uint8_t *
btf_extra(const struct gebpf_btf *btf, uint32_t id)
{
	return id == 0 ? btf->data :
			 btf->data + btf->offs[id] + sizeof(struct btf_raw);
}

static inline uint32_t
btf_kind(const struct gebpf_btf *btf, uint32_t id)
{
	return btf_raw_kind(btf_raw(btf, id));
}

/* Bytes of one member, value, parameter... of a kind; 0 for none. */
static inline uint32_t
btf_entry_size(uint32_t kind)
{
	switch (kind) {
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
	case GEBPF_BTF_DATASEC:
	case GEBPF_BTF_ENUM64:
		return 12;
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_FUNC_PROTO:
		return 8;
	default:
		return 0;
	}
}

/* typedef, const, volatile, restrict, type_tag: transparent for values. */
static inline bool
btf_is_modifier(uint32_t kind)
{
	return kind == GEBPF_BTF_TYPEDEF || kind == GEBPF_BTF_VOLATILE ||
	       kind == GEBPF_BTF_CONST || kind == GEBPF_BTF_RESTRICT ||
	       kind == GEBPF_BTF_TYPE_TAG;
}

static inline const char *
btf_name(const struct gebpf_btf *btf, uint32_t id)
{
	return btf->strings + btf_raw(btf, id).name_off;
}

/* btf_graph.c: no type inside itself, no chain too deep. */
int btf_check_graph(const struct gebpf_btf *btf, struct gebpf_error *err);

/*
 * btf_decl.c: append the C declaration of `name` ("" for a type alone) with
 * type id to *text, which is grown with realloc. How a type is called comes
 * from `spell`, so that the dump can rename what clashes.
 */
struct btf_text {
	char *s; /* NULL or NUL-terminated */
	size_t len, room;
	bool failed; /* out of memory or beyond BTF_TEXT_MAX: nothing more */
};
struct btf_speller {
	const struct gebpf_btf *btf;
	bool tight; /* "*p", not "* p" */
	/* Name of a struct, union, enum, typedef or number; NULL: its own. */
	const char *(*name)(void *cookie, uint32_t id);
	/* A parameter's name as C takes it; NULL: as it is. */
	const char *(*ident)(void *cookie, const char *name);
	/* Write the body of an unnamed struct, union or enum; NULL: "(anon)". */
	void (*body)(void *cookie, struct btf_text *text, uint32_t id,
		     unsigned int indent);
	void *cookie;
};
void btf_text_add(struct btf_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void btf_spell(const struct btf_speller *speller, struct btf_text *text,
	       uint32_t id, const char *name, unsigned int indent);

/* btf_type.c: bits of one member of a struct or union. */
struct btf_field {
	uint32_t name_off;
	uint32_t type;
	uint32_t bit_off;
	uint32_t bit_size; /* of a bit field, else 0 */
};
struct btf_field btf_field(const struct gebpf_btf *btf, uint32_t id,
			   uint32_t index);

#endif
