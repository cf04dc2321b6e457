// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * core/os.h on Linux, what is not inline: memory, per-CPU data, locks, epochs
 * on RCU, time, log. Executable memory is in os_linux_exec.c. Called by the
 * engine only.
 */
#include "abi/error.h"
#include "core/os.h"
#include "ebpf_linux.h"

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

/* Frees from RCU work go through our own queue, so that unload can wait. */
static struct workqueue_struct *deferred_queue;
static atomic_t deferred_count = ATOMIC_INIT(0);

/* What was allocated and not yet freed; must be none when we go. */
static atomic_long_t live = ATOMIC_LONG_INIT(0);

/* For tests: the n-th allocation from now fails, once. 0: none. */
static unsigned long fail_at;
module_param(fail_at, ulong, 0600);
MODULE_PARM_DESC(fail_at, "for tests: this allocation from now fails");

/* Runs under way, each on top of the one that it interrupted. */
DEFINE_PER_CPU(uint32_t, os_linux_pinned);
EXPORT_PER_CPU_SYMBOL_GPL(os_linux_pinned);

/* Freed where that is not allowed. */
static LLIST_HEAD(late_list);
static void late_free(struct work_struct *work);
static DECLARE_WORK(late_work, late_free);

/* Who waits for any event at all: poll(2) on the device. */
DECLARE_WAIT_QUEUE_HEAD(ebpf_linux_events);
EXPORT_SYMBOL_GPL(ebpf_linux_events);
static void any_wake(struct irq_work *work);
static DEFINE_IRQ_WORK(any_work, any_wake);

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
	long left;

	os_epoch_drain();
	irq_work_sync(&any_work);
	destroy_workqueue(deferred_queue);
	flush_work(&late_work);
	left = atomic_long_read(&live);
	if (left)
		pr_err("ebpf: leak: %ld pieces of memory left\n", left);
}

/* ---- memory ---- */

/* Every allocation asks here, in every file; false: it is to fail. */
bool
os_linux_allocate(void)
{
	unsigned long n = READ_ONCE(fail_at), seen;

	while (unlikely(n)) {
		seen = cmpxchg(&fail_at, n, n - 1);
		if (seen == n)
			break;
		n = seen;
	}
	if (unlikely(n == 1))
		return false;
	atomic_long_inc(&live);
	return true;
}

void
os_linux_release(void)
{
	atomic_long_dec(&live);
}

/*
 * kvmalloc aligns powers of two to themselves and all else to 8: ask for what
 * is aligned to 64 where the contract promises it. Whole pages are anyway.
 */
static size_t
aligned_size(size_t size)
{
	if (size < 64 || size >= PAGE_SIZE)
		return size;
	return roundup_pow_of_two(size);
}

static void *
allocate(size_t size, int node, gfp_t zero)
{
	gfp_t flags = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | zero;
	void *memory;

	if (!os_linux_allocate())
		return NULL;
	/* Give up rather than kill somebody for a large map. */
	if (size > PAGE_SIZE)
		flags |= __GFP_RETRY_MAYFAIL;
	memory = kvmalloc_node(aligned_size(size), flags, node);
	if (!memory)
		os_linux_release();
	return memory;
}

void *
os_alloc(size_t size)
{
	return allocate(size, NUMA_NO_NODE, __GFP_ZERO);
}

void *
os_alloc_raw(size_t size)
{
	return allocate(size, NUMA_NO_NODE, 0);
}

/*
 * May the kernel's allocator be called here? Where it has sleeping locks not
 * below one of ours, nor in an interrupt. (Programs run with softirqs off, which
 * is a sleeping lock there, too.)
 */
