/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf batch: commands from a file, one a line, over one connection. A line
 * may be quoted as in a shell, continued with a backslash, and end in a
 * comment. In JSON each command's value stands beside its words.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/input.h"
#include "cmd/run.h"

enum { WORD_MAX = 4096, FILE_MAX = 256 << 20 };

/*
 * The next line at *at into words, which point into the text. Returns their
 * count, or -1 with why.
 */
static int
split(char **at, char **words, int *lines, const char **why)
{
	char *from = *at, *to = *at;
	int count = 0;

	*lines = 0;
	for (;;) {
		char quote = '\0';

		while (*from == ' ' || *from == '\t' || *from == '\r' ||
		       (*from == '\\' && from[1] == '\n')) {
			*lines += *from == '\\';
			from += *from == '\\' ? 2 : 1;
		}
		if (*from == '#')
			while (*from != '\0' && *from != '\n')
				from++;
		if (*from == '\0' || *from == '\n')
			break;
		if (count == WORD_MAX) {
			*why = "too many words";
			return -1;
		}
		words[count++] = to;
		while (*from != '\0' &&
		       (quote != '\0' || strchr(" \t\r\n", *from) == NULL)) {
			if (quote == '\0' && (*from == '\'' || *from == '"')) {
				quote = *from++;
			} else if (quote != '\0' && *from == quote) {
				quote = '\0';
				from++;
			} else if (*from == '\\' && quote != '\'' &&
				   from[1] != '\0') {
				if (from[1] == '\n' && quote == '\0')
					break;
				from++;
				*to++ = *from++;
			} else {
				*to++ = *from++;
			}
		}
		if (quote != '\0') {
			*why = "a quote is not closed";
			return -1;
		}
		/* to never passes from, so the end can be written once the
		 * character there has been looked at */
		if (*from == ' ' || *from == '\t' || *from == '\r') {
			from++;
			*to++ = '\0';
		} else if (*from == '\n' || *from == '\0') {
			char end = *from;

			*lines += end == '\n';
			*to = '\0';
			*at = end == '\0' ? from : from + 1;
			return count;
		} else { /* backslash and newline */
			from += 2;
			*lines += 1;
			*to++ = '\0';
		}
	}
	*lines += *from == '\n';
	*at = *from == '\0' ? from : from + 1;
	return count;
}

static int
run_line(struct cmd *cmd, int count, char **words)
{
	struct run_words run;
	struct out *out = cmd->out;
	unsigned int depth;
	int error;

	out_object(out, NULL);
	out_array(out, "command");
	for (int i = 0; i < count; i++)
		out_string(out, NULL, NULL, words[i]);
	out_end(out);
	/* A place for exactly one value, whatever the command does. */
	depth = out->depth;
	out->anything = false;
	out->value_key = "output";
	out->value_depth = depth;
	memset(&cmd->err, 0, sizeof(cmd->err));
	error = run_resolve(cmd, count, words, &run);
	if (error == 0 && run.noun != NULL && strcmp(run.noun, "batch") == 0)
		error = cmd_fail(cmd, CMD_EUSAGE, "a batch cannot run a batch");
	if (error == 0)
		error = run_resolved(cmd, &run);
	error = run_finish(cmd, error, NULL, depth);
	out->value_key = NULL;
	out_end(out);
	out->anything = true;
	out_flush(out);
	return error;
}

int
cmd_batch_file(struct cmd *cmd)
{
	const struct command *self = cmd->command;
	const char *path = cmd_take(cmd);
	char **words, *at, *text, *end;
	bool keep_going, debug = cmd->debug, pins = cmd->pins;
	int line = 1, done = 0, bad = 0, first_bad = 0, first_error = 0;
	struct gebpf_error first = { .code = 0 };
	void *data;
	size_t len;
	int error;

	if (path == NULL)
		return cmd->err.code;
	keep_going = cmd_take_if(cmd, "keep_going");
	error = cmd_done(cmd);
	if (error == 0)
		error = input_file(cmd, path, FILE_MAX, &data, &len);
	if (error != 0)
		return error;
	/* Nothing is done of what would be left off in the middle. */
	if (memchr(data, '\0', len) != NULL) {
		free(data);
		return cmd_fail(cmd, CMD_EUSAGE,
				"%s: not text: there are zero bytes in it",
				path);
	}
	words = calloc(WORD_MAX + 1, sizeof(*words));
	if (words == NULL) {
		free(data);
		return cmd_no_memory(cmd);
	}
	at = text = data;
	end = text + len;
	cmd->in_batch = true;
	out_array(cmd->out, NULL);
	while (at < end && *at != '\0') {
		const char *why = "";
		int lines, count = split(&at, words, &lines, &why);

		if (count < 0) {
			error = cmd_fail(cmd, CMD_EUSAGE, "%s:%d: %s", path,
					 line, why);
			if (!out_is_plain(cmd->out))
				cmd_error_object(cmd, NULL);
			else
				cmd_error_print(cmd);
		} else if (count > 0)
			error = run_line(cmd, count, words);
		cmd->debug = debug;
		cmd->pins = pins;
		if (error != 0 && first_error == 0) {
			first_error = error;
			first_bad = line;
			first = cmd->err;
		}
		if (error != 0)
			bad++;
		else if (count > 0)
			done++;
		line += lines;
		if (count < 0 || (error != 0 && !keep_going))
			break;
		error = 0;
	}
	out_end(cmd->out);
	cmd->in_batch = false;
	cmd->command = self;
	cmd->err = first;
	error = 0;
	if (bad > 0) {
		error = keep_going && done > 0 ? -CMD_EPARTLY : first_error;
		cmd_fail(cmd, error,
			 keep_going ? "%s:%d: %d of %d commands failed"
				    : "%s:%d: the batch stopped there",
			 path, first_bad, bad, bad + done);
		/* With JSON the failing command's error is its output. */
		if (out_is_plain(cmd->out))
			cmd_error_print(cmd);
		cmd->err_shown = true;
	} else {
		out_text(cmd->out, "processed %d commands\n", done);
	}
	free(words);
	free(data);
	return error;
}
