/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One text by its BTF type: 5, 10.0.0.1, V_PASS, {saddr=10.0.0.1,dport=80},
 * [1,2,3]. Numbers of the __be types are stored in network order. Nothing here
 * trusts the type to fit the bytes.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cmd/data.h"

enum { DEPTH_MAX = 16 };

size_t
data_big_endian(const struct gebpf_btf *btf, uint32_t id)
{
	struct gebpf_btf_type type;

	for (int i = 0; i < 32; i++) {
		if (gebpf_btf_type(btf, id, &type) != 0)
			return 0;
		switch ((int)type.kind) {
		case GEBPF_BTF_TYPEDEF:
			if (strcmp(type.name, "__be16") == 0)
				return 2;
			if (strcmp(type.name, "__be32") == 0)
				return 4;
			if (strcmp(type.name, "__be64") == 0)
				return 8;
			break;
		case GEBPF_BTF_CONST:
		case GEBPF_BTF_VOLATILE:
		case GEBPF_BTF_RESTRICT:
		case GEBPF_BTF_TYPE_TAG:
			break;
		default:
			return 0;
		}
		id = type.type;
	}
	return 0;
}

struct parse {
	struct cmd *cmd;
	const struct gebpf_btf *btf;
	const char *at;
	const char *what;
	int depth;
};

static int value(struct parse *p, uint32_t id, uint8_t *data, size_t len);

static void
skip_space(struct parse *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

/* Between elements or members: a comma, or the end is next. */
static int
more_or(struct parse *p, char end)
{
	skip_space(p);
	if (*p->at == ',')
		p->at++;
	else if (*p->at != end)
		return cmd_fail(p->cmd, CMD_EUSAGE, "%s: '%c' is missing",
				p->what, end);
	return 0;
}

/* The next token: up to one of , } ] =, or a quoted string. */
static int
token(struct parse *p, char *text, size_t size, bool *quoted)
{
	size_t n = 0;

	skip_space(p);
	*quoted = *p->at == '"';
	if (*quoted) {
		p->at++;
		while (*p->at != '"') {
			if (*p->at == '\0' || n + 1 >= size)
				return cmd_fail(p->cmd, CMD_EUSAGE,
						"%s: a string does not end",
						p->what);
			if (*p->at == '\\' && p->at[1] != '\0')
				p->at++;
			text[n++] = *p->at++;
		}
		p->at++;
	} else {
		while (*p->at != '\0' && strchr(",}]=", *p->at) == NULL) {
			if (n + 1 >= size)
				return cmd_fail(p->cmd, CMD_EUSAGE,
						"%s: a word is too long",
						p->what);
			text[n++] = *p->at++;
		}
		while (n > 0 && isspace((unsigned char)text[n - 1]))
			n--;
	}
	text[n] = '\0';
	return 0;
}

/* "ip A", "mac M", "be16 N", or those without the word. Bytes, 0: none. */
static size_t
special(const char *text, uint8_t *data, size_t len)
{
	const char *space = strchr(text, ' ');
	uint8_t bytes[16];
	bool is_signed, big;
	size_t size = 0;
	uint64_t v;
	char word[16];

	if (space != NULL && (size_t)(space - text) < sizeof(word)) {
		snprintf(word, sizeof(word), "%.*s", (int)(space - text),
			 text);
		while (*space == ' ')
			space++;
		if (strcmp(word, "ip") == 0) {
			size = data_parse_ip(space, bytes);
		} else if (strcmp(word, "mac") == 0) {
			size = data_parse_mac(space, bytes);
		} else if ((size = data_scalar_size(word, &is_signed, &big)) >
			   0) {
			if (!data_parse_integer(space, size, &v))
				return 0;
			data_store(bytes, size, v, big);
		}
	} else if ((size = data_parse_mac(text, bytes)) == 0) {
		size = data_parse_ip(text, bytes);
	}
	if (size != len)
		return 0;
	memcpy(data, bytes, size);
	return size;
}

static int
fail_text(struct parse *p, const char *text, const char *wanted)
{
	return cmd_fail(p->cmd, CMD_EUSAGE, "%s: '%s' is no %s", p->what, text,
			wanted);
}

static int
integer(struct parse *p, const struct gebpf_btf_type *type, uint8_t *data,
	bool big)
{
	char text[256];
	bool quoted;
	uint64_t v;
	int error = token(p, text, sizeof(text), &quoted);

	if (error != 0)
		return error;
	if (special(text, data, type->size) > 0)
		return 0;
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		data_store(data, type->size, text[0] == 't', false);
		return 0;
	}
	if (quoted && strlen(text) == 1 && type->size == 1) {
		data[0] = (uint8_t)text[0];
		return 0;
	}
	if (!data_parse_integer(text, type->size, &v))
		return data_bad_number(p->cmd, p->what, text, type->size);
	memset(data, text[0] == '-' ? 0xff : 0, type->size);
	data_store(data, type->size < 8 ? type->size : 8, v, big);
	return 0;
}

