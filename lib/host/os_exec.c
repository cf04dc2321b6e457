/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Executable memory of the userspace home. Pages are writable and not
 * executable until they are sealed, executable and not writable afterwards,
 * with an inaccessible page on either side. One mapping that changes its
 * protection beats two aliases here: while code is written, nothing can run
 * it, and no second address can write what runs. Of small pieces some are kept
 * for the next when they are freed, full of traps and not executable. What is
 * changed later is changed in a copy, which then takes the place of the page.
 */
#include "core/os.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef MREMAP_FIXED
#include <linux/membarrier.h>
#include <sys/syscall.h>
#endif

#include "abi/error.h"

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

enum {
	WINDOW = 16 << 20,
	WINDOW_TRIES = 4, /* to find a free place in it */
	SPARES = 16,	  /* pieces that are kept, */
	SPARE_PAGES = 4,  /* and pages of each at most */
};

/* Freed pieces: mapping a new one takes longer than all else of a load's end. */
static struct os_exec spares[SPARES]; /* spare_lock */
static uint32_t spare_count;	      /* spare_lock */
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;

/* What stops a run that strays: int3; brk #0; else zero bytes. */
static void
fill(uint8_t *to, size_t len)
{
#if defined(__x86_64__)
	memset(to, 0xcc, len);
#elif defined(__aarch64__)
	static const uint8_t brk[4] = { 0x00, 0x00, 0x20, 0xd4 };
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = brk[i % 4];
#else
	memset(to, 0, len);
#endif
}

/*
 * A wish for mmap: somewhere below this library's own code, where generated
 * code can call it with a near call. Best in the same 16 MiB, aligned to as
 * much: there some processors' predictors know the target by its low bits, and
 * a call is a cycle shorter. Where code lies is then as hard to know as where
 * the library does, and little more.
 */
static void *
near_code(size_t size, uint32_t try)
{
	uintptr_t code = (uintptr_t)os_exec_alloc & ~(uintptr_t)0xfff;
	uintptr_t window = code & ~(uintptr_t)(WINDOW - 1), below;

	if (try < WINDOW_TRIES) {
		if (code - window <= size)
			return NULL;
		below = os_random_u32() % (code - window - size);
		return (void *)(window + (below & ~(uintptr_t)0xfff));
	}
	below = (64u << 20) + (os_random_u32() & 0x3ffff000) + size;
	return code > below ? (void *)(code - below) : NULL;
}

