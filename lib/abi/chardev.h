/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The character device's one ioctl: a request in, a reply out, both as wire.h
 * has them. Shared by client/transport_chardev.c and the kernel modules.
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

#endif
