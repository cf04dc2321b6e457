/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Values of arrays in a process's memory, by mmap(2) of the kernel's device:
 * what is seen on either side, who may write, what a freeze says of it, and
 * how long it lasts. Skips where there is no /dev/ebpf; tests/guest runs it in
 * a guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/chardev.h"
#include "client/gebpf.h"
#include "tap.h"

static struct gebpf_device *device;
static int fd;
static size_t page;

enum {
	ENTRIES = 1000, /* of 12 bytes: 16000 bytes, four pages */
	VALUE = 12,
	STRIDE = 16,
	LEN = 4 * 4096,
};

static uint32_t
make(uint32_t kind, uint32_t flags)
{
	struct ebpf_req_map_create create = {
		.kind = kind, .key_size = 4, .value_size = VALUE,
		.max_entries = ENTRIES, .flags = flags,
	};
	struct ebpf_rep_id made = { 0 };

	gebpf_ask(device, EBPF_REQUEST_MAP_CREATE, &create, sizeof(create),
		  &made, sizeof(made));
	return made.id;
}

static int
drop(uint32_t id)
{
	struct ebpf_req_obj req = { .kind = EBPF_OBJ_MAP, .id = id };
	struct ebpf_rep_none rep;

	return gebpf_ask(device, EBPF_REQUEST_OBJ_DROP, &req, sizeof(req),
			 &rep, sizeof(rep));
}

static int
freeze(uint32_t id)
{
	struct ebpf_req_id req = { .id = id };
	struct ebpf_rep_none rep;

	return gebpf_ask(device, EBPF_REQUEST_MAP_FREEZE, &req, sizeof(req),
			 &rep, sizeof(rep));
}

static bool
has_map(uint32_t id)
{
	struct ebpf_req_id req = { .id = id };
	struct ebpf_rep_map_info rep;

	return gebpf_ask(device, EBPF_REQUEST_MAP_INFO, &req, sizeof(req),
			 &rep, sizeof(rep)) == 0;
}

static int
write_value(uint32_t id, uint32_t key, const void *value)
{
	struct ebpf_req_map_update update = {
		.id = id, .key_len = 4, .value_len = VALUE,
	};
	struct ebpf_rep_none rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_UPDATE,
		.req = &update, .req_len = sizeof(update),
		.in = { { &key, 4 }, { value, VALUE } },
		.rep = &rep, .rep_len = sizeof(rep),
	};

	return gebpf_request(device, &call);
}

static int
read_value(uint32_t id, uint32_t key, void *value)
{
	struct ebpf_req_map_key lookup = { .id = id, .key_len = 4 };
	struct ebpf_rep_none rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_MAP_LOOKUP,
		.req = &lookup, .req_len = sizeof(lookup),
		.in = { { &key, 4 } },
		.rep = &rep, .rep_len = sizeof(rep),
		.out = value, .out_room = VALUE,
	};

	return gebpf_request(device, &call);
}

/* NULL, and errno. */
static uint8_t *
share(uint32_t id, size_t len, int protection, int flags, uint64_t off)
{
	void *memory = mmap(NULL, len, protection, flags, fd,
			    (off_t)(EBPF_CHARDEV_VALUES(id) + off));

	return memory == MAP_FAILED ? NULL : memory;
}

static bool
refused(uint32_t id, int protection, int why)
{
	return share(id, page, protection, MAP_SHARED, 0) == NULL &&
	       errno == why;
}

enum {
	BOTH = PROT_READ | PROT_WRITE,
};

static void
both_sides(void)
{
	uint32_t id = make(EBPF_MAP_ARRAY, EBPF_F_MMAPABLE), i, wrong = 0;
	uint8_t *memory = share(id, LEN, BOTH, MAP_SHARED, 0);
	uint8_t *other = share(id, page, PROT_READ, MAP_SHARED, 0);
	char value[VALUE + 1], zero[STRIDE] = "";

	tap_ok(memory != NULL && other != NULL, "an array is mapped, twice");
	for (i = 0; i < LEN / STRIDE; i++)
		wrong += memcmp(memory + i * STRIDE, zero, STRIDE) != 0;
	for (i = 0; i < ENTRIES; i += 37) {
		snprintf(value, sizeof(value), "value %05u", i);
		wrong += write_value(id, i, value) != 0 ||
			 memcmp(memory + i * STRIDE, value, VALUE) != 0;
		snprintf(value, sizeof(value), "other %05u", i);
		memcpy(memory + i * STRIDE, value, VALUE);
		memset(value, 0, sizeof(value));
		wrong += read_value(id, i, value) != 0 ||
			 memcmp(memory + i * STRIDE, value, VALUE) != 0 ||
			 value[0] != 'o';
	}
	wrong += memcmp(memory, other, page) != 0;
	tap_ok(wrong == 0, "each side sees what the other writes");
	munmap(other, page);
	munmap(memory, LEN);
	TAP_CHECK(drop(id) == 0);
}