/* Addresses that nothing may be done with; NULL: there are none. */
static uint8_t *
reserve(size_t size)
{
	uint8_t *map = MAP_FAILED;

	for (uint32_t try = 0; try <= WINDOW_TRIES; try++) {
		void *wish = near_code(size, try);

		if (wish == NULL && try < WINDOW_TRIES)
			continue;
		map = mmap(wish, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
		if (map == MAP_FAILED || (void *)map == wish)
			break;
		/* the kernel takes what is free, maybe far away */
		if (try < WINDOW_TRIES)
			munmap(map, size);
	}
	return map == MAP_FAILED ? NULL : map;
}

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* A piece that was freed, as large as that; any of them, by chance. */
static bool
take_spare(struct os_exec *exec, size_t map_size)
{
	uint32_t first, i, n;
	bool found = false;

	pthread_mutex_lock(&spare_lock);
	first = spare_count > 0 ? os_random_u32() % spare_count : 0;
	for (n = 0; n < spare_count && !found; n++) {
		i = (first + n) % spare_count;
		if (spares[i].map_size != map_size)
			continue;
		found = true;
		*exec = spares[i];
		spares[i] = spares[--spare_count];
	}
	pthread_mutex_unlock(&spare_lock);
	return found;
}

/* False: it is not kept. What runs nowhere any more may be written to. */
static bool
keep_spare(const struct os_exec *exec)
{
	size_t page = page_size(), body = exec->map_size - 2 * page;
	struct os_exec spare = *exec;
	bool kept;

	if (body > SPARE_PAGES * page)
		return false;
	spare.write = (uint8_t *)exec->map + page;
	if (mprotect(spare.write, body, PROT_READ | PROT_WRITE) != 0)
		return false;
	fill(spare.write, body);
	pthread_mutex_lock(&spare_lock);
	kept = spare_count < SPARES;
	if (kept)
		spares[spare_count++] = spare;
	pthread_mutex_unlock(&spare_lock);
	return kept;
}

int
os_exec_alloc(struct os_exec *exec, size_t size)
{
	size_t page = page_size();
	size_t body = (size + page - 1) & ~(page - 1);
	uint8_t *map;

	memset(exec, 0, sizeof(*exec));
	if (size == 0 || body < size || body > SIZE_MAX / 2)
		return -EBPF_EINVAL;
	if (!os_test_allocate())
		return -EBPF_ENOMEM;
	if (take_spare(exec, body + 2 * page)) {
		os_test_count(exec->size);
		return 0;
	}
	map = reserve(body + 2 * page);
	if (map == NULL)
		goto no_map;
	if (mprotect(map + page, body, PROT_READ | PROT_WRITE) != 0)
		goto no_write;
	fill(map + page, body);
	exec->write = map + page;
	exec->run = map + page;
	exec->size = body;
	exec->map = map;
	exec->map_size = body + 2 * page;
	os_test_count(exec->size);
	return 0;

no_write:
	munmap(map, body + 2 * page);
no_map:
	os_test_release();
	return -EBPF_ENOMEM;
}

/* A system that forbids executable memory shows it here. */
int
os_exec_seal(struct os_exec *exec)
{
	size_t page = page_size();

	if (mprotect(exec->write, exec->map_size - 2 * page,
		     PROT_READ | PROT_EXEC) != 0)
		return -EBPF_EUNSUPPORTED;
	__builtin___clear_cache((char *)exec->write,
				(char *)exec->write + exec->size);
	exec->write = NULL;
	return 0;
}

#ifdef MREMAP_FIXED
/*
 * A copy of the page, made where nothing runs, takes the page's place. Whoever
 * comes there meanwhile waits in a page fault. (A second mapping of the same
 * memory could be written to at any time, and would be a child's memory as well
 * after fork.) Nothing is taken away before the copy is ready; that the kernel
 * lacks memory to move it would be the end, but it looks for that first.
 */
static int
replace_page(uint8_t *page, size_t size, size_t off, uint32_t word)
{
	uint8_t *copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return -EBPF_ENOMEM;
	memcpy(copy, page, size);
	memcpy(copy + off, &word, sizeof(word));
	if (mprotect(copy, size, PROT_READ | PROT_EXEC) != 0 ||
	    mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, page) ==
		    MAP_FAILED) {
		munmap(copy, size);
		return -EBPF_ENOMEM;
	}
	__builtin___clear_cache((char *)page, (char *)page + size);
	return 0;
}

/*
 * Where other processors are told of a page's end without an interruption, what
 * they have fetched already must be taken from them, too.
 */
static int
sync_fetched(void)
{
	static uint32_t registered; /* atomic */

	if (os_load(&registered) == 0) {
		if (syscall(SYS_membarrier,
			    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
			    0, 0) != 0)
			return -EBPF_EUNSUPPORTED;
		os_store(&registered, 1);
	}
	if (syscall(SYS_membarrier,
		    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) != 0)
		return -EBPF_EUNSUPPORTED;
	return 0;
}

int
os_exec_patch(struct os_exec *exec, const uint8_t *at, uint32_t word)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	size_t size = page_size();
	size_t off = (size_t)(at - exec->run);
	uint8_t *page = (uint8_t *)exec->map + size + off / size * size;
	int error;

	/* two of a page at once would lose one */
	pthread_mutex_lock(&lock);
	error = sync_fetched();
	if (error == 0)
		error = replace_page(page, size, off % size, word);
	if (error == 0)
		error = sync_fetched();
	pthread_mutex_unlock(&lock);
	return error;
}
#else
int
os_exec_patch(struct os_exec *exec, const uint8_t *at, uint32_t word)
{
	return -EBPF_EUNSUPPORTED;
}
#endif

void
os_exec_free(struct os_exec *exec)
{
	if (!exec->map)
		return;
	os_test_count(0 - exec->size);
	if (!keep_spare(exec))
		munmap(exec->map, exec->map_size);
	memset(exec, 0, sizeof(*exec));
	os_test_release();
}

void
os_exec_rules(struct os_exec_rules *rules)
{
	memset(rules, 0, sizeof(*rules));
}
