/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * core/os.h on Linux: types and what must be inline. RCU is the epoch, per-CPU
 * numbers are the kernel's, spin locks close interrupts because programs run in
 * softirq and process context alike. The rest is in os_linux.c.
 */
#ifndef OS_IMPL_H
#define OS_IMPL_H

#include <linux/bottom_half.h>
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct os_mutex {
	struct mutex mutex;
};

struct os_spin {
	raw_spinlock_t lock;
	unsigned long flags; /* of the holder */
};

/* Signals come from anywhere, so the waking is left to an interrupt. */
struct os_event {
	atomic_t count;
	wait_queue_head_t queue;
	struct irq_work work;
};

struct os_epoch {
	int unused;
};

struct os_deferred {
	struct rcu_work work;
	void (*fn)(struct os_deferred *work);
};

struct os_exec {
	uint8_t *write;
	const uint8_t *run;
	size_t size;
	unsigned long off; /* in the arena */
};

/* ---- what programs' runs are made of ---- */

static inline void *
os_percpu_ptr(void *percpu, uint32_t cpu)
{
	return ((void **)percpu)[cpu]; /* os_percpu_alloc() */
}

static inline uint32_t
os_cpu_count(void)
{
	return nr_cpu_ids;
}

/*
 * Softirqs off, not only preemption: a softirq that runs programs must not
 * share the number with a process in the middle of a run. An interrupt may,
 * between any two instructions (netmap decides frames in timers): who can come
 * from there asks os_linux_interrupts() and then lets it be, for the run below
 * may hold a lock in a map.
 */
DECLARE_PER_CPU(uint32_t, os_linux_pinned);

static inline uint32_t
os_cpu_pin(void)
{
#if defined(CONFIG_PREEMPT_RT) || defined(CONFIG_TRACE_IRQFLAGS)
	if (in_hardirq())
		preempt_disable();
	else
#endif
		local_bh_disable();
	raw_cpu_inc(os_linux_pinned);
	return raw_smp_processor_id();
}

/* Pinned: on top of somebody who is pinned, too, and waits for us. */
static inline bool
os_linux_interrupts(void)
{
	return raw_cpu_read(os_linux_pinned) > 1 && in_hardirq();
}

/*
 * local_bh_enable(), of which mostly nothing is left: no softirq came while
 * they were off. They are on, preemption is not, before that is asked, so that
 * an interrupt after it runs its softirq itself.
 */
static inline void
os_cpu_unpin(void)
{
	raw_cpu_dec(os_linux_pinned);
#if defined(CONFIG_PREEMPT_RT) || defined(CONFIG_TRACE_IRQFLAGS)
	if (in_hardirq())
		preempt_enable();
	else
		local_bh_enable();
#else
	barrier();
	preempt_count_sub(SOFTIRQ_DISABLE_OFFSET - 1);
	if (likely(!local_softirq_pending()) || in_hardirq()) {
		preempt_enable();
	} else {
		preempt_count_add(SOFTIRQ_DISABLE_OFFSET - 1);
		local_bh_enable();
	}
#endif
}

static inline uint32_t
os_cpu_id(void)
{
	return raw_smp_processor_id();
}

static inline void
os_epoch_enter(struct os_epoch *section)
{
	rcu_read_lock();
}

static inline void
os_epoch_exit(struct os_epoch *section)
{
	rcu_read_unlock();
}

static inline void
os_relax(uint32_t round)
{
	cpu_relax();
}

/* To lockdep, locks of one kind are those that one place makes. */
static noinline __maybe_unused void
os_spin_init(struct os_spin *lock)
{
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	__raw_spin_lock_init(&lock->lock, "ebpf",
			     (struct lock_class_key *)_RET_IP_, LD_WAIT_SPIN);
#else
	raw_spin_lock_init(&lock->lock);
#endif
}

static inline void
os_spin_lock(struct os_spin *lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock->lock, flags);
	lock->flags = flags;
}

static inline void
os_spin_unlock(struct os_spin *lock)
{
	raw_spin_unlock_irqrestore(&lock->lock, lock->flags);
}

/* To lockdep all of these are one: nobody holds two at a time. */
extern struct lockdep_map os_linux_bits;

static inline unsigned long
os_bit_lock(uint32_t *word)
{
	unsigned long flags;

	local_irq_save(flags);
	preempt_disable();
	lock_map_acquire(&os_linux_bits);
	while (__atomic_fetch_or(word, OS_BIT_LOCK, __ATOMIC_ACQUIRE) &
	       OS_BIT_LOCK)
		while (READ_ONCE(*word) & OS_BIT_LOCK)
			cpu_relax();
	return flags;
}

static inline void
os_bit_unlock(uint32_t *word, unsigned long before)
{
	lock_map_release(&os_linux_bits);
	smp_store_release(word, *word & ~OS_BIT_LOCK);
	local_irq_restore(before);
	preempt_enable();
}

/* objtool follows computed gotos only through tables in this section. */
#define OS_JUMP_TABLE __annotate_jump_table

/* Lower-case macros of the kernel whose names are ours as well. */
#undef swap

#endif
