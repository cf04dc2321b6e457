// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What the device asks about switches and their ports: the table of
 * switch/provider.h on netmap's API. Switches that netmap made by itself are
 * shown as well, but only those that were made here can be destroyed here.
 */
#include "vale_parts.h"

#include <linux/slab.h>

static const struct {
	const char *kind;
	const char *spec; /* before the port's name */
} kinds[] = {
	[VALE_PORT_EPHEMERAL] = { "netmap", "netmap:" },
	[VALE_PORT_VI] = { "vi", "vi:" },
	[VALE_PORT_IF] = { "if", "if:" },
	[VALE_PORT_HOST] = { "host", "host:" },
};

/* Interfaces that port_add made, and port_del or our end must take away. */
struct vi {
	struct list_head list; /* vales_lock */
	char name[IFNAMSIZ];
	char port[NETMAP_REQ_IFNAMSIZ]; /* "vale0:p0", where it was put */
};
static LIST_HEAD(vis);

static struct vi *
vi_find(const char *name)
{
	struct vi *vi;

	list_for_each_entry(vi, &vis, list)
		if (!strcmp(vi->name, name))
			return vi;
	return NULL;
}

/* The name with its colon, of a switch that is ours or netmap's. */
static int
switch_find(struct vale_asker *asker, const char *name, struct vale **vale,
	    struct vale_place *place)
{
	char full[VALE_NAME_SIZE];
	int error;

	*vale = NULL;
	if (!vale_name_valid(name))
		return -EBPF_ENOENT;
	snprintf(full, sizeof(full), "%s:", name);
	*vale = vale_find(name);
	if (*vale && vale_gone(*vale))
		*vale = NULL;
	error = vale_netmap_find(asker, full, place);
	/* An adopted one may leave between these two questions. */
	if (error && *vale && !(*vale)->token)
		*vale = NULL;
	return error;
}

static bool
place_is_in(const struct vale_place *place, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(place->name, name, len) && place->name[len] == ':';
}

static const char *
port_name(const struct vale_place *place)
{
	const char *colon = strchr(place->name, ':');

	return colon ? colon + 1 : "";
}

/* ---- what is told ---- */

static int
describe(struct vale_asker *asker, const char *name, struct vale *vale,
	 struct vale_place *place, struct ebpf_rep_switch_info *info)
{
	struct ebpf_verdict_counts *to = &info->verdicts;
	struct vale_counts counts;
	uint32_t i;
	int error;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	strscpy(info->name, name, sizeof(info->name));
	info->state = EBPF_SWITCH_LIVE;
	info->frames = UINT64_MAX; /* netmap does not count */
	info->bytes = UINT64_MAX;
	while (!(error = vale_netmap_list(asker, place)) &&
	       place_is_in(place, name)) {
		info->port_count++;
		place->port++;
	}
	if (error && error != -EBPF_ENOENT)
		return error;
	if (!vale)
		return 0;
	info->uid = vale->uid;
	if (vale->link) {
		info->link_id = os_load(&vale->link->obj.id);
		info->prog_id = vale->prog_id;
	}
	info->frames = 0;
	info->bytes = 0;
	for (i = 0; i < VALE_COUNTS; i++) {
		vale_counts_read(vale, i, &counts);
		info->frames += vale_counts_frames(&counts);
		info->bytes += counts.bytes;
		to->port += counts.verdicts.port;
		to->broadcast += counts.verdicts.broadcast;
		to->drop += counts.verdicts.drop;
		to->invalid += counts.verdicts.invalid;
		to->learned += counts.verdicts.learned;
		to->no_port += counts.verdicts.no_port;
		to->reflected += counts.verdicts.reflected;
	}
	if (os_load(&vale->fits) == VALE_FIT_NO) {
		info->state = EBPF_SWITCH_FAILED;
		info->error = -EBPF_EVERSION;
		strscpy(info->error_text,
			"vale_bpf.ko was built for a netmap of other options",
			sizeof(info->error_text));
	}
	return 0;
}

static int
tell(struct vale_asker *asker, const char *name,
     struct ebpf_rep_switch_info *info)
{
	struct vale_place place;
	struct vale *vale;
	int error;

	mutex_lock(&vales_lock);
	error = switch_find(asker, name, &vale, &place);
	if (!error)
		error = describe(asker, name, vale, &place, info);
	mutex_unlock(&vales_lock);
	return error;
}

