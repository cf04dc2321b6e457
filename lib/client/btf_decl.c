/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A type written in C around a name, inside out as C wants it:
 * "struct x *(*name)(int, char *)[4]". bpftool has a space after '*' in single
 * declarations and none in C dumps, and so do we. Called by btf_c.c and, for
 * one declaration, by the CLI.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "client/btf_impl.h"

void
btf_text_add(struct btf_text *text, const char *format, ...)
{
	va_list ap;
	int n;

	if (text->failed)
		return;
	for (;;) {
		size_t left = text->room - text->len;
		char *more;

		va_start(ap, format);
		n = vsnprintf(text->s == NULL ? NULL : text->s + text->len,
			      left, format, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < left) {
			text->len += (size_t)n;
			return;
		}
		if (n < 0 || text->room > BTF_TEXT_MAX ||
		    (more = realloc(text->s, text->room * 2 + n + 64)) ==
			    NULL) {
			text->failed = true;
			return;
		}
		text->s = more;
		text->room = text->room * 2 + n + 64;
	}
}

static const char *
tag_word(struct btf_raw raw)
{
	switch (btf_raw_kind(raw)) {
	case GEBPF_BTF_STRUCT:
		return "struct";
	case GEBPF_BTF_UNION:
		return "union";
	case GEBPF_BTF_FWD:
		return btf_raw_flag(raw) ? "union" : "struct";
	default:
		return "enum";
	}
}

/* What stands leftmost: the type at the end of pointers, arrays, functions. */
static void
base(const struct btf_speller *sp, struct btf_text *text, uint32_t id,
     unsigned int indent)
{
	struct btf_raw raw = btf_raw(sp->btf, id);
	const char *name;

	if (id == 0) {
		btf_text_add(text, "void");
		return;
	}
	name = sp->name != NULL ? sp->name(sp->cookie, id) :
				  sp->btf->strings + raw.name_off;
	switch (btf_raw_kind(raw)) {
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_ENUM64:
	case GEBPF_BTF_FWD:
		btf_text_add(text, "%s", tag_word(raw));
		if (*name != 0)
			btf_text_add(text, " %s", name);
		else if (sp->body != NULL)
			sp->body(sp->cookie, text, id, indent);
		else
			btf_text_add(text, " (anon)");
		break;
	default:
		btf_text_add(text, "%s", *name != 0 ? name : "(anon)");
		break;
	}
}

/*
 * The declarator grows in both directions around the name, so it is built in
 * `inner` while the walk goes from the name's type to the base type. `tight`
 * says that inner begins with '*', so an array or function suffix needs
 * parentheses around it.
 */
void
btf_spell(const struct btf_speller *sp, struct btf_text *text, uint32_t id,
	  const char *name, unsigned int indent)
{
	const struct gebpf_btf *btf = sp->btf;
	struct btf_text inner = { NULL, 0, 0, false }, next;
	const char *quals = "";
	char kept[64] = "";
	bool tight = false, done = false;

	if (text->failed)
		return;
	btf_text_add(&inner, "%s", name);
	while (!done) {
		struct btf_raw raw = btf_raw(btf, id);
		uint32_t kind = btf_raw_kind(raw), i;
		const uint8_t *e = btf_extra(btf, id);

		memset(&next, 0, sizeof(next));
		switch (id == 0 ? GEBPF_BTF_VOID : kind) {
		case GEBPF_BTF_CONST:
		case GEBPF_BTF_VOLATILE:
		case GEBPF_BTF_RESTRICT:
			/* Repeated qualifiers say nothing new. */
			quals = kind == GEBPF_BTF_CONST ? "const " :
				kind == GEBPF_BTF_VOLATILE ? "volatile " :
							     "restrict ";
			if (strstr(kept, quals) == NULL)
				strcat(kept, quals);
			id = raw.size_or_type;
			continue;
		case GEBPF_BTF_TYPE_TAG:
		case GEBPF_BTF_DECL_TAG:
			id = raw.size_or_type;
			continue;
		case GEBPF_BTF_PTR:
			btf_text_add(&next, "*%s%s%s",
				     kept[0] == 0 &&
						     (sp->tight ||
						      inner.s == NULL ||
						      inner.s[0] == 0) ?
					     "" : " ", kept,
				     inner.s != NULL ? inner.s : "");
			kept[0] = 0;
			tight = true;
			id = raw.size_or_type;
			break;
		case GEBPF_BTF_ARRAY:
			/* Qualifiers of an array are those of its elements. */
			btf_text_add(&next, tight ? "(%s)" : "%s",
				     inner.s != NULL ? inner.s : "");
			btf_text_add(&next, "[%u]", btf_get32(e + 8));
			tight = false;
			id = btf_get32(e);
			break;
		case GEBPF_BTF_FUNC_PROTO:
			kept[0] = 0; /* a function has no qualifiers */
			btf_text_add(&next, tight ? "(%s)(" : "%s(",
				     inner.s != NULL ? inner.s : "");
			for (i = 0; i < btf_raw_vlen(raw); i++) {
				uint32_t type = btf_get32(e + i * 8 + 4);

				if (i != 0)
					btf_text_add(&next, ", ");
				const char *arg = btf->strings +
						  btf_get32(e + i * 8);

				if (sp->ident != NULL)
					arg = sp->ident(sp->cookie, arg);
				if (type == 0)
					btf_text_add(&next, "...");
				else
					btf_spell(sp, &next, type, arg,
						  indent);
			}
			if (i == 0)
				btf_text_add(&next, "void");
			btf_text_add(&next, ")");
			tight = false;
			id = raw.size_or_type;
			break;
		default:
			done = true;
			continue;
		}
		next.failed |= inner.failed;
		free(inner.s);
		inner = next;
	}
	/* restrict is for pointers only; a base type cannot carry it */
	if (strstr(kept, "const ") != NULL)
		btf_text_add(text, "const ");
	if (strstr(kept, "volatile ") != NULL)
		btf_text_add(text, "volatile ");
	base(sp, text, id, indent);
	if (inner.s != NULL && inner.s[0] != 0)
		btf_text_add(text, " %s", inner.s);
	/* "int * " in a type alone ends in a space that nobody wants */
	while (!text->failed && text->len > 0 && text->s[text->len - 1] == ' ')
		text->s[--text->len] = 0;
	text->failed |= inner.failed;
	free(inner.s);
}

int
gebpf_btf_decl(const struct gebpf_btf *btf, uint32_t id, char *out,
	       size_t size)
{
	struct btf_speller speller = { .btf = btf };
	struct btf_text text = { NULL, 0, 0, false };
	struct btf_raw raw;
	const char *name = "";
	int error = 0;

	if (size != 0)
		out[0] = 0;
	if (id > btf->count)
		return -EBPF_ENOENT;
	raw = btf_raw(btf, id);
	if (id != 0 && (btf_raw_kind(raw) == GEBPF_BTF_FUNC ||
			btf_raw_kind(raw) == GEBPF_BTF_VAR)) {
		name = btf_name(btf, id);
		id = raw.size_or_type;
	} else if (id != 0 && btf_raw_kind(raw) == GEBPF_BTF_DATASEC) {
		return snprintf(out, size, "%s", btf_name(btf, id)) <
			       (int)size ? 0 : -EBPF_E2BIG;
	}
	btf_spell(&speller, &text, id, name, 0);
	if (text.failed || text.s == NULL)
		error = -EBPF_ENOMEM;
	else if (text.len >= size)
		error = -EBPF_E2BIG;
	if (error != -EBPF_ENOMEM && size != 0)
		snprintf(out, size, "%s", text.s);
	free(text.s);
	return error;
}
