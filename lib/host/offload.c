/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See offload.h. Knows Ethernet, VLAN, IPv4, IPv6, TCP and UDP headers. */
#include "host/offload.h"

#include <string.h>

enum {
	ETHER_SIZE = 14,
	VLAN_SIZE = 4,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_QINQ = 0x88a8,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	TCP_FIN_PSH = 0x09,
	TCP_CWR = 0x80,
};

static uint32_t
get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static void
put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint64_t
sum(const uint8_t *at, uint32_t len, uint64_t total)
{
	uint32_t i;

	for (i = 0; i + 1 < len; i += 2)
		total += get16(at + i);
	if (i < len)
		total += (uint32_t)at[i] << 8;
	return total;
}

static uint32_t
fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint32_t)~total & 0xffff;
}

void
offload_checksum(uint8_t *frame, uint32_t len, uint32_t start, uint32_t at)
{
	uint32_t result;

	if (start > len || at < start || at + 2 > len)
		return;
	result = fold(sum(frame + start, len - start, 0));
	put16(frame + at, result ? result : 0xffff); /* 0: "none", in UDP */
}

bool
offload_split_begin(struct offload_split *split, const uint8_t *frame,
		    uint32_t len, uint32_t l4, uint32_t mss, bool tcp)
{
	uint32_t l3 = ETHER_SIZE, type, header;

	if (len < ETHER_SIZE || !mss)
		return false;
	type = get16(frame + l3 - 2);
	while ((type == TYPE_VLAN || type == TYPE_QINQ) &&
	       l3 + VLAN_SIZE <= len) {
		l3 += VLAN_SIZE;
		type = get16(frame + l3 - 2);
	}
	header = type == TYPE_IPV4 ? 20 : type == TYPE_IPV6 ? 40 : len;
	if (l4 > len || l4 < l3 || l4 - l3 < header)
		return false;
	header = tcp ? 20 : 8;
	if (len - l4 < header)
		return false;
	if (tcp)
		header = (frame[l4 + 12] >> 4) * 4u;
	if (header < (tcp ? 20u : 8u) || len - l4 < header)
		return false;
	memset(split, 0, sizeof(*split));
	split->frame = frame;
	split->len = len;
	split->l3 = l3;
	split->l4 = l4;
	split->payload = l4 + header;
	split->mss = mss;
	split->ipv6 = type == TYPE_IPV6;
	split->tcp = tcp;
	return true;
}

static void
l3_mend(const struct offload_split *split, uint8_t *out, uint32_t len)
{
	uint8_t *ip = out + split->l3;

	if (split->ipv6) {
		put16(ip + 4, len - split->l3 - 40);
		return;
	}
	put16(ip + 2, len - split->l3);
	put16(ip + 4, get16(ip + 4) + split->index);
	put16(ip + 10, 0);
	put16(ip + 10, fold(sum(ip, split->l4 - split->l3, 0)));
}

static void
l4_mend(const struct offload_split *split, uint8_t *out, uint32_t len,
	bool last)
{
	uint8_t *l4 = out + split->l4, *ip = out + split->l3;
	uint32_t at = split->tcp ? 16 : 6, size = len - split->l4, seq, result;
	uint64_t total;

	if (split->tcp) {
		seq = get16(l4 + 4) << 16 | get16(l4 + 6);
		seq += split->done;
		put16(l4 + 4, seq >> 16);
		put16(l4 + 6, seq);
		if (!last)
			l4[13] &= (uint8_t)~TCP_FIN_PSH;
		if (split->index)
			l4[13] &= (uint8_t)~TCP_CWR;
	} else {
		put16(l4 + 4, size);
	}
	put16(l4 + at, 0);
	total = size + (split->tcp ? PROTO_TCP : PROTO_UDP);
	total = split->ipv6 ? sum(ip + 8, 32, total) : sum(ip + 12, 8, total);
	result = fold(sum(l4, size, total));
	put16(l4 + at, result || split->tcp ? result : 0xffff);
}

uint32_t
offload_split_next(struct offload_split *split, uint8_t *out)
{
	uint32_t left = split->len - split->payload - split->done, take, len;

	if (!left && split->index)
		return 0;
	take = left < split->mss ? left : split->mss;
	len = split->payload + take;
	memcpy(out, split->frame, split->payload);
	memcpy(out + split->payload,
	       split->frame + split->payload + split->done, take);
	l3_mend(split, out, len);
	l4_mend(split, out, len, take == left);
	split->done += take;
	split->index++;
	return len;
}
