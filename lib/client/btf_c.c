/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * All types of a BTF as C declarations that compile, in an order in which they
 * compile: what is contained comes first, what is only pointed to is announced.
 * Sizes and offsets come out as BTF says, by padding and packing where C alone
 * would place members elsewhere (btf_layout.c). Names are btf_names.c's.
 */
#include <stdlib.h>

#include "client/btf_impl.h"
#include "client/btf_layout.h"
#include "client/btf_names.h"

enum { ORDER_DEPTH_MAX = 1000 };

enum state {
	UNTOUCHED,
	ANNOUNCED, /* "struct x;" has been written */
	BUSY,	   /* what it contains is being written */
	BUSY_ANNOUNCED,
	DONE,
};

struct dump {
	const struct gebpf_btf *btf;
	FILE *out;
	struct btf_speller speller;
	struct btf_layout *layout;
	uint8_t *state;	    /* enum state, per id */
	uint8_t *referred;  /* some type uses this one */
	uint8_t *inlined;   /* this unnamed enum's values have been written */
	struct btf_names names;
	unsigned int depth;
	unsigned int protos; /* function types around what is needed */
	int error;
};

/* ---- bodies ---- */

static void
tabs(struct btf_text *text, unsigned int n)
{
	while (n-- > 0)
		btf_text_add(text, "\t");
}

static void
enum_body(struct dump *d, struct btf_text *text, uint32_t id,
	  unsigned int indent)
{
	struct gebpf_btf_type t;
	struct gebpf_btf_member m;
	bool wide = false;
	uint32_t i;

	gebpf_btf_type(d->btf, id, &t);
	btf_text_add(text, " {\n");
	for (i = 0; i < t.count; i++) {
		const char *name;
		uint32_t n;

		gebpf_btf_member(d->btf, id, i, &m);
		name = btf_names_ident(&d->names, m.name);
		if (*name == 0)
			name = "__unnamed";
		n = btf_names_take(&d->names, BTF_NAMES_VALUES, name);
		tabs(text, indent + 1);
		btf_text_add(text, "%s", name);
		if (n != 0)
			btf_text_add(text, "___%u", n + 1);
		if (t.is_signed ? m.value != (int32_t)m.value :
				  (uint64_t)m.value > UINT32_MAX)
			wide = true;
		if (m.value == INT64_MIN && t.is_signed)
			btf_text_add(text, " = -9223372036854775807LL - 1,\n");
		else if (t.is_signed)
			btf_text_add(text, " = %lld%s,\n", (long long)m.value,
				     wide ? "LL" : "");
		else
			btf_text_add(text, " = %llu%s,\n",
				     (unsigned long long)m.value,
				     wide ? "ULL" : "");
	}
	tabs(text, indent);
	btf_text_add(text, "}");
	if (t.size == 1 || t.size == 2)
		btf_text_add(text, " __attribute__((mode(%s)))",
			     t.size == 1 ? "QI" : "HI");
	else if (t.size == 8 && !wide)
		btf_text_add(text, " __attribute__((mode(DI)))");
	d->inlined[id] = 1;
}

/* Unused bits and bytes between two members, or before the end. */
static void
gap(struct btf_text *text, uint32_t id, unsigned int indent, uint64_t from,
    uint64_t to, unsigned int *pads)
{
	uint64_t bits = from % 8 != 0 ? 8 - from % 8 : 0;

	if (bits > to - from)
		bits = to - from;
	if (bits != 0) {
		tabs(text, indent);
		btf_text_add(text, "unsigned char : %u;\n", (unsigned int)bits);
		from += bits;
	}
	if (to - from >= 8) {
		tabs(text, indent);
		/* Unnamed structs share their names with what is around. */
		btf_text_add(text, "unsigned char __pad%u_%u[%llu];\n", id,
			     (*pads)++, (unsigned long long)(to - from) / 8);
		from += (to - from) / 8 * 8;
	}
	if (from != to) {
		tabs(text, indent);
		btf_text_add(text, "unsigned char : %u;\n",
			     (unsigned int)(to - from));
	}
}

/* Does C take a member of that type without a name? */
static bool
is_inline(const struct gebpf_btf *btf, uint32_t id)
{
	while (id != 0 && (btf_kind(btf, id) == GEBPF_BTF_CONST ||
			   btf_kind(btf, id) == GEBPF_BTF_VOLATILE ||
			   btf_kind(btf, id) == GEBPF_BTF_TYPE_TAG))
		id = btf_raw(btf, id).size_or_type;
	return (btf_kind(btf, id) == GEBPF_BTF_STRUCT ||
		btf_kind(btf, id) == GEBPF_BTF_UNION) &&
	       btf_raw(btf, id).name_off == 0;
}

