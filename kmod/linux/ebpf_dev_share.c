// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The values of an array in the memory of a process. What may be mapped, and
 * that no freeze overlooks it, is decided in core/map_share.c. Pages are there
 * from the start, so nothing faults later; each piece of a mapping, as it is
 * split and inherited, has a reference to the map, and the file, with it the
 * module, stays for the longest of them.
 */
#include "abi/chardev.h"
#include "core/map.h"
#include "ebpf_dev.h"

#include <linux/mm.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

/* Never taken back once it was left out, whatever mprotect(2) says. */
static bool
writes(const struct vm_area_struct *area)
{
	return area->vm_flags & VM_MAYWRITE;
}

static void
piece_open(struct vm_area_struct *area)
{
	ebpf_map_share_again(area->vm_private_data, writes(area));
}

static void
piece_close(struct vm_area_struct *area)
{
	ebpf_map_unshare(area->vm_private_data, writes(area));
}

static const struct vm_operations_struct pieces = {
	.open = piece_open,
	.close = piece_close,
};

static void
flags_change(struct vm_area_struct *area, unsigned long set,
	     unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(area, set, clear);
#else
	area->vm_flags = (area->vm_flags | set) & ~clear;
#endif
}

static int
insert(struct vm_area_struct *area, const uint8_t *memory)
{
	unsigned long at;
	int error = 0;

	for (at = area->vm_start; !error && at < area->vm_end;
	     at += PAGE_SIZE, memory += PAGE_SIZE) {
		error = vm_insert_page(area, at, vmalloc_to_page(memory));
		cond_resched();
	}
	return error;
}

int
ebpf_dev_share(struct ebpf_session *session, struct vm_area_struct *area)
{
	bool write = area->vm_flags & VM_WRITE;
	u64 id = (u64)area->vm_pgoff >> (32 - PAGE_SHIFT);
	struct ebpf_map *map;
	void *memory;
	size_t size;
	int error;

	if (!(area->vm_flags & VM_SHARED) || id > U32_MAX ||
	    area->vm_pgoff & ((1ul << (32 - PAGE_SHIFT)) - 1))
		return -EINVAL;
	if (area->vm_flags & VM_EXEC)
		return -EPERM;
	error = ebpf_session_share(session, id, write, &map, &memory, &size);
	if (error)
		return error == -EBPF_ENOENT ? -ENOENT :
		       error == -EBPF_EACCES ? -EACCES : -EOPNOTSUPP;
	error = -EINVAL;
	if (area->vm_end - area->vm_start > PAGE_ALIGN(size))
		goto fail;
	flags_change(area, VM_DONTEXPAND,
		     VM_MAYEXEC | (write ? 0 : VM_MAYWRITE));
	error = insert(area, memory);
	if (error)
		goto fail;
	area->vm_private_data = map;
	area->vm_ops = &pieces;
	return 0;

fail:
	ebpf_map_unshare(map, write);
	return error;
}
