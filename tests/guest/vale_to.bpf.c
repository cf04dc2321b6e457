/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One program for each answer that a switch may get; tests/guest/vale.sh.
 */
#include "bpf_helpers.h"
#include "vale.h"

SEC("vale") int to_1(struct vale_bpf_md *md) { return 1; }
SEC("vale") int to_2(struct vale_bpf_md *md) { return 2; }
SEC("vale") int to_nobody(struct vale_bpf_md *md) { return 255; }
SEC("vale") int nonsense(struct vale_bpf_md *md) { return 65537; }
SEC("vale") int to_ring(struct vale_bpf_md *md) { md->ring_nr = 200; return 1; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
