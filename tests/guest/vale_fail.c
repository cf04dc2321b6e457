/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Every allocation of everything that can be asked about VALE's switches fails
 * once: making and destroying, attaching, replacing and detaching, at switches
 * of netmap's and of ours, ports that come and go, questions. Each time the
 * error says so, nothing has changed, and at last nothing is left. Run by
 * vale.sh.
 *
 *	vale_fail FILE   FILE: where a number says which allocation fails
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/gebpf.h"
#include "tap.h"
#include "vale_port.h"

static struct gebpf_device *device;
static uint32_t progs[2];

/* ---- requests; all return 0 or a negative error ---- */

static int
switch_request(enum ebpf_request what, const char *name)
{
	struct ebpf_req_switch req = { .size = 0 };
	struct ebpf_rep_switch_info info;

	snprintf(req.name, sizeof(req.name), "%s", name);
	if (what == EBPF_REQUEST_SWITCH_INFO)
		return gebpf_ask(device, what, &req, sizeof(req), &info,
				 sizeof(info));
	return gebpf_ask(device, what, &req, sizeof(req), NULL, 0);
}

static int
attach(const char *name, uint32_t prog, bool replace)
{
	struct ebpf_req_link_create req = {
		.prog_id = prog, .hook = EBPF_HOOK_VALE, .replace = replace,
	};
	struct ebpf_rep_id made;

	snprintf(req.target, sizeof(req.target), "%s", name);
	return gebpf_ask(device, EBPF_REQUEST_LINK_CREATE, &req, sizeof(req),
			 &made, sizeof(made));
}

/* The link that is attached there; 0: none. */
static uint32_t
link_at(const char *name)
{
	struct ebpf_req_obj_next next = { .kind = EBPF_OBJ_LINK };
	struct ebpf_rep_link_info info;
	struct ebpf_rep_id found;

	while (gebpf_ask(device, EBPF_REQUEST_OBJ_NEXT, &next, sizeof(next),
			 &found, sizeof(found)) == 0) {
		struct ebpf_req_id id = { .id = found.id };

		next.id = found.id;
		if (gebpf_ask(device, EBPF_REQUEST_LINK_INFO, &id, sizeof(id),
			      &info, sizeof(info)) == 0 &&
		    info.state == EBPF_LINK_ATTACHED &&
		    strcmp(info.target, name) == 0)
			return info.id;
	}
	return 0;
}

static int
update(const char *name, uint32_t prog)
{
	struct ebpf_req_link_update req = { .id = link_at(name),
					    .prog_id = prog };

	return gebpf_ask(device, EBPF_REQUEST_LINK_UPDATE, &req, sizeof(req),
			 NULL, 0);
}

static int
detach(const char *name)
{
	struct ebpf_req_id req = { .id = link_at(name) };

	return gebpf_ask(device, EBPF_REQUEST_LINK_DETACH, &req, sizeof(req),
			 NULL, 0);
}

static int
port_add(const char *name, const char *spec)
{
	struct ebpf_req_port_add req = { .size = 0 };
	struct ebpf_rep_port_info info;

	snprintf(req.name, sizeof(req.name), "%s", name);
	snprintf(req.spec, sizeof(req.spec), "%s", spec);
	return gebpf_ask(device, EBPF_REQUEST_PORT_ADD, &req, sizeof(req),
			 &info, sizeof(info));
}

static int
port_del(const char *name, const char *port)
{
	struct ebpf_req_port req = { .size = 0 };

	snprintf(req.name, sizeof(req.name), "%s", name);
	snprintf(req.port_name, sizeof(req.port_name), "%s", port);
	return gebpf_ask(device, EBPF_REQUEST_PORT_DEL, &req, sizeof(req),
			 NULL, 0);
}

/* ---- what there is ---- */

static char told[2][65536];

static void
tell_ports(FILE *f, const char *name)
{
	struct ebpf_req_port_info req = { .size = 0 };
	struct ebpf_rep_port_info info;

	memcpy(req.name, name, sizeof(req.name));
	while (gebpf_ask(device, EBPF_REQUEST_PORT_INFO, &req, sizeof(req),
			 &info, sizeof(info)) == 0) {
		fprintf(f, "  %u %s %s %s\n", info.index, info.port_name,
			info.kind, info.spec);
		req.index = info.index + 1;
	}
}

/* Switches, ports, links and who decides where. */
static void
tell(char *text)
{
	struct ebpf_req_obj_next next = { .kind = EBPF_OBJ_LINK };
	struct ebpf_req_switch_next after = { .size = 0 };
	struct ebpf_rep_switch_info info;
	struct ebpf_rep_link_info link;
	struct ebpf_rep_id found;
	FILE *f = fmemopen(text, sizeof(told[0]), "w");

	while (gebpf_ask(device, EBPF_REQUEST_SWITCH_NEXT, &after,
			 sizeof(after), &info, sizeof(info)) == 0) {
		fprintf(f, "%s %u ports, link %u, program %u, %u\n", info.name,
			info.port_count, info.link_id, info.prog_id,
			info.state);
		memcpy(after.name, info.name, sizeof(after.name));
		tell_ports(f, info.name);
	}
	while (gebpf_ask(device, EBPF_REQUEST_OBJ_NEXT, &next, sizeof(next),
			 &found, sizeof(found)) == 0) {
		struct ebpf_req_id id = { .id = found.id };

		next.id = found.id;
		if (gebpf_ask(device, EBPF_REQUEST_LINK_INFO, &id, sizeof(id),
			      &link, sizeof(link)) == 0 &&
		    link.state == EBPF_LINK_ATTACHED)
			fprintf(f, "link %u at %s, program %u\n", link.id,
				link.target, link.prog_id);
	}
	fclose(f);
}

