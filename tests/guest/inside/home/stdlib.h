/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* <stdlib.h> of tests in a kernel. */
#ifndef HOME_STDLIB_H
#define HOME_STDLIB_H

#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#define malloc(size) kvmalloc(size, GFP_KERNEL)
#define calloc(count, size) kvcalloc(count, size, GFP_KERNEL)
#define free(memory) kvfree(memory)
#define abort() BUG()
#define qsort(base, count, size, compare) \
	sort(base, count, size, compare, NULL)

#endif
