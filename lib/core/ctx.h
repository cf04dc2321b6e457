/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The host's context structs, one per kind of program that has one. Programs
 * see other layouts (kinds.c maps them, the verifier rewrites the accesses).
 * All start with the packet's bounds, so what works on packets of any kind
 * (loads of old filters, helpers) reads struct ebpf_pkt.
 */
#ifndef CORE_CTX_H
#define CORE_CTX_H

#include <stdint.h>

struct ebpf_pkt {
	void *data;
	void *data_end;
};

/* vale, as programs' struct vale_bpf_md. */
struct ebpf_vale_ctx {
	void *data;
	void *data_end;
	uint32_t ingress_port;
	uint8_t ring_nr; /* writable */
	uint8_t pad[3];
};

/* xdp, as programs' struct xdp_md (which has 32-bit fields). */
struct ebpf_xdp_ctx {
	void *data;
	void *data_end;
	void *data_meta;  /* == data: no metadata */
	void *hard_start; /* first byte that data may move down to */
	void *hard_end;	  /* one past the last that data_end may move to */
	uint32_t ingress_ifindex;
	uint32_t rx_queue_index;
	uint32_t egress_ifindex;
	uint32_t pad;
};

/* tc and socket_filter, as programs' struct __sk_buff. */
struct ebpf_skb_ctx {
	void *data;
	void *data_end;
	void *data_meta;
	uint32_t len;
	uint32_t pkt_type; /* Linux PACKET_HOST ... */
	uint32_t mark;
	uint32_t queue_mapping;
	uint32_t protocol; /* as in the frame: network byte order */
	uint32_t vlan_present;
	uint32_t vlan_tci;
	uint32_t vlan_proto;
	uint32_t priority;
	uint32_t ingress_ifindex;
	uint32_t ifindex;
	uint32_t tc_index;
	uint32_t cb[5];
	uint32_t hash;
	uint32_t tc_classid;
	uint32_t napi_id;
	uint32_t wire_len;
	uint32_t gso_segs;
	uint32_t gso_size;
	uint32_t encapsulated; /* by skb_adjust_room */
	uint64_t tstamp;
	uint64_t hwtstamp;
	void *hard_start; /* as above; NULL: no room before data */
	void *hard_end;	  /* NULL: none behind data_end */
	void *mac;	  /* link-layer header; NULL: not known */
	uint32_t mac_len; /* from there to the network header */
	uint32_t pad;
};

#endif
