/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The set of userspace switches: their names, lives and what is told of them.
 * Implements the provider table that the device asks (switch/provider.h).
 * Moves no frames and knows no kind of port.
 */
#include "host/vswitch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/ebpf.h"
#include "core/hook.h"
#include "core/os.h"
#include "host/vswitch_parts.h"

int
vale_error(int number)
{
	switch (number) {
	case EPERM:
	case EACCES:
	case EROFS:
		return -EBPF_EACCES;
	case ENOENT:
	case ENOTDIR:
		return -EBPF_ENOENT;
	case ENODEV:
	case ENXIO:
		return -EBPF_ENODEV;
	case ENOMEM:
		return -EBPF_ENOMEM;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return -EBPF_ENOSPC;
	case EMFILE:
	case ENFILE:
		return -EBPF_ELIMIT;
	case EBUSY:
	case ETXTBSY:
		return -EBPF_EBUSY;
	case ENAMETOOLONG:
		return -EBPF_ENAMETOOLONG;
	case EINVAL:
	case EISDIR:
	case ELOOP:
		return -EBPF_EINVAL;
	default:
		return -EBPF_EIO;
	}
}

bool
vale_name_valid(const char *name)
{
	size_t i;

	if (strncmp(name, "vale", 4) || strlen(name) >= EBPF_NAME_SIZE)
		return false;
	for (i = 4; name[i]; i++)
		if (!(name[i] >= '0' && name[i] <= '9') &&
		    !(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= 'A' && name[i] <= 'Z') && name[i] != '_')
			return false;
	return true;
}

int
vale_thread(pthread_t *thread, void *(*main)(void *), void *cookie)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, main, cookie);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error ? -EBPF_ELIMIT : 0;
}

/* ---- lives ---- */

struct vale *
vale_get(struct ebpf_vswitch *set, const char *name)
{
	struct vale *vale;

	pthread_mutex_lock(&set->lock);
	for (vale = set->first; vale; vale = vale->next)
		if (!strcmp(vale->name, name)) {
			vale->refs++;
			break;
		}
	pthread_mutex_unlock(&set->lock);
	return vale;
}

static void
vale_free(struct vale *vale)
{
	ebpf_bridge_destroy(vale->bridge);
	close(vale->epoll);
	close(vale->kick);
	pthread_mutex_destroy(&vale->move);
	pthread_mutex_destroy(&vale->lock);
	pthread_mutex_destroy(&vale->halt_lock);
	pthread_cond_destroy(&vale->changed);
	free(vale->slots);
	free(vale->splits);
	free(vale);
}

void
vale_put(struct vale *vale)
{
	struct ebpf_vswitch *set = vale->set;
	bool last;

	pthread_mutex_lock(&set->lock);
	last = --vale->refs == 0;
	pthread_mutex_unlock(&set->lock);
	if (last)
		vale_free(vale);
}

static int
vale_make(struct ebpf_vswitch *set, const char *name, uint32_t uid,
	  struct vale **result)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = ~0ull };
	pthread_condattr_t attr;
	struct vale *vale;
	int error = -EBPF_ENOMEM;

	vale = aligned_alloc(64, (sizeof(*vale) + 63) & ~(size_t)63);
	if (!vale)
		return error;
	memset(vale, 0, sizeof(*vale));
	vale->set = set;
	vale->refs = 1;
	vale->uid = uid;
	snprintf(vale->name, sizeof(vale->name), "%s", name);
	vale->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (vale->epoll < 0) {
		error = vale_error(errno);
		goto free;
	}
	vale->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vale->kick < 0 ||
	    epoll_ctl(vale->epoll, EPOLL_CTL_ADD, vale->kick, &event)) {
		error = vale_error(errno);
		goto epoll;
	}
	vale->bridge = ebpf_bridge_create(set->rt);
	if (!vale->bridge)
		goto kick;
	pthread_mutex_init(&vale->move, NULL);
	pthread_mutex_init(&vale->lock, NULL);
	pthread_mutex_init(&vale->halt_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vale->changed, &attr);
	pthread_condattr_destroy(&attr);
	*result = vale;
	return 0;

kick:
	error = -EBPF_ENOMEM;
epoll:
	if (vale->kick >= 0)
		close(vale->kick);
	close(vale->epoll);
free:
	free(vale);
	return error;
}

