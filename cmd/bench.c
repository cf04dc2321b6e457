/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf bench: the suites that are built in, all or some, or what they have.
 * What is measured is lib/bench's, what it looks like bench_show.c's.
 */
#include <signal.h>
#include <string.h>

#include "bench/bench.h"
#include "cmd/bench_show.h"
#include "cmd/command.h"

enum { SUITES_MAX = 16, WITHOUT_MAX = 16 };

static volatile sig_atomic_t interrupted;

struct asked {
	const struct bench_suite *suites[SUITES_MAX];
	size_t suite_count;
	const char *without[WITHOUT_MAX + 1];
	size_t without_count;
	struct bench_options options;
	const char *svg;
};

static const struct bench_suite *
suite_of(const char *name)
{
	for (size_t i = 0; bench_suites[i] != NULL; i++)
		if (strcmp(bench_suites[i]->name, name) == 0)
			return bench_suites[i];
	return NULL;
}

/* A column that no suite has would be left out of nothing, silently. */
static int
take_without(struct cmd *cmd, struct asked *asked)
{
	const char *word = cmd_take(cmd);

	if (word == NULL)
		return cmd->err.code;
	for (size_t i = 0; bench_suites[i] != NULL; i++)
		for (size_t c = 0; c < bench_column_count(bench_suites[i]); c++)
			if (strcmp(bench_suites[i]->columns[c], word) == 0) {
				if (asked->without_count == WITHOUT_MAX)
					return cmd_fail(cmd, CMD_EUSAGE,
							"bench: at most %d "
							"columns are left out",
							WITHOUT_MAX);
				asked->without[asked->without_count++] = word;
				return 0;
			}
	cmd_fail(cmd, CMD_EUSAGE, "bench: no suite has a column '%s'", word);
	return cmd_hint(cmd, "gebpf bench list names them");
}

static int
parse(struct cmd *cmd, struct asked *asked)
{
	uint64_t n;
	int error = 0;

	while (error == 0 && cmd_peek(cmd) != NULL) {
		const struct bench_suite *suite = suite_of(cmd_peek(cmd));

		if (suite != NULL) {
			cmd_take(cmd);
			if (asked->suite_count < SUITES_MAX)
				asked->suites[asked->suite_count++] = suite;
		} else if (cmd_take_if(cmd, "list")) {
			asked->options.list = true;
		} else if (cmd_take_if(cmd, "rows")) {
			asked->options.rows = cmd_take(cmd);
		} else if (cmd_take_if(cmd, "rounds")) {
			error = cmd_number(cmd, "rounds", BENCH_ROUNDS_MAX, &n);
			asked->options.rounds = (uint32_t)n;
			if (error == 0 && n == 0)
				error = cmd_fail(cmd, CMD_EUSAGE,
						 "bench: at least one round");
		} else if (cmd_take_if(cmd, "time")) {
			error = cmd_number(cmd, "time", 1000000, &n);
			asked->options.sample_us = (uint32_t)n;
			if (error == 0 && n == 0)
				error = cmd_fail(cmd, CMD_EUSAGE,
						 "bench: a measurement takes "
						 "at least 1 us");
		} else if (cmd_take_if(cmd, "without")) {
			error = take_without(cmd, asked);
		} else if (cmd_take_if(cmd, "svg")) {
			asked->svg = cmd_take(cmd);
		} else {
			error = cmd_done(cmd);
		}
	}
	if (asked->suite_count == 0)
		while (bench_suites[asked->suite_count] != NULL) {
			asked->suites[asked->suite_count] =
				bench_suites[asked->suite_count];
			asked->suite_count++;
		}
	asked->options.without = asked->without;
	return error;
}

static double interrupted_ns;

/*
 * Once: what has been measured is worth having. Later the same ends us; at once
 * it is the same signal, sent to us and to our group.
 */
static void
on_signal(int number)
{
	enum { AT_ONCE_NS = 500000000 };
	double now = bench_wall_ns();

	if (!interrupted) {
		interrupted_ns = now;
		interrupted = 1;
	} else if (now - interrupted_ns > AT_ONCE_NS) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

static bool
is_interrupted(void)
{
	return interrupted != 0;
}

static void
take_signals(bool take)
{
	struct sigaction action = { .sa_handler = take ? on_signal : SIG_DFL };

	interrupted = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int
cmd_bench(struct cmd *cmd)
{
	struct asked asked = { .suite_count = 0 };
	struct bench_show show = { .cmd = cmd };
	struct bench *bench = NULL;
	int error = parse(cmd, &asked);

	if (error != 0)
		return error;
	show.list = asked.options.list;
	asked.options.stopped = is_interrupted;
	error = bench_create(&asked.options, &bench_show_sink, &show, &bench);
	if (error != 0)
		return cmd_no_memory(cmd);
	take_signals(true);
	for (size_t i = 0; i < asked.suite_count && error == 0; i++) {
		error = bench_run(bench, asked.suites[i]);
		if (error != 0)
			cmd_fail(cmd, error, "suite %s: %s",
				 asked.suites[i]->name,
				 bench_why(bench)[0] != '\0'
					 ? bench_why(bench)
					 : gebpf_error_text(error));
	}
	bench_show_end(&show, bench);
	if (error == 0 && bench_was_stopped(bench)) {
		bench_show_svg(&show, bench, asked.svg);
		error = cmd_fail(cmd, CMD_EPARTLY,
				 "interrupted: not everything was measured");
	}
	if (error == 0 && bench_rows(bench) == 0) {
		cmd_fail(cmd, -EBPF_ENOENT, "no row is called '%s'",
			 asked.options.rows);
		error = cmd_hint(cmd, "gebpf bench list names them");
	}
	if (error == 0 && !asked.options.list)
		error = bench_show_svg(&show, bench, asked.svg);
	bench_destroy(bench);
	take_signals(false);
	return error;
}
