/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An embedded device of the test's own, in a folder of its own. The daemon is
 * the test program itself, executed as gebpf would be (GEBPF_DEVICE_EXEC).
 */
#ifndef TESTS_LIB_DAEMON_H
#define TESTS_LIB_DAEMON_H

#include <sys/types.h>

#include "abi/wire.h"
#include "client/gebpf.h"

enum {
	DAEMON_MESSAGE_MS = 1000, /* a message may take */
	DAEMON_SESSION_MAX = 16,
};

extern char daemon_folder[64], daemon_sock[96], daemon_target[128];

/* First in main(); true: this was the daemon, which ended with *status. */
bool daemon_start(int argc, char **argv, int *status);

void daemon_nap(int ms);
uint64_t daemon_now_ms(void);

/* A new socket in a new folder; and away with it. */
void daemon_fresh(void);
void daemon_clean(void);

/* NULL is shown, unless the caller takes the error. */
struct gebpf_device *daemon_opened(unsigned int flags,
				   struct gebpf_error *err);
/* Stops and closes it: test points. NULL is fine. */
void daemon_stopped(struct gebpf_device *device);

bool daemon_dead(pid_t pid);
/* Waits for that, some seconds. */
bool daemon_gone(pid_t pid);

/* Bytes by hand: a connection, a reply's header, and somebody else's socket. */
int daemon_connect(void);
bool daemon_reply(int fd, struct ebpf_reply *reply, int ms);
int daemon_listen(void);

#endif
