/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A home that only declares: lets `make freestanding` compile the engine with
 * no C library in sight, the way kernels do. Nothing links against it.
 */
#ifndef OS_IMPL_H
#define OS_IMPL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct os_mutex {
	void *opaque;
};
struct os_spin {
	uint32_t opaque;
};
struct os_event {
	void *opaque;
};
struct os_epoch {
	void *opaque;
};
struct os_deferred {
	struct os_deferred *next;
	void (*fn)(struct os_deferred *work);
};
struct os_exec {
	uint8_t *write;
	const uint8_t *run;
	size_t size;
};

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
int snprintf(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int vsnprintf(char *out, size_t size, const char *format, va_list args);

#endif
