/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The contract between the engine and its home: all that abi, core, switch and
 * device ask of an operating system. Each home supplies os_impl.h on its
 * include path (lib/host, kmod/linux, kmod/freebsd), with the types marked
 * "home" and any function it prefers inline, and implements the rest.
 *
 * os_impl.h also declares, with their standard meaning: memcpy memmove memset
 * memcmp strlen strcmp strncmp strnlen snprintf vsnprintf.
 *
 * Contexts. "any" may be called on the run path, in interrupt-like context,
 * with spin locks held. "sleep" may block: control path only, no spin lock, no
 * epoch section, not pinned.
 */
#ifndef CORE_OS_H
#define CORE_OS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Home types, complete after os_impl.h:
 *   struct os_mutex     sleeping lock
 *   struct os_spin      short lock, holder is not preempted by a run
 *   struct os_epoch     tracker of one read section, on the reader's stack
 *   struct os_deferred  embedded in what os_epoch_defer() frees later
 *   struct os_exec      one piece of executable memory; see below
 *   struct os_event     what wakes those who wait for something to come
 */
#define OS_BIT_LOCK (1u << 31)
#include "os_impl.h"

/* Memory: zeroed, aligned to 64 bytes from 64 bytes on. NULL when there is none. */
void *os_alloc(size_t size);	/* sleep */
void os_free(void *memory);	/* any, NULL is fine */
/* The same, not zeroed: nothing of it may be read before it is written. */
void *os_alloc_raw(size_t size); /* sleep */
/*
 * The same where nothing may wait. There is less of it, and least in one large
 * piece: who can do without more than a few pages at once asks for no more. In
 * some homes there is none at all while a spin lock is held or interrupts are
 * off: who gets none asks again where that is not so, if there is such a place.
 */
void *os_alloc_now(size_t size); /* any */

/* The same in pages of its own, which a home may let processes map. os_free() */
void *os_pages_alloc(size_t size); /* sleep */

/*
 * Zeroed memory for rings, a multiple of 4096: 2 * size bytes can be reached,
 * of which i and size + i may be the same one, so only one of the two is ever
 * in use. The 64 bytes before it are the user's, too. NULL when there is none.
 */
void *os_ring_alloc(size_t size);		 /* sleep */
void os_ring_free(void *memory, size_t size);	 /* sleep, NULL is fine */

/* One zeroed copy of size bytes for each CPU, each in cache lines of its own. */
void *os_percpu_alloc(size_t size);		/* sleep */
void os_percpu_free(void *percpu);		/* any */
void *os_percpu_ptr(void *percpu, uint32_t cpu); /* any */
/*
 * For generated code: true when the running CPU's number is the 32 bits at
 * thread register + cpu_off and its copy at percpu + distance * number, or,
 * where distance is 0, at what percpu[number] says. The thread register is fs
 * on x86-64, or gs if so said, and tpidr_el0 on arm64. percpu may be NULL, then
 * it is about the number alone. False: it must be asked for by
 * os_percpu_ptr(percpu, os_cpu_id()).
 */
struct os_percpu_plan {
	uint64_t distance;
	int32_t cpu_off;
	bool gs;
};
bool os_percpu_plan(const void *percpu, struct os_percpu_plan *plan); /* any */

/* CPUs are numbered 0 .. os_cpu_count()-1; the count never changes. */
uint32_t os_cpu_count(void); /* any */
/*
 * From pin to unpin the caller owns the number that os_cpu_id() gives: nobody
 * else, not even a signal or softirq that runs programs, uses the same number
 * in between unless it returns first. Nests. In a process the numbers are
 * slots for threads, at least as many as there are processors.
 */
uint32_t os_cpu_pin(void); /* any */
void os_cpu_unpin(void);   /* any */
uint32_t os_cpu_id(void);  /* any; not pinned: a guess */

void os_mutex_init(struct os_mutex *lock);
void os_mutex_destroy(struct os_mutex *lock);
void os_mutex_lock(struct os_mutex *lock); /* sleep */
void os_mutex_unlock(struct os_mutex *lock);

void os_spin_init(struct os_spin *lock);
void os_spin_lock(struct os_spin *lock); /* any */
void os_spin_unlock(struct os_spin *lock);
/*
 * The same in a bit of a word that lies beside what it protects: OS_BIT_LOCK.
 * The others are the holder's to change meanwhile, by stores that leave this
 * one set. What lock returns is for unlock.
 */
unsigned long os_bit_lock(uint32_t *word); /* any */
void os_bit_unlock(uint32_t *word, unsigned long before);
/* A pause, the round-th in a row, while another CPU is about to do something. */
void os_relax(uint32_t round); /* any */

/*
 * Events. Whoever waits first takes the count, then looks for what it wants,
 * then waits with that count: a signal in between is not missed. Signalling
 * costs little while nobody waits, and whoever is woken looks again.
 */
