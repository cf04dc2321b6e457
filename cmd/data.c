/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * DATA from words to bytes. Three ways in: bytes as bpftool takes them, typed
 * items that follow each other (u16 80 ip 10.0.0.1), or one text read by the
 * BTF type (data_text.c).
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/data.h"

enum { TEXT_MAX = 65536 };

/* ---- scalars ---- */

size_t
data_scalar_size(const char *word, bool *is_signed, bool *big)
{
	static const struct {
		const char *name;
		size_t size;
		bool is_signed, big;
	} scalars[] = {
		{ "u8", 1, false, false },   { "u16", 2, false, false },
		{ "u32", 4, false, false },  { "u64", 8, false, false },
		{ "s8", 1, true, false },    { "s16", 2, true, false },
		{ "s32", 4, true, false },   { "s64", 8, true, false },
		{ "be16", 2, false, true },  { "be32", 4, false, true },
		{ "be64", 8, false, true },
	};

	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		if (strcmp(word, scalars[i].name) == 0) {
			*is_signed = scalars[i].is_signed;
			*big = scalars[i].big;
			return scalars[i].size;
		}
	return 0;
}

size_t
data_parse_mac(const char *text, uint8_t *bytes)
{
	unsigned int b[6];
	int n = 0;

	if (strspn(text, "0123456789abcdefABCDEF:-") != strlen(text))
		return 0;
	if ((sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2],
		    &b[3], &b[4], &b[5], &n) != 6 &&
	     sscanf(text, "%2x-%2x-%2x-%2x-%2x-%2x%n", &b[0], &b[1], &b[2],
		    &b[3], &b[4], &b[5], &n) != 6) ||
	    text[n] != '\0')
		return 0;
	for (int i = 0; i < 6; i++)
		bytes[i] = (uint8_t)b[i];
	return 6;
}

size_t
data_parse_ip(const char *text, uint8_t *bytes)
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return 16;
	return 0;
}

