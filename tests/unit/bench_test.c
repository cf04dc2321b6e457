/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The measuring library on suites that are made up: what they take is given,
 * so medians, quartiles, ratios, means, goals and what is left out are known.
 * No clock is read.
 */
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "abi/error.h"
#include "tap.h"

enum { OURS, THEIRS };
enum { TIME, FASTER };

/* Takes the next of a list for each operation, whatever the repetition. */
struct fake {
	const double *ns;
	size_t count, at;
	uint64_t runs; /* calls since it was made */
	uint64_t fail_from; /* 0: never */
};

static uint64_t all_runs;

static double
run_fake(void *cookie, uint64_t repeat)
{
	struct fake *fake = cookie;
	double ns = fake->ns[fake->at % fake->count];

	fake->runs++;
	all_runs++;
	if (fake->fail_from != 0 && fake->runs >= fake->fail_from)
		return -1;
	/* a repetition is ten operations; finding out how many are enough
	 * does not use the list up */
	if (fake->runs > 1)
		fake->at++;
	return ns * 10 * (double)repeat;
}

/* ---- who is told ---- */

static struct told {
	const struct bench_suite *suite;
	uint32_t begins, rows, ends;
	struct bench_row row[16];
	struct bench_mean means[BENCH_RATIOS];
	struct bench_figure yardstick; /* of all */
	double moved;
} told;

static void
on_begin(void *cookie, const struct bench_suite *suite, uint32_t rounds)
{
	told.begins++;
	told.suite = suite;
}

static void
on_row(void *cookie, const struct bench_suite *suite,
       const struct bench_row *row)
{
	if (told.rows < 16)
		told.row[told.rows++] = *row;
}

static void
on_end(void *cookie, const struct bench_suite *suite,
       const struct bench_mean *means)
{
	told.ends++;
	memcpy(told.means, means, sizeof(told.means));
}

static const struct bench_sink sink = { on_begin, on_row, on_end };

static int
run(const struct bench_suite *suite, const struct bench_options *options,
    char **svg)
{
	struct bench *bench;
	size_t size = 0;
	FILE *file;
	int error;

	memset(&told, 0, sizeof(told));
	all_runs = 0;
	error = bench_create(options, &sink, NULL, &bench);
	if (error != 0)
		return error;
	error = bench_run(bench, suite);
	bench_yardstick(bench, &told.yardstick);
	told.moved = bench_moved(&told.yardstick);
	if (svg != NULL) {
		file = open_memstream(svg, &size);
		tap_ok(bench_svg(bench, "title <&>", file) == 0, "a picture");
		fclose(file);
	}
	bench_destroy(bench);
	return error;
}

static bool
near(double a, double b)
{
	return a > b - 1e-9 * b - 1e-12 && a < b + 1e-9 * b + 1e-12;
}

/* ---- suites ---- */

static const double five[] = { 50, 10, 30, 20, 40 };
static const double fives[] = { 100, 20, 60, 40, 80 };
static const double same[] = { 7 };

static int
run_figures(struct bench *bench)
{
	struct fake ours = { five, 5, 0, 0, 0 }, theirs = { fives, 5, 0, 0, 0 };

	if (bench_row_begin(bench, "figures"))
		while (bench_row_next(bench, 1)) {
			bench_row_add(bench, OURS, run_fake, &ours, 10);
			bench_row_add(bench, THEIRS, run_fake, &theirs, 10);
			bench_row_goal(bench, BENCH_GOAL_RATIO, FASTER, 2);
			bench_row_in_mean(bench, TIME, 0.4);
			bench_row_measure(bench);
		}
	return 0;
}

static int
run_units(struct bench *bench)
{
	struct fake one = { same, 1, 0, 0, 0 }, base = { same, 1, 0, 0, 0 };
	static const double hundred[] = { 107 };
	struct fake more = { hundred, 1, 0, 0, 0 };

	if (bench_row_begin(bench, "rate"))
		while (bench_row_next(bench, 1)) {
			bench_row_unit(bench, BENCH_MPS);
			bench_row_add(bench, OURS, run_fake, &one, 10);
			bench_row_add(bench, THEIRS, run_fake, &more, 10);
			bench_row_goal(bench, BENCH_GOAL_FIGURE, OURS, 150);
			bench_row_measure(bench);
		}
	if (bench_row_begin(bench, "net"))
		while (bench_row_next(bench, 1)) {
			bench_row_add_net(bench, OURS, run_fake, &more,
					  run_fake, &base, 10);
			bench_row_add_net(bench, THEIRS, run_fake, &one,
					  run_fake, &base, 10);
			bench_row_measure(bench);
		}
	if (bench_row_begin(bench, "bytes"))
		while (bench_row_next(bench, 1)) {
			bench_row_unit(bench, BENCH_BYTES);
			bench_row_value(bench, OURS, 90);
			bench_row_value(bench, THEIRS, 100);
			bench_row_note(bench, "%d <of> them", 2);
			bench_row_goal(bench, BENCH_GOAL_RATIO, TIME, 1);
		}
	return 0;
}

