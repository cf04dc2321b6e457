/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Helpers called as engines call them: formats of trace_printk with the lines
 * they leave in the trace log, checksums against a plain sum, packets whose
 * ends move, and the table itself. Also the trace log's own reading.
 */
#include <pthread.h>
#include <stdlib.h>

#include "core/assumed.h"
#include "core/ctx.h"
#include "core/helper.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/tracelog.h"
#include "helper_lab.h"
#include "tap.h"

static bool
is_zero_run(const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/* ---- table ---- */

static uint64_t
mine(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
     const struct ebpf_prog *env)
{
	return r1 + 1;
}

static void
test_table(void)
{
	static struct ebpf_helper many[EBPF_HELPER_EXTRA + 1];
	static const struct ebpf_helper builtin = {
		.fn = mine, .name = "x", .number = 1
	};
	/* what the verifier would not prove to the helper */
	static const uint8_t unsound[][5] = {
		{ EBPF_ARG_SCALAR, EBPF_ARG_SIZE },
		{ EBPF_ARG_SIZE_OR_ZERO },
		{ EBPF_ARG_MEM, EBPF_ARG_SCALAR },
		{ EBPF_ARG_MEM_OUT },
		{ EBPF_ARG_SCALAR, EBPF_ARG_NONE, EBPF_ARG_SCALAR },
		{ EBPF_ARG_MAP, EBPF_ARG_SCALAR, EBPF_ARG_SCALAR,
		  EBPF_ARG_SCALAR, EBPF_ARG_MEM },
		{ EBPF_ARG_SCALAR_OR_UNSET },
	};
	struct ebpf_helper bad = { .fn = mine, .name = "bad", .number = 700 };
	uint32_t i, good = 0;

	TAP_CHECK(!strcmp(ebpf_helper_name(helper_rt, 1), "map_lookup_elem"));
	TAP_CHECK(!strcmp(ebpf_helper_name(helper_rt, 69), "fib_lookup"));
	TAP_CHECK(!ebpf_helper_find(helper_rt, 69));
	TAP_CHECK(!ebpf_helper_name(helper_rt, 511) &&
		  !ebpf_helper_name(helper_rt, 70000));
	TAP_CHECK(ebpf_helper_register(helper_rt, &builtin) == -EBPF_EEXIST);
	bad.number = 0;
	TAP_CHECK(ebpf_helper_register(helper_rt, &bad) == -EBPF_EINVAL);
	bad.number = 65536;
	TAP_CHECK(ebpf_helper_register(helper_rt, &bad) == -EBPF_EINVAL);
	bad.number = 700;
	bad.args[3] = 200;
	TAP_CHECK(ebpf_helper_register(helper_rt, &bad) == -EBPF_EINVAL);
	for (i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++) {
		memcpy(bad.args, unsound[i], sizeof(bad.args));
		TAP_CHECK(ebpf_helper_register(helper_rt, &bad) == -EBPF_EINVAL);
	}
	memset(bad.args, 0, sizeof(bad.args));
	bad.flags = EBPF_HELPER_RELEASE;
	TAP_CHECK(ebpf_helper_register(helper_rt, &bad) == -EBPF_EINVAL);
	for (i = 0; i < EBPF_HELPER_EXTRA; i++) {
		many[i] = (struct ebpf_helper){ .fn = mine,
						.name = "many",
						.number = 40000 + i };
		good += ebpf_helper_register(helper_rt, &many[i]) == 0;
	}
	many[i] = many[0];
	many[i].number++;
	TAP_CHECK(good == EBPF_HELPER_EXTRA);
	TAP_CHECK(ebpf_helper_register(helper_rt, &many[i]) == -EBPF_EEXIST);
	many[i].number = 50000;
	TAP_CHECK(ebpf_helper_register(helper_rt, &many[i]) == -EBPF_ELIMIT);
	TAP_CHECK(ebpf_helper_find(helper_rt, 40063) == &many[63]);
	TAP_CHECK(call(40000, 41, 0, 0, 0, 0) == 42);
}

/* ---- trace_printk ---- */

/* The newest line, or NULL. */
static const char *
last_line(uint64_t *next)
{
	static uint8_t out[2048];
	static char text[300];
	struct ebpf_trace_record record;
	uint64_t lost = 0;
	uint32_t count = 0;
	size_t len;

	len = ebpf_tracelog_read(helper_rt->tracelog, 0, next, &lost, &count, out,
				 sizeof(out));
	if (count != 1)
		return NULL;
	memcpy(&record, out, sizeof(record));
	if (len != sizeof(record) + record.len || record.prog_id != 77)
		return NULL;
	memcpy(text, out + sizeof(record), record.len);
	text[record.len] = '\0';
	return text;
}

static void
test_printk(void)
{
	static const struct {
		const char *format;
		uint64_t args[3];
		const char *line; /* NULL: refused */
	} cases[] = {
		{ "hello\n", { 0 }, "hello" },
		{ "", { 0 }, "" },
		{ "%d %i %u", { (uint64_t)-1, 0xffffffff80000000, 0xffffffffff },
		  "-1 -2147483648 4294967295" },
		{ "%ld %lu %lx", { (uint64_t)-5, (uint64_t)-1, 0xabcdef012345 },
		  "-5 18446744073709551615 abcdef012345" },
		{ "%lld %llu %llx", { 1ull << 63, 10, 255 },
		  "-9223372036854775808 10 ff" },
		{ "%x %X %x", { 0xdeadbeef, 0xdeadbeef, 1ull << 32 },
		  "deadbeef DEADBEEF 0" },
		{ "%c%c%c", { 'a', 'b', 'c' }, "abc" },
		{ "%p", { 0x1234 }, "0000000000001234" },
		{ "100%%", { 0 }, "100%" },
		{ "[%5d] [%-5d] [%05d]", { 42, 42, 42 },
		  "[   42] [42   ] [00042]" },
		{ "[%+d] [% d] [%08x]", { 42, 42, 42 },
		  "[+42] [ 42] [0000002a]" },
		{ "[%05d] [%3c] [%2d]", { (uint64_t)-7, 'x', 12345 },
		  "[-0007] [  x] [12345]" },
		{ "%llx", { 0 }, "0" },
		{ "tab\there \x1b", { 0 }, NULL },
		{ "tab\there", { 0 }, "tab?here" },
		{ "%s", { 0 }, NULL },
		{ "%pI4", { 0 }, NULL },
		{ "%pB", { 0 }, NULL },
		{ "%f", { 0 }, NULL },
		{ "%n", { 0 }, NULL },
		{ "%", { 0 }, NULL },
		{ "%l", { 0 }, NULL },
		{ "%lll", { 0 }, NULL },
		{ "%lc", { 0 }, NULL },
		{ "%hd", { 0 }, NULL },
		{ "%5", { 0 }, NULL },
		{ "%.3d", { 0 }, NULL },
		{ "%*d", { 0 }, NULL },
		{ "%999999999999d", { 0 }, NULL },
		{ "%d %d %d %d", { 1, 2, 3 }, NULL },
		{ "\x80", { 0 }, NULL },
	};
	static char long_format[300];
	const char *line;
	uint64_t next = 0;
	int64_t result;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		result = call(6, P(cases[i].format),
			      strlen(cases[i].format) + 1, cases[i].args[0],
			      cases[i].args[1], cases[i].args[2]);
		line = last_line(&next);
		if (!cases[i].line)
			tap_ok(result == -EBPF_EINVAL && !line,
			       "trace_printk case %zu is refused", i);
		else
			tap_ok(result >= 0 && line &&
			       !strcmp(line, cases[i].line),
			       "trace_printk: %s", cases[i].line);
	}
	TAP_CHECK(call(6, P("abc"), 3, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(6, P("abc"), 0, 0, 0, 0) == -EBPF_EINVAL);
	memset(long_format, 'x', sizeof(long_format) - 1);
	TAP_CHECK(call(6, P(long_format), 300, 0, 0, 0) == -EBPF_EINVAL);
	long_format[255] = '\0';
	TAP_CHECK(call(6, P(long_format), 256, 0, 0, 0) == 255);
	TAP_CHECK(strlen(last_line(&next)) == 255);
	tap_ok(call(6, P("%256d%256d"), 11, 1, 2, 0) == 512,
	       "the result is the length that it would have");
	tap_ok(strlen(last_line(&next)) == 256, "the line is cut");
}

static void
test_arrays(void)
{
	uint64_t args[13] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
	union {
		uint64_t numbers[2];
		char text[16];
	} both = { { 123, 45 } };
	static const char five[] = "%d %d %d %d %d";
	const char *line;
	uint64_t next = 0;
	char out[16];

	last_line(&next);
	TAP_CHECK(call(177, P(five), sizeof(five), P(args), 40, 0) == 9);
	line = last_line(&next);
	TAP_CHECK(line && !strcmp(line, "1 2 3 4 5"));
	TAP_CHECK(call(177, P(five), sizeof(five), P(args), 32, 0) ==
		  -EBPF_EINVAL);
	TAP_CHECK(call(177, P(five), sizeof(five), P(args), 41, 0) ==
		  -EBPF_EINVAL);
	TAP_CHECK(call(177, P(five), sizeof(five), P(args), 104, 0) ==
		  -EBPF_EINVAL);
	TAP_CHECK(call(177, P("x"), 2, 0, 0, 0) == 1);

	memset(out, 0x5a, sizeof(out));
	TAP_CHECK(call(165, P(out), 16, P("%d-%x"), P(args), 16) == 4 &&
		  !strcmp(out, "1-2") && is_zero_run((uint8_t *)out + 4, 12));
	TAP_CHECK(call(165, P(out), 4, P("%08d"), P(args), 8) == 9 &&
		  !strcmp(out, "000"));
	TAP_CHECK(call(165, P(out), 1, P("abc"), 0, 0) == 4 && !out[0]);
	out[0] = 'x';
	TAP_CHECK(call(165, P(out), 16, P("ab%s"), P(args), 8) ==
			  -EBPF_EINVAL &&
		  is_zero_run((uint8_t *)out, 16));
	TAP_CHECK(call(165, P(&both), 16, P("%d/%d"), P(&both), 16) == 7 &&
		  !strcmp(both.text, "123/45"));
}

/* ---- the trace log ---- */

static struct ebpf_tracelog *race_log;

static void *
log_writer(void *arg)
{
	char text[32];
	int i, len;

	for (i = 0; i < 2000; i++) {
		len = snprintf(text, sizeof(text), "line %d", i);
		ebpf_tracelog_write(race_log, (uint32_t)(uintptr_t)arg, text,
				    (size_t)len);
	}
	return NULL;
}

static void
test_tracelog(void)
{
	struct ebpf_tracelog *log = ebpf_tracelog_create(4);
	struct ebpf_trace_record record;
	uint64_t next = 0, lost = 0, total = 0, last[4] = { 0 };
	pthread_t threads[3];
	uint32_t count = 0, i, at;
	uint8_t out[4096];
	bool whole = true;
	size_t len;

	for (i = 0; i < 6; i++)
		ebpf_tracelog_write(log, i % 2 + 1, "ab\ncd\n\n", 7);
	len = ebpf_tracelog_read(log, 0, &next, &lost, &count, out,
				 sizeof(out));
	TAP_CHECK(count == 4 && lost == 2 && next == 6 &&
		  len == 4 * (sizeof(record) + 5));
	TAP_CHECK(!memcmp(out + sizeof(record), "ab?cd", 5));
	len = ebpf_tracelog_read(log, 0, &next, &lost, &count, out,
				 sizeof(out));
	tap_ok(len == 0 && count == 4 && lost == 2, "nothing new");
	next = 2;
	count = 0;
	ebpf_tracelog_read(log, 1, &next, &lost, &count, out, sizeof(out));
	tap_ok(count == 2 && next == 6, "those of one program");
	next = 2;
	count = 0;
	len = ebpf_tracelog_read(log, 0, &next, &lost, &count, out,
				 sizeof(record) + 5 + 10);
	tap_ok(count == 1 && next == 3 && len == sizeof(record) + 5,
	       "only whole records, the rest stays");
	next = 1000;
	count = 0;
	ebpf_tracelog_read(log, 0, &next, &lost, &count, out, sizeof(out));
	tap_ok(count == 4 && next == 6, "a position of another log");
	ebpf_tracelog_destroy(log);

	race_log = ebpf_tracelog_create(64);
	for (i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, log_writer,
				   (void *)(uintptr_t)(i + 1)) != 0)
			abort();
	next = lost = 0;
	while (total + lost < 6000) {
		count = 0;
		len = ebpf_tracelog_read(race_log, 0, &next, &lost, &count,
					 out, sizeof(out));
		total += count;
		for (at = 0; at < len; at += (uint32_t)sizeof(record) +
					     record.len) {
			char text[300];
			uint64_t number;

			memcpy(&record, out + at, sizeof(record));
			memcpy(text, out + at + sizeof(record), record.len);
			text[record.len] = '\0';
			number = strtoull(text + 5, NULL, 10) + 1;
			whole &= !memcmp(text, "line ", 5) &&
				 record.prog_id <= 3 &&
				 number > last[record.prog_id];
			last[record.prog_id] = number;
		}
	}
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	tap_ok(whole, "lines of three writers are whole and in order");
	tap_ok(total + lost == 6000, "each is read once or counted as lost");
	ebpf_tracelog_destroy(race_log);
}

