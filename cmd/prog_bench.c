/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf prog bench: a program of the user's, test run on the user's bytes by
 * every engine of its device, by Linux where that takes it, and beside another
 * program; a suite of one row for lib/bench.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench_linux.h"
#include "cmd/bench_show.h"
#include "cmd/command.h"
#include "cmd/handle.h"
#include "cmd/input.h"
#include "cmd/prog_bench_linux.h"
#include "cmd/prog_run.h"

enum { JIT, LINUX, INTERP, AGAINST, COLUMNS };
enum { JIT_LINUX, INTERP_JIT, JIT_AGAINST };
enum { WITHOUT_MAX = 8 };

static const char *const columns[COLUMNS] = { "jit", "linux", "interp",
					      "against" };

struct measured;

/* One column's way to run. */
struct way {
	struct measured *m;
	uint32_t id, engine;
	struct prog_result result;
};

struct measured {
	struct cmd *cmd;
	struct ebpf_rep_prog_info info, against;
	bool has_against;
	struct prog_bytes data, ctx;
	uint64_t repeat; /* 0: as many as fill the time */
	struct prog_twin twin;
	struct way ways[COLUMNS];
	uint32_t linux_retval;
	struct bench_options options;
	const char *without[WITHOUT_MAX + 1];
	const char *svg;
};

/* ---- running ---- */

static double
run_way(void *cookie, uint64_t repeat)
{
	struct way *way = cookie;
	struct measured *m = way->m;
	uint64_t runs = m->repeat != 0 ? m->repeat : repeat, left = repeat;
	double spent = 0;

	if (m->repeat == 0)
		left = 1;
	while (left-- > 0) {
		if (prog_run_once(m->cmd, way->id, &m->data, &m->ctx,
				  (uint32_t)runs, way->engine,
				  &way->result) != 0)
			return -1;
		/* a device that is older does not say it */
		spent += way->result.rep.time_ns != 0
				 ? (double)way->result.rep.time_ns
				 : (double)way->result.rep.duration_ns *
					   (double)runs;
	}
	return spent;
}

static double
run_linux(void *cookie, uint64_t repeat)
{
	struct measured *m = cookie;
	uint64_t runs = m->repeat != 0 ? m->repeat : repeat, left = repeat;
	struct bench_linux_run run = {
		.data = m->data.data,
		.data_len = (uint32_t)m->data.len,
		.ctx = m->ctx.data,
		.ctx_len = (uint32_t)m->ctx.len,
		.repeat = (uint32_t)runs,
	};
	double spent = 0;

	if (m->repeat == 0)
		left = 1;
	while (left-- > 0) {
		if (bench_linux_run(m->twin.prog, &run) != 0)
			return -1;
		spent += (double)run.duration_ns * (double)runs;
	}
	m->linux_retval = run.retval;
	return spent;
}

/* ---- the row ---- */

/* Once, so that what is wrong is said as prog run says it. */
static int
try_way(struct bench *bench, struct measured *m, uint32_t column)
{
	struct way *way = &m->ways[column];
	const struct ebpf_rep_prog_info *info =
		column == AGAINST ? &m->against : &m->info;
	int error;

	if (!bench_wants(bench, column)) {
		bench_row_skip(bench, column, "not asked for");
		return 0;
	}
	error = prog_run_once(m->cmd, way->id, &m->data, &m->ctx, 1,
			      way->engine, &way->result);
	if (error == -EBPF_EJIT)
		bench_row_skip(bench, column, "it was loaded without machine "
					      "code");
	else if (error == -EBPF_EUNSUPPORTED)
		bench_row_skip(bench, column, "this device interprets no "
					      "programs");
	else if (error != 0)
		return prog_run_failed(m->cmd, info, m->data.len, error);
	else
		bench_row_add(bench, column, run_way, way,
			      m->repeat != 0 ? (double)m->repeat : 1);
	return 0;
}

