/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A transport carries one request to a device and its reply back, as bytes. One
 * const table each: transport_socket.c, transport_local.c,
 * transport_chardev.c. Only device_open.c calls them.
 */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include <stdbool.h>

#include "client/gebpf.h"

enum {
	GEBPF_TARGET_SIZE = 512, /* "embedded:PATH", with the NUL */
};

struct gebpf_transport {
	const char *name; /* what comes before ':' in a target */
	/*
	 * argument: what follows ':', NULL for nothing. target: the words of
	 * what was opened, GEBPF_TARGET_SIZE bytes.
	 */
	int (*open)(const char *argument, unsigned int flags, void **state,
		    char *target, struct gebpf_error *err);
	/*
	 * One whole request, one whole reply of *len <= cap bytes. Any error
	 * (EBADF, EPROTO, ENOMEM) leaves the connection unusable.
	 */
	int (*exchange)(void *state, const void *request, size_t request_len,
			void *reply, size_t cap, size_t *len);
	/* Give up an exchange after ms without news; 0: never. May be NULL. */
	void (*limit)(void *state, unsigned int ms);
	/* Wait until the other side has gone, at most ms; NULL: never goes. */
	int (*wait_gone)(void *state, unsigned int ms);
	void (*close)(void *state);
};

extern const struct gebpf_transport gebpf_transport_socket;
extern const struct gebpf_transport gebpf_transport_local;
extern const struct gebpf_transport gebpf_transport_chardev;

/* transport_chardev.c: there is a character device that we may open. */
bool gebpf_chardev_usable(void);

/*
 * socket_path.c: the socket of an embedded target (argument NULL: the default
 * place), absolute. folder_check tells whether its folder is safe to use
 * (ours or root's, no symbolic link, nobody else may write); with make it is
 * made when it is not there. strict: 0700 and ours, the rule for the default
 * place.
 */
int gebpf_socket_find(const char *argument, char *path, size_t size,
		      struct gebpf_error *err);
int gebpf_socket_folder(const char *path, bool strict, bool make,
			struct gebpf_error *err);

/*
 * socket_start.c: execute the daemon for that socket and wait until it
 * listens. 0, -EBPF_EBUSY when another daemon has the socket or is about to.
 */
int gebpf_socket_start(const char *path, struct gebpf_error *err);

#endif
