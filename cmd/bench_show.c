/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What was measured, as a table that grows while it is measured, and as one
 * value for programs:
 *
 *	{ "version": 1, "release": "0.3", "machine": { "system", "arch",
 *	  "processor", "cpus" },
 *	  "suites": [ { "suite", "what", "rounds", "columns": [ "jit", ... ],
 *	    "rows": [ { "row", "unit", "better": "less"|"more", "net",
 *	      "figures": { "jit": { "median", "q1", "q3", "min", "max",
 *			   "rounds" }, ... },
 *	      "ratios": [ { "of", "to", "sense": "time"|"faster", "median",
 *			  "q1", "q3" }, ... ],
 *	      "yardstick": { "median", ... },
 *	      "goal": { "on", "at_most"|"at_least", "reached" },
 *	      "skipped": { "linux": "why" },
 *	      "note" } ],
 *	    "means": [ { "of", "to", "sense", "mean", "rows", "goal" } ] } ],
 *	  "yardstick": { "median", ..., "changed" } }
 *
 * goal, note and members of skipped are there only where there is one; reached
 * only where there was something to judge, yardstick where something was timed,
 * changed where that is worth a word. A row is known again by suite, row
 * and column; its figures count in the row's unit. gebpf-bench(8) says the same.
 */
#include "cmd/bench_show.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { NAME_WIDTH = 38, RATIO_WIDTH = 8, FIGURE_WIDTH = 16 };

static struct out *
out_of(struct bench_show *show)
{
	return show->cmd->out;
}

/* Four digits that say something, and no more than wanted. */
static void
number(char *text, size_t size, double v)
{
	double size_of = v < 0 ? -v : v;

	snprintf(text, size, "%.*f",
		 size_of >= 1000 ? 0 : size_of >= 100 ? 1 : size_of >= 1 ? 2 : 3,
		 v);
}

static void
out_double(struct out *out, const char *key, double v)
{
	char text[64];

	snprintf(text, sizeof(text), "%.6g", v);
	/* nobody's parser knows inf and nan */
	if (text[strspn(text, "+-.e0123456789")] != '\0')
		out_null(out, key);
	else
		out_word(out, key, NULL, text);
}

static const char *
sense_name(const struct bench_ratio *ratio)
{
	return ratio->sense == BENCH_FASTER ? "faster" : "time";
}

/* A ratio as it stands in the table: "0.97", or "4.20x" where it is a speed. */
static void
ratio_number(char *text, size_t size, const struct bench_ratio *ratio, double v)
{
	number(text, size - 1, v);
	if (ratio->sense == BENCH_FASTER)
		memcpy(text + strlen(text), "x", 2);
}

/* "jit:linux": as it stands at the top of its column. */
static void
ratio_name(const struct bench_suite *suite, uint32_t i, char *text, size_t size)
{
	const struct bench_ratio *r = &suite->ratios[i];

	snprintf(text, size, "%s:%s", suite->columns[r->of],
		 suite->columns[r->to]);
}

/* As wide as its name, or as a number. */
static int
ratio_width(const struct bench_suite *suite, uint32_t i)
{
	char text[64];

	ratio_name(suite, i, text, sizeof(text));
	return strlen(text) > RATIO_WIDTH ? (int)strlen(text) : RATIO_WIDTH;
}

/* ---- the machine ---- */

static void
processor(char *text, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[256], *value;

	text[0] = '\0';
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "model name", 10) != 0)
			continue;
		value = strchr(line, ':');
		if (value == NULL)
			continue;
		value += strspn(value, ": \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(text, size, "%s", value);
		break;
	}
	if (file != NULL)
		fclose(file);
}

