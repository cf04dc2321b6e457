/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The daemon's life: make the device, listen, a thread for each client, stop
 * clean. The main thread accepts, reaps and stops; it never waits for a
 * client. Knows no request: sessions hand bytes to ebpf_dispatch().
 */
#include "host/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/os.h"
#include "host/host_runtime.h"
#include "host/server_parts.h"

enum {
	SESSION_MAX = 512,
	MESSAGE_MS = 10000,
	LOOK_MS = 2000,	 /* between looks at our own socket file */
	STOP_SECONDS = 10, /* for requests under way when we stop */
	STACK_SIZE = 2 << 20,
};

static int signal_pipe = -1;
static volatile sig_atomic_t signalled;

int
server_fail(const struct gebpf_server_options *options, int error,
	    const char *format, ...)
{
	va_list args;

	if (options->why && options->why_size) {
		va_start(args, format);
		vsnprintf(options->why, options->why_size, format, args);
		va_end(args);
	}
	return error;
}

/* ---- waking and signals ---- */

static void
wake(int fd)
{
	ssize_t n = write(fd, "w", 1);

	(void)n; /* full: a wake-up is already on its way */
}

static void
on_signal(int number)
{
	int saved = errno;
	ssize_t n;

	signalled = 1;
	n = write(signal_pipe, "s", 1);
	(void)n; /* full: the main thread is about to look anyway */
	errno = saved;
}

static void
on_stop(void *cookie)
{
	struct server *server = cookie;

	os_store_release(&server->stopping, 1);
	wake(server->wake[1]);
}

struct old_signals {
	struct sigaction term, intr, hup, pipe, xfsz;
};

static void
signals_take(struct server *server, struct old_signals *old, bool detached)
{
	struct sigaction action = { .sa_handler = on_signal };

	signal_pipe = server->wake[1];
	signalled = 0;
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, &old->term);
	sigaction(SIGINT, &action, &old->intr);
	if (detached)
		action.sa_handler = SIG_IGN;
	sigaction(SIGHUP, &action, &old->hup);
	/* A client or a disk that has gone is an error code, not a death. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, &old->pipe);
	sigaction(SIGXFSZ, &action, &old->xfsz);
}

static void
signals_return(const struct old_signals *old)
{
	sigaction(SIGTERM, &old->term, NULL);
	sigaction(SIGINT, &old->intr, NULL);
	sigaction(SIGHUP, &old->hup, NULL);
	sigaction(SIGPIPE, &old->pipe, NULL);
	sigaction(SIGXFSZ, &old->xfsz, NULL);
	signal_pipe = -1;
}

/* ---- sessions ---- */

static void
reap(struct server *server)
{
	struct server_session **at = &server->sessions, *session;

	while ((session = *at)) {
		if (!os_load_acquire(&session->done)) {
			at = &session->next;
			continue;
		}
		*at = session->next;
		pthread_join(session->thread, NULL);
		close(session->fd);
		free(session);
		server->session_count--;
	}
}

static uint32_t
sessions_of(const struct server *server, pid_t pid)
{
	const struct server_session *session;
	uint32_t count = 0;

	for (session = server->sessions; session; session = session->next)
		count += session->pid == pid;
	return count;
}

