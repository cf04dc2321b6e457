/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The old packet access, LD_ABS and LD_IND: where the run's packet is and what
 * stands at an offset in it. Knows kinds and their contexts, no engine; the
 * interpreter and what generated code leaves to C call it.
 */
#include "core/ctx.h"
#include "core/interp.h"
#include "core/os.h"
#include "core/runtime.h"

/* The run's packet, by its kind and what it began with; false: it has none. */
static bool
packet_of(const struct ebpf_kind *kind, uint64_t r1, uint64_t r2,
	  const uint8_t **data, uint64_t *len)
{
	const uint8_t *ctx = (const uint8_t *)(uintptr_t)r1;
	uint64_t start = 0, end = 0;
	uint32_t i;
	bool skb;

	if (kind == NULL || ctx == NULL)
		return false;
	skb = (kind->bit & EBPF_KINDS_SKB) != 0;
	if (kind->entry != EBPF_ENTRY_CTX) {
		*data = ctx;
		*len = kind->entry == EBPF_ENTRY_BUF ? (uint16_t)r2 : r2;
		return true;
	}
	if (skb) {
		/* socket filters have the packet and no field that says so */
		const struct ebpf_pkt *pkt =
			(const struct ebpf_pkt *)(uintptr_t)r1;

		start = (uintptr_t)pkt->data;
		end = (uintptr_t)pkt->data_end;
	}
	for (i = 0; !skb && i < kind->field_count; i++) {
		const struct ebpf_ctx_field *field = &kind->fields[i];

		if (field->host_size != sizeof(void *))
			continue;
		if (field->type == EBPF_CTX_PKT)
			memcpy(&start, ctx + field->host_off, sizeof(void *));
		else if (field->type == EBPF_CTX_PKT_END)
			memcpy(&end, ctx + field->host_off, sizeof(void *));
	}
	if (start == 0 || end < start)
		return false;
	*data = (const uint8_t *)(uintptr_t)start;
	*len = end - start;
	return true;
}

bool
ebpf_packet_load(const struct ebpf_prog *prog, uint64_t r1, uint64_t r2,
		 uint32_t off, uint32_t bytes, uint64_t *value)
{
	const uint8_t *data;
	uint64_t len, v = 0;
	uint32_t i;

	if (!packet_of(prog->kind, r1, r2, &data, &len) || len < bytes ||
	    off > len - bytes)
		return false;
	for (i = 0; i < bytes; i++)
		v = v << 8 | data[off + i];
	*value = v;
	return true;
}
