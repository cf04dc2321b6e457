/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Waiting in the userspace home: the contended side of spin locks and of CPU
 * slots, and events. A holder may have lost its processor, so waiting soon
 * yields.
 */
#include "abi/error.h"
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

void
os_relax(uint32_t round)
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

/*
 * Threads that meet here may do so because none of them has a CPU number yet:
 * what is one for each would be all of theirs.
 */
void
os_spin_wait(struct os_spin *lock)
{
	uint32_t round;

	os_cpu_guess();
	do {
		for (round = 0; os_load(&lock->held); round++)
			os_relax(round);
	} while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE));
}

void
os_bit_wait(uint32_t *word)
{
	uint32_t round;

	do {
		for (round = 0; os_load(word) & OS_BIT_LOCK; round++)
			os_relax(round);
	} while (__atomic_fetch_or(word, OS_BIT_LOCK, __ATOMIC_ACQUIRE) &
		 OS_BIT_LOCK);
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

/* Which one a thread tries first; others' are others. */
void
os_cpu_guess(void)
{
	static uint32_t next;
	struct os_thread *self = &os_thread;

	if (self->has_slot)
		return;
	self->slot = os_add_relaxed(&next, 1) % os_cpu_count();
	self->has_slot = 1;
}

/* The thread's own slot is taken, or it has none yet: take any. */
uint32_t
os_cpu_pin_slow(void)
{
	struct os_thread *self = &os_thread;
	uint32_t count = os_cpu_count(), slot, tries, round = 0, expected;

	os_cpu_guess();
	slot = self->slot;
	for (tries = 0;; tries++) {
		expected = 0;
		if (os_load(&os_slots[slot].held) == 0 &&
		    os_cas(&os_slots[slot].held, &expected, 1))
			break;
		if (++slot == count)
			slot = 0;
		if (tries % count == count - 1)
			os_relax(round++);
	}
	self->slot = slot;
	return slot;
}

/* ---- events ---- */

/* Not every system lets one choose the clock of a condition. */
#if defined(_POSIX_CLOCK_SELECTION) && _POSIX_CLOCK_SELECTION > 0
#define WAIT_CLOCK CLOCK_MONOTONIC
#else
#define WAIT_CLOCK CLOCK_REALTIME
#endif

void
os_event_init(struct os_event *event)
{
	pthread_condattr_t attr;

	event->count = 0;
	event->waiters = 0;
	pthread_mutex_init(&event->mutex, NULL);
	pthread_condattr_init(&attr);
#if defined(_POSIX_CLOCK_SELECTION) && _POSIX_CLOCK_SELECTION > 0
	pthread_condattr_setclock(&attr, WAIT_CLOCK);
#endif
	pthread_cond_init(&event->woken, &attr);
	pthread_condattr_destroy(&attr);
}

void
os_event_destroy(struct os_event *event)
{
	pthread_cond_destroy(&event->woken);
	pthread_mutex_destroy(&event->mutex);
}

uint32_t
os_event_count(struct os_event *event)
{
	return __atomic_load_n(&event->count, __ATOMIC_SEQ_CST);
}

/*
 * Count before looking for waiters, and a waiter announces itself before it
 * looks at the count, all in one order: one of the two sees the other.
 */
void
os_event_signal(struct os_event *event)
{
	__atomic_add_fetch(&event->count, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&event->waiters, __ATOMIC_SEQ_CST) == 0)
		return;
	pthread_mutex_lock(&event->mutex);
	pthread_cond_broadcast(&event->woken);
	pthread_mutex_unlock(&event->mutex);
}

int
os_event_wait(struct os_event *event, uint32_t seen, uint64_t timeout_ns)
{
	struct timespec end;
	int error = 0;

	clock_gettime(WAIT_CLOCK, &end);
	timeout_ns += (uint64_t)end.tv_nsec;
	end.tv_sec += (time_t)(timeout_ns / 1000000000u);
	end.tv_nsec = (long)(timeout_ns % 1000000000u);
	pthread_mutex_lock(&event->mutex);
	__atomic_add_fetch(&event->waiters, 1, __ATOMIC_SEQ_CST);
	while (os_event_count(event) == seen && !error)
		error = pthread_cond_timedwait(&event->woken, &event->mutex,
					       &end);
	__atomic_sub_fetch(&event->waiters, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&event->mutex);
	return error ? -EBPF_EAGAIN : 0;
}
