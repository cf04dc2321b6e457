/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The capture reader beside libpcap: the same records and the same kind of end
 * out of files of every byte order and unit, cut anywhere, with bytes changed
 * anywhere; and files that grow or shrink under the reader.
 */
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dice.h"
#include "host/capture_reader.h"
#include "tap.h"

enum {
	HEADER = 24,
	RECORD = 16,
	ROOM = 4 << 20,
};

static uint8_t image[ROOM], changed[ROOM];
static struct dice dice = { 0x9e3779b97f4a7c15ull };
static int memory; /* the file both read */

static uint32_t
turned(bool swapped, uint32_t value)
{
	return swapped ? __builtin_bswap32(value) : value;
}

static void
put32(uint8_t **at, bool swapped, uint32_t value)
{
	value = turned(swapped, value);
	memcpy(*at, &value, sizeof(value));
	*at += sizeof(value);
}

static uint32_t
any_length(void)
{
	switch (dice_below(&dice, 24)) {
	case 0:
		return 0;
	case 1:
		return 65535 + dice_below(&dice, 3);
	case 2:
		return 262144 - dice_below(&dice, 3);
	default:
		return dice_below(&dice, 1600);
	}
}

/* How many bytes it has. */
static size_t
make_image(bool swapped, bool nano, uint32_t records)
{
	static const uint32_t snaplens[] = { 0, 40, 1500, 65535, 262144,
					     300000, 0x7fffffff, 0xffffffff };
	uint16_t version[2] = { 2, 4 };
	uint8_t *at = image;
	uint32_t i, j, len;

	put32(&at, swapped, nano ? 0xa1b23c4d : 0xa1b2c3d4);
	for (i = 0; i < 2; i++)
		if (swapped)
			version[i] = __builtin_bswap16(version[i]);
	memcpy(at, version, sizeof(version));
	at += sizeof(version);
	put32(&at, swapped, 0);
	put32(&at, swapped, 0);
	put32(&at, swapped, snaplens[dice_below(&dice, 8)]);
	put32(&at, swapped, 1);
	for (i = 0; i < records; i++) {
		len = any_length();
		if ((size_t)(at - image) + RECORD + len > ROOM)
			break;
		put32(&at, swapped, 1700000000 + i);
		put32(&at, swapped, dice_below(&dice, nano ? 1000000000 :
							     1000000));
		put32(&at, swapped, len);
		put32(&at, swapped, len + dice_below(&dice, 3));
		for (j = 0; j < len; j++)
			*at++ = (uint8_t)(i + j);
	}
	return (size_t)(at - image);
}

