/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Things that are somewhere else, each used by one program. */
#include "bpf_helpers.h"

extern int nowhere_variable;
extern int nowhere_function(int x);
extern int left_over(void *p, int c, unsigned long n) __asm__("memset");
extern unsigned long CONFIG_HZ __kconfig;
extern const void some_symbol __ksym;
extern int some_kfunc(int x) __ksym;
extern const void maybe_symbol __ksym __weak;

SEC("xdp") int variable(struct xdp_md *ctx)
{
	return nowhere_variable;
}
SEC("xdp") int function(struct xdp_md *ctx)
{
	return nowhere_function(1);
}
SEC("xdp") int library(struct xdp_md *ctx)
{
	char big[8];

	return left_over(big, 0, sizeof(big));
}
SEC("xdp") int config(struct xdp_md *ctx)
{
	return CONFIG_HZ;
}
SEC("xdp") int symbol(struct xdp_md *ctx)
{
	return (long)&some_symbol & 1;
}
SEC("xdp") int kfunc(struct xdp_md *ctx)
{
	return some_kfunc(1);
}
SEC("xdp") int weak(struct xdp_md *ctx)
{
	return &maybe_symbol ? 1 : 2; /* 2 */
}
SEC("xdp") int fine(struct xdp_md *ctx)
{
	return 2;
}
char LICENSE[] SEC("license") = "GPL";
