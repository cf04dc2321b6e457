/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Section names as they are found in the world. */
#include "bpf_helpers.h"

struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags;
	__u32 id, pinning, inner_id, inner_idx;
};
struct bpf_elf_map jumps SEC("maps") = {
	BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 16, 0, 2, 0, 0, 0
};

#define P(section, name, value) \
	SEC(section) int name(struct xdp_md *ctx) { return value; }
P("xdp", a, 1)
P("xdp.frags", b, 2)
P("xdp/eth0", c, 3)
P("?xdp", d, 4)
P("classifier", e, 5)
P("tc", f, 6)
P("vale", g, 7)
P("vale/vale3", h, 8)
P("raw", i, 9)
P("from-netdev", j, 10)
P("2/7", k, 11)
P("xdp_old_style", l, 12)
P("socket", m, 13)
P("socket2", n, 14)
P("xdp1", o, 15)
P("tc_mark", p, 16)
P("tcx/ingress", q, 17)
P("action", r, 18)
P("classifiers", s, 19)
P("xdpfoo", t, 20)
P("xdp.frags/devmap", u, 21)
P("cgroup/connect4", v, 22)
P("kretprobe/sys_open", w, 23)
P("kprobe.multi/tcp_*", x, 24)
SEC("xdp/jump") int jump(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 7);
	return 200;
}
char LICENSE[] SEC("license") = "GPL";
