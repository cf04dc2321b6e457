/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PROG, MAP and LINK on the command line: from words to ids. The device is
 * opened on the way; a program may also come from a file, which is loaded.
 */
#ifndef CMD_HANDLE_H
#define CMD_HANDLE_H

#include "cmd/cmd.h"

struct handle_list {
	uint32_t *ids;
	size_t count;
};

/* Exactly one; a name or tag that several have is an error with their ids. */
int handle_one(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t *id);
/* All that a name or tag means, at least one. */
int handle_many(struct cmd *cmd, enum ebpf_object_kind kind,
		struct handle_list *list);
/* Every object of the kind. */
int handle_all(struct cmd *cmd, enum ebpf_object_kind kind,
	       struct handle_list *list);
void handle_free(struct handle_list *list);
/* Show what the words name, or all; several, or all, as an array. */
int handle_show(struct cmd *cmd, enum ebpf_object_kind kind,
		int (*show)(struct cmd *cmd, uint32_t id));

int handle_prog_info(struct cmd *cmd, uint32_t id,
		     struct ebpf_rep_prog_info *info);
int handle_map_info(struct cmd *cmd, uint32_t id,
		    struct ebpf_rep_map_info *info);
int handle_link_info(struct cmd *cmd, uint32_t id,
		     struct ebpf_rep_link_info *info);
const char *handle_what(enum ebpf_object_kind kind); /* "program" */

/*
 * Pins of an object, "pinned" array or plain lines. each: called per pin;
 * returns non-zero to stop.
 */
int handle_each_pin(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t id,
		    int (*each)(void *cookie, const char *pin), void *cookie);
void handle_show_pins(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t id);
int handle_pin(struct cmd *cmd, enum ebpf_object_kind kind, uint32_t id,
	       const char *pin, bool replace);
int handle_unpin(struct cmd *cmd, const char *pin);
/* The pin and unpin verbs of all nouns. */
int handle_pin_command(struct cmd *cmd, enum ebpf_object_kind kind);
int handle_unpin_command(struct cmd *cmd, enum ebpf_object_kind kind);

#endif
