/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The decision for each frame of a bridge: what the program says, or without
 * one what was learned from source addresses. Knows no port but its number.
 *
 * The table of addresses is a cache like that of netmap's bridge: a new address
 * takes the place of another when its set is full, and nothing ages. An entry
 * is one word, so readers need no lock and never see half of one; writers,
 * which are rare, take a lock so that no address is there twice.
 */
#include "switch/bridge.h"

enum {
	SETS = 512,
	WAYS = 8, /* a set is a cache line */
	HEADER_LEN = 14, /* of Ethernet */
	AHEAD = 4,	 /* frames whose headers are being fetched */
};

/* An entry: the address in the low 48 bits, the port above, then a mark. */
#define MAC_MASK 0xffffffffffffull
#define PORT_SHIFT 48
#define USED (1ull << 63)

struct ebpf_bridge_set {
	uint64_t entries[WAYS]; /* atomic; 0: free */
} __attribute__((aligned(64)));

struct ebpf_bridge *
ebpf_bridge_create(struct ebpf_runtime *rt)
{
	struct ebpf_bridge *bridge = os_alloc(sizeof(*bridge));

	if (bridge == NULL)
		return NULL;
	bridge->sets = os_alloc(SETS * sizeof(bridge->sets[0]));
	if (bridge->sets == NULL) {
		os_free(bridge);
		return NULL;
	}
	bridge->rt = rt;
	bridge->seed = (uint64_t)os_random_u32() << 32 | os_random_u32() | 1;
	os_spin_init(&bridge->lock);
	return bridge;
}

void
ebpf_bridge_destroy(struct ebpf_bridge *bridge)
{
	if (bridge == NULL)
		return;
	os_free(bridge->sets);
	os_free(bridge);
}

/* Forget what was learned at a port, or, with UINT32_MAX, at any. */
static void
forget(struct ebpf_bridge *bridge, uint32_t port)
{
	uint64_t entry;
	uint32_t i, j;

	for (i = 0; i < SETS; i++) {
		os_spin_lock(&bridge->lock);
		for (j = 0; j < WAYS; j++) {
			entry = bridge->sets[i].entries[j];
			if (port == UINT32_MAX ||
			    (entry >> PORT_SHIFT & 0xff) == port)
				os_store(&bridge->sets[i].entries[j], 0);
		}
		os_spin_unlock(&bridge->lock);
	}
}

void
ebpf_bridge_set_prog(struct ebpf_bridge *bridge, struct ebpf_prog *prog)
{
	struct ebpf_prog *old;

	/* hosts may have moved while a program decided */
	if (prog == NULL && os_load(&bridge->prog) != NULL)
		forget(bridge, UINT32_MAX);
	os_store_release(&bridge->plain, prog != NULL &&
			 prog->kind->entry == EBPF_ENTRY_CTX ? prog : NULL);
	old = os_swap(&bridge->prog, prog);
	if (old != NULL && old != prog)
		os_epoch_sync();
}

void
ebpf_bridge_forget_port(struct ebpf_bridge *bridge, uint32_t port)
{
	if (port < EBPF_VALE_PORT_MAX)
		forget(bridge, port);
}

/* ---- learning ---- */

/* Six bytes in the low bits of a word, in an order that means nothing. */
static inline uint64_t
mac_at(const uint8_t *at)
{
	uint32_t first;
	uint16_t last;

	__builtin_memcpy(&first, at, sizeof(first));
	__builtin_memcpy(&last, at + sizeof(first), sizeof(last));
	return first | (uint64_t)last << 32;
}

static inline struct ebpf_bridge_set *
set_of(struct ebpf_bridge *bridge, uint64_t mac)
{
	uint64_t h = (mac ^ bridge->seed) * bridge->seed;

	h ^= h >> 32;
	h *= bridge->seed;
	return &bridge->sets[h >> 48 & (SETS - 1)];
}

/* The way that holds mac, with its entry; WAYS when none does. */
static inline uint32_t
set_find(struct ebpf_bridge_set *set, uint64_t mac, uint64_t *entry)
{
	uint32_t i;

	for (i = 0; i < WAYS; i++) {
		*entry = os_load(&set->entries[i]);
		/* a free entry never matches: the mark is compared as well */
		if ((*entry & (MAC_MASK | USED)) == (mac | USED))
			break;
	}
	return i;
}

/* New, or seen at another port. */
static void
learn(struct ebpf_bridge *bridge, struct ebpf_bridge_set *set, uint64_t mac,
      uint64_t entry)
{
	uint64_t old;
	uint32_t way;

	os_spin_lock(&bridge->lock);
	way = set_find(set, mac, &old);
	if (way == WAYS)
		for (way = 0; way < WAYS && set->entries[way] != 0; way++)
			;
	if (way == WAYS)
		way = bridge->victim++ % WAYS;
	os_store(&set->entries[way], entry);
	os_spin_unlock(&bridge->lock);
}

/* ---- frames ---- */

