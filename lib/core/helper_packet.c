/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Helpers about packets: checksums, moving a packet's ends, copies in and
 * out. Offsets and lengths come from programs and are checked
 * here; the contexts (ctx.h) were made by whoever runs the program.
 */
#include "core/ctx.h"
#include "core/helper.h"
#include "core/prog.h"
#include "core/runtime.h"

enum {
	ETH_HEADER = 14,     /* a packet never becomes shorter */
	CSUM_DIFF_MAX = 512, /* bytes of both blocks together, as Linux */
	META_MAX = 252,
	/* flags of the checksum helpers */
	CSUM_FIELD_SIZE = 0xf,
	CSUM_PSEUDO_HEADER = 0x10,
	CSUM_MANGLED_0 = 0x20,
	CSUM_ENFORCE = 0x40,
	STORE_FLAGS = 0x3, /* checksum and hash: a frame here keeps neither */
};

static uint64_t
result(int error)
{
	return (uint64_t)(int64_t)error;
}

/* ---- checksums: ones' complement sums of words in memory order ---- */

static uint32_t
fold32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)sum;
}

static uint16_t
fold16(uint64_t sum)
{
	sum = fold32(sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint64_t
sum_words(const uint8_t *bytes, uint32_t len, uint32_t flip)
{
	uint64_t sum = 0;
	uint32_t i, word;

	for (i = 0; i < len; i += 4) {
		memcpy(&word, bytes + i, 4);
		sum += word ^ flip;
	}
	return sum;
}

uint64_t
ebpf_helper_csum_diff(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		      uint64_t r5, const struct ebpf_prog *prog)
{
	const uint8_t *from = (const uint8_t *)(uintptr_t)r1;
	const uint8_t *to = (const uint8_t *)(uintptr_t)r3;
	uint32_t from_len = (uint32_t)r2, to_len = (uint32_t)r4;

	if ((from_len | to_len) % 4 != 0 ||
	    (uint64_t)from_len + to_len > CSUM_DIFF_MAX)
		return result(-EBPF_EINVAL);
	return fold32(sum_words(from, from_len, 0xffffffff) +
		      sum_words(to, to_len, 0) + (uint32_t)r5);
}

/*
 * Put into the checksum at data + off that a field changed from `from` to
 * `to`; a size of 0 says that `to` is a difference already.
 */
static uint64_t
csum_replace(struct ebpf_skb_ctx *ctx, uint64_t off, uint64_t from,
	     uint64_t to, uint32_t size, bool zero_means_none, bool enforce)
{
	uint8_t *data = ctx->data;
	uint64_t len = (uint64_t)((uint8_t *)ctx->data_end - data);
	uint64_t sum;
	uint16_t csum;

	if (off > 0xffff || off % 2 != 0 || off + 2 > len)
		return result(-EBPF_EFAULT);
	memcpy(&csum, data + off, 2);
	if (zero_means_none && !enforce && csum == 0)
		return 0;
	sum = (uint16_t)~csum;
	switch (size) {
	case 0:
		if (from != 0)
			return result(-EBPF_EINVAL);
		sum += (uint32_t)to;
		break;
	case 2:
		sum += (uint64_t)(uint16_t)~from + (uint16_t)to;
		break;
	case 4:
		sum += (uint64_t)(uint32_t)~from + (uint32_t)to;
		break;
	default:
		return result(-EBPF_EINVAL);
	}
	csum = (uint16_t)~fold16(sum);
	if (zero_means_none && csum == 0)
		csum = 0xffff;
	memcpy(data + off, &csum, 2);
	return 0;
}

uint64_t
ebpf_helper_l3_csum_replace(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	if (r5 & ~(uint64_t)CSUM_FIELD_SIZE)
		return result(-EBPF_EINVAL);
	return csum_replace((struct ebpf_skb_ctx *)(uintptr_t)r1, (uint32_t)r2,
			    r3, r4, (uint32_t)r5, false, false);
}

uint64_t
ebpf_helper_l4_csum_replace(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	if (r5 & ~(uint64_t)(CSUM_FIELD_SIZE | CSUM_PSEUDO_HEADER |
			     CSUM_MANGLED_0 | CSUM_ENFORCE))
		return result(-EBPF_EINVAL);
	return csum_replace((struct ebpf_skb_ctx *)(uintptr_t)r1, (uint32_t)r2,
			    r3, r4, (uint32_t)(r5 & CSUM_FIELD_SIZE),
			    (r5 & CSUM_MANGLED_0) != 0,
			    (r5 & CSUM_ENFORCE) != 0);
}

/* ---- copies ---- */

/* len bytes at off of the packet, or NULL. */
static uint8_t *
packet_at(const struct ebpf_pkt *pkt, uint32_t off, uint32_t len)
{
	uint64_t size = (uint64_t)((uint8_t *)pkt->data_end -
				   (uint8_t *)pkt->data);

	return (uint64_t)off + len <= size ? (uint8_t *)pkt->data + off : NULL;
}

static uint64_t
load_bytes(uint64_t ctx, uint32_t off, uint64_t to, uint32_t len, int error)
{
	const uint8_t *at = packet_at((struct ebpf_pkt *)(uintptr_t)ctx, off,
				      len);

	/* The verifier counts the memory as written, so write it always. */
	if (!at) {
		memset((void *)(uintptr_t)to, 0, len);
		return result(error);
	}
	/* the memory may be the packet itself */
	memmove((void *)(uintptr_t)to, at, len);
	return 0;
}

static uint64_t
store_bytes(uint64_t ctx, uint32_t off, uint64_t from, uint32_t len, int error)
{
	uint8_t *at = packet_at((struct ebpf_pkt *)(uintptr_t)ctx, off, len);

	if (!at)
		return result(error);
	/* the source may be the packet itself */
	memmove(at, (const void *)(uintptr_t)from, len);
	return 0;
}

uint64_t
ebpf_helper_skb_load_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, const struct ebpf_prog *prog)
{
	return load_bytes(r1, (uint32_t)r2, r3, (uint32_t)r4, -EBPF_EFAULT);
}

uint64_t
ebpf_helper_skb_store_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	if (r5 & ~(uint64_t)STORE_FLAGS)
		return result(-EBPF_EINVAL);
	return store_bytes(r1, (uint32_t)r2, r3, (uint32_t)r4, -EBPF_EFAULT);
}

