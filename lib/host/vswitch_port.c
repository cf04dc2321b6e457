/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports of a switch: what a specification means, which index and name a port
 * gets, coming and going while frames move. Knows the kinds only by their
 * tables.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/os.h"
#include "host/vswitch_parts.h"

static const struct vale_port_ops *const kinds[] = {
	&vale_port_pcap,
	&vale_port_pair,
	&vale_port_tap,
	&vale_port_if,
};

bool
vale_port_option(const char *argument, const char *option,
		 char name[EBPF_PATH_SIZE])
{
	size_t len = strlen(argument), tail = strlen(option);
	bool there = len > tail && !strcmp(argument + len - tail, option);

	snprintf(name, EBPF_PATH_SIZE, "%.*s", (int)(len - (there ? tail : 0)),
		 argument);
	return there;
}

void
vale_port_fail(struct vale_port *port, int error, const char *format, ...)
{
	va_list args;

	if (port->error)
		return;
	port->error = error;
	va_start(args, format);
	vsnprintf(port->error_text, sizeof(port->error_text), format, args);
	va_end(args);
}

/* ---- names ---- */

static bool
port_name_valid(const char *name)
{
	size_t i, digits = 0, len = strlen(name);

	for (i = 0; i < len; i++) {
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f ||
		    name[i] == '/')
			return false;
		digits += name[i] >= '0' && name[i] <= '9';
	}
	/* Numbers are indices where a port is asked for. */
	return len && len < EBPF_NAME_SIZE && digits < len;
}

static struct vale_port *
port_by_name(struct vale *vale, const char *name)
{
	uint32_t i;

	for (i = 0; i < vale->port_top; i++)
		if (vale->ports[i] &&
		    !strcmp(vale->ports[i]->info.port_name, name))
			return vale->ports[i];
	return NULL;
}

/* A free name like the argument's, for a user who gave none. */
static void
name_make(struct vale *vale, const struct vale_port_ops *ops,
	  const char *argument, char name[EBPF_NAME_SIZE])
{
	char base[EBPF_NAME_SIZE];
	uint32_t i;

	memset(base, 0, sizeof(base));
	ops->name(argument, base);
	for (i = 0; base[i]; i++)
		if ((unsigned char)base[i] <= ' ' || base[i] == 0x7f ||
		    base[i] == '/')
			base[i] = '_';
	if (!port_name_valid(base))
		snprintf(name, EBPF_NAME_SIZE, "%s-%.40s", ops->kind, base);
	else
		snprintf(name, EBPF_NAME_SIZE, "%s", base);
	memcpy(base, name, sizeof(base));
	for (i = 2; port_by_name(vale, name); i++)
		snprintf(name, EBPF_NAME_SIZE, "%.50s.%u", base, i);
}

/* ---- adding ---- */

static const struct vale_port_ops *
spec_parse(const char *spec, const char **argument, char *why, size_t why_size)
{
	size_t i, len = strcspn(spec, ":");

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]->kind) == len &&
		    !strncmp(kinds[i]->kind, spec, len))
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0])) {
		snprintf(why, why_size,
			 "unknown kind of port '%.*s': there are "
			 "pcap:IN[,OUT], pair:NAME, tap:NAME and if:NAME",
			 len < 40 ? (int)len : 40, spec);
		return NULL;
	}
	if (spec[len] != ':' || !spec[len + 1]) {
		snprintf(why, why_size, "%s: needs an argument after the colon",
			 kinds[i]->kind);
		return NULL;
	}
	*argument = spec + len + 1;
	return kinds[i];
}

/* Make the poll thread listen to it. The port is in its place already. */
static int
port_listen(struct vale *vale, struct vale_port *port)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)port->serial << 32 | port->index,
	};
	int error;

	if (!port->ops->fd)
		return 0;
	if (!vale->slots)
		vale->slots = malloc((size_t)VALE_BURST * VALE_SLOT_SIZE);
	if (!vale->splits)
		vale->splits = malloc((size_t)VALE_BURST * VALE_SLOT_SIZE);
	if (!vale->slots || !vale->splits)
		return -EBPF_ENOMEM;
	if (!vale->poll_thread_made) {
		error = vale_thread(&vale->poll_thread, vale_poll_main, vale);
		if (error)
			return error;
		vale->poll_thread_made = true;
	}
	if (epoll_ctl(vale->epoll, EPOLL_CTL_ADD, port->ops->fd(port), &event))
		return vale_error(errno);
	return 0;
}

/* Out of the data path; on return no thread looks at it. */
static void
port_unplug(struct vale *vale, struct vale_port *port)
{
	if (port->ops->fd)
		epoll_ctl(vale->epoll, EPOLL_CTL_DEL, port->ops->fd(port), NULL);
	vale_control_lock(vale);
	if (port->ops->flush)
		port->ops->flush(port);
	vale->ports[port->index] = NULL;
	while (vale->port_top && !vale->ports[vale->port_top - 1])
		vale->port_top--;
	vale_move_unlock(vale);
	vale->port_count--;
	ebpf_bridge_forget_port(vale->bridge, port->index);
}

