/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Plain text: only what a command gave a template or text for. Brackets and
 * keys leave no trace. Control characters in strings that came from elsewhere
 * (names, spec texts) are shown as '?', so that no object can draw on the
 * terminal of whoever lists it.
 */
#include "cmd/out.h"

static void
plain_open(struct out *out, const char *key, char bracket)
{
}

static void
plain_close(struct out *out, char bracket)
{
}

static void
plain_word(struct out *out, const char *key, const char *plain,
	   const char *text, const char *hex)
{
	if (plain != NULL)
		out_template(out->file, plain, text, hex);
}

static void
plain_string(struct out *out, const char *key, const char *plain,
	     const char *text)
{
	if (plain == NULL)
		return;
	for (; *plain != '\0'; plain++) {
		if (*plain != '%') {
			putc(*plain, out->file);
			continue;
		}
		for (const char *c = text; *c != '\0'; c++) {
			unsigned char u = (unsigned char)*c;

			putc((u < 32 && u != '\t' && u != '\n') || u == 127
				     ? '?'
				     : u,
			     out->file);
		}
	}
}

static void
plain_text(struct out *out, const char *format, va_list args)
{
	vfprintf(out->file, format, args);
}

const struct out_ops out_plain_ops = {
	.open = plain_open,
	.close = plain_close,
	.word = plain_word,
	.string = plain_string,
	.text = plain_text,
};
