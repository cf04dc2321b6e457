/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Bytes from files, words and one frame of a capture (capture.c), and back into
 * files; what is said when a file cannot be opened or written.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/input.h"

FILE *
input_open(struct cmd *cmd, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

	if (file == NULL)
		cmd_fail(cmd,
			 errno == ENOENT   ? EBPF_ENOENT
			 : errno == EACCES ? EBPF_EACCES
					   : EBPF_EIO,
			 "cannot open '%s': %s", path, strerror(errno));
	return file;
}

int
input_file(struct cmd *cmd, const char *path, size_t max, void **data,
	   size_t *len)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = input_open(cmd, path);
	size_t room = 0, n = 0, got;
	uint8_t *bytes = NULL;
	struct stat st;
	int error = 0;

	*data = NULL;
	*len = 0;
	if (file == NULL)
		return cmd->err.code;
	if (!is_stdin && fstat(fileno(file), &st) == 0 &&
	    S_ISDIR(st.st_mode)) {
		fclose(file);
		return cmd_fail(cmd, EBPF_EINVAL, "'%s' is a folder", path);
	}
	do {
		if (n == room) {
			uint8_t *more;

			room = room == 0 ? 65536 : room * 2;
			more = realloc(bytes, room + 1);
			if (more == NULL) {
				error = cmd_no_memory(cmd);
				break;
			}
			bytes = more;
		}
		got = fread(bytes + n, 1, room - n, file);
		n += got;
	} while (got > 0 && n <= max);
	if (error == 0 && ferror(file))
		error = cmd_fail(cmd, EBPF_EIO, "cannot read '%s': %s", path,
				 strerror(errno));
	else if (error == 0 && n > max)
		error = cmd_fail(cmd, EBPF_E2BIG,
				 "'%s' is larger than %zu bytes", path, max);
	if (!is_stdin)
		fclose(file);
	if (error != 0) {
		free(bytes);
		return error;
	}
	bytes[n] = '\0'; /* for those who read text */
	*data = bytes;
	*len = n;
	return 0;
}

int
input_hex(struct cmd *cmd, const char *text, void **data, size_t *len)
{
	uint8_t *bytes = malloc(strlen(text) / 2 + 1);
	size_t n = 0;
	int high = -1;

	if (bytes == NULL)
		return cmd_no_memory(cmd);
	for (const char *c = text; *c != '\0'; c++) {
		int digit;

		if (*c == ' ' || *c == ':' || *c == ',')
			continue;
		if (!isxdigit((unsigned char)*c)) {
			free(bytes);
			return cmd_fail(cmd, CMD_EUSAGE,
					"hex:%s: '%c' is no hexadecimal digit",
					text, *c);
		}
		digit = isdigit((unsigned char)*c)
				? *c - '0'
				: tolower((unsigned char)*c) - 'a' + 10;
		if (high < 0) {
			high = digit;
		} else {
			bytes[n++] = (uint8_t)(high << 4 | digit);
			high = -1;
		}
	}
	if (high >= 0) {
		free(bytes);
		return cmd_fail(cmd, CMD_EUSAGE,
				"hex:%s has an odd number of digits", text);
	}
	*data = bytes;
	*len = n;
	return 0;
}

/* pcap:FILE[:N], the N-th frame, counted from 1 */
static int
read_frame(struct cmd *cmd, const char *spec, void **data, size_t *len)
{
	const char *colon = strrchr(spec, ':');
	struct capture *capture;
	struct capture_frame frame;
	char path[4096];
	uint64_t number = 1;
	int error;

	snprintf(path, sizeof(path), "%s", spec);
	if (colon != NULL && cmd_parse_number(colon + 1, &number)) {
		if ((size_t)(colon - spec) < sizeof(path))
			path[colon - spec] = '\0';
		if (number == 0)
			return cmd_fail(cmd, CMD_EUSAGE,
					"frames are counted from 1");
	} else {
		number = 1;
	}
	error = capture_open(cmd, path, &capture);
	if (error != 0)
		return error;
	do
		error = capture_next(cmd, capture, &frame);
	while (error == 1 && frame.number < number);
	if (error == 0)
		error = cmd_fail(cmd, EBPF_ENOENT, "%s has no frame %llu",
				 path, (unsigned long long)number);
	if (error == 1) {
		*data = malloc(frame.len + 1);
		error = *data == NULL ? cmd_no_memory(cmd) : 0;
		if (error == 0) {
			memcpy(*data, frame.data, frame.len);
			*len = frame.len;
		}
	}
	capture_close(capture);
	return error;
}

int
input_read(struct cmd *cmd, const char *input, void **data, size_t *len)
{
	if (strncmp(input, "hex:", 4) == 0)
		return input_hex(cmd, input + 4, data, len);
	if (strncmp(input, "pcap:", 5) == 0)
		return read_frame(cmd, input + 5, data, len);
	return input_file(cmd, input, INPUT_MAX, data, len);
}

int
output_failed(struct cmd *cmd, const char *path)
{
	return cmd_fail(cmd,
			errno == EACCES ? EBPF_EACCES :
			errno == ENOSPC ? EBPF_ENOSPC :
					  EBPF_EIO,
			"cannot write '%s': %s", path, strerror(errno));
}

int
output_write(struct cmd *cmd, const char *path, const void *data, size_t len)
{
	bool is_stdout = strcmp(path, "-") == 0, bad;
	FILE *file;

	if (is_stdout && !out_is_plain(cmd->out))
		return cmd_fail(cmd, CMD_EUSAGE,
				"bytes on standard output leave no place for "
				"JSON or YAML: name a file");
	file = is_stdout ? stdout : fopen(path, "wb");
	if (file == NULL)
		return output_failed(cmd, path);
	bad = fwrite(data, 1, len, file) != len;
	bad |= is_stdout ? fflush(file) != 0 : fclose(file) != 0;
	if (bad)
		return output_failed(cmd, path);
	return 0;
}
