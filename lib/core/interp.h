/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The interpreter: direct-threaded over ops in run form (prog.h). */
#ifndef CORE_INTERP_H
#define CORE_INTERP_H

#include "core/prog.h"

/* Run path; the reference that every other engine is compared with. */
uint64_t ebpf_interp_run(uint64_t r1, uint64_t r2, uint64_t r3,
			 const struct ebpf_prog *prog);

#endif