static void
record_body(struct dump *d, struct btf_text *text, uint32_t id,
	    unsigned int indent)
{
	struct btf_raw raw = btf_raw(d->btf, id);
	bool is_union = btf_raw_kind(raw) == GEBPF_BTF_UNION;
	uint64_t at = 0, end = (uint64_t)raw.size_or_type * 8;
	unsigned int pads = 0;
	uint32_t i;

	btf_text_add(text, " {\n");
	if (!btf_layout_possible(d->layout, id)) {
		/* Overlapping members and the like: only its size is kept. */
		tabs(text, indent + 1);
		btf_text_add(text, "unsigned char __opaque[%u];\n",
			     raw.size_or_type);
		goto close;
	}
	for (i = 0; i < btf_raw_vlen(raw); i++) {
		struct btf_field f = btf_field(d->btf, id, i);
		const char *name = btf_names_ident(
			&d->names, d->btf->strings + f.name_off);
		char made[40];
		uint64_t next = is_union ? 0 :
				btf_layout_next(d->layout, id, &f, at);

		if (next != f.bit_off)
			gap(text, id, indent + 1, at, f.bit_off, &pads);
		if (*name == 0 && (f.bit_size != 0 ||
				   !is_inline(d->btf, f.type))) {
			snprintf(made, sizeof(made), "__unnamed%u_%u", id, i);
			name = made;
		}
		tabs(text, indent + 1);
		btf_spell(&d->speller, text, f.type, name, indent + 1);
		if (f.bit_size != 0)
			btf_text_add(text, " : %u", f.bit_size);
		btf_text_add(text, ";\n");
		if (!is_union)
			at = f.bit_off + btf_layout_bits(d->layout, &f);
	}
	if (is_union ? btf_layout_union_short(d->layout, id) :
		       btf_layout_end(d->layout, id, at) < end)
		gap(text, id, indent + 1, is_union ? 0 : at, end, &pads);
close:
	tabs(text, indent);
	btf_text_add(text, "}");
	if (btf_layout_possible(d->layout, id) &&
	    btf_layout_packed(d->layout, id))
		btf_text_add(text, " __attribute__((packed))");
}

static void
body(void *cookie, struct btf_text *text, uint32_t id, unsigned int indent)
{
	struct dump *d = cookie;
	uint32_t kind = btf_kind(d->btf, id);

	if (kind == GEBPF_BTF_STRUCT || kind == GEBPF_BTF_UNION) {
		record_body(d, text, id, indent);
	} else if (kind == GEBPF_BTF_FWD) {
		btf_text_add(text, " __unnamed%u", id);
	} else if (d->inlined[id]) {
		/* "enum { A } x, y": the values can be given only once. */
		while (text->len > 0 && !text->failed &&
		       text->s[text->len - 1] != ' ' &&
		       text->s[text->len - 1] != '\t')
			text->s[--text->len] = 0;
		btf_text_add(text, "%s",
			     btf_raw(d->btf, id).size_or_type == 1 ?
				     "unsigned char" :
			     btf_raw(d->btf, id).size_or_type == 2 ?
				     "unsigned short" :
			     btf_raw(d->btf, id).size_or_type == 8 ?
				     "unsigned long long" : "unsigned int");
	} else if (btf_raw_vlen(btf_raw(d->btf, id)) == 0) {
		btf_text_add(text, " { __empty%u }", id);
	} else {
		enum_body(d, text, id, indent);
	}
}

/* ---- order ---- */

static void need_whole(struct dump *d, uint32_t id);

static void
print(struct dump *d, struct btf_text *text, const char *end)
{
	if (text->failed)
		d->error = -EBPF_E2BIG;
	else if (d->error == 0 && fprintf(d->out, "%s%s", text->s, end) < 0)
		d->error = -EBPF_EIO;
	free(text->s);
}

static void
print_definition(struct dump *d, uint32_t id)
{
	struct btf_text text = { NULL, 0, 0, false };
	uint32_t kind = btf_kind(d->btf, id);

	btf_text_add(&text, "%s %s",
		     kind == GEBPF_BTF_STRUCT ? "struct" :
		     kind == GEBPF_BTF_UNION  ? "union" : "enum",
		     btf_names_type(&d->names, id));
	if (kind == GEBPF_BTF_STRUCT || kind == GEBPF_BTF_UNION)
		record_body(d, &text, id, 0);
	else if (btf_raw_vlen(btf_raw(d->btf, id)) != 0)
		enum_body(d, &text, id, 0);
	else
		btf_text_add(&text, " { __empty%u }", id);
	print(d, &text, ";\n\n");
}

