/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog dump, disasm, asm: code as text. The listing is bpftool's: the
 * function's prototype, source lines, the kernel's notation.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/input.h"
#include "cmd/load.h"
#include "cmd/prog.h"

enum { CHUNK = 1 << 20, CODE_MAX = 64 << 20 };

/* ---- fetching ---- */

int
prog_fetch(struct cmd *cmd, uint32_t id, enum ebpf_dump what, void **data,
	   size_t *len)
{
	struct ebpf_req_prog_dump req = { .id = id, .what = what };
	uint8_t *bytes = NULL;
	size_t n = 0, total = 0;
	int error = 0;

	do {
		struct ebpf_rep_data rep = { .size = 0 };
		uint8_t *more = realloc(bytes, n + CHUNK + 1);
		struct gebpf_call call = {
			.number = EBPF_REQUEST_PROG_DUMP,
			.req = &req,
			.req_len = sizeof(req),
			.rep = &rep,
			.rep_len = sizeof(rep),
			.out = more != NULL ? more + n : NULL,
			.out_room = CHUNK,
		};

		if (more == NULL) {
			error = cmd_no_memory(cmd);
			break;
		}
		bytes = more;
		req.offset = (uint32_t)n;
		req.len = CHUNK;
		error = gebpf_request(cmd->dev, &call);
		if (error == 0 && (rep.total > CODE_MAX ||
				   (call.out_len == 0 && n < rep.total)))
			error = -EBPF_EPROTO;
		if (error != 0) {
			cmd_fail(cmd, error,
				 "program %u: reading its code failed: %s", id,
				 gebpf_error_text(error));
			break;
		}
		total = rep.total;
		n += call.out_len;
	} while (n < total);
	if (error != 0) {
		free(bytes);
		bytes = NULL;
		n = 0;
	}
	*data = bytes;
	*len = n;
	return error;
}

int
prog_code_fetch(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
		enum ebpf_dump what, struct prog_code *code)
{
	void *data;
	size_t len;
	int error;

	memset(code, 0, sizeof(*code));
	error = prog_fetch(cmd, info->id, what, &data, &len);
	if (error != 0)
		return error;
	code->insns = data;
	code->insn_count = (uint32_t)(len / sizeof(*code->insns));
	if (info->func_count > 0) {
		error = prog_fetch(cmd, info->id, EBPF_DUMP_FUNC_INFO, &data,
				   &len);
		if (error != 0)
			return error;
		code->funcs = data;
		code->func_count = (uint32_t)(len / sizeof(*code->funcs));
	}
	if (info->line_count > 0) {
		error = prog_fetch(cmd, info->id, EBPF_DUMP_LINE_INFO, &data,
				   &len);
		if (error != 0)
			return error;
		code->lines = data;
		code->line_count = (uint32_t)(len / sizeof(*code->lines));
	}
	if (info->btf_id != 0) {
		struct gebpf_error why = { .code = 0 };

		if (gebpf_btf_fetch(cmd->dev, info->btf_id, &code->btf,
				    &why) != 0) {
			cmd_warn(cmd, "program '%s': its type information "
				      "cannot be read: %s",
				 info->name, why.text);
			code->btf = NULL;
		}
	}
	return 0;
}

void
prog_code_free(struct prog_code *code)
{
	free(code->insns);
	free(code->funcs);
	free(code->lines);
	gebpf_btf_free(code->btf);
	memset(code, 0, sizeof(*code));
}

/* ---- the listing ---- */

static const char *
func_name(const struct prog_code *code, uint32_t slot)
{
	struct gebpf_btf_type type;

	for (uint32_t i = 0; code->btf != NULL && i < code->func_count; i++)
		if (code->funcs[i].insn == slot &&
		    gebpf_btf_type(code->btf, code->funcs[i].type_id, &type) ==
			    0)
			return type.name;
	return NULL;
}

