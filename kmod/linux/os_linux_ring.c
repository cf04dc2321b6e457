// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Memory of rings on Linux: the same pages mapped twice, one behind the other,
 * and one page before them, whose start keeps what is needed to give them
 * back. Where pages are larger than the ring: plain memory of twice the size.
 */
#include "core/os.h"
#include "ebpf_linux.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

enum {
	HEAD = 64,
};

/* At the very start of the first page. */
struct pages {
	struct page **pages;
	size_t count; /* different ones */
};

static void
pages_free(struct page **pages, size_t count)
{
	while (count-- > 0)
		__free_page(pages[count]);
	kvfree(pages);
}

static u8 *
map_twice(size_t size)
{
	gfp_t flags = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
		      __GFP_RETRY_MAYFAIL;
	size_t n = size >> PAGE_SHIFT, count;
	struct page **pages;
	struct pages *head;

	pages = kvmalloc_array(1 + 2 * n, sizeof(*pages),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pages)
		return NULL;
	for (count = 0; count < 1 + n; count++) {
		pages[count] = alloc_page(flags);
		if (!pages[count])
			goto fail;
		if (count > 0)
			pages[n + count] = pages[count];
		cond_resched();
	}
	head = vmap(pages, 1 + 2 * n, VM_MAP, PAGE_KERNEL);
	if (!head)
		goto fail;
	head->pages = pages;
	head->count = count;
	return (u8 *)head + PAGE_SIZE;

fail:
	pages_free(pages, count);
	return NULL;
}

void *
os_ring_alloc(size_t size)
{
	u8 *memory;

	if (size > SIZE_MAX / 4 || size >> PAGE_SHIFT > INT_MAX / 4)
		return NULL;
	if (size % PAGE_SIZE != 0) {
		memory = os_alloc(HEAD + 2 * size);
		return memory ? memory + HEAD : NULL;
	}
	if (!os_linux_allocate())
		return NULL;
	memory = map_twice(size);
	if (!memory)
		os_linux_release();
	return memory;
}

void
os_ring_free(void *memory, size_t size)
{
	struct pages head;
	u8 *start = memory;

	if (!memory)
		return;
	if (size % PAGE_SIZE != 0) {
		os_free(start - HEAD);
		return;
	}
	start -= PAGE_SIZE;
	memcpy(&head, start, sizeof(head));
	vunmap(start);
	pages_free(head.pages, head.count);
	os_linux_release();
}
