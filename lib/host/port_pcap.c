/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * pcap:IN[,OUT]: a port whose frames come from a capture file and whose
 * outgoing frames go to another. IN is what capture_reader.h reads (pcap,
 * pcapng; Ethernet only); OUT has the frames' original time stamps,
 * in nanoseconds when any IN of the switch may have them. OUT is made when the
 * port is added and emptied when replay starts; frames that other ports send
 * here before that are dropped and counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/os.h"
#include "host/capture_reader.h"
#include "host/capture_writer.h"
#include "host/vswitch_parts.h"

struct capture {
	struct capture_reader *in;
	bool pending; /* a frame has been read and not taken */
	struct capture_record record; /* that frame */
	uint64_t frames; /* read whole */
	bool has_out, started;
	struct capture_writer out;
	uint64_t lost_counted; /* of out.lost_frames */
	uint64_t lost_bytes_counted;
	struct vale_file *in_file, *out_file;
	char in_path[EBPF_PATH_SIZE], out_path[EBPF_PATH_SIZE];
};

/* ---- files that belong to ports ---- */

/* NULL: somebody writes to it, or we would write to what somebody reads. */
static struct vale_file *
file_claim(struct ebpf_vswitch *set, const struct stat *st, bool writing,
	   int *error)
{
	struct vale_file *file, *mine;

	mine = calloc(1, sizeof(*mine));
	if (!mine) {
		*error = -EBPF_ENOMEM;
		return NULL;
	}
	mine->dev = st->st_dev;
	mine->ino = st->st_ino;
	mine->writing = writing;
	pthread_mutex_lock(&set->files_lock);
	for (file = set->files; file; file = file->next)
		if (file->dev == mine->dev && file->ino == mine->ino &&
		    (file->writing || writing))
			break;
	if (!file) {
		mine->next = set->files;
		set->files = mine;
	}
	pthread_mutex_unlock(&set->files_lock);
	if (!file)
		return mine;
	free(mine);
	*error = -EBPF_EBUSY;
	return NULL;
}

static void
file_release(struct ebpf_vswitch *set, struct vale_file *file)
{
	struct vale_file **at;

	if (!file)
		return;
	pthread_mutex_lock(&set->files_lock);
	for (at = &set->files; *at != file; at = &(*at)->next)
		;
	*at = file->next;
	pthread_mutex_unlock(&set->files_lock);
	free(file);
}

/* ---- opening ---- */

static int
open_in(struct vale_port *port, struct capture *capture, char *why,
	size_t why_size)
{
	const char *path = capture->in_path;
	char words[160];
	struct stat st;
	int fd, error;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		error = vale_error(errno);
		snprintf(why, why_size, "%.120s: %s", path, strerror(errno));
		goto close;
	}
	if (!S_ISREG(st.st_mode)) {
		error = -EBPF_EINVAL;
		snprintf(why, why_size, "%.120s: not a regular file", path);
		goto close;
	}
	capture->in_file = file_claim(port->set, &st, false, &error);
	if (!capture->in_file) {
		snprintf(why, why_size, error == -EBPF_EBUSY ?
			 "%.120s: another port writes to it" : "%.120s: out of memory",
			 path);
		goto close;
	}
	error = capture_reader_open(fd, &capture->in, words, sizeof(words));
	if (error)
		snprintf(why, why_size, "%.120s: %s", path, words);
	return error;

close:
	if (fd >= 0)
		close(fd);
	return error;
}

static int
open_out(struct vale_port *port, struct capture *capture, char *why,
	 size_t why_size)
{
	const char *path = capture->out_path;
	struct stat st;
	bool made = false;
	int fd, error;

	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		made = fd >= 0;
	}
	if (fd < 0 || fstat(fd, &st)) {
		error = vale_error(errno);
		snprintf(why, why_size, "cannot write %.120s: %s%s", path,
			 strerror(errno), errno == ENOENT ?
			 " (is its folder there?)" : "");
		goto close;
	}
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
		error = -EBPF_EINVAL;
		snprintf(why, why_size, "cannot write %.120s: not a regular file",
			 path);
		goto close;
	}
	/* Devices like /dev/null may be shared. */
	if (S_ISREG(st.st_mode)) {
		if (st.st_dev == capture->in_file->dev &&
		    st.st_ino == capture->in_file->ino) {
			error = -EBPF_EINVAL;
			snprintf(why, why_size, "IN and OUT are the same file: "
				 "%.120s", path);
			goto close;
		}
		capture->out_file = file_claim(port->set, &st, true, &error);
		if (!capture->out_file) {
			snprintf(why, why_size, error == -EBPF_EBUSY ?
				 "%.120s: another port uses it" :
				 "%.120s: out of memory", path);
			goto close;
		}
	}
	capture->out.fd = fd;
	capture->has_out = true;
	return 0;

close:
	if (fd >= 0)
		close(fd);
	if (made)
		unlink(path);
	return error;
}

static void
capture_free(struct ebpf_vswitch *set, struct capture *capture)
{
	capture_reader_close(capture->in);
	if (capture->has_out)
		close(capture->out.fd);
	free(capture->out.buffer);
	file_release(set, capture->in_file);
	file_release(set, capture->out_file);
	free(capture);
}

