/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What host/os_impl.h offers tests, here from inside_home.c. */
#ifndef HOME_HOOKS_H
#define HOME_HOOKS_H

#include <linux/types.h>

void os_test_fail_at(uint64_t n);
bool os_test_failed(void);
uint64_t os_test_live(void);

#endif
