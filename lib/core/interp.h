/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The interpreter: direct-threaded over ops in run form (prog.h). It is the
 * reference that every other engine is compared with, so what the instruction
 * set's text leaves open is said here:
 *
 * - Each function has its own r6-r9 and its own frame below its caller's; a
 *   call deeper than EBPF_FRAME_MAX ends the run with r0 = -1.
 * - A tail call runs the program in place of the current function: from the
 *   entry function the whole program is replaced, from a subprogram the result
 *   goes to the subprogram's caller. EBPF_TAIL_CALL_MAX counts over all of the
 *   run, and one from a subprogram may count for several (tail_nest_max). The index is r3's low 32 bits. r1 is what the call passed; r2 and r3
 *   are those that the run began with. A tail call that cannot be made leaves
 *   r0 alone and execution goes on.
 * - LD_ABS and LD_IND read the packet in network byte order: the one of struct
 *   ebpf_pkt for kinds of struct __sk_buff, else the one between the fields of
 *   type EBPF_CTX_PKT and EBPF_CTX_PKT_END of the run's context, or the run's
 *   memory for kinds without a context. The offset is
 *   imm (plus src's low 32 bits), unsigned. Outside the packet, or without
 *   one, the function returns with r0 = 0.
 * - A callback runs in a frame below that of the function whose helper calls
 *   it, once after the other, and what it returns ends the loop unless it is 0.
 * - What verification never lets through, calls of unknown functions, ends the
 *   whole run with r0 = -1.
 */
#ifndef CORE_INTERP_H
#define CORE_INTERP_H

#include "core/prog.h"

/* Run path; what prog->entry is for programs that are not compiled. */
uint64_t ebpf_interp_run(uint64_t r1, uint64_t r2, uint64_t r3,
			 const struct ebpf_prog *prog);

/*
 * ld_packet.c: what LD_ABS and LD_IND read, for every engine; r1 and r2 are
 * those that the run began with. False: outside the packet, or there is none.
 */
bool ebpf_packet_load(const struct ebpf_prog *prog, uint64_t r1, uint64_t r2,
		      uint32_t off, uint32_t bytes, uint64_t *value);

#endif
