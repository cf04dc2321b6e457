/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names of a BTF's types as C takes them; btf_names.c. A name that cannot be
 * kept for want of memory shows in `error`, and the dump is void.
 */
#ifndef CLIENT_BTF_NAMES_H
#define CLIENT_BTF_NAMES_H

#include "client/btf_impl.h"

enum btf_names_space {
	BTF_NAMES_TAGS,	  /* of struct, union, enum */
	BTF_NAMES_VALUES, /* typedefs and enumerators */
};

/* A name in use; count says how often it was asked for. */
struct btf_taken {
	char *text;
	enum btf_names_space space;
	uint32_t count;
};

struct btf_names {
	const struct gebpf_btf *btf;
	char **alias;		 /* per id; NULL: the type's own name */
	struct btf_taken *taken; /* open addressing, size a power of two */
	uint32_t size, used;
	char ident[2][256]; /* last results of btf_names_ident(), by turns */
	unsigned int turn;
	int error;
};

/* Gives all types their names; fini also after a failure. */
int btf_names_init(struct btf_names *names, const struct gebpf_btf *btf);
void btf_names_fini(struct btf_names *names);

/* A name as C takes it. Good until the next call but one. */
const char *btf_names_ident(struct btf_names *names, const char *name);

/* The name of a type, "" for none; good as long as that. */
const char *btf_names_type(struct btf_names *names, uint32_t id);

/* How often this name has been taken before. */
uint32_t btf_names_take(struct btf_names *names, enum btf_names_space space,
			const char *text);

#endif
