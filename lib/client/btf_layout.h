/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where a C compiler would put the members that the dump writes, so that the
 * dump knows where to pad and what to pack. Answers are cached per type.
 */
#ifndef CLIENT_BTF_LAYOUT_H
#define CLIENT_BTF_LAYOUT_H

#include "client/btf_impl.h"

struct btf_layout;

struct btf_layout *btf_layout_create(const struct gebpf_btf *btf);
void btf_layout_free(struct btf_layout *layout);

/* Can padding and packing alone give this struct or union its layout? */
bool btf_layout_possible(struct btf_layout *layout, uint32_t id);
bool btf_layout_packed(struct btf_layout *layout, uint32_t id);
/* Bits that a member takes. */
uint64_t btf_layout_bits(struct btf_layout *layout, const struct btf_field *f);
/* The bit where C puts member f of struct id when `at` bits are taken. */
uint64_t btf_layout_next(struct btf_layout *layout, uint32_t id,
			 const struct btf_field *f, uint64_t at);
/* Bits of struct id as C has it when its members take `at` bits. */
uint64_t btf_layout_end(struct btf_layout *layout, uint32_t id, uint64_t at);
/* Is the union larger than C would make it? */
bool btf_layout_union_short(struct btf_layout *layout, uint32_t id);

#endif
