/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* No section names: the function that nobody calls is the program. */
#include <stdint.h>

__attribute__((noinline)) uint8_t helper(uint8_t x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}
uint8_t entry(uint8_t *buf, uint16_t len, uint8_t sport)
{
	return len > 0 ? helper(sport) : 255;
}
