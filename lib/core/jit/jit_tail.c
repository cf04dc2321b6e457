/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See jit_tail.h. */
#include "core/jit/jit_tail.h"

#include "core/prog.h"

/* Locked by tails->lock, and direct is clear: have it jump to what is there. */
static void
aim(struct ebpf_jit_tails *tails, struct ebpf_jit_tail *tail)
{
	const struct ebpf_jit_ops *ops = ebpf_jit_host();
	struct ebpf_map_prog_array *array = tails->array;
	const uint8_t *at = tail->image->code + tail->off;
	const struct ebpf_prog *prog;
	uint32_t changes, word;
	uint64_t entry = 0;
	bool done;

	os_spin_lock(&array->lock);
	changes = tail->changes;
	prog = array->slots[tail->index];
	if (prog != NULL)
		entry = (uint64_t)(uintptr_t)prog->entry;
	os_spin_unlock(&array->lock);
	if (prog == NULL)
		return;
	done = ops->tail_jump((uint64_t)(uintptr_t)at, entry, &word) &&
	       os_exec_patch(&tail->image->exec, at, word) == 0;
	os_spin_lock(&array->lock);
	if (!done)
		tail->stuck = true;
	else if (tail->changes == changes)
		os_store_release(&tail->direct, prog);
	os_spin_unlock(&array->lock);
}

/* Whether a jump is behind its slot. */
static bool
is_behind(const struct ebpf_jit_tails *tails, const struct ebpf_jit_tail *tail)
{
	return tail->direct == NULL && !tail->stuck &&
	       os_load(&tails->array->slots[tail->index]) != NULL;
}

static void
follow(struct os_deferred *work)
{
	struct ebpf_jit_tails *tails =
		os_container(work, struct ebpf_jit_tails, work);
	struct ebpf_map_prog_array *array = tails->array;
	struct ebpf_jit_tail *tail;
	bool again = false;

	os_spin_lock(&array->lock);
	tails->more = false;
	os_spin_unlock(&array->lock);
	os_mutex_lock(&tails->lock);
	for (tail = tails->first; tail != NULL; tail = tail->next) {
		bool behind, over;

		os_spin_lock(&array->lock);
		behind = is_behind(tails, tail);
		over = behind && os_epoch_over(tail->since);
		os_spin_unlock(&array->lock);
		if (over)
			aim(tails, tail);
		else
			again |= behind;
	}
	os_mutex_unlock(&tails->lock);
	os_spin_lock(&array->lock);
	again |= tails->more;
	tails->pending = again;
	os_spin_unlock(&array->lock);
	if (again)
		os_epoch_defer(&tails->work, follow);
	else
		ebpf_map_put(&array->map);
}

bool
ebpf_jit_tails_changed(struct ebpf_map_prog_array *array, uint32_t index)
{
	struct ebpf_jit_tails *tails = os_load_acquire(&array->tails);
	struct ebpf_jit_tail *tail;
	bool any = false;

	if (tails == NULL)
		return false;
	for (tail = tails->first; tail != NULL; tail = tail->next) {
		if (tail->index != index)
			continue;
		os_store_release(&tail->direct, NULL);
		tail->changes++;
		tail->since = os_epoch_begin();
		tail->stuck = false;
		any |= array->slots[index] != NULL;
	}
	if (!any)
		return false;
	tails->more = true;
	if (tails->pending)
		return false;
	tails->pending = true;
	ebpf_map_get(&array->map);
	return true;
}

void
ebpf_jit_tails_follow(struct ebpf_map_prog_array *array)
{
	os_epoch_defer(&array->tails->work, follow);
}

static int
tails_of(struct ebpf_map_prog_array *array, struct ebpf_jit_tails **result)
{
	struct ebpf_jit_tails *tails = os_load_acquire(&array->tails);
	struct ebpf_jit_tails *none = NULL;
	int err;

	if (tails != NULL)
		goto out;
	tails = os_alloc(sizeof(*tails));
	if (tails == NULL)
		return -EBPF_ENOMEM;
	err = ebpf_charge(&array->map.obj, sizeof(*tails));
	if (err < 0) {
		os_free(tails);
		return err;
	}
	os_mutex_init(&tails->lock);
	tails->array = array;
	if (!os_cas(&array->tails, &none, tails)) {
		ebpf_uncharge(&array->map.obj, sizeof(*tails));
		ebpf_jit_tails_free(tails);
		tails = none;
	}
out:
	*result = tails;
	return 0;
}

int
ebpf_jit_tails_join(struct ebpf_jit_image *image)
{
	for (uint32_t i = 0; i < image->tail_count; i++) {
		struct ebpf_jit_tail *tail = &image->tails[i];
		struct ebpf_jit_tails *tails;
		int err = tails_of(tail->array, &tails);

		if (err < 0)
			return err;
		os_mutex_lock(&tails->lock);
		os_spin_lock(&tail->array->lock);
		tail->image = image;
		tail->joined = true;
		tail->next = tails->first;
		tails->first = tail;
		os_spin_unlock(&tail->array->lock);
		aim(tails, tail); /* nobody runs it yet */
		os_mutex_unlock(&tails->lock);
	}
	return 0;
}

void
ebpf_jit_tails_leave(struct ebpf_jit_image *image)
{
	for (uint32_t i = 0; image->tails && i < image->tail_count; i++) {
		struct ebpf_jit_tail *tail = &image->tails[i], **at;
		struct ebpf_jit_tails *tails;

		if (!tail->joined)
			continue;
		tails = tail->array->tails;
		os_mutex_lock(&tails->lock);
		os_spin_lock(&tail->array->lock);
		for (at = &tails->first; *at != tail; at = &(*at)->next)
			;
		*at = tail->next;
		os_spin_unlock(&tail->array->lock);
		os_mutex_unlock(&tails->lock);
	}
}

void
ebpf_jit_tails_free(struct ebpf_jit_tails *tails)
{
	if (tails == NULL)
		return;
	os_mutex_destroy(&tails->lock);
	os_free(tails);
}
