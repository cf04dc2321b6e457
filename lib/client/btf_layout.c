/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The rules by which C compilers (System V ABIs, 64 bits) place members, and
 * from them: which structs of a BTF must be packed, which cannot be written at
 * all. Called by btf_c.c; recursion follows values, which parsing has bounded.
 */
#include <stdlib.h>

#include "client/btf_layout.h"

struct entry {
	uint8_t known, possible, packed;
	uint8_t align; /* bytes, as written by the dump; 0 until known */
};

struct btf_layout {
	const struct gebpf_btf *btf;
	struct entry *of; /* per id */
};

struct btf_layout *
btf_layout_create(const struct gebpf_btf *btf)
{
	struct btf_layout *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->btf = btf;
	l->of = calloc((size_t)btf->count + 1, sizeof(*l->of));
	if (l->of == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
btf_layout_free(struct btf_layout *l)
{
	if (l == NULL)
		return;
	free(l->of);
	free(l);
}

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return to == 0 ? n : (n + to - 1) / to * to;
}

static void decide(struct btf_layout *l, uint32_t id);

/* Alignment of a value of that type in bytes; 1 for what has none. */
static uint32_t
align_of(struct btf_layout *l, uint32_t id)
{
	for (;;) {
		struct btf_raw raw = btf_raw(l->btf, id);

		switch (id == 0 ? GEBPF_BTF_VOID : btf_raw_kind(raw)) {
		case GEBPF_BTF_TYPEDEF:
		case GEBPF_BTF_VOLATILE:
		case GEBPF_BTF_CONST:
		case GEBPF_BTF_RESTRICT:
		case GEBPF_BTF_TYPE_TAG:
			id = raw.size_or_type;
			continue;
		case GEBPF_BTF_ARRAY:
			id = btf_get32(btf_extra(l->btf, id));
			continue;
		case GEBPF_BTF_PTR:
			return 8;
		case GEBPF_BTF_INT:
		case GEBPF_BTF_ENUM:
		case GEBPF_BTF_ENUM64:
		case GEBPF_BTF_FLOAT:
			return raw.size_or_type;
		case GEBPF_BTF_STRUCT:
		case GEBPF_BTF_UNION:
			decide(l, id);
			return l->of[id].align;
		default:
			return 1;
		}
	}
}

static uint64_t
value_bits(struct btf_layout *l, uint32_t id)
{
	int64_t size = gebpf_btf_size(l->btf, id);

	return size < 0 ? 0 : (uint64_t)size * 8;
}

uint64_t
btf_layout_bits(struct btf_layout *l, const struct btf_field *f)
{
	return f->bit_size != 0 ? f->bit_size : value_bits(l, f->type);
}

static uint64_t
place(struct btf_layout *l, bool packed, const struct btf_field *f,
      uint64_t at)
{
	if (f->bit_size == 0)
		return round_up(at, packed ? 8 : align_of(l, f->type) * 8);
	if (!packed) {
		uint64_t unit = value_bits(l, f->type);

		if (unit != 0 && at % unit + f->bit_size > unit)
			return round_up(at, unit);
	}
	return at;
}

uint64_t
btf_layout_next(struct btf_layout *l, uint32_t id, const struct btf_field *f,
		uint64_t at)
{
	decide(l, id);
	return place(l, l->of[id].packed, f, at);
}

/* Fill in the entry of a struct or union. */
static void
decide(struct btf_layout *l, uint32_t id)
{
	struct btf_raw raw = btf_raw(l->btf, id);
	bool is_union = btf_raw_kind(raw) == GEBPF_BTF_UNION;
	uint32_t align = 1, i, n = btf_raw_vlen(raw);
	bool packed = false, possible = true;
	uint64_t at = 0;

	if (l->of[id].known)
		return;
	for (i = 0; i < n; i++) {
		struct btf_field f = btf_field(l->btf, id, i);
		uint32_t a = align_of(l, f.type);
		uint64_t unit = value_bits(l, f.type);

		if (align < a)
			align = a;
		if (f.bit_size == 0 && f.bit_off % (a * 8) != 0)
			packed = true;
		if (f.bit_size != 0 && unit != 0 &&
		    f.bit_off % unit + f.bit_size > unit)
			packed = true;
		/* C has no bit field wider than its type. */
		if (f.bit_size > unit)
			possible = false;
	}
	if (raw.size_or_type % align != 0)
		packed = true;
	for (i = 0; i < n && possible; i++) {
		struct btf_field f = btf_field(l->btf, id, i);

		if (is_union ? f.bit_off != 0 : f.bit_off < at)
			possible = false;
		at = f.bit_off + btf_layout_bits(l, &f);
	}
	l->of[id].known = 1;
	l->of[id].possible = possible;
	l->of[id].packed = packed;
	l->of[id].align = packed || !possible ? 1 : (uint8_t)align;
}

bool
btf_layout_possible(struct btf_layout *l, uint32_t id)
{
	decide(l, id);
	return l->of[id].possible;
}

bool
btf_layout_packed(struct btf_layout *l, uint32_t id)
{
	decide(l, id);
	return l->of[id].packed;
}

uint64_t
btf_layout_end(struct btf_layout *l, uint32_t id, uint64_t at)
{
	decide(l, id);
	return round_up(at, l->of[id].align * 8u);
}

bool
btf_layout_union_short(struct btf_layout *l, uint32_t id)
{
	struct btf_raw raw = btf_raw(l->btf, id);
	uint64_t most = 0;
	uint32_t i;

	decide(l, id);
	for (i = 0; i < btf_raw_vlen(raw); i++) {
		struct btf_field f = btf_field(l->btf, id, i);
		uint64_t bits = btf_layout_bits(l, &f);

		if (most < bits)
			most = bits;
	}
	return round_up(most, l->of[id].align * 8u) <
	       (uint64_t)raw.size_or_type * 8;
}
