/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Program kinds as Linux has them, for verification only: what a program may
 * read and write of its context, and which helpers it may call there. Covers
 * kinds that exist only inside Linux, and Linux's larger contexts of those that
 * exist here. Kinds whose context has Linux's own types are left out.
 */
#include "core/assumed.h"

/* ---- contexts: byte offsets and sizes of Linux's structs ---- */

#define F(at, bytes, what, write)                                   \
	{                                                           \
		.off = at, .size = bytes, .type = EBPF_CTX_##what,  \
		.writable = write,                                  \
	}
#define N4(at, write) F(at, 4, SCALAR, write)
#define ADDRESS6(at, write) \
	N4(at, write), N4(at + 4, write), N4(at + 8, write), N4(at + 12, write)

/* struct __sk_buff; w_: whether that kind may write */
#define SKB_HEAD(w_mark, w_queue, w_priority, w_index)                    \
	N4(0, 0), N4(4, 0), N4(8, w_mark), N4(12, w_queue), N4(16, 0),    \
		N4(20, 0), N4(24, 0), N4(28, 0), N4(32, w_priority),      \
		N4(36, 0), N4(40, 0), N4(44, w_index), N4(48, 1),         \
		N4(52, 1), N4(56, 1), N4(60, 1), N4(64, 1), N4(68, 0)
#define SKB_DATA F(76, 4, PKT, 0), F(80, 4, PKT_END, 0)
#define SKB_SOCKET                                                        \
	N4(88, 0), N4(92, 0), N4(96, 0), ADDRESS6(100, 0),                \
		ADDRESS6(116, 0), N4(132, 0), N4(136, 0)
#define SKB_NAPI N4(84, 0)
#define SKB_TAIL N4(164, 0), F(168, 8, SOCK_COMMON_OR_NULL, 0), N4(176, 0)

static const struct ebpf_ctx_field socket_fields[] = {
	SKB_HEAD(0, 0, 0, 0), SKB_NAPI, SKB_TAIL,
};

static const struct ebpf_ctx_field tc_fields[] = {
	SKB_HEAD(1, 1, 1, 1),
	N4(72, 1),
	SKB_DATA,
	SKB_NAPI,
	F(140, 4, PKT_META, 0),
	F(152, 8, SCALAR, 1),
	N4(160, 0),
	SKB_TAIL,
	F(180, 1, SCALAR, 0),
	F(184, 8, SCALAR, 0),
};

static const struct ebpf_ctx_field cgroup_skb_fields[] = {
	SKB_HEAD(1, 0, 1, 0), SKB_DATA, SKB_NAPI, SKB_SOCKET,
	F(152, 8, SCALAR, 1), SKB_TAIL,
};

static const struct ebpf_ctx_field lwt_fields[] = {
	SKB_HEAD(1, 0, 1, 0), SKB_DATA, SKB_NAPI, SKB_TAIL,
};

static const struct ebpf_ctx_field sk_skb_fields[] = {
	SKB_HEAD(0, 0, 1, 1), SKB_DATA, SKB_NAPI, SKB_SOCKET, SKB_TAIL,
};

static const struct ebpf_ctx_field flow_dissector_fields[] = {
	SKB_DATA, F(144, 8, FLOW_KEYS, 0),
};

static const struct ebpf_ctx_field xdp_fields[] = {
	F(0, 4, PKT, 0), F(4, 4, PKT_END, 0), F(8, 4, PKT_META, 0),
	N4(12, 0),	 N4(16, 0),	      N4(20, 0),
};

/* struct bpf_sock */
static const struct ebpf_ctx_field sock_fields[] = {
	N4(0, 1),	 N4(4, 0),	  N4(8, 0),	   N4(12, 0),
	N4(16, 1),	 N4(20, 1),	  N4(24, 0),	   ADDRESS6(28, 0),
	N4(44, 0),	 F(48, 2, SCALAR, 0), N4(52, 0),   ADDRESS6(56, 0),
	N4(72, 0),	 N4(76, 0),
};

/* struct bpf_sock_addr */
static const struct ebpf_ctx_field sock_addr_fields[] = {
	N4(0, 0),  N4(4, 1),  ADDRESS6(8, 1),  N4(24, 1), N4(28, 0),
	N4(32, 0), N4(36, 0), N4(40, 1), ADDRESS6(44, 1),
	F(64, 8, SOCK, 0),
};

