// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What unit tests expect of their home and a kernel has under other names:
 * threads, and the hooks of os_impl.h that count allocations and let one fail.
 * The home itself is included, for these are its own counters.
 */
#include "core/os.h"
void *home_alloc_now(size_t size);
#define os_alloc_now home_alloc_now
#include "os_linux.c"
#undef os_alloc_now

#include "hooks.h"
#include "pthread.h"

#include <linux/completion.h>
#include <linux/kthread.h>

static bool armed;

void
os_test_fail_at(uint64_t n)
{
	armed = n != 0;
	WRITE_ONCE(fail_at, (unsigned long)n);
}

bool
os_test_failed(void)
{
	return armed && READ_ONCE(fail_at) == 0;
}

uint64_t
os_test_live(void)
{
	return (uint64_t)atomic_long_read(&live);
}

static bool (*may_now)(size_t size);

void
os_test_now(bool (*may)(size_t size))
{
	WRITE_ONCE(may_now, may);
}

void *
os_alloc_now(size_t size)
{
	bool (*may)(size_t) = READ_ONCE(may_now);

	return !may || may(size) ? home_alloc_now(size) : NULL;
}

bool
os_test_held(const struct os_spin *lock)
{
	return raw_spin_is_locked((raw_spinlock_t *)&lock->lock);
}

struct home_thread {
	void *(*fn)(void *);
	void *arg;
	struct completion done;
};

static int
thread_main(void *arg)
{
	struct home_thread *thread = arg;

	thread->fn(thread->arg);
	complete(&thread->done);
	return 0;
}

int
pthread_create(pthread_t *result, const void *none, void *(*fn)(void *),
	       void *arg)
{
	struct home_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);
	struct task_struct *task;

	*result = thread;
	if (!thread)
		return ENOMEM;
	thread->fn = fn;
	thread->arg = arg;
	init_completion(&thread->done);
	task = kthread_run(thread_main, thread, "inside_test");
	if (!IS_ERR(task))
		return 0;
	kfree(thread);
	*result = NULL;
	return ENOMEM;
}

int
pthread_join(pthread_t thread, void **none)
{
	if (!thread)
		return EINVAL;
	wait_for_completion(&thread->done);
	kfree(thread);
	return 0;
}