void
data_store(uint8_t *data, size_t size, uint64_t v, bool big)
{
	for (size_t i = 0; i < size; i++)
		data[big ? size - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

/* A number, perhaps negative, that fits size bytes. */
bool
data_parse_integer(const char *text, size_t size, uint64_t *v)
{
	bool minus = *text == '-';
	uint64_t limit;

	if (size == 0 || !cmd_parse_number(text + minus, v))
		return false;
	if (size > 8)
		size = 8;
	limit = size == 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
	if (minus) {
		if (*v > limit / 2 + 1)
			return false;
		*v = 0 - *v;
		return true;
	}
	return *v <= limit;
}

int
data_bad_number(struct cmd *cmd, const char *what, const char *text, size_t size)
{
	return cmd_fail(cmd, CMD_EUSAGE,
			"%s: '%s' is no number that fits %zu byte%s", what,
			text, size, size == 1 ? "" : "s");
}

/* ---- words ---- */

static bool
ends_data(const char *word)
{
	return strcmp(word, "value") == 0 || strcmp(word, "any") == 0 ||
	       strcmp(word, "exist") == 0 || strcmp(word, "noexist") == 0;
}

static int
wrong_length(struct cmd *cmd, const char *what, size_t len, size_t got)
{
	return cmd_fail(cmd, CMD_EUSAGE, "%s expected %zu bytes got %zu", what,
			len, got);
}

static int
byte_words(struct cmd *cmd, const char *what, int base, int end, uint8_t *data,
	   size_t len)
{
	size_t n = 0;

	while (cmd->at < end) {
		const char *word = cmd->words[cmd->at++];
		char *stop;
		unsigned long v;

		errno = 0;
		v = strtoul(word, &stop, base);
		if (errno != 0 || *word == '\0' || *stop != '\0' || v > 255 ||
		    !isxdigit((unsigned char)*word))
			return cmd_fail(cmd, CMD_EUSAGE,
					"%s: '%s' is no byte%s", what, word,
					base == 16 ? " in hexadecimal" : "");
		if (n < len)
			data[n] = (uint8_t)v;
		n++;
	}
	return n == len ? 0 : wrong_length(cmd, what, len, n);
}

/* u16 80 ip 10.0.0.1 "text" ... one after the other */
static int
typed_words(struct cmd *cmd, const char *what, int end, uint8_t *data,
	    size_t len)
{
	size_t n = 0;

	while (cmd->at < end) {
		const char *word = cmd->words[cmd->at++];
		const char *arg = cmd->at < end ? cmd->words[cmd->at] : NULL;
		uint8_t bytes[4096];
		bool is_signed, big;
		size_t size = data_scalar_size(word, &is_signed, &big);
		uint64_t v;

		if (*word == '"') {
			size = strlen(word);
			if (size < 2 || word[size - 1] != '"' ||
			    size - 2 > sizeof(bytes))
				return cmd_fail(cmd, CMD_EUSAGE,
						"%s: the string %s does not "
						"end",
						what, word);
			size -= 2;
			memcpy(bytes, word + 1, size);
			/* a string fills what is left with zeroes */
			if (cmd->at >= end && n + size < len &&
			    len - n <= sizeof(bytes)) {
				memset(bytes + size, 0, len - n - size);
				size = len - n;
			}
		} else if (size > 0 || strcmp(word, "ip") == 0 ||
			   strcmp(word, "mac") == 0) {
			if (arg == NULL)
				return cmd_fail(cmd, CMD_EUSAGE,
						"%s: '%s' wants a value", what,
						word);
			cmd->at++;
			if (size > 0) {
				if (!data_parse_integer(arg, size, &v))
					return data_bad_number(cmd, what, arg,
							  size);
				data_store(bytes, size, v, big);
			} else {
				size = *word == 'i'
					       ? data_parse_ip(arg, bytes)
					       : data_parse_mac(arg, bytes);
				if (size == 0)
					return cmd_fail(cmd, CMD_EUSAGE,
							"%s: '%s' is no %s "
							"address",
							what, arg,
							*word == 'i' ? "IP"
								     : "MAC");
			}
		} else if (cmd_parse_number(word, &v) && v <= 255) {
			bytes[0] = (uint8_t)v; /* single bytes in between */
			size = 1;
		} else {
			return cmd_fail(cmd, CMD_EUSAGE,
					"%s: '%s' is not understood", what,
					word);
		}
		if (n + size <= len)
			memcpy(data + n, bytes, size);
		n += size;
	}
	return n == len ? 0 : wrong_length(cmd, what, len, n);
}

static bool
starts_typed(const char *word)
{
	bool is_signed, big;

	return *word == '"' || strcmp(word, "ip") == 0 ||
	       strcmp(word, "mac") == 0 ||
	       data_scalar_size(word, &is_signed, &big) > 0;
}

/* One text of one or more words, by BTF. */
static int
text_words(struct cmd *cmd, const char *what, const struct gebpf_btf *btf,
	   uint32_t type, int end, uint8_t *data, size_t len)
{
	char *text = malloc(TEXT_MAX);
	size_t n = 0;
	int error;

	if (text == NULL)
		return cmd_no_memory(cmd);
	text[0] = '\0';
	while (cmd->at < end && n < TEXT_MAX - 1)
		n += (size_t)snprintf(text + n, TEXT_MAX - n, "%s%s",
				      n > 0 ? " " : "",
				      cmd->words[cmd->at++]);
	error = n < TEXT_MAX - 1
			? data_parse_text(cmd, what, btf, type, text, data,
					  len)
			: cmd_fail(cmd, EBPF_E2BIG, "%s: the text is too long",
				   what);
	free(text);
	return error;
}

int
data_parse_words(struct cmd *cmd, const char *what, const struct gebpf_btf *btf,
		 uint32_t type, uint8_t *data, size_t len)
{
	const char *word = cmd_peek(cmd);
	bool typed = btf != NULL && type != 0;
	int end = cmd->at, count;
	uint64_t v;

	while (end < cmd->count && !ends_data(cmd->words[end]))
		end++;
	count = end - cmd->at;
	memset(data, 0, len);
	if (count == 0)
		return cmd_fail(cmd, CMD_EUSAGE, "%s: no data is given", what);
	if (strcmp(word, "hex") == 0) {
		cmd->at++;
		return byte_words(cmd, what, 16, end, data, len);
	}
	if (starts_typed(word) && !(typed && *word == '"'))
		return typed_words(cmd, what, end, data, len);
	if (typed && (count == 1 || *word == '{' || *word == '[' ||
		      *word == '"') &&
	    !((size_t)count == len && count > 1))
		return text_words(cmd, what, btf, type, end, data, len);
	/* a single number fills a key or value of usual size */
	if (count == 1 && (len == 1 || len == 2 || len == 4 || len == 8)) {
		if (!data_parse_integer(word, len, &v))
			return data_bad_number(cmd, what, word, len);
		cmd->at++;
		data_store(data, len, v, false);
		return 0;
	}
	if (*word == '{') {
		cmd_fail(cmd, CMD_EUSAGE, "%s: the map has no type "
					  "information for %s",
			 what, word);
		return cmd_hint(cmd, "give bytes, or items such as: u32 1 ip "
				     "10.0.0.1");
	}
	if (count == 1) {
		uint8_t bytes[16];
		size_t size = data_parse_mac(word, bytes);

		if (size == 0)
			size = data_parse_ip(word, bytes);
		if (size > 0) {
			if (size != len)
				return wrong_length(cmd, what, len, size);
			memcpy(data, bytes, size);
			cmd->at++;
			return 0;
		}
	}
	return byte_words(cmd, what, 0, end, data, len);
}
