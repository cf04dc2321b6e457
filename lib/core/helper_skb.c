/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Helpers that only programs with a __sk_buff have: what moves or resizes a
 * packet around its headers, VLAN tags, and what they ask of the rest of a
 * system that is not here. A packet is one piece of memory, with a link-layer
 * header of mac_len bytes at mac and room around it (ctx.h). Errors are
 * Linux's, and so is what counts as one.
 */
#include "core/ctx.h"
#include "core/helper.h"
#include "core/prog.h"

enum {
	/* EtherTypes */
	ETH_IPV4 = 0x0800,
	ETH_VLAN = 0x8100,
	ETH_IPV6 = 0x86dd,
	ETH_QINQ = 0x88a8,
	ETH_TYPE_MIN = 0x600, /* below: a length */
	ETH_LLC = 4,	      /* Linux ETH_P_802_2 */
	MAC_PAIR = 12,	      /* before the EtherType */
	VLAN_TAG = 4,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	PKT_TYPE_MAX = 3, /* PACKET_OTHERHOST */
	NOBODY = 65534,	  /* owner of what has none */
};

/* Flags and modes of skb_adjust_room (Linux BPF_ADJ_ROOM_*, BPF_F_ADJ_ROOM_*). */
enum {
	ROOM_NET = 0,
	ROOM_MAC = 1,
	ROOM_DIFF_MAX = 0xfff,
};
#define ROOM_FIXED_GSO (1ull << 0)
#define ROOM_ENCAP_IPV4 (1ull << 1)
#define ROOM_ENCAP_IPV6 (1ull << 2)
#define ROOM_ENCAP_GRE (1ull << 3)
#define ROOM_ENCAP_UDP (1ull << 4)
#define ROOM_NO_CSUM (1ull << 5)
#define ROOM_ENCAP_ETH (1ull << 6)
#define ROOM_DECAP_IPV4 (1ull << 7)
#define ROOM_DECAP_IPV6 (1ull << 8)
#define ROOM_ENCAP_L2 (0xffull << 56)
#define ROOM_SHRINK (ROOM_FIXED_GSO | ROOM_NO_CSUM | ROOM_DECAP_IPV4 | \
		     ROOM_DECAP_IPV6)
#define ROOM_GROW (ROOM_FIXED_GSO | ROOM_NO_CSUM | ROOM_ENCAP_IPV4 |   \
		   ROOM_ENCAP_IPV6 | ROOM_ENCAP_GRE | ROOM_ENCAP_UDP | \
		   ROOM_ENCAP_ETH | ROOM_ENCAP_L2)

static uint64_t
result(int error)
{
	return (uint64_t)(int64_t)error;
}

static struct ebpf_skb_ctx *
to_skb(uint64_t r)
{
	return (struct ebpf_skb_ctx *)(uintptr_t)r;
}

