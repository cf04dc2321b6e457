/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Numbers in text, for programs: strtol and strtoul with Linux's rules. Spaces,
 * a sign, a prefix when the base is left open, at most 63 characters of it.
 */
#include "core/helper.h"
#include "core/os.h"

enum {
	BASE_MASK = 0x1f,
	DIGITS_MAX = 63,
};

static uint64_t
result(int64_t value)
{
	return (uint64_t)value;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint32_t
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : 99;
}

/* The text as the program has it: read once, as others may be writing it. */
struct text {
	char bytes[DIGITS_MAX + 3]; /* ends with NULs */
	uint32_t skipped; /* spaces and sign before it */
	bool negative;
};

static int
take(struct text *text, const char *from, uint32_t len)
{
	uint32_t at = 0, i;
	char c = 0;

	for (; at < len; at++) {
		c = os_load(&from[at]);
		if (!is_space(c))
			break;
	}
	memset(text, 0, sizeof(*text));
	text->negative = at < len && c == '-';
	at += text->negative;
	text->skipped = at;
	if (at >= len)
		return -EBPF_EINVAL;
	for (i = 0; i < DIGITS_MAX && at < len; i++, at++)
		text->bytes[i] = os_load(&from[at]);
	return 0;
}

/* Characters used by the number at text, or an error. */
static int64_t
parse(const struct text *text, uint32_t base, uint64_t *value)
{
	const char *at = text->bytes;
	uint32_t digit, used = 0;
	bool over = false;

	if (base == 0) {
		base = 10;
		if (at[0] == '0')
			base = (at[1] | 0x20) == 'x' && digit_of(at[2]) < 16 ?
				       16 :
				       8;
	}
	if (base == 16 && at[0] == '0' && (at[1] | 0x20) == 'x')
		at += 2;
	*value = 0;
	for (; (digit = digit_of(*at)) < base; at++, used++) {
		if (*value > (UINT64_MAX - digit) / base)
			over = true;
		*value = *value * base + digit;
	}
	if (over)
		return -EBPF_ERANGE;
	return used == 0 ? -EBPF_EINVAL :
			   text->skipped + (int64_t)(at - text->bytes);
}

static int64_t
number(uint64_t from, uint64_t len, uint64_t flags, uint64_t *value,
       bool *negative)
{
	uint32_t base = (uint32_t)flags;
	struct text text;
	int error;

	*value = 0;
	if (flags & ~(uint64_t)BASE_MASK ||
	    (base != 0 && base != 8 && base != 10 && base != 16))
		return -EBPF_EINVAL;
	error = take(&text, (const char *)(uintptr_t)from, (uint32_t)len);
	if (error != 0)
		return error;
	*negative = text.negative;
	return parse(&text, base, value);
}

/* All of it is written, as the verifier counts on; at any address. */
static void
put(uint64_t to, uint64_t value)
{
	memcpy((void *)(uintptr_t)to, &value, sizeof(value));
}

uint64_t
ebpf_helper_strtol(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		   uint64_t r5, const struct ebpf_prog *prog)
{
	bool negative = false;
	uint64_t value;
	int64_t used = number(r1, r2, r3, &value, &negative);

	if (used >= 0 && value > (uint64_t)INT64_MAX + negative)
		used = -EBPF_ERANGE;
	put(r4, used < 0 ? 0 : negative ? 0 - value : value);
	return result(used);
}

uint64_t
ebpf_helper_strtoul(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
		    uint64_t r5, const struct ebpf_prog *prog)
{
	bool negative = false;
	uint64_t value;
	int64_t used = number(r1, r2, r3, &value, &negative);

	if (used >= 0 && negative)
		used = -EBPF_EINVAL;
	put(r4, used < 0 ? 0 : value);
	return result(used);
}
