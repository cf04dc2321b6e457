/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where a trie's elements, nodes and tables come from and go: each is used
 * again, or freed, when the grace period is over that began behind its removal.
 * Nobody waits for one; who wants something asks whether it is over. With the
 * map's lock, but for settle.
 */
#include "core/lpm_trie.h"

enum {
	SPARE_MIN = 16, /* elements beyond max_entries, in their grace */
	SPARE_PART = 4, /* of max_entries */
	SPARE_MAX = 4096,
	BATCH = 8, /* that wait until a grace period begins for them */
	RING_MIN = 4,
	AHEAD = 8, /* a part of what there is of elements may be taken ahead */
};

void
ebpf_lpm_store_init(struct ebpf_map_lpm *lpm, uint32_t record_size)
{
	uint32_t spare = lpm->map.max_entries / SPARE_PART;
	struct ebpf_object *obj = &lpm->map.obj;

	if (spare < SPARE_MIN)
		spare = SPARE_MIN;
	if (spare > SPARE_MAX)
		spare = SPARE_MAX;
	lpm->element_waits_max = spare;
	lpm->element_room = lpm->map.max_entries + spare + 1;
	/* of tables that take another's place there are two at a time */
	lpm->node_room = lpm->element_room + spare * 2;
	ebpf_chunks_init(&lpm->elements, obj,
			 &(struct ebpf_chunks_spec){
				 .size = record_size,
				 .records = lpm->element_room,
				 .spare = record_size / AHEAD,
			 });
	ebpf_chunks_init(&lpm->nodes, obj,
			 &(struct ebpf_chunks_spec){
				 .size = sizeof(union ebpf_lpm_node),
				 .records = lpm->node_room,
				 .spare = sizeof(union ebpf_lpm_node) / AHEAD,
			 });
	lpm->element_end = ebpf_chunks_first(&lpm->elements);
	lpm->node_fresh = ebpf_chunks_first(&lpm->nodes);
}

/* Not uncharged: at the end that is done for all at once. */
static void
table_free(struct ebpf_map_lpm *lpm, uint32_t number)
{
	os_free(ebpf_lpm_node(lpm, number)->table.entries);
}

/* ---- lists ---- */

static uint32_t *
table_link(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return &ebpf_lpm_rest(&ebpf_lpm_node(lpm, number)->table)->next;
}

static uint32_t *
element_link(const struct ebpf_map_lpm *lpm, uint32_t number)
{
	return &ebpf_lpm_record(lpm, number)->live;
}

static void
push(const struct ebpf_map_lpm *lpm,
     uint32_t *(*link)(const struct ebpf_map_lpm *, uint32_t),
     struct ebpf_lpm_list *list, uint32_t number)
{
	os_store(link(lpm, number), 0);
	if (list->first == 0)
		list->first = number;
	else
		os_store(link(lpm, list->last), number);
	list->last = number;
	list->count++;
}

static uint32_t
pop(const struct ebpf_map_lpm *lpm,
    uint32_t *(*link)(const struct ebpf_map_lpm *, uint32_t),
    struct ebpf_lpm_list *list)
{
	uint32_t number = list->first;

	if (number != 0) {
		list->first = *link(lpm, number);
		list->count--;
	}
	return number;
}

/* Begin a grace period for what has none yet, if no other is under way. */
static void
begin(struct ebpf_lpm_leaving *leaving)
{
	if (leaving->begun.first != 0 || leaving->next.first == 0)
		return;
	leaving->begun = leaving->next;
	memset(&leaving->next, 0, sizeof(leaving->next));
	leaving->epoch = os_epoch_begin();
}

/* Is the grace period of those begun over? */
static bool
over(struct ebpf_lpm_leaving *leaving)
{
	begin(leaving);
	return leaving->begun.first != 0 && os_epoch_over(leaving->epoch);
}

/* ---- elements ---- */

