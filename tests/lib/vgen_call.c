/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of vgen.h: calls, whose functions are generated after the one that calls.
 */
#include "abi/helper.h"
#include "vgen.h"

void
vgen_lost(struct vgen *gen)
{
	vgen_put(gen, 0xb7, 0, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0x79, 2, 10, -8, 0);
	vgen_put(gen, 0x79, 3, 10, -16, 0);
	vgen_put(gen, 0xb7, 4, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0xb7, 5, 0, 0, vgen_imm(gen));
}

/* Whether there may be another: functions are called by the entry most. */
static bool
may_call(const struct vgen *gen)
{
	return gen->call_count <
	       (gen->function == VGEN_ENTRY ? VGEN_CALLS / 2 : VGEN_CALLS - 2);
}

/* r1 for bpf_loop: how often it calls. */
static void
gen_rounds(struct vgen *gen)
{
	switch (below(gen, 5)) {
	case 0:
		vgen_put(gen, 0xbf, 1, vgen_reg(gen), 0, 0);
		break;
	case 1:
		vgen_put(gen, 0xb7, 1, 0, 0,
			 5000 + (int32_t)below(gen, 9000000));
		break;
	default:
		vgen_put(gen, 0xb7, 1, 0, 0, (int32_t)below(gen, 12));
		break;
	}
}

void
vgen_callback(struct vgen *gen)
{
	static const enum vgen_map maps[] = {VGEN_ARRAY, VGEN_LOCKED,
					     VGEN_HASH};
	bool each = below(gen, 2);

	if (!may_call(gen))
		return;
	if (each)
		vgen_lddw_map(gen, 1, maps[below(gen, 3)]);
	else
		gen_rounds(gen);
	vgen_lddw_func(gen, 2, each ? VGEN_EACHED : VGEN_LOOPED);
	vgen_put(gen, 0xbf, 3, 10, 0, 0);
	vgen_put(gen, 0xb7, 4, 0, 0, below(gen, 12) == 0);
	vgen_call_helper(gen, each ? EBPF_FUNC_for_each_map_elem :
				     EBPF_FUNC_loop);
	vgen_put(gen, 0x79, 2, 10, -8, 0);
	vgen_put(gen, 0x79, 3, 10, -16, 0);
	vgen_put(gen, 0x71, 4, 7, (int16_t)below(gen, VGEN_AREA), 0);
	vgen_put(gen, 0xb7, 5, 0, 0, vgen_imm(gen));
}

static void
gen_call_to(struct vgen *gen, enum vgen_function what)
{
	gen->calls[gen->call_count].at = gen->count;
	gen->calls[gen->call_count++].what = what;
	vgen_put(gen, 0x85, 0, 1, 0, 0);
}

/* r3 for a global function: memory, of whatever sort, or null. */
static void
gen_given(struct vgen *gen)
{
	switch (below(gen, 8)) {
	case 0:
		vgen_put(gen, 0xb7, 3, 0, 0, 0);
		break;
	case 1:
		vgen_put(gen, 0xbf, 3, 10, 0, 0);
		vgen_put(gen, 0x07, 3, 0, 0, -16 - (int32_t)below(gen, 17));
		break;
	case 2:
	case 3:
	case 4:
		if (gen->shape == VGEN_PACKET && gen->function == VGEN_ENTRY) {
			vgen_put(gen, 0x79, 3, 10, VGEN_SAVED_CTX, 0);
			vgen_put(gen, 0x61, 3, 3, 4, 0);
			vgen_put(gen, 0xbf, 4, 6, 0, 0);
			vgen_put(gen, 0x07, 4, 0, 0, VGEN_GIVEN);
			vgen_leave(gen, 0x2d, 4, 3, 0);
			vgen_put(gen, 0xbf, 3, 6, 0, 0);
			break;
		}
		/* fall through */
	case 5:
		vgen_put(gen, 0x79, 3, 10, VGEN_SAVED_PTR, 0);
		break;
	default:
		vgen_put(gen, 0xbf, 3, 7, 0, 0);
		vgen_put(gen, 0x07, 3, 0, 0,
			 (int32_t)below(gen, VGEN_AREA - VGEN_GIVEN + 1));
		break;
	}
}

