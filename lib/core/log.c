/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The bounded text buffer of log.h. */
#include "core/log.h"

#include "core/os.h"

void
ebpf_log(struct ebpf_log *log, const char *format, ...)
{
	size_t left;
	va_list args;
	int len;

	if (!log->text || log->room == 0 || log->truncated)
		return;
	left = log->room - log->len; /* at least 1, for the NUL */
	va_start(args, format);
	len = vsnprintf(log->text + log->len, left, format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= left) {
		log->truncated = 1;
		len = (int)(left - 1);
	}
	log->len += (size_t)len;
}