/* Elements whose grace is over, in front of those that are free longer. */
static void
elements_look(struct ebpf_map_lpm *lpm)
{
	struct ebpf_lpm_list *begun = &lpm->elements_leaving.begun;

	if (!over(&lpm->elements_leaving))
		return;
	if (lpm->element_free.first != 0)
		os_store(element_link(lpm, begun->last),
			 lpm->element_free.first);
	else
		lpm->element_free.last = begun->last;
	lpm->element_free.first = begun->first;
	lpm->element_free.count += begun->count;
	memset(begun, 0, sizeof(*begun));
	begin(&lpm->elements_leaving);
}

/* May what waits for its grace be handed on, or is there a better way yet? */
static bool
in_need(const struct ebpf_map_lpm *lpm)
{
	return lpm->larder == NULL || lpm->larder->closed;
}

bool
ebpf_lpm_element_more(struct ebpf_map_lpm *lpm)
{
	struct ebpf_chunks *chunks = &lpm->elements;
	struct ebpf_chunks_more more;
	bool there;
	int error;

	os_spin_lock(&lpm->lock);
	there = lpm->element_free.first != 0 ||
		ebpf_chunks_has(chunks,
				ebpf_chunks_from(chunks, lpm->element_end));
	error = lpm->element_room == 0 ? -EBPF_E2BIG :
					 ebpf_chunks_ask(chunks, &more);
	os_spin_unlock(&lpm->lock);
	if (there || error != 0 || ebpf_chunks_get(chunks, &more) != 0)
		return there;
	os_spin_lock(&lpm->lock);
	ebpf_chunks_put(chunks, &more);
	os_spin_unlock(&lpm->lock);
	ebpf_chunks_drop(chunks, &more);
	return true;
}

/* One that never was anybody's; the very first one stays nobody's. */
static uint32_t
element_fresh(struct ebpf_map_lpm *lpm)
{
	bool first = lpm->element_end == ebpf_lpm_nobody(lpm);
	uint32_t number;

	do {
		if (lpm->element_room == 0)
			return 0;
		number = ebpf_chunks_from(&lpm->elements, lpm->element_end);
		if (!ebpf_chunks_has(&lpm->elements, number) &&
		    ebpf_chunks_add(&lpm->elements) != 0)
			return 0;
		os_store_release(&lpm->element_end, number + 1);
		lpm->element_room--;
	} while (first && number == ebpf_lpm_nobody(lpm));
	return number;
}

uint32_t
ebpf_lpm_element_take(struct ebpf_map_lpm *lpm)
{
	struct ebpf_lpm_leaving *leaving = &lpm->elements_leaving;
	uint32_t number;

	if (lpm->element_free.first == 0)
		elements_look(lpm);
	number = pop(lpm, element_link, &lpm->element_free);
	if (number == 0)
		number = element_fresh(lpm);
	if (number != 0)
		return number;
	if (!in_need(lpm) && lpm->element_room > 0) {
		lpm->larder->element = true;
		return 0;
	}
	number = pop(lpm, element_link, leaving->begun.first != 0 ?
			      &leaving->begun : &leaving->next);
	/* whatever is written to it is written with release, behind this */
	if (number != 0)
		os_store_release(&lpm->changes, lpm->changes + 1);
	return number;
}

void
ebpf_lpm_element_give(struct ebpf_map_lpm *lpm, uint32_t number)
{
	push(lpm, element_link, &lpm->elements_leaving.next, number);
	if (lpm->elements_leaving.next.count >= BATCH)
		begin(&lpm->elements_leaving);
}

void
ebpf_lpm_element_undo(struct ebpf_map_lpm *lpm, uint32_t number)
{
	push(lpm, element_link, &lpm->element_free, number);
}

/* ---- nodes ---- */

static uint32_t
ring_at(const struct ebpf_map_lpm *lpm, uint32_t place)
{
	return lpm->ring[place & (lpm->ring_size - 1)];
}

