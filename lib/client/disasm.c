/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The disassembler: one raw instruction to text, in the kernel's style (as the
 * kernel's verifier and bpftool print it) or the mnemonic one. What it prints
 * the assembler reads back to the same bytes, also for what is no instruction.
 */
#include <stdio.h>
#include <string.h>

#include "client/gebpf.h"
#include "client/insn_rows.h"

/* The instruction being printed, taken apart. */
struct view {
	const struct gebpf_row *row;
	int index; /* of the row */
	uint32_t slot;
	unsigned int dst, src;
	int off, imm;
	uint64_t wide; /* lddw */
	const struct gebpf_disasm *options;
};

static const char *
kernel_type(const struct view *v)
{
	bool is_signed = v->row->fn == EBPF_FN_LDXS;

	switch (v->row->width) {
	case 8:
		return is_signed ? "s8" : "u8";
	case 16:
		return is_signed ? "s16" : "u16";
	case 32:
		return is_signed ? "s32" : "u32";
	default:
		return "u64";
	}
}

/* "map[id:5]", "0x1122334455667788" */
static void
wide_operand(const struct view *v, char *text, size_t size)
{
	unsigned int low = (uint32_t)v->wide;
	unsigned int high = (uint32_t)(v->wide >> 32);

	switch (v->index) {
	case EBPF_OP_LDDW_MAP:
		snprintf(text, size, "map[id:%u]", low);
		break;
	case EBPF_OP_LDDW_MAP_VALUE:
		snprintf(text, size, "map[id:%u][0]+%u", low, high);
		break;
	case EBPF_OP_LDDW_MAP_IDX:
		snprintf(text, size, "map[idx:%u]", low);
		break;
	case EBPF_OP_LDDW_MAP_IDX_VALUE:
		snprintf(text, size, "map[idx:%u]+%u", low, high);
		break;
	case EBPF_OP_LDDW_FUNC:
		snprintf(text, size, "subprog[%+d]", (int)low);
		break;
	case EBPF_OP_LDDW_BTF_VAR:
		snprintf(text, size, "btf_var[0x%llx]",
			 (unsigned long long)v->wide);
		break;
	default:
		snprintf(text, size, "0x%llx", (unsigned long long)v->wide);
		break;
	}
}

static void
call(const struct view *v, char *text, size_t size)
{
	const struct gebpf_disasm *o = v->options;
	const char *name = NULL;

	switch (v->index) {
	case EBPF_OP_CALL_HELPER:
		if (o == NULL || o->helper == NULL) {
			snprintf(text, size, "call %d", v->imm);
			break;
		}
		name = o->helper(o->cookie, (uint32_t)v->imm);
		if (name == NULL)
			snprintf(text, size, "call unknown#%d", v->imm);
		else
			snprintf(text, size, "call %s%s#%d",
				 strncmp(name, "bpf_", 4) == 0 ? "" : "bpf_",
				 name, v->imm);
		break;
	case EBPF_OP_CALL_LOCAL:
		if (o != NULL && o->func != NULL)
			name = o->func(o->cookie,
				       v->slot + 1 + (uint32_t)v->imm);
		snprintf(text, size, "call pc%+d%s%s", v->imm, name ? "#" : "",
			 name ? name : "");
		break;
	case EBPF_OP_CALL_KFUNC:
		snprintf(text, size, "call kfunc#%d", v->imm);
		break;
	default:
		snprintf(text, size, "callx r%u", v->dst);
		break;
	}
}

/* The body of an atomic's name: "add", "or"... */
static const char *
fetch_word(enum ebpf_fn fn)
{
	const char *word = gebpf_fns[fn].word;
	const char *blank = strchr(word, ' ');

	return blank ? blank + 1 : word;
}

static void
kernel_atomic(const struct view *v, char *text, size_t size)
{
	const char *type = kernel_type(v);
	const char *bits = v->row->width == 64 ? "64" : "";
	enum ebpf_fn fn = (enum ebpf_fn)v->row->fn;

	switch (fn) {
	case EBPF_FN_FETCH_ADD:
	case EBPF_FN_FETCH_OR:
	case EBPF_FN_FETCH_AND:
	case EBPF_FN_FETCH_XOR:
		snprintf(text, size,
			 "r%u = atomic%s_fetch_%s((%s *)(r%u %+d), r%u)",
			 v->src, bits, fetch_word(fn), type, v->dst, v->off,
			 v->src);
		break;
	case EBPF_FN_XCHG:
		snprintf(text, size, "r%u = atomic%s_xchg((%s *)(r%u %+d), r%u)",
			 v->src, bits, type, v->dst, v->off, v->src);
		break;
	case EBPF_FN_CMPXCHG:
		snprintf(text, size,
			 "r0 = atomic%s_cmpxchg((%s *)(r%u %+d), r0, r%u)",
			 bits, type, v->dst, v->off, v->src);
		break;
	default:
		snprintf(text, size, "lock *(%s *)(r%u %+d) %s r%u", type,
			 v->dst, v->off, gebpf_fns[fn].sign, v->src);
		break;
	}
}

