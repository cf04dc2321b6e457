/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_linux.h. */
#include "bench/bench_linux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/bpf.h>
#include <sys/syscall.h>

enum { LOG_SIZE = 1 << 16 };

static int
sys_bpf(int command, union bpf_attr *attr)
{
	long result;

	do
		result = syscall(SYS_bpf, command, attr, sizeof(*attr));
	while (result < 0 && errno == EAGAIN && command == BPF_PROG_LOAD);
	return result < 0 ? -errno : (int)result;
}

int
bench_linux_map(uint32_t kind, uint32_t key_size, uint32_t value_size,
		uint32_t max_entries, uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = kind;
	attr.key_size = key_size;
	attr.value_size = value_size;
	attr.max_entries = max_entries;
	attr.map_flags = flags;
	return sys_bpf(BPF_MAP_CREATE, &attr);
}

/* The line before the verifier's statistics, which are its last. */
static void
last_words(char *log, char *why, size_t why_size)
{
	char *line = log, *best = log, *next;

	for (; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (strncmp(line, "processed ", 10) != 0 && *line != '\0' &&
		    strncmp(line, "verification time", 17) != 0)
			best = line;
	}
	snprintf(why, why_size, "the kernel refused: %s", best);
}

int
bench_linux_prog(uint32_t type, const char *license,
		 const struct ebpf_insn *insns, uint32_t count, char *why,
		 size_t why_size)
{
	union bpf_attr attr;
	char *log;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = count;
	attr.license = (uintptr_t)license;
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	if (fd >= 0 || why == NULL || why_size == 0)
		return fd;
	snprintf(why, why_size, "the kernel refused: %s", strerror(-fd));
	log = calloc(1, LOG_SIZE);
	if (log == NULL)
		return fd;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = LOG_SIZE - 1;
	attr.log_level = 1;
	bench_linux_close(sys_bpf(BPF_PROG_LOAD, &attr));
	if (log[0] != '\0')
		last_words(log, why, why_size);
	free(log);
	return fd;
}

/* What requests about one element say; not all say everything. */
static int
ask_element(int command, int map, const void *key, const void *value,
	    uint64_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value; /* or the next key */
	attr.flags = flags;
	return sys_bpf(command, &attr);
}

int
bench_linux_lookup(int map, const void *key, void *value)
{
	return ask_element(BPF_MAP_LOOKUP_ELEM, map, key, value, 0);
}

int
bench_linux_update(int map, const void *key, const void *value, uint64_t flags)
{
	return ask_element(BPF_MAP_UPDATE_ELEM, map, key, value, flags);
}

int
bench_linux_delete(int map, const void *key)
{
	return ask_element(BPF_MAP_DELETE_ELEM, map, key, NULL, 0);
}

int
bench_linux_next(int map, const void *key, void *next)
{
	return ask_element(BPF_MAP_GET_NEXT_KEY, map, key, next, 0);
}

int
bench_linux_freeze(int map)
{
	return ask_element(BPF_MAP_FREEZE, map, NULL, NULL, 0);
}

static int
ask_batch(int command, int map, const void *in, void *out, const void *keys,
	  const void *values, uint32_t *count)
{
	union bpf_attr attr;
	int error;

	memset(&attr, 0, sizeof(attr));
	attr.batch.map_fd = (uint32_t)map;
	attr.batch.in_batch = (uintptr_t)in;
	attr.batch.out_batch = (uintptr_t)out;
	attr.batch.keys = (uintptr_t)keys;
	attr.batch.values = (uintptr_t)values;
	attr.batch.count = *count;
	error = sys_bpf(command, &attr);
	*count = attr.batch.count;
	return error;
}

int
bench_linux_update_batch(int map, const void *keys, const void *values,
			 uint32_t *count)
{
	return ask_batch(BPF_MAP_UPDATE_BATCH, map, NULL, NULL, keys, values,
			 count);
}

int
bench_linux_lookup_batch(int map, const void *in, void *out, void *keys,
			 void *values, uint32_t *count)
{
	return ask_batch(BPF_MAP_LOOKUP_BATCH, map, in, out, keys, values,
			 count);
}

int
bench_linux_run(int prog, struct bench_linux_run *run)
{
	union bpf_attr attr;
	int error;

	do {
		memset(&attr, 0, sizeof(attr));
		attr.test.prog_fd = (uint32_t)prog;
		attr.test.data_in = (uintptr_t)run->data;
		attr.test.data_size_in = run->data_len;
		attr.test.ctx_in = (uintptr_t)run->ctx;
		attr.test.ctx_size_in = run->ctx_len;
		attr.test.data_out = (uintptr_t)run->data_out;
		attr.test.data_size_out = run->data_out_len;
		attr.test.repeat = run->repeat;
		error = sys_bpf(BPF_PROG_TEST_RUN, &attr);
	} while (error == -EINTR);
	run->retval = attr.test.retval;
	run->duration_ns = attr.test.duration;
	return error;
}

uint32_t
bench_linux_code_len(int prog)
{
	struct bpf_prog_info info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)prog;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) != 0)
		return 0;
	return info.jited_prog_len;
}

#else /* not Linux: there is no bpf(2) */

int
bench_linux_map(uint32_t kind, uint32_t key_size, uint32_t value_size,
		uint32_t max_entries, uint32_t flags)
{
	return -ENOSYS;
}

int
bench_linux_prog(uint32_t type, const char *license,
		 const struct ebpf_insn *insns, uint32_t count, char *why,
		 size_t why_size)
{
	return -ENOSYS;
}

int
bench_linux_lookup(int map, const void *key, void *value)
{
	return -ENOSYS;
}

int
bench_linux_update(int map, const void *key, const void *value, uint64_t flags)
{
	return -ENOSYS;
}

int
bench_linux_delete(int map, const void *key)
{
	return -ENOSYS;
}

int
bench_linux_next(int map, const void *key, void *next)
{
	return -ENOSYS;
}

int
bench_linux_freeze(int map)
{
	return -ENOSYS;
}

int
bench_linux_update_batch(int map, const void *keys, const void *values,
			 uint32_t *count)
{
	return -ENOSYS;
}

int
bench_linux_lookup_batch(int map, const void *in, void *out, void *keys,
			 void *values, uint32_t *count)
{
	return -ENOSYS;
}

int
bench_linux_run(int prog, struct bench_linux_run *run)
{
	return -ENOSYS;
}

uint32_t
bench_linux_code_len(int prog)
{
	return 0;
}

#endif

void
bench_linux_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* By making a map as small as can be: rights, sysctl and kernel in one. */
bool
bench_linux_may(const char **why)
{
	static int asked; /* 1: yes, -1: no */
	static char text[128];
	int fd;

	if (asked == 0) {
		fd = bench_linux_map(2 /* array */, 4, 8, 1, 0);
		asked = fd >= 0 ? 1 : -1;
		bench_linux_close(fd);
		if (fd == -ENOSYS)
			snprintf(text, sizeof(text), "no bpf(2) here");
		else if (fd < 0)
			snprintf(text, sizeof(text), "bpf(2): %s%s",
				 strerror(-fd),
				 geteuid() != 0 ? ": only root may" : "");
	}
	*why = text;
	return asked > 0;
}
