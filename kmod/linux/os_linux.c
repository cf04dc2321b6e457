// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * core/os.h on Linux, what is not inline: memory, per-CPU data, locks, epochs
 * on RCU, time, log. Executable memory is in os_linux_exec.c. Called by the
 * engine only.
 */
#include "core/os.h"

#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

/* Frees from RCU work go through our own queue, so that unload can wait. */
static struct workqueue_struct *deferred_queue;

int os_linux_init(void);
void os_linux_exit(void);

int
os_linux_init(void)
{
	deferred_queue = alloc_workqueue("ebpf", WQ_UNBOUND, 0);
	return deferred_queue ? 0 : -ENOMEM;
}

void
os_linux_exit(void)
{
	os_epoch_drain();
	destroy_workqueue(deferred_queue);
}

void *
os_alloc(size_t size)
{
	/* kvmalloc aligns powers of two to themselves, all else to 8: ask
	 * for whole cache lines where the contract promises them. */
	if (size >= 64)
		size = roundup_pow_of_two(size) <= PAGE_SIZE ?
			       roundup_pow_of_two(size) : ALIGN(size, 64);
	return kvzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

void
os_free(void *memory)
{
	kvfree(memory);
}

/*
 * The kernel's per-CPU allocator caps a piece at 32 KiB, too small for per-CPU
 * arrays: a table of pointers to node-local pieces instead.
 */
struct percpu {
	void *pieces[1];
};

void *
os_percpu_alloc(size_t size)
{
	uint32_t cpu, count = os_cpu_count();
	void **pieces = os_alloc(count * sizeof(*pieces));

	if (!pieces)
		return NULL;
	for (cpu = 0; cpu < count; cpu++) {
		pieces[cpu] = kvzalloc_node(ALIGN(size, 64),
					    GFP_KERNEL_ACCOUNT | __GFP_NOWARN,
					    cpu_to_node(cpu));
		if (!pieces[cpu]) {
			os_percpu_free(pieces);
			return NULL;
		}
	}
	return pieces;
}

void
os_percpu_free(void *percpu)
{
	void **pieces = percpu;
	uint32_t cpu;

	if (!pieces)
		return;
	for (cpu = 0; cpu < os_cpu_count(); cpu++)
		kvfree(pieces[cpu]);
	os_free(pieces);
}

void *
os_percpu_ptr(void *percpu, uint32_t cpu)
{
	return ((void **)percpu)[cpu];
}

/* Per-CPU areas of modules are not at a fixed distance. */
bool
os_percpu_plan(const void *percpu, struct os_percpu_plan *plan)
{
	return false;
}

uint32_t
os_cpu_count(void)
{
	return nr_cpu_ids;
}

uint32_t
os_cpu_pin(void)
{
	/*
	 * Softirqs off, not only preemption: a softirq that runs programs must
	 * not share the number with a process in the middle of a run.
	 */
	local_bh_disable();
	return smp_processor_id();
}

void
os_cpu_unpin(void)
{
	local_bh_enable();
}

uint32_t
os_cpu_id(void)
{
	return raw_smp_processor_id();
}

/* ---- locks ---- */

void
os_mutex_init(struct os_mutex *lock)
{
	mutex_init(&lock->mutex);
}

void
os_mutex_destroy(struct os_mutex *lock)
{
	mutex_destroy(&lock->mutex);
}

void
os_mutex_lock(struct os_mutex *lock)
{
	mutex_lock(&lock->mutex);
}

void
os_mutex_unlock(struct os_mutex *lock)
{
	mutex_unlock(&lock->mutex);
}

void
os_spin_init(struct os_spin *lock)
{
	raw_spin_lock_init(&lock->lock);
}

void
os_spin_lock(struct os_spin *lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock->lock, flags);
	lock->flags = flags;
}

void
os_spin_unlock(struct os_spin *lock)
{
	raw_spin_unlock_irqrestore(&lock->lock, lock->flags);
}

/* ---- epochs ---- */

void
os_epoch_enter(struct os_epoch *section)
{
	rcu_read_lock();
}

void
os_epoch_exit(struct os_epoch *section)
{
	rcu_read_unlock();
}

void
os_epoch_sync(void)
{
	synchronize_rcu();
}

static void
run_deferred(struct work_struct *work)
{
	struct os_deferred *deferred = container_of(
		to_rcu_work(work), struct os_deferred, work);

	deferred->fn(deferred);
}

void
os_epoch_defer(struct os_deferred *work, void (*fn)(struct os_deferred *work))
{
	work->fn = fn;
	INIT_RCU_WORK(&work->work, run_deferred);
	queue_rcu_work(deferred_queue, &work->work);
}

void
os_epoch_drain(void)
{
	/* Work may defer more work: an object's end drops others. */
	int round;

	for (round = 0; round < 8; round++) {
		rcu_barrier();
		flush_workqueue(deferred_queue);
	}
}

/* ---- time, random, log ---- */

uint64_t
os_time_ns(void)
{
	return ktime_get_mono_fast_ns();
}

uint64_t
os_boot_time_ns(void)
{
	return ktime_get_boot_fast_ns();
}

uint64_t
os_wall_time_ns(void)
{
	return ktime_get_real_fast_ns();
}

uint32_t
os_random_u32(void)
{
	return get_random_u32();
}

void
os_yield(void)
{
	cond_resched();
}

void
os_log(enum os_log_level level, const char *format, ...)
{
	struct va_format text;
	va_list args;

	if (!printk_ratelimit())
		return;
	va_start(args, format);
	text.fmt = format;
	text.va = &args;
	switch (level) {
	case OS_LOG_ERROR:
		pr_err("ebpf: %pV\n", &text);
		break;
	case OS_LOG_WARNING:
		pr_warn("ebpf: %pV\n", &text);
		break;
	case OS_LOG_INFO:
		pr_info("ebpf: %pV\n", &text);
		break;
	}
	va_end(args);
}
