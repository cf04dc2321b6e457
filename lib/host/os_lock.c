/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Waiting in the userspace home: the contended side of spin locks and of CPU
 * slots. A holder may have lost its processor, so waiting soon yields.
 */
#include "core/os.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

enum {
	SLOT_MAX = 1024,
	SPINS = 100,	/* tries before the processor is given away */
	YIELDS = 1000,	/* of those before the thread sleeps a little */
};

__thread struct os_thread os_thread OS_TLS;
struct os_slot os_slots[SLOT_MAX] __attribute__((aligned(64)));
uint32_t os_slot_count;

static void
relax(uint32_t round)
{
	const struct timespec rest = { 0, 50 * 1000 };

	if (round < SPINS) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	} else if (round < SPINS + YIELDS) {
		sched_yield();
	} else {
		nanosleep(&rest, NULL);
	}
}

void
os_spin_wait(struct os_spin *lock)
{
	uint32_t round;

	do {
		for (round = 0; os_load(&lock->held); round++)
			relax(round);
	} while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE));
}

void
os_yield(void)
{
	sched_yield();
}

/* Threads that come here together find the same number. */
uint32_t
os_cpu_count_init(void)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	if (count < 1)
		count = 1;
	if (count > SLOT_MAX)
		count = SLOT_MAX;
	os_store(&os_slot_count, (uint32_t)count);
	return (uint32_t)count;
}

/* The thread's own slot is taken, or it has none yet: take any. */
uint32_t
os_cpu_pin_slow(void)
{
	static uint32_t next;
	struct os_thread *self = &os_thread;
	uint32_t count = os_cpu_count(), slot, tries, round = 0, expected;

	if (!self->has_slot) {
		slot = os_add_relaxed(&next, 1) % count;
	} else {
		slot = self->slot;
	}
	for (tries = 0;; tries++) {
		expected = 0;
		if (os_load(&os_slots[slot].held) == 0 &&
		    os_cas(&os_slots[slot].held, &expected, 1))
			break;
		if (++slot == count)
			slot = 0;
		if (tries % count == count - 1)
			relax(round++);
	}
	self->slot = slot;
	self->has_slot = 1;
	return slot;
}