/* Enough that a pointer to it can be declared. */
static void
need_name(struct dump *d, uint32_t id)
{
	struct btf_raw raw = btf_raw(d->btf, id);
	uint32_t kind = btf_raw_kind(raw), i;
	const uint8_t *e;

	if (id == 0 || d->error != 0)
		return;
	if (++d->depth > ORDER_DEPTH_MAX) {
		d->error = -EBPF_EINVAL;
		return;
	}
	e = btf_extra(d->btf, id);
	switch (kind) {
	case GEBPF_BTF_PTR:
	case GEBPF_BTF_CONST:
	case GEBPF_BTF_VOLATILE:
	case GEBPF_BTF_RESTRICT:
	case GEBPF_BTF_TYPE_TAG:
		need_name(d, raw.size_or_type);
		break;
	case GEBPF_BTF_FUNC_PROTO:
		if (d->state[id] == DONE)
			break; /* prototypes within prototypes add up fast */
		d->state[id] = DONE;
		d->protos++;
		need_name(d, raw.size_or_type);
		for (i = 0; i < btf_raw_vlen(raw); i++)
			need_name(d, btf_get32(e + i * 8 + 4));
		d->protos--;
		break;
	case GEBPF_BTF_TYPEDEF:
		if (d->state[id] == DONE ||
		    strncmp(btf_name(d->btf, id), "__builtin_", 10) == 0)
			break;
		if (d->state[id] == BUSY) {
			d->error = -EBPF_EINVAL;
			break;
		}
		d->state[id] = BUSY;
		need_name(d, raw.size_or_type);
		if (d->error == 0) {
			struct btf_text text = { NULL, 0, 0, false };
			char *name = strdup(btf_names_type(&d->names, id));

			btf_text_add(&text, "typedef ");
			btf_spell(&d->speller, &text, raw.size_or_type,
				  name != NULL ? name : "", 0);
			text.failed |= name == NULL;
			print(d, &text, ";\n\n");
			free(name);
		}
		d->state[id] = DONE;
		break;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
		if (raw.name_off == 0) {
			need_whole(d, id);
		} else if (d->state[id] == UNTOUCHED ||
			   (d->state[id] == BUSY && d->protos != 0)) {
			/* what a prototype names first ends with it */
			fprintf(d->out, "%s %s;\n\n",
				kind == GEBPF_BTF_STRUCT ? "struct" : "union",
				btf_names_type(&d->names, id));
			d->state[id] = d->state[id] == BUSY ? BUSY_ANNOUNCED :
							      ANNOUNCED;
		}
		break;
	case GEBPF_BTF_FWD:
		if (raw.name_off != 0 && d->state[id] == UNTOUCHED)
			fprintf(d->out, "%s %s;\n\n",
				btf_raw_flag(raw) ? "union" : "struct",
				btf_names_type(&d->names, id));
		d->state[id] = DONE;
		break;
	default: /* arrays and enums must be whole even behind a pointer */
		need_whole(d, id);
		break;
	}
	d->depth--;
}

/* Enough that a member of that type can be declared. */
static void
need_whole(struct dump *d, uint32_t id)
{
	struct btf_raw raw = btf_raw(d->btf, id);
	uint32_t kind = btf_raw_kind(raw), i;

	if (id == 0 || d->error != 0)
		return;
	if (++d->depth > ORDER_DEPTH_MAX) {
		d->error = -EBPF_EINVAL;
		return;
	}
	switch (kind) {
	case GEBPF_BTF_CONST:
	case GEBPF_BTF_VOLATILE:
	case GEBPF_BTF_RESTRICT:
	case GEBPF_BTF_TYPE_TAG:
		need_whole(d, raw.size_or_type);
		break;
	case GEBPF_BTF_TYPEDEF:
		/* What it names must be whole before it is used by value. */
		if (d->state[id] != DONE)
			need_name(d, id);
		for (i = raw.size_or_type;
		     i != 0 && btf_is_modifier(btf_kind(d->btf, i));)
			i = btf_raw(d->btf, i).size_or_type;
		need_whole(d, i);
		break;
	case GEBPF_BTF_ARRAY:
		need_whole(d, btf_get32(btf_extra(d->btf, id)));
		break;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
		if (d->state[id] == DONE)
			break;
		if (d->state[id] == BUSY || d->state[id] == BUSY_ANNOUNCED) {
			d->error = -EBPF_EINVAL;
			break;
		}
		d->state[id] = d->state[id] == ANNOUNCED ? BUSY_ANNOUNCED :
							   BUSY;
		for (i = 0; i < btf_raw_vlen(raw); i++)
			need_whole(d, btf_field(d->btf, id, i).type);
		if (raw.name_off != 0 && d->error == 0)
			print_definition(d, id);
		d->state[id] = DONE;
		break;
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_ENUM64:
		if (raw.name_off != 0 && d->state[id] == UNTOUCHED) {
			d->state[id] = DONE;
			print_definition(d, id);
		}
		break;
	case GEBPF_BTF_PTR:
	case GEBPF_BTF_FUNC_PROTO:
	case GEBPF_BTF_FWD:
		need_name(d, id);
		break;
	default:
		break;
	}
	d->depth--;
}

