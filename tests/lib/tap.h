/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Test Anything Protocol for C tests: one ok() a fact, done() at the end.
 * tests/run reads the lines and adds them up.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>

/* "ok N - name" or "not ok N - name"; returns pass. */
bool tap_ok(bool pass, const char *name, ...)
	__attribute__((format(printf, 2, 3)));
/* A test that cannot run here, aloud. */
void tap_skip(const char *why, const char *name, ...)
	__attribute__((format(printf, 2, 3)));
/* "# ..." */
void tap_diag(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Print the plan; the exit status of main. */
int tap_done(void);

/* A fact that is its own name. */
#define TAP_CHECK(cond) tap_ok((cond), "%s:%d %s", __FILE__, __LINE__, #cond)

#endif
