/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Bytes from files, words and captures, and back into files. Captures are
 * read and written by libpcap.
 */
#include <ctype.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/input.h"
#include "cmd/load.h"

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
	return read_file(cmd, input, INPUT_MAX, data, len);
}

/* errno says why. */
static int
write_failed(struct cmd *cmd, const char *path)
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
		return write_failed(cmd, path);
	bad = fwrite(data, 1, len, file) != len;
	bad |= is_stdout ? fflush(file) != 0 : fclose(file) != 0;
	if (bad)
		return write_failed(cmd, path);
	return 0;
}

/* ---- captures ---- */

struct capture {
	pcap_t *pcap;
	char *path;
	uint64_t count;
};

struct capture_out {
	pcap_dumper_t *dumper;
	char *path;
};

int
capture_open(struct cmd *cmd, const char *path, struct capture **capture)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct capture *c;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

	*capture = NULL;
	if (file == NULL)
		return cmd_fail(cmd,
				errno == ENOENT	  ? EBPF_ENOENT
				: errno == EACCES ? EBPF_EACCES
						  : EBPF_EIO,
				"cannot open '%s': %s", path, strerror(errno));
	c = calloc(1, sizeof(*c));
	if (c == NULL || (c->path = strdup(path)) == NULL) {
		free(c);
		if (file != stdin)
			fclose(file);
		return cmd_no_memory(cmd);
	}
	c->pcap = pcap_fopen_offline(file, why);
	if (c->pcap == NULL) {
		if (file != stdin)
			fclose(file);
		free(c->path);
		free(c);
		cmd_fail(cmd, EBPF_EINVAL, "'%s' is no capture: %s", path,
			 why);
		return cmd_hint(cmd, "captures are made with: tcpdump -w "
				     "FILE");
	}
	*capture = c;
	return 0;
}

void
capture_close(struct capture *capture)
{
	if (capture == NULL)
		return;
	pcap_close(capture->pcap);
	free(capture->path);
	free(capture);
}

int
capture_next(struct cmd *cmd, struct capture *capture,
	     struct capture_frame *frame)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	switch (pcap_next_ex(capture->pcap, &header, &data)) {
	case 1:
		frame->data = data;
		frame->len = header->caplen;
		frame->number = ++capture->count;
		frame->seconds = header->ts.tv_sec;
		frame->micros = (uint32_t)header->ts.tv_usec;
		return 1;
	case PCAP_ERROR_BREAK:
		return 0;
	default:
		return cmd_fail(cmd, EBPF_EINVAL,
				"'%s' is broken after frame %llu: %s",
				capture->path,
				(unsigned long long)capture->count,
				pcap_geterr(capture->pcap));
	}
}

int
capture_create(struct cmd *cmd, const char *path, const struct capture *like,
	       struct capture_out **out)
{
	struct capture_out *o = calloc(1, sizeof(*o));

	*out = NULL;
	if (o == NULL || (o->path = strdup(path)) == NULL) {
		free(o);
		return cmd_no_memory(cmd);
	}
	o->dumper = pcap_dump_open(like->pcap, path);
	if (o->dumper == NULL) {
		free(o->path);
		free(o);
		return cmd_fail(cmd, EBPF_EIO, "cannot write '%s': %s", path,
				pcap_geterr(like->pcap));
	}
	*out = o;
	return 0;
}

int
capture_write(struct cmd *cmd, struct capture_out *out,
	      const struct capture_frame *frame, const uint8_t *data,
	      uint32_t len)
{
	struct pcap_pkthdr header = {
		.ts = { .tv_sec = frame->seconds, .tv_usec = frame->micros },
		.caplen = len,
		.len = len,
	};

	pcap_dump((u_char *)out->dumper, &header, data);
	if (ferror(pcap_dump_file(out->dumper)))
		return write_failed(cmd, out->path);
	return 0;
}

int
capture_finish(struct cmd *cmd, struct capture_out *out)
{
	int error = 0;

	if (out == NULL)
		return 0;
	if (pcap_dump_flush(out->dumper) != 0)
		error = write_failed(cmd, out->path);
	pcap_dump_close(out->dumper);
	free(out->path);
	free(out);
	return error;
}
