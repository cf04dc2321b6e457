/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See jit_draft.h. */
#include "core/jit/jit_draft.h"

#include "core/jit/jit_buf.h"
#include "core/jit/jit_tail.h"

enum {
	FIXES = 64, /* at first */
};

bool
ebpf_jit_draft_grow(struct ebpf_jit_draft *draft, size_t room)
{
	uint8_t *code;

	if (room <= draft->room)
		return true;
	if (room < 2 * draft->room)
		room = 2 * draft->room;
	code = room <= UINT32_MAX ? os_alloc_raw(room) : NULL;
	if (code == NULL)
		return false;
	if (draft->room > 0)
		memcpy(code, draft->code, draft->room);
	os_free(draft->code);
	draft->code = code;
	draft->room = room;
	return true;
}

bool
ebpf_jit_draft_grow_fixes(struct ebpf_jit_draft *draft)
{
	uint32_t room = draft->fix_room > 0 ? 2 * draft->fix_room : FIXES;
	struct ebpf_jit_fix *fixes = os_alloc_raw((size_t)room * sizeof(*fixes));

	if (fixes == NULL)
		return false;
	if (draft->fix_count > 0)
		memcpy(fixes, draft->fixes,
		       draft->fix_count * sizeof(*fixes));
	os_free(draft->fixes);
	draft->fixes = fixes;
	draft->fix_room = room;
	return true;
}

/* A draft grows; of others the last bytes go one by one. */
void
ebpf_jit_put_last(struct ebpf_jit_buf *buf, uint64_t bytes, uint32_t len)
{
	if (buf->full)
		return;
	if (buf->draft != NULL) {
		buf->full = !ebpf_jit_draft_grow(buf->draft,
						 (size_t)buf->len + 8);
		buf->write = buf->draft->code;
		buf->room = buf->draft->room;
		if (!buf->full)
			ebpf_jit_put(buf, bytes, len);
		return;
	}
	if (buf->write != NULL) {
		if (buf->room - buf->len < len) {
			buf->full = true;
			return;
		}
		for (uint32_t i = 0; i < len; i++, bytes >>= 8)
			buf->write[buf->len + i] = (uint8_t)bytes;
	}
	buf->len += len;
}

void
ebpf_jit_draft_free(struct ebpf_jit_draft *draft)
{
	os_free(draft->code);
	os_free(draft->fixes);
	draft->code = NULL;
	draft->fixes = NULL;
	draft->room = draft->len = draft->fix_room = draft->fix_count = 0;
}

/* Where a jump to a slot goes. */
static int64_t
place_of(const struct ebpf_jit_image *image, uint64_t to)
{
	return (int64_t)image->slot_offs[(uint32_t)to] + (int64_t)(to >> 32);
}

static void
list_addr(struct ebpf_jit_image *image, uint32_t *count, uint32_t off,
	  uint32_t len)
{
	image->addrs[*count].off = off;
	image->addrs[(*count)++].len = len;
}

bool
ebpf_jit_settle(const struct ebpf_jit_ops *ops,
		const struct ebpf_jit_draft *draft,
		struct ebpf_jit_image *image, uint8_t *write, uint64_t run,
		bool last)
{
	uint32_t from = 0, to = 0, addrs = 0, tails = 0, off;
	bool good = true;

	for (uint32_t i = 0; i < draft->fix_count; i++) {
		const struct ebpf_jit_fix *fix = &draft->fixes[i];
		uint32_t len = fix->at - from;
		int64_t distance;

		/* not a byte more: behind the last one there may be no room */
		if (fix->kind == EBPF_JIT_FIX_SHORT)
			len -= fix->len;
		memcpy(write + to, draft->code + from, len);
		to += len;
		from = fix->at;
		switch ((enum ebpf_jit_fix_kind)fix->kind) {
		case EBPF_JIT_FIX_SHORT:
		case EBPF_JIT_FIX_JUMP:
		case EBPF_JIT_FIX_SLOT:
			distance = place_of(image, fix->to) - to;
			good &= ops->aim(write + to, fix, distance);
			break;
		case EBPF_JIT_FIX_NEAR:
			distance = (int64_t)(fix->to - (run + to));
			good &= ops->aim(write + to, fix, distance);
			list_addr(image, &addrs, to - 4, 4);
			break;
		case EBPF_JIT_FIX_FAR:
			distance = (int64_t)(fix->to - (run + to));
			good &= last || !ops->is_near(distance);
			break;
		case EBPF_JIT_FIX_ADDR:
			list_addr(image, &addrs, to - fix->len, fix->len);
			break;
		case EBPF_JIT_FIX_TAIL:
			off = to - ops->put_tail(write + to, run + to);
			list_addr(image, &addrs, off, 4);
			image->tails[tails++].off = off;
			break;
		}
	}
	memcpy(write + to, draft->code + from, draft->len - from);
	return good;
}
