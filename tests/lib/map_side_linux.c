/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Linux's side of map_side.h: by bpf(2), maps only, no programs. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/error.h"
#include "map_side.h"
#include "tap.h"

static int
sys_bpf(int command, union bpf_attr *attr)
{
	int got = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return got < 0 ? -errno : got;
}

/* In our numbers; names are what is compared. */
static int
from_errno(int error)
{
	switch (error) {
	case EPERM:
		return -EBPF_EACCES;
	case EOPNOTSUPP:
	case 524: /* ENOTSUPP, which is not for users */
		return -EBPF_EUNSUPPORTED;
	case ENOENT:
	case EBADF: /* an fd there is an id here */
		return -EBPF_ENOENT;
	case EEXIST:
		return -EBPF_EEXIST;
	case E2BIG:
		return -EBPF_E2BIG;
	case ENOSPC:
		return -EBPF_ENOSPC;
	case EINVAL:
		return -EBPF_EINVAL;
	case ENOMEM:
		return -EBPF_ENOMEM;
	case EBUSY:
		return -EBPF_EBUSY;
	default:
		tap_diag("Linux says %s", strerror(error));
		return -EBPF_EPROTO;
	}
}

static int
linux_create(struct side *side, const struct side_shape *shape, uint32_t inner)
{
	union bpf_attr attr = { 0 };
	struct bpf_map_info info = { 0 };
	int fd;

	attr.map_type = shape->kind;
	attr.key_size = shape->key;
	attr.value_size = shape->value;
	attr.max_entries = shape->entries;
	attr.map_flags = shape->flags;
	attr.map_extra = shape->extra;
	if (side_is_outer(shape->kind))
		attr.inner_map_fd = (uint32_t)side->inners[0];
	fd = sys_bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0)
		return from_errno(-fd);
	if (inner == 0) {
		side->map = (uint64_t)fd;
		return 0;
	}
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	side->inners[inner - 1] = (uint64_t)fd;
	side->inner_ids[inner - 1] = info.id;
	return 0;
}

static int
linux_call(struct side *side, const char *verb, const uint8_t *key,
	   uint8_t *value, uint64_t flags)
{
	union bpf_attr attr = { 0 };
	int error;

	attr.map_fd = (uint32_t)side->map;
	attr.key = side_is_keyless(side->shape.kind) ? 0 : (uintptr_t)key;
	attr.value = (uintptr_t)value;
	attr.flags = flags;
	switch (*verb) {
	case 'l':
		error = sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr);
		break;
	case 'u':
		error = sys_bpf(BPF_MAP_UPDATE_ELEM, &attr);
		break;
	case 'd':
		attr.value = 0;
		error = sys_bpf(BPF_MAP_DELETE_ELEM, &attr);
		break;
	case 'e':
		error = sys_bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr);
		break;
	default:
		error = sys_bpf(BPF_MAP_GET_NEXT_KEY, &attr);
		break;
	}
	return error < 0 ? from_errno(-error) : 0;
}

static void
linux_close(struct side *side)
{
	uint32_t i;

	if (side->open)
		close((int)side->map);
	for (i = 0; i < SIDE_INNERS; i++)
		if (side->inners[i] != 0)
			close((int)side->inners[i]);
	memset(side->inners, 0, sizeof(side->inners));
	side->open = false;
}

uint32_t
side_linux_cpus(void)
{
	unsigned int first, last = 0;
	FILE *file = fopen("/sys/devices/system/cpu/possible", "r");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%u-%u", &first, &last) < 1)
		last = SIDE_CPU_MAX;
	fclose(file);
	return last + 1;
}

static int
linux_batch(struct side *side, const char *verb, struct side_batch *batch)
{
	static uint8_t token[SIDE_KEY_MAX + 8];
	union bpf_attr attr = { 0 };
	int error, command;

	attr.batch.map_fd = (uint32_t)side->map;
	attr.batch.keys = (uintptr_t)batch->keys;
	attr.batch.values = (uintptr_t)batch->values;
	attr.batch.count = batch->count;
	switch (verb[1]) {
	case 'u':
		command = BPF_MAP_UPDATE_BATCH;
		break;
	case 'd':
		command = BPF_MAP_DELETE_BATCH;
		attr.batch.values = 0;
		break;
	default:
		command = verb[1] == 'l' ? BPF_MAP_LOOKUP_BATCH :
					   BPF_MAP_LOOKUP_AND_DELETE_BATCH;
		attr.batch.in_batch = batch->started ? (uintptr_t)token : 0;
		attr.batch.out_batch = (uintptr_t)token;
		batch->started = true;
		break;
	}
	error = sys_bpf(command, &attr);
	/* what cannot be asked at all leaves the count as it was */
	batch->count = attr.batch.count;
	if (error == -524 || error == -EOPNOTSUPP || error == -EPERM)
		batch->count = 0;
	/* the last elements come with it */
	if (error == -ENOENT && command != BPF_MAP_DELETE_BATCH) {
		batch->done = true;
		error = 0;
	}
	return error < 0 ? from_errno(-error) : 0;
}

struct side side_theirs = { linux_create, linux_call, linux_batch, linux_close,
			    .cpus = 0 };

bool
side_open_theirs(void)
{
	union bpf_attr attr = { 0 };
	int fd;

	side_theirs.cpus = side_linux_cpus();
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	fd = sys_bpf(BPF_MAP_CREATE, &attr);
	if (fd >= 0)
		close(fd);
	return fd >= 0 && side_theirs.cpus > 0 &&
	       side_theirs.cpus <= SIDE_CPU_MAX;
}