/* Whole loops: for a single frame nothing of them is left. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The header of a frame that will be looked at soon. */
static inline void
fetch_ahead(const struct ebpf_frame *frames, uint32_t i, uint32_t count)
{
	if (i + AHEAD < count)
		__builtin_prefetch(frames[i + AHEAD].data);
}

static inline void
settle(struct ebpf_frame *frame, uint32_t verdict,
       struct ebpf_verdict_counts *counts)
{
	frame->verdict = ebpf_bridge_settle(verdict, counts);
}

ALWAYS_INLINE uint32_t
decide_learned(struct ebpf_bridge *bridge, const uint8_t *data, uint32_t port)
{
	uint64_t mac, entry, wanted;
	struct ebpf_bridge_set *set;

	if ((data[6] & 1) == 0) {
		mac = mac_at(data + 6);
		wanted = mac | (uint64_t)port << PORT_SHIFT | USED;
		set = set_of(bridge, mac);
		if (os_unlikely(set_find(set, mac, &entry) == WAYS ||
				entry != wanted))
			learn(bridge, set, mac, wanted);
	}
	if ((data[0] & 1) != 0)
		return EBPF_VALE_BROADCAST;
	mac = mac_at(data);
	if (set_find(set_of(bridge, mac), mac, &entry) == WAYS)
		return EBPF_VALE_BROADCAST;
	return entry >> PORT_SHIFT & 0xff;
}

ALWAYS_INLINE void
decide_learned_all(struct ebpf_bridge *bridge, struct ebpf_frame *frames,
		   uint32_t count, struct ebpf_verdict_counts *counts)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		fetch_ahead(frames, i, count);
		settle(&frames[i], os_likely(frames[i].len >= HEADER_LEN) ?
			       decide_learned(bridge, frames[i].data,
					      frames[i].port) :
			       EBPF_VALE_DROP, counts);
	}
	counts->learned += count;
}

/* A program's result is a C function's int: what is above its 32 bits means
 * nothing. */
static inline uint32_t
run(const struct ebpf_prog *prog, bool counted, uint64_t r1, uint64_t r2,
    uint64_t r3)
{
	return (uint32_t)(counted ? ebpf_prog_run_counted(prog, r1, r2, r3) :
				    ebpf_prog_run(prog, r1, r2, r3));
}

ALWAYS_INLINE void
decide_context(const struct ebpf_prog *prog, bool counted,
	       struct ebpf_frame *frames, uint32_t count,
	       struct ebpf_verdict_counts *counts)
{
	struct ebpf_vale_ctx ctx;
	struct ebpf_frame *frame;
	uint32_t i, verdict;

	memset(&ctx, 0, sizeof(ctx));
	for (i = 0; i < count; i++) {
		frame = &frames[i];
		fetch_ahead(frames, i, count);
		verdict = EBPF_VALE_DROP;
		if (os_likely(frame->len >= HEADER_LEN)) {
			ctx.data = frame->data;
			ctx.data_end = frame->data + frame->len;
			ctx.ingress_port = frame->port;
			ctx.ring_nr = frame->ring_nr;
			verdict = run(prog, counted, (uintptr_t)&ctx, 0, 0);
			frame->ring_nr = ctx.ring_nr;
		}
		settle(frame, verdict, counts);
	}
}

ALWAYS_INLINE void
decide_buf(const struct ebpf_prog *prog, bool counted,
	   struct ebpf_frame *frames, uint32_t count,
	   struct ebpf_verdict_counts *counts)
{
	struct ebpf_frame *frame;
	uint32_t i, len, verdict;

	for (i = 0; i < count; i++) {
		frame = &frames[i];
		fetch_ahead(frames, i, count);
		len = frame->len < UINT16_MAX ? frame->len : UINT16_MAX;
		verdict = EBPF_VALE_DROP;
		if (os_likely(len >= HEADER_LEN))
			verdict = run(prog, counted, (uintptr_t)frame->data,
				      len, frame->port & 0xff);
		settle(frame, verdict, counts);
	}
}

ALWAYS_INLINE void
decide(struct ebpf_bridge *bridge, struct ebpf_frame *frames, uint32_t count,
       struct ebpf_verdict_counts *counts)
{
	const struct ebpf_prog *prog = ebpf_bridge_prog(bridge);
	bool counted = os_load(&bridge->rt->stats_on) != 0;

	if (prog == NULL)
		decide_learned_all(bridge, frames, count, counts);
	else if (prog->kind->entry == EBPF_ENTRY_BUF)
		decide_buf(prog, counted, frames, count, counts);
	else
		decide_context(prog, counted, frames, count, counts);
}

void
ebpf_bridge_decide(struct ebpf_bridge *bridge, struct ebpf_frame *frames,
		   uint32_t count, struct ebpf_verdict_counts *counts)
{
	decide(bridge, frames, count, counts);
}

void
ebpf_bridge_decide_one(struct ebpf_bridge *bridge, struct ebpf_frame *frame,
		       struct ebpf_verdict_counts *counts)
{
	decide(bridge, frame, 1, counts);
}

uint32_t
ebpf_bridge_learned(struct ebpf_bridge *bridge, const uint8_t *data,
		    uint32_t port)
{
	return decide_learned(bridge, data, port);
}
