/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Writes the table of gebpf-asm(7): a row for each line of insn.def, spelled by
 * the disassembler. Run by the Makefile only.
 */
#include <stdio.h>
#include <string.h>

#include "client/gebpf.h"

struct row {
	const char *op;
	uint8_t code;
	enum ebpf_sel sel;
	int32_t value;
	enum ebpf_form form;
	int cpu;
	const char *group;
};

static const struct row rows[] = {
#define EBPF_INSN(op, code, sel, value, form, fn, width, cpu, group) \
	{ #op, code, EBPF_SEL_##sel, value, EBPF_FORM_##form, cpu, #group },
#include "abi/insn.def"
};

/* Fields that an instruction's form uses, as insn.def says. */
static unsigned int
fields(enum ebpf_form wanted)
{
	static const unsigned int of[] = {
#define EBPF_FORM(form, fields) [EBPF_FORM_##form] = (fields),
#include "abi/insn.def"
	};

	return of[wanted];
}

/* Table cells are macro arguments: words that begin one must not be read so. */
static void
cell(const char *text)
{
	printf("\\&");
	for (; *text; text++)
		fputs(*text == '\\' ? "\\e" : (const char[]){ *text, 0 },
		      stdout);
}

static void
print(const struct row *row)
{
	struct ebpf_insn insns[2] = { { .code = row->code } };
	struct gebpf_disasm options = { .style = GEBPF_DISASM_KERNEL };
	unsigned int used = fields(row->form);
	char kernel[128], mnemonic[128], group[32];
	size_t i;

	if (row->form == EBPF_FORM_LDDW_HI)
		return;
	if (used & EBPF_FIELD_DST)
		insns[0].regs |= 1;
	if (used & EBPF_FIELD_SRC)
		insns[0].regs |= 2 << 4;
	if (used & EBPF_FIELD_OFF)
		insns[0].off = 8;
	if (used & EBPF_FIELD_IMM)
		insns[0].imm = 5;
	if (row->sel == EBPF_SEL_OFF)
		insns[0].off = (int16_t)row->value;
	if (row->sel == EBPF_SEL_IMM)
		insns[0].imm = row->value;
	if (row->sel == EBPF_SEL_SRC)
		insns[0].regs = (uint8_t)((insns[0].regs & 15) |
					  row->value << 4);
	gebpf_disasm(insns, 2, 0, &options, kernel, sizeof(kernel));
	options.style = GEBPF_DISASM_ASM;
	gebpf_disasm(insns, 2, 0, &options, mnemonic, sizeof(mnemonic));
	for (i = 0; row->group[i] && i + 1 < sizeof(group); i++)
		group[i] = (char)(row->group[i] | 0x20 * (row->group[i] >= 'A'));
	group[i] = 0;

	printf(".It Li 0x%02x Ta Li \"", row->code);
	cell(kernel);
	printf("\" Ta Li \"");
	cell(mnemonic);
	printf("\" Ta v%d Ta %s\n", row->cpu, group);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print(&rows[i]);
	return 0;
}