static void
port_plug(struct vale *vale, struct vale_port *port)
{
	vale_control_lock(vale);
	vale->ports[port->index] = port;
	if (vale->port_top <= port->index)
		vale->port_top = port->index + 1;
	vale_move_unlock(vale);
	vale->port_count++;
}

/* vale->lock held. */
static int
add(struct vale *vale, const char *port_name, const char *spec,
    struct ebpf_rep_port_info *info, char *why, size_t why_size)
{
	const struct vale_port_ops *ops;
	const char *argument = NULL;
	struct vale_port *port;
	uint32_t index = 0;
	int error;

	if (vale->gone)
		return -EBPF_ENOENT;
	if (vale->halted)
		return -EBPF_ECANCELED;
	ops = spec_parse(spec, &argument, why, why_size);
	if (!ops)
		return -EBPF_EINVAL;
	if (*port_name && !port_name_valid(port_name)) {
		snprintf(why, why_size,
			 "bad port name '%s': not a number, no spaces, no '/', "
			 "at most %d bytes", port_name, EBPF_NAME_SIZE - 1);
		return -EBPF_EINVAL;
	}
	if (*port_name && port_by_name(vale, port_name)) {
		snprintf(why, why_size, "switch %s has a port '%s' already",
			 vale->name, port_name);
		return -EBPF_EEXIST;
	}
	while (index < EBPF_VALE_PORT_MAX && vale->ports[index])
		index++;
	if (index == EBPF_VALE_PORT_MAX) {
		snprintf(why, why_size, "switch %s has %d ports, the most",
			 vale->name, EBPF_VALE_PORT_MAX);
		return -EBPF_ELIMIT;
	}

	/* threads of other switches write to what lies beside it */
	port = aligned_alloc(64, (sizeof(*port) + 63) & ~(size_t)63);
	if (!port)
		return -EBPF_ENOMEM;
	memset(port, 0, sizeof(*port));
	port->ops = ops;
	port->set = vale->set;
	port->vale = vale;
	port->index = index;
	port->serial = ++vale->serial & 0x7fffffff;
	port->info.size = sizeof(port->info);
	port->info.index = index;
	snprintf(port->info.kind, sizeof(port->info.kind), "%s", ops->kind);
	snprintf(port->info.spec, sizeof(port->info.spec), "%s", spec);
	if (*port_name)
		snprintf(port->info.port_name, sizeof(port->info.port_name),
			 "%s", port_name);
	else
		name_make(vale, ops, argument, port->info.port_name);
	error = ops->open(port, argument, why, why_size);
	if (error)
		goto free;
	port_plug(vale, port);
	error = port_listen(vale, port);
	if (error) {
		snprintf(why, why_size, "cannot wait for its frames");
		goto unplug;
	}
	vale_control_lock(vale);
	*info = port->info;
	vale_move_unlock(vale);
	return 0;

unplug:
	port_unplug(vale, port);
	ops->close(port);
free:
	free(port);
	return error;
}

int
vale_port_add(void *cookie, const char *name, const char *port_name,
	      const char *spec, struct ebpf_rep_port_info *info, char *why,
	      size_t why_size)
{
	struct vale *vale = vale_get(cookie, name);
	int error;

	if (why_size)
		why[0] = '\0';
	if (!vale)
		return -EBPF_ENOENT;
	pthread_mutex_lock(&vale->lock);
	error = add(vale, port_name, spec, info, why, why_size);
	pthread_mutex_unlock(&vale->lock);
	vale_put(vale);
	return error;
}

/* ---- the rest ---- */

int
vale_port_del(void *cookie, const char *name, uint32_t index,
	      const char *port_name)
{
	struct vale *vale = vale_get(cookie, name);
	struct vale_port *port = NULL;

	if (!vale)
		return -EBPF_ENOENT;
	pthread_mutex_lock(&vale->lock);
	if (!vale->gone && *port_name)
		port = port_by_name(vale, port_name);
	else if (!vale->gone && index < EBPF_VALE_PORT_MAX)
		port = vale->ports[index];
	if (port) {
		port_unplug(vale, port);
		port->ops->close(port);
		free(port);
	}
	pthread_mutex_unlock(&vale->lock);
	vale_put(vale);
	return port ? 0 : -EBPF_ENOENT;
}

int
vale_port_info(void *cookie, const char *name, uint32_t index,
	       struct ebpf_rep_port_info *info)
{
	struct vale *vale = vale_get(cookie, name);
	int error = -EBPF_ENOENT;

	if (!vale)
		return error;
	pthread_mutex_lock(&vale->lock);
	while (!vale->gone && index < vale->port_top && !vale->ports[index])
		index++;
	if (!vale->gone && index < vale->port_top) {
		vale_control_lock(vale);
		*info = vale->ports[index]->info;
		vale_move_unlock(vale);
		error = 0;
	}
	pthread_mutex_unlock(&vale->lock);
	vale_put(vale);
	return error;
}

void
vale_ports_close(struct vale *vale)
{
	struct vale_port *port;
	uint32_t i;

	pthread_mutex_lock(&vale->lock);
	for (i = 0; i < EBPF_VALE_PORT_MAX; i++) {
		port = vale->ports[i];
		if (!port)
			continue;
		port_unplug(vale, port);
		port->ops->close(port);
		free(port);
	}
	pthread_mutex_unlock(&vale->lock);
}