static int
session_start(struct server *server, int fd, const struct ucred *peer)
{
	struct server_session *session;
	pthread_attr_t attr;
	sigset_t all, old;
	int error;

	session = calloc(1, sizeof(*session));
	if (!session)
		return -EBPF_ENOMEM;
	session->server = server;
	session->fd = fd;
	session->pid = peer->pid;
	session->uid = peer->uid;

	/* Signals are the main thread's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	error = pthread_create(&session->thread, &attr, server_session_main,
			       session);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error) {
		free(session);
		return -EBPF_ELIMIT;
	}
	session->next = server->sessions;
	server->sessions = session;
	server->session_count++;
	return 0;
}

static void
accept_one(struct server *server)
{
	struct timespec rest = { .tv_nsec = 20000000 };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd, error = 0;

	fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		/* Out of files or memory: no use in asking at full speed. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			nanosleep(&rest, NULL);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ||
	    (peer.uid != geteuid() && peer.uid != 0))
		error = -EBPF_EACCES;
	else if (server->session_count >= server->session_max ||
		 sessions_of(server, peer.pid) >= (server->session_max + 1) / 2)
		error = -EBPF_ELIMIT;
	else
		error = session_start(server, fd, &peer);
	if (error) {
		server_refuse(fd, error);
		close(fd);
	}
}

/* ---- serving ---- */

static void
serve(struct server *server)
{
	struct pollfd fds[2] = {
		{ .fd = server->listen_fd, .events = POLLIN },
		{ .fd = server->wake[0], .events = POLLIN },
	};
	int look_ms = server->options->look_ms ?
			      (int)server->options->look_ms :
			      LOOK_MS;
	char bytes[64];
	ssize_t n;

	while (!os_load_acquire(&server->stopping) && !signalled) {
		if (poll(fds, 2, look_ms) == 0) {
			switch (server_socket_look(server)) {
			case SERVER_SOCKET_OURS:
				break;
			case SERVER_SOCKET_MISSING:
				os_log(OS_LOG_WARNING, "socket %s was removed: "
				       "making it again",
				       server->options->socket);
				close(server->listen_fd);
				server->listen_fd = -1;
				if (!server_listen(server)) {
					fds[0].fd = server->listen_fd;
					break;
				}
				/* fall through */
			case SERVER_SOCKET_LOST:
				os_log(OS_LOG_ERROR, "socket %s is no longer "
				       "ours and nobody can reach this device: "
				       "stopping", server->options->socket);
				return;
			}
			continue;
		}
		if (fds[1].revents) {
			do
				n = read(server->wake[0], bytes, sizeof(bytes));
			while (n == sizeof(bytes));
			reap(server);
		}
		if (fds[0].revents)
			accept_one(server);
	}
}

/*
 * Let requests under way finish, but not for ever: a program in a test run of
 * a day must not keep the daemon alive. Files stay open until the very end,
 * so that a client who waits for the end of its connection sees the end of
 * the daemon.
 */
static void
sessions_stop(struct server *server)
{
	struct server_session *session;
	struct timespec end;

	for (session = server->sessions; session; session = session->next)
		shutdown(session->fd, SHUT_RD);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += STOP_SECONDS;
	for (session = server->sessions; session; session = session->next) {
		if (!pthread_timedjoin_np(session->thread, NULL, &end))
			continue;
		os_log(OS_LOG_ERROR, "a request of process %d does not end: "
		       "leaving without it", (int)session->pid);
		_exit(EXIT_FAILURE);
	}
}

static void
sessions_close(struct server *server)
{
	struct server_session *session;

	while ((session = server->sessions)) {
		server->sessions = session->next;
		close(session->fd);
		free(session);
	}
}

int
gebpf_server_check_options(const char *text, char *why, size_t why_size)
{
	struct ebpf_host_config config = { .spin_us = 0 };

	return ebpf_host_options(text, &config, why, why_size);
}

static int
device_make(struct server *server)
{
	struct ebpf_device_config config = {
		.home = EBPF_HOME_EMBEDDED,
		.pid = (uint32_t)getpid(),
		.uid = geteuid(),
		.session_max = server->session_max,
		.switches = &ebpf_vswitch_ops,
		.stop = on_stop,
		.stop_cookie = server,
	};
	struct ebpf_host_config host;
	char why[256];
	int error;

	error = ebpf_host_runtime_create(&server->rt, &host, why, sizeof(why));
	if (error)
		goto fail;
	server_spin_init(server, host.spin_us);
	error = ebpf_vswitch_create(server->rt, &server->switches);
	if (error)
		goto runtime;
	config.rt = server->rt;
	config.switches_cookie = server->switches;
	error = ebpf_device_create(&config, &server->device);
	if (error)
		goto switches;
	return 0;

switches:
	ebpf_vswitch_destroy(server->switches);
runtime:
	ebpf_runtime_destroy(server->rt);
fail:
	return server_fail(server->options, error,
			   "cannot make the device: %s",
			   why[0] ? why : ebpf_error_text(error));
}

static void
device_unmake(struct server *server)
{
	ebpf_device_destroy(server->device);
	ebpf_vswitch_destroy(server->switches);
	ebpf_runtime_destroy(server->rt);
}

static int
run(const struct gebpf_server_options *options, int ready_fd, bool detached)
{
	struct server server = {
		.options = options,
		.session_max = options->session_max ? options->session_max :
						      SESSION_MAX,
		.message_ms = options->message_ms ? options->message_ms :
						    MESSAGE_MS,
		.lock_fd = -1,
		.listen_fd = -1,
		.ready_fd = ready_fd,
	};
	struct old_signals old;
	struct rlimit files;
	int error;

	if (pipe2(server.wake, O_CLOEXEC | O_NONBLOCK))
		return server_fail(options, -EBPF_ENOMEM, "pipe: %s",
				   strerror(errno));
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	error = server_lock(&server);
	if (error)
		goto pipe;
	if (detached)
		server_log_open(options);
	signals_take(&server, &old, detached);
	error = device_make(&server);
	if (error)
		goto signals;
	error = server_listen(&server);
	if (error)
		goto device;
	server_say(ready_fd, 0, "");

	serve(&server);

	server_socket_remove(&server);
	close(server.listen_fd);
	os_store_release(&server.stopping, 1);
	/* Captures are written and waiting clients released before all else. */
	ebpf_vswitch_stop(server.switches);
	ebpf_device_end_waits(server.device);
	sessions_stop(&server);
device:
	device_unmake(&server);
signals:
	signals_return(&old);
	close(server.lock_fd);
	sessions_close(&server);
pipe:
	close(server.wake[0]);
	close(server.wake[1]);
	return error;
}

int
gebpf_server_run(const struct gebpf_server_options *options)
{
	struct gebpf_server_options mine = *options;
	char why[512] = "";
	bool detached;
	int error, ready_fd;

	if (!mine.why || !mine.why_size) {
		mine.why = why;
		mine.why_size = sizeof(why);
	}
	mine.why[0] = '\0';
	if (!mine.socket || mine.socket[0] != '/')
		return server_fail(&mine, -EBPF_EINVAL,
				   "the socket's path is not absolute");
	if (mine.foreground) {
		/* Told to talk into a pipe: whoever started us does not stay. */
		ready_fd = server_ready_fd();
		detached = ready_fd >= 0;
	} else {
		detached = true;
		if (server_detach(&mine, &ready_fd, &error))
			return error;
	}
	error = run(&mine, ready_fd, detached);
	if (error)
		server_say(ready_fd, error, mine.why);
	if (!mine.foreground)
		_exit(error ? EXIT_FAILURE : EXIT_SUCCESS);
	return error;
}