/* A number as frames have it, for comparing with what is in one. */
static uint16_t
net16(uint16_t v)
{
	uint8_t bytes[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	memcpy(&v, bytes, sizeof(v));
	return v;
}

static bool
is_proto(const struct ebpf_skb_ctx *skb, uint16_t proto)
{
	return skb->protocol == net16(proto);
}

static bool
is_vlan(uint32_t proto)
{
	return proto == net16(ETH_VLAN) || proto == net16(ETH_QINQ);
}

/* ---- moving ---- */

static size_t
headroom(const struct ebpf_skb_ctx *skb)
{
	if (skb->hard_start == NULL)
		return 0;
	return (size_t)((uint8_t *)skb->data - (uint8_t *)skb->hard_start);
}

/* Metadata does not survive: it lies where the headers go. */
static void
moved(struct ebpf_skb_ctx *skb)
{
	skb->data_meta = skb->data;
	skb->len = (uint32_t)((uint8_t *)skb->data_end - (uint8_t *)skb->data);
}

/* len zero bytes in front of what is at data + off; off <= skb->len. */
static int
open_gap(struct ebpf_skb_ctx *skb, uint32_t off, uint32_t len)
{
	uint8_t *data = skb->data;

	if (len > headroom(skb))
		return -EBPF_ENOMEM;
	memmove(data - len, data, off);
	memset(data - len + off, 0, len);
	skb->data = data - len;
	moved(skb);
	if (skb->mac != NULL)
		skb->mac = (uint8_t *)skb->mac - len;
	return 0;
}

/* Take len bytes away at data + off; off + len <= skb->len. */
static void
close_gap(struct ebpf_skb_ctx *skb, uint32_t off, uint32_t len)
{
	uint8_t *data = skb->data;

	memmove(data + len, data, off);
	skb->data = data + len;
	moved(skb);
	if (skb->mac != NULL)
		skb->mac = (uint8_t *)skb->mac + len;
}

/* ---- sizes ---- */

/* Packets here are in one piece: all there is has been pulled. */
uint64_t
ebpf_helper_skb_pull_data(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			  uint64_t r5, const struct ebpf_prog *prog)
{
	return (uint32_t)r2 <= to_skb(r1)->len ? 0 : result(-EBPF_ENOMEM);
}

uint64_t
ebpf_helper_skb_change_tail(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	uint32_t len = (uint32_t)r2;
	uint8_t *end = skb->data_end;

	if (r3 != 0 || len < skb->mac_len)
		return result(-EBPF_EINVAL);
	if (len > skb->len) {
		if (skb->hard_end == NULL ||
		    len - skb->len > (size_t)((uint8_t *)skb->hard_end - end))
			return result(-EBPF_ENOMEM);
		memset(end, 0, len - skb->len);
	}
	skb->data_end = (uint8_t *)skb->data + len;
	skb->len = len;
	return 0;
}

/* What is put in front belongs to the link-layer header. */
uint64_t
ebpf_helper_skb_change_head(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	uint32_t len = (uint32_t)r2;
	int error;

	if (r3 != 0 || (uint64_t)skb->len + len > UINT32_MAX)
		return result(-EBPF_EINVAL);
	error = open_gap(skb, 0, len);
	if (error == 0)
		skb->mac_len += len;
	return result(error);
}

/* Bytes of the network header's fixed part. */
static uint32_t
net_header(const struct ebpf_skb_ctx *skb)
{
	return is_proto(skb, ETH_IPV4) ? IPV4_HEADER : IPV6_HEADER;
}

static int
room_grow(struct ebpf_skb_ctx *skb, uint32_t off, uint32_t len, uint64_t flags)
{
	bool encap = (flags & (ROOM_ENCAP_IPV4 | ROOM_ENCAP_IPV6)) != 0;
	uint32_t inner_mac = (uint32_t)(flags >> 56);
	int error;

	if (flags & ~ROOM_GROW)
		return -EBPF_EINVAL;
	if (encap) {
		if (((flags & ROOM_ENCAP_IPV4) && (flags & ROOM_ENCAP_IPV6)) ||
		    ((flags & ROOM_ENCAP_GRE) && (flags & ROOM_ENCAP_UDP)) ||
		    ((flags & ROOM_ENCAP_ETH) && inner_mac < MAC_PAIR + 2) ||
		    inner_mac > len)
			return -EBPF_EINVAL;
		if (skb->encapsulated)
			return -EBPF_EBUSY;
	}
	error = open_gap(skb, off, len);
	if (error != 0 || !encap)
		return error;
	skb->encapsulated = 1;
	skb->protocol = net16(flags & ROOM_ENCAP_IPV6 ? ETH_IPV6 : ETH_IPV4);
	return 0;
}

static int
room_shrink(struct ebpf_skb_ctx *skb, uint32_t off, uint32_t len,
	    uint64_t flags)
{
	if (flags & ~ROOM_SHRINK)
		return -EBPF_EINVAL;
	close_gap(skb, off, len);
	if (flags & ROOM_DECAP_IPV6)
		skb->protocol = net16(ETH_IPV6);
	else if (flags & ROOM_DECAP_IPV4)
		skb->protocol = net16(ETH_IPV4);
	return 0;
}

uint64_t
ebpf_helper_skb_adjust_room(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	int32_t diff = (int32_t)r2;
	bool shrink = diff < 0;
	uint32_t len = shrink ? 0u - (uint32_t)diff : (uint32_t)diff;
	uint32_t off = skb->mac_len, have, least;

	if (r4 & ~(ROOM_GROW | ROOM_SHRINK))
		return result(-EBPF_EINVAL);
	if (len > ROOM_DIFF_MAX)
		return result(-EBPF_EFAULT);
	if ((!is_proto(skb, ETH_IPV4) && !is_proto(skb, ETH_IPV6)) ||
	    (uint32_t)r3 > ROOM_MAC || skb->len < skb->mac_len)
		return result(-EBPF_EUNSUPPORTED);
	least = net_header(skb);
	if ((uint32_t)r3 == ROOM_NET)
		off += least;
	if (r4 & (ROOM_DECAP_IPV4 | ROOM_DECAP_IPV6)) {
		if (!shrink ||
		    ((r4 & ROOM_DECAP_IPV4) && (r4 & ROOM_DECAP_IPV6)))
			return result(-EBPF_EINVAL);
		least = r4 & ROOM_DECAP_IPV4 ? IPV4_HEADER : IPV6_HEADER;
	}
	have = skb->len - skb->mac_len;
	if (shrink && (len >= have || have - len < least))
		return result(-EBPF_EUNSUPPORTED);
	/* a frame that is cut short has no such place */
	if (off > skb->len || (shrink && len > skb->len - off))
		return result(-EBPF_EFAULT);
	return result(shrink ? room_shrink(skb, off, len, r4) :
			       room_grow(skb, off, len, r4));
}

/* Between IPv4 and IPv6: the room and the name; the program does the rest. */
uint64_t
ebpf_helper_skb_change_proto(uint64_t r1, uint64_t r2, uint64_t r3,
			     uint64_t r4, uint64_t r5,
			     const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	uint32_t diff = IPV6_HEADER - IPV4_HEADER, to = (uint32_t)r2 & 0xffff;
	int error = 0;

	if (r3 != 0)
		return result(-EBPF_EINVAL);
	if (is_proto(skb, ETH_IPV4) && to == net16(ETH_IPV6)) {
		if (skb->len < skb->mac_len)
			return result(-EBPF_EFAULT);
		error = open_gap(skb, skb->mac_len, diff);
	} else if (is_proto(skb, ETH_IPV6) && to == net16(ETH_IPV4)) {
		if (skb->len < skb->mac_len + diff)
			return result(-EBPF_EFAULT);
		close_gap(skb, skb->mac_len, diff);
	} else {
		return result(-EBPF_EUNSUPPORTED);
	}
	if (error != 0)
		return result(error);
	skb->protocol = to;
	skb->hash = 0;
	return 0;
}

uint64_t
ebpf_helper_skb_change_type(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);

	if ((uint32_t)r2 > PKT_TYPE_MAX || skb->pkt_type > PKT_TYPE_MAX)
		return result(-EBPF_EINVAL);
	skb->pkt_type = (uint32_t)r2;
	return 0;
}