static const char *
name_func(void *cookie, uint32_t slot)
{
	return func_name(cookie, slot);
}

static const char *
name_helper(void *cookie, uint32_t number)
{
	return gebpf_helper_name(number);
}

uint32_t
prog_insn_text(const struct prog_code *code, uint32_t index, char *text,
	       size_t size)
{
	struct gebpf_disasm options = {
		.style = GEBPF_DISASM_KERNEL,
		.code_prefix = true,
		.helper = name_helper,
		.func = name_func,
		.cookie = (void *)code,
	};
	int used = gebpf_disasm(code->insns, code->insn_count, index, &options,
				text, size);

	return used == 2 ? 2 : 1;
}

static const struct ebpf_line_info *
line_at(const struct prog_code *code, uint32_t slot, uint32_t *from)
{
	while (*from < code->line_count && code->lines[*from].insn < slot)
		(*from)++;
	if (*from < code->line_count && code->lines[*from].insn == slot)
		return &code->lines[*from];
	return NULL;
}

static void
show_opcodes(struct out *out, const struct ebpf_insn *insn)
{
	char text[8];
	uint8_t off[2] = { (uint8_t)insn->off, (uint8_t)(insn->off >> 8) };
	uint8_t imm[4];

	memcpy(imm, &insn->imm, sizeof(imm));
	out_object(out, "opcodes");
	snprintf(text, sizeof(text), "0x%02x", insn->code);
	out_string(out, "code", NULL, text);
	snprintf(text, sizeof(text), "0x%x", insn->regs >> 4);
	out_string(out, "src_reg", NULL, text);
	snprintf(text, sizeof(text), "0x%x", insn->regs & 15);
	out_string(out, "dst_reg", NULL, text);
	out_bytes(out, "off", off, sizeof(off));
	out_bytes(out, "imm", imm, sizeof(imm));
	out_end(out);
}

static void
show_line(struct out *out, const struct prog_code *code,
	  const struct ebpf_line_info *line, bool linum)
{
	const char *text = gebpf_btf_string(code->btf, line->line_off);
	const char *file = gebpf_btf_string(code->btf, line->file_off);

	if (text == NULL || *text == '\0')
		return;
	while (isspace((unsigned char)*text))
		text++;
	out_string(out, "src", "; %", text);
	if (linum) {
		out_string(out, "file", " [file:%", file != NULL ? file : "");
		out_uint(out, "line_num", " line_num:%", line->line_col >> 10);
		out_uint(out, "line_col", " line_col:%]",
			 line->line_col & 1023);
	}
	out_text(out, "\n");
}

void
prog_list(struct cmd *cmd, const struct prog_code *code,
	  const struct prog_listing *how)
{
	struct out *out = cmd->out;
	const struct ebpf_line_info *line;
	uint32_t func = 0, next_line = 0, used;
	char text[512], hex[3 * 16 + 1];

	out_array(out, NULL);
	for (uint32_t i = 0; i < code->insn_count; i += used) {
		char proto[512];

		out_object(out, NULL);
		while (func < code->func_count && code->funcs[func].insn < i)
			func++;
		if (func < code->func_count && code->funcs[func].insn == i &&
		    code->btf != NULL &&
		    gebpf_btf_decl(code->btf, code->funcs[func].type_id, proto,
				   sizeof(proto)) == 0)
			out_string(out, "proto", i == 0 ? "%:\n" : "\n%:\n",
				   proto);
		line = line_at(code, i, &next_line);
		if (code->btf != NULL && line != NULL)
			show_line(out, code, line, how->linum);
		used = prog_insn_text(code, i, text, sizeof(text));
		out_text(out, "%4u: ", i);
		out_string(out, "disasm", "%\n", text);
		if (how->opcodes) {
			const uint8_t *bytes = (const uint8_t *)&code->insns[i];
			size_t n = 0;

			for (uint32_t b = 0; b < used * 8; b++)
				n += (size_t)snprintf(hex + n, sizeof(hex) - n,
						      b > 0 ? " %02x" : "%02x",
						      bytes[b]);
			out_text(out, "       %s\n", hex);
			if (!out_is_plain(out))
				show_opcodes(out, &code->insns[i]);
		}
		out_end(out);
	}
	out_end(out);
}

