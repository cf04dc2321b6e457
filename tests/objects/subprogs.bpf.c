/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Calls in all directions: within a section, across, by symbol, by section. */
#include "bpf_helpers.h"

static __noinline int in_text(int x)
{
	barrier_var(x);
	return x * 3 + 1;
}
__noinline int global_in_text(int x)
{
	barrier_var(x);
	return in_text(x) + in_text(x + 1); /* 6x + 5 */
}
/* Static, in a section of programs, and called: no program. */
static __noinline __attribute__((section("xdp"))) int in_section(int x)
{
	barrier_var(x);
	return global_in_text(x) - 1; /* 6x + 4 */
}
SEC("xdp") int first(struct xdp_md *ctx)
{
	return in_section(2) + in_text(1); /* 16 + 4 */
}
SEC("xdp") int second(struct xdp_md *ctx)
{
	return in_section(1) + global_in_text(0) + in_text(100); /* 10+5+301 */
}
SEC("xdp/third") int third(struct xdp_md *ctx)
{
	return in_section(5) + 1; /* 35 */
}
/* Static and called by nobody: a program. */
static SEC("xdp/static") int lonely(struct xdp_md *ctx)
{
	return in_text(7); /* 22 */
}
char LICENSE[] SEC("license") = "GPL";
