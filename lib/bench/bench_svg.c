/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What ran as a picture: a panel for each suite, a group of bars for each row,
 * a bar for each column, with whiskers over the middle half of the rounds. The
 * bars of a row are drawn against its reference column, which is 1: what is a
 * hundred times as long as its neighbour can still be read. Bars that would
 * leave the panel are broken off and say how long they are.
 */
#include "bench/bench_impl.h"

#include <string.h>

#include "abi/error.h"

enum {
	WIDTH = 1080,
	MARGIN = 24,
	NAMES = 270, /* where bars begin */
	BARS = 560,  /* how long they may be */
	BAR = 13,
	BAR_GAP = 2,
	ROW_GAP = 14,
	TITLE = 82,  /* above all panels */
	HEAD = 66,   /* of a panel, above its rows */
	FOOT = 34,   /* below, with the axis's numbers */
	BREAK_AT = 4, /* times the reference */
};

/* Told apart by most eyes, in print too. */
static const char *const colours[BENCH_COLUMNS] = {
	"#0072b2", "#e69f00", "#7f7f7f", "#56b4e9", "#009e73", "#cc79a7",
};

static void
text(FILE *file, const char *words)
{
	for (; *words != '\0'; words++) {
		switch (*words) {
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			/* no control characters in XML */
			fputc((unsigned char)*words < ' ' ? ' ' : *words, file);
		}
	}
}

static void
words_at(FILE *file, double x, double y, const char *class, const char *words)
{
	fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	text(file, words);
	fputs("</text>\n", file);
}

static void
number(char *out, size_t size, double v)
{
	snprintf(out, size, "%.*f", v >= 1000 ? 0 : v >= 100 ? 1 : v >= 1 ? 2 : 3,
		 v);
}

/* What the row's bars are measured against; 0: it has no bars. */
static double
reference_of(const struct bench_suite *suite, const struct bench_row *row)
{
	double median = row->figures[suite->reference].median;

	for (uint32_t c = 0; c < bench_column_count(suite) && median <= 0; c++)
		median = row->figures[c].median;
	return median;
}

static uint32_t
bars_of(const struct bench_suite *suite, const struct bench_row *row)
{
	uint32_t n = 0;

	for (uint32_t c = 0; c < bench_column_count(suite); c++)
		n += row->figures[c].rounds > 0;
	return reference_of(suite, row) > 0 ? n : 0;
}

static double
row_height(const struct bench_suite *suite, const struct bench_row *row)
{
	uint32_t bars = bars_of(suite, row);

	return bars == 0 ? 0 : bars * (BAR + BAR_GAP) + ROW_GAP;
}

static double
part_height(const struct bench_part *part)
{
	double height = 0;

	for (size_t i = 0; i < part->row_count; i++)
		height += row_height(part->suite, part->rows[i]);
	return height > 0 ? HEAD + height + FOOT : 0;
}

/* The end of the axis, in references. */
static double
span_of(const struct bench_part *part)
{
	const struct bench_suite *suite = part->suite;
	double span = 1.25;

	for (size_t i = 0; i < part->row_count; i++) {
		const struct bench_row *row = part->rows[i];
		double one = reference_of(suite, row);

		for (uint32_t c = 0; one > 0 && c < bench_column_count(suite);
		     c++)
			if (row->figures[c].q3 / one > span)
				span = row->figures[c].q3 / one;
	}
	return span > BREAK_AT ? BREAK_AT : span;
}

static void
draw_axis(FILE *file, double top, double bottom, double span)
{
	double step = span > 2.5 ? 1 : span > 1.5 ? 0.5 : 0.25;
	char label[32];

	for (double at = 0; at <= span + 1e-9; at += step) {
		double x = NAMES + at / span * BARS;
		bool one = at > 0.999 && at < 1.001;

		fprintf(file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
			      "y2=\"%.1f\" class=\"%s\"/>\n",
			x, top, x, bottom, one ? "one" : "grid");
		snprintf(label, sizeof(label), "%g\303\227", at);
		words_at(file, x, bottom + 15, "axis", label);
	}
}

static void
draw_legend(FILE *file, const struct bench_suite *suite, double y)
{
	double x = NAMES;
	char words[96];

	for (uint32_t c = 0; c < bench_column_count(suite); c++) {
		fprintf(file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" "
			      "height=\"12\" fill=\"%s\"/>\n",
			x, y - 10, colours[c]);
		snprintf(words, sizeof(words), "%s%s", suite->columns[c],
			 c == suite->reference ? " (= 1)" : "");
		words_at(file, x + 17, y, "name", words);
		x += 34 + 7.2 * (double)strlen(words);
	}
}

static void
draw_whisker(FILE *file, double x1, double x2, double y)
{
	double mid = y + BAR / 2.0;

	fprintf(file,
		"<path d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1fM%.1f %.1fV%.1f\" "
		"class=\"whisker\"/>\n",
		x1, mid - 3, mid + 3, x1, mid, x2, x2, mid - 3, mid + 3);
}

