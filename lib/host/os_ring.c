/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Memory of rings in the userspace home: the same pages mapped twice, one
 * behind the other, and one page before them. Where the pages are too large
 * for the ring, a sanitizer watches the heap, or the system has no memory
 * behind a file descriptor, it is plain memory of twice the size, which the
 * contract allows.
 */
#include "core/os.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	HEAD = 64,
};

#ifdef MFD_CLOEXEC
static bool
is_mapped(size_t size, size_t page)
{
	return !OS_HEAP_ONLY && size % page == 0;
}

/* Shared pages would be shared with a child as well. */
static void
keep_from_children(void *base, size_t size)
{
#ifdef MADV_DONTFORK
	madvise(base, size, MADV_DONTFORK);
#else
	minherit(base, size, INHERIT_NONE);
#endif
}

static uint8_t *
map_twice(size_t size, size_t page)
{
	int fd = memfd_create("ebpf ring", MFD_CLOEXEC);
	uint8_t *base = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)(page + size)) != 0)
		goto out;
	base = mmap(NULL, page + 2 * size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		goto out;
	if (mmap(base, page + size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(base + page + size, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, (off_t)page) == MAP_FAILED) {
		munmap(base, page + 2 * size);
		base = MAP_FAILED;
		goto out;
	}
	keep_from_children(base, page + 2 * size);
out:
	close(fd);
	return base == MAP_FAILED ? NULL : base + page;
}
#else
static bool
is_mapped(size_t size, size_t page)
{
	return false;
}

static uint8_t *
map_twice(size_t size, size_t page)
{
	return NULL;
}
#endif

void *
os_ring_alloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory;

	if (size > SIZE_MAX / 4)
		return NULL;
	if (!is_mapped(size, page)) {
		memory = os_alloc(HEAD + 2 * size);
		return memory == NULL ? NULL : memory + HEAD;
	}
	if (!os_test_allocate())
		return NULL;
	memory = map_twice(size, page);
	if (memory == NULL)
		os_test_release();
	return memory;
}

void
os_ring_free(void *memory, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (memory == NULL)
		return;
	if (!is_mapped(size, page)) {
		os_free((uint8_t *)memory - HEAD);
		return;
	}
	munmap((uint8_t *)memory - page, page + 2 * size);
	os_test_release();
}
