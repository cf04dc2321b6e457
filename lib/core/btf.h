/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * BTF inside the engine: a checked, immutable blob with an id. Every offset and
 * count in it has been validated once, at load, so readers need no checks.
 */
#ifndef CORE_BTF_H
#define CORE_BTF_H

#include "core/object.h"

struct ebpf_btf {
	struct ebpf_object obj;
	uint8_t *data; /* header, types, strings */
	uint32_t len;
	uint32_t type_count;   /* ids 1 .. type_count */
	uint32_t *type_offs;   /* byte offset in data of each id; [0] unused */
	const char *strings;   /* NUL-terminated pieces, ends with a NUL */
	uint32_t strings_len;
};

/* Check and copy; the caller gets one reference. EINVAL, E2BIG, ENOMEM. */
int ebpf_btf_load(struct ebpf_runtime *rt, const void *data, uint32_t len,
		  const char *name, uint32_t uid, struct ebpf_btf **btf);

/* "" for an offset out of range. */
const char *ebpf_btf_string(const struct ebpf_btf *btf, uint32_t off);

/*
 * The one member of a struct, or variable of a section, whose type is the
 * struct of that name and size; members of members do not count. ENOENT, E2BIG
 * more than one, EINVAL not at a whole byte.
 */
int ebpf_btf_find_member(const struct ebpf_btf *btf, uint32_t type,
			 const char *name, uint32_t size, uint32_t *off);

#endif