static int
enumerator(struct parse *p, const struct gebpf_btf_type *type, uint8_t *data)
{
	struct gebpf_btf_member member;
	char text[256];
	bool quoted;
	uint64_t v;
	int error = token(p, text, sizeof(text), &quoted);

	if (error != 0)
		return error;
	for (uint32_t i = 0; i < type->count; i++) {
		if (gebpf_btf_member(p->btf, type->id, i, &member) != 0)
			break;
		if (strcmp(member.name, text) == 0) {
			data_store(data, type->size, (uint64_t)member.value, false);
			return 0;
		}
	}
	if (!data_parse_integer(text, type->size, &v))
		return fail_text(p, text, "name or number of the enum");
	data_store(data, type->size, v, false);
	return 0;
}

static int
array(struct parse *p, const struct gebpf_btf_type *type, uint8_t *data,
      size_t len)
{
	int64_t size = gebpf_btf_size(p->btf, type->type);
	char text[4096];
	bool quoted;
	int error;

	skip_space(p);
	if (*p->at != '[') {
		/* a string, a MAC or IP address */
		error = token(p, text, sizeof(text), &quoted);
		if (error != 0)
			return error;
		if (size == 1 && !quoted && special(text, data, len) > 0)
			return 0;
		if (size != 1)
			return fail_text(p, text, "array: [a,b,..]");
		if (strlen(text) > len)
			return cmd_fail(p->cmd, CMD_EUSAGE,
					"%s: '%s' is longer than %zu bytes",
					p->what, text, len);
		memcpy(data, text, strlen(text));
		return 0;
	}
	p->at++;
	for (uint32_t i = 0;; i++) {
		skip_space(p);
		if (*p->at == ']')
			break;
		if (i >= type->count || size <= 0 ||
		    (size_t)(i + 1) * (size_t)size > len)
			return cmd_fail(p->cmd, CMD_EUSAGE,
					"%s: more than %u elements", p->what,
					type->count);
		error = value(p, type->type, data + (size_t)i * (size_t)size,
			      (size_t)size);
		if (error != 0)
			return error;
		error = more_or(p, ']');
		if (error != 0)
			return error;
	}
	p->at++;
	return 0;
}

static int
set_bits(struct parse *p, const struct gebpf_btf_member *member, uint8_t *data,
	 size_t len)
{
	struct gebpf_btf_type type;
	uint8_t bytes[16] = { 0 };
	uint64_t v = 0;
	bool minus;
	int error;

	if (gebpf_btf_type(p->btf, gebpf_btf_resolve(p->btf, member->type),
			   &type) != 0 ||
	    type.size > 8 || member->bit_size > 64 ||
	    ((uint64_t)member->bit_off + member->bit_size + 7) / 8 > len)
		return cmd_fail(p->cmd, EBPF_EINVAL,
				"%s: bit field '%s' cannot be set", p->what,
				member->name);
	error = value(p, member->type, bytes, type.size);
	if (error != 0)
		return error;
	for (uint32_t i = 0; i < type.size; i++)
		v |= (uint64_t)bytes[i] << (8 * i);
	minus = type.is_signed && type.size > 0 &&
		(bytes[type.size - 1] & 0x80) != 0;
	if (!minus && member->bit_size < 64 && v >> member->bit_size != 0)
		return cmd_fail(p->cmd, CMD_EUSAGE,
				"%s: '%s' has only %u bits", p->what,
				member->name, member->bit_size);
	for (uint32_t i = 0; i < member->bit_size; i++) {
		uint32_t bit = member->bit_off + i;

		data[bit / 8] &= (uint8_t)~(1u << (bit % 8));
		data[bit / 8] |= (uint8_t)((v >> i & 1) << (bit % 8));
	}
	return 0;
}

/* A member by name, also within unnamed inner structs; *base is added to. */
static bool
find_member(const struct gebpf_btf *btf, const struct gebpf_btf_type *type,
	    const char *name, struct gebpf_btf_member *found, int depth)
{
	struct gebpf_btf_member member;
	struct gebpf_btf_type inner;

	for (uint32_t i = 0; depth < DEPTH_MAX && i < type->count; i++) {
		if (gebpf_btf_member(btf, type->id, i, &member) != 0)
			return false;
		if (strcmp(member.name, name) == 0 && *name != '\0') {
			*found = member;
			return true;
		}
		if (*member.name == '\0' &&
		    gebpf_btf_type(btf, gebpf_btf_resolve(btf, member.type),
				   &inner) == 0 &&
		    (inner.kind == GEBPF_BTF_STRUCT ||
		     inner.kind == GEBPF_BTF_UNION) &&
		    find_member(btf, &inner, name, found, depth + 1)) {
			found->bit_off += member.bit_off;
			return true;
		}
	}
	return false;
}