static void
begin(struct bench_show *show)
{
	struct out *out = out_of(show);
	struct utsname host;
	char system[160] = "", cpu[200];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 1)
		cpus = 1;
	processor(cpu, sizeof(cpu));
	if (uname(&host) == 0)
		snprintf(system, sizeof(system), "%s %s", host.sysname,
			 host.release);
	else
		memset(&host, 0, sizeof(host));
	out_object(out, NULL);
	if (show->list) {
		out_array(out, "suites");
		return;
	}
	snprintf(show->machine, sizeof(show->machine),
		 "gebpf %s on %s %s%s%s, %ld processor%s", GEBPF_VERSION,
		 system, host.machine, cpu[0] != '\0' ? ", " : "", cpu, cpus,
		 cpus == 1 ? "" : "s");
	out_text(out, "%s\n", show->machine);
	out_uint(out, "version", NULL, 1);
	out_string(out, "release", NULL, GEBPF_VERSION);
	out_object(out, "machine");
	out_string(out, "system", NULL, system);
	out_string(out, "arch", NULL, host.machine);
	out_string(out, "processor", NULL, cpu);
	out_uint(out, "cpus", NULL, (uint64_t)cpus);
	out_end(out);
	out_array(out, "suites");
}

/* ---- heads ---- */

static void
legend(struct out *out, const struct bench_suite *suite)
{
	bool times = false, faster = false;

	for (uint32_t i = 0; i < suite->ratio_count; i++) {
		times |= suite->ratios[i].sense == BENCH_TIME;
		faster |= suite->ratios[i].sense == BENCH_FASTER;
	}
	if (times)
		out_text(out, "; a:b 2.00: a takes twice what b takes");
	if (faster)
		out_text(out, "; a:b 2.00x: a is twice as fast as b");
}

/* Each in so many places, to the end of the line. */
static void
show_columns(struct out *out, const struct bench_suite *suite, int width)
{
	out_array(out, "columns");
	for (uint32_t c = 0; c < bench_column_count(suite); c++) {
		out_text(out, " %*s", width, suite->columns[c]);
		out_string(out, NULL, NULL, suite->columns[c]);
	}
	out_end(out);
	out_text(out, "\n");
}

static void
suite_begin(void *cookie, const struct bench_suite *suite, uint32_t rounds)
{
	struct bench_show *show = cookie;
	struct out *out = out_of(show);
	char text[64];

	if (!show->begun)
		begin(show);
	show->begun = true;
	show->said_count = 0;
	out_object(out, NULL);
	if (show->list) {
		out_string(out, "suite", "%", suite->name);
		out_string(out, "what", ": %\n", suite->what);
		out_text(out, "    columns:");
		show_columns(out, suite, 0);
		out_array(out, "rows");
		return;
	}
	out_string(out, "suite", "\n%", suite->name);
	out_string(out, "what", ": %", suite->what);
	out_uint(out, "rounds", rounds == 1
				? "; one round"
				: "; medians of % rounds, \302\261 half the "
				  "distance of the quartiles", rounds);
	legend(out, suite);
	out_text(out, "\n%-*s", NAME_WIDTH, "");
	for (uint32_t i = 0; i < suite->ratio_count; i++) {
		ratio_name(suite, i, text, sizeof(text));
		out_text(out, "  %*s", ratio_width(suite, i), text);
	}
	show_columns(out, suite, FIGURE_WIDTH);
	out_array(out, "rows");
	out_flush(out);
}

/* ---- rows ---- */

static void
show_figure(struct out *out, const char *key, const struct bench_figure *f)
{
	out_object(out, key);
	out_double(out, "median", f->median);
	out_double(out, "q1", f->q1);
	out_double(out, "q3", f->q3);
	out_double(out, "min", f->min);
	out_double(out, "max", f->max);
	out_uint(out, "rounds", NULL, f->rounds);
}