static int
ask_info(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	struct vale_asker *asker;
	int error = vale_netmap_begin(&asker);

	if (!error)
		error = tell(asker, name, info);
	vale_netmap_end(asker);
	return error;
}

/* The first name after `name` among switches that have ports. */
static int
next_with_ports(struct vale_asker *asker, const char *name, char *best)
{
	struct vale_place place = { .bridge = 0 };
	char *colon;
	int error;

	*best = '\0';
	while (!(error = vale_netmap_list(asker, &place))) {
		colon = strchr(place.name, ':');
		*colon = '\0';
		if (strcmp(place.name, name) > 0 &&
		    (!*best || strcmp(place.name, best) < 0) &&
		    vale_name_valid(place.name))
			strscpy(best, place.name, EBPF_NAME_SIZE);
		if (place.bridge == U16_MAX)
			break;
		place.bridge++;
		place.port = 0;
	}
	return error == -EBPF_ENOENT ? 0 : error;
}

static int
next_name(struct vale_asker *asker, const char *after, char *best)
{
	char own[VALE_NAME_SIZE];
	struct vale *vale;
	int error;

	mutex_lock(&vales_lock);
	error = next_with_ports(asker, after, best);
	vale = vale_next(after);
	if (vale) {
		strscpy(own, vale->name, sizeof(own));
		*strchr(own, ':') = '\0';
		if (!*best || strcmp(own, best) < 0)
			strscpy(best, own, EBPF_NAME_SIZE);
	}
	mutex_unlock(&vales_lock);
	if (!error && !*best)
		error = -EBPF_ENOENT;
	return error;
}

static int
ask_next(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	char after[EBPF_NAME_SIZE], best[EBPF_NAME_SIZE];
	struct vale_asker *asker;
	int error = vale_netmap_begin(&asker);

	strscpy(after, name, sizeof(after));
	while (!error && !(error = next_name(asker, after, best))) {
		error = tell(asker, best, info);
		if (error != -EBPF_ENOENT)
			break;
		/* it went just now */
		strscpy(after, best, sizeof(after));
		error = 0;
	}
	vale_netmap_end(asker);
	return error;
}

/* Live switches have nothing to start. */
static int
ask_start(void *cookie, const char *name, uint32_t wait_ms,
	  struct ebpf_rep_switch_info *info)
{
	return ask_info(cookie, name, info);
}

static void
describe_port(struct vale *vale, const struct vale_place *place,
	      struct ebpf_rep_port_info *info)
{
	const char *name = port_name(place);
	enum vale_port_kind kind = vale_netmap_kind(name);
	struct vale_counts counts;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->index = place->port;
	strscpy(info->port_name, name, sizeof(info->port_name));
	strscpy(info->kind, kinds[kind].kind, sizeof(info->kind));
	snprintf(info->spec, sizeof(info->spec), "%s%s", kinds[kind].spec,
		 kind == VALE_PORT_EPHEMERAL ? place->name : name);
	info->rx_frames = info->rx_bytes = info->rx_drops = UINT64_MAX;
	info->tx_frames = info->tx_bytes = info->tx_drops = UINT64_MAX;
	if (!vale)
		return;
	vale_counts_read(vale, place->port, &counts);
	info->rx_frames = vale_counts_frames(&counts);
	info->rx_bytes = counts.bytes;
	info->rx_drops = 0;
	info->verdicts = counts.verdicts;
}

static int
ask_port(void *cookie, const char *name, uint32_t index,
	 struct ebpf_rep_port_info *info)
{
	struct vale_asker *asker;
	struct vale_place place;
	struct vale *vale;
	int error;

	if (index >= EBPF_VALE_PORT_MAX)
		return -EBPF_ENOENT;
	error = vale_netmap_begin(&asker);
	if (error)
		return error;
	mutex_lock(&vales_lock);
	error = switch_find(asker, name, &vale, &place);
	place.port = index;
	if (!error)
		error = vale_netmap_list(asker, &place);
	if (!error && !place_is_in(&place, name))
		error = -EBPF_ENOENT;
	if (!error)
		describe_port(vale, &place, info);
	mutex_unlock(&vales_lock);
	vale_netmap_end(asker);
	return error;
}

/* ---- switches come and go ---- */

