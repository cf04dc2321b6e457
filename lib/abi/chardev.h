/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The character device's ioctl: a request in, a reply out, both as wire.h has
 * them; and a shorter way for short ones. Shared by
 * client/transport_chardev.c and the kernel modules.
 */
#ifndef ABI_CHARDEV_H
#define ABI_CHARDEV_H

#include <stdint.h>

#define EBPF_CHARDEV_PATH "/dev/ebpf"

struct ebpf_chardev_call {
	uint64_t request; /* address in the caller */
	uint64_t reply;	  /* address in the caller */
	uint32_t request_len;
	uint32_t reply_cap;
	uint32_t reply_len; /* out: bytes written at reply */
	uint32_t pad;	    /* 0 */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct ebpf_chardev_call) == 32, "ioctl's size");
#endif

/*
 * In and out, 32 bytes, group 'e', number 1: Linux's _IOWR and FreeBSD's make
 * the same number of it, so it is written down once.
 */
#define EBPF_CHARDEV_CALL 0xc0206501u

/*
 * The same for short ones: the argument is the request itself, and the reply is
 * written over it, at most the request's reply_max bytes. Nothing else is
 * copied, which halves what one element of a map costs. `size` of the request,
 * rounded up to 8, is part of the number; it and reply_max are SHORT_MAX at
 * most. ENOTTY: a driver that only knows the other.
 */
#define EBPF_CHARDEV_SHORT_MAX 256u
#define EBPF_CHARDEV_SHORT(size) (0xc0006502u | (uint32_t)(size) << 16)
#define EBPF_CHARDEV_SHORT_SIZE(command) ((command) >> 16 & 0x1fffu)

/*
 * Where mmap(2) finds the values of the map with that id: an array made with
 * EBPF_F_MMAPABLE, each value in its size rounded up to 8. MAP_SHARED, no more
 * than all of them in whole pages. ENOENT: no such map; EOPNOTSUPP: another
 * map; EACCES: not to be read, or not to be written by users, or by any but
 * them, or frozen. What is mapped to be written cannot be frozen (EBUSY).
 */
#define EBPF_CHARDEV_VALUES(id) ((uint64_t)(id) << 32)

#endif
