/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* CO-RE questions; the types here are the target's types. */
#include "bpf_helpers.h"

struct some {
	int a;
	long b;
	unsigned int bits : 5;
	char tail[11];
} __attribute__((preserve_access_index));
enum num { ONE = 1, LAST = 0x1234 };

struct some state;

SEC("xdp") int prog(struct xdp_md *ctx)
{
	struct some *s = &state;
	int n = 0;

	n += __builtin_preserve_field_info(s->b, 2) * 1000; /* exists */
	n += __builtin_preserve_field_info(s->b, 0);	    /* offset 8 */
	n += __builtin_preserve_field_info(s->tail, 1);	    /* size 11 */
	n += __builtin_preserve_type_info(*(struct some *)0, 1);   /* 32 */
	n += __builtin_preserve_type_info(*(struct some *)0, 0) * 2000;
	n += __builtin_preserve_enum_value(*(enum num *)LAST, 0) * 4000;
	n += __builtin_preserve_enum_value(*(enum num *)LAST, 1); /* 4660 */
	s->b = 9;
	return n + s->b; /* 7000 + 8 + 11 + 32 + 4660 + 9 = 11720 */
}
char LICENSE[] SEC("license") = "GPL";
