/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf doctor between its files: what was looked at, and what came out. A
 * check has a name, a state, a sentence and, unless all is well, what to type.
 */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include <limits.h>

#include "cmd/cmd.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_MISSING, /* not there */
	DOCTOR_WRONG,	/* there, and no good */
};

struct doctor {
	struct cmd *cmd;
	const char *root;   /* GEBPF_DOCTOR_ROOT: stands before every path; "" */
	bool kernel;	    /* the kernel's device is what is to be used */
	unsigned int count, needed_bad;
	const char *first_bad; /* name of the first that is needed */
};

/* One check; `type` is what to type, NULL or "" for nothing. */
void doctor_say(struct doctor *doctor, const char *name,
		enum doctor_state state, bool needed, const char *type,
		const char *format, ...) __attribute__((format(printf, 6, 7)));

/* A path below root. */
void doctor_path(const struct doctor *doctor, char *path, size_t size,
		 const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool doctor_exists(const struct doctor *doctor, const char *path);
/* The first line of a file without its newline; false: it cannot be read. */
bool doctor_line(const struct doctor *doctor, const char *path, char *line,
		 size_t size);
/* Whether a line of a file begins with these words. */
bool doctor_has(const struct doctor *doctor, const char *path,
		const char *begin);

void doctor_process(struct doctor *doctor); /* doctor_process.c */
void doctor_kernel(struct doctor *doctor);  /* doctor_kernel.c */

#endif
