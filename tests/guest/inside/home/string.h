/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* <string.h> of tests in a kernel. */
#include <linux/string.h>