/* The yardstick is shown with what depends on the machine's speed. */
static void
show_goal(struct out *out, const struct bench_suite *suite,
	  const struct bench_goal *goal, const struct bench_figure *yardstick)
{
	char text[32], on[64];

	if (goal->kind == BENCH_GOAL_NONE)
		return;
	if (goal->kind == BENCH_GOAL_RATIO) {
		ratio_number(text, sizeof(text), &suite->ratios[goal->on],
			     goal->value);
		ratio_name(suite, goal->on, on, sizeof(on));
	} else {
		number(text, sizeof(text), goal->value);
		snprintf(on, sizeof(on), "%s", suite->columns[goal->on]);
	}
	out_object(out, "goal");
	out_string(out, "on", "  goal %", on);
	out_text(out, " %s %s", goal->at_least ? ">=" : "<=", text);
	out_double(out, goal->at_least ? "at_least" : "at_most", goal->value);
	if (goal->known) {
		out_text(out, goal->reached ? " reached" : " NOT reached");
		out_bool(out, "reached", NULL, goal->reached);
	}
	if (goal->known && goal->kind == BENCH_GOAL_FIGURE &&
	    yardstick != NULL && yardstick->rounds > 0)
		out_text(out, " at yardstick %.0f", yardstick->median);
	out_end(out);
}

static void
show_ratios(struct out *out, const struct bench_suite *suite,
	    const struct bench_row *row)
{
	char text[32];

	out_array(out, "ratios");
	for (uint32_t i = 0; i < suite->ratio_count; i++) {
		const struct bench_figure *f = &row->ratios[i];

		if (f->rounds == 0) {
			out_text(out, "  %*s", ratio_width(suite, i), "-");
			continue;
		}
		ratio_number(text, sizeof(text), &suite->ratios[i], f->median);
		out_text(out, "  %*s", ratio_width(suite, i), text);
		out_object(out, NULL);
		out_string(out, "of", NULL,
			   suite->columns[suite->ratios[i].of]);
		out_string(out, "to", NULL,
			   suite->columns[suite->ratios[i].to]);
		out_string(out, "sense", NULL, sense_name(&suite->ratios[i]));
		out_double(out, "median", f->median);
		out_double(out, "q1", f->q1);
		out_double(out, "q3", f->q3);
		out_end(out);
	}
	out_end(out);
}

static void
show_figures(struct out *out, const struct bench_suite *suite,
	     const struct bench_row *row)
{
	char text[64], median[32];

	out_object(out, "figures");
	for (uint32_t c = 0; c < bench_column_count(suite); c++) {
		const struct bench_figure *f = &row->figures[c];

		if (f->rounds == 0) {
			out_text(out, " %*s", FIGURE_WIDTH, "-");
			continue;
		}
		number(median, sizeof(median), f->median);
		if (f->rounds > 1 && f->median > 0)
			snprintf(text, sizeof(text), "%s \302\261%4.1f%%",
				 median, (f->q3 - f->q1) / 2 / f->median * 100);
		else
			snprintf(text, sizeof(text), "%s", median);
		/* the sign is one place and two bytes */
		out_text(out, " %*s",
			 FIGURE_WIDTH + (strchr(text, '\302') != NULL), text);
		show_figure(out, suite->columns[c], f);
		out_end(out);
	}
	out_end(out);
}

/* In plain text each reason once in a suite, below the first row it concerns. */
static void
show_skipped(struct bench_show *show, const struct bench_suite *suite,
	     const struct bench_row *row)
{
	struct out *out = out_of(show);
	char line[BENCH_TEXT + 16];
	size_t i;

	out_object(out, "skipped");
	for (uint32_t c = 0; c < bench_column_count(suite); c++) {
		if (row->skipped[c][0] == '\0')
			continue;
		out_string(out, suite->columns[c], NULL, row->skipped[c]);
		snprintf(line, sizeof(line), "%s: %.*s", suite->columns[c],
			 BENCH_TEXT - 1, row->skipped[c]);
		for (i = 0; i < show->said_count; i++)
			if (strcmp(show->said[i], line) == 0)
				break;
		if (i < show->said_count)
			continue;
		if (i < sizeof(show->said) / sizeof(show->said[0]))
			memcpy(show->said[show->said_count++], line,
			       sizeof(line));
		out_string(out, NULL, "    left out: %\n", line);
	}
	out_end(out);
}

