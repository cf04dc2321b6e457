/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Functions and global variables, as in any C program. Each kind of variable
 * becomes an array map of one element that outside programs can read:
 *
 *	const volatile  .rodata  fixed when the program is loaded
 *	initialised     .data
 *	zero            .bss
 *
 *	gebpf prog load globals.bpf.o set limit=64
 *	gebpf map dump name globals.bss
 *
 * The program sends frames in turn to the ports 0 .. port_count-1, and drops
 * those that are longer than limit.
 */
#include "bpf_helpers.h"
#include "vale.h"

/* The compiler must not believe what it reads here: it can be set at load. */
const volatile __u32 limit = 1514;
__u32 port_count = 3;
__u32 turn;
__u64 seen, dropped, bytes;

/* A function of its own, called by others: verified in place. */
static __noinline int next_port(__u32 from)
{
	__u32 port = turn;

	turn = port + 1 < port_count ? port + 1 : 0;
	/* Not back to where it came from, if there is a choice. */
	if (port == from && port_count > 1) {
		port = turn;
		turn = port + 1 < port_count ? port + 1 : 0;
	}
	return port < VALE_BPF_PORT_MAX ? port : VALE_BPF_DROP;
}

/* A global function: only numbers go in and out. */
__noinline int too_long(__u32 len)
{
	bytes += len;
	return len > limit;
}

SEC("vale")
int globals(struct vale_bpf_md *ctx)
{
	__u32 len = ctx->data_end - ctx->data;

	seen++;
	if (too_long(len)) {
		dropped++;
		return VALE_BPF_DROP;
	}
	return next_port(ctx->ingress_port);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
