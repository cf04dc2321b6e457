// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What unit tests expect of their home and a kernel has under other names:
 * threads, and the hooks of os_impl.h that count allocations and let one fail.
 * The home itself is included, for these are its own counters.
 */
#include "os_linux.c"

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