/* What a chunk of nodes takes, on its way. */
struct nodes_more {
	struct ebpf_chunks_more chunk;
	uint32_t *ring; /* a larger one, if need be */
	uint32_t ring_size, held;
};

static int
nodes_ask(const struct ebpf_map_lpm *lpm, struct nodes_more *more)
{
	memset(more, 0, sizeof(*more));
	if (lpm->node_room == 0)
		return -EBPF_E2BIG;
	more->held = ebpf_chunks_held(&lpm->nodes, lpm->nodes.count);
	more->ring_size = lpm->ring_size;
	if (more->ring_size == 0)
		more->ring_size = RING_MIN;
	while (lpm->nodes_held + more->held > more->ring_size)
		more->ring_size *= 2;
	if (more->ring_size == lpm->ring_size)
		more->ring_size = 0;
	return ebpf_chunks_ask(&lpm->nodes, &more->chunk);
}

static void
nodes_drop(struct ebpf_map_lpm *lpm, struct nodes_more *more)
{
	if (more->ring != NULL)
		ebpf_uncharge(&lpm->map.obj,
			      more->ring_size * sizeof(*more->ring));
	os_free(more->ring);
	ebpf_chunks_drop(&lpm->nodes, &more->chunk);
}

static int
nodes_get(struct ebpf_map_lpm *lpm, struct nodes_more *more)
{
	uint64_t bytes = more->ring_size * sizeof(*more->ring);
	int error = ebpf_chunks_get(&lpm->nodes, &more->chunk);

	if (error != 0 || bytes == 0)
		return error;
	if (ebpf_charge_now(&lpm->map.obj, bytes) == 0) {
		more->ring = os_alloc_now(bytes);
		if (more->ring != NULL)
			return 0;
		ebpf_uncharge(&lpm->map.obj, bytes);
	}
	nodes_drop(lpm, more);
	return -EBPF_ENOMEM;
}

/* The one from before is `more`'s then. */
static void
ring_put(struct ebpf_map_lpm *lpm, struct nodes_more *more)
{
	uint32_t *ring = more->ring, size = more->ring_size, place;

	for (place = lpm->node_free; place != lpm->node_end; place++)
		ring[place & (size - 1)] = ring_at(lpm, place);
	more->ring = lpm->ring;
	more->ring_size = lpm->ring_size;
	lpm->ring = ring;
	lpm->ring_size = size;
}

/* Those of a chunk become free, in front of what is there. */
static void
nodes_put(struct ebpf_map_lpm *lpm, struct nodes_more *more)
{
	uint32_t number, held = more->held, i;

	number = ebpf_chunks_from(&lpm->nodes, lpm->node_fresh);
	/* as when it was asked for: only this makes rings larger */
	if (!ebpf_chunks_put(&lpm->nodes, &more->chunk))
		return;
	if (more->ring != NULL)
		ring_put(lpm, more);
	for (i = held; i > 0; i--)
		lpm->ring[--lpm->node_free & (lpm->ring_size - 1)] =
			number + i - 1;
	lpm->node_fresh = number + held;
	lpm->nodes_held += held;
	lpm->node_room -= held < lpm->node_room ? held : lpm->node_room;
}

static bool
nodes_add(struct ebpf_map_lpm *lpm)
{
	struct nodes_more more;

	if (nodes_ask(lpm, &more) != 0 || nodes_get(lpm, &more) != 0)
		return false;
	nodes_put(lpm, &more);
	nodes_drop(lpm, &more);
	return true;
}

bool
ebpf_lpm_node_more(struct ebpf_map_lpm *lpm, uint32_t count)
{
	struct nodes_more more;
	bool enough = false;
	int error;

	for (;;) {
		os_spin_lock(&lpm->lock);
		enough = lpm->node_waiting - lpm->node_free >= count;
		error = nodes_ask(lpm, &more);
		os_spin_unlock(&lpm->lock);
		if (enough || error != 0 || nodes_get(lpm, &more) != 0)
			return enough;
		os_spin_lock(&lpm->lock);
		nodes_put(lpm, &more);
		os_spin_unlock(&lpm->lock);
		nodes_drop(lpm, &more);
	}
}