uint64_t
ebpf_helper_xdp_load_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, const struct ebpf_prog *prog)
{
	return load_bytes(r1, (uint32_t)r2, r3, (uint32_t)r4, -EBPF_EINVAL);
}

uint64_t
ebpf_helper_xdp_store_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	return store_bytes(r1, (uint32_t)r2, r3, (uint32_t)r4, -EBPF_EINVAL);
}

/* ---- xdp ---- */

static struct ebpf_xdp_ctx *
to_xdp(uint64_t r)
{
	return (struct ebpf_xdp_ctx *)(uintptr_t)r;
}

/* Distances, so that no pointer is made that lies outside the buffer. */
static int64_t
room(const void *from, const void *to)
{
	return (const uint8_t *)to - (const uint8_t *)from;
}

/* Metadata lies before the packet and moves along with its start. */
uint64_t
ebpf_helper_xdp_adjust_head(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_xdp_ctx *ctx = to_xdp(r1);
	int64_t delta = (int32_t)r2, meta = room(ctx->data_meta, ctx->data);

	if (delta < -room(ctx->hard_start, ctx->data_meta) ||
	    delta > room(ctx->data, ctx->data_end) - ETH_HEADER)
		return result(-EBPF_EINVAL);
	if (meta > 0)
		memmove((uint8_t *)ctx->data_meta + delta, ctx->data_meta,
			(size_t)meta);
	ctx->data_meta = (uint8_t *)ctx->data_meta + delta;
	ctx->data = (uint8_t *)ctx->data + delta;
	return 0;
}

uint64_t
ebpf_helper_xdp_adjust_tail(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_xdp_ctx *ctx = to_xdp(r1);
	int64_t delta = (int32_t)r2;

	if (delta > room(ctx->data_end, ctx->hard_end) ||
	    delta < ETH_HEADER - room(ctx->data, ctx->data_end))
		return result(-EBPF_EINVAL);
	/* what lay there before is not the program's to see */
	if (delta > 0)
		memset(ctx->data_end, 0, (size_t)delta);
	ctx->data_end = (uint8_t *)ctx->data_end + delta;
	return 0;
}

uint64_t
ebpf_helper_xdp_adjust_meta(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_xdp_ctx *ctx = to_xdp(r1);
	int64_t delta = (int32_t)r2;
	int64_t len = room(ctx->data_meta, ctx->data) - delta;

	if (delta < -room(ctx->hard_start, ctx->data_meta) || len < 0 ||
	    len > META_MAX || len % 4 != 0)
		return result(-EBPF_EINVAL);
	if (delta < 0)
		memset((uint8_t *)ctx->data_meta + delta, 0, (size_t)-delta);
	ctx->data_meta = (uint8_t *)ctx->data_meta + delta;
	return 0;
}

uint64_t
ebpf_helper_xdp_get_buff_len(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			     uint64_t r5, const struct ebpf_prog *prog)
{
	return (uint64_t)room(to_xdp(r1)->data, to_xdp(r1)->data_end);
}
