/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Checking BTF once, so that readers need no checks: the header, every type's
 * extent, names, references, and that no type contains itself. The engine
 * itself reads little of it (the locks in map values); it keeps BTF for those
 * who print.
 */
#include "core/btf.h"

#include "core/runtime.h"

enum {
	BTF_MAGIC = 0xeb9f,
	HEADER_LEN = 24,
	LEN_MAX = 16 << 20,
	TYPES_MAX = 1 << 20,
	DEPTH_MAX = 64, /* of types nested in types, pointers not counted */
};

enum btf_kind {
	KIND_INT = 1,
	KIND_PTR,
	KIND_ARRAY,
	KIND_STRUCT,
	KIND_UNION,
	KIND_ENUM,
	KIND_FWD,
	KIND_TYPEDEF,
	KIND_VOLATILE,
	KIND_CONST,
	KIND_RESTRICT,
	KIND_FUNC,
	KIND_FUNC_PROTO,
	KIND_VAR,
	KIND_DATASEC,
	KIND_FLOAT,
	KIND_DECL_TAG,
	KIND_TYPE_TAG,
	KIND_ENUM64,
};

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len;
	uint32_t type_off, type_len; /* after the header */
	uint32_t str_off, str_len;
};

/* The 12 bytes every type begins with. */
struct type {
	uint32_t name;
	uint32_t info; /* count 16 bits, kind 5 bits from 24, flag bit 31 */
	uint32_t size_or_type;
};

static struct type
read_type(const struct ebpf_btf *btf, uint32_t id)
{
	struct type type;

	memcpy(&type, btf->data + btf->type_offs[id], sizeof(type));
	return type;
}

static uint32_t
read_word(const struct ebpf_btf *btf, uint32_t id, uint32_t word)
{
	uint32_t value;

	memcpy(&value, btf->data + btf->type_offs[id] + word * 4,
	       sizeof(value));
	return value;
}

static uint32_t
kind_of(const struct type *type)
{
	return type->info >> 24 & 0x1f;
}

static uint32_t
count_of(const struct type *type)
{
	return type->info & 0xffff;
}

/* Words that follow the first three; UINT32_MAX for no kind. */
static uint32_t
extra_words(const struct type *type)
{
	uint32_t count = count_of(type);

	switch ((enum btf_kind)kind_of(type)) {
	case KIND_INT:
	case KIND_VAR:
	case KIND_DECL_TAG:
		return 1;
	case KIND_ARRAY:
		return 3;
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_DATASEC:
	case KIND_ENUM64:
		return count * 3;
	case KIND_ENUM:
	case KIND_FUNC_PROTO:
		return count * 2;
	case KIND_PTR:
	case KIND_FWD:
	case KIND_TYPEDEF:
	case KIND_VOLATILE:
	case KIND_CONST:
	case KIND_RESTRICT:
	case KIND_FUNC:
	case KIND_FLOAT:
	case KIND_TYPE_TAG:
		return 0;
	}
	return UINT32_MAX;
}

static int
check_header(const void *data, uint32_t len, struct header *header)
{
	const uint8_t *bytes = data;
	uint64_t types, strings;
	uint32_t i;

	if (len < HEADER_LEN)
		return -EBPF_EINVAL;
	if (len > LEN_MAX)
		return -EBPF_E2BIG;
	memcpy(header, data, sizeof(*header));
	if (header->magic != BTF_MAGIC || header->version != 1 ||
	    header->flags != 0 || header->hdr_len < HEADER_LEN ||
	    header->hdr_len > len || header->hdr_len % 4 != 0)
		return -EBPF_EINVAL;
	for (i = HEADER_LEN; i < header->hdr_len; i++)
		if (bytes[i] != 0) /* a later version's header says more */
			return -EBPF_EINVAL;
	types = (uint64_t)header->hdr_len + header->type_off;
	strings = (uint64_t)header->hdr_len + header->str_off;
	if (types + header->type_len > len || strings + header->str_len > len ||
	    header->type_off % 4 != 0 || header->type_len % 4 != 0 ||
	    (types < strings + header->str_len &&
	     strings < types + header->type_len))
		return -EBPF_EINVAL;
	if (header->str_len == 0 || bytes[strings] != 0 ||
	    bytes[strings + header->str_len - 1] != 0)
		return -EBPF_EINVAL;
	return 0;
}

/* Where each type begins: first pass counts, second (offs not NULL) notes. */
static int
find_types(const uint8_t *data, uint32_t at, uint32_t end, uint32_t *offs,
	   uint32_t *count)
{
	struct type type;
	uint32_t words;

	*count = 0;
	while (at < end) {
		if (end - at < sizeof(type))
			return -EBPF_EINVAL;
		memcpy(&type, data + at, sizeof(type));
		words = extra_words(&type);
		if (words == UINT32_MAX ||
		    words > (end - at - sizeof(type)) / 4)
			return -EBPF_EINVAL;
		if (++*count > TYPES_MAX)
			return -EBPF_E2BIG;
		if (offs)
			offs[*count] = at;
		at += (uint32_t)sizeof(type) + words * 4;
	}
	return 0;
}