static int
pcap_port_open(struct vale_port *port, const char *argument, char *why,
	       size_t why_size)
{
	struct capture *capture;
	const char *comma = strchr(argument, ',');
	size_t len = comma ? (size_t)(comma - argument) : strlen(argument);
	int error;

	if (argument[0] != '/' || (comma && comma[1] != '/')) {
		snprintf(why, why_size, comma && !comma[1] ?
			 "no name after the comma" :
			 "file names must be absolute");
		return -EBPF_EINVAL;
	}
	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return -EBPF_ENOMEM;
	memcpy(capture->in_path, argument, len);
	if (comma)
		snprintf(capture->out_path, sizeof(capture->out_path), "%s",
			 comma + 1);
	error = open_in(port, capture, why, why_size);
	if (!error && comma)
		error = open_out(port, capture, why, why_size);
	if (error) {
		capture_free(port->set, capture);
		return error;
	}
	port->state = capture;
	return 0;
}

static void
pcap_port_close(struct vale_port *port)
{
	capture_free(port->set, port->state);
}

static void
pcap_port_name(const char *argument, char name[EBPF_NAME_SIZE])
{
	size_t len = strcspn(argument, ",");
	size_t start = len, dot;

	while (start && argument[start - 1] != '/')
		start--;
	for (dot = len; dot > start + 1; dot--)
		if (argument[dot - 1] == '.') {
			len = dot - 1;
			break;
		}
	snprintf(name, EBPF_NAME_SIZE, "%.*s", (int)(len - start),
		 argument + start);
}

/* ---- reading ---- */

static bool
pcap_port_wants_nano(const struct vale_port *port)
{
	const struct capture *capture = port->state;

	return capture_reader_nano(capture->in);
}

static bool
advance(struct vale_port *port, struct capture *capture)
{
	int result;

	while ((result = capture_reader_next(capture->in, &capture->record)) ==
	       1) {
		capture->frames++;
		if (capture->record.len >= VALE_FRAME_MIN &&
		    capture->record.len <= VALE_FRAME_MAX) {
			capture->pending = true;
			return true;
		}
		port->info.rx_drops++;
	}
	if (result < 0)
		vale_port_fail(port, -EBPF_EIO,
			       "%.120s breaks off after %llu frames: %.100s",
			       capture->in_path,
			       (unsigned long long)capture->frames,
			       capture_reader_why(capture->in));
	return false;
}

static bool
pcap_port_peek(struct vale_port *port, uint64_t *time_ns, uint32_t *len)
{
	struct capture *capture = port->state;

	if (!capture->pending && !advance(port, capture))
		return false;
	*time_ns = capture->record.time_ns;
	*len = capture->record.len;
	return true;
}

static void
pcap_port_take(struct vale_port *port, uint8_t *at, uint32_t *wire_len)
{
	struct capture *capture = port->state;
	uint32_t len = capture->record.len;

	memcpy(at, capture->record.data, len);
	*wire_len = capture->record.wire_len > len ? capture->record.wire_len :
						     len;
	capture->pending = false;
}

/* ---- writing ---- */

/* Take back what had been counted as sent and then did not fit the disk. */
static void
out_failed(struct vale_port *port, struct capture *capture, int number)
{
	uint64_t lost = capture->out.lost_frames - capture->lost_counted;

	port->info.tx_frames -= lost;
	port->info.tx_bytes -= capture->out.lost_bytes -
			       capture->lost_bytes_counted;
	port->info.tx_drops += lost;
	capture->lost_counted = capture->out.lost_frames;
	capture->lost_bytes_counted = capture->out.lost_bytes;
	vale_port_fail(port, vale_error(number), "writing %.150s: %s",
		       capture->out_path, strerror(number));
}

static void
pcap_port_start(struct vale_port *port, bool nano)
{
	struct capture *capture = port->state;
	int number;

	if (!capture->has_out)
		return;
	number = capture_writer_start(&capture->out, nano);
	if (number)
		out_failed(port, capture, number);
	capture->started = true;
}

static void
pcap_port_flush(struct vale_port *port)
{
	struct capture *capture = port->state;
	int number;

	if (!capture->started || capture->out.failed)
		return;
	number = capture_writer_flush(&capture->out);
	if (number)
		out_failed(port, capture, number);
}

static void
pcap_port_send(struct vale_port *port, const struct vale_burst *burst,
	       const uint8_t *index, uint32_t count)
{
	struct capture *capture = port->state;
	const struct ebpf_frame *frame;
	uint32_t i;
	int number;

	/* A port without OUT takes frames and forgets them. */
	if (capture->has_out && (!capture->started || capture->out.failed)) {
		port->info.tx_drops += count;
		return;
	}
	for (i = 0; i < count; i++) {
		frame = &burst->frames[index[i]];
		if (capture->has_out && !capture->out.failed) {
			number = capture_writer_add(
				&capture->out, burst->time_ns[index[i]],
				frame->data, frame->len,
				burst->wire_len[index[i]]);
			if (number)
				out_failed(port, capture, number);
		}
		if (capture->out.failed) {
			port->info.tx_drops++;
			continue;
		}
		port->info.tx_frames++;
		port->info.tx_bytes += frame->len;
	}
	/* Live traffic has no end at which to write. */
	if (!os_load(&port->vale->replaying))
		pcap_port_flush(port);
}

const struct vale_port_ops vale_port_pcap = {
	.kind = "pcap",
	.open = pcap_port_open,
	.close = pcap_port_close,
	.name = pcap_port_name,
	.send = pcap_port_send,
	.wants_nano = pcap_port_wants_nano,
	.start = pcap_port_start,
	.peek = pcap_port_peek,
	.take = pcap_port_take,
	.flush = pcap_port_flush,
};