/* ---- machine code ---- */

static int
list_machine(struct cmd *cmd, const struct ebpf_rep_prog_info *info,
	     const struct prog_listing *how)
{
	struct prog_code code = { .insns = NULL };
	struct out *out = cmd->out;
	struct machine *machine;
	uint32_t *offsets = NULL, slot = 0, slots = 0, next_line = 0;
	uint8_t *bytes = NULL;
	size_t len = 0, offsets_len = 0, used;
	void *data = NULL;
	int error;

	if (!info->jited) {
		cmd_fail(cmd, EBPF_ENOENT, "program '%s' (id %u) has no "
					   "machine code: it is interpreted",
			 info->name, info->id);
		return cmd_hint(cmd, "load it with: gebpf prog load -j");
	}
	error = prog_fetch(cmd, info->id, EBPF_DUMP_JITED, &data, &len);
	bytes = data;
	if (error == 0)
		error = prog_code_fetch(cmd, info, EBPF_DUMP_XLATED, &code);
	if (error == 0 &&
	    prog_fetch(cmd, info->id, EBPF_DUMP_JIT_OFFSETS, &data,
		       &offsets_len) == 0) {
		offsets = data;
		slots = (uint32_t)(offsets_len / sizeof(*offsets));
	}
	if (error != 0)
		goto out;
	machine = machine_open(gebpf_hello(cmd->dev)->jit);
	if (machine == NULL)
		cmd_note(cmd, "libLLVM is not there to disassemble machine "
			      "code: showing bytes");
	out_array(out, NULL);
	out_object(out, NULL);
	out_string(out, "name", "%:\n", info->name);
	out_array(out, "insns");
	for (size_t at = 0; at < len; at += used) {
		char text[256] = "";

		out_object(out, NULL);
		while (slot < slots && offsets[slot] < at)
			slot++;
		/* Slots without code of their own share the next one's place:
		 * the last of them has the instruction. */
		while (slot + 1 < slots && offsets[slot + 1] == at)
			slot++;
		if (slot < slots && offsets[slot] == at) {
			const struct ebpf_line_info *line =
				line_at(&code, slot, &next_line);

			if (line != NULL && code.btf != NULL)
				show_line(out, &code, line, how->linum);
		}
		used = machine != NULL
			       ? machine_insn(machine, bytes + at, len - at,
					      at, text, sizeof(text))
			       : 0;
		if (used == 0) {
			size_t n = 0;

			used = len - at < 16 && machine == NULL ? len - at
			       : machine == NULL		? 16
								: 1;
			n = (size_t)snprintf(text, sizeof(text), ".byte");
			for (size_t b = 0; b < used; b++)
				n += (size_t)snprintf(
					text + n, sizeof(text) - n, "%s0x%02x",
					b > 0 ? "," : " ", bytes[at + b]);
		}
		out_text(out, "%4zx:\t", at);
		{
			char pc[32];

			snprintf(pc, sizeof(pc), "0x%zx", at);
			out_string(out, "pc", NULL, pc);
		}
		out_string(out, "operation", "%\n", text);
		if (how->opcodes) {
			out_text(out, "\t");
			out_hex(out, bytes + at, used);
			out_text(out, "\n");
			out_bytes(out, "opcodes", bytes + at, used);
		}
		out_end(out);
	}
	out_end(out);
	out_end(out);
	out_end(out);
	machine_close(machine);
out:
	prog_code_free(&code);
	free(offsets);
	free(bytes);
	return error;
}

/* ---- prog dump ---- */