static void
row(void *cookie, const struct bench_suite *suite, const struct bench_row *row)
{
	struct bench_show *show = cookie;
	struct out *out = out_of(show);
	bool any = false;

	if (show->list) {
		out_string(out, NULL, "    %\n", row->name);
		return;
	}
	for (uint32_t c = 0; c < BENCH_COLUMNS; c++)
		any |= row->figures[c].rounds > 0;
	out_object(out, NULL);
	out_string(out, "row", NULL, row->name);
	out_text(out, "%-*s", NAME_WIDTH, row->name);
	show_ratios(out, suite, row);
	show_figures(out, suite, row);
	out_string(out, "unit", any ? " %" : NULL, bench_unit_name(row->unit));
	out_string(out, "better", NULL,
		   bench_less_is_better(row->unit) ? "less" : "more");
	out_bool(out, "net", NULL, row->net);
	show_goal(out, suite, &row->goal, &row->yardstick);
	if (row->yardstick.rounds > 0) {
		show_figure(out, "yardstick", &row->yardstick);
		out_end(out);
	}
	if (row->note[0] != '\0')
		out_string(out, "note", "  (%)", row->note);
	out_text(out, "\n");
	show_skipped(show, suite, row);
	out_end(out);
	out_flush(out);
}

static void
suite_end(void *cookie, const struct bench_suite *suite,
	  const struct bench_mean means[BENCH_RATIOS])
{
	struct bench_show *show = cookie;
	struct out *out = out_of(show);
	char text[32], name[64];

	out_end(out);
	if (!show->list) {
		out_array(out, "means");
		for (uint32_t i = 0; i < suite->ratio_count; i++) {
			if (means[i].rows == 0)
				continue;
			ratio_number(text, sizeof(text), &suite->ratios[i],
				     means[i].value);
			ratio_name(suite, i, name, sizeof(name));
			out_object(out, NULL);
			out_string(out, "of", NULL,
				   suite->columns[suite->ratios[i].of]);
			out_string(out, "to", NULL,
				   suite->columns[suite->ratios[i].to]);
			out_string(out, "sense", NULL,
				   sense_name(&suite->ratios[i]));
			out_string(out, NULL, "mean of %", name);
			out_double(out, "mean", means[i].value);
			out_text(out, " %s", text);
			out_uint(out, "rows",
				 means[i].rows == 1 ? " (% row)" : " (% rows)",
				 means[i].rows);
			show_goal(out, suite, &means[i].goal, NULL);
			out_text(out, "\n");
			out_end(out);
		}
		out_end(out);
	}
	out_end(out);
}

const struct bench_sink bench_show_sink = {
	.suite_begin = suite_begin,
	.row = row,
	.suite_end = suite_end,
};

void
bench_show_end(struct bench_show *show, struct bench *bench)
{
	struct out *out = out_of(show);
	struct bench_figure f;
	double changed;

	if (!show->begun)
		return;
	out_end(out); /* of suites */
	bench_yardstick(bench, &f);
	if (f.rounds > 0) {
		changed = bench_moved(&f);
		out_text(out, "\nyardstick: a thousand steps of ten additions "
			      "in %.0f ns, %.0f to %.0f\n",
			 f.median, f.min, f.max);
		show_figure(out, "yardstick", &f);
		if (changed > 0) {
			out_text(out, "warning: the machine's speed changed "
				      "by %.2fx during this run: ratios hold, "
				      "times of one row are not another's\n",
				 changed);
			out_double(out, "changed", changed);
		}
		out_end(out);
	}
}

int
bench_show_svg(struct bench_show *show, struct bench *bench,
	       const char *path)
{
	struct cmd *cmd = show->cmd;
	FILE *file;
	int error;

	if (path == NULL)
		return 0;
	file = fopen(path, "w");
	if (file == NULL)
		return cmd_fail(cmd, -EBPF_EIO, "%s: %m", path);
	error = bench_svg(bench, show->machine, file);
	if (fclose(file) != 0 && error == 0)
		error = -EBPF_EIO;
	if (error != 0)
		return cmd_fail(cmd, error, "%s: cannot be written", path);
	return 0;
}
