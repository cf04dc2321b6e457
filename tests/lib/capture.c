/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See capture.h. */
#include "capture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
put32(FILE *file, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, file);
}

FILE *
capture_create(const char *path, bool nano, uint32_t link)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return NULL;
	put32(file, nano ? 0xa1b23c4d : 0xa1b2c3d4);
	put32(file, 4u << 16 | 2);
	put32(file, 0);
	put32(file, 0);
	put32(file, 262144);
	put32(file, link);
	return file;
}

void
capture_put(FILE *file, bool nano, uint64_t time_ns, const void *data,
	    uint32_t len, uint32_t wire_len)
{
	put32(file, (uint32_t)(time_ns / 1000000000));
	put32(file, (uint32_t)(time_ns % 1000000000) / (nano ? 1 : 1000));
	put32(file, len);
	put32(file, wire_len);
	fwrite(data, 1, len, file);
}

FILE *
capture_create_ng(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return NULL;
	put32(file, 0x0a0d0d0a); /* section header */
	put32(file, 28);
	put32(file, 0x1a2b3c4d);
	put32(file, 1);
	put32(file, 0xffffffff);
	put32(file, 0xffffffff);
	put32(file, 28);
	put32(file, 1); /* interface: Ethernet, if_tsresol 10^-9 */
	put32(file, 32);
	put32(file, 1);
	put32(file, 262144);
	put32(file, 1u << 16 | 9);
	put32(file, 9);
	put32(file, 0);
	put32(file, 32);
	return file;
}

void
capture_put_ng(FILE *file, uint64_t time_ns, const void *data, uint32_t len)
{
	static const uint8_t zeros[4];
	uint32_t padded = (len + 3) & ~3u;

	put32(file, 6); /* enhanced packet */
	put32(file, 32 + padded);
	put32(file, 0);
	put32(file, (uint32_t)(time_ns >> 32));
	put32(file, (uint32_t)time_ns);
	put32(file, len);
	put32(file, len);
	fwrite(data, 1, len, file);
	fwrite(zeros, 1, padded - len, file);
	put32(file, 32 + padded);
}

struct capture *
capture_read(const char *path)
{
	struct capture *capture = NULL;
	struct capture_frame *frame;
	uint32_t head[6], record[4];
	size_t at, size, room, count = 0;
	uint8_t *bytes;
	struct stat st;
	FILE *file;

	file = fopen(path, "r");
	if (!file)
		return NULL;
	if (fstat(fileno(file), &st) || st.st_size < (off_t)sizeof(head))
		goto close;
	size = (size_t)st.st_size;
	room = size / sizeof(record);
	capture = malloc(sizeof(*capture) + room * sizeof(*frame) + size);
	if (!capture)
		goto close;
	bytes = (uint8_t *)&capture->frames[room];
	if (fread(bytes, 1, size, file) != size)
		memset(bytes, 0, size);
	memcpy(head, bytes, sizeof(head));
	capture->nano = head[0] == 0xa1b23c4d;
	for (at = sizeof(head); at + sizeof(record) <= size;
	     at += sizeof(record) + record[2]) {
		memcpy(record, bytes + at, sizeof(record));
		if (record[2] > size - at - sizeof(record))
			break;
		frame = &capture->frames[count++];
		frame->time_ns = (uint64_t)record[0] * 1000000000 +
				 (uint64_t)record[1] *
					 (capture->nano ? 1 : 1000);
		frame->len = record[2];
		frame->wire_len = record[3];
		frame->data = bytes + at + sizeof(record);
	}
	capture->count = (uint32_t)count;
	capture->whole = at == size;
close:
	fclose(file);
	return capture;
}
