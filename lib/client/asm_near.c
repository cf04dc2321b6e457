/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The assembler's "did you mean": of many words the one nearest to what was
 * written. Knows no instruction; callers bring the candidates.
 */
#include "client/asm_text.h"

#include <string.h>

/*
 * Edit distance, with swapped neighbours as one edit; words are short. More
 * than limit is all the same.
 */
static unsigned int
distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned int rows[3][33], *prev2 = rows[0], *prev = rows[1],
				  *now = rows[2], *spare;
	size_t i, j;

	if (n > 32 || m > 32)
		return 99;
	for (j = 0; j <= m; j++)
		prev[j] = (unsigned int)j;
	for (i = 1; i <= n; i++) {
		now[0] = (unsigned int)i;
		for (j = 1; j <= m; j++) {
			unsigned int best = prev[j - 1] + (a[i - 1] != b[j - 1]);

			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			now[j] = best;
		}
		spare = prev2;
		prev2 = prev;
		prev = now;
		now = spare;
	}
	return prev[m];
}

void
gebpf_asm_near_init(struct gebpf_asm_near *near, struct gebpf_asm_word word)
{
	near->word = word;
	near->best = (unsigned int)(word.len / 3) + 1;
	near->text[0] = '\0';
}

void
gebpf_asm_near_try(struct gebpf_asm_near *near, const char *text, size_t len)
{
	unsigned int d;

	if (len >= sizeof(near->text))
		return;
	d = distance(near->word.text, near->word.len, text, len);
	if (d > near->best || (near->text[0] != '\0' && d == near->best))
		return;
	near->best = d;
	memcpy(near->text, text, len);
	near->text[len] = '\0';
}

void
gebpf_asm_near_hint(struct gebpf_asm *a, const struct gebpf_asm_near *near)
{
	if (near->text[0] != '\0')
		gebpf_hint(a->err, "did you mean '%s'?", near->text);
}
