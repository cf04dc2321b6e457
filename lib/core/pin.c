/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pins: names that keep objects alive, in one array sorted by bytes under the
 * runtime's lock. A name is charged to its object.
 */
#include "core/runtime.h"

static int
check_pin(const char *pin)
{
	size_t start = 0, i, len;

	for (i = 0;; i++) {
		unsigned char c = (unsigned char)pin[i];

		if (i == EBPF_PIN_SIZE)
			return -EBPF_ENAMETOOLONG;
		if (c != '/' && c != '\0') {
			if (c < 0x20 || c == 0x7f)
				return -EBPF_EINVAL;
			continue;
		}
		len = i - start;
		if (len == 0 || (len == 1 && pin[start] == '.') ||
		    (len == 2 && pin[start] == '.' && pin[start + 1] == '.'))
			return -EBPF_EINVAL;
		if (c == '\0')
			return 0;
		start = i + 1;
	}
}

/*
 * Index of the pin with that name, or, with *found false, where it belongs.
 * Under the lock.
 */
static uint32_t
pin_at(const struct ebpf_runtime *rt, const char *name, bool *found)
{
	uint32_t low = 0, high = rt->pin_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(rt->pins[middle].name, name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

static int
pins_grow(struct ebpf_runtime *rt)
{
	uint32_t room = rt->pin_room ? rt->pin_room * 2 : 16;
	struct ebpf_pin *pins;

	if (rt->pin_count < rt->pin_room)
		return 0;
	pins = os_alloc(room * sizeof(pins[0]));
	if (!pins)
		return -EBPF_ENOMEM;
	if (rt->pin_count)
		memcpy(pins, rt->pins, rt->pin_count * sizeof(pins[0]));
	os_free(rt->pins);
	rt->pins = pins;
	rt->pin_room = room;
	return 0;
}

static uint64_t
pin_bytes(const char *name)
{
	return sizeof(struct ebpf_pin) + strlen(name) + 1;
}

int
ebpf_pin_set(struct ebpf_object *obj, const char *pin, bool replace)
{
	struct ebpf_runtime *rt = obj->rt;
	struct ebpf_object *old = NULL;
	struct ebpf_pin *at;
	uint32_t index;
	char *name;
	bool found;
	int error;

	error = check_pin(pin);
	if (error)
		return error;
	error = ebpf_charge(obj, pin_bytes(pin));
	if (error)
		return error;
	name = os_alloc(strlen(pin) + 1);
	if (!name) {
		error = -EBPF_ENOMEM;
		goto no_name;
	}
	memcpy(name, pin, strlen(pin) + 1);

	os_mutex_lock(&rt->lock);
	index = pin_at(rt, pin, &found);
	if (found) {
		at = &rt->pins[index];
		if (!replace || at->obj->kind != obj->kind) {
			error = -EBPF_EEXIST;
			goto no_place;
		}
		old = at->obj;
		os_free(at->name);
	} else {
		error = pins_grow(rt);
		if (error)
			goto no_place;
		at = &rt->pins[index];
		memmove(at + 1, at, (rt->pin_count - index) * sizeof(*at));
		rt->pin_count++;
	}
	ebpf_object_get(obj);
	at->obj = obj;
	at->name = name;
	os_mutex_unlock(&rt->lock);
	if (old) {
		ebpf_uncharge(old, pin_bytes(pin));
		ebpf_object_put(old);
	}
	return 0;

no_place:
	os_mutex_unlock(&rt->lock);
	os_free(name);
no_name:
	ebpf_uncharge(obj, pin_bytes(pin));
	return error;
}

int
ebpf_pin_remove(struct ebpf_runtime *rt, const char *pin)
{
	struct ebpf_pin gone;
	uint32_t index;
	bool found;

	os_mutex_lock(&rt->lock);
	index = pin_at(rt, pin, &found);
	if (!found) {
		os_mutex_unlock(&rt->lock);
		return -EBPF_ENOENT;
	}
	gone = rt->pins[index];
	rt->pin_count--;
	memmove(&rt->pins[index], &rt->pins[index + 1],
		(rt->pin_count - index) * sizeof(gone));
	os_mutex_unlock(&rt->lock);

	ebpf_uncharge(gone.obj, pin_bytes(gone.name));
	os_free(gone.name);
	ebpf_object_put(gone.obj);
	return 0;
}

int
ebpf_pin_get(struct ebpf_runtime *rt, const char *pin, struct ebpf_object **obj)
{
	uint32_t index;
	bool found;

	os_mutex_lock(&rt->lock);
	index = pin_at(rt, pin, &found);
	if (found) {
		*obj = rt->pins[index].obj;
		ebpf_object_get(*obj); /* the pin's keeps it above 0 */
	}
	os_mutex_unlock(&rt->lock);
	return found ? 0 : -EBPF_ENOENT;
}

int
ebpf_pin_next(struct ebpf_runtime *rt, const char *after, const char *prefix,
	      uint32_t *kind, uint32_t *id, char pin[EBPF_PIN_SIZE])
{
	size_t prefix_len = strlen(prefix);
	const struct ebpf_pin *at;
	int error = -EBPF_ENOENT;
	uint32_t index;
	bool found;

	os_mutex_lock(&rt->lock);
	index = pin_at(rt, after, &found);
	for (index += found; index < rt->pin_count; index++) {
		at = &rt->pins[index];
		if (strncmp(at->name, prefix, prefix_len) != 0) {
			/* Sorted: past the prefix there are no more. */
			if (strcmp(at->name, prefix) > 0)
				break;
			continue;
		}
		if (*kind && (at->obj->kind != *kind ||
			      (*id && at->obj->id != *id)))
			continue;
		*kind = at->obj->kind;
		*id = at->obj->id;
		memcpy(pin, at->name, strlen(at->name) + 1);
		error = 0;
		break;
	}
	os_mutex_unlock(&rt->lock);
	return error;
}
