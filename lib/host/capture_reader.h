/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Reading capture files of Ethernet frames. The plain format, in either byte
 * order, with micro- or nanoseconds, is read here, a large block at a time;
 * pcapng and everything older or stranger by libpcap. Both end alike. Knows no
 * switch; used by port_pcap.c.
 */
#ifndef HOST_CAPTURE_READER_H
#define HOST_CAPTURE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_reader;

struct capture_record {
	uint64_t time_ns; /* Unix time */
	uint32_t len;	  /* bytes that were captured */
	uint32_t wire_len;
	const uint8_t *data; /* until the next record is asked for */
};

/*
 * Takes the regular file fd, read from its start, and closes it, at the latest
 * here if that fails: an error of ours, with words in why.
 */
int capture_reader_open(int fd, struct capture_reader **reader, char *why,
			size_t why_size);
void capture_reader_close(struct capture_reader *reader); /* NULL is fine */

/* Its time stamps may be finer than microseconds. */
bool capture_reader_nano(const struct capture_reader *reader);
/*
 * 1: a record. 0: that was all. Negative: it breaks off, capture_reader_why()
 * says how; there is nothing after that.
 */
int capture_reader_next(struct capture_reader *reader,
			struct capture_record *record);
const char *capture_reader_why(const struct capture_reader *reader);

#endif
