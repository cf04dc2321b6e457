/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The words of a refusal that do not depend on who refuses: the rules of
 * rule.def, the place in the source, and the shape in which both are told, to
 * people (the log) and to programs (its records, abi/wire.h). Used by loading
 * and by the verifier; knows nothing of registers.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "core/log.h"
#include "core/prog.h"

/* Line information of a program; nothing in it need have been checked. */
struct ebpf_source {
	const struct ebpf_btf *btf; /* NULL: there is none */
	const struct ebpf_line_info *lines;
	uint32_t count;
};

/* Where an instruction comes from. */
struct ebpf_place {
	const char *file, *text; /* never NULL */
	uint32_t line, column;
	bool begins; /* this very instruction begins the line */
};

const char *ebpf_rule_name(enum ebpf_rule rule);
const char *ebpf_rule_fix(enum ebpf_rule rule);

/* false: nothing is known of that instruction. */
bool ebpf_source_find(const struct ebpf_source *source, uint32_t insn,
		      struct ebpf_place *place);
/* "count.bpf.c:18" */
void ebpf_log_place(struct ebpf_log *log, const struct ebpf_place *place);
/* The same as four fields of a record: "\tFILE\tLINE\tCOLUMN\tTEXT". */
void ebpf_record_place(struct ebpf_log *records,
		       const struct ebpf_source *source, uint32_t insn);

/*
 * "rejected: ..." with the source line and a caret. After this comes what the
 * caller knows (the instruction, registers), then the end.
 */
void ebpf_report_begin(struct ebpf_log *log, enum ebpf_rule rule,
		       const char *words, const struct ebpf_source *source,
		       uint32_t insn);
/* The rule, and what would mend it; fix NULL: as the rule is commonly kept. */
void ebpf_report_end(struct ebpf_log *log, enum ebpf_rule rule,
		     const char *fix);

#endif
