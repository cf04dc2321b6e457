/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Time that only goes on, for whoever waits for a device or measures one. */
#ifndef CLIENT_CLOCK_H
#define CLIENT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
gebpf_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline uint64_t
gebpf_now_ms(void)
{
	return gebpf_now_ns() / 1000000;
}

#endif
