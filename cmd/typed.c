/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Values shown by their BTF type, with bpftool's conventions: structs are
 * objects, char arrays that hold a string are strings, enums are names.
 * Nothing here trusts the type to fit the data: every access is checked.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/data.h"

enum { DEPTH_MAX = 32 };

struct typed {
	struct out *out;
	const struct gebpf_btf *btf;
	bool human;
	int depth;
};

static void print(struct typed *typed, const char *key, uint32_t type,
		  const uint8_t *data, size_t len);

/* Up to eight bytes as a number, little end first. */
static uint64_t
load(const uint8_t *data, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size && i < 8; i++)
		v |= (uint64_t)data[i] << (8 * i);
	return v;
}

static int64_t
sign_extend(uint64_t v, uint32_t bits)
{
	if (bits == 0 || bits >= 64)
		return (int64_t)v;
	v <<= 64 - bits;
	return (int64_t)v >> (64 - bits);
}

static void
print_int(struct typed *typed, const char *key,
	  const struct gebpf_btf_type *type, uint64_t v, uint32_t bits)
{
	if (type->is_bool)
		out_bool(typed->out, key, NULL, v != 0);
	else if (type->is_signed)
		out_int(typed->out, key, NULL, sign_extend(v, bits));
	else
		out_uint(typed->out, key, NULL, v);
}

static void
print_wide(struct typed *typed, const char *key, const uint8_t *data,
	   size_t size)
{
	char text[2 * 64 + 3] = "0x";
	size_t n = 2;

	for (size_t i = size < 64 ? size : 64; i > 0; i--)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%02x",
				      data[i - 1]);
	out_string(typed->out, key, NULL, text);
}

static void
print_enum(struct typed *typed, const char *key,
	   const struct gebpf_btf_type *type, const uint8_t *data)
{
	uint64_t v = load(data, type->size);
	int64_t s = type->is_signed ? sign_extend(v, type->size * 8)
				    : (int64_t)v;
	struct gebpf_btf_member member;

	for (uint32_t i = 0; i < type->count; i++) {
		if (gebpf_btf_member(typed->btf, type->id, i, &member) != 0)
			break;
		if (member.value == s ||
		    (type->size == 4 && (uint32_t)member.value == v)) {
			out_string(typed->out, key, NULL, member.name);
			return;
		}
	}
	if (type->is_signed)
		out_int(typed->out, key, NULL, s);
	else
		out_uint(typed->out, key, NULL, v);
}

static bool
is_byte(const struct gebpf_btf *btf, uint32_t id, bool *is_char)
{
	struct gebpf_btf_type type;

	if (gebpf_btf_type(btf, gebpf_btf_resolve(btf, id), &type) != 0 ||
	    type.kind != GEBPF_BTF_INT || type.size != 1 || type.is_bool)
		return false;
	*is_char = type.is_char || strcmp(type.name, "char") == 0;
	return true;
}

static bool
is_text(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\0')
			return true;
		if (data[i] < 32 || data[i] > 126)
			return false;
	}
	return false; /* no end */
}

static void
print_array(struct typed *typed, const char *key,
	    const struct gebpf_btf_type *type, const uint8_t *data, size_t len)
{
	int64_t element = gebpf_btf_size(typed->btf, type->type);
	bool is_char = false;
	char text[32];

	if (is_byte(typed->btf, type->type, &is_char)) {
		if (is_char && type->count <= len &&
		    is_text(data, type->count)) {
			out_string(typed->out, key, NULL, (const char *)data);
			return;
		}
		if (!is_char && typed->human && type->count == 6 && len >= 6) {
			snprintf(text, sizeof(text),
				 "%02x:%02x:%02x:%02x:%02x:%02x", data[0],
				 data[1], data[2], data[3], data[4], data[5]);
			out_string(typed->out, key, NULL, text);
			return;
		}
	}
	out_array(typed->out, key);
	for (uint32_t i = 0; element > 0 && i < type->count; i++) {
		size_t off = (size_t)i * (size_t)element;

		if (off + (size_t)element > len)
			break;
		print(typed, NULL, type->type, data + off, (size_t)element);
	}
	out_end(typed->out);
}

