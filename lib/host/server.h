/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The embedded device's daemon: a device with its switches behind a Unix
 * socket. Called by `gebpf device start`; clients start it on demand by
 * executing that command (client/socket_start.c).
 */
#ifndef HOST_SERVER_H
#define HOST_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gebpf_server_options {
	/* Absolute; gebpf_socket_path() with make gives it. Beside it live
	 * SOCKET.lock, held as long as the daemon lives, and, detached,
	 * SOCKET.log with what it had to say (SOCKET.log.old: the one before). */
	const char *socket;
	/* Serve in this process and return when stopped; else detach and
	 * return 0 in the caller once the daemon listens. */
	bool foreground;
	uint32_t session_max; /* 0: 512; half of them for one process */
	uint32_t message_ms;  /* for a message to arrive whole; 0: 10000 */
	uint32_t look_ms;     /* between looks at our socket file; 0: 2000 */
	char *why;	      /* what went wrong, in words; may be NULL */
	size_t why_size;
};

/*
 * 0 after a clean stop (STOP, SIGTERM, SIGINT). EBUSY when a device already
 * serves that socket, EACCES, EEXIST (something else is there), EIO, ENOMEM.
 */
int gebpf_server_run(const struct gebpf_server_options *options);

/*
 * The environment variable with a device's options and its value's form
 * (host_runtime.h): EINVAL, with words in why, for what a device would refuse.
 */
#define GEBPF_SERVER_OPTIONS "GEBPF_DEVICE_OPTIONS"
int gebpf_server_check_options(const char *text, char *why, size_t why_size);

#endif