static int
try_linux(struct bench *bench, struct measured *m)
{
	struct bench_linux_run run = {
		.data = m->data.data,
		.data_len = (uint32_t)m->data.len,
		.ctx = m->ctx.data,
		.ctx_len = (uint32_t)m->ctx.len,
		.repeat = 1,
	};
	int error;

	if (!bench_wants(bench, LINUX)) {
		bench_row_skip(bench, LINUX, "not asked for");
		return 0;
	}
	error = prog_twin_open(m->cmd, &m->info, &m->twin);
	if (error != 0)
		return error;
	if (m->twin.prog < 0) {
		bench_row_skip(bench, LINUX, "%s", m->twin.why);
		return 0;
	}
	error = bench_linux_run(m->twin.prog, &run);
	m->linux_retval = run.retval;
	if (error != 0)
		bench_row_skip(bench, LINUX, "the kernel refused the run: %s",
			       strerror(-error));
	else
		bench_row_add(bench, LINUX, run_linux, m,
			      m->repeat != 0 ? (double)m->repeat : 1);
	return 0;
}

static void
add_note(struct bench *bench, const struct measured *m)
{
	const struct prog_result *jit = &m->ways[JIT].result;
	char linux_words[160] = "";
	uint32_t len;

	if (m->twin.prog >= 0) {
		len = bench_linux_code_len(m->twin.prog);
		snprintf(linux_words, sizeof(linux_words),
			 ", Linux's %u bytes%s%s", len,
			 m->twin.per_cpu ? "; per-CPU maps are empty there"
					 : "",
			 jit->out != NULL &&
					 (uint32_t)jit->rep.retval !=
						 m->linux_retval
				 ? "; ITS RESULT DIFFERS"
				 : "");
	}
	if (jit->out != NULL)
		bench_row_note(bench, "returns %llu; code %u bytes%s",
			       (unsigned long long)jit->rep.retval,
			       m->info.jited_len, linux_words);
}

static int
run(struct bench *bench)
{
	struct measured *m = (struct measured *)bench_cookie(bench);
	int error = 0;

	if (!bench_row_begin(bench, "%s", m->info.name))
		return 0;
	while (error == 0 && bench_row_next(bench, 1)) {
		error = try_way(bench, m, JIT);
		if (error == 0)
			error = try_way(bench, m, INTERP);
		if (error == 0 && m->has_against)
			error = try_way(bench, m, AGAINST);
		if (error == 0)
			error = try_linux(bench, m);
		if (error != 0)
			break;
		add_note(bench, m);
		bench_row_measure(bench);
	}
	return error;
}

/* ---- words ---- */

static int
take_input(struct cmd *cmd, struct prog_bytes *bytes)
{
	const char *word = cmd_take(cmd);

	free(bytes->data);
	*bytes = (struct prog_bytes){ NULL, 0 };
	return word == NULL ? cmd->err.code
			    : input_read(cmd, word, &bytes->data, &bytes->len);
}

static int
take_without(struct cmd *cmd, struct measured *m)
{
	const char *word = cmd_take(cmd);
	size_t n = 0;

	if (word == NULL)
		return cmd->err.code;
	for (size_t c = 0; c < COLUMNS; c++) {
		if (strcmp(columns[c], word) != 0)
			continue;
		while (m->without[n] != NULL)
			n++;
		if (n < WITHOUT_MAX)
			m->without[n] = columns[c];
		return 0;
	}
	cmd_fail(cmd, CMD_EUSAGE, "prog bench: there is no column '%s'", word);
	return cmd_hint(cmd, "columns are jit, linux, interp, against");
}