/* ---- VLAN tags: the outer one beside the frame, others in it ---- */

uint64_t
ebpf_helper_skb_vlan_push(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			  uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	uint32_t proto = (uint32_t)r2 & 0xffff;
	uint16_t tag[2];
	int error;

	if (!is_vlan(proto))
		proto = net16(ETH_VLAN);
	if (skb->vlan_present) {
		if (skb->len < MAC_PAIR)
			return result(-EBPF_EFAULT);
		error = open_gap(skb, MAC_PAIR, VLAN_TAG);
		if (error != 0)
			return result(error);
		tag[0] = (uint16_t)skb->vlan_proto;
		tag[1] = net16((uint16_t)skb->vlan_tci);
		memcpy((uint8_t *)skb->data + MAC_PAIR, tag, sizeof(tag));
		skb->protocol = skb->vlan_proto;
		skb->mac_len += VLAN_TAG;
	}
	skb->vlan_present = 1;
	skb->vlan_proto = proto;
	skb->vlan_tci = (uint32_t)r3 & 0xffff;
	return 0;
}

/* The frame's first tag out of it. */
static int
take_tag(struct ebpf_skb_ctx *skb, uint32_t *tci)
{
	uint8_t *data = skb->data;
	uint16_t tag, type;

	if (skb->len < MAC_PAIR + VLAN_TAG + sizeof(type))
		return -EBPF_ENOMEM;
	memcpy(&tag, data + MAC_PAIR + 2, sizeof(tag));
	*tci = net16(tag);
	close_gap(skb, MAC_PAIR, VLAN_TAG);
	if (skb->mac_len >= MAC_PAIR + 2 + VLAN_TAG)
		skb->mac_len -= VLAN_TAG;
	memcpy(&type, (uint8_t *)skb->data + MAC_PAIR, sizeof(type));
	skb->protocol = net16(type) >= ETH_TYPE_MIN ? type : net16(ETH_LLC);
	return 0;
}

uint64_t
ebpf_helper_skb_vlan_pop(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			 uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	uint32_t tci, proto;
	int error;

	if (skb->vlan_present) {
		skb->vlan_present = skb->vlan_tci = skb->vlan_proto = 0;
	} else {
		if (!is_vlan(skb->protocol))
			return 0;
		error = take_tag(skb, &tci);
		if (error != 0)
			return result(error);
	}
	/* the next one takes its place beside the frame */
	if (!is_vlan(skb->protocol))
		return 0;
	proto = skb->protocol;
	error = take_tag(skb, &tci);
	if (error != 0)
		return result(error);
	skb->vlan_present = 1;
	skb->vlan_proto = proto;
	skb->vlan_tci = tci;
	return 0;
}

/* ---- reading ---- */

enum {
	FROM_MAC = 0, /* BPF_HDR_START_MAC */
	FROM_NET = 1,
};

