/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_rival.h. */
#include "bench/bench_rival.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench_net.h"

enum {
	ATTEMPTS = 400,
	PAUSE_MS = 25,
	WORDS_MAX = 32,
};

extern char **environ;

/* ---- processes ---- */

/*
 * Words are separated by blanks. input: its standard input, negative: none. 0
 * and its pid, or -errno: ENOENT where there is no such program.
 */
static int
spawn(const char *line, int input, pid_t *pid)
{
	char text[1024], *words[WORDS_MAX], *at = text;
	posix_spawn_file_actions_t actions;
	size_t n = 0;
	int error;

	snprintf(text, sizeof(text), "%s", line);
	while (n < WORDS_MAX - 1 && (words[n] = strsep(&at, " ")) != NULL)
		n++;
	words[n] = NULL;
	posix_spawn_file_actions_init(&actions);
	if (input >= 0)
		posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY,
					 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY,
					 0);
	error = posix_spawnp(pid, words[0], &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* To its end. 0; -errno; -EIO where it fails. */
static int
call(const char *line)
{
	int status, error;
	pid_t pid;

	error = spawn(line, -1, &pid);
	if (error != 0)
		return error;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EIO;
}

static void
end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Until both interfaces are there and up, or it takes too long. */
static int
wait_up(const char *a, const char *b)
{
	struct timespec pause = { 0, PAUSE_MS * 1000000 };

	for (int i = 0; i < ATTEMPTS; i++) {
		if (if_nametoindex(a) != 0 && if_nametoindex(b) != 0)
			return bench_net_up(a) != 0 || bench_net_up(b) != 0
				       ? -EIO
				       : 0;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

/* ---- switches ---- */

static int
start_ours(struct bench_rival *rival, bool taps, const char *option,
	   const char *a, const char *b, char *why, size_t why_size)
{
	const char *program = getenv("GEBPF_DEVICE_EXEC");
	const char *kind = taps ? "tap" : "if";
	char line[1024], self[256];
	ssize_t n;
	int error = bench_daemon_start(&rival->ours, why, why_size);

	if (error != 0)
		return -EIO;
	rival->pids[0] = rival->ours.pid;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	if (program == NULL || *program == '\0')
		program = self;
	snprintf(line, sizeof(line), "%s -q -t %s vale create vale0", program,
		 rival->ours.target);
	error = call(line);
	for (int i = 0; i < 2 && error == 0; i++) {
		snprintf(line, sizeof(line),
			 "%s -q -t %s vale add vale0 %s:%s%s", program,
			 rival->ours.target, kind, i == 0 ? a : b, option);
		error = call(line);
	}
	return error;
}

static int
start_ovs(struct bench_rival *rival, bool taps, const char *a, const char *b)
{
	const char *tap = taps ? "tap" : "system", *at = rival->folder;
	struct timespec pause = { 0, PAUSE_MS * 1000000 };
	char line[1024];
	int error;

	setenv("OVS_RUNDIR", at, 1);
	setenv("OVS_LOGDIR", at, 1);
	setenv("OVS_DBDIR", at, 1);
	snprintf(line, sizeof(line),
		 "ovsdb-tool create %s/conf.db "
		 "/usr/share/openvswitch/vswitch.ovsschema", at);
	error = call(line);
	if (error != 0)
		return error;
	snprintf(line, sizeof(line),
		 "ovsdb-server %s/conf.db --remote=punix:%s/db.sock "
		 "--log-file=/dev/null", at, at);
	error = spawn(line, -1, &rival->pids[1]);
	if (error != 0)
		return error;
	snprintf(line, sizeof(line), "ovs-vsctl --db=unix:%s/db.sock -t 5 "
		 "--no-wait init", at);
	for (int i = 0; i < ATTEMPTS && (error = call(line)) != 0; i++)
		nanosleep(&pause, NULL);
	if (error != 0)
		return error;
	snprintf(line, sizeof(line),
		 "ovs-vswitchd unix:%s/db.sock --log-file=/dev/null", at);
	error = spawn(line, -1, &rival->pids[0]);
	if (error != 0)
		return error;
	snprintf(line, sizeof(line),
		 "ovs-vsctl --db=unix:%s/db.sock -t 10 add-br br0 -- "
		 "set bridge br0 datapath_type=netdev -- "
		 "add-port br0 %s -- set interface %s type=%s -- "
		 "add-port br0 %s -- set interface %s type=%s",
		 at, a, a, tap, b, b, tap);
	return call(line);
}

/* It ends with its standard input. */
static int
start_vde(struct bench_rival *rival, const char *a, const char *b)
{
	char line[512];
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	rival->input = ends[1];
	snprintf(line, sizeof(line), "vde_switch -s %s/vde -t %s -t %s",
		 rival->folder, a, b);
	error = spawn(line, ends[0], &rival->pids[0]);
	close(ends[0]);
	return error;
}

/* Taps with headers, as TCP wants them and as ours mostly are. */
static int
start_bare(struct bench_rival *rival, bool taps, const char *a, const char *b)
{
	const char *const names[2] = { a, b };
	int error = 0;

	for (int i = 0; i < 2 && error == 0; i++)
		error = taps ? bench_bare_tap(&rival->bare, i, names[i], true)
			     : bench_bare_interface(&rival->bare, i, names[i]);
	return error != 0 ? error : bench_bare_start(&rival->bare);
}

bool
bench_rival_start(struct bench_rival *rival, enum bench_rival_kind kind,
		  bool taps, const char *option, const char *a, const char *b,
		  char *why, size_t why_size)
{
	const char *tmp = getenv("TMPDIR");
	int error = -EIO;

	*rival = (struct bench_rival){ .kind = kind, .bare = BENCH_BARE_NONE };
	why[0] = '\0';
	snprintf(rival->folder, sizeof(rival->folder), "%.90s/gebpf-rival.XXXXXX",
		 tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
	if (mkdtemp(rival->folder) == NULL) {
		rival->folder[0] = '\0';
		snprintf(why, why_size, "no folder: %s", strerror(errno));
		return false;
	}
	switch (kind) {
	case BENCH_RIVAL_OURS:
		error = start_ours(rival, taps, option, a, b, why, why_size);
		break;
	case BENCH_RIVAL_OVS:
		error = start_ovs(rival, taps, a, b);
		break;
	case BENCH_RIVAL_VDE:
		error = start_vde(rival, a, b);
		break;
	case BENCH_RIVAL_BARE:
		error = start_bare(rival, taps, a, b);
		break;
	case BENCH_RIVALS:
		break;
	}
	if (error == 0)
		error = wait_up(a, b);
	if (error == -ENOENT)
		snprintf(why, why_size, "it is not installed");
	else if (error != 0 && why[0] == '\0')
		snprintf(why, why_size, "it does not start: %s",
			 strerror(-error));
	return error == 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	return remove(path);
}

void
bench_rival_stop(struct bench_rival *rival)
{
	if (rival->folder[0] == '\0')
		return;
	if (rival->input > 0)
		close(rival->input);
	if (rival->kind != BENCH_RIVAL_OURS)
		end(rival->pids[0]);
	end(rival->pids[1]);
	bench_daemon_stop(&rival->ours);
	if (rival->kind == BENCH_RIVAL_BARE)
		bench_bare_close(&rival->bare);
	nftw(rival->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	memset(rival, 0, sizeof(*rival));
}

double
bench_rival_cpu_ns(const struct bench_rival *rival)
{
	struct timespec t = { 0, 0 };
	clockid_t clock;
	int error;

	error = rival->kind == BENCH_RIVAL_BARE
			? pthread_getcpuclockid(rival->bare.thread, &clock)
			: clock_getcpuclockid(rival->pids[0], &clock);
	if (error == 0)
		clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}
