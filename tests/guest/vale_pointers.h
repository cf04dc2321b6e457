/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Frames by pointers into the sender's memory, a part of vale_frames. */
#ifndef TESTS_GUEST_VALE_POINTERS_H
#define TESTS_GUEST_VALE_POINTERS_H

/* Good ones and bad ones; file: anything large, to read frames from. */
void vale_pointers(const char *file);
/* Into memory that another thread takes away and gives back. */
void vale_memory_goes(void);

#endif
