/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Global variables of every sort, several sections of each kind. */
#include "bpf_helpers.h"

const volatile int fixed = 5;
static const volatile char text[] = "hello";
const volatile int tuned SEC(".rodata.tuned") = 100;
int start = 1000;
static int other_start = 2000;
int special SEC(".data.special") = 7;
static volatile __u64 zero[4];
int bss_global;
struct pair {
	__u16 a, b;
} pairs[3] = { { 1, 2 }, { 3, 4 }, { 5, 6 } };

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 i = bpf_get_smp_processor_id() & 0; /* unknown to the compiler */

	zero[2]++;
	bss_global += 2;
	start++;
	other_start += pairs[2].b;
	special += text[1 + i];
	/* First: 1 + 2 + 1001 + 2006 + (7 + 'e') + 5 + 100 + 4 = 3227 */
	return zero[2] + bss_global + start + other_start + special + fixed +
	       tuned + pairs[1].b;
}
char LICENSE[] SEC("license") = "GPL";