static int
run_failing(struct bench *bench)
{
	struct fake ours = { same, 1, 0, 0, 0 };
	struct fake never = { same, 1, 0, 0, 1 };
	struct fake later = { same, 1, 0, 0, 5 };

	if (bench_row_begin(bench, "never"))
		while (bench_row_next(bench, 1)) {
			bench_row_add(bench, OURS, run_fake, &ours, 10);
			bench_row_add(bench, THEIRS, run_fake, &never, 10);
			bench_row_measure(bench);
		}
	if (bench_row_begin(bench, "later"))
		while (bench_row_next(bench, 1)) {
			bench_row_add(bench, OURS, run_fake, &ours, 10);
			bench_row_add(bench, THEIRS, run_fake, &later, 10);
			bench_row_measure(bench);
		}
	if (bench_row_begin(bench, "skipped"))
		while (bench_row_next(bench, 1)) {
			bench_row_add(bench, OURS, run_fake, &ours, 10);
			bench_row_skip(bench, THEIRS, "a\nb");
			bench_row_goal(bench, BENCH_GOAL_RATIO, TIME, 1);
			bench_row_measure(bench);
		}
	return bench_fail(bench, -EBPF_EIO, "at the %s", "end");
}

static uint32_t instances;

static int
run_instances(struct bench *bench)
{
	static const double ns[] = { 1, 2, 3 };

	instances = 0;
	if (bench_row_begin(bench, "instances"))
		while (bench_row_next(bench, 3)) {
			struct fake fake = { &ns[instances % 3], 1, 0, 0, 0 };

			instances++;
			bench_row_add(bench, OURS, run_fake, &fake, 10);
			bench_row_measure(bench);
		}
	return 0;
}

static struct bench_suite
suite_of(int (*fn)(struct bench *))
{
	return (struct bench_suite){
		.name = "made-up",
		.what = "nothing",
		.columns = { "ours", "theirs" },
		.ratios = {
			[TIME] = { OURS, THEIRS, BENCH_TIME },
			[FASTER] = { OURS, THEIRS, BENCH_FASTER },
		},
		.ratio_count = 2,
		.reference = THEIRS,
		.run = fn,
	};
}

/* How fast the machine is made out to be, look by look. */
static const double *looks;
static size_t look;

static double
fed_yardstick(void)
{
	return looks != NULL ? looks[look++] : 500;
}

/* One call is enough to fill the time. */
static const struct bench_options options = { .rounds = 5, .sample_us = 1,
					      .yardstick = fed_yardstick };

/* ---- tests ---- */

/* The list from the second call on: calibrating took the first. */
static void
test_figures(void)
{
	struct bench_suite suite = suite_of(run_figures);
	const struct bench_figure *f = &told.row[0].figures[OURS];

	tap_ok(run(&suite, &options, NULL) == 0 && told.begins == 1 &&
		       told.rows == 1 && told.ends == 1,
	       "a suite of one row");
	tap_ok(f->rounds == 5 && near(f->min, 10) && near(f->q1, 20) &&
		       near(f->median, 30) && near(f->q3, 40) &&
		       near(f->max, 50),
	       "quartiles of five");
	tap_ok(near(told.row[0].ratios[TIME].median, 0.5) &&
		       near(told.row[0].ratios[TIME].q1, 0.5) &&
		       near(told.row[0].ratios[FASTER].median, 2),
	       "ratios are of rounds: those of moments that differ do not");
	tap_ok(told.row[0].goal.known && told.row[0].goal.reached &&
		       told.row[0].goal.at_least,
	       "a goal that is just reached");
	tap_ok(told.means[TIME].rows == 1 && near(told.means[TIME].value, 0.5) &&
		       told.means[TIME].goal.known &&
		       !told.means[TIME].goal.reached &&
		       told.means[FASTER].rows == 0,
	       "a mean, and a goal that is not reached");
}

