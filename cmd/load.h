/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects and C sources as files: opened, compiled where needed, a program
 * chosen and loaded. Used by handles ("file OBJ"), prog load and prog verify.
 */
#ifndef CMD_LOAD_H
#define CMD_LOAD_H

#include "cmd/cmd.h"

struct load_file {
	const char *path;
	struct gebpf_object *object;
	const char *prog; /* the one asked for, or NULL */
	uint32_t kind;	  /* EBPF_PROG_..., 0: as the section says */
	char base[EBPF_NAME_SIZE]; /* "l2" of dir/l2.bpf.o */
};

/* Open a path; .c is compiled. */
int load_file_open(struct cmd *cmd, const char *path, struct load_file *file);
/* OBJ [prog S] [type T] from the words, opened. */
int load_file_words(struct cmd *cmd, struct load_file *file);
void load_file_close(struct load_file *file);

/* "type T" on the command line. */
int load_parse_kind(struct cmd *cmd, uint32_t *kind);
/* The program asked for, else the first (with a note when there are more);
 * sets its kind, or says that none is known. */
int load_file_pick(struct cmd *cmd, struct load_file *file,
		   struct gebpf_obj_prog **prog);
int load_set_kind(struct cmd *cmd, struct load_file *file,
		  struct gebpf_obj_prog *prog);

/*
 * Load one program on cmd->dev. flags: EBPF_PROG_*. On rejection the
 * verifier's words are in the error. log (may be NULL) is malloc'd for the
 * caller when log_level > 0. result may be NULL.
 */
int load_prog(struct cmd *cmd, struct load_file *file,
	      struct gebpf_obj_prog *prog, uint32_t flags, const char *name,
	      uint32_t log_level, char **log,
	      struct ebpf_rep_prog_load *result);
/* What the verifier told in records is in cmd->report afterwards. */

/*
 * explain.c: a report's members of the object that is open, where output is
 * JSON or YAML (the report is cut up); the stack of functions in plain text.
 */
void explain_members(struct out *out, char *report);
void explain_stack(struct out *out, const char *report);
/* Pick and load; the session holds it. */
int load_file_prog(struct cmd *cmd, struct load_file *file, uint32_t *id);

/* The folder of the headers that programs include, or "" when there is none. */
void compile_include_folder(char *folder, size_t size);
/* Compile a C file for BPF into memory. */
int compile_source(struct cmd *cmd, const char *path, void **data,
		   size_t *len);

#endif