static int
dump_one(struct cmd *cmd, uint32_t id, enum ebpf_dump what, const char *path,
	 bool visual, struct prog_listing *how)
{
	struct ebpf_rep_prog_info info;
	struct prog_code code = { .insns = NULL };
	void *data = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *memory;
	int error = handle_prog_info(cmd, id, &info);

	if (error != 0)
		return error;
	if (path != NULL) {
		error = prog_fetch(cmd, id, what, &data, &len);
		if (error == 0)
			error = output_write(cmd, path, data, len);
		free(data);
		return error;
	}
	how->name = info.name;
	if (what == EBPF_DUMP_JITED)
		return list_machine(cmd, &info, how);
	error = prog_code_fetch(cmd, &info, what, &code);
	if (error == 0 && !visual) {
		prog_list(cmd, &code, how);
	} else if (error == 0 && out_is_plain(cmd->out)) {
		prog_visual(cmd->out->file, &code);
	} else if (error == 0) {
		memory = open_memstream(&text, &len);
		if (memory == NULL) {
			error = cmd_no_memory(cmd);
		} else {
			prog_visual(memory, &code);
			fclose(memory);
			out_object(cmd->out, NULL);
			out_string(cmd->out, "dot", NULL, text);
			out_end(cmd->out);
			free(text);
		}
	}
	prog_code_free(&code);
	return error;
}

int
cmd_prog_dump(struct cmd *cmd)
{
	struct prog_listing how = { .opcodes = false };
	struct handle_list list = { NULL, 0 };
	const char *word = cmd_take(cmd), *path = NULL;
	enum ebpf_dump what;
	bool visual = false;
	int error;

	if (word == NULL)
		return cmd->err.code;
	what = strcmp(word, "raw") == 0	     ? EBPF_DUMP_RAW
	       : strcmp(word, "xlated") == 0 ? EBPF_DUMP_XLATED
					     : EBPF_DUMP_JITED;
	error = handle_many(cmd, EBPF_OBJ_PROG, &list);
	while (error == 0 && cmd_peek(cmd) != NULL) {
		if (cmd_take_if(cmd, "opcodes"))
			how.opcodes = true;
		else if (cmd_take_if(cmd, "linum"))
			how.linum = true;
		else if (cmd_take_if(cmd, "visual"))
			visual = true;
		else if (!cmd_take_if(cmd, "file"))
			error = cmd_done(cmd);
		else if ((path = cmd_take(cmd)) == NULL)
			error = cmd->err.code;
	}
	if (error == 0 && visual &&
	    (how.opcodes || how.linum || path != NULL ||
	     what == EBPF_DUMP_JITED))
		error = cmd_fail(cmd, CMD_EUSAGE,
				 "'visual' goes with no other option and not "
				 "with machine code");
	if (error == 0 && path != NULL && list.count > 1)
		error = cmd_fail(cmd, CMD_EUSAGE,
				 "%zu programs match; one file takes only one",
				 list.count);
	if (error == 0 && list.count > 1)
		out_array(cmd->out, NULL);
	for (size_t i = 0; error == 0 && i < list.count; i++) {
		if (list.count > 1)
			out_text(cmd->out, "%s%u:\n", i > 0 ? "\n" : "",
				 list.ids[i]);
		error = dump_one(cmd, list.ids[i], what, path, visual, &how);
	}
	if (error == 0 && list.count > 1)
		out_end(cmd->out);
	handle_free(&list);
	return error;
}

/* ---- disasm, asm ---- */

