/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * JSON: compact, or indented by four with one key a line in bpftool's layout
 * (the first element of an array stands beside its bracket). Each value at the
 * top ends with a newline, so that several make JSON lines. Strings that need
 * it are escaped by jansson; bytes that are no UTF-8 become U+FFFD.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "abi/error.h"
#include "cmd/out.h"

static void
comma(struct out *out)
{
	if (!out->fresh && out->depth > 0)
		putc(',', out->file);
	out->fresh = false;
}

static void
new_line(struct out *out)
{
	if (!out->pretty)
		return;
	putc('\n', out->file);
	for (unsigned int i = 0; i < out->depth; i++)
		fputs("    ", out->file);
}

/* Length of the UTF-8 sequence at s, 0 if it is none. */
static size_t
utf8_len(const unsigned char *s)
{
	size_t len = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2
		     : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (len == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) ||
			 (s[0] == 0xed && s[1] > 0x9f)))
		return 0;
	if (len == 4 && ((s[0] == 0xf0 && s[1] < 0x90) ||
			 (s[0] == 0xf4 && s[1] > 0x8f)))
		return 0;
	return len;
}

static char *
repaired(const char *text)
{
	char *copy = malloc(strlen(text) * 3 + 1), *to = copy;
	const unsigned char *s = (const unsigned char *)text;

	if (copy == NULL)
		return NULL;
	while (*s != '\0') {
		size_t len = utf8_len(s);

		if (len == 0) {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			s++;
		} else {
			memcpy(to, s, len);
			to += len;
			s += len;
		}
	}
	*to = '\0';
	return copy;
}

static void
quoted(struct out *out, const char *text)
{
	const char *c = text;
	json_t *value;
	char *clean;

	while (*c >= ' ' && *c < 127 && *c != '"' && *c != '\\')
		c++;
	if (*c == '\0') {
		putc('"', out->file);
		fputs(text, out->file);
		putc('"', out->file);
		return;
	}
	clean = repaired(text);
	value = clean == NULL ? NULL : json_string(clean);
	if (value == NULL ||
	    json_dumpf(value, out->file, JSON_ENCODE_ANY | JSON_COMPACT) != 0)
		out->error = -EBPF_EIO;
	json_decref(value);
	free(clean);
}

static void
json_key(struct out *out, const char *key)
{
	comma(out);
	if (key == NULL)
		return;
	new_line(out);
	quoted(out, key);
	fputs(out->pretty ? ": " : ":", out->file);
}

static void
top_ends(struct out *out)
{
	if (out->depth == 0)
		putc('\n', out->file);
}

static void
json_open(struct out *out, const char *key, char bracket)
{
	json_key(out, key);
	putc(bracket, out->file);
	out->fresh = true;
}

static void
json_close(struct out *out, char bracket)
{
	if (!out->fresh)
		new_line(out);
	putc(bracket == '{' ? '}' : ']', out->file);
	out->fresh = false;
	top_ends(out);
}

static void
json_word(struct out *out, const char *key, const char *plain,
	  const char *text, const char *hex)
{
	if (key == NULL && out->depth > 0 && out->open[out->depth - 1] == '{')
		return;
	json_key(out, key);
	fputs(text, out->file);
	top_ends(out);
}

static void
json_string_out(struct out *out, const char *key, const char *plain,
		const char *text)
{
	if (key == NULL && out->depth > 0 && out->open[out->depth - 1] == '{')
		return;
	json_key(out, key);
	quoted(out, text);
	top_ends(out);
}

const struct out_ops out_json_ops = {
	.open = json_open,
	.close = json_close,
	.word = json_word,
	.string = json_string_out,
};