static void
draw_bar(FILE *file, const struct bench_suite *suite,
	 const struct bench_row *row, uint32_t column, double y, double span)
{
	const struct bench_figure *f = &row->figures[column];
	double one = reference_of(suite, row), scale = BARS / (one * span);
	double length = f->median * scale, end;
	char median[32], ratio[32], words[96];
	bool broken = length > BARS;

	if (broken)
		length = BARS;
	fprintf(file,
		"<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
		"fill=\"%s\"/>\n",
		NAMES, y, length > 0.5 ? length : 0.5, BAR, colours[column]);
	end = NAMES + length;
	if (broken) {
		/* a white slash near the end */
		fprintf(file, "<path d=\"M%.1f %.1fl7 -%dh5l-7 %dz\" "
			      "fill=\"#fff\"/>\n",
			end - 24, y + BAR + 1, BAR + 2, BAR + 2);
	} else if (f->rounds > 1) {
		double high = f->q3 * scale;

		if (high > BARS)
			high = BARS;
		draw_whisker(file, NAMES + (f->q1 > 0 ? f->q1 * scale : 0),
			     NAMES + high, y);
		if (NAMES + high > end)
			end = NAMES + high;
	}
	number(median, sizeof(median), f->median);
	number(ratio, sizeof(ratio), f->median / one);
	snprintf(words, sizeof(words), "%s %s  (%s\303\227)", median,
		 bench_unit_name(row->unit), ratio);
	words_at(file, end + 6, y + BAR - 3, "value", words);
}

static void
draw_row(FILE *file, const struct bench_suite *suite,
	 const struct bench_row *row, double y, double span)
{
	double middle = y + bars_of(suite, row) * (BAR + BAR_GAP) / 2.0;
	const char *more = bench_less_is_better(row->unit)
				   ? NULL
				   : "longer is better";

	words_at(file, NAMES - 10, more != NULL ? middle - 2 : middle + 4,
		 "row", row->name);
	if (more != NULL)
		words_at(file, NAMES - 10, middle + 11, "hint", more);
	for (uint32_t c = 0; c < bench_column_count(suite); c++) {
		if (row->figures[c].rounds == 0)
			continue;
		draw_bar(file, suite, row, c, y, span);
		y += BAR + BAR_GAP;
	}
}

static void
draw_part(FILE *file, const struct bench_part *part, double y)
{
	const struct bench_suite *suite = part->suite;
	double span = span_of(part), top = y + HEAD - ROW_GAP / 2.0;
	double bottom = y + part_height(part) - FOOT;
	char words[200];

	snprintf(words, sizeof(words), "%s: %s", suite->name, suite->what);
	words_at(file, MARGIN, y + 18, "suite", words);
	draw_legend(file, suite, y + 42);
	draw_axis(file, top, bottom, span);
	y += HEAD;
	for (size_t i = 0; i < part->row_count; i++) {
		if (bars_of(suite, part->rows[i]) == 0)
			continue;
		draw_row(file, suite, part->rows[i], y, span);
		y += row_height(suite, part->rows[i]);
	}
}

int
bench_svg(struct bench *bench, const char *title, FILE *file)
{
	static const char style[] =
		"text{font-family:'DejaVu Sans',Helvetica,Arial,sans-serif;"
		"fill:#222}\n"
		".title{font-size:19px;font-weight:bold}\n"
		".suite{font-size:15px;font-weight:bold}\n"
		".name{font-size:12px}\n"
		".row{font-size:12px;text-anchor:end}\n"
		".hint{font-size:10px;text-anchor:end;fill:#666}\n"
		".value{font-size:11px;fill:#444}\n"
		".axis{font-size:11px;text-anchor:middle;fill:#666}\n"
		".grid{stroke:#ddd}\n"
		".one{stroke:#888;stroke-dasharray:4 3}\n"
		".whisker{stroke:#000;fill:none}\n";
	double height = TITLE, y = TITLE;
	const struct bench_part *part;
	struct bench_figure yardstick;
	char words[200];
	double changed;

	for (part = bench->parts; part != NULL; part = part->next)
		height += part_height(part);
	fprintf(file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%.0f\" viewBox=\"0 0 %d %.0f\">\n"
		"<style>\n%s</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height, style);
	words_at(file, MARGIN, 30, "title", title);
	snprintf(words, sizeof(words),
		 "Medians of %u round%s; whiskers: the middle half of them. "
		 "Shorter is better where nothing else is said.",
		 bench->options.rounds, bench->options.rounds == 1 ? "" : "s");
	words_at(file, MARGIN, 50, "name", words);
	bench_yardstick(bench, &yardstick);
	changed = bench_moved(&yardstick);
	snprintf(words, sizeof(words),
		 "1\303\227: the column so marked; where it has no figure, "
		 "the first that has.");
	if (changed > 0)
		snprintf(words + strlen(words), sizeof(words) - strlen(words),
			 " The machine's speed changed by %.2f\303\227 "
			 "during the run.", changed);
	words_at(file, MARGIN, 66, "name", words);
	for (part = bench->parts; part != NULL; part = part->next) {
		if (part_height(part) > 0)
			draw_part(file, part, y);
		y += part_height(part);
	}
	fputs("</svg>\n", file);
	return ferror(file) ? -EBPF_EIO : 0;
}