uint64_t
ebpf_helper_skb_load_bytes_relative(uint64_t r1, uint64_t r2, uint64_t r3,
				    uint64_t r4, uint64_t r5,
				    const struct ebpf_prog *prog)
{
	const struct ebpf_skb_ctx *skb = to_skb(r1);
	const uint8_t *start = skb->mac, *end = skb->data_end;
	uint32_t off = (uint32_t)r2, len = (uint32_t)r4;

	if (start != NULL && (uint32_t)r5 == FROM_NET)
		start += skb->mac_len;
	if (start == NULL || (uint32_t)r5 > FROM_NET || off > 0xffff ||
	    start > end || (uint64_t)off + len > (uint64_t)(end - start)) {
		/* what the verifier counts as written is written */
		memset((void *)(uintptr_t)r3, 0, len);
		return result((uint32_t)r5 > FROM_NET ? -EBPF_EINVAL :
							-EBPF_EFAULT);
	}
	memmove((void *)(uintptr_t)r3, start + off, len);
	return 0;
}

/* ---- hashes ---- */

/* The receiver's hash is whoever runs the program's to know, 0 when unknown. */
uint64_t
ebpf_helper_get_hash_recalc(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	return to_skb(r1)->hash;
}

uint64_t
ebpf_helper_set_hash(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		     uint64_t r5, const struct ebpf_prog *prog)
{
	to_skb(r1)->hash = (uint32_t)r2;
	return 0;
}

uint64_t
ebpf_helper_set_hash_invalid(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			     uint64_t r5, const struct ebpf_prog *prog)
{
	to_skb(r1)->hash = 0;
	return 0;
}

/* ---- checksums that receiving hardware made: there are none ---- */

uint64_t
ebpf_helper_csum_update(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			uint64_t r5, const struct ebpf_prog *prog)
{
	return result(-EBPF_EUNSUPPORTED);
}

uint64_t
ebpf_helper_csum_level(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		       uint64_t r5, const struct ebpf_prog *prog)
{
	if (r2 > 3)
		return result(-EBPF_EINVAL);
	return r2 == 0 ? result(-EBPF_EACCES) : 0; /* 0 asks for it */
}

/* ---- marks and times ---- */

/*
 * Congestion: 1 when the packet now says so, 0 when it cannot. IPv4's header
 * checksum follows the byte that changes.
 */
uint64_t
ebpf_helper_skb_ecn_set_ce(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	bool v4 = is_proto(skb, ETH_IPV4);
	uint8_t *ip = (uint8_t *)skb->data + skb->mac_len;
	uint32_t ecn, sum;
	uint16_t csum;

	if ((!v4 && !is_proto(skb, ETH_IPV6)) || skb->len < skb->mac_len ||
	    skb->len - skb->mac_len < net_header(skb))
		return 0;
	if (!v4) {
		ecn = ip[1] >> 4 & 3;
		if (ecn == 0)
			return 0;
		ip[1] |= 3 << 4;
		return 1;
	}
	ecn = ip[1] & 3;
	if (ecn == 0 || ecn == 3)
		return ecn == 3;
	memcpy(&csum, ip + 10, sizeof(csum));
	/* the sum of all words grows by 3 - ecn: RFC 1624 */
	sum = (uint16_t)~net16(csum) + 3u - ecn;
	sum = (sum & 0xffff) + (sum >> 16);
	csum = net16((uint16_t)~sum);
	memcpy(ip + 10, &csum, sizeof(csum));
	ip[1] |= 3;
	return 1;
}

uint64_t
ebpf_helper_skb_set_tstamp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, const struct ebpf_prog *prog)
{
	struct ebpf_skb_ctx *skb = to_skb(r1);
	uint32_t type = (uint32_t)r3;

	if (!is_proto(skb, ETH_IPV4) && !is_proto(skb, ETH_IPV6))
		return result(-EBPF_EUNSUPPORTED);
	/* 0: not said, and then none; 1: when to send, by the monotonic clock */
	if (type > 1 || (r2 != 0) != (type == 1))
		return result(-EBPF_EINVAL);
	skb->tstamp = r2;
	return 0;
}

/* ---- sockets, control groups, routes: a packet here has none ---- */

uint64_t
ebpf_helper_get_socket_cookie(uint64_t r1, uint64_t r2, uint64_t r3,
			      uint64_t r4, uint64_t r5,
			      const struct ebpf_prog *prog)
{
	return 0;
}

uint64_t
ebpf_helper_get_socket_uid(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, const struct ebpf_prog *prog)
{
	return NOBODY;
}

uint64_t
ebpf_helper_get_cgroup_classid(uint64_t r1, uint64_t r2, uint64_t r3,
			       uint64_t r4, uint64_t r5,
			       const struct ebpf_prog *prog)
{
	return 0;
}

uint64_t
ebpf_helper_get_route_realm(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			    uint64_t r5, const struct ebpf_prog *prog)
{
	return 0;
}
