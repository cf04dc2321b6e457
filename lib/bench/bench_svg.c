/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See below */
#include "bench/bench_impl.h"
#include "abi/error.h"
int
bench_svg(const struct bench *bench, FILE *file)
{
	return -EBPF_EUNSUPPORTED;
}
