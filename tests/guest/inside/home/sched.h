/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* <sched.h> of tests in a kernel. */
#include <linux/sched.h>

#define sched_yield yield
