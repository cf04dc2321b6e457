/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * YAML by libyaml's emitter, event by event: the same tree as JSON. Each value
 * at the top is a document of its own. Arrays of bytes are written on one line.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "abi/error.h"
#include "cmd/out.h"

static void
emit(struct out *out, yaml_event_t *event, int made)
{
	if (!made || !yaml_emitter_emit(out->state, event))
		out->error = -EBPF_EIO;
}

static int
yaml_begin(struct out *out)
{
	yaml_emitter_t *emitter = calloc(1, sizeof(*emitter));
	yaml_event_t event;

	if (emitter == NULL)
		return -EBPF_ENOMEM;
	if (!yaml_emitter_initialize(emitter)) {
		free(emitter);
		return -EBPF_ENOMEM;
	}
	out->state = emitter;
	yaml_emitter_set_output_file(emitter, out->file);
	yaml_emitter_set_unicode(emitter, 1);
	yaml_emitter_set_width(emitter, -1);
	emit(out, &event,
	     yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	return 0;
}

static void
yaml_end(struct out *out)
{
	yaml_event_t event;

	emit(out, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(out->state);
	free(out->state);
}

/* Would a reader take this string for a number, a boolean or null? */
static bool
ambiguous(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no",
					     "on",   "off",   "null", "y",
					     "n" };

	if (*text == '\0' || strchr("0123456789+-.~=<", *text) != NULL)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static void
scalar(struct out *out, const char *text, bool is_string)
{
	char *copy = strdup(text);
	yaml_event_t event;
	bool quote = is_string && ambiguous(text);

	if (copy == NULL) {
		out->error = -EBPF_ENOMEM;
		return;
	}
	/* What is no ASCII may be no UTF-8 either, and libyaml would stop. */
	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c >= 127 ||
		    ((unsigned char)*c < 32 && *c != '\n' && *c != '\t'))
			*c = '?';
	emit(out, &event,
	     yaml_scalar_event_initialize(
		     &event, NULL, NULL, (yaml_char_t *)copy,
		     (int)strlen(copy), !quote, 1,
		     quote ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
			   : YAML_ANY_SCALAR_STYLE));
	free(copy);
}

/* Document start and key before a value. */
static void
before(struct out *out, const char *key)
{
	yaml_event_t event;

	if (out->depth == 0)
		emit(out, &event,
		     yaml_document_start_event_initialize(&event, NULL, NULL,
							  NULL, 1));
	if (key != NULL)
		scalar(out, key, true);
}

static void
after(struct out *out)
{
	yaml_event_t event;

	if (out->depth > 0)
		return;
	emit(out, &event, yaml_document_end_event_initialize(&event, 1));
	if (!yaml_emitter_flush(out->state))
		out->error = -EBPF_EIO;
}

static void
yaml_open(struct out *out, const char *key, char bracket)
{
	bool bytes = key != NULL &&
		     (strcmp(key, "key") == 0 || strcmp(key, "value") == 0);
	yaml_event_t event;

	before(out, key);
	if (bracket == '{')
		emit(out, &event,
		     yaml_mapping_start_event_initialize(
			     &event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
	else
		emit(out, &event,
		     yaml_sequence_start_event_initialize(
			     &event, NULL, NULL, 1,
			     bytes ? YAML_FLOW_SEQUENCE_STYLE
				   : YAML_BLOCK_SEQUENCE_STYLE));
}

static void
yaml_close(struct out *out, char bracket)
{
	yaml_event_t event;

	emit(out, &event,
	     bracket == '{' ? yaml_mapping_end_event_initialize(&event)
			    : yaml_sequence_end_event_initialize(&event));
	after(out);
}

static bool
hidden(const struct out *out, const char *key)
{
	return key == NULL && out->depth > 0 &&
	       out->open[out->depth - 1] == '{';
}

static void
yaml_word(struct out *out, const char *key, const char *plain,
	  const char *text, const char *hex)
{
	if (hidden(out, key))
		return;
	before(out, key);
	scalar(out, text, false);
	after(out);
}

static void
yaml_string(struct out *out, const char *key, const char *plain,
	    const char *text)
{
	if (hidden(out, key))
		return;
	before(out, key);
	scalar(out, text, true);
	after(out);
}

const struct out_ops out_yaml_ops = {
	.begin = yaml_begin,
	.open = yaml_open,
	.close = yaml_close,
	.word = yaml_word,
	.string = yaml_string,
	.end = yaml_end,
};