static void
test_units(void)
{
	struct bench_suite suite = suite_of(run_units);
	char *svg = NULL;

	tap_ok(run(&suite, &options, &svg) == 0 && told.rows == 3, "units");
	tap_ok(near(told.row[0].figures[OURS].median, 1000.0 / 7) &&
		       near(told.row[0].ratios[FASTER].median, 107.0 / 7) &&
		       near(told.row[0].ratios[TIME].median, 7.0 / 107),
	       "a rate: more is faster");
	tap_ok(told.row[0].goal.at_least && !told.row[0].goal.reached,
	       "its goal is a least");
	tap_ok(told.row[1].net && near(told.row[1].figures[OURS].median, 100),
	       "net of a base");
	tap_ok(told.row[1].figures[THEIRS].rounds == 5 &&
		       told.row[1].figures[THEIRS].median == 0 &&
		       told.row[1].ratios[TIME].rounds == 0,
	       "what cannot be told from its base is 0, and has no ratio");
	tap_ok(told.row[2].figures[OURS].rounds == 1 &&
		       near(told.row[2].ratios[TIME].median, 0.9) &&
		       told.row[2].goal.reached &&
		       strcmp(told.row[2].note, "2 <of> them") == 0,
	       "figures that are given");
	tap_ok(svg != NULL && strstr(svg, "title &lt;&amp;&gt;") != NULL &&
		       strstr(svg, "<of>") == NULL &&
		       strstr(svg, "longer is better") != NULL &&
		       strstr(svg, "</svg>") != NULL,
	       "the picture escapes words and says which way is better");
	free(svg);
}

static void
test_failing(void)
{
	struct bench_suite suite = suite_of(run_failing);

	tap_ok(run(&suite, &options, NULL) == -EBPF_EIO && told.ends == 1,
	       "a suite's error comes through, and its end is told");
	tap_ok(told.row[0].figures[THEIRS].rounds == 0 &&
		       strcmp(told.row[0].skipped[THEIRS], "it fails") == 0 &&
		       told.row[0].figures[OURS].rounds == 5,
	       "who fails at once is left out, the other not");
	tap_ok(told.row[1].figures[THEIRS].rounds > 0 &&
		       told.row[1].figures[THEIRS].rounds < 5 &&
		       strstr(told.row[1].skipped[THEIRS], "in round") != NULL,
	       "who fails later is said to");
	tap_ok(strcmp(told.row[2].skipped[THEIRS], "a") == 0 &&
		       !told.row[2].goal.known,
	       "who is skipped has a reason of one line, and no goal is judged");
}

static void
test_selection(void)
{
	static const char *const without[] = { "theirs", NULL };
	struct bench_suite suite = suite_of(run_units);
	struct bench_options o = options;

	o.rows = "et";
	tap_ok(run(&suite, &o, NULL) == 0 && told.rows == 1 &&
		       strcmp(told.row[0].name, "net") == 0,
	       "rows by a part of their names");
	o.rows = "?at*";
	tap_ok(run(&suite, &o, NULL) == 0 && told.rows == 1 &&
		       strcmp(told.row[0].name, "rate") == 0,
	       "or by a pattern");
	o.rows = "x";
	tap_ok(run(&suite, &o, NULL) == 0 && told.begins == 0 && told.ends == 0,
	       "a suite without rows is not told of");
	o = options;
	o.list = true;
	tap_ok(run(&suite, &o, NULL) == 0 && told.rows == 3 &&
		       told.row[0].figures[OURS].rounds == 0,
	       "a list measures nothing");
	o = options;
	o.without = without;
	tap_ok(run(&suite, &o, NULL) == 0 &&
		       told.row[0].figures[THEIRS].rounds == 0 &&
		       told.row[2].figures[THEIRS].rounds == 0 &&
		       strcmp(told.row[2].skipped[THEIRS],
			      "not asked for") == 0,
	       "a column that is not wanted");
	suite = suite_of(run_figures);
	o = options;
	o.rows = "figures";
	tap_ok(run(&suite, &o, NULL) == 0 && told.means[TIME].rows == 1 &&
		       !told.means[TIME].goal.known,
	       "the mean of some rows has no goal");
	o.rounds = BENCH_ROUNDS_MAX + 1;
	tap_ok(run(&suite, &o, NULL) == -EBPF_EINVAL, "too many rounds");
}

static void
test_instances(void)
{
	struct bench_suite suite = suite_of(run_instances);
	struct bench_options o = options;

	o.rounds = 9;
	tap_ok(run(&suite, &o, NULL) == 0 && instances == 3 &&
		       told.row[0].figures[OURS].rounds == 9 &&
		       near(told.row[0].figures[OURS].min, 1) &&
		       near(told.row[0].figures[OURS].median, 2) &&
		       near(told.row[0].figures[OURS].max, 3),
	       "nine rounds over three instances");
	o.rounds = 2;
	tap_ok(run(&suite, &o, NULL) == 0 && instances == 2,
	       "two rounds make two");
	o.rounds = 4;
	tap_ok(run(&suite, &o, NULL) == 0 && instances == 2 &&
		       told.row[0].figures[OURS].rounds == 4,
	       "four are not lost");
	o.list = true;
	tap_ok(run(&suite, &o, NULL) == 0 && instances == 0, "none in a list");
}

