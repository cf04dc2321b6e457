/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Bytes that commands read and write: INPUT of command.def, capture files,
 * whole files.
 */
#ifndef CMD_INPUT_H
#define CMD_INPUT_H

#include <stdio.h>

#include "cmd/cmd.h"

/* To read; "-" is standard input. NULL: cmd says why. */
FILE *input_open(struct cmd *cmd, const char *path);
/* A whole file or standard input, at most max bytes; *data is malloc'd, with a
 * NUL behind it. */
int input_file(struct cmd *cmd, const char *path, size_t max, void **data,
	       size_t *len);

/* FILE, -, hex:BYTES, pcap:FILE[:N]; *data is malloc'd. */
int input_read(struct cmd *cmd, const char *input, void **data, size_t *len);
int input_hex(struct cmd *cmd, const char *text, void **data, size_t *len);
/* "-" is standard output. */
int output_write(struct cmd *cmd, const char *path, const void *data,
		 size_t len);
/* What is said of a file that cannot be written: errno says why. */
int output_failed(struct cmd *cmd, const char *path);

enum { INPUT_MAX = 32 << 20 };

/* A capture being read. */
struct capture;
struct capture_frame {
	const uint8_t *data;
	uint32_t len;
	uint64_t number; /* from 1 */
	int64_t seconds;
	uint32_t micros;
};
int capture_open(struct cmd *cmd, const char *path, struct capture **capture);
void capture_close(struct capture *capture);
/* 1: a frame, 0: the end, else an error (a file that is cut off, ...). */
int capture_next(struct cmd *cmd, struct capture *capture,
		 struct capture_frame *frame);

/* A capture being written, of the same link type as another. */
struct capture_out;
int capture_create(struct cmd *cmd, const char *path,
		   const struct capture *like, struct capture_out **out);
int capture_write(struct cmd *cmd, struct capture_out *out,
		  const struct capture_frame *frame, const uint8_t *data,
		  uint32_t len);
int capture_finish(struct cmd *cmd, struct capture_out *out);

#endif
