/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of gebpf map share: a map with its type information, and how
 * one element is shown.
 */
#ifndef CMD_MAP_H
#define CMD_MAP_H

#include "cmd/cmd.h"

struct map {
	struct ebpf_rep_map_info info;
	struct gebpf_btf *btf; /* NULL: untyped */
	uint32_t cpus;
	bool per_cpu;
	size_t value_room; /* bytes of one value in messages */
};

int map_open(struct cmd *cmd, uint32_t id, struct map *map);
void map_close(struct map *map);
bool map_is_typed(const struct map *map); /* shown typed in plain text */
bool map_has_records(const struct map *map); /* and no elements */
bool map_holds_ids(const struct map *map); /* of programs or maps */

bool map_has_no_keys(const struct map *map); /* queue, stack, bloom_filter */

/* A map from the words MAP [key DATA], with room for a key and a value. */
struct map_element {
	struct map map;
	uint8_t *key, *value;
	bool has_key;
};
int map_element_open(struct cmd *cmd, struct map_element *e);
void map_element_close(struct map_element *e);
/* DATA of a value, or a MAP or PROG where the map holds these, into e->value. */
int map_parse_value(struct cmd *cmd, struct map_element *e);
/* The same behind the word "value", without which it is missing. */
int map_take_value(struct cmd *cmd, struct map_element *e);
/* The words for flags of map create; NULL after the last. */
const char *map_flag_name(size_t i);
/* What the device said about what was tried, in the words of the map. */
int map_failed(struct cmd *cmd, const struct map_element *e, const char *what,
	       int error);

/* The line "12: hash  name flows  flags 0x0" and its JSON members. */
void map_show_head(struct out *out, const struct ebpf_rep_map_info *info);

/*
 * One element. Plain: bpftool's lines; JSON: an object. value NULL: there is
 * none. typed: where typed plain output goes (bpftool's pretty JSON), the same
 * as out otherwise.
 */
void map_show_element(struct out *out, const struct map *map,
		      const uint8_t *key, const uint8_t *value);
void map_show_typed(struct out *out, const struct map *map,
		    const uint8_t *key, const uint8_t *value, bool human);

#endif
