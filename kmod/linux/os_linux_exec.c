// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Executable memory on Linux: whole pages of the arena (arena.S), which is
 * always read and execute. To write, the same pages are mapped a second time,
 * writable, and that mapping goes before anything runs. What is free is filled
 * with traps.
 */
#include "core/os.h"

#include "abi/error.h"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/cacheflush.h>

extern char ebpf_arena_start[], ebpf_arena_end[];

#define TRAP 0xcc /* int3 */

static unsigned long *used; /* a bit for each page */
static DEFINE_MUTEX(arena_lock);

int os_linux_exec_init(void);
void os_linux_exec_exit(void);

static unsigned long
arena_pages(void)
{
	return (ebpf_arena_end - ebpf_arena_start) >> PAGE_SHIFT;
}

static void *
map_writable(unsigned long first, unsigned long count)
{
	struct page **pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	unsigned long i;
	void *map = NULL;

	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		pages[i] = vmalloc_to_page(ebpf_arena_start +
					   ((first + i) << PAGE_SHIFT));
		if (!pages[i])
			goto out;
	}
	map = vmap(pages, count, VM_MAP, PAGE_KERNEL);
out:
	kvfree(pages);
	return map;
}

int
os_linux_exec_init(void)
{
	void *map;

	used = bitmap_zalloc(arena_pages(), GFP_KERNEL);
	if (!used)
		return -ENOMEM;
	map = map_writable(0, arena_pages());
	if (!map) {
		os_linux_exec_exit();
		return -ENOMEM;
	}
	memset(map, TRAP, arena_pages() << PAGE_SHIFT);
	vunmap(map);
	return 0;
}

void
os_linux_exec_exit(void)
{
	bitmap_free(used);
	used = NULL;
}

int
os_exec_alloc(struct os_exec *exec, size_t size)
{
	unsigned long count = PAGE_ALIGN(size) >> PAGE_SHIFT;
	unsigned long first;

	if (size == 0 || count > arena_pages())
		return -EBPF_E2BIG;
	mutex_lock(&arena_lock);
	first = bitmap_find_next_zero_area(used, arena_pages(), 0, count, 0);
	if (first >= arena_pages()) {
		mutex_unlock(&arena_lock);
		return -EBPF_ENOMEM;
	}
	bitmap_set(used, first, count);
	mutex_unlock(&arena_lock);

	exec->first = first;
	exec->size = count << PAGE_SHIFT;
	exec->run = (const uint8_t *)ebpf_arena_start + (first << PAGE_SHIFT);
	exec->write = map_writable(first, count);
	if (!exec->write) {
		mutex_lock(&arena_lock);
		bitmap_clear(used, first, count);
		mutex_unlock(&arena_lock);
		return -EBPF_ENOMEM;
	}
	return 0;
}

int
os_exec_seal(struct os_exec *exec)
{
	vunmap(exec->write);
	exec->write = NULL;
	flush_icache_range((unsigned long)exec->run,
			   (unsigned long)exec->run + exec->size);
	return 0;
}

void
os_exec_free(struct os_exec *exec)
{
	unsigned long count = exec->size >> PAGE_SHIFT;
	void *map;

	if (!exec->run)
		return;
	if (exec->write)
		os_exec_seal(exec);
	map = map_writable(exec->first, count);
	if (map) {
		memset(map, TRAP, exec->size);
		vunmap(map);
	}
	mutex_lock(&arena_lock);
	bitmap_clear(used, exec->first, count);
	mutex_unlock(&arena_lock);
	exec->run = NULL;
}