/* struct bpf_sock_ops */
static const struct ebpf_ctx_field sock_ops_fields[] = {
	N4(0, 0),   ADDRESS6(4, 1), N4(20, 0),	N4(24, 0),  N4(28, 0),
	ADDRESS6(32, 0), ADDRESS6(48, 0), N4(64, 0), N4(68, 0), N4(72, 0),
	N4(76, 0),  N4(80, 0),	N4(84, 0),  N4(88, 0),	N4(92, 0),
	N4(96, 0),  N4(100, 0), N4(104, 0), N4(108, 0), N4(112, 0),
	N4(116, 0), N4(120, 0), N4(124, 0), N4(128, 0), N4(132, 0),
	N4(136, 0), N4(140, 0), N4(144, 0), N4(148, 0), N4(152, 0),
	N4(156, 0), N4(160, 0), N4(164, 1),
	F(168, 8, SCALAR, 0), F(176, 8, SCALAR, 0),
	F(184, 8, SOCK_OR_NULL, 0),
	F(192, 8, PKT, 0), F(200, 8, PKT_END, 0),
	N4(208, 0), N4(212, 0), F(216, 8, SCALAR, 0),
};

/* struct sk_msg_md */
static const struct ebpf_ctx_field sk_msg_fields[] = {
	F(0, 8, PKT, 0), F(8, 8, PKT_END, 0), N4(16, 0), N4(20, 0), N4(24, 0),
	ADDRESS6(28, 0), ADDRESS6(44, 0), N4(60, 0), N4(64, 0), N4(68, 0),
	F(72, 8, SOCK, 0),
};

/* struct sk_reuseport_md */
static const struct ebpf_ctx_field sk_reuseport_fields[] = {
	F(0, 8, PKT, 0), F(8, 8, PKT_END, 0), N4(16, 0), N4(20, 0), N4(24, 0),
	N4(28, 0), N4(32, 0), F(40, 8, SOCK, 0), F(48, 8, SOCK_OR_NULL, 0),
};

/* struct bpf_sk_lookup */
static const struct ebpf_ctx_field sk_lookup_fields[] = {
	F(0, 8, SOCK_OR_NULL, 0), N4(8, 0), N4(12, 0), N4(16, 0),
	ADDRESS6(20, 0), N4(36, 0), N4(40, 0), ADDRESS6(44, 0), N4(60, 0),
	N4(64, 0),
};

/* struct bpf_cgroup_dev_ctx, bpf_sysctl, bpf_sockopt */
static const struct ebpf_ctx_field cgroup_device_fields[] = {
	N4(0, 0), N4(4, 0), N4(8, 0),
};
static const struct ebpf_ctx_field cgroup_sysctl_fields[] = {
	N4(0, 0), N4(4, 1),
};
static const struct ebpf_ctx_field cgroup_sockopt_fields[] = {
	F(0, 8, SOCK, 0), F(8, 8, PKT, 0), F(16, 8, PKT_END, 0), N4(24, 1),
	N4(28, 1), N4(32, 1), N4(36, 1),
};

/* ---- who may call what: Linux 6.18, asked helper by helper ---- */

#define CALL(name) EBPF_FUNC_##name