static void
print_bits(struct typed *typed, const char *key, uint32_t id,
	   const uint8_t *data, size_t len, uint32_t bit_off, uint32_t bits)
{
	struct gebpf_btf_type type;
	uint64_t v = 0;

	if (gebpf_btf_type(typed->btf, gebpf_btf_resolve(typed->btf, id),
			   &type) != 0 ||
	    bits > 64 || ((uint64_t)bit_off + bits + 7) / 8 > len) {
		out_null(typed->out, key);
		return;
	}
	for (uint32_t i = 0; i < bits; i++) {
		uint32_t bit = bit_off + i;

		if (data[bit / 8] >> (bit % 8) & 1)
			v |= 1ull << i;
	}
	if (type.kind == GEBPF_BTF_ENUM || type.kind == GEBPF_BTF_ENUM64) {
		uint8_t copy[8];

		for (int i = 0; i < 8; i++)
			copy[i] = (uint8_t)(v >> (8 * i));
		if (type.size <= 8) {
			print_enum(typed, key, &type, copy);
			return;
		}
	}
	print_int(typed, key, &type, v, bits);
}

/* Members of a struct; those of unnamed inner structs as if they were its. */
static void
print_members(struct typed *typed, const struct gebpf_btf_type *type,
	      const uint8_t *data, size_t len)
{
	struct gebpf_btf_member member;
	struct gebpf_btf_type inner;

	if (++typed->depth > DEPTH_MAX) {
		typed->depth--;
		return;
	}
	for (uint32_t i = 0; i < type->count; i++) {
		uint32_t id;
		int64_t size;

		if (gebpf_btf_member(typed->btf, type->id, i, &member) != 0)
			break;
		if (member.bit_size > 0) {
			print_bits(typed, member.name, member.type, data, len,
				   member.bit_off, member.bit_size);
			continue;
		}
		id = gebpf_btf_resolve(typed->btf, member.type);
		size = gebpf_btf_size(typed->btf, id);
		if (size < 0 ||
		    member.bit_off / 8 + (uint64_t)size > len) {
			out_null(typed->out, member.name);
			continue;
		}
		if (*member.name == '\0' &&
		    gebpf_btf_type(typed->btf, id, &inner) == 0 &&
		    (inner.kind == GEBPF_BTF_STRUCT ||
		     inner.kind == GEBPF_BTF_UNION))
			print_members(typed, &inner, data + member.bit_off / 8,
				      (size_t)size);
		else
			print(typed, member.name, member.type,
			      data + member.bit_off / 8, (size_t)size);
	}
	typed->depth--;
}

static void
print_section(struct typed *typed, const char *key,
	      const struct gebpf_btf_type *type, const uint8_t *data,
	      size_t len)
{
	struct gebpf_btf_member var;
	struct gebpf_btf_type var_type;

	out_object(typed->out, key);
	out_array(typed->out, type->name);
	for (uint32_t i = 0; i < type->count; i++) {
		if (gebpf_btf_member(typed->btf, type->id, i, &var) != 0 ||
		    gebpf_btf_type(typed->btf, var.type, &var_type) != 0 ||
		    (uint64_t)var.off + var.size > len)
			continue;
		out_object(typed->out, NULL);
		print(typed, var_type.name, var_type.type, data + var.off,
		      var.size);
		out_end(typed->out);
	}
	out_end(typed->out);
	out_end(typed->out);
}

static void
print_float(struct typed *typed, const char *key, const uint8_t *data,
	    size_t size)
{
	char text[64];
	double v = 0;
	float f;

	if (size == sizeof(f)) {
		memcpy(&f, data, sizeof(f));
		v = (double)f;
	} else if (size == sizeof(v)) {
		memcpy(&v, data, sizeof(v));
	} else {
		print_wide(typed, key, data, size);
		return;
	}
	if (v != v || v - v != 0) { /* no JSON number: not finite */
		snprintf(text, sizeof(text), "%g", v);
		out_string(typed->out, key, NULL, text);
		return;
	}
	snprintf(text, sizeof(text), "%.17g", v);
	out_word(typed->out, key, NULL, text);
}

/* For people: network order as numbers, addresses as addresses. */
static bool
print_network(struct typed *typed, const char *key, uint32_t id,
	      const uint8_t *data, size_t len)
{
	size_t size = typed->human ? data_big_endian(typed->btf, id) : 0;
	uint64_t v = 0;
	char text[32];

	if (size == 0 || size > len)
		return false;
	if (size == 4 && key != NULL &&
	    (strstr(key, "addr") != NULL || strstr(key, "ip") != NULL)) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u", data[0], data[1],
			 data[2], data[3]);
		out_string(typed->out, key, NULL, text);
		return true;
	}
	for (size_t i = 0; i < size; i++)
		v = v << 8 | data[i];
	out_uint(typed->out, key, NULL, v);
	return true;
}