/* Which unnamed enums stand for themselves, as constants? */
static void
mark_referred(struct dump *d)
{
	uint32_t id, i;

	for (id = 1; id <= d->btf->count; id++) {
		struct btf_raw raw = btf_raw(d->btf, id);
		uint32_t kind = btf_raw_kind(raw);
		const uint8_t *e = btf_extra(d->btf, id);

		if (btf_is_modifier(kind) || kind == GEBPF_BTF_PTR ||
		    kind == GEBPF_BTF_FUNC_PROTO)
			d->referred[raw.size_or_type] = 1;
		if (kind == GEBPF_BTF_ARRAY)
			d->referred[btf_get32(e)] = 1;
		if (kind == GEBPF_BTF_STRUCT || kind == GEBPF_BTF_UNION ||
		    kind == GEBPF_BTF_FUNC_PROTO)
			for (i = 0; i < btf_raw_vlen(raw); i++)
				d->referred[btf_get32(
					e + i * btf_entry_size(kind) + 4)] = 1;
	}
}

static void
dump_all(struct dump *d)
{
	uint32_t id;

	for (id = 1; id <= d->btf->count && d->error == 0; id++) {
		struct btf_raw raw = btf_raw(d->btf, id);

		switch (btf_raw_kind(raw)) {
		case GEBPF_BTF_STRUCT:
		case GEBPF_BTF_UNION:
			if (raw.name_off != 0)
				need_whole(d, id);
			break;
		case GEBPF_BTF_TYPEDEF:
		case GEBPF_BTF_FWD:
			need_name(d, id);
			break;
		case GEBPF_BTF_ENUM:
		case GEBPF_BTF_ENUM64:
			if (raw.name_off != 0) {
				need_whole(d, id);
			} else if (!d->referred[id] &&
				   btf_raw_vlen(raw) != 0) {
				struct btf_text text = { NULL, 0, 0, false };

				btf_text_add(&text, "enum");
				enum_body(d, &text, id, 0);
				print(d, &text, ";\n\n");
			}
			break;
		default:
			break;
		}
	}
}

static const char *
speller_name(void *cookie, uint32_t id)
{
	struct dump *d = cookie;

	return btf_names_type(&d->names, id);
}

static const char *
speller_ident(void *cookie, const char *name)
{
	struct dump *d = cookie;

	return btf_names_ident(&d->names, name);
}

int
gebpf_btf_dump_c(const struct gebpf_btf *btf, FILE *out)
{
	struct dump d;
	size_t n = (size_t)btf->count + 1;

	memset(&d, 0, sizeof(d));
	d.btf = btf;
	d.out = out;
	d.speller.btf = btf;
	d.speller.tight = true;
	d.speller.name = speller_name;
	d.speller.ident = speller_ident;
	d.speller.body = body;
	d.speller.cookie = &d;
	d.state = calloc(n, 1);
	d.referred = calloc(n, 1);
	d.inlined = calloc(n, 1);
	d.layout = btf_layout_create(btf);
	if (d.state == NULL || d.referred == NULL || d.inlined == NULL ||
	    d.layout == NULL)
		d.error = -EBPF_ENOMEM;
	if (d.error == 0)
		d.error = btf_names_init(&d.names, btf);
	if (d.error == 0) {
		mark_referred(&d);
		dump_all(&d);
	}
	if (d.error == 0)
		d.error = d.names.error;
	if (d.error == 0 && ferror(out))
		d.error = -EBPF_EIO;
	btf_layout_free(d.layout);
	btf_names_fini(&d.names);
	free(d.inlined);
	free(d.referred);
	free(d.state);
	return d.error;
}