/* ---- checksums ---- */

static uint16_t
plain_sum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;
	uint16_t word;
	size_t i;

	for (i = 0; i < len; i += 2) {
		memcpy(&word, bytes + i, 2);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void
test_checksums(void)
{
	uint8_t packet[64], old[8], new[8];
	struct ebpf_skb_ctx skb = { .data = packet, .data_end = packet + 64 };
	uint32_t round, i, wrong = 0, from, to;
	uint16_t sum, from16, to16;
	int64_t diff;

	/* bytes 20 and 21 hold the checksum of bytes 0..63 */
	for (round = 0; round < 200; round++) {
		for (i = 0; i < 64; i++)
			packet[i] = (uint8_t)os_random_u32();
		packet[20] = packet[21] = 0;
		sum = plain_sum(packet, 64);
		memcpy(packet + 20, &sum, 2);

		memcpy(&from, packet + 32, 4);
		to = os_random_u32();
		memcpy(packet + 32, &to, 4);
		wrong += call(10, P(&skb), 20, from, to, 4) != 0;
		wrong += plain_sum(packet, 64) != 0 &&
			 plain_sum(packet, 64) != 0xffff;

		memcpy(&from16, packet + 40, 2);
		to16 = (uint16_t)os_random_u32();
		memcpy(packet + 40, &to16, 2);
		wrong += call(11, P(&skb), 20, from16, to16, 0x10 | 2) != 0;
		wrong += plain_sum(packet, 64) != 0 &&
			 plain_sum(packet, 64) != 0xffff;

		memcpy(old, packet + 48, 8);
		for (i = 0; i < 8; i++)
			new[i] = packet[48 + i] = (uint8_t)os_random_u32();
		diff = call(28, P(old), 8, P(new), 8, 0);
		wrong += diff < 0;
		wrong += call(10, P(&skb), 20, 0, (uint64_t)diff, 0) != 0;
		wrong += plain_sum(packet, 64) != 0 &&
			 plain_sum(packet, 64) != 0xffff;

		diff = call(28, 0, 0, P(packet), 64, 5);
		wrong += fold((uint64_t)diff) !=
			 fold((uint16_t)~plain_sum(packet, 64) + 5ull);
	}
	tap_ok(wrong == 0, "checksums stay right: %u wrong", wrong);
	TAP_CHECK(call(28, P(old), 6, P(new), 8, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(28, P(old), 512, P(new), 4, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(28, 0, 0, 0, 0, 9) == 9);
	TAP_CHECK(call(10, P(&skb), 63, 0, 0, 2) == -EBPF_EFAULT);
	TAP_CHECK(call(10, P(&skb), 64, 0, 0, 2) == -EBPF_EFAULT);
	TAP_CHECK(call(10, P(&skb), 62, 1, 1, 2) == 0);
	TAP_CHECK(call(10, P(&skb), 20, 0, 0, 3) == -EBPF_EINVAL);
	TAP_CHECK(call(10, P(&skb), 20, 0, 0, 0x12) == -EBPF_EINVAL);
	TAP_CHECK(call(11, P(&skb), 20, 0, 0, 0x102) == -EBPF_EINVAL);
	TAP_CHECK(call(10, P(&skb), 20, 1, 0, 0) == -EBPF_EINVAL);
	packet[20] = packet[21] = 0;
	TAP_CHECK(call(11, P(&skb), 20, 1, 2, 0x20 | 2) == 0 &&
		  packet[20] == 0 && packet[21] == 0);
	TAP_CHECK(call(11, P(&skb), 20, 1, 2, 0x60 | 2) == 0 &&
		  (packet[20] || packet[21]));
}

/* ---- packets ---- */

static void
test_copies(void)
{
	uint8_t packet[32], buffer[40];
	struct ebpf_skb_ctx skb = { .data = packet, .data_end = packet + 32 };
	struct ebpf_xdp_ctx xdp = { .data = packet, .data_end = packet + 32 };
	int i;

	for (i = 0; i < 32; i++)
		packet[i] = (uint8_t)i;
	TAP_CHECK(call(26, P(&skb), 30, P(buffer), 2, 0) == 0 &&
		  buffer[0] == 30 && buffer[1] == 31);
	buffer[2] = 0x5a;
	TAP_CHECK(call(26, P(&skb), 31, P(buffer), 2, 0) == -EBPF_EFAULT &&
		  buffer[0] == 0 && buffer[1] == 0 && buffer[2] == 0x5a);
	TAP_CHECK(call(26, P(&skb), 0xffffffff, P(buffer), 2, 0) ==
		  -EBPF_EFAULT);
	TAP_CHECK(call(189, P(&xdp), 0, P(buffer), 32, 0) == 0 &&
		  !memcmp(buffer, packet, 32));
	TAP_CHECK(call(189, P(&xdp), 0, P(buffer), 33, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(190, P(&xdp), 2, P("xyz"), 3, 0) == 0 &&
		  !memcmp(packet, "\0\1xyz\5", 6));
	TAP_CHECK(call(190, P(&xdp), 30, P("xyz"), 3, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(9, P(&skb), 29, P("abc"), 3, 1) == 0 &&
		  !memcmp(packet + 28, "\34abc", 4));
	TAP_CHECK(call(9, P(&skb), 30, P("abc"), 3, 0) == -EBPF_EFAULT);
	TAP_CHECK(call(9, P(&skb), 0, P("abc"), 3, 4) == -EBPF_EINVAL);
	TAP_CHECK(call(188, P(&xdp), 0, 0, 0, 0) == 32);
	skb.len = 32;
	TAP_CHECK(call(39, P(&skb), 32, 0, 0, 0) == 0 &&
		  call(39, P(&skb), 0, 0, 0, 0) == 0 &&
		  call(39, P(&skb), 33, 0, 0, 0) == -EBPF_ENOMEM);
	TAP_CHECK(call(48, P(&skb), 0x1ffffffff, 0, 0, 0) == 0 &&
		  call(34, P(&skb), 0, 0, 0, 0) == 0xffffffff);
	TAP_CHECK(call(41, P(&skb), 0, 0, 0, 0) == 0 &&
		  call(34, P(&skb), 0, 0, 0, 0) == 0);
}

static void
test_ends(void)
{
	uint8_t buffer[256];
	struct ebpf_xdp_ctx xdp = {
		.hard_start = buffer,	   .data_meta = buffer + 64,
		.data = buffer + 64,	   .data_end = buffer + 128,
		.hard_end = buffer + 192,
	};
	int i;

	for (i = 0; i < 256; i++)
		buffer[i] = (uint8_t)i;
	TAP_CHECK(call(44, P(&xdp), (uint64_t)-65, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(44, P(&xdp), 51, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(44, P(&xdp), 0x80000000, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(44, P(&xdp), 0x7fffffff, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(44, P(&xdp), 50, 0, 0, 0) == 0 &&
		  xdp.data == buffer + 114 && xdp.data_meta == buffer + 114);
	TAP_CHECK(call(44, P(&xdp), (uint64_t)-50, 0, 0, 0) == 0 &&
		  xdp.data == buffer + 64);

	TAP_CHECK(call(54, P(&xdp), (uint64_t)-8, 0, 0, 0) == 0 &&
		  xdp.data_meta == buffer + 56 && xdp.data == buffer + 64);
	TAP_CHECK(is_zero_run(buffer + 56, 8));
	memcpy(buffer + 56, "metadata", 8);
	TAP_CHECK(call(54, P(&xdp), 3, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(54, P(&xdp), 12, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(54, P(&xdp), (uint64_t)-60, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(44, P(&xdp), (uint64_t)-57, 0, 0, 0) == -EBPF_EINVAL);
	tap_ok(call(44, P(&xdp), (uint64_t)-56, 0, 0, 0) == 0 &&
	       xdp.data_meta == buffer && xdp.data == buffer + 8 &&
	       !memcmp(buffer, "metadata", 8),
	       "metadata moves with the packet's start");

	TAP_CHECK(call(65, P(&xdp), 65, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(65, P(&xdp), 64, 0, 0, 0) == 0 &&
		  xdp.data_end == buffer + 192 &&
		  is_zero_run(buffer + 128, 64) && buffer[192] == 192);
	TAP_CHECK(call(65, P(&xdp), (uint64_t)-171, 0, 0, 0) == -EBPF_EINVAL);
	TAP_CHECK(call(65, P(&xdp), (uint64_t)-170, 0, 0, 0) == 0 &&
		  xdp.data_end == (uint8_t *)xdp.data + 14);
}

static void
test_rest(void)
{
	uint64_t now = os_time_ns();
	struct ebpf_redirect where;
	int64_t a;

	a = call(5, 0, 0, 0, 0, 0);
	TAP_CHECK((uint64_t)a >= now && call(5, 0, 0, 0, 0, 0) >= a);
	TAP_CHECK((uint64_t)call(160, 0, 0, 0, 0, 0) >= now);
	TAP_CHECK((uint64_t)call(125, 0, 0, 0, 0, 0) >= now);
	TAP_CHECK((uint64_t)call(118, 0, 0, 0, 0, 0) >= now / 4000000);
	TAP_CHECK(call(7, 0, 0, 0, 0, 0) >> 32 == 0);
	TAP_CHECK((uint32_t)call(8, 0, 0, 0, 0, 0) == os_cpu_id());
	TAP_CHECK(call(182, P("abc"), 3, P("abcd"), 0, 0) == 0);
	TAP_CHECK(call(182, P("abc\0x"), 5, P("abc\0y"), 0, 0) == 0);
	TAP_CHECK(call(182, P("abb"), 3, P("abc"), 0, 0) < 0);
	TAP_CHECK(call(182, P("ab\xff"), 3, P("abc"), 0, 0) > 0);
	TAP_CHECK(call(182, P("abc"), 4, P("ab"), 0, 0) > 0);
	TAP_CHECK(!ebpf_redirect_take(helper_rt, &where));
	TAP_CHECK(call(23, 9, 0, 0, 0, 0) == EBPF_XDP_REDIRECT);
	TAP_CHECK(ebpf_redirect_take(helper_rt, &where) && where.target == 9 &&
		  where.map_id == 0 && !ebpf_redirect_take(helper_rt, &where));
	TAP_CHECK(call(23, 9, 1, 0, 0, 0) == EBPF_XDP_ABORTED);
	helper_kind(EBPF_PROG_TC);
	TAP_CHECK(call(23, 8, 1, 0, 0, 0) == 7 &&
		  ebpf_redirect_take(helper_rt, &where) && where.target == 8 &&
		  where.flags == 1);
	TAP_CHECK(call(23, 8, 2, 0, 0, 0) == 2 &&
		  !ebpf_redirect_take(helper_rt, &where));
	helper_kind(EBPF_PROG_XDP);
	TAP_CHECK(call(42, 0, 0, 0, 0, 0) == 0);
}

/* What is here is not assumed as well, and what is assumed has a name. */
static void
test_assumed(void)
{
	uint32_t n, count = 0, twice = 0, nameless = 0;

	for (n = 0; n < EBPF_HELPER_SLOTS; n++) {
		if (!ebpf_assumed_helper(n))
			continue;
		count++;
		twice += ebpf_helper_find(helper_rt, n) != NULL;
		nameless += !ebpf_helper_name(helper_rt, n);
	}
	tap_ok(count > 80 && twice == 0 && nameless == 0,
	       "%u helpers are assumed of Linux alone", count);
}

int
main(void)
{
	helper_begin(EBPF_PROG_XDP);
	helper_prog.obj.id = 77;
	os_cpu_pin();
	test_table();
	test_assumed();
	test_printk();
	test_arrays();
	os_cpu_unpin();
	test_tracelog();
	os_cpu_pin();
	test_checksums();
	test_copies();
	test_ends();
	test_rest();
	os_cpu_unpin();
	return helper_end();
}
