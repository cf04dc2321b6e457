/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's device below libgebpf: calls as they are, right or wrong; and
 * numbers in files of the kernel, as of which allocation is to fail.
 */
#ifndef TESTS_CHARDEV_H
#define TESTS_CHARDEV_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "abi/chardev.h"

/* The length of the reply, or -errno. */
static inline int
call(int fd, const void *request, uint32_t len, void *reply, uint32_t cap)
{
	struct ebpf_chardev_call call = {
		.request = (uintptr_t)request,
		.reply = (uintptr_t)reply,
		.request_len = len,
		.reply_cap = cap,
	};

	return ioctl(fd, EBPF_CHARDEV_CALL, &call) ? -errno :
						     (int)call.reply_len;
}

static inline bool
write_number(const char *file, uint32_t n)
{
	FILE *f = fopen(file, "r+");
	bool good = f != NULL && fprintf(f, "%u\n", n) > 0;

	return f != NULL && fclose(f) == 0 && good;
}

/* ~0: there is none. */
static inline uint32_t
read_number(const char *file)
{
	uint32_t n = ~0u;
	FILE *f = fopen(file, "r");

	if (f == NULL)
		return n;
	if (fscanf(f, "%u", &n) != 1)
		n = ~0u;
	fclose(f);
	return n;
}

#endif
