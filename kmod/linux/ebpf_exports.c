// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What ebpf.ko offers to other modules: first the embedding API of
 * core/ebpf.h, then what our own device and hooks need beyond it.
 */
#include "core/btf.h"
#include "core/ebpf.h"
#include "core/jit/jit.h"
#include "core/link.h"
#include "core/map.h"
#include "core/object.h"
#include "core/os.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/test_run.h"
#include "core/tracelog.h"
#include "ebpf_linux.h"
#include "switch/bridge.h"

#include <linux/export.h>

EXPORT_SYMBOL(ebpf_error_name);
EXPORT_SYMBOL(ebpf_error_text);
EXPORT_SYMBOL(ebpf_helper_register);
EXPORT_SYMBOL(ebpf_kind_register);
EXPORT_SYMBOL(ebpf_map_create);
EXPORT_SYMBOL(ebpf_map_extract);
EXPORT_SYMBOL(ebpf_map_find);
EXPORT_SYMBOL(ebpf_map_get);
EXPORT_SYMBOL(ebpf_map_next);
EXPORT_SYMBOL(ebpf_map_put);
EXPORT_SYMBOL(ebpf_map_read);
EXPORT_SYMBOL(ebpf_map_read_locked);
EXPORT_SYMBOL(ebpf_map_remove);
EXPORT_SYMBOL(ebpf_map_user_value_size);
EXPORT_SYMBOL_GPL(ebpf_map_share);
EXPORT_SYMBOL_GPL(ebpf_map_share_again);
EXPORT_SYMBOL_GPL(ebpf_map_unshare);
EXPORT_SYMBOL(ebpf_map_write);
EXPORT_SYMBOL(ebpf_prog_cookie);
EXPORT_SYMBOL(ebpf_prog_get);
EXPORT_SYMBOL(ebpf_prog_is_jited);
EXPORT_SYMBOL(ebpf_prog_load);
EXPORT_SYMBOL(ebpf_prog_put);
EXPORT_SYMBOL(ebpf_prog_run_buf);
EXPORT_SYMBOL(ebpf_prog_run_ctx);
EXPORT_SYMBOL(ebpf_prog_run_mem);
EXPORT_SYMBOL(ebpf_prog_run_raw);
EXPORT_SYMBOL(ebpf_runtime_create);
EXPORT_SYMBOL(ebpf_runtime_destroy);
EXPORT_SYMBOL(ebpf_section_enter);
EXPORT_SYMBOL(ebpf_section_leave);

EXPORT_SYMBOL_GPL(ebpf_bridge_create);
EXPORT_SYMBOL_GPL(ebpf_bridge_decide);
EXPORT_SYMBOL_GPL(ebpf_bridge_decide_one);
EXPORT_SYMBOL_GPL(ebpf_bridge_learned);
EXPORT_SYMBOL_GPL(ebpf_bridge_destroy);
EXPORT_SYMBOL_GPL(ebpf_bridge_forget_port);
EXPORT_SYMBOL_GPL(ebpf_bridge_set_prog);
EXPORT_SYMBOL_GPL(ebpf_btf_load);
EXPORT_SYMBOL_GPL(ebpf_hook_register);
EXPORT_SYMBOL_GPL(ebpf_hook_unregister);
EXPORT_SYMBOL_GPL(ebpf_jit_host);
EXPORT_SYMBOL_GPL(ebpf_kind_find);
EXPORT_SYMBOL_GPL(ebpf_link_create);
EXPORT_SYMBOL_GPL(ebpf_link_detach);
EXPORT_SYMBOL_GPL(ebpf_link_gone);
EXPORT_SYMBOL_GPL(ebpf_link_prog);
EXPORT_SYMBOL_GPL(ebpf_link_update);
EXPORT_SYMBOL_GPL(ebpf_link_vanished);
EXPORT_SYMBOL_GPL(ebpf_map_freeze);
EXPORT_SYMBOL_GPL(ebpf_map_has_record);
EXPORT_SYMBOL_GPL(ebpf_map_ops_find);
EXPORT_SYMBOL_GPL(ebpf_map_remove_many);
EXPORT_SYMBOL_GPL(ebpf_map_settle);
EXPORT_SYMBOL_GPL(ebpf_map_take);
EXPORT_SYMBOL_GPL(ebpf_map_wake);
EXPORT_SYMBOL_GPL(ebpf_map_extract_walked);
EXPORT_SYMBOL_GPL(ebpf_map_walk);
EXPORT_SYMBOL_GPL(ebpf_map_write_many);
EXPORT_SYMBOL_GPL(ebpf_object_by_id);
EXPORT_SYMBOL_GPL(ebpf_object_count);
EXPORT_SYMBOL_GPL(ebpf_object_get);
EXPORT_SYMBOL_GPL(ebpf_object_next);
EXPORT_SYMBOL_GPL(ebpf_object_put);
EXPORT_SYMBOL_GPL(ebpf_pin_get);
EXPORT_SYMBOL_GPL(ebpf_pin_next);
EXPORT_SYMBOL_GPL(ebpf_pin_remove);
EXPORT_SYMBOL_GPL(ebpf_pin_set);
EXPORT_SYMBOL_GPL(ebpf_prog_tag);
EXPORT_SYMBOL_GPL(ebpf_prog_xlated);
EXPORT_SYMBOL_GPL(ebpf_test_run);
EXPORT_SYMBOL_GPL(ebpf_tracelog_last);
EXPORT_SYMBOL_GPL(ebpf_tracelog_read);
EXPORT_SYMBOL_GPL(os_alloc);
EXPORT_SYMBOL_GPL(os_epoch_drain);
EXPORT_SYMBOL_GPL(os_free);
EXPORT_SYMBOL_GPL(os_linux_allocate);
EXPORT_SYMBOL_GPL(os_linux_release);
EXPORT_SYMBOL_GPL(os_mutex_destroy);
EXPORT_SYMBOL_GPL(os_mutex_init);
EXPORT_SYMBOL_GPL(os_mutex_lock);
EXPORT_SYMBOL_GPL(os_mutex_unlock);
EXPORT_SYMBOL_GPL(os_percpu_alloc);
EXPORT_SYMBOL_GPL(os_percpu_free);
EXPORT_SYMBOL_GPL(os_wall_time_ns);
EXPORT_SYMBOL_GPL(os_yield);