static bool
allocator_allowed(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

/*
 * Whoever runs just now need not be who owns the map, so nobody's memory group
 * is charged; nor are the reserves touched that drivers receive with.
 */
void *
os_alloc_now(size_t size)
{
	void *memory;

	if (in_nmi() || !allocator_allowed() || size > KMALLOC_MAX_SIZE ||
	    !os_linux_allocate())
		return NULL;
	memory = kzalloc(aligned_size(size), GFP_NOWAIT | __GFP_NOWARN);
	if (!memory)
		os_linux_release();
	return memory;
}

void *
os_pages_alloc(size_t size)
{
	void *memory;

	if (!os_linux_allocate())
		return NULL;
	memory = __vmalloc(PAGE_ALIGN(size), GFP_KERNEL_ACCOUNT | __GFP_ZERO |
			   __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!memory)
		os_linux_release();
	return memory;
}

static void
late_free(struct work_struct *work)
{
	struct llist_node *node = llist_del_all(&late_list), *next;

	for (; node; node = next) {
		next = node->next;
		kvfree(node);
	}
}

void
os_free(void *memory)
{
	if (!memory)
		return;
	os_linux_release();
	if (!allocator_allowed() ||
	    (is_vmalloc_addr(memory) &&
	     (!preemptible() || rcu_preempt_depth()))) {
		if (llist_add(memory, &late_list))
			schedule_work(&late_work);
		return;
	}
	kvfree(memory);
}

/*
 * The kernel's per-CPU allocator caps a piece at 32 KiB, too small for per-CPU
 * arrays: a table of pointers to node-local pieces instead.
 */
void *
os_percpu_alloc(size_t size)
{
	uint32_t cpu, count = os_cpu_count();
	void **pieces = os_alloc(count * sizeof(*pieces));

	if (!pieces)
		return NULL;
	for (cpu = 0; cpu < count; cpu++) {
		pieces[cpu] = allocate(ALIGN(size, 64), cpu_possible(cpu) ?
					       cpu_to_node(cpu) : NUMA_NO_NODE,
				       __GFP_ZERO);
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
		os_free(pieces[cpu]);
	os_free(pieces);
}

/* What raw_smp_processor_id() reads; the copies are in a table by number. */
bool
os_percpu_plan(const void *percpu, struct os_percpu_plan *plan)
{
#if defined(CONFIG_X86_64) && defined(CONFIG_SMP)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && \
	LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	intptr_t off = (intptr_t)(uintptr_t)&pcpu_hot.cpu_number;
#else
	intptr_t off = (intptr_t)(uintptr_t)&cpu_number;
#endif

	if (off != (int32_t)off)
		return false;
	plan->distance = 0;
	plan->cpu_off = (int32_t)off;
	plan->gs = true;
	return true;
#else
	return false;
#endif
}

/* ---- locks ---- */

#ifdef CONFIG_DEBUG_LOCK_ALLOC
struct lockdep_map os_linux_bits = {
	.name = "ebpf bit",
	.key = (struct lock_class_key *)&os_linux_bits,
	.wait_type_inner = LD_WAIT_SPIN,
};
#endif

/* To lockdep, locks of one kind are those that one place makes. */
void
os_mutex_init(struct os_mutex *lock)
{
	__mutex_init(&lock->mutex, "ebpf", (struct lock_class_key *)_RET_IP_);
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

/* ---- events ---- */

static void
any_wake(struct irq_work *work)
{
	wake_up_all(&ebpf_linux_events);
}

static void
event_wake(struct irq_work *work)
{
	wake_up_all(&container_of(work, struct os_event, work)->queue);
}

void
os_event_init(struct os_event *event)
{
	atomic_set(&event->count, 0);
	init_waitqueue_head(&event->queue);
	init_irq_work(&event->work, event_wake);
}

void
os_event_destroy(struct os_event *event)
{
	irq_work_sync(&event->work);
}

uint32_t
os_event_count(struct os_event *event)
{
	return (uint32_t)atomic_read_acquire(&event->count);
}

void
os_event_signal(struct os_event *event)
{
	atomic_inc(&event->count);
	/* with the barrier that pairs with the waiter's */
	if (wq_has_sleeper(&event->queue))
		irq_work_queue(&event->work);
	if (waitqueue_active(&ebpf_linux_events)) /* the barrier is above */
		irq_work_queue(&any_work);
}

int
os_event_wait(struct os_event *event, uint32_t seen, uint64_t timeout_ns)
{
	long left = wait_event_interruptible_timeout(
		event->queue, os_event_count(event) != seen,
		(long)nsecs_to_jiffies(timeout_ns) + 1);

	if (left < 0)
		return -EBPF_ECANCELED;
	return left == 0 ? -EBPF_EAGAIN : 0;
}

/* ---- epochs ---- */

void
os_epoch_sync(void)
{
	/* Somebody waits: for some tens of us in place of some ms. */
	synchronize_rcu_expedited();
}

/* RCU begins a grace period only for those who wait for one: that is this. */
static struct rcu_head asked;
static atomic_t is_asked = ATOMIC_INIT(0);

static void
asked_over(struct rcu_head *head)
{
	atomic_set_release(&is_asked, 0);
}

static void
ask(void)
{
	if (atomic_read(&is_asked) == 0 && atomic_xchg(&is_asked, 1) == 0)
		call_rcu(&asked, asked_over);
}

uint64_t
os_epoch_begin(void)
{
	unsigned long number = get_state_synchronize_rcu();

	ask();
	return number;
}

bool
os_epoch_over(uint64_t number)
{
	if (poll_state_synchronize_rcu((unsigned long)number))
		return true;
	ask();
	return false;
}

static void
run_deferred(struct work_struct *work)
{
	struct os_deferred *deferred = container_of(
		to_rcu_work(work), struct os_deferred, work);

	/* deferred may be gone after that. */
	deferred->fn(deferred);
	atomic_dec(&deferred_count);
}

void
os_epoch_defer(struct os_deferred *work, void (*fn)(struct os_deferred *work))
{
	work->fn = fn;
	atomic_inc(&deferred_count);
	INIT_RCU_WORK(&work->work, run_deferred);
	queue_rcu_work(deferred_queue, &work->work);
}

void
os_epoch_drain(void)
{
	/* Work may defer more work: an object's end drops others. */
	do {
		rcu_barrier();
		flush_workqueue(deferred_queue);
	} while (atomic_read(&deferred_count) > 0);
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

uint64_t
os_cpu_time_ns(void)
{
	return current->se.sum_exec_runtime; /* as of the last tick */
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
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 20);
	struct va_format text;
	va_list args;

	if (!__ratelimit(&limit))
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
