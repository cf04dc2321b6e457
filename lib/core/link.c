/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Links. The mutex of a link orders its updates and its detaching and is held
 * while the hook is called; the state alone is atomic, because a hook tells
 * that a target went (ebpf_link_gone) under locks of its own.
 */
#include "core/link.h"

#include "core/prog.h"
#include "core/runtime.h"

static void
link_destroy(struct ebpf_object *obj)
{
	struct ebpf_link *link = os_container(obj, struct ebpf_link, obj);

	ebpf_prog_put(link->prog);
	os_mutex_destroy(&link->lock);
	os_free(link);
}

/* The owner of a hook, kept from unregistering until hook_put. */
static int
hook_get(struct ebpf_runtime *rt, uint32_t kind, struct ebpf_link *link)
{
	struct ebpf_hook *hook;
	int error = 0;

	if (kind == 0 || kind >= EBPF_HOOK_SLOTS)
		return -EBPF_EINVAL;
	hook = &rt->hooks[kind];
	os_mutex_lock(&rt->lock);
	if (hook->ops) {
		hook->users++;
		link->ops = hook->ops;
		link->cookie = hook->cookie;
		link->hook = kind;
	} else {
		error = -EBPF_EUNSUPPORTED;
	}
	os_mutex_unlock(&rt->lock);
	return error;
}

static void
hook_put(struct ebpf_runtime *rt, uint32_t kind)
{
	os_mutex_lock(&rt->lock);
	rt->hooks[kind].users--;
	os_mutex_unlock(&rt->lock);
}

/* Whoever clears the mark drops the reference. */
static bool
let_go(struct ebpf_link *link)
{
	if (!os_swap(&link->kept, 0))
		return false;
	ebpf_link_put(link);
	return true;
}

/* Links that told of a target's end have done so when it is there again. */
static void
let_go_others(struct ebpf_link *link)
{
	struct ebpf_object *obj;
	struct ebpf_link *other;
	uint32_t id = 0;

	while ((obj = ebpf_object_next(link->obj.rt, EBPF_OBJ_LINK, id))) {
		other = os_container(obj, struct ebpf_link, obj);
		id = obj->id;
		if (other != link && other->hook == link->hook &&
		    strcmp(other->target, link->target) == 0)
			let_go(other);
		ebpf_object_put(obj);
	}
}

int
ebpf_link_create(struct ebpf_runtime *rt, enum ebpf_hook_kind hook,
		 const char *target, struct ebpf_prog *prog, bool replace,
		 uint32_t uid, struct ebpf_link **result)
{
	struct ebpf_link *link;
	int error;

	*result = NULL;
	if (strnlen(target, EBPF_NAME_SIZE) == EBPF_NAME_SIZE)
		return -EBPF_ENAMETOOLONG;
	link = os_alloc(sizeof(*link));
	if (!link)
		return -EBPF_ENOMEM;
	error = ebpf_object_init(&link->obj, rt, EBPF_OBJ_LINK, "", uid,
				 link_destroy);
	if (error) {
		os_free(link);
		return error;
	}
	os_mutex_init(&link->lock);
	memcpy(link->target, target, strlen(target) + 1);
	ebpf_prog_get(prog);
	link->prog = prog;
	error = ebpf_charge(&link->obj, sizeof(*link));
	if (error)
		goto no_link;
	error = hook_get(rt, hook, link);
	if (error)
		goto no_link;
	if (!(prog->kind->bit & link->ops->kinds)) {
		error = -EBPF_EINVAL;
		goto no_attach;
	}
	/* From the attaching on there is no way back: another link is off. */
	error = ebpf_object_reserve(&link->obj);
	if (error)
		goto no_attach;
	/* Set first: another link may take over as soon as it is attached. */
	link->state = EBPF_LINK_ATTACHED;
	os_mutex_lock(&link->lock);
	error = link->ops->attach(link->cookie, link, replace);
	os_mutex_unlock(&link->lock);
	if (error) {
		os_store(&link->state, EBPF_LINK_DETACHED);
		goto no_attach;
	}
	ebpf_object_publish(&link->obj); /* reserved */
	hook_put(rt, hook);
	let_go_others(link);
	*result = link;
	return 0;

no_attach:
	hook_put(rt, hook);
no_link:
	/* The hook may have held it for a moment, so not at once. */
	ebpf_link_put(link);
	return error;
}

int
ebpf_link_update(struct ebpf_link *link, struct ebpf_prog *prog,
		 struct ebpf_prog *expected)
{
	struct ebpf_prog *old = NULL;
	int error;

	os_mutex_lock(&link->lock);
	if (os_load(&link->state) != EBPF_LINK_ATTACHED) {
		error = -EBPF_ESTALE;
	} else if (expected && link->prog != expected) {
		error = -EBPF_EBUSY;
	} else if (!(prog->kind->bit & link->ops->kinds)) {
		error = -EBPF_EINVAL;
	} else {
		error = link->ops->update(link->cookie, link, prog);
		if (!error) {
			ebpf_prog_get(prog);
			old = link->prog;
			link->prog = prog;
		}
	}
	os_mutex_unlock(&link->lock);
	ebpf_prog_put(old);
	return error;
}

int
ebpf_link_release(struct ebpf_link *link, enum ebpf_link_state state)
{
	uint32_t attached = EBPF_LINK_ATTACHED;
	int error = 0;

	os_mutex_lock(&link->lock);
	/* Whoever changes the state first, we or the hook, has the say. */
	if (os_cas(&link->state, &attached, (uint32_t)state))
		link->ops->detach(link->cookie, link);
	else if (!let_go(link))
		error = -EBPF_ESTALE;
	os_mutex_unlock(&link->lock);
	return error;
}

int
ebpf_link_detach(struct ebpf_link *link)
{
	return ebpf_link_release(link, EBPF_LINK_DETACHED);
}

struct ebpf_prog *
ebpf_link_prog(struct ebpf_link *link)
{
	struct ebpf_prog *prog;

	os_mutex_lock(&link->lock);
	prog = link->prog;
	ebpf_prog_get(prog);
	os_mutex_unlock(&link->lock);
	return prog;
}

void
ebpf_link_gone(struct ebpf_link *link, enum ebpf_link_state state)
{
	uint32_t attached = EBPF_LINK_ATTACHED;

	os_cas(&link->state, &attached, (uint32_t)state);
}

void
ebpf_link_vanished(struct ebpf_link *link)
{
	uint32_t attached = EBPF_LINK_ATTACHED;

	/* First, or a detach in between would miss the reference. */
	ebpf_link_get(link);
	os_store_release(&link->kept, 1);
	if (!os_cas(&link->state, &attached, (uint32_t)EBPF_LINK_STALE))
		let_go(link);
}