static const uint8_t every_kind[] = {
	CALL(map_lookup_elem), CALL(map_update_elem), CALL(map_delete_elem),
	CALL(ktime_get_ns), CALL(trace_printk), CALL(get_prandom_u32),
	CALL(get_smp_processor_id), CALL(tail_call),
	CALL(get_current_pid_tgid), CALL(get_current_uid_gid),
	CALL(get_current_comm), CALL(get_cgroup_classid),
	CALL(perf_event_read), CALL(get_current_task),
	CALL(current_task_under_cgroup), CALL(get_numa_node_id),
	CALL(perf_event_read_value), CALL(get_current_cgroup_id),
	CALL(map_push_elem), CALL(map_pop_elem), CALL(map_peek_elem),
	CALL(spin_lock), CALL(spin_unlock), CALL(strtol), CALL(strtoul),
	CALL(send_signal), CALL(probe_read_user), CALL(probe_read_kernel),
	CALL(probe_read_user_str), CALL(probe_read_kernel_str),
	CALL(send_signal_thread), CALL(jiffies64),
	CALL(get_ns_current_pid_tgid), CALL(get_current_ancestor_cgroup_id),
	CALL(ktime_get_boot_ns), CALL(ringbuf_output), CALL(ringbuf_reserve),
	CALL(ringbuf_submit), CALL(ringbuf_discard), CALL(ringbuf_query),
	CALL(get_task_stack), CALL(copy_from_user), CALL(snprintf_btf),
	CALL(per_cpu_ptr), CALL(this_cpu_ptr), CALL(task_storage_get),
	CALL(task_storage_delete), CALL(get_current_task_btf),
	CALL(for_each_map_elem), CALL(snprintf), CALL(timer_init),
	CALL(timer_set_callback), CALL(timer_start), CALL(timer_cancel),
	CALL(task_pt_regs), CALL(get_branch_snapshot), CALL(trace_vprintk),
	CALL(find_vma), CALL(loop), CALL(strncmp), CALL(copy_from_user_task),
	CALL(kptr_xchg), CALL(map_lookup_percpu_elem), CALL(dynptr_from_mem),
	CALL(ringbuf_reserve_dynptr), CALL(ringbuf_submit_dynptr),
	CALL(ringbuf_discard_dynptr), CALL(dynptr_read), CALL(dynptr_write),
	CALL(dynptr_data), CALL(ktime_get_tai_ns), CALL(user_ringbuf_drain),
};

static const uint8_t conversions[] = {
	CALL(skc_to_tcp6_sock), CALL(skc_to_tcp_sock),
	CALL(skc_to_tcp_timewait_sock), CALL(skc_to_tcp_request_sock),
	CALL(skc_to_udp6_sock), CALL(ktime_get_coarse_ns),
	CALL(skc_to_unix_sock), CALL(skc_to_mptcp_sock),
};

static const uint8_t socket_calls[] = {
	CALL(perf_event_output), CALL(skb_load_bytes), CALL(get_socket_cookie),
	CALL(get_socket_uid), CALL(skb_load_bytes_relative),
	CALL(get_netns_cookie),
};

static const uint8_t tracing_calls[] = {
	CALL(probe_read), CALL(perf_event_output), CALL(get_stackid),
	CALL(probe_read_str), CALL(get_stack), CALL(get_func_ip),
	CALL(get_attach_cookie),
};

static const uint8_t tc_calls[] = {
	CALL(skb_store_bytes), CALL(l3_csum_replace), CALL(l4_csum_replace),
	CALL(clone_redirect), CALL(skb_vlan_push), CALL(skb_vlan_pop),
	CALL(skb_get_tunnel_key), CALL(skb_set_tunnel_key), CALL(redirect),
	CALL(get_route_realm), CALL(perf_event_output), CALL(skb_load_bytes),
	CALL(csum_diff), CALL(skb_get_tunnel_opt), CALL(skb_set_tunnel_opt),
	CALL(skb_change_proto), CALL(skb_change_type), CALL(skb_under_cgroup),
	CALL(get_hash_recalc), CALL(skb_change_tail), CALL(skb_pull_data),
	CALL(csum_update), CALL(set_hash_invalid), CALL(skb_change_head),
	CALL(get_socket_cookie), CALL(get_socket_uid), CALL(set_hash),
	CALL(skb_adjust_room), CALL(skb_get_xfrm_state),
	CALL(skb_load_bytes_relative), CALL(fib_lookup), CALL(skb_cgroup_id),
	CALL(skb_ancestor_cgroup_id), CALL(sk_lookup_tcp), CALL(sk_lookup_udp),
	CALL(sk_release), CALL(sk_fullsock), CALL(tcp_sock),
	CALL(skb_ecn_set_ce), CALL(get_listener_sock), CALL(skc_lookup_tcp),
	CALL(tcp_check_syncookie), CALL(sk_storage_get),
	CALL(sk_storage_delete), CALL(tcp_gen_syncookie),
	CALL(get_netns_cookie), CALL(sk_assign), CALL(csum_level),
	CALL(skb_cgroup_classid), CALL(redirect_neigh), CALL(redirect_peer),
	CALL(check_mtu), CALL(skb_set_tstamp),
	CALL(tcp_raw_gen_syncookie_ipv4), CALL(tcp_raw_gen_syncookie_ipv6),
	CALL(tcp_raw_check_syncookie_ipv4), CALL(tcp_raw_check_syncookie_ipv6),
};

