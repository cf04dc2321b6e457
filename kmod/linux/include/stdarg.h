/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The freestanding <stdarg.h> of this home: the kernel has the names elsewhere. */
#include <linux/stdarg.h>