static void
print(struct typed *typed, const char *key, uint32_t id, const uint8_t *data,
      size_t len)
{
	struct gebpf_btf_type type;

	if (print_network(typed, key, id, data, len))
		return;
	if (++typed->depth > DEPTH_MAX ||
	    gebpf_btf_type(typed->btf, gebpf_btf_resolve(typed->btf, id),
			   &type) != 0) {
		out_null(typed->out, key);
		typed->depth--;
		return;
	}
	switch (type.kind) {
	case GEBPF_BTF_INT:
		if (type.size > len)
			out_null(typed->out, key);
		else if (type.size > 8)
			print_wide(typed, key, data, type.size);
		else
			print_int(typed, key, &type, load(data, type.size),
				  type.size * 8);
		break;
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_ENUM64:
		if (type.size > len || type.size > 8)
			out_null(typed->out, key);
		else
			print_enum(typed, key, &type, data);
		break;
	case GEBPF_BTF_PTR:
		if (len < 8)
			out_null(typed->out, key);
		else
			out_uint(typed->out, key, NULL, load(data, 8));
		break;
	case GEBPF_BTF_ARRAY:
		print_array(typed, key, &type, data, len);
		break;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
		out_object(typed->out, key);
		print_members(typed, &type, data, len);
		out_end(typed->out);
		break;
	case GEBPF_BTF_DATASEC:
		print_section(typed, key, &type, data, len);
		break;
	case GEBPF_BTF_FLOAT:
		if (type.size > len)
			out_null(typed->out, key);
		else
			print_float(typed, key, data, type.size);
		break;
	case GEBPF_BTF_VAR:
		print(typed, key, type.type, data, len);
		break;
	case GEBPF_BTF_VOID:
	case GEBPF_BTF_FWD:
	case GEBPF_BTF_TYPEDEF:
	case GEBPF_BTF_VOLATILE:
	case GEBPF_BTF_CONST:
	case GEBPF_BTF_RESTRICT:
	case GEBPF_BTF_FUNC:
	case GEBPF_BTF_FUNC_PROTO:
	case GEBPF_BTF_DECL_TAG:
	case GEBPF_BTF_TYPE_TAG:
		print_wide(typed, key, data, len);
		break;
	}
	typed->depth--;
}

void
typed_print(struct out *out, const char *key, const struct gebpf_btf *btf,
	    uint32_t type, const uint8_t *data, size_t len, bool human)
{
	struct typed typed = { .out = out, .btf = btf, .human = human };

	print(&typed, key, type, data, len);
}

/* ---- sums over CPUs ---- */

static void
add(uint8_t *sum, const uint8_t *data, size_t size)
{
	uint64_t v = load(sum, size) + load(data, size);

	for (size_t i = 0; i < size; i++)
		sum[i] = (uint8_t)(v >> (8 * i));
}

static bool
sum_type(const struct gebpf_btf *btf, uint32_t id, uint8_t *sum,
	 const uint8_t *data, size_t len, int depth)
{
	struct gebpf_btf_type type;
	struct gebpf_btf_member member;
	bool any = false;

	if (depth > DEPTH_MAX ||
	    gebpf_btf_type(btf, gebpf_btf_resolve(btf, id), &type) != 0)
		return false;
	switch ((int)type.kind) {
	case GEBPF_BTF_INT:
		if (type.size > len || type.size > 8)
			return false;
		add(sum, data, type.size);
		return true;
	case GEBPF_BTF_ARRAY: {
		int64_t size = gebpf_btf_size(btf, type.type);

		for (uint32_t i = 0; size > 0 && i < type.count; i++) {
			size_t off = (size_t)i * (size_t)size;

			if (off + (size_t)size > len)
				break;
			any |= sum_type(btf, type.type, sum + off, data + off,
					(size_t)size, depth + 1);
		}
		return any;
	}
	case GEBPF_BTF_STRUCT:
		for (uint32_t i = 0; i < type.count; i++) {
			int64_t size;
			size_t off;

			if (gebpf_btf_member(btf, type.id, i, &member) != 0)
				break;
			size = gebpf_btf_size(btf, member.type);
			off = member.bit_off / 8;
			if (member.bit_size > 0 || size <= 0 ||
			    off + (uint64_t)size > len)
				continue;
			any |= sum_type(btf, member.type, sum + off,
					data + off, (size_t)size, depth + 1);
		}
		return any;
	default:
		return false;
	}
}

bool
typed_sum(const struct gebpf_btf *btf, uint32_t type, uint8_t *sum,
	  const uint8_t *data, size_t len)
{
	size_t lane = len % 8 == 0 ? 8 : len == 4 || len == 2 || len == 1 ? len
									  : 0;

	if (btf != NULL && type != 0)
		return sum_type(btf, type, sum, data, len, 0);
	if (lane == 0)
		return false;
	for (size_t off = 0; off < len; off += lane)
		add(sum + off, data + off, lane);
	return true;
}