/*
 * Type `id` refers to its word `word`; with several references they are
 * `stride` words apart. Returns how many.
 */
static uint32_t
references(const struct type *type, uint32_t *word, uint32_t *stride)
{
	*stride = 1;
	switch ((enum btf_kind)kind_of(type)) {
	case KIND_INT:
	case KIND_ENUM:
	case KIND_ENUM64:
	case KIND_FWD:
	case KIND_FLOAT:
		return 0;
	case KIND_PTR:
	case KIND_TYPEDEF:
	case KIND_VOLATILE:
	case KIND_CONST:
	case KIND_RESTRICT:
	case KIND_FUNC:
	case KIND_VAR:
	case KIND_DECL_TAG:
	case KIND_TYPE_TAG:
		*word = 2;
		return 1;
	case KIND_ARRAY: /* element and index */
		*word = 3;
		return 2;
	case KIND_STRUCT: /* name, type, offset */
	case KIND_UNION:
		*word = 4;
		*stride = 3;
		return count_of(type);
	case KIND_DATASEC: /* type, offset, size */
		*word = 3;
		*stride = 3;
		return count_of(type);
	case KIND_FUNC_PROTO: /* the result, then name and type each */
		*word = 2;
		*stride = 2;
		return count_of(type) + 1;
	}
	return 0;
}

/* Names of members, values and parameters: `count` from word 3 on. */
static uint32_t
inner_names(const struct type *type, uint32_t *stride)
{
	switch (kind_of(type)) {
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_ENUM64:
		*stride = 3;
		return count_of(type);
	case KIND_ENUM:
	case KIND_FUNC_PROTO:
		*stride = 2;
		return count_of(type);
	}
	return 0;
}

static bool
type_is_sound(const struct ebpf_btf *btf, uint32_t id)
{
	struct type type = read_type(btf, id);
	uint32_t word = 0, stride = 0, count, i, bits;

	if (type.name >= btf->strings_len)
		return false;
	count = references(&type, &word, &stride);
	for (i = 0; i < count; i++)
		if (read_word(btf, id, word + i * stride) >
		    btf->type_count)
			return false;
	count = inner_names(&type, &stride);
	for (i = 0; i < count; i++)
		if (read_word(btf, id, 3 + i * stride) >= btf->strings_len)
			return false;
	switch (kind_of(&type)) {
	case KIND_INT:
		bits = read_word(btf, id, 3) & 0xff;
		return type.size_or_type >= 1 && type.size_or_type <= 16 &&
		       bits <= type.size_or_type * 8;
	case KIND_ENUM:
	case KIND_ENUM64:
		return type.size_or_type >= 1 && type.size_or_type <= 8 &&
		       (type.size_or_type & (type.size_or_type - 1)) == 0;
	}
	return true;
}

/*
 * Whether a type's size depends on what it refers to: then a chain of such
 * references must end. Pointers and prototypes may go round in circles.
 */
static bool
contains(const struct type *type)
{
	switch (kind_of(type)) {
	case KIND_TYPEDEF:
	case KIND_VOLATILE:
	case KIND_CONST:
	case KIND_RESTRICT:
	case KIND_TYPE_TAG:
	case KIND_ARRAY:
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_VAR:
	case KIND_DATASEC:
		return true;
	}
	return false;
}

enum mark {
	NEW,
	OPEN,
	DONE,
};

/* Depth-first from `root` with a stack of its own: input decides the depth. */
static int
check_nesting(const struct ebpf_btf *btf, uint32_t root, uint8_t *marks)
{
	struct {
		uint32_t id, next;
	} stack[DEPTH_MAX];
	uint32_t depth = 0, word = 0, stride = 0, count, id;
	struct type type;

	if (marks[root] == DONE)
		return 0;
	stack[0].id = root;
	stack[0].next = 0;
	marks[root] = OPEN;
	for (;;) {
		id = stack[depth].id;
		type = read_type(btf, id);
		count = contains(&type) ? references(&type, &word, &stride) : 0;
		if (stack[depth].next == count) {
			marks[id] = DONE;
			if (depth == 0)
				return 0;
			depth--;
			continue;
		}
		id = read_word(btf, id,
			       word + stack[depth].next++ * stride);
		if (id == 0 || marks[id] == DONE)
			continue;
		if (marks[id] == OPEN)
			return -EBPF_EINVAL;
		if (++depth == DEPTH_MAX)
			return -EBPF_E2BIG;
		stack[depth].id = id;
		stack[depth].next = 0;
		marks[id] = OPEN;
	}
}

