/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * All types of a BTF as C declarations that compile, in an order in which they
 * compile: what is contained comes first, what is only pointed to is announced.
 * Sizes and offsets come out as BTF says, by padding and packing where C alone
 * would place members elsewhere (btf_layout.c). Names that clash get ___2.
 */
#include <stdlib.h>

#include "client/btf_impl.h"
#include "client/btf_layout.h"

enum { ORDER_DEPTH_MAX = 1000 };

enum state {
	UNTOUCHED,
	ANNOUNCED, /* "struct x;" has been written */
	BUSY,	   /* what it contains is being written */
	DONE,
};

/* Names in use; count says how often one was asked for. */
struct name {
	char *text;
	uint32_t space; /* 0 tags, 1 typedefs and enumerators */
	uint32_t count;
};

struct dump {
	const struct gebpf_btf *btf;
	FILE *out;
	struct btf_speller speller;
	struct btf_layout *layout;
	uint8_t *state;	    /* enum state, per id */
	uint8_t *referred;  /* some type uses this one */
	uint8_t *inlined;   /* this unnamed enum's values have been written */
	char **alias;	    /* per id; NULL: the type's own name */
	struct name *names; /* open addressing, names_size a power of two */
	uint32_t names_size, names_used;
	char ident[2][256]; /* last results of ident(), by turns */
	unsigned int ident_turn;
	unsigned int depth;
	int error;
};

/* ---- names ---- */

