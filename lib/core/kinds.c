/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The built-in kinds of programs: what a program sees of its context, field by
 * field, and where the host keeps it (ctx.h). The verifier checks accesses
 * against these tables and rewrites them; nothing else knows both layouts.
 * Embedders add kinds of their own, in the same form.
 */
#include "core/ctx.h"
#include "core/runtime.h"

#define FIELD(at, bytes, host, member, what, write)                      \
	{                                                                \
		.off = at, .size = bytes,                                \
		.host_off = offsetof(struct host, member),               \
		.host_size = sizeof(((struct host *)0)->member),         \
		.type = EBPF_CTX_##what, .writable = write,              \
	}

/* struct vale_bpf_md: 64-bit pointers, so the host's struct is the same. */
static const struct ebpf_ctx_field vale_fields[] = {
	FIELD(0, 8, ebpf_vale_ctx, data, PKT, 0),
	FIELD(8, 8, ebpf_vale_ctx, data_end, PKT_END, 0),
	FIELD(16, 4, ebpf_vale_ctx, ingress_port, SCALAR, 0),
	FIELD(20, 1, ebpf_vale_ctx, ring_nr, SCALAR, 1),
};

/* Linux's struct xdp_md. */
static const struct ebpf_ctx_field xdp_fields[] = {
	FIELD(0, 4, ebpf_xdp_ctx, data, PKT, 0),
	FIELD(4, 4, ebpf_xdp_ctx, data_end, PKT_END, 0),
	FIELD(8, 4, ebpf_xdp_ctx, data_meta, PKT_META, 0),
	FIELD(12, 4, ebpf_xdp_ctx, ingress_ifindex, SCALAR, 0),
	FIELD(16, 4, ebpf_xdp_ctx, rx_queue_index, SCALAR, 0),
	FIELD(20, 4, ebpf_xdp_ctx, egress_ifindex, SCALAR, 0),
};

/*
 * Linux's struct __sk_buff, less what belongs to sockets (family, addresses,
 * sk) and the flow dissector: nothing here could fill those in.
 */
#define SKB(at, bytes, member, what, write) \
	FIELD(at, bytes, ebpf_skb_ctx, member, what, write)
#define SKB_COMMON(tc)                              \
	SKB(0, 4, len, SCALAR, 0),                  \
	SKB(4, 4, pkt_type, SCALAR, 0),             \
	SKB(8, 4, mark, SCALAR, tc),                \
	SKB(12, 4, queue_mapping, SCALAR, tc),      \
	SKB(16, 4, protocol, SCALAR, 0),            \
	SKB(20, 4, vlan_present, SCALAR, 0),        \
	SKB(24, 4, vlan_tci, SCALAR, 0),            \
	SKB(28, 4, vlan_proto, SCALAR, 0),          \
	SKB(32, 4, priority, SCALAR, tc),           \
	SKB(36, 4, ingress_ifindex, SCALAR, 0),     \
	SKB(40, 4, ifindex, SCALAR, 0),             \
	SKB(44, 4, tc_index, SCALAR, tc),           \
	SKB(48, 4, cb[0], SCALAR, 1),               \
	SKB(52, 4, cb[1], SCALAR, 1),               \
	SKB(56, 4, cb[2], SCALAR, 1),               \
	SKB(60, 4, cb[3], SCALAR, 1),               \
	SKB(64, 4, cb[4], SCALAR, 1),               \
	SKB(68, 4, hash, SCALAR, 0)

static const struct ebpf_ctx_field socket_fields[] = {
	SKB_COMMON(0),
	SKB(84, 4, napi_id, SCALAR, 0),
};

static const struct ebpf_ctx_field tc_fields[] = {
	SKB_COMMON(1),
	SKB(72, 4, tc_classid, SCALAR, 1),
	SKB(76, 4, data, PKT, 0),
	SKB(80, 4, data_end, PKT_END, 0),
	SKB(84, 4, napi_id, SCALAR, 0),
	SKB(140, 4, data_meta, PKT_META, 0),
	SKB(152, 8, tstamp, SCALAR, 1),
	SKB(160, 4, wire_len, SCALAR, 0),
	SKB(164, 4, gso_segs, SCALAR, 0),
	SKB(176, 4, gso_size, SCALAR, 0),
	SKB(184, 8, hwtstamp, SCALAR, 0),
};

enum {
	VALE_MD_SIZE = 24,
	XDP_MD_SIZE = 24,
	SK_BUFF_SIZE = 192,
};

#define FIELDS(table) \
	.fields = table, .field_count = sizeof(table) / sizeof(table[0])

