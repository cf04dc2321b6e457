/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What host/os_impl.h offers tests, here from inside_home.c; and the names that
 * their mains have here.
 */
#ifndef HOME_HOOKS_H
#define HOME_HOOKS_H

#include <linux/types.h>

void os_test_fail_at(uint64_t n);
bool os_test_failed(void);
uint64_t os_test_live(void);
void os_test_now(bool (*may)(size_t size));
struct os_spin;
bool os_test_held(const struct os_spin *lock);

int main_lpm_test(void);
int main_map_array_test(void);
int main_map_demand_test(void);
int main_map_hash_test(void);
int main_map_home_test(void);
int main_map_in_map_test(void);
int main_map_reuse_test(void);
int main_map_test(void);
int main_queue_test(void);

#endif