/* ---- scenes: netmap's switch is vale0, ours is vale2 ---- */

static int
do_create(void)
{
	return switch_request(EBPF_REQUEST_SWITCH_CREATE, "vale3");
}

static int
undo_create(void)
{
	return switch_request(EBPF_REQUEST_SWITCH_DESTROY, "vale3");
}

static int do_attach(void) { return attach("vale0", progs[0], false); }
static int undo_attach(void) { return detach("vale0"); }
static int do_attach_own(void) { return attach("vale2", progs[0], false); }
static int undo_attach_own(void) { return detach("vale2"); }
static int do_replace(void) { return attach("vale0", progs[1], true); }
static int undo_replace(void) { return attach("vale0", progs[0], true); }
static int do_replace_own(void) { return attach("vale2", progs[1], true); }
static int undo_replace_own(void) { return attach("vale2", progs[0], true); }
static int do_update(void) { return update("vale2", progs[1]); }
static int undo_update(void) { return update("vale2", progs[0]); }
static int do_add(void) { return port_add("vale2", "vi:f0"); }
static int undo_add(void) { return port_del("vale2", "f0"); }
static int do_add_there(void) { return port_add("vale0", "vi:f1"); }
static int undo_add_there(void) { return port_del("vale0", "f1"); }

static int
do_destroy(void)
{
	return switch_request(EBPF_REQUEST_SWITCH_DESTROY, "vale4");
}

static int
undo_destroy(void)
{
	int error = switch_request(EBPF_REQUEST_SWITCH_CREATE, "vale4");

	if (error == 0)
		error = attach("vale4", progs[0], false);
	if (error == 0)
		error = port_add("vale4", "vi:f2");
	return error ? error : port_add("vale4", "vi:f3");
}

static int
do_info(void)
{
	return switch_request(EBPF_REQUEST_SWITCH_INFO, "vale2");
}

static int
do_next(void)
{
	struct ebpf_req_switch_next req = { .size = 0 };
	struct ebpf_rep_switch_info info;

	return gebpf_ask(device, EBPF_REQUEST_SWITCH_NEXT, &req, sizeof(req),
			 &info, sizeof(info));
}

static int
do_port_info(void)
{
	struct ebpf_req_port_info req = { .name = "vale0" };
	struct ebpf_rep_port_info info;

	return gebpf_ask(device, EBPF_REQUEST_PORT_INFO, &req, sizeof(req),
			 &info, sizeof(info));
}

static int nothing(void) { return 0; }

static const struct scene {
	const char *name;
	int (*act)(void), (*undo)(void);
	uint32_t least; /* allocations, at least */
} scenes[] = {
	{ "create", do_create, undo_create, 4 },
	{ "attach to netmap's switch", do_attach, undo_attach, 5 },
	{ "detach from it", undo_attach, do_attach, 0 },
	{ "replace there", do_replace, undo_replace, 1 },
	{ "attach to our own", do_attach_own, undo_attach_own, 1 },
	{ "detach from it", undo_attach_own, do_attach_own, 0 },
	{ "replace there", do_replace_own, undo_replace_own, 1 },
	{ "update", do_update, undo_update, 0 },
	{ "add a port", do_add, undo_add, 3 },
	{ "delete it", undo_add, do_add, 2 },
	{ "add one to netmap's", do_add_there, undo_add_there, 3 },
	{ "delete it", undo_add_there, do_add_there, 2 },
	{ "destroy, with ports and a program", do_destroy, undo_destroy, 2 },
	{ "ask about a switch", do_info, nothing, 2 },
	{ "ask which there are", do_next, nothing, 2 },
	{ "ask about a port", do_port_info, nothing, 2 },
};

/* What must be there before a scene, and goes after it. */
static bool
prepare(size_t i, bool begin)
{
	const struct scene *s = &scenes[i];
	/* one that undoes another's act begins with it */
	bool done = s->act == undo_attach || s->act == undo_attach_own ||
		    s->act == undo_add || s->act == undo_add_there ||
		    s->act == do_destroy;

	if (s->act == do_replace)
		return (begin ? do_attach() : undo_attach()) == 0;
	if (s->act == do_replace_own || s->act == do_update)
		return (begin ? do_attach_own() : undo_attach_own()) == 0;
	if (!done)
		return true;
	return (begin ? s->undo() : s->act()) == 0;
}

