/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite ports, captures: a file of frames replayed through the switch into
 * another, beside libpcap reading the one and writing the other. Files are in
 * memory and have no names.
 */
#include "bench/suite_ports.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench_crew.h"
#include "bench/bench_net.h"

enum { FRAMES = 200000, PATH = 64, PATIENCE_MS = 60000 };

struct capture {
	int fds[3];
	char in[PATH], out[PATH], empty[PATH];
};

static double
process_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- files ---- */

static int
write_capture(const char *path, uint32_t frames)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *dumper = pcap != NULL ? pcap_dump_open(pcap, path)
					     : NULL;
	struct pcap_pkthdr header = { .caplen = BENCH_FRAME,
				      .len = BENCH_FRAME };
	uint8_t frame[BENCH_FRAME];
	int error = dumper == NULL ? -EIO : 0;

	for (uint32_t i = 0; i < frames && error == 0; i++) {
		bench_net_frame(frame, i & 1, 9); /* to nobody known */
		header.ts.tv_sec = i / 1000000;
		header.ts.tv_usec = i % 1000000;
		pcap_dump((u_char *)dumper, &header, frame);
	}
	if (dumper != NULL) {
		if (pcap_dump_flush(dumper) != 0)
			error = -EIO;
		pcap_dump_close(dumper);
	}
	if (pcap != NULL)
		pcap_close(pcap);
	return error;
}

static int
open_capture(struct capture *capture, bool null)
{
	char *const paths[3] = { capture->in, capture->out, capture->empty };
	int error = 0;

	for (int i = 0; i < 3; i++) {
		capture->fds[i] = memfd_create("gebpf-bench", MFD_CLOEXEC);
		if (capture->fds[i] < 0)
			error = -errno;
		snprintf(paths[i], PATH, "/proc/self/fd/%d", capture->fds[i]);
	}
	if (null)
		snprintf(capture->out, PATH, "/dev/null");
	if (error == 0)
		error = write_capture(capture->in, FRAMES);
	return error != 0 ? error : write_capture(capture->empty, 0);
}

/*
 * ---- measuring: a repetition is the whole file ----
 *
 * All on one processor: the memory that one of them gives back is what the next
 * one takes, while that of another processor may have gone back to the host.
 */

static bool
bare_once(const struct capture *capture)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(capture->in, error);
	struct pcap_pkthdr *header;
	pcap_dumper_t *dumper;
	const u_char *data;
	uint32_t count = 0;

	if (pcap == NULL)
		return false;
	dumper = pcap_dump_open(pcap, capture->out);
	while (dumper != NULL && pcap_next_ex(pcap, &header, &data) == 1) {
		pcap_dump((u_char *)dumper, header, data);
		count++;
	}
	if (dumper != NULL)
		pcap_dump_close(dumper);
	pcap_close(pcap);
	return count == FRAMES;
}

static double
run_bare(void *cookie, uint64_t repeat)
{
	double start = process_ns();

	while (repeat-- > 0)
		if (!bare_once(cookie))
			return -1;
	return process_ns() - start;
}

/* In the switch's own thread: the whole from start to end. */
static bool
ours_once(const struct capture *capture, double *spent)
{
	struct bench_ports ports = { .rt = NULL };
	struct ebpf_rep_switch_info info = { .frames = 0 };
	char port[3 * PATH];
	int error = bench_ports_open(&ports);
	double start;

	snprintf(port, sizeof(port), "pcap:%s", capture->in);
	if (error == 0)
		error = bench_ports_add(&ports, port);
	snprintf(port, sizeof(port), "pcap:%s,%s", capture->empty,
		 capture->out);
	if (error == 0)
		error = bench_ports_add(&ports, port);
	start = process_ns();
	if (error == 0)
		ebpf_vswitch_ops.start(ports.set, "vale0", PATIENCE_MS, &info);
	*spent += process_ns() - start;
	bench_ports_close(&ports);
	return info.verdicts.broadcast == FRAMES;
}

static double
run_ours(void *cookie, uint64_t repeat)
{
	double spent = 0;

	while (repeat-- > 0)
		if (!ours_once(cookie, &spent))
			return -1;
	return spent;
}

static int
measure(struct bench *bench, bool null)
{
	struct capture capture;
	struct bench_pin pin;
	int error;

	bench_pin_to(&pin, 0);
	error = open_capture(&capture, null);
	if (error == 0) {
		bench_row_add(bench, PORTS_SWITCH, run_ours, &capture, FRAMES);
		bench_row_add(bench, PORTS_BARE, run_bare, &capture, FRAMES);
		bench_row_measure(bench);
	}
	for (int i = 0; i < 3; i++)
		if (capture.fds[i] >= 0)
			close(capture.fds[i]);
	bench_pin_back(&pin);
	return error;
}

int
bench_ports_capture(struct bench *bench, struct bench_ports *ports,
		    const struct bench_sides *sides)
{
	return measure(bench, false);
}

int
bench_ports_null(struct bench *bench, struct bench_ports *ports,
		 const struct bench_sides *sides)
{
	return measure(bench, true);
}
