/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Helpers of programs with a __sk_buff, called as engines call them: packets
 * that grow and shrink at both ends and between their headers, VLAN tags, and
 * what is answered where there is no socket. Also numbers in text, and that a
 * test run gives back what such a program left.
 */
#include <stdlib.h>

#include "core/ctx.h"
#include "core/helper.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/test_run.h"
#include "helper_lab.h"
#include "tap.h"

enum { HEAD = 64, LEN = 64, TAIL = 32 };

static uint8_t buffer[HEAD + LEN + TAIL];
static struct ebpf_skb_ctx skb;

static uint16_t
net16(uint16_t v)
{
	uint8_t bytes[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	memcpy(&v, bytes, 2);
	return v;
}

/* Bytes that count from 0, with that EtherType. */
static void
fresh(uint16_t type)
{
	uint32_t i;

	memset(buffer, 0xee, sizeof(buffer));
	for (i = 0; i < LEN; i++)
		buffer[HEAD + i] = (uint8_t)i;
	type = net16(type);
	memcpy(buffer + HEAD + 12, &type, 2);
	memset(&skb, 0, sizeof(skb));
	skb.data = skb.data_meta = skb.mac = buffer + HEAD;
	skb.data_end = buffer + HEAD + LEN;
	skb.hard_start = buffer;
	skb.hard_end = buffer + sizeof(buffer);
	skb.len = LEN;
	skb.mac_len = 14;
	skb.protocol = type;
}

static uint8_t
at(uint32_t off)
{
	return ((uint8_t *)skb.data)[off];
}

static bool
is_whole(uint32_t len)
{
	return skb.len == len && skb.data == skb.mac &&
	       skb.data_meta == skb.data &&
	       (uint8_t *)skb.data_end == (uint8_t *)skb.data + len;
}

static bool
zeros(uint32_t off, uint32_t len)
{
	while (len-- > 0)
		if (at(off + len) != 0)
			return false;
	return true;
}

static void
test_ends(void)
{
	fresh(0x0800);
	TAP_CHECK(call(38, P(&skb), 40, 0, 0, 0) == 0 && is_whole(40));
	TAP_CHECK(call(38, P(&skb), 50, 0, 0, 0) == 0 && is_whole(50) &&
		  zeros(40, 10) && at(39) == 39);
	TAP_CHECK(call(38, P(&skb), 50, 1, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(38, P(&skb), 13, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(38, P(&skb), LEN + TAIL + 1, 0, 0, 0) == -EBPF_ENOMEM);
	TAP_CHECK(call(38, P(&skb), UINT32_MAX, 0, 0, 0) == -EBPF_ENOMEM);
	TAP_CHECK(call(38, P(&skb), LEN + TAIL, 0, 0, 0) == 0);
	TAP_CHECK(call(38, P(&skb), 14, 0, 0, 0) == 0 && is_whole(14));

	fresh(0x0800);
	TAP_CHECK(call(43, P(&skb), 14, 0, 0, 0) == 0 && is_whole(LEN + 14) &&
		  zeros(0, 14) && at(15) == 1 && skb.mac_len == 28);
	TAP_CHECK(call(43, P(&skb), 14, 1, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(43, P(&skb), HEAD, 0, 0, 0) == -EBPF_ENOMEM);
	TAP_CHECK(call(43, P(&skb), UINT32_MAX, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(43, P(&skb), HEAD - 14, 0, 0, 0) == 0);
	skb.hard_start = skb.hard_end = NULL;
	TAP_CHECK(call(43, P(&skb), 1, 0, 0, 0) == -EBPF_ENOMEM);
	TAP_CHECK(call(38, P(&skb), skb.len + 1, 0, 0, 0) == -EBPF_ENOMEM);
}

static int64_t
room(int32_t diff, uint32_t mode, uint64_t flags)
{
	return call(50, P(&skb), (uint64_t)(int64_t)diff, mode, flags, 0);
}

static void
test_room(void)
{
	fresh(0x0800);
	TAP_CHECK(room(8, 0, 0) == 0 && is_whole(LEN + 8) && zeros(34, 8) &&
		  at(33) == 33 && at(42) == 34);
	TAP_CHECK(room(-8, 0, 0) == 0 && is_whole(LEN) && at(34) == 34);
	TAP_CHECK(room(20, 1, 2) == 0 && is_whole(LEN + 20) && zeros(14, 20) &&
		  at(34) == 14 && skb.encapsulated);
	TAP_CHECK(room(20, 1, 2) == -EBPF_EBUSY);
	fresh(0x0800);
	TAP_CHECK(room(40, 1, 4) == 0 && skb.protocol == net16(0x86dd));
	TAP_CHECK(room(-40, 1, 128) == 0 && skb.protocol == net16(0x0800) &&
		  is_whole(LEN));
	TAP_CHECK(room(20, 1, 128) == -EBPF_EINVAL);
	TAP_CHECK(room(-20, 1, 2) == -EBPF_EINVAL);
	TAP_CHECK(room(20, 1, 2 | 4) == -EBPF_EINVAL);
	TAP_CHECK(room(20, 1, 2 | 8 | 16) == -EBPF_EINVAL);
	TAP_CHECK(room(20, 1, 2 | 64) == -EBPF_EINVAL);
	TAP_CHECK(room(20, 1, 2 | 21ull << 56) == -EBPF_EINVAL);
	TAP_CHECK(room(20, 1, 1 << 9) == -EBPF_EINVAL);
	TAP_CHECK(room(4096, 1, 0) == -EBPF_EFAULT);
	TAP_CHECK(room(INT32_MIN, 1, 0) == -EBPF_EFAULT);
	TAP_CHECK(room(20, 2, 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(room(-31, 1, 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(room(-30, 1, 0) == 0 && is_whole(34));
	TAP_CHECK(room(-20, 0, 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(room(2048, 1, 0) == -EBPF_ENOMEM);
	fresh(0x86dd);
	TAP_CHECK(room(8, 0, 0) == 0 && zeros(54, 8) && at(53) == 53);
	TAP_CHECK(room(-19, 0, 0) == -EBPF_EUNSUPPORTED);
	fresh(0x0806);
	TAP_CHECK(room(8, 0, 0) == -EBPF_EUNSUPPORTED);
	fresh(0x86dd);
	call(38, P(&skb), 20, 0, 0, 0);
	TAP_CHECK(room(8, 0, 0) == -EBPF_EFAULT);

	fresh(0x0800);
	skb.hash = 7;
	TAP_CHECK(call(31, P(&skb), net16(0x86dd), 0, 0, 0) == 0 &&
		  is_whole(LEN + 20) && skb.protocol == net16(0x86dd) &&
		  skb.hash == 0 && zeros(14, 20) && at(34) == 14);
	TAP_CHECK(call(31, P(&skb), net16(0x86dd), 0, 0, 0) ==
		  -EBPF_EUNSUPPORTED);
	TAP_CHECK(call(31, P(&skb), net16(0x0800), 1, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(31, P(&skb), net16(0x0800), 0, 0, 0) == 0 &&
		  is_whole(LEN) && at(14) == 14);
	TAP_CHECK(call(32, P(&skb), 2, 0, 0, 0) == 0 && skb.pkt_type == 2);
	TAP_CHECK(call(32, P(&skb), 4, 0, 0, 0) == -EBPF_EINVAL);
}

static void
test_vlan(void)
{
	fresh(0x0800);
	TAP_CHECK(call(19, P(&skb), 0, 0, 0, 0) == 0 && is_whole(LEN));
	TAP_CHECK(call(18, P(&skb), net16(0x8100), 5, 0, 0) == 0 &&
		  is_whole(LEN) && skb.vlan_present && skb.vlan_tci == 5 &&
		  skb.protocol == net16(0x0800));
	/* the second pushes the first into the frame */
	TAP_CHECK(call(18, P(&skb), net16(0x88a8), 0x1006, 0, 0) == 0 &&
		  is_whole(LEN + 4) && skb.vlan_tci == 0x1006 &&
		  skb.vlan_proto == net16(0x88a8) &&
		  skb.protocol == net16(0x8100) && skb.mac_len == 18);
	TAP_CHECK(at(11) == 11 && at(12) == 0x81 && at(13) == 0 &&
		  at(14) == 0 && at(15) == 5 && at(16) == 0x08);
	TAP_CHECK(call(19, P(&skb), 0, 0, 0, 0) == 0 && is_whole(LEN) &&
		  skb.vlan_present && skb.vlan_tci == 5 &&
		  skb.vlan_proto == net16(0x8100) &&
		  skb.protocol == net16(0x0800) && skb.mac_len == 14);
	TAP_CHECK(call(19, P(&skb), 0, 0, 0, 0) == 0 && !skb.vlan_present &&
		  skb.protocol == net16(0x0800) && at(12) == 8);
	TAP_CHECK(call(18, P(&skb), 1234, 7, 0, 0) == 0 &&
		  skb.vlan_proto == net16(0x8100));
	/* a tag that came in the frame, and a length behind it */
	fresh(0x8100);
	buffer[HEAD + 14] = 0x20;
	buffer[HEAD + 15] = 0x09;
	buffer[HEAD + 16] = 0;
	buffer[HEAD + 17] = 46;
	TAP_CHECK(call(19, P(&skb), 0, 0, 0, 0) == 0 && is_whole(LEN - 4) &&
		  !skb.vlan_present && skb.protocol == net16(4) &&
		  at(13) == 46 && at(11) == 11 && at(14) == 18);
	fresh(0x8100);
	call(38, P(&skb), 17, 0, 0, 0);
	TAP_CHECK(call(19, P(&skb), 0, 0, 0, 0) == -EBPF_ENOMEM);
	/* no room for the first in the frame: nothing changes */
	fresh(0x0800);
	skb.hard_start = skb.data;
	TAP_CHECK(call(18, P(&skb), net16(0x8100), 1, 0, 0) == 0);
	TAP_CHECK(call(18, P(&skb), net16(0x8100), 2, 0, 0) == -EBPF_ENOMEM &&
		  skb.vlan_tci == 1);
}

static void
test_reading(void)
{
	uint8_t out[8];

	fresh(0x0800);
	TAP_CHECK(call(68, P(&skb), 2, P(out), 4, 0) == 0 && out[0] == 2);
	TAP_CHECK(call(68, P(&skb), 2, P(out), 4, 1) == 0 && out[0] == 16);
	TAP_CHECK(call(68, P(&skb), LEN - 14 - 4, P(out), 4, 1) == 0 &&
		  out[3] == LEN - 1);
	memset(out, 9, sizeof(out));
	TAP_CHECK(call(68, P(&skb), LEN - 14 - 3, P(out), 4, 1) ==
			  -EBPF_EFAULT &&
		  out[0] == 0 && out[3] == 0 && out[4] == 9);
	TAP_CHECK(call(68, P(&skb), UINT32_MAX, P(out), 4, 0) == -EBPF_EFAULT);
	TAP_CHECK(call(68, P(&skb), 0, P(out), 4, 2) == -EBPF_EINVAL);
	skb.mac = NULL;
	TAP_CHECK(call(68, P(&skb), 0, P(out), 4, 0) == -EBPF_EFAULT);

	TAP_CHECK(call(40, P(&skb), 1, 0, 0, 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(call(135, P(&skb), 0, 0, 0, 0) == -EBPF_EACCES &&
		  call(135, P(&skb), 3, 0, 0, 0) == 0 &&
		  call(135, P(&skb), 4, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(46, P(&skb), 0, 0, 0, 0) == 0 &&
		  call(47, P(&skb), 0, 0, 0, 0) == 65534 &&
		  call(17, P(&skb), 0, 0, 0, 0) == 0 &&
		  call(24, P(&skb), 0, 0, 0, 0) == 0);
}

/* Ones' complement sum of an IPv4 header: 0xffff when its checksum is right. */
static uint32_t
header_sum(void)
{
	uint32_t sum = 0, i;

	for (i = 14; i < 34; i += 2)
		sum += (uint32_t)at(i) << 8 | at(i + 1);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void
test_marks(void)
{
	uint32_t tos, sum, wrong = 0;

	for (tos = 0; tos < 256; tos++) {
		fresh(0x0800);
		buffer[HEAD + 15] = (uint8_t)tos;
		buffer[HEAD + 24] = buffer[HEAD + 25] = 0;
		sum = ~header_sum();
		buffer[HEAD + 24] = (uint8_t)(sum >> 8);
		buffer[HEAD + 25] = (uint8_t)sum;
		if (call(97, P(&skb), 0, 0, 0, 0) != ((tos & 3) != 0) ||
		    at(15) != (tos & 3 ? tos | 3 : tos) ||
		    header_sum() != 0xffff)
			wrong++;
	}
	tap_ok(wrong == 0, "congestion is marked and the checksum follows");
	fresh(0x86dd);
	buffer[HEAD + 15] = 0x1f;
	TAP_CHECK(call(97, P(&skb), 0, 0, 0, 0) == 1 && at(15) == 0x3f);
	buffer[HEAD + 15] = 0x0f;
	TAP_CHECK(call(97, P(&skb), 0, 0, 0, 0) == 0 && at(15) == 0x0f);
	call(38, P(&skb), 53, 0, 0, 0);
	buffer[HEAD + 15] = 0x1f;
	TAP_CHECK(call(97, P(&skb), 0, 0, 0, 0) == 0 && at(15) == 0x1f);
	TAP_CHECK(call(192, P(&skb), 5, 1, 0, 0) == 0 && skb.tstamp == 5);
	TAP_CHECK(call(192, P(&skb), 0, 1, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(192, P(&skb), 5, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(192, P(&skb), 5, 2, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(192, P(&skb), 0, 0, 0, 0) == 0 && skb.tstamp == 0);
	fresh(0x0806);
	TAP_CHECK(call(192, P(&skb), 5, 1, 0, 0) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(call(97, P(&skb), 0, 0, 0, 0) == 0);
}

/* ---- numbers in text ---- */

static void
test_numbers(void)
{
	static const struct {
		const char *text;
		uint32_t len; /* 0: all */
		uint32_t base;
		int64_t used, value, used_u;
		uint64_t value_u;
	} cases[] = {
		{ "0", 0, 0, 1, 0, 1, 0 },
		{ "12", 0, 10, 2, 12, 2, 12 },
		{ "12x", 0, 10, 2, 12, 2, 12 },
		{ "123", 2, 10, 2, 12, 2, 12 },
		{ " \t12", 0, 0, 4, 12, 4, 12 },
		{ "-7", 0, 0, 2, -7, -EBPF_EINVAL, 0 },
		{ "0x1f", 0, 0, 4, 31, 4, 31 },
		{ "0X1F", 0, 16, 4, 31, 4, 31 },
		{ "1f", 0, 16, 2, 31, 2, 31 },
		{ "0xg", 0, 0, 1, 0, 1, 0 },
		{ "0xg", 0, 16, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "017", 0, 0, 3, 15, 3, 15 },
		{ "018", 0, 0, 2, 1, 2, 1 },
		{ "17", 0, 8, 2, 15, 2, 15 },
		{ "", 1, 0, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "-", 0, 0, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "  ", 0, 0, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "x", 0, 0, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "- 1", 0, 0, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "+1", 0, 0, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "1", 0, 2, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "1", 0, 32, -EBPF_EINVAL, 0, -EBPF_EINVAL, 0 },
		{ "9223372036854775807", 0, 0, 19, INT64_MAX, 19, INT64_MAX },
		{ "9223372036854775808", 0, 0, -EBPF_ERANGE, 0, 19,
		  1ull << 63 },
		{ "-9223372036854775808", 0, 0, 20, INT64_MIN, -EBPF_EINVAL,
		  0 },
		{ "-9223372036854775809", 0, 0, -EBPF_ERANGE, 0, -EBPF_EINVAL,
		  0 },
		{ "18446744073709551615", 0, 0, -EBPF_ERANGE, 0, 20,
		  UINT64_MAX },
		{ "18446744073709551616", 0, 0, -EBPF_ERANGE, 0, -EBPF_ERANGE,
		  0 },
	};
	char longest[80];
	uint32_t i, len;
	uint64_t value;
	int64_t used;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = cases[i].len ? cases[i].len :
				     (uint32_t)strlen(cases[i].text);
		value = 99;
		used = call(105, P(cases[i].text), len, cases[i].base,
			    P(&value), 0);
		tap_ok(used == cases[i].used &&
			       (int64_t)value == cases[i].value,
		       "strtol '%s' base %u: %lld of %lld", cases[i].text,
		       cases[i].base, (long long)value, (long long)used);
		value = 99;
		used = call(106, P(cases[i].text), len, cases[i].base,
			    P(&value), 0);
		tap_ok(used == cases[i].used_u && value == cases[i].value_u,
		       "strtoul '%s' base %u: %llu of %lld", cases[i].text,
		       cases[i].base, (unsigned long long)value,
		       (long long)used);
	}
	/* as Linux, no more than 63 characters of a number are looked at */
	memset(longest, '0', sizeof(longest));
	longest[79] = '7';
	TAP_CHECK(call(106, P(longest), 80, 10, P(&value), 0) == 63 &&
		  value == 0);
}

/* ---- a test run gives back what the program made of the frame ---- */

static void
test_run_tc(void)
{
	/* r6 = r1; skb_change_head(r1, 4, 0); skb_change_tail(r6, 80, 0) */
	static const struct ebpf_insn insns[] = {
		{ 0xbf, 0x16, 0, 0 }, { 0xb7, 2, 0, 4 },  { 0xb7, 3, 0, 0 },
		{ 0x85, 0, 0, 43 },   { 0xbf, 0x61, 0, 0 }, { 0xb7, 2, 0, 80 },
		{ 0xb7, 3, 0, 0 },    { 0x85, 0, 0, 38 }, { 0x95, 0, 0, 0 },
	};
	struct ebpf_load load = {
		.size = sizeof(load),
		.kind = EBPF_PROG_TC,
		.insns = insns,
		.insn_count = sizeof(insns) / sizeof(insns[0]),
	};
	uint8_t data[128] = { 1, 2, 3 };
	struct ebpf_test_run run = { .data = data, .data_len = 60,
				     .data_room = 128, .repeat = 1 };
	struct ebpf_prog *loaded;

	if (ebpf_prog_load(helper_rt, &load, &loaded) != 0)
		abort();
	TAP_CHECK(ebpf_test_run(loaded, &run) == 0 && run.retval == 0 &&
		  run.data_len == 80 && data[0] == 0 && data[3] == 0 &&
		  data[4] == 1 && data[6] == 3 && data[79] == 0);
	ebpf_prog_put(loaded);
}

int
main(void)
{
	helper_begin(EBPF_PROG_TC);
	test_ends();
	test_room();
	test_vlan();
	test_reading();
	test_marks();
	test_numbers();
	test_run_tc();
	return helper_end();
}
