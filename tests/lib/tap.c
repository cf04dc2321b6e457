/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See tap.h. */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned int count, failed;

bool
tap_ok(bool pass, const char *name, ...)
{
	va_list args;

	printf("%sok %u - ", pass ? "" : "not ", ++count);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	putchar('\n');
	if (!pass) {
		failed++;
		fflush(stdout);
	}
	return pass;
}

void
tap_skip(const char *why, const char *name, ...)
{
	va_list args;

	printf("ok %u - ", ++count);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	printf(" # SKIP %s\n", why);
}

void
tap_diag(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

int
tap_done(void)
{
	printf("1..%u\n", count);
	fflush(stdout);
	return failed != 0;
}