static void
kernel_alu(const struct view *v, char *text, size_t size)
{
	char letter = v->row->width == 64 ? 'r' : 'w';
	const char *sign = gebpf_fns[v->row->fn].sign;

	if (v->row->form == EBPF_FORM_ALU_IMM)
		snprintf(text, size, "%c%u %s %d", letter, v->dst, sign,
			 v->imm);
	else if (v->row->fn == EBPF_FN_MOVSX8 ||
		 v->row->fn == EBPF_FN_MOVSX16 || v->row->fn == EBPF_FN_MOVSX32)
		snprintf(text, size, "%c%u = (s%d)%c%u", letter, v->dst,
			 v->row->value, letter, v->src);
	else
		snprintf(text, size, "%c%u %s %c%u", letter, v->dst, sign,
			 letter, v->src);
}

static void
kernel_style(const struct view *v, char *text, size_t size)
{
	const char *type = kernel_type(v);
	const char *sign = gebpf_fns[v->row->fn].sign;
	const char *word = gebpf_fns[v->row->fn].word;
	char letter = v->row->width == 64 ? 'r' : 'w';
	char wide[64];

	switch ((enum ebpf_form)v->row->form) {
	case EBPF_FORM_ALU_IMM:
	case EBPF_FORM_ALU_REG:
		kernel_alu(v, text, size);
		break;
	case EBPF_FORM_ALU_UNARY:
		snprintf(text, size, "%c%u = -%c%u", letter, v->dst, letter,
			 v->dst);
		break;
	case EBPF_FORM_ENDIAN:
		snprintf(text, size, "r%u = %s%u r%u", v->dst, word,
			 v->row->width, v->dst);
		break;
	case EBPF_FORM_LDX:
		snprintf(text, size, "r%u = *(%s *)(r%u %+d)", v->dst, type,
			 v->src, v->off);
		break;
	case EBPF_FORM_ST:
		snprintf(text, size, "*(%s *)(r%u %+d) = %d", type, v->dst,
			 v->off, v->imm);
		break;
	case EBPF_FORM_STX:
		snprintf(text, size, "*(%s *)(r%u %+d) = r%u", type, v->dst,
			 v->off, v->src);
		break;
	case EBPF_FORM_ATOMIC:
		kernel_atomic(v, text, size);
		break;
	case EBPF_FORM_LOAD_ACQ:
		snprintf(text, size, "r%u = load_acquire((%s *)(r%u %+d))",
			 v->dst, type, v->src, v->off);
		break;
	case EBPF_FORM_STORE_REL:
		snprintf(text, size, "store_release((%s *)(r%u %+d), r%u)",
			 type, v->dst, v->off, v->src);
		break;
	case EBPF_FORM_JA:
		snprintf(text, size, "goto pc%+d", v->off);
		break;
	case EBPF_FORM_JA32:
		snprintf(text, size, "gotol pc%+d", v->imm);
		break;
	case EBPF_FORM_JCC_IMM:
		snprintf(text, size, "if %c%u %s 0x%x goto pc%+d", letter,
			 v->dst, sign, (unsigned int)v->imm, v->off);
		break;
	case EBPF_FORM_JCC_REG:
		snprintf(text, size, "if %c%u %s %c%u goto pc%+d", letter,
			 v->dst, sign, letter, v->src, v->off);
		break;
	case EBPF_FORM_CALL:
	case EBPF_FORM_CALL_LOCAL:
	case EBPF_FORM_CALLX:
		call(v, text, size);
		break;
	case EBPF_FORM_EXIT:
		snprintf(text, size, "exit");
		break;
	case EBPF_FORM_LDDW:
	case EBPF_FORM_LDDW_HI:
		wide_operand(v, wide, sizeof(wide));
		snprintf(text, size, "r%u = %s", v->dst, wide);
		break;
	case EBPF_FORM_LD_ABS:
		snprintf(text, size, "r0 = *(%s *)skb[%d]", type, v->imm);
		break;
	case EBPF_FORM_LD_IND:
		snprintf(text, size, "r0 = *(%s *)skb[r%u + %d]", type, v->src,
			 v->imm);
		break;
	case EBPF_FORM_COUNT:
		break;
	}
}