static void
gen_call_global(struct vgen *gen)
{
	vgen_put(gen, 0xbf, 1, vgen_reg(gen), 0, 0);
	vgen_put(gen, 0xbf, 2, 8 + below(gen, 2), 0, 0);
	gen_given(gen);
	if (gen->shape == VGEN_PACKET)
		vgen_put(gen, 0x79, 4, 10, VGEN_SAVED_CTX, 0);
	else
		vgen_put(gen, 0xb7, 4, 0, 0, vgen_imm(gen));
	gen_call_to(gen, VGEN_GLOBAL);
}

void
vgen_call(struct vgen *gen)
{
	uint32_t reg = vgen_reg(gen);

	if (may_call(gen) && below(gen, 3) == 0 &&
	    (gen->shape != VGEN_PACKET || gen->function == VGEN_ENTRY ||
	     gen->function == VGEN_GLOBAL)) {
		gen_call_global(gen);
	} else if (gen->function != VGEN_ENTRY || !may_call(gen)) {
		/* a random number */
		vgen_put(gen, 0x7b, 10, reg, -8, 0);
		vgen_call_helper(gen, EBPF_FUNC_get_prandom_u32);
	} else {
		vgen_put(gen, 0xbf, 1, reg, 0, 0);
		vgen_put(gen, 0xbf, 2, vgen_reg(gen), 0, 0);
		vgen_put(gen, 0xbf, 3, 7, 0, 0);
		vgen_put(gen, 0xbf, 4, 10, 0, 0);
		gen_call_to(gen, VGEN_LOCAL);
	}
	if (gen->shape == VGEN_PACKET && gen->function == VGEN_ENTRY &&
	    below(gen, 2)) {
		vgen_put(gen, 0x7b, 10, 0, -16, 0);
		vgen_reload(gen);
		vgen_put(gen, 0x79, 0, 10, -16, 0);
	}
	/* r2..r5 were lost */
	vgen_put(gen, 0x79, 2, 10, -8, 0);
	vgen_put(gen, 0xbf, 3, 0, 0, 0);
	vgen_put(gen, 0x71, 4, 7, (int16_t)below(gen, VGEN_AREA), 0);
	vgen_put(gen, 0xb7, 5, 0, 0, vgen_imm(gen));
}

/* What lies there, of a size that a number says. */
void
vgen_output(struct vgen *gen)
{
	uint32_t reg = vgen_reg(gen);

	vgen_bound(gen, reg);
	if (gen->careful)
		vgen_put(gen, 0x57, reg, 0, 0, 31);
	vgen_put(gen, 0xbf, 3, reg, 0, 0);
	if (below(gen, 2)) {
		vgen_put(gen, 0xbf, 2, 10, 0, 0);
		vgen_put(gen, 0x07, 2, 0, 0, -32);
	} else {
		vgen_put(gen, 0xbf, 2, 7, 0, 0);
		vgen_put(gen, 0x07, 2, 0, 0, (int32_t)below(gen, 36));
	}
	vgen_lddw_map(gen, 1, VGEN_RING);
	vgen_put(gen, 0xb7, 4, 0, 0, 0);
	vgen_call_helper(gen, EBPF_FUNC_ringbuf_output);
	vgen_lost(gen);
}

void
vgen_adjust(struct vgen *gen)
{
	static const uint8_t helpers[] = {EBPF_FUNC_xdp_adjust_head,
					  EBPF_FUNC_xdp_adjust_tail,
					  EBPF_FUNC_xdp_adjust_meta};

	if (gen->function != VGEN_ENTRY && gen->function != VGEN_GLOBAL) {
		vgen_put(gen, 0x79, 1, 10, VGEN_SAVED_PTR, 0);
		vgen_put(gen, 0x79, 1, 1, VGEN_SAVED_CTX, 0);
	} else {
		vgen_put(gen, 0x79, 1, 10, VGEN_SAVED_CTX, 0);
	}
	vgen_put(gen, 0xb7, 2, 0, 0, vgen_imm(gen));
	vgen_call_helper(gen, helpers[below(gen, 3)]);
	if (gen->function == VGEN_ENTRY && (gen->careful || below(gen, 4)))
		vgen_reload(gen);
	else
		vgen_put(gen, 0xb7, 2, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0xb7, 3, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0xbf, 4, 0, 0, 0);
	vgen_put(gen, 0xb7, 5, 0, 0, vgen_imm(gen));
}
