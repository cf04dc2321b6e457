/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * core/os.h on Linux: types and what must be inline. RCU is the epoch, per-CPU
 * numbers are the kernel's, spin locks close interrupts because programs run in
 * softirq and process context alike. The rest is in os_linux.c.
 */
#ifndef OS_IMPL_H
#define OS_IMPL_H

#include <linux/compiler.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
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

/* objtool follows computed gotos only through tables in this section. */
#define OS_JUMP_TABLE __annotate_jump_table

/* Lower-case macros of the kernel whose names are ours as well. */
#undef swap

#endif
