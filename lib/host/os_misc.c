/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Clocks, random numbers and the log of the userspace home. The random
 * numbers are for programs (bpf_get_prandom_u32) and hash seeds: a fast
 * generator per thread, seeded by the system's; no keys are made of them.
 */
#include "core/os.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
os_time_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t
os_boot_time_ns(void)
{
#ifdef CLOCK_BOOTTIME
	return clock_ns(CLOCK_BOOTTIME);
#else
	return clock_ns(CLOCK_MONOTONIC);
#endif
}

uint64_t
os_wall_time_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t
os_cpu_time_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static uint64_t
rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

/* xoshiro256++, a public-domain generator: its high bits are good. */
uint32_t
os_random_u32(void)
{
	struct os_thread *self = &os_thread;
	uint64_t *s = self->random;
	uint64_t result, t;

	if (os_unlikely(!self->seeded)) {
		if (getentropy(s, sizeof(self->random)) != 0)
			s[0] = clock_ns(CLOCK_REALTIME) ^ (uintptr_t)self;
		s[3] |= 1; /* all zero would stay zero */
		self->seeded = 1;
	}
	result = rotate(s[0] + s[3], 23) + s[0];
	t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return (uint32_t)(result >> 32);
}

enum {
	LOG_LINES_PER_SECOND = 50,
};

void
os_log(enum os_log_level level, const char *format, ...)
{
	static const char *const words[] = { "error", "warning", "info" };
	static struct os_spin lock;
	static uint64_t second;
	static uint32_t lines, skipped;
	uint64_t now = os_time_ns() / 1000000000u;
	uint32_t lost = 0;
	bool print;
	va_list args;
	char text[512];

	os_spin_lock(&lock);
	if (second != now) {
		second = now;
		lines = 0;
		lost = skipped;
		skipped = 0;
	}
	print = ++lines <= LOG_LINES_PER_SECOND;
	if (!print)
		skipped++;
	os_spin_unlock(&lock);

	if (lost)
		fprintf(stderr, "ebpf: %u lines were left out\n",
			(unsigned int)lost);
	if (!print)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "ebpf: %s: %s\n", words[level], text);
}