static const uint8_t xdp_calls[] = {
	CALL(redirect), CALL(perf_event_output), CALL(csum_diff),
	CALL(xdp_adjust_head), CALL(redirect_map), CALL(xdp_adjust_meta),
	CALL(xdp_adjust_tail), CALL(fib_lookup), CALL(sk_lookup_tcp),
	CALL(sk_lookup_udp), CALL(sk_release), CALL(skc_lookup_tcp),
	CALL(tcp_check_syncookie), CALL(tcp_gen_syncookie), CALL(check_mtu),
	CALL(xdp_get_buff_len), CALL(xdp_load_bytes), CALL(xdp_store_bytes),
	CALL(tcp_raw_gen_syncookie_ipv4), CALL(tcp_raw_gen_syncookie_ipv6),
	CALL(tcp_raw_check_syncookie_ipv4), CALL(tcp_raw_check_syncookie_ipv6),
};

static const uint8_t perf_event_calls[] = {
	CALL(probe_read), CALL(perf_event_output), CALL(get_stackid),
	CALL(probe_read_str), CALL(perf_prog_read_value), CALL(get_stack),
	CALL(read_branch_records), CALL(get_func_ip), CALL(get_attach_cookie),
};

static const uint8_t cgroup_skb_calls[] = {
	CALL(perf_event_output), CALL(skb_load_bytes), CALL(get_socket_cookie),
	CALL(get_socket_uid), CALL(skb_load_bytes_relative),
	CALL(skb_cgroup_id), CALL(get_local_storage),
	CALL(skb_ancestor_cgroup_id), CALL(sk_lookup_tcp), CALL(sk_lookup_udp),
	CALL(sk_release), CALL(sk_fullsock), CALL(tcp_sock),
	CALL(skb_ecn_set_ce), CALL(get_listener_sock), CALL(skc_lookup_tcp),
	CALL(sk_storage_get), CALL(sk_storage_delete), CALL(get_netns_cookie),
	CALL(sk_cgroup_id), CALL(sk_ancestor_cgroup_id),
};

static const uint8_t cgroup_sock_calls[] = {
	CALL(perf_event_output), CALL(get_socket_cookie),
	CALL(get_local_storage), CALL(sk_storage_get), CALL(get_netns_cookie),
	CALL(ktime_get_coarse_ns), CALL(get_retval), CALL(set_retval),
};

static const uint8_t lwt_in_calls[] = {
	CALL(get_route_realm), CALL(perf_event_output), CALL(skb_load_bytes),
	CALL(csum_diff), CALL(skb_under_cgroup), CALL(get_hash_recalc),
	CALL(skb_pull_data), CALL(lwt_push_encap),
};

static const uint8_t lwt_out_calls[] = {
	CALL(get_route_realm), CALL(perf_event_output), CALL(skb_load_bytes),
	CALL(csum_diff), CALL(skb_under_cgroup), CALL(get_hash_recalc),
	CALL(skb_pull_data),
};

static const uint8_t lwt_xmit_calls[] = {
	CALL(skb_store_bytes), CALL(l3_csum_replace), CALL(l4_csum_replace),
	CALL(clone_redirect), CALL(skb_get_tunnel_key),
	CALL(skb_set_tunnel_key), CALL(redirect), CALL(get_route_realm),
	CALL(perf_event_output), CALL(skb_load_bytes), CALL(csum_diff),
	CALL(skb_get_tunnel_opt), CALL(skb_set_tunnel_opt),
	CALL(skb_under_cgroup), CALL(get_hash_recalc), CALL(skb_change_tail),
	CALL(skb_pull_data), CALL(csum_update), CALL(set_hash_invalid),
	CALL(skb_change_head), CALL(lwt_push_encap), CALL(csum_level),
};

static const uint8_t sock_ops_calls[] = {
	CALL(perf_event_output), CALL(get_socket_cookie), CALL(setsockopt),
	CALL(sock_map_update), CALL(getsockopt), CALL(sock_ops_cb_flags_set),
	CALL(sock_hash_update), CALL(get_local_storage), CALL(tcp_sock),
	CALL(sk_storage_get), CALL(sk_storage_delete), CALL(get_netns_cookie),
	CALL(load_hdr_opt), CALL(store_hdr_opt), CALL(reserve_hdr_opt),
};

