/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Links on a hook made for the test: what may be attached, replaced, updated,
 * and what becomes of a link whose maker, target, hook or runtime goes.
 */
#include "core/link.h"
#include "object_lab.h"
#include "tap.h"

static struct ebpf_link *attached;
static uint32_t updates, detaches;
static int attach_error;

static int
fake_attach(void *cookie, struct ebpf_link *link, bool replace)
{
	if (strcmp(link->target, "vale0") != 0)
		return -EBPF_ENOENT;
	if (attached && !replace)
		return -EBPF_EBUSY;
	if (attach_error)
		return attach_error;
	if (attached) {
		ebpf_link_gone(attached, EBPF_LINK_DETACHED);
		ebpf_link_put(attached);
	}
	ebpf_link_get(link);
	attached = link;
	return 0;
}

static int
fake_update(void *cookie, struct ebpf_link *link, struct ebpf_prog *prog)
{
	if (link != attached)
		return -EBPF_ESTALE;
	updates++;
	return 0;
}

static void
fake_detach(void *cookie, struct ebpf_link *link)
{
	if (link != attached)
		return;
	detaches++;
	attached = NULL;
	ebpf_link_put(link);
}

static const struct ebpf_hook_ops fake = {
	.hook = EBPF_HOOK_VALE,
	.kinds = EBPF_KINDS_VALE,
	.attach = fake_attach,
	.update = fake_update,
	.detach = fake_detach,
};

/* The target goes by itself; the session's reference has gone before. */
static void
vanish(void)
{
	struct ebpf_link *link = attached;

	attached = NULL;
	ebpf_link_vanished(link);
	ebpf_link_put(link);
	os_epoch_drain();
}

static void
test_vanished(struct ebpf_runtime *rt, struct ebpf_prog *prog)
{
	struct ebpf_link *link, *next;
	struct ebpf_object *obj;

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	vanish();
	obj = ebpf_object_next(rt, EBPF_OBJ_LINK, 0);
	link = os_container(obj, struct ebpf_link, obj);
	tap_ok(obj && link->state == EBPF_LINK_STALE,
	       "a link whose target vanished stays to be seen");
	TAP_CHECK(ebpf_link_update(link, prog, NULL) == -EBPF_ESTALE);
	TAP_CHECK(ebpf_link_detach(link) == 0);
	TAP_CHECK(ebpf_link_detach(link) == -EBPF_ESTALE);
	ebpf_object_put(obj);
	os_epoch_drain();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0,
	       "until it is let go");

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	vanish();
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &next) == 0);
	os_epoch_drain();
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_LINK) == 1 &&
		       next->state == EBPF_LINK_ATTACHED,
	       "or another link is made for the target");
	TAP_CHECK(ebpf_link_detach(next) == 0);
	ebpf_link_put(next);

	/* what is off already is not kept */
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_gone(link, EBPF_LINK_DETACHED);
	ebpf_link_put(link);
	vanish();
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0);

	/* the hook takes it along when it leaves (test_links) */
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	vanish();
	detaches = 0;
}

