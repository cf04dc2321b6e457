// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Executable memory on Linux: pieces of the arena (arena.S), which is always
 * read and execute. To write, the same pages are mapped a second time, writable,
 * and that mapping goes before anything runs. What is free is filled with traps.
 * Programs share pages, as small ones would else waste them.
 */
#include "core/os.h"
#include "ebpf_linux.h"

#include "abi/error.h"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/cacheflush.h>
#ifdef CONFIG_X86_64
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#endif

extern char ebpf_arena_start[], ebpf_arena_end[];

#define TRAP 0xcc /* int3 */

enum {
	CHUNK = 256, /* bytes for each bit */
};

static unsigned long *used; /* a bit for each chunk */
static DEFINE_MUTEX(arena_lock); /* used */

int os_linux_exec_init(void);
void os_linux_exec_exit(void);

static unsigned long
arena_size(void)
{
	return ebpf_arena_end - ebpf_arena_start;
}

/* The arena's bytes from off, writable; undone by unmap_writable(). */
static void *
map_writable(unsigned long off, unsigned long size)
{
	unsigned long first = off >> PAGE_SHIFT;
	unsigned long count = (PAGE_ALIGN(off + size) >> PAGE_SHIFT) - first;
	struct page **pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	unsigned long i;
	char *map = NULL;

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
	return map ? map + offset_in_page(off) : NULL;
}

static void
unmap_writable(void *map)
{
	vunmap((void *)((unsigned long)map & PAGE_MASK));
}

#ifdef CONFIG_X86
/*
 * The loader has made the arena executable; that nobody can write to it there
 * depends on how this kernel was built, so it is looked at, not assumed.
 */
static bool
arena_is_safe(void)
{
	unsigned long off;
	unsigned int level;
	pte_t *pte;

	for (off = 0; off < arena_size(); off += PAGE_SIZE) {
		pte = lookup_address((unsigned long)ebpf_arena_start + off,
				     &level);
		if (!pte || (pte_flags(*pte) & _PAGE_RW) ||
		    (pte_flags(*pte) & _PAGE_NX))
			return false;
	}
	return true;
}
#else
static bool
arena_is_safe(void)
{
	return IS_ENABLED(CONFIG_STRICT_MODULE_RWX);
}
#endif

int
os_linux_exec_init(void)
{
	void *map;

	if (!arena_is_safe()) {
		pr_err("ebpf: this kernel would let compiled programs be "
		       "written to where they run; it needs "
		       "CONFIG_STRICT_MODULE_RWX\n");
		return -EOPNOTSUPP;
	}
	pr_info("ebpf: %lu KiB for compiled programs, executable and never "
		"writable there\n", arena_size() >> 10);
	used = bitmap_zalloc(arena_size() / CHUNK, GFP_KERNEL);
	if (!used)
		return -ENOMEM;
	map = map_writable(0, arena_size());
	if (!map) {
		os_linux_exec_exit();
		return -ENOMEM;
	}
	memset(map, TRAP, arena_size());
	unmap_writable(map);
	return 0;
}

void
os_linux_exec_exit(void)
{
	bitmap_free(used);
	used = NULL;
}

static void
release(unsigned long off, unsigned long size)
{
	mutex_lock(&arena_lock);
	bitmap_clear(used, off / CHUNK, size / CHUNK);
	mutex_unlock(&arena_lock);
	os_linux_release();
}

int
os_exec_alloc(struct os_exec *exec, size_t size)
{
	unsigned long first, count;

	if (size == 0 || size > arena_size())
		return -EBPF_E2BIG;
	if (!os_linux_allocate())
		return -EBPF_ENOMEM;
	size = ALIGN(size, CHUNK);
	count = arena_size() / CHUNK;
	mutex_lock(&arena_lock);
	first = bitmap_find_next_zero_area(used, count, 0, size / CHUNK, 0);
	if (first < count)
		bitmap_set(used, first, size / CHUNK);
	mutex_unlock(&arena_lock);
	if (first >= count) {
		os_linux_release();
		return -EBPF_ENOMEM;
	}
	exec->off = first * CHUNK;
	exec->size = size;
	exec->run = (const uint8_t *)ebpf_arena_start + exec->off;
	exec->write = map_writable(exec->off, size);
	if (!exec->write) {
		release(exec->off, size);
		exec->run = NULL;
		return -EBPF_ENOMEM;
	}
	return 0;
}

int
os_exec_seal(struct os_exec *exec)
{
	unmap_writable(exec->write);
	exec->write = NULL;
	flush_icache_range((unsigned long)exec->run,
			   (unsigned long)exec->run + exec->size);
	return 0;
}

int
os_exec_patch(struct os_exec *exec, const uint8_t *at, uint32_t word)
{
	uint32_t *map = map_writable(exec->off + (at - exec->run),
				     sizeof(*map));

	if (!map)
		return -EBPF_ENOMEM;
	WRITE_ONCE(*map, word);
	unmap_writable(map);
	flush_icache_range((unsigned long)at, (unsigned long)at + sizeof(word));
	/* what other processors have fetched is fetched again */
	kick_all_cpus_sync();
	return 0;
}

void
os_exec_free(struct os_exec *exec)
{
	void *map;

	if (!exec->run)
		return;
	if (exec->write)
		os_exec_seal(exec);
	/* Without memory for it old code stays, which nobody calls any more. */
	map = map_writable(exec->off, exec->size);
	if (map) {
		memset(map, TRAP, exec->size);
		unmap_writable(map);
	}
	release(exec->off, exec->size);
	exec->run = NULL;
}

/* ---- branches ---- */

#ifdef CONFIG_X86_64
extern char ebpf_branch_r11[], ebpf_branch_ret[]; /* branch.S */

void
os_exec_rules(struct os_exec_rules *rules)
{
	memset(rules, 0, sizeof(*rules));
	if (cpu_feature_enabled(X86_FEATURE_RETPOLINE) ||
	    cpu_feature_enabled(X86_FEATURE_RETPOLINE_LFENCE))
		rules->jump = ebpf_branch_r11;
	if (cpu_feature_enabled(X86_FEATURE_RETHUNK))
		rules->ret = ebpf_branch_ret;
	rules->trap_behind = IS_ENABLED(CONFIG_SLS);
}
#else
void
os_exec_rules(struct os_exec_rules *rules)
{
	memset(rules, 0, sizeof(*rules));
}
#endif