static const uint8_t sk_skb_calls[] = {
	CALL(skb_store_bytes), CALL(perf_event_output), CALL(skb_load_bytes),
	CALL(skb_change_tail), CALL(skb_pull_data), CALL(skb_change_head),
	CALL(get_socket_cookie), CALL(get_socket_uid), CALL(skb_adjust_room),
	CALL(sk_redirect_map), CALL(sk_redirect_hash), CALL(sk_lookup_tcp),
	CALL(sk_lookup_udp), CALL(sk_release), CALL(skc_lookup_tcp),
};

static const uint8_t cgroup_device_calls[] = {
	CALL(perf_event_output), CALL(get_local_storage),
};

static const uint8_t sk_msg_calls[] = {
	CALL(perf_event_output), CALL(msg_redirect_map), CALL(msg_apply_bytes),
	CALL(msg_cork_bytes), CALL(msg_pull_data), CALL(msg_redirect_hash),
	CALL(msg_push_data), CALL(msg_pop_data), CALL(sk_storage_get),
	CALL(sk_storage_delete), CALL(get_netns_cookie),
};

static const uint8_t cgroup_sock_addr_calls[] = {
	CALL(perf_event_output), CALL(get_socket_cookie), CALL(setsockopt),
	CALL(getsockopt), CALL(bind), CALL(get_local_storage),
	CALL(sk_lookup_tcp), CALL(sk_lookup_udp), CALL(sk_release),
	CALL(skc_lookup_tcp), CALL(sk_storage_get), CALL(sk_storage_delete),
	CALL(get_netns_cookie), CALL(get_retval), CALL(set_retval),
};

static const uint8_t lwt_seg6local_calls[] = {
	CALL(get_route_realm), CALL(perf_event_output), CALL(skb_load_bytes),
	CALL(csum_diff), CALL(skb_under_cgroup), CALL(get_hash_recalc),
	CALL(skb_pull_data), CALL(lwt_seg6_store_bytes),
	CALL(lwt_seg6_adjust_srh), CALL(lwt_seg6_action),
};

static const uint8_t sk_reuseport_calls[] = {
	CALL(skb_load_bytes), CALL(get_socket_cookie),
	CALL(skb_load_bytes_relative), CALL(sk_select_reuseport),
	CALL(ktime_get_coarse_ns),
};

static const uint8_t flow_dissector_calls[] = {
	CALL(skb_load_bytes),
};

static const uint8_t cgroup_sysctl_calls[] = {
	CALL(perf_event_output), CALL(get_local_storage),
	CALL(sysctl_get_name), CALL(sysctl_get_current_value),
	CALL(sysctl_get_new_value), CALL(sysctl_set_new_value),
	CALL(ktime_get_coarse_ns),
};

static const uint8_t cgroup_sockopt_calls[] = {
	CALL(perf_event_output), CALL(setsockopt), CALL(getsockopt),
	CALL(get_local_storage), CALL(tcp_sock), CALL(sk_storage_get),
	CALL(sk_storage_delete), CALL(get_netns_cookie), CALL(get_retval),
	CALL(set_retval),
};

static const uint8_t sk_lookup_calls[] = {
	CALL(perf_event_output), CALL(sk_release), CALL(sk_assign),
};

/* ---- the kinds ---- */

struct assumed {
	struct ebpf_kind kind;
	const uint8_t *calls;
	uint8_t call_count;
	uint8_t converts; /* may look into sockets as Linux's own structs */
};

