/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The userspace home against its contract (core/os.h): memory, CPU numbers,
 * epochs under several threads, executable memory as the kernel shows it.
 */
#include "core/os.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/error.h"
#include "tap.h"

enum {
	THREADS = 6,
};

static void
on_threads(void *(*fn)(void *))
{
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, fn,
				   (void *)(intptr_t)i) != 0)
			abort();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- memory ---- */

static bool
is_zero(const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static void
test_memory(void)
{
	static const size_t sizes[] = { 0,   1,	   8,	   63,	    64,
					65,  1000, 262143, 262144, 1 << 20 };
	uint64_t live = os_test_live();
	bool aligned = true, zeroed = true;
	uint8_t *p;
	size_t i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			p = os_alloc(sizes[i]);
			if (!p)
				abort();
			zeroed &= is_zero(p, sizes[i]);
			aligned &= (uintptr_t)p % (sizes[i] >= 64 ? 64 : 8) == 0;
			memset(p, 0xa5, sizes[i]);
			os_free(p);
		}
	}
	tap_ok(zeroed, "memory is zero, also when used before");
	tap_ok(aligned, "memory is aligned to a cache line from 64 bytes on");
	os_free(NULL);
	TAP_CHECK(!os_alloc(SIZE_MAX));
	TAP_CHECK(!os_alloc(SIZE_MAX - 64));
	TAP_CHECK(!os_percpu_alloc(SIZE_MAX / 2));
	tap_ok(os_test_live() == live, "nothing is left");
}

static void
test_fail_at(void)
{
	uint64_t live = os_test_live();
	struct os_exec exec;
	void *a, *b, *c;

	os_test_fail_at(2);
	a = os_alloc(8);
	TAP_CHECK(a && !os_test_failed());
	b = os_percpu_alloc(8);
	TAP_CHECK(!b && os_test_failed());
	c = os_alloc(100);
	tap_ok(c != NULL, "it fails once");
	os_test_fail_at(1);
	TAP_CHECK(os_exec_alloc(&exec, 100) == -EBPF_ENOMEM);
	os_exec_free(&exec);
	os_test_fail_at(0);
	os_free(a);
	os_free(c);
	TAP_CHECK(os_test_live() == live);
}

static void
test_percpu(void)
{
	uint32_t count = os_cpu_count(), cpu;
	uint8_t *percpu = os_percpu_alloc(65);
	bool apart = true, zeroed = true;

	TAP_CHECK(count >= 1 && count == os_cpu_count());
	TAP_CHECK(percpu != NULL);
	for (cpu = 0; cpu < count; cpu++) {
		uint8_t *own = os_percpu_ptr(percpu, cpu);

		zeroed &= is_zero(own, 65);
		apart &= (uintptr_t)own % 64 == 0;
		memset(own, 0xff, 65);
	}
	tap_ok(zeroed && apart, "copies are zero, in cache lines of their own");
	os_percpu_free(percpu);
	os_percpu_free(NULL);
}

/* ---- CPU numbers ---- */

static uint64_t *pin_counters; /* os_percpu, changed without atomics */
static uint32_t pin_inside[1024];
static uint32_t pin_errors;

static void *
pin_thread(void *arg)
{
	uint32_t cpu, i;

	for (i = 0; i < 20000; i++) {
		cpu = os_cpu_pin();
		if (cpu >= os_cpu_count() || os_cpu_id() != cpu ||
		    os_add_relaxed(&pin_inside[cpu], 1) != 1)
			os_add_relaxed(&pin_errors, 1);
		if (os_cpu_pin() != cpu)
			os_add_relaxed(&pin_errors, 1);
		os_cpu_unpin();
		if (os_cpu_id() != cpu)
			os_add_relaxed(&pin_errors, 1);
		/* a plain increment: TSan sees it if two were here at once */
		++*(uint64_t *)os_percpu_ptr(pin_counters, cpu);
		if (i % 1000 == 0)
			os_yield(); /* pinned, while others want in */
		os_add_relaxed(&pin_inside[cpu], -1u);
		os_cpu_unpin();
	}
	return arg;
}

static void
test_pin(void)
{
	uint64_t total = 0;
	uint32_t cpu;

	pin_counters = os_percpu_alloc(sizeof(uint64_t));
	on_threads(pin_thread);
	for (cpu = 0; cpu < os_cpu_count(); cpu++)
		total += *(uint64_t *)os_percpu_ptr(pin_counters, cpu);
	tap_ok(pin_errors == 0, "a pinned thread owns its number alone");
	tap_ok(total == 20000ull * THREADS, "per-CPU counters lose nothing");
	os_percpu_free(pin_counters);
}

/* ---- locks ---- */

