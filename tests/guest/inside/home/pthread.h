/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* <pthread.h> of tests in a kernel: threads that are begun and waited for. */
#ifndef HOME_PTHREAD_H
#define HOME_PTHREAD_H

typedef struct home_thread *pthread_t;

int pthread_create(pthread_t *thread, const void *none, void *(*fn)(void *),
		   void *arg);
int pthread_join(pthread_t thread, void **none);

#endif
