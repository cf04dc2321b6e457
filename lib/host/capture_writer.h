/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Writing capture files ourselves: the format is 40 bytes of headers, and a
 * full disk must be noticed at the frame where it happened, with a file that
 * ends on a whole record.
 */
#ifndef HOST_CAPTURE_WRITER_H
#define HOST_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_writer {
	int fd;
	bool nano;   /* time stamps count nanoseconds, not microseconds */
	bool failed; /* nothing more is written */
	uint8_t *buffer;
	size_t len;	  /* bytes in buffer: whole records */
	uint64_t written; /* bytes in the file */
	uint64_t lost_frames, lost_bytes; /* accepted, then not written */
};

/* Empty the file and begin it. Errors are errno values, as below. */
int capture_writer_start(struct capture_writer *writer, bool nano);
/* 0, or why nothing more can be written. */
int capture_writer_add(struct capture_writer *writer, uint64_t time_ns,
		       const void *data, uint32_t len, uint32_t wire_len);
int capture_writer_flush(struct capture_writer *writer);

#endif
