/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Formats: trace_printk with at most three numbers and trace_vprintk with an
 * array of them write a line of the trace log, snprintf writes to memory. The
 * rules are Linux's; what would read memory at an address that a program made
 * up (%s, and %p with a letter behind it) is refused.
 */
#include "core/helper.h"
#include "core/prog.h"
#include "core/runtime.h"
#include "core/tracelog.h"

enum {
	FORMAT_MAX = 256, /* bytes, the NUL included */
	LINE_MAX = 256,
	ARGS_MAX = 3,	/* in registers */
	ARRAY_MAX = 12, /* in memory */
	WIDTH_MAX = LINE_MAX,
};

struct line {
	char *text;
	uint32_t room;
	uint32_t len; /* as long as it would be; text holds the beginning */
};

static void
put(struct line *line, char c)
{
	if (line->len < line->room)
		line->text[line->len] = c;
	line->len++;
}

/* One conversion: %[flags][width][length]letter */
struct spec {
	bool left, plus, space, zero;
	uint32_t width;
	uint32_t bits; /* of the number */
	char letter;
};

static void
put_padded(struct line *line, const struct spec *spec, const char *sign,
	   const char *digits, uint32_t count)
{
	uint32_t sign_len = (uint32_t)strlen(sign), i;
	uint32_t pad = 0;

	if (spec->width > sign_len + count)
		pad = spec->width - sign_len - count;
	if (!spec->left && !spec->zero)
		for (i = 0; i < pad; i++)
			put(line, ' ');
	for (i = 0; i < sign_len; i++)
		put(line, sign[i]);
	if (!spec->left && spec->zero)
		for (i = 0; i < pad; i++)
			put(line, '0');
	for (i = 0; i < count; i++)
		put(line, digits[i]);
	if (spec->left)
		for (i = 0; i < pad; i++)
			put(line, ' ');
}

static void
put_number(struct line *line, const struct spec *spec, uint64_t value)
{
	const char *alphabet = spec->letter == 'X' ? "0123456789ABCDEF" :
						     "0123456789abcdef";
	bool is_signed = spec->letter == 'd' || spec->letter == 'i';
	uint32_t base = is_signed || spec->letter == 'u' ? 10 : 16;
	const char *sign = "";
	char digits[20];
	uint32_t at = sizeof(digits);

	if (spec->bits == 32)
		value = is_signed ? (uint64_t)(int64_t)(int32_t)value :
				    (uint32_t)value;
	if (is_signed) {
		if ((int64_t)value < 0) {
			sign = "-";
			value = 0 - value;
		} else if (spec->plus) {
			sign = "+";
		} else if (spec->space) {
			sign = " ";
		}
	}
	do {
		digits[--at] = alphabet[value % base];
		value /= base;
	} while (value);
	put_padded(line, spec, sign, digits + at, sizeof(digits) - at);
}

/* Read the specification after '%'; its letter's index, or 0 when it is bad. */
static uint32_t
parse(const char *format, uint32_t at, struct spec *spec)
{
	memset(spec, 0, sizeof(*spec));
	spec->bits = 32;
	for (;; at++) {
		if (format[at] == '-')
			spec->left = true;
		else if (format[at] == '+')
			spec->plus = true;
		else if (format[at] == ' ')
			spec->space = true;
		else if (format[at] == '0')
			spec->zero = true;
		else
			break;
	}
	for (; format[at] >= '0' && format[at] <= '9'; at++) {
		spec->width = spec->width * 10 + (uint32_t)(format[at] - '0');
		if (spec->width > WIDTH_MAX)
			return 0;
	}
	spec->letter = format[at];
	if (spec->letter == 'c')
		return at;
	if (spec->letter == 'p') {
		char next = format[at + 1];

		/* %pB, %pI4 ...: letters select what is read there */
		if ((next >= 'a' && next <= 'z') ||
		    (next >= 'A' && next <= 'Z') ||
		    (next >= '0' && next <= '9'))
			return 0;
		return at;
	}
	if (format[at] == 'l') {
		spec->bits = 64;
		at++;
		if (format[at] == 'l')
			at++;
	}
	spec->letter = format[at];
	switch (spec->letter) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
		return at;
	}
	return 0;
}

/* 0 or -EBPF_EINVAL; format ends with a NUL. */
static int
print(struct line *line, const char *format, const uint64_t *args,
      uint32_t arg_count)
{
	struct spec spec;
	uint32_t at, arg = 0;
	char c;

	for (at = 0; format[at]; at++) {
		unsigned char byte = (unsigned char)format[at];

		if (byte >= 0x7f ||
		    (byte < 0x20 && byte != '\t' && byte != '\n'))
			return -EBPF_EINVAL;
		if (format[at] != '%') {
			put(line, format[at]);
			continue;
		}
		if (format[++at] == '%') {
			put(line, '%');
			continue;
		}
		at = parse(format, at, &spec);
		if (at == 0 || arg == arg_count)
			return -EBPF_EINVAL;
		if (spec.letter == 'c') {
			c = (char)args[arg++];
			spec.zero = false;
			put_padded(line, &spec, "", &c, 1);
		} else if (spec.letter == 'p') {
			spec.bits = 64;
			spec.width = 16;
			spec.zero = true;
			put_number(line, &spec, args[arg++]);
		} else {
			put_number(line, &spec, args[arg++]);
		}
	}
	return 0;
}

