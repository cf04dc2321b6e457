/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads cases of tests/engine, see engine_case.h. */
#include "engine_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"

enum section {
	SECTION_NONE,
	SECTION_ASM,
	SECTION_RAW,
	SECTION_MEM,
	SECTION_AFTER,
	SECTION_RESULT,
	SECTION_ERROR,
};

static char *
read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *data = NULL;
	long size;

	if (file == NULL)
		return NULL;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	if (size >= 0)
		data = malloc((size_t)size + 1);
	if (data != NULL) {
		*len = fread(data, 1, (size_t)size, file);
		data[*len] = '\0';
	}
	fclose(file);
	return data;
}

void
engine_text_add(struct engine_text *text, const char *line, size_t len)
{
	text->data = realloc(text->data, text->len + len + 2);
	memcpy(text->data + text->len, line, len);
	text->len += len;
	text->data[text->len++] = '\n';
	text->data[text->len] = '\0';
}

static bool
contains(const char *line, size_t len, const char *word)
{
	return memmem(line, len, word, strlen(word)) != NULL;
}

static enum section
directive(struct engine_case *c, const char *line, size_t len)
{
	if (contains(line, len, "asm")) {
		c->has_asm = true;
		return SECTION_ASM;
	}
	if (contains(line, len, "result")) {
		c->has_result = true;
		return SECTION_RESULT;
	}
	if (contains(line, len, "mem")) {
		c->mem.given = true;
		return SECTION_MEM;
	}
	if (contains(line, len, "after")) {
		c->after.given = true;
		return SECTION_AFTER;
	}
	if (contains(line, len, "raw")) {
		c->has_raw = true;
		return SECTION_RAW;
	}
	if (contains(line, len, "jit")) {
		c->no_jit = true;
		return SECTION_NONE;
	}
	if (contains(line, len, "error")) {
		c->has_error = true;
		return SECTION_ERROR;
	}
	return SECTION_NONE;
}

/* The last line that is not empty counts. */
static void
keep_line(char *to, size_t size, const char *line, size_t len)
{
	while (len > 0 && (*line == ' ' || *line == '\t'))
		line++, len--;
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (len == 0 || len >= size)
		return;
	memcpy(to, line, len);
	to[len] = '\0';
}

static void
hex_bytes(struct engine_bytes *bytes, const struct engine_text *text)
{
	char *at = text->data, *end;

	bytes->data = malloc(text->len + 1);
	bytes->len = 0;
	while (at != NULL) {
		unsigned long value = strtoul(at, &end, 16);

		if (end == at)
			break;
		bytes->data[bytes->len++] = (uint8_t)value;
		at = end;
	}
}

static void
split_case(struct engine_case *c, const char *data, size_t len)
{
	const char *at = data, *end = data + len, *line, *stop, *hash;
	enum section section = SECTION_NONE;
	size_t n;

	while (at < end) {
		line = at;
		stop = memchr(at, '\n', (size_t)(end - at));
		at = stop ? stop + 1 : end;
		n = (size_t)((stop ? stop : end) - line);
		if (n > 0 && line[n - 1] == '\r')
			n--;
		hash = memchr(line, '#', n);
		if (hash != NULL)
			n = (size_t)(hash - line);
		if (contains(line, n, "--")) {
			section = directive(c, line, n);
			continue;
		}
		switch (section) {
		case SECTION_NONE:
			break;
		case SECTION_ASM:
			engine_text_add(&c->asm_text, line, n);
			break;
		case SECTION_RAW:
			engine_text_add(&c->raw, line, n);
			break;
		case SECTION_MEM:
			engine_text_add(&c->mem_text, line, n);
			break;
		case SECTION_AFTER:
			engine_text_add(&c->after_text, line, n);
			break;
		case SECTION_RESULT:
			keep_line(c->result, sizeof(c->result), line, n);
			break;
		case SECTION_ERROR:
			keep_line(c->error, sizeof(c->error), line, n);
			break;
		}
	}
	hex_bytes(&c->mem, &c->mem_text);
	hex_bytes(&c->after, &c->after_text);
}

bool
engine_case_read(struct engine_case *c, const char *path)
{
	size_t len = 0;
	char *data = read_file(path, &len);

	memset(c, 0, sizeof(*c));
	if (data == NULL)
		return false;
	split_case(c, data, len);
	free(data);
	return true;
}

void
engine_case_clear(struct engine_case *c)
{
	free(c->asm_text.data);
	free(c->raw.data);
	free(c->mem_text.data);
	free(c->after_text.data);
	free(c->mem.data);
	free(c->after.data);
	free(c->insns);
}

bool
engine_case_insns(struct engine_case *c, char *why, size_t size)
{
	struct gebpf_error err = { 0 };
	char *at, *end;
	uint64_t word;

	if (!c->has_raw) {
		if (gebpf_asm(c->asm_text.data ? c->asm_text.data : "",
			      c->asm_text.len, &c->insns, &c->count,
			      &err) == 0)
			return true;
		snprintf(why, size, "%s", err.text);
		return false;
	}
	c->insns = malloc(c->raw.len * 8 + 8);
	for (at = c->raw.data; at != NULL; at = end) {
		word = strtoull(at, &end, 0);
		if (end == at)
			break;
		memcpy(&c->insns[c->count++], &word, 8);
	}
	return true;
}

uint64_t
engine_case_result(const struct engine_case *c)
{
	return c->result[0] == '-' ? (uint64_t)strtoll(c->result, NULL, 0) :
				     strtoull(c->result, NULL, 0);
}
