/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The freestanding <stddef.h> of this home: the kernel has the names elsewhere. */
#include <linux/stddef.h>
