/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The numbers of the verifier's rules; sentences are in rule.def. */
#ifndef ABI_RULE_H
#define ABI_RULE_H

enum ebpf_rule {
#define EBPF_RULE(name, sentence, fix) EBPF_RULE_##name,
#include "abi/rule.def"
	EBPF_RULE_COUNT
};

#endif
