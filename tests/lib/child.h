/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Processes that tests fork: did one end as it should? */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>
#include <sys/wait.h>

/* Waits for it. True: it said 0. */
static inline bool
child_ended_well(pid_t child)
{
	int status = 0;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

#endif
