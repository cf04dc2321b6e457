/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suite ports, TCP: one connection between two taps in two networks, its data
 * through the switch's thread, or through a thread that only reads and writes;
 * both taps with headers, so that data crosses merged.
 */
#include "bench/suite_ports.h"

#include <string.h>

#include "bench/bench_bare.h"
#include "bench/bench_stream.h"

static int
bare_open(struct bench_bare *loop, const struct bench_net nets[4],
	  struct bench_stream *stream)
{
	int error = bench_net_enter(&nets[2]);

	if (error != 0)
		return error;
	error = bench_bare_tap(loop, 0, "tcp0", true);
	if (error == 0)
		error = bench_net_enter(&nets[3]);
	if (error == 0)
		error = bench_bare_tap(loop, 1, "tcp1", true);
	if (error == 0)
		error = bench_net_enter(&nets[2]);
	if (error == 0)
		error = bench_stream_hosts(&nets[2], &nets[3], "tcp0", "tcp1");
	if (error == 0)
		error = bench_bare_start(loop);
	return error != 0 ? error : bench_stream_open(stream, &nets[2], &nets[3]);
}

static int
ours_open(struct bench_ports *ports, const struct bench_net nets[4],
	  struct bench_stream *stream)
{
	int error = bench_ports_open(ports);

	if (error == 0)
		error = bench_net_enter(&nets[0]);
	if (error == 0)
		error = bench_ports_add(ports, "tap:tcp0");
	if (error == 0)
		error = bench_net_enter(&nets[1]);
	if (error == 0)
		error = bench_ports_add(ports, "tap:tcp1");
	if (error == 0)
		error = bench_net_enter(&nets[0]);
	if (error == 0)
		error = bench_stream_hosts(&nets[0], &nets[1], "tcp0", "tcp1");
	return error != 0 ? error : bench_stream_open(stream, &nets[0], &nets[1]);
}

int
bench_ports_tcp(struct bench *bench, struct bench_ports *ports,
		const struct bench_sides *sides)
{
	struct bench_bare loop = BENCH_BARE_NONE;
	struct bench_stream ours = BENCH_STREAM_NONE, bare = BENCH_STREAM_NONE;
	struct bench_net nets[4];
	int error = 0, n;

	memset(nets, 0, sizeof(nets));
	for (n = 0; n < 4 && error == 0; n++)
		error = bench_net_open(&nets[n]);
	if (error == 0)
		error = ours_open(ports, nets, &ours);
	if (error == 0)
		error = bare_open(&loop, nets, &bare);
	if (error == 0) {
		bench_row_add(bench, PORTS_SWITCH, bench_stream_run, &ours,
			      8.0 * BENCH_STREAM_BYTES);
		bench_row_add(bench, PORTS_BARE, bench_stream_run, &bare,
			      8.0 * BENCH_STREAM_BYTES);
		bench_row_measure(bench);
	}
	bench_stream_close(&bare);
	bench_stream_close(&ours);
	bench_bare_close(&loop);
	while (n-- > 0)
		bench_net_close(&nets[n]);
	return error;
}