/* A file of its own: where it is read does not move the others' places. */
static int
open_file(const uint8_t *bytes, size_t len)
{
	char path[64];

	if (ftruncate(memory, 0) || pwrite(memory, bytes, len, 0) !=
					    (ssize_t)len) {
		printf("Bail out! no memory file\n");
		exit(1);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Fractions beyond a second are garbage that each reads in its own way. */
static bool
same_record(const struct capture_record *ours, const struct pcap_pkthdr *head,
	    const u_char *data)
{
	uint64_t seconds = (uint32_t)head->ts.tv_sec;

	if (head->ts.tv_usec >= 0 && head->ts.tv_usec < 1000000000 &&
	    ours->time_ns !=
		    seconds * 1000000000 + (uint64_t)head->ts.tv_usec)
		return false;
	return ours->len == head->caplen && ours->wire_len == head->len &&
	       memcmp(ours->data, data, head->caplen) == 0;
}

/* Words on what differs; "" for nothing. *records: how many there were. */
static const char *
compare(const uint8_t *bytes, size_t len, uint32_t *records)
{
	char errbuf[PCAP_ERRBUF_SIZE], why[160] = "";
	FILE *file = fdopen(open_file(bytes, len), "r");
	struct capture_reader *reader = NULL;
	struct capture_record record;
	struct pcap_pkthdr *head;
	const u_char *data;
	const char *wrong = "";
	int ours, theirs;
	pcap_t *pcap;

	*records = 0;
	pcap = pcap_fopen_offline_with_tstamp_precision(
		file, PCAP_TSTAMP_PRECISION_NANO, errbuf);
	ours = capture_reader_open(open_file(bytes, len), &reader, why,
				   sizeof(why));
	if (!pcap) {
		fclose(file);
		if (ours == 0)
			wrong = "one that libpcap does not take is taken";
		capture_reader_close(reader);
		return wrong;
	}
	if (ours != 0) {
		if (pcap_datalink(pcap) == DLT_EN10MB || why[0] == '\0')
			wrong = "one that libpcap takes is not taken";
		pcap_close(pcap);
		return wrong;
	}
	for (;;) {
		ours = capture_reader_next(reader, &record);
		theirs = pcap_next_ex(pcap, &head, &data);
		if (ours != 1 || theirs != 1)
			break;
		if (!same_record(&record, head, data))
			wrong = "a record is another";
		++*records;
	}
	if (ours != (theirs == 1 ? 1 : theirs == PCAP_ERROR_BREAK ? 0 : -1))
		wrong = "one ends otherwise";
	if (ours < 0 && capture_reader_why(reader)[0] == '\0')
		wrong = "no words on why it breaks off";
	if (ours != 1 && capture_reader_next(reader, &record) != 0)
		wrong = "there is something behind the end";
	capture_reader_close(reader);
	pcap_close(pcap);
	return wrong;
}

static void
test_beside_libpcap(bool swapped, bool nano)
{
	uint32_t round, n, cuts = 0, records = 0, all = 0;
	const char *wrong = "";
	size_t len, to;

	for (round = 0; round < 60 && *wrong == '\0'; round++) {
		len = make_image(swapped, nano, dice_below(&dice, 60));
		wrong = compare(image, len, &n);
		all += n;
		for (uint32_t i = 0; i < 6 && *wrong == '\0'; i++) {
			to = dice_below(&dice, (uint32_t)len + 1);
			wrong = compare(image, to, &n);
			cuts++;
			records += n;
		}
	}
	tap_ok(*wrong == '\0' && all > 500 && records > 500,
	       "%s, %s: %u records, and %u in %u files that are cut%s%s",
	       swapped ? "swapped" : "native", nano ? "nano" : "micro", all,
	       records, cuts, *wrong ? ": " : "", wrong);
}

/* A few bytes anywhere, mostly in what counts: headers. */
static void
test_changed(void)
{
	uint32_t round, i, n, records = 0;
	const char *wrong = "";
	size_t len, at;

	for (round = 0; round < 3000 && *wrong == '\0'; round++) {
		len = make_image(round & 1, round & 2, 4);
		if (len > 20000)
			continue;
		memcpy(changed, image, len);
		for (i = 1 + dice_below(&dice, 3); i > 0; i--) {
			at = dice_below(&dice, 3) ?
				     dice_below(&dice, HEADER + RECORD) :
				     dice_below(&dice, (uint32_t)len);
			if (at < len)
				changed[at] = dice_below(&dice, 2) ?
						      0xff :
						      (uint8_t)dice_below(
							      &dice, 256);
		}
		wrong = compare(changed, len, &n);
		records += n;
	}
	tap_ok(*wrong == '\0' && records > 500,
	       "3000 files with changed bytes, %u records%s%s", records,
	       *wrong ? ": " : "", wrong);
}

/* Records of 100 bytes, so many. */
static size_t
even_image(uint32_t records)
{
	uint8_t *at = image + make_image(false, false, 0);

	for (uint32_t i = 0; i < records; i++) {
		put32(&at, false, i);
		put32(&at, false, 0);
		put32(&at, false, 100);
		put32(&at, false, 100);
		memset(at, (int)i, 100);
		at += 100;
	}
	return (size_t)(at - image);
}

static void
test_moving_end(void)
{
	enum { MANY = 9000, SIZE = RECORD + 100 };
	struct capture_reader *reader;
	struct capture_record record;
	char why[160];
	uint32_t count = 0;
	size_t len = even_image(MANY);
	int fd, result;

	fd = open_file(image, HEADER + 10 * SIZE);
	if (capture_reader_open(fd, &reader, why, sizeof(why))) {
		tap_ok(false, "open: %s", why);
		return;
	}
	for (; count < 9; count++)
		if (capture_reader_next(reader, &record) != 1)
			break;
	if (pwrite(memory, image, len, 0) != (ssize_t)len)
		tap_diag("pwrite");
	while (capture_reader_next(reader, &record) == 1)
		count++;
	tap_ok(count == MANY, "a file that grows is read to its new end: %u",
	       count);
	capture_reader_close(reader);

	fd = open_file(image, len);
	if (capture_reader_open(fd, &reader, why, sizeof(why))) {
		tap_ok(false, "open: %s", why);
		return;
	}
	for (count = 0; count < 9; count++)
		if (capture_reader_next(reader, &record) != 1)
			break;
	if (ftruncate(memory, HEADER + 5 * SIZE))
		tap_diag("ftruncate");
	while ((result = capture_reader_next(reader, &record)) == 1)
		count++;
	tap_ok(result <= 0 && count >= 9 && count < MANY,
	       "a file that is cut ends early: %u records", count);
	capture_reader_close(reader);
}

int
main(void)
{
	memory = memfd_create("capture_test", MFD_CLOEXEC);
	for (int i = 0; i < 4; i++)
		test_beside_libpcap(i & 1, i & 2);
	test_changed();
	test_moving_end();
	close(memory);
	return tap_done();
}
