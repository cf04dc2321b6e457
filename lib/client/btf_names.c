/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names of a BTF's types as C takes them: no keywords, no odd characters, and
 * the second owner of a name gets ___2. Called by btf_c.c.
 */
#include <stdlib.h>

#include "client/btf_names.h"

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

const char *
btf_names_ident(struct btf_names *names, const char *name)
{
	char *s = names->ident[names->turn ^= 1];
	size_t i;

	if (*name == 0)
		return "";
	for (i = 0; name[i] != 0 && i < sizeof(names->ident[0]) - 2; i++) {
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

static uint32_t
hash(uint32_t space, const char *text)
{
	uint32_t h = 5381 + space;

	while (*text != 0)
		h = h * 33 + (unsigned char)*text++;
	return h;
}

static bool
grow(struct btf_names *names)
{
	uint32_t size = names->size != 0 ? names->size * 2 : 256, i, h;
	struct btf_taken *more = calloc(size, sizeof(*more));

	if (more == NULL)
		return false;
	for (i = 0; i < names->size; i++) {
		const struct btf_taken *taken = &names->taken[i];

		if (taken->text == NULL)
			continue;
		h = hash(taken->space, taken->text);
		while (more[h & (size - 1)].text != NULL)
			h++;
		more[h & (size - 1)] = *taken;
	}
	free(names->taken);
	names->taken = more;
	names->size = size;
	return true;
}

uint32_t
btf_names_take(struct btf_names *names, enum btf_names_space space,
	       const char *text)
{
	uint32_t h = hash(space, text);

	if (names->used * 2 >= names->size && !grow(names)) {
		names->error = -EBPF_ENOMEM;
		return 0;
	}
	for (;; h++) {
		struct btf_taken *taken = &names->taken[h & (names->size - 1)];

		if (taken->text == NULL) {
			taken->text = strdup(text);
			if (taken->text == NULL) {
				names->error = -EBPF_ENOMEM;
				return 0;
			}
			taken->space = space;
			taken->count = 1;
			names->used++;
			return 0;
		}
		if (taken->space == space && strcmp(taken->text, text) == 0)
			return taken->count++;
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

const char *
btf_names_type(struct btf_names *names, uint32_t id)
{
	uint32_t kind = btf_kind(names->btf, id);

	if (kind == GEBPF_BTF_INT || kind == GEBPF_BTF_FLOAT)
		return number_name(names->btf, id);
	if (names->alias[id] != NULL)
		return names->alias[id];
	return btf_names_ident(names, btf_name(names->btf, id));
}

/* Second and later owners of a name get ___2, ___3... */
static void
name_all(struct btf_names *names)
{
	const struct gebpf_btf *btf = names->btf;
	char **alias = names->alias;
	uint32_t id;

	for (id = 1; id <= btf->count && names->error == 0; id++) {
		uint32_t kind = btf_kind(btf, id), n;
		const char *name =
			btf_names_ident(names, btf_name(btf, id));

		if (*name == 0 ||
		    (kind != GEBPF_BTF_STRUCT && kind != GEBPF_BTF_UNION &&
		     kind != GEBPF_BTF_ENUM && kind != GEBPF_BTF_ENUM64 &&
		     kind != GEBPF_BTF_TYPEDEF))
			continue;
		n = btf_names_take(names,
				   kind == GEBPF_BTF_TYPEDEF ?
					   BTF_NAMES_VALUES :
					   BTF_NAMES_TAGS,
				   name);
		if (n != 0 &&
		    asprintf(&alias[id], "%s___%u", name, n + 1) < 0) {
			alias[id] = NULL;
			names->error = -EBPF_ENOMEM;
		}
	}
	/* An announcement belongs to the definition, unless that is another
	 * kind of thing. */
	for (id = 1; id <= btf->count && names->error == 0; id++) {
		uint32_t other;
		bool is_union = btf_raw_flag(btf_raw(btf, id));
		const char *name = btf_name(btf, id);

		if (btf_kind(btf, id) != GEBPF_BTF_FWD || *name == 0)
			continue;
		other = gebpf_btf_find(btf,
				       is_union ? GEBPF_BTF_STRUCT :
						  GEBPF_BTF_UNION,
				       name);
		if (other != 0 &&
		    asprintf(&alias[id], "%s___fwd",
			     btf_names_ident(names, name)) < 0) {
			alias[id] = NULL;
			names->error = -EBPF_ENOMEM;
		}
	}
}

int
btf_names_init(struct btf_names *names, const struct gebpf_btf *btf)
{
	memset(names, 0, sizeof(*names));
	names->btf = btf;
	names->alias = calloc((size_t)btf->count + 1, sizeof(*names->alias));
	if (names->alias == NULL)
		return -EBPF_ENOMEM;
	name_all(names);
	return names->error;
}

void
btf_names_fini(struct btf_names *names)
{
	uint32_t i;

	for (i = 0; names->alias != NULL && i <= names->btf->count; i++)
		free(names->alias[i]);
	for (i = 0; i < names->size; i++)
		free(names->taken[i].text);
	free(names->taken);
	free(names->alias);
}
