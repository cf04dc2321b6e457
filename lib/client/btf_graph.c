/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Two walks over all types that let everything else recurse without care:
 *   values     what a type contains: members, elements, what a typedef names
 *   spelling   what writing a type needs: pointed-to types, parameters, bodies
 *              of unnamed structs; a named struct is just its name
 * Neither may come back to where it started, or go deeper than BTF_DEPTH_MAX.
 */
#include <stdlib.h>

#include "client/btf_impl.h"

enum walk { WALK_VALUES, WALK_SPELLING };

/* The n-th type below id, or -1 after the last. Void is a leaf. */
static int64_t
below(const struct gebpf_btf *btf, enum walk walk, uint32_t id, uint32_t n)
{
	struct btf_raw raw = btf_raw(btf, id);
	uint32_t kind = btf_raw_kind(raw), vlen = btf_raw_vlen(raw);
	const uint8_t *e = btf_extra(btf, id);

	switch (kind) {
	case GEBPF_BTF_TYPEDEF:
	case GEBPF_BTF_VOLATILE:
	case GEBPF_BTF_CONST:
	case GEBPF_BTF_RESTRICT:
	case GEBPF_BTF_TYPE_TAG:
	case GEBPF_BTF_VAR:
		return n == 0 ? (int64_t)raw.size_or_type : -1;
	case GEBPF_BTF_PTR:
	case GEBPF_BTF_FUNC:
		return n == 0 && walk == WALK_SPELLING ?
			       (int64_t)raw.size_or_type : -1;
	case GEBPF_BTF_ARRAY:
		return n == 0 ? (int64_t)btf_get32(e) : -1;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
		if (n >= vlen || (walk == WALK_SPELLING && raw.name_off != 0))
			return -1;
		return btf_get32(e + n * 12 + 4);
	case GEBPF_BTF_FUNC_PROTO:
		if (walk == WALK_VALUES || n > vlen)
			return -1;
		return n == vlen ? raw.size_or_type : btf_get32(e + n * 8 + 4);
	default:
		return -1;
	}
}

static int
walk_all(const struct gebpf_btf *btf, enum walk walk, uint8_t *height,
	 struct gebpf_error *err)
{
	/* height: 0 not seen, 0xff on the path, else levels below plus 1 */
	struct {
		uint32_t id, next;
		uint8_t most;
	} path[BTF_DEPTH_MAX];
	unsigned int depth = 0;
	uint32_t root;

	memset(height, 0, (size_t)btf->count + 1);
	height[0] = 1;
	for (root = 1; root <= btf->count; root++) {
		if (height[root] != 0)
			continue;
		path[0].id = root;
		path[0].next = 0;
		path[0].most = 0;
		height[root] = 0xff;
		depth = 1;
		while (depth != 0) {
			unsigned int top = depth - 1;
			int64_t child = below(btf, walk, path[top].id,
					      path[top].next);

			if (child < 0) {
				uint8_t h = path[top].most + 1;

				if (h > BTF_DEPTH_MAX)
					goto deep;
				height[path[top].id] = h;
				depth--;
				if (depth != 0 && path[depth - 1].most < h)
					path[depth - 1].most = h;
				continue;
			}
			path[top].next++;
			if (height[child] == 0xff)
				return gebpf_fail(err, -EBPF_EINVAL,
						  "BTF: type %u contains "
						  "itself",
						  (unsigned int)child);
			if (height[child] != 0) {
				if (path[top].most < height[child])
					path[top].most = height[child];
				continue;
			}
			if (depth == BTF_DEPTH_MAX)
				goto deep;
			height[child] = 0xff;
			path[depth].id = (uint32_t)child;
			path[depth].next = 0;
			path[depth].most = 0;
			depth++;
		}
	}
	return 0;
deep:
	return gebpf_fail(err, -EBPF_EINVAL,
			  "BTF: type %u is nested more than %u deep", root,
			  BTF_DEPTH_MAX);
}

int
btf_check_graph(const struct gebpf_btf *btf, struct gebpf_error *err)
{
	uint8_t *height = malloc((size_t)btf->count + 1);
	int error;

	if (height == NULL)
		return gebpf_fail(err, -EBPF_ENOMEM, "BTF: out of memory");
	error = walk_all(btf, WALK_VALUES, height, err);
	if (error == 0)
		error = walk_all(btf, WALK_SPELLING, height, err);
	free(height);
	return error;
}