static void
refusals(void)
{
	uint32_t plain = make(EBPF_MAP_ARRAY, 0), hash = make(EBPF_MAP_HASH, 0);
	uint32_t id = make(EBPF_MAP_ARRAY, EBPF_F_MMAPABLE);
	uint32_t to_read = make(EBPF_MAP_ARRAY,
				EBPF_F_MMAPABLE | EBPF_F_RDONLY);
	uint32_t to_write = make(EBPF_MAP_ARRAY,
				 EBPF_F_MMAPABLE | EBPF_F_WRONLY);
	uint32_t constant = make(EBPF_MAP_ARRAY,
				 EBPF_F_MMAPABLE | EBPF_F_RDONLY_PROG);
	uint8_t *memory;

	tap_ok(refused(plain, PROT_READ, EOPNOTSUPP) &&
		       refused(hash, BOTH, EOPNOTSUPP),
	       "maps that are not made for it");
	tap_ok(refused(0, PROT_READ, ENOENT) &&
		       refused(0x7fffffff, PROT_READ, ENOENT) &&
		       refused(0xffffffff, PROT_READ, ENOENT),
	       "maps that are not there");
	tap_ok(share(id, LEN + 1, BOTH, MAP_SHARED, 0) == NULL &&
		       errno == EINVAL &&
		       share(id, 1ul << 40, BOTH, MAP_SHARED, 0) == NULL &&
		       share(id, page, BOTH, MAP_SHARED, page) == NULL &&
		       errno == EINVAL,
	       "more than there is, or not from the start");
	tap_ok(share(id, page, PROT_READ, MAP_PRIVATE, 0) == NULL &&
		       errno == EINVAL &&
		       share(id, page, BOTH, MAP_PRIVATE, 0) == NULL,
	       "a private copy");
	tap_ok(refused(id, PROT_READ | PROT_EXEC, EPERM), "to be run");
	tap_ok(refused(to_read, BOTH, EACCES) &&
		       refused(constant, BOTH, EACCES) &&
		       refused(to_write, BOTH, EACCES) &&
		       refused(to_write, PROT_READ, EACCES) &&
		       refused(to_write, PROT_WRITE, EACCES),
	       "against the map's flags");
	memory = share(to_read, LEN, PROT_READ, MAP_SHARED, 0);
	tap_ok(memory != NULL && mprotect(memory, LEN, BOTH) != 0 &&
		       errno == EACCES &&
		       mprotect(memory, LEN, PROT_READ | PROT_EXEC) != 0 &&
		       memory[LEN - 1] == 0,
	       "what is mapped to be read stays so");
	TAP_CHECK(mremap(memory, LEN, 2 * LEN, MREMAP_MAYMOVE) == MAP_FAILED);
	munmap(memory, LEN);
	TAP_CHECK(drop(plain) == 0 && drop(hash) == 0 && drop(id) == 0 &&
		  drop(to_read) == 0 && drop(to_write) == 0 &&
		  drop(constant) == 0);
}

static void
freezes(void)
{
	uint32_t id = make(EBPF_MAP_ARRAY, EBPF_F_MMAPABLE), wrong = 0;
	uint8_t *memory = share(id, LEN, BOTH, MAP_SHARED, 0);
	uint8_t *readable = share(id, LEN, PROT_READ, MAP_SHARED, 0);
	char value[VALUE] = "before", got[VALUE];
	int to_child[2], status = -1;
	pid_t child;
	char byte;

	TAP_CHECK(memory != NULL && readable != NULL);
	memcpy(memory, value, VALUE);
	wrong += freeze(id) != -EBPF_EBUSY;
	munmap(memory + page, 2 * page); /* two pieces are left */
	wrong += freeze(id) != -EBPF_EBUSY;
	munmap(memory + 3 * page, page);
	wrong += freeze(id) != -EBPF_EBUSY;
	mprotect(memory, page, PROT_READ); /* it may write again */
	wrong += freeze(id) != -EBPF_EBUSY;
	wrong += write_value(id, 1, value) != 0; /* open as before */
	tap_ok(wrong == 0, "what is mapped to be written is not frozen");

	TAP_CHECK(pipe(to_child) == 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		close(to_child[1]);
		/* until it is told to go, or we are gone */
		_exit(read(to_child[0], &byte, 1) == 0 && memory[0] == 'b' ?
			      0 : 1);
	}
	munmap(memory, page);
	tap_ok(freeze(id) == -EBPF_EBUSY, "a child has it, too");
	close(to_child[1]);
	close(to_child[0]);
	TAP_CHECK(waitpid(child, &status, 0) == child && status == 0);

	tap_ok(freeze(id) == 0, "when nobody can write it is frozen");
	tap_ok(refused(id, BOTH, EACCES), "and not mapped to be written again");
	tap_ok(memcmp(readable, value, VALUE) == 0 &&
		       read_value(id, 0, got) == 0 &&
		       memcmp(got, value, VALUE) == 0 &&
		       mprotect(readable, page, BOTH) != 0,
	       "but read");
	munmap(readable, LEN);
	TAP_CHECK(drop(id) == 0);
}

/* The map lasts as long as somebody has its memory. */
static void
lasts(void)
{
	uint32_t id = make(EBPF_MAP_ARRAY, EBPF_F_MMAPABLE), tries;
	uint8_t *memory;
	bool there;

	memory = share(id, LEN, BOTH, MAP_SHARED, 0);
	TAP_CHECK(memory != NULL && drop(id) == 0);
	close(fd);
	memory[LEN - 1] = 7;
	tap_ok(has_map(id) && memory[LEN - 1] == 7,
	       "dropped and its file closed, the map is there");
	munmap(memory, LEN);
	/* what goes, goes after a grace period */
	for (tries = 0; tries < 3000 && (there = has_map(id)); tries++)
		usleep(10000);
	tap_ok(!there, "and goes with the mapping");
	fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
}

int
main(void)
{
	struct gebpf_error err;

	fd = open(EBPF_CHARDEV_PATH, O_RDWR | O_CLOEXEC);
	page = (size_t)sysconf(_SC_PAGESIZE);
	if (fd < 0 || page != LEN / 4) {
		tap_skip(fd < 0 ? "no " EBPF_CHARDEV_PATH " here" :
				  "pages are not 4096 bytes",
			 "arrays in a process's memory");
		return tap_done();
	}
	if (gebpf_open("kernel", 0, &device, &err) != 0)
		return 1;
	both_sides();
	refusals();
	freezes();
	lasts();
	gebpf_close(device);
	close(fd);
	return tap_done();
}