static int
no_member(struct parse *p, const struct gebpf_btf_type *type, const char *name)
{
	struct gebpf_btf_member member;
	char list[300] = "";
	size_t n = 0;

	cmd_fail(p->cmd, CMD_EUSAGE, "%s: %s '%s' has no member '%s'", p->what,
		 type->kind == GEBPF_BTF_UNION ? "union" : "struct",
		 type->name, name);
	for (uint32_t i = 0; i < type->count && n < sizeof(list) - 80; i++)
		if (gebpf_btf_member(p->btf, type->id, i, &member) == 0 &&
		    strlen(member.name) < 64)
			n += (size_t)snprintf(list + n, sizeof(list) - n,
					      "%s%s", n > 0 ? ", " : "",
					      member.name);
	return cmd_hint(p->cmd, "it has: %s", list);
}

static int
structure(struct parse *p, const struct gebpf_btf_type *type, uint8_t *data,
	  size_t len)
{
	struct gebpf_btf_member member;
	char name[256];
	bool quoted;
	int error;

	skip_space(p);
	if (*p->at != '{') {
		int64_t size;

		/* what has one member may be written as that member */
		if (type->count == 1 &&
		    gebpf_btf_member(p->btf, type->id, 0, &member) == 0 &&
		    member.bit_size == 0 &&
		    (size = gebpf_btf_size(p->btf, member.type)) > 0 &&
		    (size_t)size <= len)
			return value(p, member.type, data, (size_t)size);
		cmd_fail(p->cmd, CMD_EUSAGE, "%s: struct '%s' is written "
					     "{FIELD=VALUE,..}",
			 p->what, type->name);
		return p->cmd->err.code;
	}
	p->at++;
	for (;;) {
		int64_t size;

		skip_space(p);
		if (*p->at == '}')
			break;
		error = token(p, name, sizeof(name), &quoted);
		if (error != 0)
			return error;
		if (*p->at != '=')
			return cmd_fail(p->cmd, CMD_EUSAGE,
					"%s: '=' is missing after '%s'",
					p->what, name);
		p->at++;
		if (!find_member(p->btf, type, name[0] == '.' ? name + 1
							      : name,
				 &member, 0))
			return no_member(p, type, name);
		if (member.bit_size > 0) {
			error = set_bits(p, &member, data, len);
		} else {
			size = gebpf_btf_size(p->btf, member.type);
			if (size <= 0 ||
			    member.bit_off / 8 + (uint64_t)size > len)
				return cmd_fail(p->cmd, EBPF_EINVAL,
						"%s: member '%s' does not fit",
						p->what, name);
			error = value(p, member.type,
				      data + member.bit_off / 8, (size_t)size);
		}
		if (error != 0)
			return error;
		error = more_or(p, '}');
		if (error != 0)
			return error;
	}
	p->at++;
	return 0;
}

static int
value(struct parse *p, uint32_t id, uint8_t *data, size_t len)
{
	struct gebpf_btf_type type;
	int error;

	if (gebpf_btf_type(p->btf, gebpf_btf_resolve(p->btf, id), &type) != 0 ||
	    p->depth >= DEPTH_MAX)
		return cmd_fail(p->cmd, EBPF_EINVAL,
				"%s: its type is not understood", p->what);
	p->depth++;
	switch ((int)type.kind) {
	case GEBPF_BTF_INT:
		error = type.size <= len
				? integer(p, &type, data,
					  data_big_endian(p->btf, id) ==
						  type.size)
				: -EBPF_EINVAL;
		break;
	case GEBPF_BTF_ENUM:
	case GEBPF_BTF_ENUM64:
		error = type.size <= len && type.size <= 8
				? enumerator(p, &type, data)
				: -EBPF_EINVAL;
		break;
	case GEBPF_BTF_PTR:
		type.size = 8;
		error = len >= 8 ? integer(p, &type, data, false)
				 : -EBPF_EINVAL;
		break;
	case GEBPF_BTF_ARRAY:
		error = array(p, &type, data, len);
		break;
	case GEBPF_BTF_STRUCT:
	case GEBPF_BTF_UNION:
		error = structure(p, &type, data, len);
		break;
	default:
		error = -EBPF_EINVAL;
		break;
	}
	if (error == -EBPF_EINVAL)
		cmd_fail(p->cmd, error, "%s: values of its type cannot be "
					"written as text; give bytes",
			 p->what);
	p->depth--;
	return error;
}

int
data_parse_text(struct cmd *cmd, const char *what, const struct gebpf_btf *btf,
		uint32_t type, const char *text, uint8_t *data, size_t len)
{
	struct parse p = { cmd, btf, text, what, 0 };
	int error;

	memset(data, 0, len);
	error = value(&p, type, data, len);
	if (error != 0)
		return error;
	skip_space(&p);
	if (*p.at != '\0')
		return cmd_fail(cmd, CMD_EUSAGE,
				"%s: '%s' is not expected here", what, p.at);
	return 0;
}
