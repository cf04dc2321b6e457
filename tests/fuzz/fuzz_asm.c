/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hostile assembler text and hostile instruction bytes. The input is taken as
 * both: text that assembles, and any bytes, must survive the way through the
 * disassembler and back, in both styles, unchanged; and the disassembler must
 * call valid exactly what the decoder does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/gebpf.h"
#include "core/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
helper_name(void *cookie, uint32_t number)
{
	return gebpf_helper_name(number);
}

static void
go_round(const struct ebpf_insn *insns, uint32_t count,
	 const struct gebpf_disasm *options)
{
	struct gebpf_error err;
	struct ebpf_insn *back;
	uint32_t i, back_count;
	char *text = malloc((size_t)count * 128 + 1);
	size_t len = 0;
	int used;

	if (text == NULL)
		abort();
	for (i = 0; i < count; i += used < 0 ? 1 : (uint32_t)used) {
		used = gebpf_disasm(insns, count, i, options, text + len, 127);
		len += strlen(text + len);
		text[len++] = '\n';
	}
	if (gebpf_asm(text, len, &back, &back_count, &err) != 0) {
		fprintf(stderr, "%s\n%.*s", err.text, (int)len, text);
		abort();
	}
	if (back_count != count || memcmp(back, insns, count * 8) != 0) {
		fprintf(stderr, "came back different:\n%.*s", (int)len, text);
		abort();
	}
	free(back);
	free(text);
}

static void
all_styles(const struct ebpf_insn *insns, uint32_t count)
{
	static const struct gebpf_disasm styles[] = {
		{ .style = GEBPF_DISASM_KERNEL,
		  .code_prefix = true,
		  .helper = helper_name },
		{ .style = GEBPF_DISASM_ASM },
	};

	go_round(insns, count, &styles[0]);
	go_round(insns, count, &styles[1]);
}

/* Each slot alone, behind it two exits, is valid for both or for none. */
static void
compare_with_decoder(const struct ebpf_insn *insns, uint32_t count)
{
	struct ebpf_insn some[3] = { { 0 }, { 0 }, { 0x95, 0, 0, 0 } };
	struct ebpf_decode_error error;
	struct ebpf_op ops[3];
	char text[128];
	uint32_t i;
	int used, rc;

	for (i = 0; i < count; i++) {
		some[0] = insns[i];
		memset(&some[1], 0, sizeof(some[1]));
		if (some[0].code != 0x18)
			some[1] = some[2];
		used = gebpf_disasm(some, 3, 0, NULL, text, sizeof(text));
		rc = ebpf_decode(some, 3, ops, &error);
		if ((rc == 0 || error.rule != EBPF_RULE_ENCODING) !=
		    (used > 0)) {
			fprintf(stderr, "decoder %d, disassembler '%s'\n", rc,
				text);
			abort();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gebpf_error err = { 0 };
	struct ebpf_insn *insns;
	uint32_t count;

	if (gebpf_asm((const char *)data, size, &insns, &count, &err) == 0) {
		all_styles(insns, count);
		free(insns);
	} else if (err.code == 0 || err.text[0] == '\0') {
		fprintf(stderr, "an error without words\n");
		abort();
	}

	count = size / 8 > 512 ? 512 : (uint32_t)(size / 8);
	if (count == 0)
		return 0;
	insns = malloc(count * 8);
	if (insns == NULL)
		return 0;
	memcpy(insns, data, count * 8);
	all_styles(insns, count);
	compare_with_decoder(insns, count);
	free(insns);
	return 0;
}
