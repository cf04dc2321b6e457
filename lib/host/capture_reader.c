/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * See capture_reader.h. A file may grow or be cut while it is read: it is read,
 * not mapped, so that the one is more records and the other an early end.
 */
#include "host/capture_reader.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/error.h"

enum {
	MAGIC_MICRO = 0xa1b2c3d4,
	MAGIC_NANO = 0xa1b23c4d,
	MAGIC_PCAPNG = 0x0a0d0d0a, /* either way round */
	LINK_ETHERNET = 1,
	LARGEST = 262144, /* bytes of a frame, as libpcap has it */
	BLOCK = 128 << 10, /* read at a time */
	PCAP_BUFFER = 256 << 10,
};

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, link;
};

struct record_header {
	uint32_t seconds, fraction, len, wire_len;
};

enum { BUFFER_SIZE = sizeof(struct record_header) + LARGEST + BLOCK };

struct capture_reader {
	pcap_t *pcap; /* NULL: the plain format */
	bool nano, ended;
	/* the plain format */
	int fd;
	bool swapped;
	uint32_t snaplen; /* of a frame, so much is of interest */
	uint32_t unit_ns; /* of a fraction of a second */
	uint8_t *buffer;
	size_t at, end; /* what is still to be looked at */
	char why[128];
};

static uint32_t
order(const struct capture_reader *reader, uint32_t value)
{
	return reader->swapped ? __builtin_bswap32(value) : value;
}

/* ---- opening ---- */

/* False: this is for libpcap. */
static bool
plain_head(struct capture_reader *reader, const struct file_header *head)
{
	uint32_t magic = head->magic, major;

	reader->swapped = magic == __builtin_bswap32(MAGIC_MICRO) ||
			  magic == __builtin_bswap32(MAGIC_NANO);
	magic = order(reader, magic);
	major = reader->swapped ? __builtin_bswap16(head->major) : head->major;
	/* lengths lie the other way round in versions before 2.4 */
	if ((magic != MAGIC_MICRO && magic != MAGIC_NANO) || major != 2 ||
	    (reader->swapped ? __builtin_bswap16(head->minor) : head->minor) !=
		    4 ||
	    order(reader, head->link) != LINK_ETHERNET)
		return false;
	reader->unit_ns = magic == MAGIC_NANO ? 1 : 1000;
	reader->snaplen = order(reader, head->snaplen);
	if (reader->snaplen == 0 || reader->snaplen > LARGEST)
		reader->snaplen = LARGEST;
	return true;
}

/* Takes reader->fd. */
static int
library_begin(struct capture_reader *reader, char *why, size_t why_size)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	const char *link;
	FILE *file = fdopen(reader->fd, "r");

	if (!file) {
		snprintf(why, why_size, "out of memory");
		return -EBPF_ENOMEM;
	}
	reader->fd = -1;
	setvbuf(file, NULL, _IOFBF, PCAP_BUFFER);
	reader->pcap = pcap_fopen_offline_with_tstamp_precision(
		file, PCAP_TSTAMP_PRECISION_NANO, errbuf);
	if (!reader->pcap) {
		fclose(file);
		snprintf(why, why_size, "not a capture that can be read: %s",
			 errbuf);
		return -EBPF_EINVAL;
	}
	if (pcap_datalink(reader->pcap) != DLT_EN10MB) {
		link = pcap_datalink_val_to_name(pcap_datalink(reader->pcap));
		snprintf(why, why_size,
			 "its link type is %s (%d), a switch needs Ethernet "
			 "(EN10MB)", link ? link : "unknown",
			 pcap_datalink(reader->pcap));
		return -EBPF_EINVAL;
	}
	return 0;
}