void os_event_init(struct os_event *event);
void os_event_destroy(struct os_event *event); /* sleep; nobody waits now */
uint32_t os_event_count(struct os_event *event); /* any */
void os_event_signal(struct os_event *event);	 /* any */
/*
 * 0 once the count is no longer `seen`, EAGAIN after timeout_ns, ECANCELED
 * when the home calls the waiter off (a signal for its process).
 */
int os_event_wait(struct os_event *event, uint32_t seen,
		  uint64_t timeout_ns); /* sleep */

/*
 * Epochs. What was unlinked before sync or defer is not freed while a section
 * entered earlier is open. Sections nest; they must not sleep.
 */
void os_epoch_enter(struct os_epoch *section); /* any */
void os_epoch_exit(struct os_epoch *section);  /* any */
void os_epoch_sync(void);		       /* sleep */
void os_epoch_defer(struct os_deferred *work,
		    void (*fn)(struct os_deferred *work)); /* any; fn: sleep */
void os_epoch_drain(void); /* sleep: all deferred work is done on return */
/*
 * For those who would rather ask than wait: begin gives a grace period that
 * begins now its number; what was unlinked before is not reached any more once
 * it is over. Sections that the caller itself has open count as well.
 */
uint64_t os_epoch_begin(void);		/* any */
bool os_epoch_over(uint64_t number);	/* any */

uint64_t os_time_ns(void);	/* any: monotonic, not counting suspend */
uint64_t os_boot_time_ns(void); /* any: monotonic, counting suspend */
uint64_t os_wall_time_ns(void); /* any: Unix time */
uint64_t os_cpu_time_ns(void);	/* sleep: what this thread ran, within a tick */
uint32_t os_random_u32(void);	/* any */
void os_yield(void);		/* sleep: a rest within long work */

enum os_log_level {
	OS_LOG_ERROR,
	OS_LOG_WARNING,
	OS_LOG_INFO,
};
/* any; one line, without newline; rate-limited by the home */
void os_log(enum os_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Executable memory. alloc gives size bytes: exec->write where code is written,
 * exec->run where it will run (the two may differ), filled with traps;
 * exec->size is what that takes of the home's memory, whole pages maybe. After
 * seal the write side is gone and code may run; nothing is ever writable and
 * executable at the same address at once. A home without executable memory
 * returns -EBPF_EUNSUPPORTED.
 */
int os_exec_alloc(struct os_exec *exec, size_t size); /* sleep */
int os_exec_seal(struct os_exec *exec);		      /* sleep */
/*
 * The four aligned bytes at `at`, sealed, become word. Nobody runs them just
 * then, but others may run what is beside them; who runs them once this has
 * returned runs the new ones. Never are they writable where they run.
 * EUNSUPPORTED, ENOMEM: they are as they were.
 */
int os_exec_patch(struct os_exec *exec, const uint8_t *at,
		  uint32_t word); /* sleep */
void os_exec_free(struct os_exec *exec);	      /* sleep */

/*
 * Branches that generated code leaves to code of the home's, which lies near,
 * because the kernel guards them against speculation. NULL: no such rule here.
 */
struct os_exec_rules {
	const void *jump; /* goes on at what r11 says; x86-64 only */
	const void *ret;  /* returns */
	bool trap_behind; /* a trap behind each return and indirect jump */
};
void os_exec_rules(struct os_exec_rules *rules); /* any */

/*
 * Atomics: gcc's and clang's builtins in every home, named here so that one
 * reads which ordering was meant.
 */
#define os_load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define os_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define os_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define os_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define os_add(p, v) __atomic_add_fetch((p), (v), __ATOMIC_ACQ_REL)
#define os_sub(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_ACQ_REL)
#define os_add_relaxed(p, v) __atomic_add_fetch((p), (v), __ATOMIC_RELAXED)
#define os_swap(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
/* true when *p was *expected and is now v; else *expected is what it is */
#define os_cas(p, expected, v)                                         \
	__atomic_compare_exchange_n((p), (expected), (v), false,       \
				    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/*
 * Marks a const table of labels for computed gotos, where the home's tools
 * must know it.
 */
#ifndef OS_JUMP_TABLE
#define OS_JUMP_TABLE
#endif

/*
 * For a large variable on a hot path that its code fills as far as it is used:
 * homes that clear every variable leave this one.
 */
#if defined(__has_attribute)
#if __has_attribute(__uninitialized__)
#define OS_NOT_CLEARED __attribute__((__uninitialized__))
#endif
#endif
#ifndef OS_NOT_CLEARED
#define OS_NOT_CLEARED
#endif

#define os_likely(x) __builtin_expect(!!(x), 1)
#define os_unlikely(x) __builtin_expect(!!(x), 0)
#define os_container(p, type, member) \
	((type *)((char *)(p)-offsetof(type, member)))

#endif
