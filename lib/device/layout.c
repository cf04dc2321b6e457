/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The message format nailed down at compile time: no struct of wire.h has
 * hidden padding (the compiler is asked), every body is a multiple of 8 and
 * has the size it had when it was published. A body may grow: then its line
 * changes here and in tests/device/layout.golden. No code, no callers.
 */
#include <stdint.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include "abi/wire.h"
#pragma GCC diagnostic pop

#define ASSERT_SIZE(name, size)                                      \
	_Static_assert(sizeof(struct name) == (size) && (size) % 8 == 0, \
		       "struct " #name " keeps its layout")

ASSERT_SIZE(ebpf_msg, 24);
ASSERT_SIZE(ebpf_reply, 16);
ASSERT_SIZE(ebpf_rep_none, 8);
ASSERT_SIZE(ebpf_rep_id, 8);
ASSERT_SIZE(ebpf_req_id, 8);
ASSERT_SIZE(ebpf_req_hello, 8);
ASSERT_SIZE(ebpf_rep_hello, 144);
ASSERT_SIZE(ebpf_req_features, 8);
ASSERT_SIZE(ebpf_rep_features, 56);
ASSERT_SIZE(ebpf_req_stop, 8);
ASSERT_SIZE(ebpf_req_stats, 8);
ASSERT_SIZE(ebpf_req_tracelog, 16);
ASSERT_SIZE(ebpf_rep_tracelog, 24);
ASSERT_SIZE(ebpf_trace_record, 24);
ASSERT_SIZE(ebpf_req_obj_next, 16);
ASSERT_SIZE(ebpf_req_obj_find, 88);
ASSERT_SIZE(ebpf_req_obj, 16);
ASSERT_SIZE(ebpf_req_pin, 272);
ASSERT_SIZE(ebpf_req_pin_name, 264);
ASSERT_SIZE(ebpf_req_pin_next, 528);
ASSERT_SIZE(ebpf_rep_pin, 272);
ASSERT_SIZE(ebpf_req_prog_load, 176);
ASSERT_SIZE(ebpf_func_info, 8);
ASSERT_SIZE(ebpf_line_info, 16);
ASSERT_SIZE(ebpf_rep_prog_load, 80);
ASSERT_SIZE(ebpf_rep_prog_info, 176);
ASSERT_SIZE(ebpf_req_prog_dump, 24);
ASSERT_SIZE(ebpf_rep_data, 16);
ASSERT_SIZE(ebpf_req_prog_run, 32);
ASSERT_SIZE(ebpf_rep_prog_run, 64);
ASSERT_SIZE(ebpf_req_map_create, 120);
ASSERT_SIZE(ebpf_rep_map_info, 152);
ASSERT_SIZE(ebpf_req_map_key, 16);
ASSERT_SIZE(ebpf_req_map_next, 16);
ASSERT_SIZE(ebpf_req_map_update, 24);
ASSERT_SIZE(ebpf_req_map_lookup_batch, 24);
ASSERT_SIZE(ebpf_rep_map_lookup_batch, 24);
ASSERT_SIZE(ebpf_req_map_batch, 24);
ASSERT_SIZE(ebpf_rep_map_batch, 8);
ASSERT_SIZE(ebpf_req_map_records, 24);
ASSERT_SIZE(ebpf_rep_map_records, 16);
ASSERT_SIZE(ebpf_record, 24);
ASSERT_SIZE(ebpf_req_btf_load, 72);
ASSERT_SIZE(ebpf_rep_btf_info, 88);
ASSERT_SIZE(ebpf_req_btf_data, 16);
ASSERT_SIZE(ebpf_req_link_create, 80);
ASSERT_SIZE(ebpf_req_link_update, 16);
ASSERT_SIZE(ebpf_rep_link_info, 104);
ASSERT_SIZE(ebpf_req_switch, 72);
ASSERT_SIZE(ebpf_req_switch_next, 72);
ASSERT_SIZE(ebpf_verdict_counts, 56);
ASSERT_SIZE(ebpf_rep_switch_info, 424);
ASSERT_SIZE(ebpf_req_switch_start, 72);
ASSERT_SIZE(ebpf_req_port_add, 1160);
ASSERT_SIZE(ebpf_req_port, 136);
ASSERT_SIZE(ebpf_req_port_info, 72);
ASSERT_SIZE(ebpf_rep_port_info, 1216);

/* Every body begins with its size, and sizes are multiples of 8. */
#define EBPF_REQUEST(number, NAME, name, req, rep)                         \
	_Static_assert(__builtin_offsetof(struct ebpf_req_##req, size) == 0 && \
			       __builtin_offsetof(struct ebpf_rep_##rep,    \
						  size) == 0 &&            \
			       sizeof(struct ebpf_req_##req) % 8 == 0 &&   \
			       sizeof(struct ebpf_rep_##rep) % 8 == 0,     \
		       #NAME ": size first");
#include "abi/request.def"
