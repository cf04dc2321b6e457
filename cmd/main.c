/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf(8). Reads the command line (run.c), makes the writer, runs the command
 * and turns its error into an exit code. The commands are one file per noun;
 * command.def lists them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/run.h"

/* What was asked for before the command line turned out to be wrong. */
static enum out_style
style_of_words(int count, char **words)
{
	enum out_style style = OUT_PLAIN;

	for (int i = 0; i < count; i++) {
		const char *word = words[i];

		if (strcmp(word, "--json") == 0 && style == OUT_PLAIN)
			style = OUT_JSON;
		else if (strcmp(word, "--pretty") == 0)
			style = OUT_PRETTY;
		else if (strcmp(word, "--yaml") == 0)
			style = OUT_YAML;
	}
	return style;
}

/*
 * Whoever started this with one of the three standard files closed would have
 * the device's socket take its number, and the output go there as a request.
 * What stands in for them cannot be read or, but for diagnostics, written.
 */
static int
standard_files(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDWR };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", modes[fd]) != fd)
			return -1;
	return 0;
}

int
main(int argc, char **argv)
{
	struct cmd cmd = { .style = OUT_PLAIN };
	struct run_words run;
	const char *no_color = getenv("NO_COLOR");
	int error, written;

	if (standard_files() != 0)
		return CMD_EXIT_FAILED;
	if (argc > 1 && strcmp(argv[1], "__complete") == 0)
		return cmd_complete(argc - 2, argv + 2);
	/* Writing into a closed pipe is an error to report, not a death. */
	signal(SIGPIPE, SIG_IGN);
	cmd.color_err = isatty(STDERR_FILENO) &&
			(no_color == NULL || *no_color == '\0');
	error = run_resolve(&cmd, argc - 1, argv + 1, &run);
	if (error != 0 && cmd.style == OUT_PLAIN)
		cmd.style = style_of_words(argc - 1, argv + 1);
	cmd.out = out_new(cmd.style, stdout);
	if (cmd.out == NULL) {
		fprintf(stderr, "Error: out of memory\n");
		return CMD_EXIT_FAILED;
	}
	if (error == 0)
		error = run_resolved(&cmd, &run);
	error = run_finish(&cmd, error, NULL, 0);
	written = out_free(cmd.out);
	cmd.out = NULL;
	if (written != 0 && error == 0) {
		error = cmd_fail(&cmd, written, "cannot write the output");
		/* whoever closed the pipe has seen enough */
		if (written != -EBPF_ECANCELED)
			cmd_error_print(&cmd);
	}
	gebpf_close(cmd.device);
	gebpf_close(cmd.local);
	return (int)cmd_exit_code(error);
}
