/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every command is given: its words, the options, the writer, the device
 * (opened when first asked for, kept over a batch) and the place for an error.
 * A command returns 0, or what cmd_fail() returned.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "client/gebpf.h"
#include "cmd/out.h"

/* Errors that only a command line has; beside the EBPF_E... ones. */
enum cmd_error {
	CMD_EUSAGE = 1001,
	CMD_EPARTLY = 1002,
	CMD_EEXPECT = 1003,
};

enum cmd_exit {
	CMD_EXIT_OK = 0,
	CMD_EXIT_FAILED = 1,
	CMD_EXIT_USAGE = 2,
	CMD_EXIT_NOT_FOUND = 3,
	CMD_EXIT_REJECTED = 4,
	CMD_EXIT_DEVICE = 5,
	CMD_EXIT_UNSUPPORTED = 6,
	CMD_EXIT_BUSY = 7,
	CMD_EXIT_PARTLY = 8,
	CMD_EXIT_EXPECT = 9,
};

struct command;

struct cmd {
	const struct command *command;
	char **words; /* after noun and verb; keywords already completed */
	int count;
	int at;

	enum out_style style;
	struct out *out;
	bool debug, pins, quiet, color_err, in_batch;
	bool use_jit, use_interp;
	const char *target; /* -t; NULL: not given */

	struct gebpf_device *device;
	struct gebpf_device *local; /* for files, when no target was named */
	struct gebpf_device *dev;   /* the one this command uses */
	struct gebpf_error err;
	bool err_shown; /* it is already part of the output */
	char *report;	/* the verifier's, of the last load; NULL: none */
};

/* Fill cmd->err; printf-like; returns -code. code may be negative already. */
int cmd_fail(struct cmd *cmd, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Add to cmd->err; returns cmd->err.code. */
int cmd_hint(struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int cmd_no_memory(struct cmd *cmd);
/* A device without switches was asked for some (EUNSUPPORTED). */
int cmd_no_switches(struct cmd *cmd, int error);
/* There is none of that name (ENOENT): how it would come to be. */
int cmd_no_switch(struct cmd *cmd, int error, const char *name);
enum cmd_exit cmd_exit_code(int code);
const char *cmd_error_name(int code);
/* The error as the JSON object of CLI.md, or as words on stderr. */
void cmd_error_object(struct cmd *cmd, const char *key);
void cmd_error_members(struct cmd *cmd); /* of the object that is open */
void cmd_error_print(struct cmd *cmd);
/* Diagnostics on stderr: notes go with -q, warnings stay. */
void cmd_note(struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cmd_warn(struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Words. peek: NULL at the end. take: the error when there is none. */
const char *cmd_peek(const struct cmd *cmd);
const char *cmd_take(struct cmd *cmd);
bool cmd_take_if(struct cmd *cmd, const char *keyword);
/* "EXTRA is not expected here" when words are left. */
int cmd_done(struct cmd *cmd);
/* The next word as a number of at most max; 0x and 0 prefixes work. */
int cmd_number(struct cmd *cmd, const char *what, uint64_t max, uint64_t *v);
bool cmd_parse_number(const char *text, uint64_t *v); /* unsigned */
/* The next word as a pin: without leading slashes, checked for length. */
int cmd_pin_name(struct cmd *cmd, const char *word, char *pin);
int cmd_copy_name(struct cmd *cmd, const char *what, const char *word,
		  char *name, size_t size);

/* Open the device, once. */
int cmd_open(struct cmd *cmd);
/* Say why no device could be opened; returns the error. */
int cmd_open_failed(struct cmd *cmd, int error, const struct gebpf_error *why);
/* The same for work on a file: "local" unless a target was named. */
int cmd_open_offline(struct cmd *cmd);

#define CMD_NOUN(noun, help)
#define CMD_VERB(noun, verbs, function, flags, grammar, help) \
	int cmd_##function(struct cmd *cmd);
#define CMD_SYMBOL(name, grammar, help)
#include "cmd/command.def"
int cmd_complete(int count, char **words);

#endif