static void
nodes_begin(struct ebpf_map_lpm *lpm)
{
	if (lpm->node_waiting != lpm->node_next ||
	    lpm->node_next == lpm->node_end)
		return;
	lpm->node_next = lpm->node_end;
	lpm->node_epoch = os_epoch_begin();
}

static void
nodes_look(struct ebpf_map_lpm *lpm)
{
	nodes_begin(lpm);
	if (lpm->node_waiting == lpm->node_next ||
	    !os_epoch_over(lpm->node_epoch))
		return;
	lpm->node_waiting = lpm->node_next;
	nodes_begin(lpm);
}

bool
ebpf_lpm_node_ask(struct ebpf_map_lpm *lpm, uint32_t count)
{
	if (lpm->node_waiting - lpm->node_free < count)
		nodes_look(lpm);
	while (lpm->node_waiting - lpm->node_free < count) {
		if (nodes_add(lpm))
			continue;
		if (!in_need(lpm) && lpm->node_room > 0 &&
		    count > lpm->larder->nodes)
			lpm->larder->nodes = count;
		return false;
	}
	return true;
}

uint32_t
ebpf_lpm_node_take(struct ebpf_map_lpm *lpm)
{
	if (!ebpf_lpm_node_ask(lpm, 1)) {
		if (lpm->node_free == lpm->node_end ||
		    (!in_need(lpm) && lpm->node_room > 0))
			return 0;
		/* as in ebpf_lpm_element_take() */
		os_store_release(&lpm->changes, lpm->changes + 1);
		lpm->node_waiting++;
		if (lpm->node_next == lpm->node_free)
			lpm->node_next++;
	}
	return ring_at(lpm, lpm->node_free++);
}

void
ebpf_lpm_node_give(struct ebpf_map_lpm *lpm, uint32_t number)
{
	lpm->ring[lpm->node_end++ & (lpm->ring_size - 1)] = number;
	if (lpm->node_end - lpm->node_next >= BATCH)
		nodes_begin(lpm);
}

/* ---- tables ---- */

struct ebpf_lpm_table *
ebpf_lpm_table_take(struct ebpf_map_lpm *lpm, uint64_t head, uint32_t depth,
		    uint32_t bits, uint32_t *ref)
{
	struct ebpf_lpm_entry *entries;
	struct ebpf_lpm_table *table;
	uint32_t number;

	/* of these none is handed on at once, so not all may be waiting */
	if (lpm->tables_leaving.begun.count + lpm->tables_leaving.next.count >=
	    lpm->element_waits_max)
		return NULL;
	if (!ebpf_lpm_node_ask(lpm, 1))
		return NULL;
	entries = ebpf_lpm_larder_take(lpm, bits);
	if (entries == NULL)
		return NULL;
	number = ebpf_lpm_node_take(lpm);
	table = &ebpf_lpm_node(lpm, number)->table;
	memset(table, 0, sizeof(*table));
	table->entries = entries;
	table->head = depth == 0 ? 0 : depth >= 64 ? head :
				       head >> (64 - depth) << (64 - depth);
	table->mask = (1u << bits) - 1;
	table->depth = (uint16_t)depth;
	table->bits = (uint8_t)bits;
	table->shift = depth + bits <= 64 ? (uint8_t)(64 - depth - bits) :
					    EBPF_LPM_SHIFT_NONE;
	*ref = EBPF_LPM_NODE | EBPF_LPM_TABLE | number;
	return table;
}

void
ebpf_lpm_table_give(struct ebpf_map_lpm *lpm, uint32_t ref)
{
	push(lpm, table_link, &lpm->tables_leaving.next,
	     ref & EBPF_LPM_NUMBER);
	begin(&lpm->tables_leaving);
}

