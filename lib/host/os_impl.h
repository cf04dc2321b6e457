/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The userspace home of core/os.h: POSIX threads, per-thread epoch records,
 * CPU numbers as slots that threads own while pinned. Types and what is hot
 * enough to be inline are here, the rest in os_*.c. At the end a hook for
 * tests that make allocations fail.
 */
#ifndef OS_IMPL_H
#define OS_IMPL_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_THREAD__)
#define OS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OS_TSAN 1
#endif
#endif
#ifndef OS_TSAN
#define OS_TSAN 0
#endif

/* Sanitizers watch the bounds of heap memory only. */
#if defined(__SANITIZE_ADDRESS__)
#define OS_HEAP_ONLY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OS_HEAP_ONLY 1
#endif
#endif
#ifndef OS_HEAP_ONLY
#define OS_HEAP_ONLY 0
#endif

/* No call to __tls_get_addr on the run path, also from a shared library. */
#define OS_TLS __attribute__((tls_model("initial-exec")))

struct os_mutex {
	pthread_mutex_t mutex;
};

struct os_spin {
	uint32_t held;
};

struct os_event {
	uint32_t count;
	uint32_t waiters;
	pthread_mutex_t mutex; /* between the last look and sleeping */
	pthread_cond_t woken;
};

/*
 * One for every thread that ever entered a section, reused after its thread's
 * end, never freed; so whoever waits may walk the list without a lock.
 */
struct os_epoch_record {
	uint64_t active; /* epoch of the open section, 0 for none */
	uint32_t depth;	 /* of nested sections; only the thread itself */
	uint32_t in_use; /* a thread has it */
	struct os_epoch_record *next; /* constant once in the list */
} __attribute__((aligned(64)));

struct os_epoch {
	struct os_epoch_record *record;
};

struct os_deferred {
	struct os_deferred *next;
	void (*fn)(struct os_deferred *work);
};

struct os_exec {
	uint8_t *write;	    /* NULL once sealed */
	const uint8_t *run; /* the same address, executable once sealed */
	size_t size;	    /* whole pages */
	void *map; /* with the guard pages */
	size_t map_size;
};

/* What this home keeps of each thread. */
struct os_thread {
	struct os_epoch_record *record; /* NULL until the first section */
	uint32_t pin_depth;
	uint32_t slot;	   /* owned while pin_depth > 0, else the last owned */
	uint32_t has_slot; /* slot means something */
	uint32_t seeded;
	uint64_t random[4];
};
extern __thread struct os_thread os_thread OS_TLS;

/* ---- locks ---- */

static inline void
os_mutex_init(struct os_mutex *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

static inline void
os_mutex_destroy(struct os_mutex *lock)
{
	pthread_mutex_destroy(&lock->mutex);
}

static inline void
os_mutex_lock(struct os_mutex *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

static inline void
os_mutex_unlock(struct os_mutex *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

void os_spin_wait(struct os_spin *lock); /* os_lock.c: the contended part */

static inline void
os_spin_init(struct os_spin *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELAXED);
}

static inline void
os_spin_lock(struct os_spin *lock)
{
	if (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		os_spin_wait(lock);
}

static inline void
os_spin_unlock(struct os_spin *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

void os_bit_wait(uint32_t *word);

static inline unsigned long
os_bit_lock(uint32_t *word)
{
	if (__builtin_expect(__atomic_fetch_or(word, OS_BIT_LOCK,
					       __ATOMIC_ACQUIRE) &
				     OS_BIT_LOCK, 0))
		os_bit_wait(word);
	return 0;
}

static inline void
os_bit_unlock(uint32_t *word, unsigned long before)
{
	(void)before;
	__atomic_store_n(word,
			 __atomic_load_n(word, __ATOMIC_RELAXED) & ~OS_BIT_LOCK,
			 __ATOMIC_RELEASE);
}

/* ---- CPU numbers ---- */

/* A slot in a cache line of its own; held by the thread that is pinned. */
struct os_slot {
	uint32_t held;
	uint32_t pad[15];
};
extern struct os_slot os_slots[];
extern uint32_t os_slot_count; /* 0 until first asked */

uint32_t os_cpu_count_init(void);
uint32_t os_cpu_pin_slow(void);
void os_cpu_guess(void); /* a thread's first number */

static inline uint32_t
os_cpu_count(void)
{
	uint32_t count = __atomic_load_n(&os_slot_count, __ATOMIC_RELAXED);

	return __builtin_expect(count != 0, 1) ? count : os_cpu_count_init();
}

static inline uint32_t
os_cpu_pin(void)
{
	struct os_thread *self = &os_thread;
	uint32_t expected = 0;

	if (self->pin_depth++ > 0)
		return self->slot;
	if (__builtin_expect(self->has_slot, 1) &&
	    __atomic_compare_exchange_n(&os_slots[self->slot].held, &expected,
					1, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return self->slot;
	return os_cpu_pin_slow();
}

static inline void
os_cpu_unpin(void)
{
	struct os_thread *self = &os_thread;

	if (--self->pin_depth == 0)
		__atomic_store_n(&os_slots[self->slot].held, 0,
				 __ATOMIC_RELEASE);
}

static inline uint32_t
os_cpu_id(void)
{
	return os_thread.slot;
}

/*
 * Per-CPU memory: copies follow each other at a fixed distance, which stands
 * in the 8 bytes before the first.
 */
static inline void *
os_percpu_ptr(void *percpu, uint32_t cpu)
{
	return (char *)percpu + (size_t)cpu * ((const size_t *)percpu)[-1];
}

/* ---- epochs ---- */

extern uint64_t os_epoch_now; /* starts at 1 */
struct os_epoch_record *os_epoch_register(void);

static inline void
os_epoch_enter(struct os_epoch *section)
{
	struct os_epoch_record *record = os_thread.record;

	if (__builtin_expect(!record, 0))
		record = os_epoch_register();
	section->record = record;
	if (record->depth++ > 0)
		return;
	/*
	 * The announcement must be visible before anything the section reads:
	 * a full barrier. On x86-64 the exchange is one; elsewhere a fence
	 * completes it (TSan knows no fences and needs none).
	 */
	(void)__atomic_exchange_n(&record->active,
				  __atomic_load_n(&os_epoch_now,
						  __ATOMIC_ACQUIRE),
				  __ATOMIC_SEQ_CST);
#if !OS_TSAN && !defined(__x86_64__)
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void
os_epoch_exit(struct os_epoch *section)
{
	struct os_epoch_record *record = section->record;

	if (--record->depth == 0)
		__atomic_store_n(&record->active, 0, __ATOMIC_RELEASE);
}

/* ---- for tests ---- */

/*
 * Make the n-th allocation from now fail (1: the next), counting os_alloc,
 * os_alloc_now, os_percpu_alloc and os_exec_alloc of all threads; 0: none. It
 * fails once.
 */
void os_test_fail_at(uint64_t n);
bool os_test_failed(void); /* it has failed since os_test_fail_at */
/*
 * Ask this one on each os_alloc_now, which fails when it says no: as a home does
 * that has no memory while locks are held. NULL: none.
 */
void os_test_now(bool (*may)(size_t size));
static inline bool
os_test_held(const struct os_spin *lock) /* by whomever */
{
	return __atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0;
}
uint64_t os_test_live(void); /* allocations that were not freed yet */
uint64_t os_test_bytes(void); /* of all memory that was not freed yet */

/* Used inside the home: false when this allocation is to fail. */
bool os_test_allocate(void);
void os_test_release(void);
void os_test_count(size_t bytes); /* allocated; or 0 - bytes: freed */

#endif