static bool
is_keyword(const char *s)
{
	static const char *const words[] = {
		"auto", "break", "case", "char", "const", "continue",
		"default", "do", "double", "else", "enum", "extern", "float",
		"for", "goto", "if", "inline", "int", "long", "register",
		"restrict", "return", "short", "signed", "sizeof", "static",
		"struct", "switch", "typedef", "union", "unsigned", "void",
		"volatile", "while", "asm", "typeof",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return s[0] == '_' && (strcmp(s, "_Bool") == 0 ||
			       strcmp(s, "_Alignas") == 0 ||
			       strcmp(s, "_Atomic") == 0 ||
			       strcmp(s, "_Complex") == 0 ||
			       strcmp(s, "_Generic") == 0);
}

/* A name as C takes it. Good until the next call but one. */
static const char *
ident(void *cookie, const char *name)
{
	struct dump *d = cookie;
	char *s = d->ident[d->ident_turn ^= 1];
	size_t i;

	if (*name == 0)
		return "";
	for (i = 0; name[i] != 0 && i < sizeof(d->ident[0]) - 2; i++) {
		char c = name[i];

		s[i] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				       c == '_' ||
				       (c >= '0' && c <= '9' && i != 0) ?
			       c : '_';
	}
	s[i] = 0;
	if (is_keyword(s)) {
		s[i] = '_';
		s[i + 1] = 0;
	}
	return s;
}

static bool
grow_names(struct dump *d)
{
	uint32_t size = d->names_size != 0 ? d->names_size * 2 : 256, i;
	struct name *more = calloc(size, sizeof(*more));

	if (more == NULL)
		return false;
	for (i = 0; i < d->names_size; i++) {
		uint32_t h = 5381;
		const char *s = d->names[i].text;

		if (s == NULL)
			continue;
		for (h += d->names[i].space; *s != 0; s++)
			h = h * 33 + (unsigned char)*s;
		while (more[h & (size - 1)].text != NULL)
			h++;
		more[h & (size - 1)] = d->names[i];
	}
	free(d->names);
	d->names = more;
	d->names_size = size;
	return true;
}

/* How often this name has been taken before. */
static uint32_t
take_name(struct dump *d, uint32_t space, const char *text)
{
	uint32_t h = 5381 + space;
	const char *s;

	if (d->names_used * 2 >= d->names_size && !grow_names(d)) {
		d->error = -EBPF_ENOMEM;
		return 0;
	}
	for (s = text; *s != 0; s++)
		h = h * 33 + (unsigned char)*s;
	for (;; h++) {
		struct name *n = &d->names[h & (d->names_size - 1)];

		if (n->text == NULL) {
			n->text = strdup(text);
			if (n->text == NULL) {
				d->error = -EBPF_ENOMEM;
				return 0;
			}
			n->space = space;
			n->count = 1;
			d->names_used++;
			return 0;
		}
		if (n->space == space && strcmp(n->text, text) == 0)
			return n->count++;
	}
}

/* Numbers have names with spaces; only those that C knows are believed. */
static const char *
number_name(const struct gebpf_btf *btf, uint32_t id)
{
	static const struct {
		const char *name;
		uint32_t size;
	} known[] = {
		{ "char", 1 }, { "signed char", 1 }, { "unsigned char", 1 },
		{ "_Bool", 1 }, { "short", 2 }, { "short int", 2 },
		{ "unsigned short", 2 }, { "short unsigned int", 2 },
		{ "int", 4 }, { "unsigned int", 4 }, { "long", 8 },
		{ "long int", 8 }, { "unsigned long", 8 },
		{ "long unsigned int", 8 }, { "long long", 8 },
		{ "long long int", 8 }, { "unsigned long long", 8 },
		{ "long long unsigned int", 8 }, { "__int128", 16 },
		{ "unsigned __int128", 16 }, { "__int128 unsigned", 16 },
		{ "float", 4 }, { "double", 8 }, { "long double", 16 },
	};
	struct gebpf_btf_type t;
	size_t i;

	gebpf_btf_type(btf, id, &t);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (t.size == known[i].size &&
		    strcmp(t.name, known[i].name) == 0)
			return known[i].name;
	if (t.kind == GEBPF_BTF_FLOAT)
		return t.size == 2 ? "_Float16" : t.size <= 4 ? "float" :
		       t.size <= 8 ? "double" : "long double";
	switch (t.size) {
	case 1:
		return t.is_bool ? "_Bool" : t.is_signed ? "signed char" :
							   "unsigned char";
	case 2:
		return t.is_signed ? "short" : "unsigned short";
	case 4:
		return t.is_signed ? "int" : "unsigned int";
	case 8:
		return t.is_signed ? "long long" : "unsigned long long";
	default:
		return t.is_signed ? "__int128" : "unsigned __int128";
	}
}

static const char *
type_name(void *cookie, uint32_t id)
{
	struct dump *d = cookie;
	uint32_t kind = btf_kind(d->btf, id);

	if (kind == GEBPF_BTF_INT || kind == GEBPF_BTF_FLOAT)
		return number_name(d->btf, id);
	if (d->alias[id] != NULL)
		return d->alias[id];
	return ident(d, btf_name(d->btf, id));
}

/* Second and later owners of a name get ___2, ___3... */
static void
name_all(struct dump *d)
{
	uint32_t id;

	for (id = 1; id <= d->btf->count && d->error == 0; id++) {
		uint32_t kind = btf_kind(d->btf, id), n;
		const char *name = ident(d, btf_name(d->btf, id));

		if (*name == 0 ||
		    (kind != GEBPF_BTF_STRUCT && kind != GEBPF_BTF_UNION &&
		     kind != GEBPF_BTF_ENUM && kind != GEBPF_BTF_ENUM64 &&
		     kind != GEBPF_BTF_TYPEDEF))
			continue;
		n = take_name(d, kind == GEBPF_BTF_TYPEDEF, name);
		if (n != 0 &&
		    asprintf(&d->alias[id], "%s___%u", name, n + 1) < 0) {
			d->alias[id] = NULL;
			d->error = -EBPF_ENOMEM;
		}
	}
	/* An announcement belongs to the definition, unless that is another
	 * kind of thing. */
	for (id = 1; id <= d->btf->count && d->error == 0; id++) {
		uint32_t other;
		bool is_union = btf_raw_flag(btf_raw(d->btf, id));
		const char *name = btf_name(d->btf, id);

		if (btf_kind(d->btf, id) != GEBPF_BTF_FWD || *name == 0)
			continue;
		other = gebpf_btf_find(d->btf, is_union ? GEBPF_BTF_STRUCT :
							  GEBPF_BTF_UNION,
				       name);
		if (other != 0 &&
		    asprintf(&d->alias[id], "%s___fwd", ident(d, name)) < 0) {
			d->alias[id] = NULL;
			d->error = -EBPF_ENOMEM;
		}
	}
}

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
		name = ident(d, m.name);
		if (*name == 0)
			name = "__unnamed";
		n = take_name(d, 1, name);
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
		const char *name = ident(d, d->btf->strings + f.name_off);
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
		     type_name(d, id));
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
		need_name(d, raw.size_or_type);
		for (i = 0; i < btf_raw_vlen(raw); i++)
			need_name(d, btf_get32(e + i * 8 + 4));
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
			char *name = strdup(type_name(d, id));

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
		} else if (d->state[id] == UNTOUCHED) {
			fprintf(d->out, "%s %s;\n\n",
				kind == GEBPF_BTF_STRUCT ? "struct" : "union",
				type_name(d, id));
			d->state[id] = ANNOUNCED;
		}
		break;
	case GEBPF_BTF_FWD:
		if (raw.name_off != 0 && d->state[id] == UNTOUCHED)
			fprintf(d->out, "%s %s;\n\n",
				btf_raw_flag(raw) ? "union" : "struct",
				type_name(d, id));
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
		if (d->state[id] == BUSY) {
			d->error = -EBPF_EINVAL;
			break;
		}
		d->state[id] = BUSY;
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

int
gebpf_btf_dump_c(const struct gebpf_btf *btf, FILE *out)
{
	struct dump d;
	size_t n = (size_t)btf->count + 1;
	uint32_t i;

	memset(&d, 0, sizeof(d));
	d.btf = btf;
	d.out = out;
	d.speller.btf = btf;
	d.speller.tight = true;
	d.speller.name = type_name;
	d.speller.ident = ident;
	d.speller.body = body;
	d.speller.cookie = &d;
	d.state = calloc(n, 1);
	d.referred = calloc(n, 1);
	d.inlined = calloc(n, 1);
	d.alias = calloc(n, sizeof(*d.alias));
	d.layout = btf_layout_create(btf);
	if (d.state == NULL || d.referred == NULL || d.inlined == NULL ||
	    d.alias == NULL || d.layout == NULL)
		d.error = -EBPF_ENOMEM;
	if (d.error == 0) {
		mark_referred(&d);
		name_all(&d);
		dump_all(&d);
	}
	if (d.error == 0 && ferror(out))
		d.error = -EBPF_EIO;
	btf_layout_free(d.layout);
	for (i = 0; d.alias != NULL && i < n; i++)
		free(d.alias[i]);
	for (i = 0; i < d.names_size; i++)
		free(d.names[i].text);
	free(d.names);
	free(d.alias);
	free(d.inlined);
	free(d.referred);
	free(d.state);
	return d.error;
}