static int
parse(struct cmd *cmd, struct measured *m)
{
	uint64_t n;
	uint32_t id;
	int error = handle_one(cmd, EBPF_OBJ_PROG, &id);

	if (error == 0)
		error = handle_prog_info(cmd, id, &m->info);
	while (error == 0 && cmd_peek(cmd) != NULL) {
		if (cmd_take_if(cmd, "data_in")) {
			error = take_input(cmd, &m->data);
		} else if (cmd_take_if(cmd, "ctx_in")) {
			error = take_input(cmd, &m->ctx);
		} else if (cmd_take_if(cmd, "repeat")) {
			error = cmd_number(cmd, "repeat", UINT32_MAX,
					   &m->repeat);
			if (error == 0 && m->repeat == 0)
				error = cmd_fail(cmd, CMD_EUSAGE,
						 "at least one run");
		} else if (cmd_take_if(cmd, "against")) {
			error = handle_one(cmd, EBPF_OBJ_PROG, &id);
			if (error == 0)
				error = handle_prog_info(cmd, id, &m->against);
			m->has_against = true;
		} else if (cmd_take_if(cmd, "svg")) {
			m->svg = cmd_take(cmd);
		} else if (cmd_take_if(cmd, "without")) {
			error = take_without(cmd, m);
		} else if (cmd_take_if(cmd, "rounds")) {
			error = cmd_number(cmd, "rounds", BENCH_ROUNDS_MAX, &n);
			m->options.rounds = (uint32_t)n;
		} else if (cmd_take_if(cmd, "time")) {
			error = cmd_number(cmd, "time", 1000000, &n);
			m->options.sample_us = (uint32_t)n;
		} else {
			error = cmd_done(cmd);
		}
	}
	/* so many runs are so many: no more of them to fill the time */
	if (m->repeat != 0)
		m->options.sample_us = 1;
	m->options.without = m->without;
	return error;
}

static void
set_up(struct measured *m)
{
	m->twin.prog = -1;
	for (uint32_t c = 0; c < COLUMNS; c++)
		m->ways[c] = (struct way){
			.m = m,
			.id = c == AGAINST ? m->against.id : m->info.id,
			.engine = c == JIT ? EBPF_ENGINE_JIT
				  : c == INTERP ? EBPF_ENGINE_INTERP
						: EBPF_ENGINE_DEFAULT,
		};
}

int
cmd_prog_bench(struct cmd *cmd)
{
	struct measured m = { .cmd = cmd };
	struct bench_show show = { .cmd = cmd };
	struct bench_suite suite = {
		.name = "prog",
		.what = "time of one run",
		.columns = { columns[JIT], columns[LINUX], columns[INTERP],
			     columns[AGAINST] },
		.ratios = {
			[JIT_LINUX] = { JIT, LINUX, BENCH_TIME },
			[INTERP_JIT] = { INTERP, JIT, BENCH_TIME },
			[JIT_AGAINST] = { JIT, AGAINST, BENCH_TIME },
		},
		.ratio_count = 3,
		.reference = JIT,
		.run = run,
		.cookie = &m,
	};
	struct bench *bench = NULL;
	int error = parse(cmd, &m);

	if (error != 0)
		goto out;
	set_up(&m);
	if (!m.has_against) {
		suite.columns[AGAINST] = NULL;
		suite.ratio_count = JIT_AGAINST;
	}
	error = bench_create(&m.options, &bench_show_sink, &show, &bench);
	if (error != 0) {
		error = cmd_no_memory(cmd);
		goto out;
	}
	/* before anything is shown */
	error = prog_run_once(cmd, m.info.id, &m.data, &m.ctx, 1,
			      EBPF_ENGINE_DEFAULT, &m.ways[JIT].result);
	if (error != 0)
		error = prog_run_failed(cmd, &m.info, m.data.len, error);
	else
		error = bench_run(bench, &suite);
	bench_show_end(&show, bench);
	if (error == 0)
		error = bench_show_svg(&show, bench, m.svg);
out:
	bench_destroy(bench);
	prog_twin_close(&m.twin);
	for (size_t i = 0; i < sizeof(m.ways) / sizeof(m.ways[0]); i++)
		free(m.ways[i].result.out);
	free(m.data.data);
	free(m.ctx.data);
	return error;
}
