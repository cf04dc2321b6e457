/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Function and line information of a program: copied and checked at load, so
 * that whoever prints it later needs no checks. It never changes what runs.
 */
#include "core/btf.h"
#include "core/prog_load.h"
#include "core/runtime.h"

enum {
	BTF_KIND_FUNC = 12,
};

static bool
is_func_type(const struct ebpf_btf *btf, uint32_t id)
{
	uint32_t info;

	if (id == 0 || id > btf->type_count)
		return false;
	memcpy(&info, btf->data + btf->type_offs[id] + 4, sizeof(info));
	return (info >> 24 & 0x1f) == BTF_KIND_FUNC;
}

static int
check_funcs(struct ebpf_loading *l)
{
	const struct ebpf_prog *prog = l->prog;
	const struct ebpf_func_info *infos = prog->func_infos;
	uint32_t i;

	for (i = 0; i < prog->func_info_count; i++) {
		if (infos[i].insn >= prog->op_count ||
		    l->ops[infos[i].insn].code == EBPF_OP_LDDW_HI)
			return ebpf_reject(l, 0, EBPF_RULE_DEBUG_INFO,
					   "function %u begins at no "
					   "instruction", i);
		if (i == 0 ? infos[0].insn != 0 :
			     infos[i].insn <= infos[i - 1].insn)
			return ebpf_reject(l, infos[i].insn,
					   EBPF_RULE_DEBUG_INFO,
					   "functions are not in order from 0");
		if (!is_func_type(prog->btf, infos[i].type_id))
			return ebpf_reject(l, infos[i].insn,
					   EBPF_RULE_DEBUG_INFO,
					   "type %u is no function",
					   infos[i].type_id);
	}
	return 0;
}

static int
check_lines(struct ebpf_loading *l)
{
	const struct ebpf_prog *prog = l->prog;
	const struct ebpf_line_info *infos = prog->line_infos;
	uint32_t i;

	for (i = 0; i < prog->line_info_count; i++) {
		if (infos[i].insn >= prog->op_count ||
		    l->ops[infos[i].insn].code == EBPF_OP_LDDW_HI)
			return ebpf_reject(l, 0, EBPF_RULE_DEBUG_INFO,
					   "line %u begins at no instruction",
					   i);
		if (i > 0 && infos[i].insn <= infos[i - 1].insn)
			return ebpf_reject(l, infos[i].insn,
					   EBPF_RULE_DEBUG_INFO,
					   "lines are not in order");
		if (infos[i].file_off >= prog->btf->strings_len ||
		    infos[i].line_off >= prog->btf->strings_len)
			return ebpf_reject(l, infos[i].insn,
					   EBPF_RULE_DEBUG_INFO,
					   "line %u has no text", i);
	}
	return 0;
}

static void *
copy(const void *from, uint32_t count, size_t size)
{
	void *to = os_alloc(count * size);

	if (to)
		memcpy(to, from, count * size);
	return to;
}

int
ebpf_load_infos(struct ebpf_loading *l)
{
	const struct ebpf_load *load = &l->load;
	struct ebpf_prog *prog = l->prog;
	int error;

	if (load->func_count) {
		prog->func_infos = copy(load->funcs, load->func_count,
					sizeof(load->funcs[0]));
		if (!prog->func_infos)
			return -EBPF_ENOMEM;
		prog->func_info_count = load->func_count;
	}
	if (load->line_count) {
		prog->line_infos = copy(load->lines, load->line_count,
					sizeof(load->lines[0]));
		if (!prog->line_infos)
			return -EBPF_ENOMEM;
		prog->line_info_count = load->line_count;
	}
	error = check_funcs(l);
	return error ? error : check_lines(l);
}