static bool
write_number(const char *file, uint32_t n)
{
	FILE *f = fopen(file, "r+");
	bool good = f && fprintf(f, "%u\n", n) > 0;

	return f && fclose(f) == 0 && good;
}

static uint32_t
read_number(const char *file)
{
	uint32_t n = 0;
	FILE *f = fopen(file, "r");

	if (!f || fscanf(f, "%u", &n) != 1)
		n = ~0u;
	if (f)
		fclose(f);
	return n;
}

static void
fail_each(size_t i, const char *file)
{
	const struct scene *s = &scenes[i];
	uint32_t n, odd = 0, left = 0;
	int error = 0;

	if (!tap_ok(prepare(i, true), "%s", s->name))
		return;
	for (n = 1; n < 500; n++) {
		tell(told[0]);
		if (!write_number(file, n))
			break;
		error = s->act();
		left = read_number(file);
		write_number(file, 0);
		if (left > 0)
			break;
		/* freed memory is not asked for: one may fail unnoticed */
		if (error == 0) {
			odd += s->undo() != 0;
			continue;
		}
		tell(told[1]);
		if (error == -EBPF_ENOMEM && strcmp(told[0], told[1]) == 0)
			continue;
		tap_diag("allocation %u: %s; before:\n%s; after:\n%s", n,
			 gebpf_error_name(error), told[0], told[1]);
		odd++;
	}
	tap_ok(odd == 0 && n < 500 && left > 0 && error == 0,
	       "%s: %u allocations fail, and nothing changes (%s)", s->name,
	       n - 1, error ? gebpf_error_name(error) : "then it works");
	tap_ok(n > s->least, "%s: they were its own", s->name);
	tap_ok(s->undo() == 0 && prepare(i, false), "%s: and back", s->name);
}

/* ---- */

static uint32_t
load_prog(int32_t says)
{
	const struct ebpf_insn insns[] = {
		{ .code = 0xb4, .imm = says }, { .code = 0x95 },
	};
	struct ebpf_req_prog_load req = { .kind = EBPF_PROG_VALE,
					  .insn_count = 2 };
	struct ebpf_rep_prog_load rep = { .id = 0 };
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req, .req_len = sizeof(req),
		.in = { { insns, sizeof(insns) } },
		.rep = &rep, .rep_len = sizeof(rep),
	};

	return gebpf_request(device, &call) ? 0 : rep.id;
}

static struct ebpf_rep_hello
hello(void)
{
	struct ebpf_req_hello req = { .version = EBPF_WIRE_VERSION };
	struct ebpf_rep_hello rep = { .prog_count = ~0u };

	gebpf_ask(device, EBPF_REQUEST_HELLO, &req, sizeof(req), &rep,
		  sizeof(rep));
	return rep;
}

/* What was let go goes when nobody can be looking at it any more. */
static void
nothing_left(const struct ebpf_rep_hello *before)
{
	struct ebpf_rep_hello rep = *before;

	if (!tap_ok(gebpf_open("kernel", 0, &device, NULL) == 0, "open again"))
		return;
	for (uint32_t i = 0; i < 1000; i++) {
		rep = hello();
		if (rep.mem_used == before->mem_used)
			break;
		usleep(10000);
	}
	tap_ok(rep.mem_used == before->mem_used &&
		       rep.link_count == before->link_count &&
		       rep.prog_count == before->prog_count,
	       "%llu bytes, %u links, %u programs are there, as before",
	       (unsigned long long)rep.mem_used, rep.link_count,
	       rep.prog_count);
	gebpf_close(device);
}

int
main(int argc, char **argv)
{
	static const struct port_form form = { 1, 1, 64, 64, 0 };
	struct ebpf_rep_hello before;
	struct port port;

	if (argc != 2)
		return 2;
	if (!tap_ok(gebpf_open("kernel", 0, &device, NULL) == 0, "open"))
		return tap_done();
	before = hello();
	progs[0] = load_prog(1);
	progs[1] = load_prog(2);
	tap_ok(progs[0] && progs[1] &&
		       port_open(&port, "vale0:keep", &form) == 0 &&
		       switch_request(EBPF_REQUEST_SWITCH_CREATE, "vale2") == 0,
	       "two programs, a switch of netmap's, one of ours");
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		fail_each(i, argv[1]);
	/* A program's port is in the way: what could go stays as well. */
	tap_ok(undo_destroy() == 0, "a switch with two interfaces");
	port_close(&port);
	tap_ok(port_open(&port, "vale4:keep", &form) == 0, "and a port");
	tell(told[0]);
	tap_ok(do_destroy() == -EBPF_EBUSY, "cannot be destroyed");
	tell(told[1]);
	tap_ok(strcmp(told[0], told[1]) == 0, "and is as it was");
	port_close(&port);
	tap_ok(do_destroy() == 0 &&
		       switch_request(EBPF_REQUEST_SWITCH_DESTROY,
				      "vale2") == 0,
	       "without it, it can");
	gebpf_close(device);
	nothing_left(&before);
	return tap_done();
}
