/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SHA-1 (FIPS 180-4), for program tags only: nothing here relies on secrecy. */
#ifndef CORE_SHA1_H
#define CORE_SHA1_H

#include <stddef.h>
#include <stdint.h>

struct ebpf_sha1 {
	uint32_t state[5];
	uint32_t used; /* bytes in block */
	uint64_t len;  /* bytes so far */
	uint8_t block[64];
};

void ebpf_sha1_init(struct ebpf_sha1 *sha);
void ebpf_sha1_add(struct ebpf_sha1 *sha, const void *data, size_t len);
void ebpf_sha1_end(struct ebpf_sha1 *sha, uint8_t digest[20]);

#endif