static uint64_t
trace(uint64_t from, uint32_t size, const uint64_t *args, uint32_t arg_count,
      const struct ebpf_prog *prog)
{
	char format[FORMAT_MAX], text[LINE_MAX];
	struct line line = { text, LINE_MAX, 0 };
	int error;

	/* A copy: a format in a map may change while it is read. */
	if (size == 0 || size > FORMAT_MAX)
		return (uint64_t)(int64_t)-EBPF_EINVAL;
	memcpy(format, (const void *)(uintptr_t)from, size);
	if (format[size - 1] != '\0')
		return (uint64_t)(int64_t)-EBPF_EINVAL;
	error = print(&line, format, args, arg_count);
	if (error)
		return (uint64_t)(int64_t)error;
	ebpf_tracelog_write(prog->obj.rt->tracelog, prog->obj.id, text,
			    line.len < LINE_MAX ? line.len : LINE_MAX);
	return line.len;
}

uint64_t
ebpf_helper_trace_printk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			 uint64_t r5, const struct ebpf_prog *prog)
{
	const uint64_t args[ARGS_MAX] = { r3, r4, r5 };

	return trace(r1, (uint32_t)r2, args, ARGS_MAX, prog);
}

static uint64_t
trace_none(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
	   const struct ebpf_prog *prog)
{
	return trace(r1, (uint32_t)r2, NULL, 0, prog);
}

static uint64_t
trace_one(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
	  const struct ebpf_prog *prog)
{
	return trace(r1, (uint32_t)r2, &r3, 1, prog);
}

static uint64_t
trace_two(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5,
	  const struct ebpf_prog *prog)
{
	const uint64_t args[2] = { r3, r4 };

	return trace(r1, (uint32_t)r2, args, 2, prog);
}

#define TRACE_PRINTK(function)                                         \
	{                                                              \
		.fn = function, .name = "trace_printk",                \
		.number = EBPF_FUNC_trace_printk,                      \
		.kinds = EBPF_KINDS_ALL,                               \
		.flags = EBPF_HELPER_ENV | EBPF_HELPER_GPL,            \
		.ret = EBPF_RET_INT,                                   \
		.args = { EBPF_ARG_MEM, EBPF_ARG_SIZE },               \
	}

const struct ebpf_helper ebpf_trace_printk_set[4] = {
	TRACE_PRINTK(trace_none),
	TRACE_PRINTK(trace_one),
	TRACE_PRINTK(trace_two),
	TRACE_PRINTK(ebpf_helper_trace_printk),
};

/* ---- numbers in memory ---- */

/* Copy r[len] to args; how many there are, or UINT32_MAX. */
static uint32_t
take_array(uint64_t r, uint64_t len, uint64_t args[ARRAY_MAX])
{
	if (len % 8 != 0 || len > ARRAY_MAX * 8)
		return UINT32_MAX;
	if (len)
		memcpy(args, (const void *)(uintptr_t)r, len);
	return (uint32_t)len / 8;
}

uint64_t
ebpf_helper_trace_vprintk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
			  uint64_t r5, const struct ebpf_prog *prog)
{
	uint64_t args[ARRAY_MAX];
	uint32_t count = take_array(r3, (uint32_t)r4, args);

	if (count == UINT32_MAX)
		return (uint64_t)(int64_t)-EBPF_EINVAL;
	return trace(r1, (uint32_t)r2, args, count, prog);
}

/*
 * The result is the length it would have, the NUL included. All of the memory
 * is written, as the verifier counts on.
 */
uint64_t
ebpf_helper_snprintf(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		     uint64_t r5, const struct ebpf_prog *prog)
{
	char *out = (char *)(uintptr_t)r1;
	const char *format = (const char *)(uintptr_t)r3;
	uint32_t size = (uint32_t)r2;
	uint64_t args[ARRAY_MAX];
	uint32_t count = take_array(r4, (uint32_t)r5, args);
	struct line line = { out, size - 1, 0 };
	int error;

	memset(out, 0, size); /* only now: args may lie in it */
	if (count == UINT32_MAX)
		return (uint64_t)(int64_t)-EBPF_EINVAL;
	error = print(&line, format, args, count);
	if (error) {
		memset(out, 0, size);
		return (uint64_t)(int64_t)error;
	}
	return (uint64_t)line.len + 1;
}
