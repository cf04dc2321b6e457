/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A learning bridge for a VALE switch. It remembers behind which port each
 * MAC address was last seen and sends frames for that address only there;
 * frames for everybody, or for an address not seen yet, go to all ports.
 *
 *	gebpf prog load l2_bridge.bpf.o
 *	gebpf vale create vale0
 *	gebpf attach vale vale0 l2_bridge
 *	gebpf map dump name mac_table
 *
 * Addresses do not age: when the table is full, new ones are not learned.
 */
#include "bpf_endian.h"
#include "bpf_helpers.h"
#include "vale.h"

struct mac {
	__u8 addr[6];
};

struct port {
	__u32 index;
};

/* Types in the definition let "map dump" print addresses and ports by name. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct mac);
	__type(value, struct port);
} mac_table SEC(".maps");

struct frame {
	struct mac dst, src;
	__u16 type;
} __attribute__((packed));

SEC("vale")
int l2_bridge(struct vale_bpf_md *ctx)
{
	struct frame *frame = ctx->data;
	struct port in = { ctx->ingress_port };
	struct port *known;
	struct mac mac;

	/* The verifier demands this before the frame may be read. */
	if ((void *)(frame + 1) > ctx->data_end)
		return VALE_BPF_DROP;

	/*
	 * Learn the sender: unless it is a group address, which no sender may
	 * use, and only if it is new or has moved, so that most frames only
	 * read the table.
	 */
	mac = frame->src;
	if ((mac.addr[0] & 1) == 0) {
		known = bpf_map_lookup_elem(&mac_table, &mac);
		if (known == NULL)
			bpf_map_update_elem(&mac_table, &mac, &in, BPF_ANY);
		else if (known->index != in.index)
			known->index = in.index;
	}

	/* Broadcast and multicast are for everybody. */
	mac = frame->dst;
	if (mac.addr[0] & 1)
		return VALE_BPF_BROADCAST;
	known = bpf_map_lookup_elem(&mac_table, &mac);
	if (known == NULL)
		return VALE_BPF_BROADCAST;
	/* The receiver is on the side where the frame came from. */
	if (known->index == in.index)
		return VALE_BPF_DROP;
	return known->index;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
