/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Frames that stay in the sender's memory until netmap fetches them: pointers
 * good and bad, pages that have to be read, and memory that comes and goes
 * meanwhile. Mostly without a program: the learning bridge looks at them too.
 * Part of vale_frames.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"
#include "vale_pointers.h"
#include "vale_room.h"

static uint32_t stop; /* atomic */

static bool
sends_indirect(const void *data, uint16_t len, int arrives)
{
	const struct part part = { .data = data, .len = len,
				   .indirect = true };
	int n;

	drain(&to);
	drain(&other);
	if (!send_parts(0, &part, 1))
		return false;
	port_poll(&to);
	n = port_get(&to, 0, got, sizeof(got));
	drain(&to);
	drain(&other);
	if (n == arrives)
		return true;
	tap_diag("%u bytes at %p: %d arrive, not %d", len, data, n, arrives);
	return false;
}

/* Frames in a file whose pages have to be read, while netmap waits. */
static void
from_file(const char *file)
{
	size_t size = 1 << 20, at = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	uint8_t *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	static uint8_t wanted[60];
	uint32_t bad = 0, sent = 0;

	while (memory != MAP_FAILED && (at += 4096 + 64) < size - 256) {
		/* to everybody, as netmap's first bit says */
		while (at < size - 256 &&
		       (pread(fd, wanted, 60, (off_t)at) != 60 ||
			!(wanted[0] & 1)))
			at++;
		if (at >= size - 256)
			break;
		madvise(memory, size, MADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		bad += !sends_indirect(memory + at, 60, 60) ||
		       memcmp(got, wanted, 60) != 0;
		sent++;
	}
	tap_ok(sent > 0 && bad == 0, "%u frames that have to be read", sent);
	munmap(memory, size);
	close(fd);
}

void
vale_pointers(const char *file)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const uint64_t nowhere[] = {
		8, 4096, 0x7ffffffff000ull, 0x800000000000ull,
		0xffff800000000000ull, 0xffff888000000000ull,
		0xffffffff81000000ull, 0xffffffffc0000000ull,
		0xfffffffffffff000ull, 0xfffffffffffffff8ull,
	};
	uint16_t lens[] = { 14, 60, 64, 65, (uint16_t)(buf_size - 128) };
	uint8_t *at = memory + page;
	struct ebpf_rep_switch_info before;
	uint32_t bad = 0, i;

	munmap(memory + 3 * page, page);
	memset(memory, 0xff, 3 * page);
	/*
	 * netmap keeps the place on a cache line: what does not begin with one
	 * takes up to 128 bytes more in the buffer, and 63 more are fetched.
	 */
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		bad += !sends_indirect(at + 64, lens[i], lens[i]);
		bad += memcmp(got, at + 64, lens[i]) != 0;
		bad += !sends_indirect(at + 1, lens[i], lens[i]);
		bad += !sends_indirect(at + page - 7, lens[i], lens[i]);
	}
	/* up to the very end */
	bad += !sends_indirect(at + 2 * page - 64, 64, 64);
	bad += !sends_indirect(at + 2 * page - 64, 14, 14);
	bad += !sends_indirect(at + 2 * page - 128, 128, 128);
	tap_ok(bad == 0, "frames by pointers reach everybody, whole");

	bad = 0;
	before = counts();
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		bad += !sends_indirect((void *)(uintptr_t)nowhere[i], 60, -1);
	mprotect(at, page, PROT_NONE);
	bad += !sends_indirect(at, 60, -1);
	mprotect(at, page, PROT_READ);
	bad += !sends_indirect(at, 60, 60);
	mprotect(at, page, PROT_READ | PROT_WRITE);
	/* no header; 13 bytes of one */
	bad += !sends_indirect(at + 2 * page, 60, -1);
	bad += !sends_indirect(at + 2 * page - 13, 60, -1);
	bad += !sends_indirect(at, 13, -1);
	tap_ok(bad == 0, "pointers to nowhere, into the kernel, to pages that "
			 "may not be read");
	tap_ok(counts().verdicts.drop == before.verdicts.drop + i + 4,
	       "are counted");
	/* the header is there, the rest is not: netmap sends an empty frame */
	tap_ok(sends_indirect(at + 2 * page - 14, 60, 0), "half a frame");

	/* Never touched: zeros, from one address to the same. */
	before = counts();
	madvise(at, page, MADV_DONTNEED);
	tap_ok(sends_indirect(at, 60, -1) &&
		       counts().verdicts.reflected ==
			       before.verdicts.reflected + 1,
	       "memory that comes when it is looked at");
	munmap(memory, 3 * page);
	from_file(file);
}

static uint8_t *moving;

static void *
change_memory(void *argument)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t i = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		switch (i++ % 4) {
		case 0:
			mprotect(moving, page, PROT_NONE);
			mprotect(moving, page, PROT_READ | PROT_WRITE);
			break;
		case 1:
			madvise(moving, page, MADV_DONTNEED);
			break;
		case 2:
			munmap(moving, page);
			mmap(moving, page, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 3:
			memset(moving, (int)i, 64);
			break;
		}
	}
	return NULL;
}

void
vale_memory_goes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct part part = { .len = 60, .indirect = true };
	uint64_t before = counts().frames;
	pthread_t thread;

	moving = mmap(NULL, page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	part.data = moving;
	stop = 0;
	if (pthread_create(&thread, NULL, change_memory, NULL) != 0)
		return;
	for (uint32_t i = 0; i < 2000; i++) {
		for (uint32_t k = 0; k < 4; k++)
			port_put(&from, 0, &part, 1);
		port_send(&from);
		if (i % 8 == 0) {
			drain(&to);
			drain(&other);
		}
		/* and with a program */
		if (i % 200 == 100)
			attach();
		if (i % 200 == 199)
			detach();
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	munmap(moving, page);
	drain(&to);
	drain(&other);
	tap_ok(counts().frames == before + 8000,
	       "8000 frames in memory that comes and goes");
}
