/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Captures that commands read and write, by libpcap. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/input.h"

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
	FILE *file = input_open(cmd, path);

	*capture = NULL;
	if (file == NULL)
		return cmd->err.code;
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
		return output_failed(cmd, out->path);
	return 0;
}

int
capture_finish(struct cmd *cmd, struct capture_out *out)
{
	int error = 0;

	if (out == NULL)
		return 0;
	if (pcap_dump_flush(out->dumper) != 0)
		error = output_failed(cmd, out->path);
	pcap_dump_close(out->dumper);
	free(out->path);
	free(out);
	return error;
}
