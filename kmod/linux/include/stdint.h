/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The freestanding <stdint.h> of this home: the kernel has the names elsewhere. */
#include <linux/limits.h>
#include <linux/types.h>

typedef long intptr_t;

#undef UINT8_MAX
#undef UINT16_MAX
#undef UINT32_MAX
#undef UINT64_MAX
#define UINT8_MAX U8_MAX
#define UINT16_MAX U16_MAX
#define UINT32_MAX U32_MAX
#define UINT64_MAX U64_MAX
#undef INT8_MIN
#undef INT16_MIN
#undef INT32_MIN
#undef INT64_MIN
#define INT8_MIN S8_MIN
#define INT16_MIN S16_MIN
#define INT32_MIN S32_MIN
#define INT64_MIN S64_MIN
#undef INT8_MAX
#undef INT16_MAX
#undef INT32_MAX
#undef INT64_MAX
#define INT8_MAX S8_MAX
#define INT16_MAX S16_MAX
#define INT32_MAX S32_MAX
#define INT64_MAX S64_MAX
