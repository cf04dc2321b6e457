/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the daemon's files share: server.c (life), server_socket.c (lock,
 * listening, detaching, the word to whoever waits), server_session.c (one
 * client), server_wait.c (its bytes). Nobody else includes it.
 */
#ifndef HOST_SERVER_PARTS_H
#define HOST_SERVER_PARTS_H

#include <pthread.h>
#include <sys/types.h>

#include "device/device.h"
#include "host/server.h"
#include "host/vswitch.h"

struct server_session {
	struct server *server;
	struct server_session *next; /* main thread alone */
	pthread_t thread;
	int fd; /* closed by the main thread alone */
	pid_t pid;
	uint32_t uid;
	uint32_t done; /* atomic: the thread is about to end */
	/* the thread's own: how often not to spin, and after the next miss */
	uint32_t spin_skip, spin_miss;
};

struct server {
	const struct gebpf_server_options *options;
	uint32_t session_max, message_ms;
	int lock_fd, listen_fd, ready_fd;
	int wake[2]; /* a byte wakes the main thread */
	dev_t socket_dev; /* of the socket file that we made */
	ino_t socket_ino;
	uint32_t stopping; /* atomic */
	uint64_t in_flight; /* atomic: bytes of large messages */
	uint64_t spin_ns;   /* 0: never */
	uint32_t spin_max;  /* sessions that spin at one time */
	uint32_t spinning;  /* atomic: those that do */
	struct ebpf_runtime *rt;
	struct ebpf_vswitch *switches;
	struct ebpf_device *device;
	struct server_session *sessions; /* main thread alone */
	uint32_t session_count;
};

/* Words for options->why; returns error. */
int server_fail(const struct gebpf_server_options *options, int error,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

/* server_socket.c */
int server_lock(struct server *server);
int server_listen(struct server *server);
/* What has become of our socket file. */
enum server_socket_state {
	SERVER_SOCKET_OURS,
	SERVER_SOCKET_MISSING, /* the lock file is still ours */
	SERVER_SOCKET_LOST,    /* somebody else's now, or the folder went */
};
enum server_socket_state server_socket_look(const struct server *server);
void server_socket_remove(struct server *server);
void server_log_open(const struct gebpf_server_options *options);
/* Split off a daemon. 0 in it, with *ready_fd; 1 in the caller, *result. */
int server_detach(const struct gebpf_server_options *options, int *ready_fd,
		  int *result);
int server_ready_fd(void); /* from GEBPF_READY_FD, or -1 */
void server_say(int ready_fd, int error, const char *why);

/* server_wait.c */
void server_spin_init(struct server *server, uint32_t spin_us);
/* os_time_ns() when a message of that size must be through. */
uint64_t server_deadline(const struct server *server, size_t len);
/*
 * Some bytes, at least one; 0: the end, an error, or too late. end_ns 0: as
 * long as it takes; shutdown() ends it.
 */
size_t server_receive(struct server_session *session, uint8_t *data,
		      size_t len, uint64_t end_ns);
bool server_send_all(int fd, const uint8_t *data, size_t len, uint64_t end_ns);

/* server_session.c: the thread of a session. */
void *server_session_main(void *session);
/* Tell a client that it is not served, without waiting for it. */
void server_refuse(int fd, int error);

#endif