static void
test_links(void)
{
	uint64_t live = os_test_live();
	struct ebpf_runtime *rt = lab_new_runtime(0);
	struct ebpf_prog *one = lab_new_prog(rt, EBPF_PROG_VALE), *prog;
	struct ebpf_prog *two = lab_new_prog(rt, EBPF_PROG_VALE);
	struct ebpf_prog *raw = lab_new_prog(rt, EBPF_PROG_RAW);
	struct ebpf_link *link, *other;
	char name[EBPF_NAME_SIZE + 1];
	uint32_t id;

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &link) == -EBPF_EUNSUPPORTED);
	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == 0);
	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == -EBPF_EEXIST);
	TAP_CHECK(ebpf_link_create(rt, 0, "vale0", one, false, 0, &link) ==
		  -EBPF_EINVAL);
	TAP_CHECK(ebpf_link_create(rt, 99, "vale0", one, false, 0, &link) ==
		  -EBPF_EINVAL);
	memset(name, 'v', sizeof(name));
	name[EBPF_NAME_SIZE] = '\0';
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, name, one, false, 0,
				   &link) == -EBPF_ENAMETOOLONG);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale1", one, false, 0,
				   &link) == -EBPF_ENOENT);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", raw, false, 0,
				   &link) == -EBPF_EINVAL);
	tap_ok(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0 && !attached,
	       "what failed left nothing");

	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 5,
				   &link) == 0);
	TAP_CHECK(link->state == EBPF_LINK_ATTACHED && link->obj.uid == 5 &&
		  attached == link);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &other) == -EBPF_EBUSY);
	TAP_CHECK(ebpf_link_update(link, two, two) == -EBPF_EBUSY);
	TAP_CHECK(ebpf_link_update(link, raw, NULL) == -EBPF_EINVAL);
	TAP_CHECK(ebpf_link_update(link, two, one) == 0 && updates == 1);
	prog = ebpf_link_prog(link);
	TAP_CHECK(prog == two);
	ebpf_prog_put(prog);

	id = link->obj.id;
	ebpf_link_put(link); /* the session ends */
	os_epoch_drain();
	link = os_container(ebpf_object_by_id(rt, EBPF_OBJ_LINK, id),
			    struct ebpf_link, obj);
	tap_ok(link == attached, "an attached link outlives its maker");

	attach_error = -EBPF_ENOMEM;
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, true, 0,
				   &other) == -EBPF_ENOMEM);
	TAP_CHECK(link->state == EBPF_LINK_ATTACHED && attached == link);
	attach_error = 0;
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, true, 0,
				   &other) == 0);
	tap_ok(link->state == EBPF_LINK_DETACHED && attached == other,
	       "a replaced link knows it");
	TAP_CHECK(ebpf_link_update(link, one, NULL) == -EBPF_ESTALE);
	TAP_CHECK(ebpf_link_detach(link) == -EBPF_ESTALE);
	ebpf_link_put(link);

	TAP_CHECK(ebpf_link_detach(other) == 0 && detaches == 1 && !attached);
	TAP_CHECK(ebpf_link_detach(other) == -EBPF_ESTALE);
	ebpf_link_put(other);

	test_vanished(rt, one);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &link) == 0);
	ebpf_hook_unregister(rt, EBPF_HOOK_VALE);
	tap_ok(link->state == EBPF_LINK_STALE && detaches == 1,
	       "a hook that goes lets its links go");
	ebpf_link_put(link);
	os_epoch_drain();
	TAP_CHECK(ebpf_object_count(rt, EBPF_OBJ_LINK) == 0);

	/* and a runtime that goes takes an attached link along */
	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == 0);
	TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", one, false, 0,
				   &link) == 0);
	ebpf_link_put(link);
	ebpf_prog_put(one);
	ebpf_prog_put(two);
	ebpf_prog_put(raw);
	ebpf_runtime_destroy(rt);
	TAP_CHECK(!attached && os_test_live() == live);
}

/*
 * A seventeenth link takes over from the sixteenth, and the registry, which has
 * room for sixteen, must grow: whatever fails, the old one is attached as before.
 */
static void
test_replace_fails(void)
{
	uint64_t live = os_test_live(), before;
	struct ebpf_runtime *rt = lab_new_runtime(0);
	struct ebpf_prog *prog = lab_new_prog(rt, EBPF_PROG_VALE);
	struct ebpf_link *links[16], *link = NULL;
	uint32_t n, i, failed = 0;
	int error;

	TAP_CHECK(ebpf_hook_register(rt, &fake, NULL) == 0);
	for (i = 0; i < 16; i++)
		TAP_CHECK(ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog,
					   i != 0, 0, &links[i]) == 0);
	before = os_test_live();
	for (n = 1;; n++) {
		os_test_fail_at(n);
		error = ebpf_link_create(rt, EBPF_HOOK_VALE, "vale0", prog,
					 true, 0, &link);
		if (!os_test_failed())
			break;
		os_test_fail_at(0);
		os_epoch_drain();
		failed += error == -EBPF_ENOMEM && link == NULL &&
			  attached == links[15] &&
			  links[15]->state == EBPF_LINK_ATTACHED &&
			  ebpf_object_count(rt, EBPF_OBJ_LINK) == 16 &&
			  os_test_live() == before;
	}
	os_test_fail_at(0);
	tap_ok(failed == n - 1 && n > 2, "a link that has no memory for its "
	       "place in %u ways leaves the old one attached", n - 1);
	TAP_CHECK(error == 0 && attached == link &&
		  links[15]->state == EBPF_LINK_DETACHED);
	ebpf_link_put(link);
	for (i = 0; i < 16; i++)
		ebpf_link_put(links[i]);
	ebpf_prog_put(prog);
	ebpf_runtime_destroy(rt);
	TAP_CHECK(!attached && os_test_live() == live);
}

int
main(void)
{
	test_links();
	test_replace_fails();
	return tap_done();
}
