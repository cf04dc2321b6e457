/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one output writer. A command says each thing once, with its JSON key and
 * with how it looks in plain text; the style's const table decides what of it
 * is printed. Everything streams: nothing is kept but the nesting.
 *
 * key    the member's name in JSON and YAML; NULL inside an array, at the top,
 *        and for what only plain text shows
 * plain  text around the value: "%" stands for it, "%x" for it in hexadecimal;
 *        NULL: not shown in plain text
 */
#ifndef CMD_OUT_H
#define CMD_OUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum out_style {
	OUT_PLAIN,
	OUT_JSON,
	OUT_PRETTY,
	OUT_YAML,
};

enum { OUT_DEPTH_MAX = 64 };

struct out_ops;

struct out {
	const struct out_ops *ops;
	FILE *file;
	bool pretty;
	bool fresh;    /* nothing written since the last opening bracket */
	bool anything; /* a top-level value was begun */
	bool lines;    /* many values at the top, one a line */
	unsigned int depth;
	char open[OUT_DEPTH_MAX]; /* '{' or '[' of each level */
	const char *value_key; /* key of a value written at value_depth */
	unsigned int value_depth;
	void *state;		  /* the style's own */
	int error;		  /* first failure, -EBPF_E... */
};

/* One style of output. Keys are as above; text is a number's digits, a word
 * such as true and null, or (string) the unescaped string. */
struct out_ops {
	int (*begin)(struct out *out);
	void (*open)(struct out *out, const char *key, char bracket);
	void (*close)(struct out *out, char bracket);
	void (*word)(struct out *out, const char *key, const char *plain,
		     const char *text, const char *hex);
	void (*string)(struct out *out, const char *key, const char *plain,
		       const char *text);
	void (*text)(struct out *out, const char *format, va_list args);
	void (*end)(struct out *out);
};

extern const struct out_ops out_plain_ops, out_json_ops, out_yaml_ops;

/* NULL without memory. */
struct out *out_new(enum out_style style, FILE *file);
/* Close what is open, flush, free. 0 or -EBPF_EIO; -EBPF_ECANCELED when the
 * reader has gone. NULL is fine. */
int out_free(struct out *out);
int out_flush(struct out *out);

bool out_is_plain(const struct out *out);
void out_object(struct out *out, const char *key);
void out_array(struct out *out, const char *key);
void out_end(struct out *out); /* the innermost open one */
void out_uint(struct out *out, const char *key, const char *plain, uint64_t v);
void out_int(struct out *out, const char *key, const char *plain, int64_t v);
/* plain is printed as it stands when v is true. */
void out_bool(struct out *out, const char *key, const char *plain, bool v);
void out_null(struct out *out, const char *key);
void out_string(struct out *out, const char *key, const char *plain,
		const char *text);
/* A word that is a value as it stands (a number written elsewhere). */
void out_word(struct out *out, const char *key, const char *plain,
	      const char *text);
/* Array of "0x.." strings; nothing in plain text. */
void out_bytes(struct out *out, const char *key, const void *data, size_t len);
/* Plain text only. */
void out_text(struct out *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Plain text only: "01 02 03", eight and sixteen to a line as bpftool has it. */
void out_hex(struct out *out, const void *data, size_t len);
/* Close levels until only `depth` are open. */
void out_unwind(struct out *out, unsigned int depth);

/* For the styles. */
void out_template(FILE *file, const char *plain, const char *text,
		  const char *hex);

#endif
