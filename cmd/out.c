/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The writer's common part: nesting, numbers, bytes. Knows no style (see
 * out_plain.c, out_json.c, out_yaml.c) and no command.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "abi/error.h"
#include "cmd/out.h"

struct out *
out_new(enum out_style style, FILE *file)
{
	static const struct out_ops *const styles[] = {
		[OUT_PLAIN] = &out_plain_ops,
		[OUT_JSON] = &out_json_ops,
		[OUT_PRETTY] = &out_json_ops,
		[OUT_YAML] = &out_yaml_ops,
	};
	struct out *out = calloc(1, sizeof(*out));

	if (out == NULL)
		return NULL;
	out->ops = styles[style];
	out->file = file;
	out->pretty = style == OUT_PRETTY;
	if (out->ops->begin != NULL && out->ops->begin(out) != 0) {
		free(out);
		return NULL;
	}
	return out;
}

/* Has the reader of a pipe closed it? What failed may be long ago. */
static bool
is_unread(FILE *file)
{
	struct pollfd poller = { .fd = fileno(file), .events = POLLOUT };

	return poll(&poller, 1, 0) > 0 && (poller.revents & POLLERR) != 0;
}

int
out_flush(struct out *out)
{
	if (fflush(out->file) != 0 || ferror(out->file))
		out->error = is_unread(out->file) ? -EBPF_ECANCELED
						  : -EBPF_EIO;
	return out->error;
}

int
out_free(struct out *out)
{
	int error;

	if (out == NULL)
		return 0;
	out_unwind(out, 0);
	if (out->ops->end != NULL)
		out->ops->end(out);
	error = out_flush(out);
	free(out);
	return error;
}

bool
out_is_plain(const struct out *out)
{
	return out->ops == &out_plain_ops;
}

/* A command's own value has no key; within a batch it is given one. */
static const char *
key_of(const struct out *out, const char *key)
{
	return key == NULL && out->depth == out->value_depth ? out->value_key
							     : key;
}

static void
push(struct out *out, const char *key, char bracket)
{
	if (out->depth == OUT_DEPTH_MAX) {
		out->error = -EBPF_EINVAL;
		return;
	}
	out->ops->open(out, key_of(out, key), bracket);
	out->open[out->depth++] = bracket;
	out->anything = true;
}

void
out_object(struct out *out, const char *key)
{
	push(out, key, '{');
}

void
out_array(struct out *out, const char *key)
{
	push(out, key, '[');
}

void
out_end(struct out *out)
{
	if (out->depth == 0)
		return;
	out->depth--;
	out->ops->close(out, out->open[out->depth]);
}

void
out_unwind(struct out *out, unsigned int depth)
{
	while (out->depth > depth)
		out_end(out);
}

void
out_uint(struct out *out, const char *key, const char *plain, uint64_t v)
{
	char text[24], hex[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	snprintf(hex, sizeof(hex), "%llx", (unsigned long long)v);
	out->ops->word(out, key_of(out, key), plain, text, hex);
	out->anything = true;
}

void
out_int(struct out *out, const char *key, const char *plain, int64_t v)
{
	char text[24], hex[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	snprintf(hex, sizeof(hex), "%llx", (unsigned long long)v);
	out->ops->word(out, key_of(out, key), plain, text, hex);
	out->anything = true;
}

void
out_word(struct out *out, const char *key, const char *plain, const char *text)
{
	out->ops->word(out, key_of(out, key), plain, text, text);
	out->anything = true;
}

void
out_bool(struct out *out, const char *key, const char *plain, bool v)
{
	out_word(out, key, v ? plain : NULL, v ? "true" : "false");
}

void
out_null(struct out *out, const char *key)
{
	out_word(out, key, NULL, "null");
}

void
out_string(struct out *out, const char *key, const char *plain,
	   const char *text)
{
	out->ops->string(out, key_of(out, key), plain, text);
	out->anything = true;
}

void
out_bytes(struct out *out, const char *key, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	char text[8];

	if (out_is_plain(out))
		return;
	out_array(out, key);
	for (size_t i = 0; i < len; i++) {
		snprintf(text, sizeof(text), "0x%02x", bytes[i]);
		out->ops->string(out, NULL, NULL, text);
	}
	out_end(out);
}

void
out_text(struct out *out, const char *format, ...)
{
	va_list args;

	if (out->ops->text == NULL)
		return;
	va_start(args, format);
	out->ops->text(out, format, args);
	va_end(args);
}

void
out_hex(struct out *out, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		const char *gap = i == 0      ? ""
				  : i % 16 == 0 ? "\n"
				  : i % 8 == 0	? "  "
						: " ";
		out_text(out, "%s%02x", gap, bytes[i]);
	}
}

void
out_template(FILE *file, const char *plain, const char *text, const char *hex)
{
	for (; *plain != '\0'; plain++) {
		if (*plain != '%') {
			putc(*plain, file);
		} else if (plain[1] == 'x') {
			fputs(hex, file);
			plain++;
		} else {
			fputs(text, file);
		}
	}
}
