/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of vgen.h: calls, whose functions are generated after the one that calls.
 */
#include "abi/helper.h"
#include "vgen.h"

void
vgen_callback(struct vgen *gen)
{
	uint32_t reg = vgen_reg(gen);

	if (gen->call_count == (gen->in_function ? 6 : 4))
		return;
	switch (below(gen, 5)) {
	case 0:
		vgen_put(gen, 0xbf, 1, reg, 0, 0);
		break;
	case 1:
		vgen_put(gen, 0xb7, 1, 0, 0,
			 5000 + (int32_t)below(gen, 9000000));
		break;
	default:
		vgen_put(gen, 0xb7, 1, 0, 0, (int32_t)below(gen, 12));
		break;
	}
	gen->calls[gen->call_count++] = gen->count;
	vgen_lddw(gen, 2, 4);
	vgen_put(gen, 0xbf, 3, 10, 0, 0);
	vgen_put(gen, 0xb7, 4, 0, 0, below(gen, 12) == 0);
	vgen_put(gen, 0x85, 0, 0, 0, EBPF_FUNC_loop);
	vgen_put(gen, 0x79, 2, 10, -8, 0);
	vgen_put(gen, 0x79, 3, 10, -16, 0);
	vgen_put(gen, 0x71, 4, 7, (int16_t)below(gen, VGEN_AREA), 0);
	vgen_put(gen, 0xb7, 5, 0, 0, vgen_imm(gen));
}

void
vgen_call(struct vgen *gen)
{
	uint32_t reg = vgen_reg(gen);

	if (gen->in_function || gen->call_count == 4) {
		/* a random number */
		vgen_put(gen, 0x7b, 10, reg, -8, 0);
		vgen_put(gen, 0x85, 0, 0, 0, EBPF_FUNC_get_prandom_u32);
	} else {
		vgen_put(gen, 0xbf, 1, reg, 0, 0);
		vgen_put(gen, 0xbf, 2, vgen_reg(gen), 0, 0);
		vgen_put(gen, 0xbf, 3, 7, 0, 0);
		vgen_put(gen, 0xbf, 4, 10, 0, 0);
		gen->calls[gen->call_count++] = gen->count;
		vgen_put(gen, 0x85, 0, 1, 0, 0);
	}
	if (gen->shape == VGEN_PACKET && !gen->in_function && below(gen, 2)) {
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

void
vgen_adjust(struct vgen *gen)
{
	static const uint8_t helpers[] = {EBPF_FUNC_xdp_adjust_head,
					  EBPF_FUNC_xdp_adjust_tail,
					  EBPF_FUNC_xdp_adjust_meta};

	if (gen->in_function) {
		vgen_put(gen, 0x79, 1, 10, VGEN_SAVED_PTR, 0);
		vgen_put(gen, 0x79, 1, 1, VGEN_SAVED_CTX, 0);
	} else {
		vgen_put(gen, 0x79, 1, 10, VGEN_SAVED_CTX, 0);
	}
	vgen_put(gen, 0xb7, 2, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0x85, 0, 0, 0, helpers[below(gen, 3)]);
	if (!gen->in_function && (gen->careful || below(gen, 4)))
		vgen_reload(gen);
	else
		vgen_put(gen, 0xb7, 2, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0xb7, 3, 0, 0, vgen_imm(gen));
	vgen_put(gen, 0xbf, 4, 0, 0, 0);
	vgen_put(gen, 0xb7, 5, 0, 0, vgen_imm(gen));
}