static struct os_spin spin;
static uint64_t spin_counter;
static uint32_t bit_word; /* its other bits count as well */
static uint64_t bit_counter;

static void *
spin_thread(void *arg)
{
	uint32_t i;

	for (i = 0; i < 20000; i++) {
		os_spin_lock(&spin);
		spin_counter++;
		os_spin_unlock(&spin);
	}
	return arg;
}

static void *
bit_thread(void *arg)
{
	unsigned long before;
	uint32_t i;

	for (i = 0; i < 20000; i++) {
		before = os_bit_lock(&bit_word);
		bit_counter++;
		os_store(&bit_word, os_load(&bit_word) + 1);
		os_bit_unlock(&bit_word, before);
	}
	return arg;
}

static void
test_spin(void)
{
	os_spin_init(&spin);
	on_threads(spin_thread);
	TAP_CHECK(spin_counter == 20000ull * THREADS);
	on_threads(bit_thread);
	TAP_CHECK(bit_counter == 20000ull * THREADS);
	tap_ok(bit_word == 20000u * THREADS,
	       "the other bits of a lock's word are its holder's");
}

/* ---- epochs ---- */

struct thing {
	uint64_t alive; /* 1, and 0 just before it is freed */
	struct os_deferred work;
};

static struct thing *shared;
static uint32_t epoch_dead;   /* dead things that readers met */
static uint32_t epoch_stop;
static uint64_t epoch_freed;

static void
thing_free(struct os_deferred *work)
{
	struct thing *thing = os_container(work, struct thing, work);

	thing->alive = 0;
	os_free(thing);
	os_add_relaxed(&epoch_freed, 1);
}

static void *
epoch_thread(void *arg)
{
	struct os_epoch outer, inner;
	struct thing *thing, *fresh;
	int number = (int)(intptr_t)arg;
	uint64_t i;

	for (i = 0; number < 2 ? i < 1500 : !os_load(&epoch_stop); i++) {
		if (number < 2) {
			/* writers: one defers, the other waits itself */
			fresh = os_alloc(sizeof(*fresh));
			fresh->alive = 1;
			thing = os_swap(&shared, fresh);
			if (number == 0) {
				os_epoch_defer(&thing->work, thing_free);
			} else {
				os_epoch_sync();
				thing_free(&thing->work);
			}
			continue;
		}
		os_epoch_enter(&outer);
		os_epoch_enter(&inner);
		thing = os_load_acquire(&shared);
		os_epoch_exit(&inner);
		if (i % 64 == 0)
			os_yield(); /* stay in the section for a while */
		if (thing->alive != 1)
			os_add_relaxed(&epoch_dead, 1);
		os_epoch_exit(&outer);
	}
	if (number < 2 && os_add(&epoch_stop, 0) == 0) {
		static uint32_t writers_done;

		if (os_add(&writers_done, 1) == 2)
			os_store(&epoch_stop, 1);
	}
	return arg;
}

static void
test_epochs(void)
{
	uint64_t live = os_test_live();

	shared = os_alloc(sizeof(*shared));
	shared->alive = 1;
	on_threads(epoch_thread);
	os_epoch_drain();
	tap_ok(epoch_dead == 0, "no reader met what was freed");
	tap_ok(os_load(&epoch_freed) == 3000, "all deferred work was done: %llu",
	       (unsigned long long)os_load(&epoch_freed));
	os_free(shared);
	TAP_CHECK(os_test_live() == live);
	os_epoch_drain();
	tap_ok(true, "draining nothing returns");
}

static uint32_t chain_left = 5;

static void
chain(struct os_deferred *work)
{
	if (os_sub(&chain_left, 1) > 0)
		os_epoch_defer(work, chain);
}

static uint32_t section_open, waited_for;

static void *
wait_thread(void *arg)
{
	os_epoch_sync();
	os_store(&waited_for, os_load(&section_open) ? 1 : 2);
	return arg;
}

static void
test_epoch_order(void)
{
	static struct os_deferred work;
	struct os_epoch section;
	pthread_t thread;

	os_epoch_defer(&work, chain);
	os_epoch_drain();
	tap_ok(os_load(&chain_left) == 0,
	       "drain waits for work that deferred work defers");

	os_store(&section_open, 1);
	os_epoch_enter(&section);
	if (pthread_create(&thread, NULL, wait_thread, NULL) != 0)
		abort();
	usleep(20000);
	tap_ok(os_load(&waited_for) == 0, "sync waits for an open section");
	os_store(&section_open, 0);
	os_epoch_exit(&section);
	pthread_join(thread, NULL);
	tap_ok(os_load(&waited_for) == 2, "and returns when it is left");
}