/* No frame moves after this; what was captured is in its files. */
static void
vale_halt(struct vale *vale)
{
	uint64_t one = 1;
	uint32_t i;

	pthread_mutex_lock(&vale->halt_lock);
	pthread_mutex_lock(&vale->lock);
	vale->halted = true;
	pthread_cond_broadcast(&vale->changed);
	pthread_mutex_unlock(&vale->lock);
	os_store_release(&vale->stop, 1);
	while (write(vale->kick, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	/* halted: nobody makes threads any more */
	if (vale->replay_thread_made)
		pthread_join(vale->replay_thread, NULL);
	if (vale->poll_thread_made)
		pthread_join(vale->poll_thread, NULL);
	vale->replay_thread_made = false;
	vale->poll_thread_made = false;
	vale_control_lock(vale);
	for (i = 0; i < vale->port_top; i++)
		if (vale->ports[i] && vale->ports[i]->ops->flush)
			vale->ports[i]->ops->flush(vale->ports[i]);
	vale_move_unlock(vale);
	pthread_mutex_unlock(&vale->halt_lock);
}

/* It has left the set; give up what it holds. */
static void
vale_end(struct vale *vale)
{
	struct ebpf_link *link;

	pthread_mutex_lock(&vale->lock);
	vale->gone = true;
	link = vale->link;
	vale->link = NULL;
	if (link)
		ebpf_bridge_set_prog(vale->bridge, NULL);
	pthread_mutex_unlock(&vale->lock);
	if (link) {
		ebpf_link_gone(link, EBPF_LINK_STALE);
		ebpf_object_put(&link->obj);
	}
	vale_halt(vale);
	vale_ports_close(vale);
	vale_put(vale);
}

/* ---- what is told ---- */

/* vale->lock held. */
static void
describe(struct vale *vale, struct ebpf_rep_switch_info *info)
{
	struct vale_port *port, *failed = NULL;
	uint32_t i, waiting = 0;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	memcpy(info->name, vale->name, sizeof(info->name));
	info->port_count = vale->port_count;
	info->link_id = vale->link ? os_load(&vale->link->obj.id) : 0;
	info->prog_id = vale->prog_id;
	info->uid = vale->uid;

	vale_control_lock(vale);
	info->verdicts = vale->verdicts;
	info->frames = vale->frames;
	info->bytes = vale->bytes;
	for (i = 0; i < vale->port_top; i++) {
		port = vale->ports[i];
		if (!port)
			continue;
		if (port->error && !failed)
			failed = port;
		waiting += port->ops->peek && !port->played;
	}
	if (vale->replay == VALE_REPLAY_RUNNING)
		info->state = EBPF_SWITCH_RUNNING;
	else if (waiting)
		info->state = EBPF_SWITCH_IDLE;
	else if (failed)
		info->state = EBPF_SWITCH_FAILED;
	else if (vale->replay == VALE_REPLAY_ENDED)
		info->state = EBPF_SWITCH_DONE;
	else
		info->state = EBPF_SWITCH_LIVE;
	if (info->state == EBPF_SWITCH_FAILED) {
		info->error = failed->error;
		info->error_port = failed->index;
		memcpy(info->error_text, failed->error_text,
		       sizeof(info->error_text));
	}
	vale_move_unlock(vale);
}

/* ---- the provider's table ---- */

static int
vswitch_create(void *cookie, const char *name, uint32_t uid)
{
	struct ebpf_vswitch *set = cookie;
	struct vale *vale = NULL, **at;
	int error;

	if (!vale_name_valid(name))
		return strlen(name) >= EBPF_NAME_SIZE ? -EBPF_ENAMETOOLONG :
							-EBPF_EINVAL;
	error = vale_make(set, name, uid, &vale);
	if (error)
		return error;
	pthread_mutex_lock(&set->lock);
	for (at = &set->first; *at && strcmp((*at)->name, name) < 0;
	     at = &(*at)->next)
		;
	if (set->stopped)
		error = -EBPF_ECANCELED;
	else if (*at && !strcmp((*at)->name, name))
		error = -EBPF_EEXIST;
	else if (set->count >= VALE_SWITCH_MAX)
		error = -EBPF_ELIMIT;
	if (!error) {
		vale->next = *at;
		*at = vale;
		set->count++;
	}
	pthread_mutex_unlock(&set->lock);
	if (error)
		vale_free(vale);
	return error;
}

/* Out of the set; the caller has its reference. NULL: not there. */
static struct vale *
vale_remove(struct ebpf_vswitch *set, const char *name)
{
	struct vale *vale, **at;

	pthread_mutex_lock(&set->lock);
	for (at = &set->first; (vale = *at); at = &vale->next)
		if (!name || !strcmp(vale->name, name))
			break;
	if (vale) {
		*at = vale->next;
		set->count--;
	}
	pthread_mutex_unlock(&set->lock);
	return vale;
}

static int
vswitch_destroy(void *cookie, const char *name)
{
	struct vale *vale = vale_remove(cookie, name);

	if (!vale)
		return -EBPF_ENOENT;
	vale_end(vale);
	return 0;
}

static int
vswitch_info(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	struct vale *vale = vale_get(cookie, name);
	bool gone;

	if (!vale)
		return -EBPF_ENOENT;
	pthread_mutex_lock(&vale->lock);
	gone = vale->gone;
	if (!gone)
		describe(vale, info);
	pthread_mutex_unlock(&vale->lock);
	vale_put(vale);
	return gone ? -EBPF_ENOENT : 0;
}

static int
vswitch_next(void *cookie, const char *name, struct ebpf_rep_switch_info *info)
{
	struct ebpf_vswitch *set = cookie;
	char after[EBPF_NAME_SIZE];
	struct vale *vale;
	int error;

	snprintf(after, sizeof(after), "%s", name);
	for (;;) {
		pthread_mutex_lock(&set->lock);
		for (vale = set->first; vale; vale = vale->next)
			if (strcmp(vale->name, after) > 0)
				break;
		if (vale)
			memcpy(after, vale->name, sizeof(after));
		pthread_mutex_unlock(&set->lock);
		if (!vale)
			return -EBPF_ENOENT;
		error = vswitch_info(set, after, info);
		if (error != -EBPF_ENOENT) /* else it went just now */
			return error;
	}
}

static int
vswitch_start(void *cookie, const char *name, uint32_t wait_ms,
	      struct ebpf_rep_switch_info *info)
{
	struct vale *vale = vale_get(cookie, name);
	struct timespec end;
	int error = -EBPF_ENOENT;

	if (!vale)
		return error;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += wait_ms / 1000;
	end.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&vale->lock);
	if (vale->gone)
		goto unlock;
	error = vale->halted ? -EBPF_ECANCELED : vale_replay_start(vale);
	if (error)
		goto unlock;
	while (vale->replay == VALE_REPLAY_RUNNING && !vale->halted && wait_ms)
		if (pthread_cond_timedwait(&vale->changed, &vale->lock, &end))
			break;
	if (vale->gone)
		error = -EBPF_ESTALE;
	else
		describe(vale, info);
unlock:
	pthread_mutex_unlock(&vale->lock);
	vale_put(vale);
	return error;
}

const struct ebpf_switch_ops ebpf_vswitch_ops = {
	.create = vswitch_create,
	.destroy = vswitch_destroy,
	.next = vswitch_next,
	.info = vswitch_info,
	.start = vswitch_start,
	.port_add = vale_port_add,
	.port_del = vale_port_del,
	.port_info = vale_port_info,
};

/* ---- the set ---- */

int
ebpf_vswitch_create(struct ebpf_runtime *rt, struct ebpf_vswitch **result)
{
	struct ebpf_vswitch *set = calloc(1, sizeof(*set));
	int error;

	if (!set)
		return -EBPF_ENOMEM;
	set->rt = rt;
	pthread_mutex_init(&set->lock, NULL);
	pthread_mutex_init(&set->files_lock, NULL);
	pthread_mutex_init(&set->pairs_lock, NULL);
	error = ebpf_hook_register(rt, &vale_hook_ops, set);
	if (error) {
		free(set);
		return error;
	}
	*result = set;
	return 0;
}

void
ebpf_vswitch_stop(struct ebpf_vswitch *set)
{
	char after[EBPF_NAME_SIZE] = "";
	struct vale *vale;

	pthread_mutex_lock(&set->lock);
	set->stopped = true;
	for (;;) {
		for (vale = set->first; vale; vale = vale->next)
			if (strcmp(vale->name, after) > 0)
				break;
		if (!vale)
			break;
		memcpy(after, vale->name, sizeof(after));
		vale->refs++;
		pthread_mutex_unlock(&set->lock);
		vale_halt(vale);
		vale_put(vale);
		pthread_mutex_lock(&set->lock);
	}
	pthread_mutex_unlock(&set->lock);
}

void
ebpf_vswitch_destroy(struct ebpf_vswitch *set)
{
	struct vale *vale;

	if (!set)
		return;
	ebpf_vswitch_stop(set);
	ebpf_hook_unregister(set->rt, EBPF_HOOK_VALE);
	while ((vale = vale_remove(set, NULL)))
		vale_end(vale);
	pthread_mutex_destroy(&set->lock);
	pthread_mutex_destroy(&set->files_lock);
	pthread_mutex_destroy(&set->pairs_lock);
	free(set);
}