static int
ask_create(void *cookie, const char *name, uint32_t uid)
{
	struct vale *vale;
	int error;

	if (!vale_name_valid(name))
		return strlen(name) + 1 >= VALE_NAME_SIZE ?
			       -EBPF_ENAMETOOLONG :
			       -EBPF_EINVAL;
	mutex_lock(&vales_lock);
	vale = vale_find(name);
	if (vale && !vale_gone(vale)) {
		error = -EBPF_EEXIST;
		goto out;
	}
	error = vale_make(name, &vale);
	if (error)
		goto out;
	vale->uid = uid;
	error = vale_netmap_create(vale->name, &vale->token);
	if (error)
		goto no_create;
	error = vale_install(vale);
	if (error)
		goto no_install;
	goto out;

no_install:
	vale_netmap_destroy(vale->name, vale->token);
no_create:
	vale_free(vale);
out:
	mutex_unlock(&vales_lock);
	return error;
}

/* ---- ports ---- */

static int
vi_destroy(const char *name)
{
	struct vi *vi = vi_find(name);
	int error;

	if (!vi)
		return 0;
	error = vale_netmap_vi_destroy(name);
	list_del(&vi->list);
	os_free(vi);
	return error;
}

/* No switch of ours is left, but there may be some at netmap's. */
void
vale_ports_exit(void)
{
	struct vi *vi, *next;

	list_for_each_entry_safe(vi, next, &vis, list) {
		vale_netmap_detach(vi->port, NULL);
		vi_destroy(vi->name);
	}
}

/* What netmap can detach leaves the switch; a program's port does not. */
static int
detach(const struct vale_place *place, void *token)
{
	const char *name = port_name(place);
	int error;

	switch (vale_netmap_kind(name)) {
	case VALE_PORT_EPHEMERAL: /* goes when the program closes it */
	case VALE_PORT_HOST:	  /* goes with its interface */
		return -EBPF_EBUSY;
	case VALE_PORT_VI:
	case VALE_PORT_IF:
		break;
	}
	error = vale_netmap_detach(place->name, token);
	return error ? error : vi_destroy(name);
}

/* Whether all its ports can be taken out: programs keep theirs. */
static int
may_empty(struct vale_asker *asker, const char *name, struct vale_place place)
{
	int error;

	while (!(error = vale_netmap_list(asker, &place)) &&
	       place_is_in(&place, name)) {
		if (vale_netmap_kind(port_name(&place)) == VALE_PORT_EPHEMERAL)
			return -EBPF_EBUSY;
		place.port++;
	}
	return error == -EBPF_ENOENT ? 0 : error;
}

static int
destroy(struct vale_asker *asker, const char *name)
{
	struct vale_place place;
	struct ebpf_link *link;
	struct vale *vale;
	int error;

	error = switch_find(asker, name, &vale, &place);
	if (error)
		return error;
	if (!vale || !vale->token)
		return -EBPF_EACCES; /* netmap's own goes with its last port */
	error = may_empty(asker, name, place);
	if (error)
		return error;
	while (!vale_netmap_list(asker, &place) && place_is_in(&place, name)) {
		detach(&place, vale->token);
		place.port++;
	}
	error = vale_netmap_destroy(vale->name, vale->token);
	if (error)
		return error;
	link = vale->link;
	if (link)
		ebpf_link_gone(link, EBPF_LINK_STALE);
	vale_free(vale);
	return 0;
}

static int
ask_destroy(void *cookie, const char *name)
{
	struct vale_asker *asker;
	int error = vale_netmap_begin(&asker);

	if (error)
		return error;
	mutex_lock(&vales_lock);
	error = destroy(asker, name);
	mutex_unlock(&vales_lock);
	vale_netmap_end(asker);
	return error;
}

static bool
interface_name_valid(const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == ':' ||
		    name[i] == '/')
			return false;
	return len && len < IFNAMSIZ && name[len - 1] != '^';
}

static int
vi_create(const char *name, const char *port, char *why, size_t why_size)
{
	struct vi *vi = os_alloc(sizeof(*vi)), *old;
	int error;

	if (!vi)
		return -EBPF_ENOMEM;
	strscpy(vi->name, name, sizeof(vi->name));
	strscpy(vi->port, port, sizeof(vi->port));
	error = vale_netmap_vi_create(name);
	if (error) {
		if (error == -EBPF_EEXIST)
			snprintf(why, why_size, "there is an interface '%s' "
				 "already", name);
		os_free(vi);
		return error;
	}
	/* of that name there may be one that others have taken away */
	old = vi_find(name);
	if (old) {
		list_del(&old->list);
		os_free(old);
	}
	list_add(&vi->list, &vis);
	return 0;
}