/* Nobody else has a section open now. */
static void
test_epoch_asked(void)
{
	struct os_epoch section;
	uint64_t before, within;

	before = os_epoch_begin();
	TAP_CHECK(os_epoch_over(before));
	os_epoch_enter(&section);
	tap_ok(os_epoch_over(before), "a later section holds up nothing");
	within = os_epoch_begin();
	tap_ok(!os_epoch_over(within), "an open one does");
	os_epoch_exit(&section);
	tap_ok(os_epoch_over(within), "until it is left");
}

/* ---- executable memory ---- */

#if defined(__x86_64__)
/* mov eax, 42; ret */
static const uint8_t answer[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
static const uint8_t trap[] = { 0xcc };
#elif defined(__aarch64__)
/* mov w0, #42; ret */
static const uint8_t answer[] = { 0x40, 0x05, 0x80, 0x52,
				  0xc0, 0x03, 0x5f, 0xd6 };
static const uint8_t trap[] = { 0x00, 0x00, 0x20, 0xd4 };
#else
#define NO_CODE 1
static const uint8_t answer[4], trap[1];
#endif

/* "rw-p" and the like of the mapping at an address; "" when there is none. */
static void
protection(const void *address, char text[5])
{
	unsigned long start, end;
	char line[512], modes[5];
	FILE *file = fopen("/proc/self/maps", "r");

	text[0] = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, modes) == 3 &&
		    start <= (unsigned long)(uintptr_t)address &&
		    (unsigned long)(uintptr_t)address < end)
			memcpy(text, modes, 5);
	}
	if (file)
		fclose(file);
}

static bool
any_writable_and_executable(void)
{
	char line[512], modes[5];
	bool found = false;
	FILE *file = fopen("/proc/self/maps", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*x-%*x %4s", modes) == 1 &&
		    modes[1] == 'w' && modes[2] == 'x')
			found = true;
	if (file)
		fclose(file);
	return found;
}

/* Does the child die of one of two signals? */
static bool
dies(void (*fn)(struct os_exec *exec), struct os_exec *exec, int one, int two)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		signal(one, SIG_DFL); /* not a sanitizer's report */
		signal(two, SIG_DFL);
		fn(exec);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == one || WTERMSIG(status) == two);
}

static void
write_code(struct os_exec *exec)
{
	*(volatile uint8_t *)(uintptr_t)exec->run = 0x90;
}

static void
write_behind(struct os_exec *exec)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	((volatile uint8_t *)(uintptr_t)exec->run)[-1] = 1;
	((volatile uint8_t *)(uintptr_t)exec->run)[page] = 1;
}

static void
run_behind(struct os_exec *exec)
{
	((void (*)(void))(uintptr_t)(exec->run + sizeof(answer)))();
}

static void
test_exec(void)
{
	uint64_t live = os_test_live();
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	enum { EXECS = 40 };
	struct os_exec exec, many[EXECS];
	const uint8_t *run;
	bool trapped = true;
	char modes[5];

	TAP_CHECK(os_exec_alloc(&exec, 0) == -EBPF_EINVAL);
	TAP_CHECK(os_exec_alloc(&exec, SIZE_MAX - 5) == -EBPF_EINVAL);
	if (os_exec_alloc(&exec, sizeof(answer)) != 0)
		abort();
	for (i = 0; i < page; i++)
		trapped &= exec.write[i] == trap[i % sizeof(trap)];
	tap_ok(trapped, "all of it, to the page's end, is traps");
	protection(exec.write, modes);
	tap_ok(strcmp(modes, "rw-p") == 0, "before the seal: %s", modes);
	memcpy(exec.write, answer, sizeof(answer));
	run = exec.run;
	TAP_CHECK(os_exec_seal(&exec) == 0 && !exec.write);
	protection(run, modes);
	tap_ok(strcmp(modes, "r-xp") == 0, "after the seal: %s", modes);
	protection(run - 1, modes);
	tap_ok(strcmp(modes, "---p") == 0, "the page before: %s", modes);
	protection(run + page, modes);
	tap_ok(strcmp(modes, "---p") == 0, "the page behind: %s", modes);
	tap_ok(!any_writable_and_executable(),
	       "no page of the process is writable and executable");
#ifdef NO_CODE
	tap_skip("no code for this processor", "sealed code runs");
#else
	tap_ok(((int (*)(void))(uintptr_t)exec.run)() == 42,
	       "sealed code runs");
	tap_ok(dies(write_code, &exec, SIGSEGV, SIGBUS),
	       "sealed code cannot be written");
	tap_ok(dies(write_behind, &exec, SIGSEGV, SIGBUS),
	       "nor what lies beside it");
	tap_ok(dies(run_behind, &exec, SIGTRAP, SIGILL),
	       "running on behind the code traps");
#endif
	os_exec_free(&exec);
	os_exec_free(&exec);
	protection(run, modes);
	tap_ok(modes[2] != 'x', "freed code is gone");
	TAP_CHECK(os_test_live() == live);
	/* whatever becomes of them: twice as many as are ever kept */
	for (i = 0; i < EXECS; i++)
		if (os_exec_alloc(&many[i], 1 + i % 3 * page) != 0 ||
		    os_exec_seal(&many[i]) != 0)
			abort();
	for (i = 0; i < EXECS; i++)
		os_exec_free(&many[i]);
	trapped = os_exec_alloc(&exec, page + 1) == 0;
	for (i = 0; i < 2 * page; i++)
		trapped &= exec.write[i] == trap[i % sizeof(trap)];
	tap_ok(trapped, "what follows freed code begins with traps, too");
	protection(exec.write, modes);
	tap_ok(strcmp(modes, "rw-p") == 0, "and is writable: %s", modes);
	protection(exec.write - 1, modes);
	tap_ok(strcmp(modes, "---p") == 0, "before it: %s", modes);
	protection(exec.write + 2 * page, modes);
	tap_ok(strcmp(modes, "---p") == 0, "behind it: %s", modes);
	os_exec_free(&exec);
	TAP_CHECK(os_test_live() == live);
}

