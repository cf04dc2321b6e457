/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* <stdio.h> of tests in a kernel: text into memory only. */
#include <linux/kernel.h>