/* A kind's argument, or NULL. */
static const char *
argument_of(const char *spec, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(spec, kind, len) ? NULL : spec + len;
}

static int
attach(const char *name, struct vale *vale, const char *spec,
       struct vale_place *place, char *why, size_t why_size)
{
	enum vale_attach how = VALE_ATTACH_NIC;
	const char *argument;
	bool made = false;
	int error;

	argument = argument_of(spec, "if:");
	if (!argument && (argument = argument_of(spec, "host:")))
		how = VALE_ATTACH_NIC_HOST;
	if (!argument && (argument = argument_of(spec, "vi:")))
		made = true;
	if (!argument) {
		snprintf(why, why_size, "the kernel's switches take if:NAME, "
			 "host:NAME and vi:NAME; a program's port comes when "
			 "it opens netmap:%s:PORT", name);
		return -EBPF_EINVAL;
	}
	if (!interface_name_valid(argument)) {
		snprintf(why, why_size, "no name of an interface: '%.40s'",
			 argument);
		return -EBPF_EINVAL;
	}
	snprintf(place->name, sizeof(place->name), "%s:%s", name, argument);
	if (made)
		error = vi_create(argument, place->name, why, why_size);
	else
		error = 0;
	if (error)
		return error;
	error = vale_netmap_attach(place->name, how,
				   vale ? vale->token : NULL, &place->port);
	if (!error)
		return 0;
	if (made)
		vi_destroy(argument);
	switch (-error) {
	case EBPF_EINVAL:
	case EBPF_ENOENT:
	case EBPF_ENODEV:
		snprintf(why, why_size, "there is no interface '%s' that "
			 "netmap can attach", argument);
		break;
	case EBPF_EBUSY:
	case EBPF_EEXIST:
		snprintf(why, why_size, "'%s' is attached or in use", argument);
		break;
	case EBPF_EACCES:
		snprintf(why, why_size, "switch %s belongs to another module",
			 name);
		break;
	}
	return error;
}

static int
ask_port_add(void *cookie, const char *name, const char *wanted,
	     const char *spec, struct ebpf_rep_port_info *info, char *why,
	     size_t why_size)
{
	struct vale_asker *asker;
	struct vale_place place;
	struct vale *vale;
	const char *colon;
	int error;

	if (why_size)
		why[0] = '\0';
	colon = strchr(spec, ':');
	if (*wanted && colon && strcmp(wanted, colon + 1)) {
		snprintf(why, why_size, "netmap names ports as their "
			 "interfaces are called");
		return -EBPF_EINVAL;
	}
	error = vale_netmap_begin(&asker);
	if (error)
		return error;
	mutex_lock(&vales_lock);
	error = switch_find(asker, name, &vale, &place);
	if (!error)
		error = attach(name, vale, spec, &place, why, why_size);
	if (!error)
		describe_port(vale, &place, info);
	mutex_unlock(&vales_lock);
	vale_netmap_end(asker);
	return error;
}

static int
ask_port_del(void *cookie, const char *name, uint32_t index,
	     const char *wanted)
{
	struct vale_asker *asker;
	struct vale_place place;
	struct vale *vale;
	int error = vale_netmap_begin(&asker);

	if (error)
		return error;
	mutex_lock(&vales_lock);
	error = switch_find(asker, name, &vale, &place);
	if (error)
		goto out;
	if (!*wanted)
		place.port = index;
	while (!(error = vale_netmap_list(asker, &place))) {
		if (!place_is_in(&place, name) ||
		    (!*wanted && place.port != index)) {
			error = -EBPF_ENOENT;
			break;
		}
		if (!*wanted || !strcmp(port_name(&place), wanted))
			break;
		place.port++;
	}
	if (!error)
		error = detach(&place, vale ? vale->token : NULL);
out:
	mutex_unlock(&vales_lock);
	vale_netmap_end(asker);
	return error;
}

const struct ebpf_switch_ops vale_switch_ops = {
	.create = ask_create,
	.destroy = ask_destroy,
	.next = ask_next,
	.info = ask_info,
	.start = ask_start,
	.port_add = ask_port_add,
	.port_del = ask_port_del,
	.port_info = ask_port,
};