/* ---- rings' memory, events ---- */

static void
test_ring_memory(void)
{
	uint64_t live = os_test_live();
	uint32_t i, size, bad = 0;
	uint8_t *memory;

	for (size = 4096; size <= 65536; size *= 4) {
		memory = os_ring_alloc(size);
		if (memory == NULL)
			abort();
		for (i = 0; i < 2 * size; i++)
			bad += memory[i] != 0;
		/* one window of that size anywhere, and what lies before */
		memset(memory - 64, 0xaa, 64);
		memset(memory + size / 2, 0xbb, size);
		for (i = 0; i < 64; i++)
			bad += memory[(int)i - 64] != 0xaa;
		for (i = 0; i < size; i++)
			bad += memory[size / 2 + i] != 0xbb;
		os_ring_free(memory, size);
	}
	tap_ok(bad == 0, "a ring's memory can be run over");
	os_ring_free(NULL, 4096);
	os_test_fail_at(1);
	TAP_CHECK(os_ring_alloc(4096) == NULL && os_test_failed());
	TAP_CHECK(os_ring_alloc(SIZE_MAX - 4095) == NULL);
	TAP_CHECK(os_test_live() == live);
}

static struct os_event event;

static void *
signaller(void *arg)
{
	os_event_signal(&event);
	return arg;
}

static void
test_event(void)
{
	uint64_t start = os_time_ns();
	pthread_t thread;
	uint32_t seen, i, woken = 0;

	os_event_init(&event);
	seen = os_event_count(&event);
	TAP_CHECK(os_event_wait(&event, seen, 2000000) == -EBPF_EAGAIN &&
		  os_time_ns() - start >= 2000000);
	os_event_signal(&event);
	tap_ok(os_event_wait(&event, seen, 3600ull * 1000000000) == 0,
	       "a signal before the wait is not missed");
	for (i = 0; i < 200; i++) {
		seen = os_event_count(&event);
		if (pthread_create(&thread, NULL, signaller, NULL) != 0)
			abort();
		woken += os_event_wait(&event, seen,
				       3600ull * 1000000000) == 0;
		pthread_join(thread, NULL);
	}
	tap_ok(woken == 200, "nor one at the same moment");
	os_event_destroy(&event);
}

/* ---- clocks and numbers ---- */

static void
test_misc(void)
{
	uint64_t a = os_time_ns(), b = os_boot_time_ns();
	uint64_t wall = os_wall_time_ns();
	uint32_t ones = 0, zeros = 0, same = 0, last = 0, i;

	usleep(2000);
	tap_ok(os_time_ns() >= a + 2000000 && os_boot_time_ns() > b,
	       "clocks go on");
	tap_ok(wall / 1000000000u > 1577836800u, "it is past 2020");
	for (i = 0; i < 1000; i++) {
		uint32_t random = os_random_u32();

		ones |= random;
		zeros |= ~random;
		same += random == last;
		last = random;
	}
	tap_ok(ones == UINT32_MAX && zeros == UINT32_MAX && same < 3,
	       "random numbers use all bits and change");
}

int
main(void)
{
	test_memory();
	test_fail_at();
	test_percpu();
	test_pin();
	test_spin();
	test_epochs();
	test_epoch_order();
	test_epoch_asked();
	test_exec();
	test_ring_memory();
	test_event();
	test_misc();
	return tap_done();
}