void
ebpf_lpm_table_undo(struct ebpf_map_lpm *lpm, uint32_t ref)
{
	uint32_t number = ref & EBPF_LPM_NUMBER;
	struct ebpf_lpm_table *table = &ebpf_lpm_node(lpm, number)->table;

	/* without items it is still zeros */
	ebpf_lpm_larder_give(lpm, table->entries, table->bits,
			     table->items == 0);
	lpm->ring[--lpm->node_free & (lpm->ring_size - 1)] = number;
}

void
ebpf_lpm_store_tidy(struct ebpf_map_lpm *lpm)
{
	struct ebpf_lpm_leaving *leaving = &lpm->tables_leaving;
	struct ebpf_lpm_table *table;
	uint32_t number;

	if (os_likely(leaving->begun.first == 0) || !over(leaving))
		return;
	while ((number = pop(lpm, table_link, &leaving->begun)) != 0) {
		table = &ebpf_lpm_node(lpm, number)->table;
		ebpf_lpm_larder_free(lpm, table->entries, table->bits);
		ebpf_lpm_node_give(lpm, number);
	}
	memset(&leaving->begun, 0, sizeof(leaving->begun));
	begin(leaving);
}

/* ---- the end ---- */

void
ebpf_lpm_store_settle(struct ebpf_map_lpm *lpm)
{
	struct ebpf_lpm_larder larder;
	uint32_t i;

	ebpf_lpm_larder_begin(&larder);
	/* what waits for a grace period to begin; nodes, for tables' as well */
	for (i = 0; i < 3; i++) {
		os_spin_lock(&lpm->lock);
		begin(&lpm->elements_leaving);
		begin(&lpm->tables_leaving);
		nodes_begin(lpm);
		os_spin_unlock(&lpm->lock);
		os_epoch_sync();
		os_spin_lock(&lpm->lock);
		lpm->larder = &larder;
		elements_look(lpm);
		ebpf_lpm_store_tidy(lpm);
		nodes_look(lpm);
		os_spin_unlock(&lpm->lock);
	}
	ebpf_lpm_larder_end(lpm, &larder);
}

/* Nobody reads any more, so what is to be looked into is linked through it. */
static uint32_t *
end_link(const struct ebpf_map_lpm *lpm, uint32_t ref)
{
	union ebpf_lpm_node *node = ebpf_lpm_node(lpm, ref);

	return ebpf_lpm_is_table(ref) ? &ebpf_lpm_rest(&node->table)->next :
					&node->narrow.own[0];
}

static void
end_push(const struct ebpf_map_lpm *lpm, uint32_t *first, uint32_t ref)
{
	if ((ref & EBPF_LPM_NODE) == 0)
		return;
	*end_link(lpm, ref) = *first;
	*first = ref;
}

/* All tables that are in use. */
static void
tables_end(struct ebpf_map_lpm *lpm)
{
	union ebpf_lpm_node *node;
	uint32_t first = 0, ref, i;

	end_push(lpm, &first, lpm->root);
	while ((ref = first) != 0) {
		first = *end_link(lpm, ref);
		node = ebpf_lpm_node(lpm, ref);
		if (!ebpf_lpm_is_table(ref)) {
			for (i = 0; i < 4; i++)
				end_push(lpm, &first, node->narrow.child[i]);
			continue;
		}
		for (i = 0; i <= node->table.mask; i++)
			end_push(lpm, &first, node->table.entries[i].ref);
		table_free(lpm, ref);
	}
}

void
ebpf_lpm_store_fini(struct ebpf_map_lpm *lpm)
{
	struct ebpf_lpm_leaving *leaving = &lpm->tables_leaving;
	uint32_t number;

	tables_end(lpm);
	while ((number = pop(lpm, table_link, &leaving->begun)) != 0)
		table_free(lpm, number);
	while ((number = pop(lpm, table_link, &leaving->next)) != 0)
		table_free(lpm, number);
	ebpf_chunks_fini(&lpm->nodes);
	ebpf_chunks_fini(&lpm->elements);
	os_free(lpm->ring);
}