static const struct ebpf_kind builtin[] = {
	{
		.name = "socket_filter",
		.number = EBPF_PROG_SOCKET,
		.bit = EBPF_KINDS_SOCKET,
		.entry = EBPF_ENTRY_CTX,
		.ctx_size = SK_BUFF_SIZE,
		.host_size = sizeof(struct ebpf_skb_ctx),
		FIELDS(socket_fields),
	},
	{
		.name = "sched_cls",
		.number = EBPF_PROG_TC,
		.bit = EBPF_KINDS_TC,
		.entry = EBPF_ENTRY_CTX,
		.pkt_writable = 1,
		.ctx_size = SK_BUFF_SIZE,
		.host_size = sizeof(struct ebpf_skb_ctx),
		FIELDS(tc_fields),
	},
	{
		.name = "xdp",
		.number = EBPF_PROG_XDP,
		.bit = EBPF_KINDS_XDP,
		.entry = EBPF_ENTRY_CTX,
		.pkt_writable = 1,
		.ctx_size = XDP_MD_SIZE,
		.host_size = sizeof(struct ebpf_xdp_ctx),
		FIELDS(xdp_fields),
	},
	{
		.name = "vale",
		.number = EBPF_PROG_VALE,
		.bit = EBPF_KINDS_VALE,
		.entry = EBPF_ENTRY_CTX,
		.pkt_writable = 1,
		.ctx_size = VALE_MD_SIZE,
		.host_size = sizeof(struct ebpf_vale_ctx),
		FIELDS(vale_fields),
	},
	{
		.name = "vale_buf",
		.number = EBPF_PROG_VALE_BUF,
		.bit = EBPF_KINDS_VALE_BUF,
		.entry = EBPF_ENTRY_BUF,
		.pkt_writable = 1,
	},
	{
		.name = "raw",
		.number = EBPF_PROG_RAW,
		.bit = EBPF_KINDS_RAW,
		.entry = EBPF_ENTRY_MEM,
		.pkt_writable = 1,
	},
};

/* rt->kinds is indexed by the number of a kind's bit. */
static uint32_t
bit_number(uint32_t bit)
{
	return (uint32_t)__builtin_ctz(bit);
}

void
ebpf_kinds_builtin(struct ebpf_runtime *rt)
{
	uint32_t i;

	for (i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		rt->kinds[bit_number(builtin[i].bit)] = &builtin[i];
}

const struct ebpf_kind *
ebpf_kind_find(const struct ebpf_runtime *rt, uint32_t number)
{
	const struct ebpf_kind *kind;
	uint32_t i;

	for (i = 0; i < EBPF_KIND_SLOTS; i++) {
		kind = os_load_acquire(&rt->kinds[i]);
		if (kind && kind->number == number)
			return kind;
	}
	return NULL;
}

static bool
is_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/*
 * The verifier trusts a kind's table, so what it says must make sense: fields
 * in order, apart, inside both structs, aligned in both, pointers whole, and of
 * one packet: two starts would share what is proven of one.
 */
static bool
kind_is_sound(const struct ebpf_kind *kind)
{
	const struct ebpf_ctx_field *field;
	uint32_t i, end = 0, seen = 0;

	if (!kind->name || !kind->name[0] || kind->number < 0x1000 ||
	    kind->entry > EBPF_ENTRY_BUF ||
	    (kind->bit & (kind->bit - 1)) != 0)
		return false;
	if (kind->entry != EBPF_ENTRY_CTX)
		return kind->field_count == 0;
	for (i = 0; i < kind->field_count; i++) {
		field = &kind->fields[i];
		if (!is_size(field->size) || !is_size(field->host_size) ||
		    field->off % field->size || field->off < end ||
		    field->host_off % field->host_size ||
		    field->type > EBPF_CTX_PKT_META)
			return false;
		end = (uint32_t)field->off + field->size;
		if (end > kind->ctx_size ||
		    (uint32_t)field->host_off + field->host_size >
			    kind->host_size)
			return false;
		if (field->type == EBPF_CTX_SCALAR) {
			/* a store must not lose bits of what was stored */
			if (field->writable && field->host_size < field->size)
				return false;
		} else if (field->host_size != sizeof(void *) ||
			   field->writable || field->size < 4 ||
			   (seen & 1u << field->type) != 0) {
			return false;
		}
		seen |= 1u << field->type;
	}
	return true;
}

int
ebpf_kind_register(struct ebpf_runtime *rt, struct ebpf_kind *kind)
{
	int error = -EBPF_ERANGE;
	uint32_t i;

	if (!kind_is_sound(kind))
		return -EBPF_EINVAL;
	os_mutex_lock(&rt->lock);
	if (ebpf_kind_find(rt, kind->number)) {
		error = -EBPF_EEXIST;
		goto out;
	}
	/* A second runtime gets a kind that has its bit from the first. */
	for (i = 0; i < EBPF_KIND_SLOTS; i++) {
		if (rt->kinds[i] || (kind->bit && kind->bit != 1u << i))
			continue;
		kind->bit = 1u << i;
		os_store_release(&rt->kinds[i], kind);
		error = 0;
		break;
	}
out:
	os_mutex_unlock(&rt->lock);
	return error;
}
