/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf doctor: what a process needs. Compiled programs in memory that is never
 * writable and executable at once, shared memory for rings, files, clang, and,
 * for comparisons with Linux's own, bpf(2).
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "cmd/load.h"

/* Written, then made executable, as compiled programs are. 0 or errno. */
static int
exec_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error = 0;

	if (map == MAP_FAILED)
		return errno;
	memset(map, 0, page);
	if (mprotect(map, page, PROT_READ | PROT_EXEC) != 0)
		error = errno;
	munmap(map, page);
	return error;
}

/* A program of two instructions, compiled in this process. */
static int
try_jit(void)
{
	static const struct ebpf_insn code[] = {
		{ .code = 0xb7, .imm = 0 }, { .code = 0x95 },
	};
	struct ebpf_req_prog_load req = {
		.kind = EBPF_PROG_RAW, .flags = EBPF_PROG_JIT, .insn_count = 2,
	};
	struct ebpf_rep_prog_load rep;
	struct gebpf_call call = {
		.number = EBPF_REQUEST_PROG_LOAD,
		.req = &req, .req_len = sizeof(req),
		.in = { { code, sizeof(code) } },
		.rep = &rep, .rep_len = sizeof(rep),
	};
	struct gebpf_device *device;
	int error = gebpf_open("local", GEBPF_OPEN_QUIET, &device, NULL);

	if (error != 0)
		return error;
	error = gebpf_request(device, &call);
	gebpf_close(device);
	return error;
}

static void
check_jit(struct doctor *doctor)
{
	int refused = exec_memory(), error = try_jit();

	if (refused != 0)
		doctor_say(doctor, "jit", DOCTOR_WRONG, false,
			   "prog load -i interprets; else run where memory may "
			   "become executable (SELinux: execmem; systemd: "
			   "MemoryDenyWriteExecute=no)",
			   "this process may not make memory executable: %s",
			   strerror(refused));
	else if (error == -EBPF_EJIT || error == -EBPF_EUNSUPPORTED)
		doctor_say(doctor, "jit", DOCTOR_MISSING, false, NULL,
			   "no compiler for this processor; programs are "
			   "interpreted");
	else if (error != 0)
		doctor_say(doctor, "jit", DOCTOR_WRONG, !doctor->kernel, NULL,
			   "a program of two instructions cannot be loaded: %s",
			   gebpf_error_text(error));
	else
		doctor_say(doctor, "jit", DOCTOR_OK, false, NULL,
			   "compiles in this process; its memory is never "
			   "writable and executable at once");
}

static void
check_memfd(struct doctor *doctor)
{
	int fd = memfd_create("gebpf doctor", MFD_CLOEXEC);

	if (fd < 0) {
		doctor_say(doctor, "memfd", DOCTOR_WRONG, false,
			   "allow memfd_create(2) where a filter forbids it",
			   "no shared memory for ring buffers: %s",
			   strerror(errno));
		return;
	}
	close(fd);
	doctor_say(doctor, "memfd", DOCTOR_OK, false, NULL,
		   "shared memory for ring buffers");
}

static void
check_limits(struct doctor *doctor)
{
	enum { FILES = 256 };
	struct rlimit files, locked;
	char text[64] = "unlimited";

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 ||
	    getrlimit(RLIMIT_MEMLOCK, &locked) != 0)
		return;
	if (locked.rlim_cur != RLIM_INFINITY)
		snprintf(text, sizeof(text), "%llu KiB",
			 (unsigned long long)locked.rlim_cur / 1024);
	if (files.rlim_cur < FILES)
		doctor_say(doctor, "limits", DOCTOR_WRONG, false,
			   "ulimit -n 1024",
			   "at most %llu open files: a switch with many ports "
			   "and clients needs more",
			   (unsigned long long)files.rlim_cur);
	else
		doctor_say(doctor, "limits", DOCTOR_OK, false, NULL,
			   "%llu open files; locked memory %s, which only "
			   "bpf(2) of Linux before 5.11 counts",
			   (unsigned long long)files.rlim_cur, text);
}

static bool
on_path(const char *name)
{
	const char *path = getenv("PATH"), *end;
	char file[PATH_MAX];

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0;
	for (; path != NULL; path = *end != '\0' ? end + 1 : NULL) {
		end = path + strcspn(path, ":");
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path,
			 name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static void
check_clang(struct doctor *doctor)
{
	const char *clang = getenv("GEBPF_CLANG");
	char folder[PATH_MAX + 64];

	if (clang == NULL || *clang == '\0')
		clang = "clang";
	compile_include_folder(folder, sizeof(folder));
	if (!on_path(clang))
		doctor_say(doctor, "clang", DOCTOR_MISSING, false,
			   "sudo apt install clang",
			   "no '%s': C files cannot be loaded, objects can",
			   clang);
	else if (*folder == '\0')
		doctor_say(doctor, "clang", DOCTOR_WRONG, false,
			   "export GEBPF_INCLUDE=DIR, the folder of "
			   "bpf_helpers.h",
			   "the headers that programs include are not found");
	else
		doctor_say(doctor, "clang", DOCTOR_OK, false, NULL,
			   "'%s' compiles C files with the headers in %s",
			   clang, folder);
}

/* What benchmarks and differential tests compare with. */
static void
check_bpf(struct doctor *doctor)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0) {
		doctor_say(doctor, "bpf(2)", DOCTOR_MISSING, false,
			   errno == ENOSYS ? NULL : "sudo gebpf ...",
			   "Linux's own eBPF, to compare with: %s",
			   strerror(errno));
		return;
	}
	close((int)fd);
	doctor_say(doctor, "bpf(2)", DOCTOR_OK, false, NULL,
		   "Linux's own eBPF can be compared with");
}

void
doctor_process(struct doctor *doctor)
{
	check_jit(doctor);
	check_memfd(doctor);
	check_limits(doctor);
	check_clang(doctor);
	check_bpf(doctor);
}