static void
mnemonic_style(const struct view *v, char *text, size_t size)
{
	char name[GEBPF_ROW_NAME_SIZE], wide[64];

	gebpf_row_name(v->index, name, sizeof(name));
	switch ((enum ebpf_form)v->row->form) {
	case EBPF_FORM_ALU_IMM:
		snprintf(text, size, "%s r%u, %d", name, v->dst, v->imm);
		break;
	case EBPF_FORM_ALU_REG:
		snprintf(text, size, "%s r%u, r%u", name, v->dst, v->src);
		break;
	case EBPF_FORM_ALU_UNARY:
	case EBPF_FORM_ENDIAN:
		snprintf(text, size, "%s r%u", name, v->dst);
		break;
	case EBPF_FORM_LDX:
	case EBPF_FORM_LOAD_ACQ:
		snprintf(text, size, "%s r%u, [r%u%+d]", name, v->dst, v->src,
			 v->off);
		break;
	case EBPF_FORM_ST:
		snprintf(text, size, "%s [r%u%+d], %d", name, v->dst, v->off,
			 v->imm);
		break;
	case EBPF_FORM_STX:
	case EBPF_FORM_ATOMIC:
	case EBPF_FORM_STORE_REL:
		snprintf(text, size, "%s [r%u%+d], r%u", name, v->dst, v->off,
			 v->src);
		break;
	case EBPF_FORM_JA:
		snprintf(text, size, "%s %+d", name, v->off);
		break;
	case EBPF_FORM_JA32:
	case EBPF_FORM_CALL_LOCAL:
		snprintf(text, size, "%s %+d", name, v->imm);
		break;
	case EBPF_FORM_JCC_IMM:
		snprintf(text, size, "%s r%u, %d, %+d", name, v->dst, v->imm,
			 v->off);
		break;
	case EBPF_FORM_JCC_REG:
		snprintf(text, size, "%s r%u, r%u, %+d", name, v->dst, v->src,
			 v->off);
		break;
	case EBPF_FORM_CALL:
	case EBPF_FORM_CALLX:
		call(v, text, size);
		break;
	case EBPF_FORM_EXIT:
		snprintf(text, size, "%s", name);
		break;
	case EBPF_FORM_LDDW:
	case EBPF_FORM_LDDW_HI:
		wide_operand(v, wide, sizeof(wide));
		snprintf(text, size, "%s r%u, %s", name, v->dst, wide);
		break;
	case EBPF_FORM_LD_ABS:
		snprintf(text, size, "%s %d", name, v->imm);
		break;
	case EBPF_FORM_LD_IND:
		snprintf(text, size, "%s r%u, %d", name, v->src, v->imm);
		break;
	case EBPF_FORM_COUNT:
		break;
	}
}

int
gebpf_disasm(const struct ebpf_insn *insns, uint32_t count, uint32_t index,
	     const struct gebpf_disasm *options, char *text, size_t size)
{
	const struct ebpf_insn *insn = &insns[index];
	struct view v = {
		.slot = index,
		.dst = insn->regs & 15,
		.src = insn->regs >> 4,
		.off = insn->off,
		.imm = insn->imm,
		.options = options,
	};
	uint64_t quad;

	if (size == 0)
		return -EBPF_EINVAL;
	text[0] = '\0';
	v.index = gebpf_row_of(insns, count, index);
	if (v.index < 0) {
		memcpy(&quad, insn, sizeof(quad));
		snprintf(text, size, ".quad 0x%llx", (unsigned long long)quad);
		return -EBPF_EINVAL;
	}
	v.row = &gebpf_rows[v.index];
	if (v.row->form == EBPF_FORM_LDDW)
		v.wide = (uint64_t)(uint32_t)insn->imm |
			 (uint64_t)(uint32_t)insn[1].imm << 32;
	if (options != NULL && options->style == GEBPF_DISASM_ASM) {
		mnemonic_style(&v, text, size);
	} else {
		if (options != NULL && options->code_prefix && size > 5) {
			snprintf(text, size, "(%02x) ", insn->code);
			text += 5;
			size -= 5;
		}
		kernel_style(&v, text, size);
	}
	return v.row->form == EBPF_FORM_LDDW ? 2 : 1;
}