int
capture_reader_open(int fd, struct capture_reader **result, char *why,
		    size_t why_size)
{
	struct capture_reader *reader = calloc(1, sizeof(*reader));
	struct file_header head = { .magic = 0 };
	ssize_t n = pread(fd, &head, sizeof(head), 0);
	int error = 0;

	if (!reader) {
		close(fd);
		snprintf(why, why_size, "out of memory");
		return -EBPF_ENOMEM;
	}
	reader->fd = fd;
	reader->nano = head.magic == MAGIC_PCAPNG ||
		       head.magic == MAGIC_NANO ||
		       head.magic == __builtin_bswap32(MAGIC_NANO);
	if (n != (ssize_t)sizeof(head) || !plain_head(reader, &head)) {
		error = library_begin(reader, why, why_size);
	} else {
		reader->buffer = malloc(BUFFER_SIZE);
		if (!reader->buffer ||
		    lseek(fd, sizeof(head), SEEK_SET) < 0) {
			error = -EBPF_ENOMEM;
			snprintf(why, why_size, "out of memory");
		}
	}
	if (error) {
		capture_reader_close(reader);
		return error;
	}
	*result = reader;
	return 0;
}

void
capture_reader_close(struct capture_reader *reader)
{
	if (!reader)
		return;
	if (reader->pcap)
		pcap_close(reader->pcap);
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader->buffer);
	free(reader);
}

bool
capture_reader_nano(const struct capture_reader *reader)
{
	return reader->nano;
}

const char *
capture_reader_why(const struct capture_reader *reader)
{
	return reader->why;
}

/* ---- reading ---- */

/*
 * So many bytes at reader->at, at most a record's; fewer if the file has no
 * more. Negative: it cannot be read.
 */
static int
need(struct capture_reader *reader, size_t count)
{
	ssize_t n;

	if (reader->end - reader->at >= count)
		return 0;
	memmove(reader->buffer, reader->buffer + reader->at,
		reader->end - reader->at);
	reader->end -= reader->at;
	reader->at = 0;
	while (reader->end < count) {
		n = read(reader->fd, reader->buffer + reader->end, BLOCK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			snprintf(reader->why, sizeof(reader->why), "%s",
				 strerror(errno));
			return -1;
		}
		if (n == 0)
			break;
		reader->end += (size_t)n;
	}
	return 0;
}

static int
cut(struct capture_reader *reader, const char *what, size_t wanted, size_t got)
{
	snprintf(reader->why, sizeof(reader->why),
		 "the file ends in a record: %zu of %zu bytes of its %s", got,
		 wanted, what);
	return -1;
}

static int
plain_next(struct capture_reader *reader, struct capture_record *record)
{
	struct record_header head;
	size_t left;
	uint32_t len;

	if (need(reader, sizeof(head)))
		return -1;
	left = reader->end - reader->at;
	if (left == 0)
		return 0;
	if (left < sizeof(head))
		return cut(reader, "header", sizeof(head), left);
	memcpy(&head, reader->buffer + reader->at, sizeof(head));
	len = order(reader, head.len);
	if (len > LARGEST) {
		snprintf(reader->why, sizeof(reader->why),
			 "a record claims %u bytes, more than %u", len,
			 LARGEST);
		return -1;
	}
	reader->at += sizeof(head);
	if (need(reader, len))
		return -1;
	left = reader->end - reader->at;
	if (left < len)
		return cut(reader, "frame", len, left);
	record->data = reader->buffer + reader->at;
	record->len = len < reader->snaplen ? len : reader->snaplen;
	record->wire_len = order(reader, head.wire_len);
	record->time_ns =
		(uint64_t)order(reader, head.seconds) * 1000000000u +
		(uint64_t)order(reader, head.fraction) * reader->unit_ns;
	reader->at += len;
	return 1;
}

static int
library_next(struct capture_reader *reader, struct capture_record *record)
{
	struct pcap_pkthdr *head;
	const u_char *data;
	int result = pcap_next_ex(reader->pcap, &head, &data);

	if (result == PCAP_ERROR_BREAK)
		return 0;
	if (result != 1) {
		snprintf(reader->why, sizeof(reader->why), "%.120s",
			 pcap_geterr(reader->pcap));
		return -1;
	}
	record->data = data;
	record->len = head->caplen;
	record->wire_len = head->len;
	record->time_ns = (uint64_t)head->ts.tv_sec * 1000000000u +
			  (uint64_t)head->ts.tv_usec;
	return 1;
}

int
capture_reader_next(struct capture_reader *reader,
		    struct capture_record *record)
{
	int result;

	if (reader->ended)
		return 0;
	result = reader->pcap ? library_next(reader, record) :
				plain_next(reader, record);
	reader->ended = result != 1;
	return result;
}
