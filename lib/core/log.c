/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The bounded text buffer of log.h. */
#include "core/log.h"

#include "core/os.h"

static size_t
room_now(const struct ebpf_log *log)
{
	size_t kept = log->room / 4 < EBPF_LOG_KEPT ? log->room / 4 :
						      EBPF_LOG_KEPT;

	return log->concluding ? log->room : log->room - kept;
}

void
ebpf_log(struct ebpf_log *log, const char *format, ...)
{
	size_t left;
	va_list args;
	int len;

	if (!log || !log->text || log->room == 0 || log->truncated)
		return;
	left = room_now(log) - log->len; /* at least 1, for the NUL */
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

void
ebpf_log_clean(struct ebpf_log *log, const char *text, size_t max)
{
	char piece[64];
	size_t len = strnlen(text, max), at, n;

	/* not in the middle of a character of several bytes */
	while (len == max && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
		len--;
	for (at = 0; at < len; at += n) {
		for (n = 0; n < sizeof(piece) - 1 && at + n < len; n++) {
			unsigned char c = (unsigned char)text[at + n];

			piece[n] = c == '\t' ? ' ' :
				   c < 0x20 || c == 0x7f ? '?' : (char)c;
		}
		piece[n] = '\0';
		ebpf_log(log, "%s", piece);
	}
}

void
ebpf_log_conclude(struct ebpf_log *log)
{
	bool cut = log->truncated;

	log->concluding = 1;
	log->truncated = 0;
	if (cut)
		ebpf_log(log, "\n... the account is longer than the log\n");
}
