/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See capture_writer.h. Called by port_pcap.c. */
#include "host/capture_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	BUFFER_SIZE = 256 << 10,
	MAGIC_MICRO = 0xa1b2c3d4,
	MAGIC_NANO = 0xa1b23c4d,
	SNAPLEN = 262144,
	LINK_ETHERNET = 1,
};

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, link;
};

struct record_header {
	uint32_t seconds, fraction, len, wire_len;
};

/*
 * After a failed write: keep what whole records reached the file, count the
 * others. The buffer starts at a record; only its end was not written.
 */
static void
give_up(struct capture_writer *writer, size_t done)
{
	struct record_header record;
	size_t at = 0, whole = 0;

	if (writer->written == 0 && done >= sizeof(struct file_header))
		at = whole = sizeof(struct file_header);
	else if (writer->written == 0)
		at = sizeof(struct file_header);
	while (at + sizeof(record) <= writer->len) {
		memcpy(&record, writer->buffer + at, sizeof(record));
		at += sizeof(record) + record.len;
		if (at <= done) {
			whole = at;
			continue;
		}
		writer->lost_frames++;
		writer->lost_bytes += record.len;
	}
	writer->failed = true;
	writer->written += whole;
	writer->len = 0;
	if (ftruncate(writer->fd, (off_t)writer->written))
		return; /* a device file has no length to mend */
}

int
capture_writer_flush(struct capture_writer *writer)
{
	size_t done = 0;
	ssize_t n;
	int error;

	while (done < writer->len) {
		n = write(writer->fd, writer->buffer + done, writer->len - done);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		error = n < 0 ? errno : EIO;
		give_up(writer, done);
		return error;
	}
	writer->written += writer->len;
	writer->len = 0;
	return 0;
}

int
capture_writer_start(struct capture_writer *writer, bool nano)
{
	struct file_header header = {
		.magic = nano ? MAGIC_NANO : MAGIC_MICRO,
		.major = 2,
		.minor = 4,
		.snaplen = SNAPLEN,
		.link = LINK_ETHERNET,
	};

	writer->nano = nano;
	if (!writer->buffer)
		writer->buffer = malloc(BUFFER_SIZE);
	if (!writer->buffer) {
		writer->failed = true;
		return ENOMEM;
	}
	if (ftruncate(writer->fd, 0) && errno != EINVAL) {
		writer->failed = true;
		return errno;
	}
	memcpy(writer->buffer, &header, sizeof(header));
	writer->len = sizeof(header);
	/* At once: a file that nothing is sent to is an empty capture too. */
	return capture_writer_flush(writer);
}

int
capture_writer_add(struct capture_writer *writer, uint64_t time_ns,
		   const void *data, uint32_t len, uint32_t wire_len)
{
	struct record_header record = {
		.seconds = (uint32_t)(time_ns / 1000000000),
		.fraction = (uint32_t)(time_ns % 1000000000) /
			    (writer->nano ? 1 : 1000),
		.len = len,
		.wire_len = wire_len,
	};
	int error;

	if (writer->failed)
		return EIO;
	if (writer->len + sizeof(record) + len > BUFFER_SIZE) {
		error = capture_writer_flush(writer);
		if (error)
			return error;
	}
	memcpy(writer->buffer + writer->len, &record, sizeof(record));
	memcpy(writer->buffer + writer->len + sizeof(record), data, len);
	writer->len += sizeof(record) + len;
	return 0;
}