static int
check_types(const struct ebpf_btf *btf)
{
	uint8_t *marks;
	uint32_t id;
	int error = 0;

	for (id = 1; id <= btf->type_count; id++)
		if (!type_is_sound(btf, id))
			return -EBPF_EINVAL;
	marks = os_alloc((size_t)btf->type_count + 1);
	if (!marks)
		return -EBPF_ENOMEM;
	for (id = 1; id <= btf->type_count && !error; id++)
		error = check_nesting(btf, id, marks);
	os_free(marks);
	return error;
}

static void
btf_destroy(struct ebpf_object *obj)
{
	struct ebpf_btf *btf = os_container(obj, struct ebpf_btf, obj);

	os_free(btf->type_offs);
	os_free(btf->data);
	os_free(btf);
}

static int
fill(struct ebpf_btf *btf, const void *data, uint32_t len,
     const struct header *header)
{
	uint32_t start = header->hdr_len + header->type_off;
	uint32_t end = start + header->type_len;
	int error;

	error = ebpf_charge(&btf->obj, sizeof(*btf) + (uint64_t)len);
	if (error)
		return error;
	btf->data = os_alloc(len);
	if (!btf->data)
		return -EBPF_ENOMEM;
	memcpy(btf->data, data, len);
	btf->len = len;
	btf->strings = (const char *)btf->data + header->hdr_len +
		       header->str_off;
	btf->strings_len = header->str_len;
	error = find_types(btf->data, start, end, NULL, &btf->type_count);
	if (error)
		return error;
	error = ebpf_charge(&btf->obj, ((uint64_t)btf->type_count + 1) *
					       sizeof(btf->type_offs[0]));
	if (error)
		return error;
	btf->type_offs = os_alloc(((size_t)btf->type_count + 1) *
				  sizeof(btf->type_offs[0]));
	if (!btf->type_offs)
		return -EBPF_ENOMEM;
	error = find_types(btf->data, start, end, btf->type_offs,
			   &btf->type_count);
	if (error)
		return error;
	return check_types(btf);
}

int
ebpf_btf_load(struct ebpf_runtime *rt, const void *data, uint32_t len,
	      const char *name, uint32_t uid, struct ebpf_btf **result)
{
	struct header header;
	struct ebpf_btf *btf;
	int error;

	*result = NULL;
	error = check_header(data, len, &header);
	if (error)
		return error;
	btf = os_alloc(sizeof(*btf));
	if (!btf)
		return -EBPF_ENOMEM;
	error = ebpf_object_init(&btf->obj, rt, EBPF_OBJ_BTF, name, uid,
				 btf_destroy);
	if (error) {
		os_free(btf);
		return error;
	}
	error = fill(btf, data, len, &header);
	if (!error)
		error = ebpf_object_publish(&btf->obj);
	if (error) {
		ebpf_object_discard(&btf->obj);
		return error;
	}
	*result = btf;
	return 0;
}

const char *
ebpf_btf_string(const struct ebpf_btf *btf, uint32_t off)
{
	return off < btf->strings_len ? btf->strings + off : "";
}

/* What a name or qualifier stands for; 0 (void) stands for itself. */
static uint32_t
plain_type(const struct ebpf_btf *btf, uint32_t id)
{
	struct type type;

	while (id != 0) {
		type = read_type(btf, id);
		switch (kind_of(&type)) {
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG:
		case KIND_VAR:
			id = type.size_or_type;
			break;
		default:
			return id;
		}
	}
	return id;
}

static bool
is_struct(const struct ebpf_btf *btf, uint32_t id, const char *name,
	  uint32_t size)
{
	struct type type;

	if (id == 0)
		return false;
	type = read_type(btf, id);
	return kind_of(&type) == KIND_STRUCT && type.size_or_type == size &&
	       strcmp(ebpf_btf_string(btf, type.name), name) == 0;
}

int
ebpf_btf_find_member(const struct ebpf_btf *btf, uint32_t id, const char *name,
		     uint32_t size, uint32_t *off)
{
	uint32_t i, word, at, found = 0;
	struct type type;
	bool section;

	id = plain_type(btf, id);
	if (id == 0)
		return -EBPF_ENOENT;
	type = read_type(btf, id);
	section = kind_of(&type) == KIND_DATASEC;
	if (!section && kind_of(&type) != KIND_STRUCT)
		return -EBPF_ENOENT;
	/* three words each: of a section type first, else name first */
	for (i = 0; i < count_of(&type); i++) {
		word = 3 + 3 * i;
		if (!is_struct(btf, plain_type(btf, read_word(btf, id,
						word + !section)),
			       name, size))
			continue;
		at = read_word(btf, id, word + 1 + !section);
		if (!section) {
			/* bits, below the size of a bit field */
			if (type.info >> 31)
				at &= 0xffffff;
			if (at % 8 != 0)
				return -EBPF_EINVAL;
			at /= 8;
		}
		*off = at;
		found++;
	}
	return found == 0 ? -EBPF_ENOENT : found == 1 ? 0 : -EBPF_E2BIG;
}
