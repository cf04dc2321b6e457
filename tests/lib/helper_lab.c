/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What tests of helpers set up, see helper_lab.h. */
#include "helper_lab.h"

#include <stdlib.h>

#include "tap.h"

struct ebpf_runtime *helper_rt;
struct ebpf_prog helper_prog;

static uint64_t live_before;

void
helper_kind(uint32_t kind)
{
	helper_prog.kind = ebpf_kind_find(helper_rt, kind);
}

void
helper_begin(uint32_t kind)
{
	live_before = os_test_live();
	if (ebpf_runtime_create(NULL, &helper_rt) != 0)
		abort();
	helper_prog.obj.rt = helper_rt;
	helper_kind(kind);
}

int
helper_end(void)
{
	ebpf_runtime_destroy(helper_rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live_before, "nothing is left");
	return tap_done();
}