static int
disasm_object(struct cmd *cmd, struct load_file *file, bool opcodes)
{
	size_t count = gebpf_object_prog_count(file->object);
	struct prog_listing how = { .opcodes = opcodes };

	out_array(cmd->out, NULL);
	for (size_t i = 0; i < count; i++) {
		struct gebpf_obj_prog *prog =
			gebpf_object_prog(file->object, i);
		struct prog_code code = {
			.insns = (struct ebpf_insn *)prog->insns,
			.insn_count = prog->insn_count,
		};

		out_object(cmd->out, NULL);
		out_string(cmd->out, "name", i > 0 ? "\n%" : "%", prog->name);
		out_string(cmd->out, "section", " (section %):\n",
			   prog->section);
		/* the listing is a value of its own: keyed here */
		cmd->out->value_key = "insns";
		cmd->out->value_depth = cmd->out->depth;
		prog_list(cmd, &code, &how);
		cmd->out->value_key = NULL;
		out_end(cmd->out);
	}
	out_end(cmd->out);
	return 0;
}

int
cmd_prog_disasm(struct cmd *cmd)
{
	const char *path = cmd_take(cmd);
	const char *saved_key = cmd->out->value_key;
	unsigned int saved_depth = cmd->out->value_depth;
	struct prog_listing how = { .opcodes = false };
	struct prog_code code = { .insns = NULL };
	struct load_file file = { .object = NULL };
	void *data = NULL;
	size_t len = 0;
	int error;

	if (path == NULL)
		return cmd->err.code;
	how.opcodes = cmd_take_if(cmd, "opcodes");
	error = cmd_done(cmd);
	if (error != 0)
		return error;
	if (strncmp(path, "hex:", 4) == 0)
		error = input_hex(cmd, path + 4, &data, &len);
	else
		error = input_file(cmd, path, CODE_MAX, &data, &len);
	if (error != 0)
		return error;
	if (len >= 4 && memcmp(data, "\177ELF", 4) == 0) {
		error = load_file_open(cmd, path, &file);
		if (error == 0)
			error = disasm_object(cmd, &file, how.opcodes);
		load_file_close(&file);
		cmd->out->value_key = saved_key;
		cmd->out->value_depth = saved_depth;
	} else if (len == 0 || len % sizeof(struct ebpf_insn) != 0) {
		error = cmd_fail(cmd, EBPF_EINVAL,
				 "'%s' is neither an ELF object nor whole "
				 "instructions: %zu bytes is no multiple of 8",
				 path, len);
	} else {
		code.insns = data;
		code.insn_count = (uint32_t)(len / sizeof(struct ebpf_insn));
		prog_list(cmd, &code, &how);
	}
	free(data);
	return error;
}

int
cmd_prog_asm(struct cmd *cmd)
{
	const char *path = cmd_take(cmd), *to;
	struct gebpf_error why = { .code = 0 };
	struct ebpf_insn *insns = NULL;
	uint32_t count = 0;
	void *text = NULL;
	size_t len;
	int error;

	if (path == NULL)
		return cmd->err.code;
	to = cmd_peek(cmd) != NULL ? cmd_take(cmd) : NULL;
	error = cmd_done(cmd);
	if (error == 0)
		error = input_file(cmd, path, CODE_MAX, &text, &len);
	if (error != 0)
		return error;
	error = gebpf_asm(text, len, &insns, &count, &why);
	if (error != 0) {
		cmd_fail(cmd, error, "%s: %s", path, why.text);
		if (why.hint[0] != '\0')
			cmd_hint(cmd, "%s", why.hint);
	} else if (to != NULL) {
		error = output_write(cmd, to, insns, count * sizeof(*insns));
	} else {
		out_array(cmd->out, NULL);
		for (uint32_t i = 0; i < count; i++) {
			char hex[3 * 8 + 1];
			const uint8_t *b = (const uint8_t *)&insns[i];

			snprintf(hex, sizeof(hex),
				 "%02x %02x %02x %02x %02x %02x %02x %02x",
				 b[0], b[1], b[2], b[3], b[4], b[5], b[6],
				 b[7]);
			out_string(cmd->out, NULL, "%\n", hex);
		}
		out_end(cmd->out);
	}
	free(insns);
	free(text);
	return error;
}
