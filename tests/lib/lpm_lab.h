/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What an lpm_trie promises of itself, for its tests. Nobody changes it. */
#ifndef TESTS_LPM_LAB_H
#define TESTS_LPM_LAB_H

#include "core/lpm_trie.h"

struct lpm_lab_seen {
	uint32_t nodes; /* tables as well */
	uint32_t tables;
	uint32_t bits; /* of the widest */
	uint32_t elements;
	bool good;
};

/*
 * Nodes and tables have two references at least and their bits to themselves,
 * tables count what they have and find their own prefixes, and every node is
 * somewhere. What was seen, unless that is NULL.
 */
bool lpm_lab_check(struct ebpf_map *map, struct lpm_lab_seen *result);

#endif
