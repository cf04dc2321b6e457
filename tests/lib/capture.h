/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Capture files for tests, written and read byte by byte without libpcap, so
 * that what the switch reads and writes is checked against something else.
 */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct capture_frame {
	uint64_t time_ns;
	uint32_t len, wire_len;
	const uint8_t *data;
};

/* A classic pcap file. NULL when it cannot be made. */
FILE *capture_create(const char *path, bool nano, uint32_t link);
void capture_put(FILE *file, bool nano, uint64_t time_ns, const void *data,
		 uint32_t len, uint32_t wire_len);

/* A pcapng file of Ethernet frames with nanosecond time stamps. */
FILE *capture_create_ng(const char *path);
void capture_put_ng(FILE *file, uint64_t time_ns, const void *data,
		    uint32_t len);

/* All frames of a classic pcap file; free() gives back everything. */
struct capture {
	bool nano;
	bool whole; /* it ends where a record ends */
	uint32_t count;
	struct capture_frame frames[];
};
struct capture *capture_read(const char *path);

#endif