static uint64_t stop_after;

static bool
is_stopped(void)
{
	return all_runs >= stop_after;
}

/*
 * Of run_units(): 3 calls find out how many fill the time, 10 measure the first
 * row; then 7 more, and a round of the second is 4.
 */
static void
test_stopped(void)
{
	struct bench_suite suite = suite_of(run_units);
	struct bench_options o = options;
	char *svg = NULL;

	o.stopped = is_stopped;
	stop_after = 13 + 7 + 2 * 4;
	tap_ok(run(&suite, &o, &svg) == 0 && told.ends == 1 && told.rows == 2,
	       "stopped in a row: those before are shown, and what it has");
	tap_ok(told.row[0].figures[OURS].rounds == 5 &&
		       told.row[0].note[0] == '\0' &&
		       told.row[1].figures[OURS].rounds == 2 &&
		       strstr(told.row[1].note, "stopped") != NULL,
	       "its note says so");
	tap_ok(svg != NULL && strstr(svg, "</svg>") != NULL,
	       "there is a picture of that");
	free(svg);
	stop_after = 13 + 7;
	tap_ok(run(&suite, &o, NULL) == 0 && told.ends == 1 && told.rows == 1,
	       "a row without a round is not shown");
	stop_after = 13;
	tap_ok(run(&suite, &o, NULL) == 0 && told.rows == 1 &&
		       told.row[0].note[0] == '\0',
	       "after its last round a row is whole");
	stop_after = 0;
	tap_ok(run(&suite, &o, NULL) == 0 && told.begins == 0 &&
		       told.ends == 0,
	       "stopped before it began");
}

/*
 * A machine that is twice as slow for a while: it is said, and no goal is
 * judged otherwise for it.
 */
static void
test_yardstick(void)
{
	static const double slows[] = { 500, 520, 1000, 1000, 1000,
					510, 500, 510, 505, 505 };
	static const double steady[] = { 500, 600, 550, 510, 520,
					 510, 500, 510, 505, 505 };
	struct bench_suite suite = suite_of(run_units);
	char *svg = NULL;

	looks = slows;
	look = 0;
	tap_ok(run(&suite, &options, &svg) == 0 && look == 10,
	       "a look before each round of what is timed");
	tap_ok(told.row[0].yardstick.rounds == 5 &&
		       near(told.row[0].yardstick.median, 1000) &&
		       near(told.row[0].yardstick.min, 500) &&
		       near(told.row[1].yardstick.median, 505) &&
		       told.row[2].yardstick.rounds == 0,
	       "a row has its own rounds', what is no time has none");
	tap_ok(told.yardstick.rounds == 10 &&
		       near(told.yardstick.median, 510) &&
		       near(told.moved, 2) &&
		       strstr(svg, "changed by 2.00") != NULL,
	       "over all it changed by two, as the picture says");
	tap_ok(near(told.row[0].figures[OURS].median, 1000.0 / 7) &&
		       told.row[0].goal.known && !told.row[0].goal.reached,
	       "figures and goals are what they are without it");
	free(svg);
	looks = steady;
	look = 0;
	tap_ok(run(&suite, &options, &svg) == 0 &&
		       told.yardstick.rounds == 10 && told.moved == 0 &&
		       strstr(svg, "changed by") == NULL,
	       "a fifth is not spoken of");
	free(svg);
	looks = NULL;
}

/* Names must tell rows apart, and ratios columns that are there. */
static void
test_suites(void)
{
	bool good = true;

	for (size_t i = 0; bench_suites[i] != NULL; i++) {
		const struct bench_suite *s = bench_suites[i];
		uint32_t columns = bench_column_count(s);

		good &= s->name != NULL && s->what != NULL && columns >= 2 &&
			s->reference < columns &&
			s->ratio_count <= BENCH_RATIOS;
		for (uint32_t r = 0; r < s->ratio_count; r++)
			good &= s->ratios[r].of < columns &&
				s->ratios[r].to < columns;
		for (size_t j = 0; j < i; j++)
			good &= strcmp(bench_suites[j]->name, s->name) != 0;
	}
	tap_ok(good, "the suites that are built in are well-formed");
}

int
main(void)
{
	test_figures();
	test_units();
	test_failing();
	test_selection();
	test_instances();
	test_stopped();
	test_yardstick();
	test_suites();
	return tap_done();
}
