/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Memory of the userspace home: zeroed, cache-line aligned from 64 bytes on,
 * large pieces straight from the kernel so that untouched pages cost nothing.
 * Counts what lives and fails when a test asks for it.
 */
#include "core/os.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

enum {
	LINE = 64,
	HEAP_LINE = 16, /* what malloc aligns to, at least */
	MAP_MIN = 256 << 10, /* bytes from which memory is mapped */
	HUGE = 2 << 20,	     /* a large page */
	PAGE_MAX = 64 << 10, /* small pages are no larger anywhere */
	HUGE_MIN = 3 << 19,  /* and large pages are worth their zeroing */
};

/* Stands right before what the caller gets. */
struct header {
	void *base;
	size_t total; /* bytes from base on, and IS_MAPPED */
};
#define IS_MAPPED (SIZE_MAX / 2 + 1) /* not from the heap */

static uint64_t live, live_bytes;
static uint64_t countdown;
static uint32_t has_failed;
static bool (*may_now)(size_t size); /* NULL: always */

bool
os_test_allocate(void)
{
	if (__atomic_load_n(&countdown, __ATOMIC_RELAXED) > 0 &&
	    __atomic_sub_fetch(&countdown, 1, __ATOMIC_RELAXED) == 0) {
		os_store(&has_failed, 1);
		return false;
	}
	os_add_relaxed(&live, 1);
	return true;
}

void
os_test_count(size_t bytes)
{
	os_add_relaxed(&live_bytes, bytes);
}

void
os_test_release(void)
{
	os_add_relaxed(&live, (uint64_t)-1);
}

void
os_test_fail_at(uint64_t n)
{
	os_store(&has_failed, 0);
	os_store(&countdown, n);
}

void
os_test_now(bool (*may)(size_t size))
{
	os_store(&may_now, may);
}

bool
os_test_failed(void)
{
	return os_load(&has_failed);
}

uint64_t
os_test_live(void)
{
	return os_load(&live);
}

uint64_t
os_test_bytes(void)
{
	return os_load(&live_bytes);
}

static void *
map(size_t size)
{
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return base == MAP_FAILED ? NULL : base;
}

/* The last large page is whole if half of it is used. */
static size_t
huge_size(size_t size)
{
	size_t tail = size % HUGE;

	if (tail >= HUGE / 2)
		return size + HUGE - tail;
	return (size + PAGE_MAX - 1) & ~(size_t)(PAGE_MAX - 1);
}

/*
 * Big maps are hit at random: large pages mean fewer TLB misses. They lie at
 * multiples of their size, so what is mapped in front of the first is let go.
 */
static void *
map_huge(size_t wanted)
{
	size_t size = huge_size(wanted), before;
	char *base = map(size + HUGE);

	if (!base)
		return NULL;
	before = (HUGE - (uintptr_t)base % HUGE) % HUGE; /* less than HUGE */
	if (before > 0)
		munmap(base, before);
	base += before;
	munmap(base + size, HUGE - before);
#ifdef MADV_HUGEPAGE
	madvise(base, size, MADV_HUGEPAGE);
#endif
	return base;
}

/*
 * Memory on a line of its own, with room for the header before it; *at is
 * where. Moving up within what malloc gives is much faster than asking for
 * alignment, but leaves room behind the end that nobody watches.
 */
static void *
heap_lines(size_t size, bool zero, char **at)
{
	void *base = NULL;

	if (OS_HEAP_ONLY) {
		if (posix_memalign(&base, LINE, LINE + size) != 0)
			return NULL;
		*at = (char *)base + LINE;
	} else {
		base = malloc(LINE + size);
		if (!base)
			return NULL;
		*at = (char *)(((uintptr_t)base + sizeof(struct header) +
				LINE - 1) & ~(uintptr_t)(LINE - 1));
	}
	if (zero)
		memset(*at, 0, size);
	return base;
}
_Static_assert(sizeof(struct header) <= _Alignof(max_align_t),
	       "a header fits before the next line, wherever malloc is");

static void *
allocate(size_t size, bool zero)
{
	size_t total = size + LINE, mapped = 0;
	struct header *header;
	char *at = NULL;
	void *base;

	if (total < size || total > SIZE_MAX / 2 || !os_test_allocate())
		return NULL;
	if (size < LINE) {
		base = calloc(1, sizeof(*header) + size);
		if (base)
			at = (char *)base + sizeof(*header);
	} else if (!OS_HEAP_ONLY && total >= MAP_MIN) {
		base = total < HUGE_MIN ? map(total) : map_huge(total);
		if (base)
			at = (char *)base + LINE;
		mapped = IS_MAPPED;
	} else {
		base = heap_lines(size, zero, &at);
	}
	if (!base) {
		os_test_release();
		return NULL;
	}
	header = (struct header *)at - 1;
	header->base = base;
	header->total = ((size_t)(at - (char *)base) + size) | mapped;
	os_add_relaxed(&live_bytes, size);
	return at;
}

void *
os_alloc(size_t size)
{
	return allocate(size, true);
}

void *
os_alloc_raw(size_t size)
{
	return allocate(size, false);
}

void
os_free(void *memory)
{
	struct header *header;
	size_t total;

	if (!memory)
		return;
	header = (struct header *)memory - 1;
	total = header->total & ~IS_MAPPED;
	os_test_release();
	os_add_relaxed(&live_bytes,
		       (uint64_t)((char *)memory - (char *)header->base) -
			       total);
	if (header->total & IS_MAPPED)
		munmap(header->base, total < HUGE_MIN ? total : huge_size(total));
	else
		free(header->base);
}

/* The heap's locks are held for no longer than our own spin locks. */
void *
os_alloc_now(size_t size)
{
	bool (*may)(size_t size) = os_load(&may_now);

	if (os_unlikely(may != NULL) && !may(size))
		return NULL;
	return os_alloc(size);
}

/* Nobody maps memory of this process. */
void *
os_pages_alloc(size_t size)
{
	return os_alloc(size);
}

void *
os_percpu_alloc(size_t size)
{
	size_t stride = (size + LINE - 1) & ~(size_t)(LINE - 1);
	size_t count = os_cpu_count();
	char *memory;

	if (stride < size || (stride && count > (SIZE_MAX - LINE) / stride))
		return NULL;
	memory = os_alloc(LINE + stride * count);
	if (!memory)
		return NULL;
	memory += LINE;
	((size_t *)memory)[-1] = stride;
	return memory;
}

void
os_percpu_free(void *percpu)
{
	if (percpu)
		os_free((char *)percpu - LINE);
}

/* The slot is a field of a thread-local at a constant place (OS_TLS). */
bool
os_percpu_plan(const void *percpu, struct os_percpu_plan *plan)
{
	intptr_t off;
#if defined(__x86_64__) && defined(__ELF__)
	uintptr_t thread;

	__asm__("movq %%fs:0, %0" : "=r"(thread));
#elif defined(__aarch64__) && defined(__ELF__)
	uintptr_t thread;

	__asm__("mrs %0, tpidr_el0" : "=r"(thread));
#else
	return false;
#endif
	off = (intptr_t)((uintptr_t)&os_thread.slot - thread);
	if (off != (int32_t)off)
		return false;
	plan->distance = percpu ? ((const size_t *)percpu)[-1] : 0;
	plan->cpu_off = (int32_t)off;
	plan->gs = false;
	return true;
}
