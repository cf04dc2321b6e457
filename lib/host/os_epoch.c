/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Epochs of the userspace home. A reader writes the current epoch into its
 * thread's record when it enters and 0 when it leaves (os_impl.h). Who waits
 * raises the epoch and waits until no record shows an older one. Deferred work
 * goes to one helper thread, started when first needed.
 */
#include "core/os.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

uint64_t os_epoch_now = 1;

static struct os_epoch_record *records; /* atomic head; only grows */

/* Its destructor gives a thread's record back. */
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
record_release(void *arg)
{
	struct os_epoch_record *record = arg;

	os_thread.record = NULL;
	os_store_release(&record->in_use, 0);
}

static void
key_make(void)
{
	if (pthread_key_create(&key, record_release) != 0) {
		os_log(OS_LOG_ERROR, "epoch: no thread-specific key left");
		abort();
	}
}

/*
 * The calling thread's record, on its first section. Sections cannot fail, so
 * having no memory for one record per thread is fatal.
 */
struct os_epoch_record *
os_epoch_register(void)
{
	struct os_epoch_record *record, *head;
	uint32_t expected;
	void *memory;

	pthread_once(&key_once, key_make);
	for (record = os_load_acquire(&records); record;
	     record = record->next) {
		expected = 0;
		if (os_load(&record->in_use) == 0 &&
		    os_cas(&record->in_use, &expected, 1))
			goto found;
	}
	if (posix_memalign(&memory, sizeof(*record), sizeof(*record)) != 0) {
		os_log(OS_LOG_ERROR, "epoch: no memory for a thread's record");
		abort();
	}
	record = memset(memory, 0, sizeof(*record));
	record->in_use = 1;
	head = os_load_acquire(&records);
	do
		record->next = head;
	while (!os_cas(&records, &head, record));
found:
	os_cpu_guess();
	os_thread.record = record;
	pthread_setspecific(key, record);
	return record;
}

static void
rest(uint32_t round)
{
	const struct timespec pause = { 0, 50 * 1000 };

	if (round < 200)
		sched_yield();
	else
		nanosleep(&pause, NULL);
}

void
os_epoch_sync(void)
{
	struct os_epoch_record *record;
	uint64_t target, active;
	uint32_t round;

	target = __atomic_add_fetch(&os_epoch_now, 1, __ATOMIC_SEQ_CST);
#if !OS_TSAN
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
	for (record = os_load_acquire(&records); record;
	     record = record->next) {
		for (round = 0;; round++) {
			active = __atomic_load_n(&record->active,
						 __ATOMIC_SEQ_CST);
			if (active == 0 || active >= target)
				break;
			rest(round);
		}
	}
}

uint64_t
os_epoch_begin(void)
{
	uint64_t number;

	number = __atomic_add_fetch(&os_epoch_now, 1, __ATOMIC_SEQ_CST);
#if !OS_TSAN && !defined(__x86_64__)
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
	return number;
}

bool
os_epoch_over(uint64_t number)
{
	const struct os_epoch_record *record;
	uint64_t active;

	for (record = os_load_acquire(&records); record;
	     record = record->next) {
		active = __atomic_load_n(&record->active, __ATOMIC_SEQ_CST);
		if (active != 0 && active < number)
			return false;
	}
	return true;
}

/* ---- deferred work ---- */

static struct os_deferred *deferred; /* atomic stack, newest first */
static uint64_t pending;	     /* atomic: deferred and not yet done */

static pthread_mutex_t helper_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t helper_wake = PTHREAD_COND_INITIALIZER;
static pthread_cond_t helper_idle = PTHREAD_COND_INITIALIZER;
static bool helper_started; /* helper_lock */

static void *
helper_main(void *arg)
{
	struct os_deferred *work, *next, *list;

	for (;;) {
		pthread_mutex_lock(&helper_lock);
		while (!os_load(&deferred))
			pthread_cond_wait(&helper_wake, &helper_lock);
		pthread_mutex_unlock(&helper_lock);

		work = __atomic_exchange_n(&deferred, NULL, __ATOMIC_ACQ_REL);
		for (list = NULL; work; work = next) { /* oldest first */
			next = work->next;
			work->next = list;
			list = work;
		}
		os_epoch_sync();
		for (work = list; work; work = next) {
			next = work->next;
			work->fn(work); /* usually frees work */
			if (os_sub(&pending, 1) == 0) {
				pthread_mutex_lock(&helper_lock);
				pthread_cond_broadcast(&helper_idle);
				pthread_mutex_unlock(&helper_lock);
			}
		}
	}
	return arg;
}

/* Signals belong to the program's own threads: the helper takes none. */
static void
helper_start(void)
{
	sigset_t all, old;
	pthread_t thread;
	pthread_attr_t attr;
	int error;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, &attr, helper_main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (error) {
		os_log(OS_LOG_WARNING, "epoch: no helper thread yet");
		return; /* the next defer or drain tries again */
	}
	helper_started = true;
}

static void
helper_kick(void)
{
	pthread_mutex_lock(&helper_lock);
	if (!helper_started)
		helper_start();
	pthread_cond_signal(&helper_wake);
	pthread_mutex_unlock(&helper_lock);
}

void
os_epoch_defer(struct os_deferred *work, void (*fn)(struct os_deferred *work))
{
	struct os_deferred *head = os_load(&deferred);

	work->fn = fn;
	os_add(&pending, 1);
	do
		work->next = head;
	while (!os_cas(&deferred, &head, work));
	if (!head)
		helper_kick();
}

/* Not from deferred work: it would wait for itself. */
void
os_epoch_drain(void)
{
	if (os_load_acquire(&pending) == 0)
		return;
	helper_kick();
	pthread_mutex_lock(&helper_lock);
	while (os_load_acquire(&pending) != 0)
		pthread_cond_wait(&helper_idle, &helper_lock);
	pthread_mutex_unlock(&helper_lock);
}