#define LIST(prefix)                                      \
	.calls = prefix##_calls,                          \
	.call_count = sizeof(prefix##_calls)
#define KIND(KIND_, name_, bits, packet, table, size)             \
	.kind = {                                                 \
		.name = name_,                                    \
		.number = EBPF_PROG_##KIND_,                      \
		.bit = bits,                                      \
		.entry = EBPF_ENTRY_CTX,                          \
		.pkt_writable = packet,                           \
		.fields = table,                                  \
		.field_count = sizeof(table) / sizeof(table[0]),  \
		.ctx_size = size,                                 \
	}
/* A context of plain numbers: all but the first bytes may be read. */
#define PLAIN(KIND_, name_, first, size)      \
	.kind = {                             \
		.name = name_,                \
		.number = EBPF_PROG_##KIND_,  \
		.entry = EBPF_ENTRY_CTX,      \
		.host_size = first,           \
		.ctx_size = size,             \
	}

static const struct assumed kinds[] = {
	{ KIND(SOCKET, "socket_filter", EBPF_KINDS_SOCKET, 0, socket_fields,
	       192), LIST(socket), 1 },
	{ KIND(TC, "sched_cls", EBPF_KINDS_TC, 1, tc_fields, 192), LIST(tc),
	  1 },
	{ KIND(SCHED_ACT, "sched_act", EBPF_KINDS_TC, 1, tc_fields, 192),
	  LIST(tc), 1 },
	{ KIND(XDP, "xdp", EBPF_KINDS_XDP, 1, xdp_fields, 24), LIST(xdp), 1 },
	{ KIND(CGROUP_SKB, "cgroup_skb", 0, 0, cgroup_skb_fields, 192),
	  LIST(cgroup_skb), 1 },
	{ KIND(LWT_IN, "lwt_in", 0, 0, lwt_fields, 192), LIST(lwt_in), 1 },
	{ KIND(LWT_OUT, "lwt_out", 0, 0, lwt_fields, 192), LIST(lwt_out), 1 },
	{ KIND(LWT_XMIT, "lwt_xmit", 0, 1, lwt_fields, 192), LIST(lwt_xmit),
	  1 },
	{ KIND(LWT_SEG6LOCAL, "lwt_seg6local", 0, 0, lwt_fields, 192),
	  LIST(lwt_seg6local), 1 },
	{ KIND(SK_SKB, "sk_skb", 0, 1, sk_skb_fields, 192), LIST(sk_skb), 1 },
	{ KIND(FLOW_DISSECTOR, "flow_dissector", 0, 0, flow_dissector_fields,
	       192), LIST(flow_dissector), 1 },
	{ KIND(SK_MSG, "sk_msg", 0, 1, sk_msg_fields, 80), LIST(sk_msg), 1 },
	{ KIND(SOCK_OPS, "sock_ops", 0, 0, sock_ops_fields, 224),
	  LIST(sock_ops), 1 },
	{ KIND(SK_REUSEPORT, "sk_reuseport", 0, 0, sk_reuseport_fields, 56),
	  LIST(sk_reuseport), 0 },
	{ KIND(SK_LOOKUP, "sk_lookup", 0, 0, sk_lookup_fields, 72),
	  LIST(sk_lookup), 1 },
	{ KIND(CGROUP_SOCK, "cgroup_sock", 0, 0, sock_fields, 80),
	  LIST(cgroup_sock), 0 },
	{ KIND(CGROUP_SOCK_ADDR, "cgroup_sock_addr", 0, 0, sock_addr_fields,
	       72), LIST(cgroup_sock_addr), 1 },
	{ KIND(CGROUP_DEVICE, "cgroup_device", 0, 0, cgroup_device_fields, 12),
	  LIST(cgroup_device), 0 },
	{ KIND(CGROUP_SYSCTL, "cgroup_sysctl", 0, 0, cgroup_sysctl_fields, 8),
	  LIST(cgroup_sysctl), 0 },
	{ KIND(CGROUP_SOCKOPT, "cgroup_sockopt", 0, 1, cgroup_sockopt_fields,
	       40), LIST(cgroup_sockopt), 0 },
	/* registers of x86-64; those and two numbers; 12 arguments */
	{ PLAIN(KPROBE, "kprobe", 0, 168), LIST(tracing), 0 },
	{ PLAIN(TRACEPOINT, "tracepoint", 8, 8192), LIST(tracing), 0 },
	{ PLAIN(PERF_EVENT, "perf_event", 0, 184), LIST(perf_event), 0 },
	{ PLAIN(RAW_TRACEPOINT, "raw_tracepoint", 0, 96), LIST(tracing), 0 },
};

const struct ebpf_kind *
ebpf_assumed_kind(uint32_t number)
{
	uint32_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind.number == number)
			return &kinds[i].kind;
	return NULL;
}

static bool
is_in(const uint8_t *list, uint32_t count, uint32_t number)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (list[i] == number)
			return true;
	return false;
}

bool
ebpf_assumed_call(const struct ebpf_kind *kind, uint32_t number)
{
	const struct assumed *a = os_container(kind, const struct assumed,
					       kind);

	return is_in(every_kind, sizeof(every_kind), number) ||
	       is_in(a->calls, a->call_count, number) ||
	       (a->converts && is_in(conversions, sizeof(conversions), number));
}
