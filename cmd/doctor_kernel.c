/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf doctor: what the kernel's device needs. Headers, modules that were
 * built for this kernel and are loaded, a kernel that takes them, the node and
 * who may open it, who has it open, and netmap for switches.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "abi/chardev.h"
#include "abi/version.h"
#include "cmd/doctor.h"

static void
kernel_release(const struct doctor *doctor, char *release, size_t size)
{
	struct utsname name;

	if (doctor_line(doctor, "/proc/sys/kernel/osrelease", release, size))
		return;
	if (uname(&name) != 0)
		strcpy(name.release, "?");
	snprintf(release, size, "%s", name.release);
}

static void
check_headers(struct doctor *doctor, const char *release)
{
	char folder[300], type[300];

	snprintf(folder, sizeof(folder), "/lib/modules/%.200s/build", release);
	snprintf(type, sizeof(type),
		 "sudo apt install linux-headers-%.200s", release);
	if (doctor_exists(doctor, folder))
		doctor_say(doctor, "headers", DOCTOR_OK, false, NULL,
			   "modules can be built for this kernel, %s", release);
	else
		doctor_say(doctor, "headers", DOCTOR_MISSING, false, type,
			   "of this kernel, %s, to build the modules with (or "
			   "dkms)", release);
}

/* A kernel that takes no unsigned modules, or none at all any more. */
static void
check_lockdown(struct doctor *doctor, bool loaded)
{
	char line[200] = "";
	bool needed = doctor->kernel && !loaded;

	if (doctor_line(doctor, "/proc/sys/kernel/modules_disabled", line,
			sizeof(line)) && strcmp(line, "1") == 0)
		doctor_say(doctor, "lockdown", DOCTOR_WRONG, needed,
			   "load the modules before kernel.modules_disabled is "
			   "set, at boot: /etc/modules-load.d",
			   "this kernel takes no more modules until it is "
			   "booted anew");
	else if (doctor_line(doctor, "/sys/kernel/security/lockdown", line,
			     sizeof(line)) && strstr(line, "[none]") == NULL)
		doctor_say(doctor, "lockdown", DOCTOR_WRONG, needed,
			   "sign ebpf.ko and ebpf_dev.ko (scripts/sign-file) "
			   "with a key that mokutil --import enrolled",
			   "this kernel is locked down (%s) and takes signed "
			   "modules only", line);
	else if (doctor_line(doctor, "/sys/module/module/parameters/sig_enforce",
			     line, sizeof(line)) && line[0] == 'Y')
		doctor_say(doctor, "lockdown", DOCTOR_WRONG, needed,
			   "sign ebpf.ko and ebpf_dev.ko (scripts/sign-file), "
			   "or boot without module.sig_enforce",
			   "this kernel takes signed modules only");
	else
		doctor_say(doctor, "lockdown", DOCTOR_OK, false, NULL,
			   "none; unsigned modules are taken");
}

/* Where depmod and dkms put it, whatever it was packed with. */
static bool
is_installed(const struct doctor *doctor, const char *release)
{
	static const char *const folders[] = { "updates/dkms", "updates",
					       "extra" };
	static const char *const ends[] = { "", ".xz", ".zst", ".gz" };
	char path[400];

	for (size_t f = 0; f < sizeof(folders) / sizeof(folders[0]); f++)
		for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
			snprintf(path, sizeof(path),
				 "/lib/modules/%.200s/%s/ebpf_dev.ko%s",
				 release, folders[f], ends[e]);
			if (doctor_exists(doctor, path))
				return true;
		}
	return false;
}

/* The kernel that build/kmod beside this gebpf was made for; "": none. */
static void
built_for(char *release, size_t size, char *folder, size_t folder_size)
{
	static const char mark[] = "vermagic=";
	char self[PATH_MAX], path[PATH_MAX + 32];
	size_t len = 0, at = 0;
	FILE *file;
	ssize_t n;
	int c;

	*release = *folder = '\0';
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(path, sizeof(path), "%s/kmod/ebpf_dev.ko", self);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	if ((size_t)snprintf(folder, folder_size, "%.*s/kmod",
			     PATH_MAX - 32, self) >= folder_size)
		*folder = '\0';
	/* the mark's letters differ, but for the first: no going back */
	while (at < sizeof(mark) - 1 && (c = getc(file)) != EOF)
		at = c == mark[at] ? at + 1 : c == mark[0];
	while (at == sizeof(mark) - 1 && len + 1 < size &&
	       (c = getc(file)) != EOF && isgraph(c))
		release[len++] = (char)c;
	release[len] = '\0';
	fclose(file);
}

static void
not_loaded(struct doctor *doctor, const char *release)
{
	char built[200], folder[PATH_MAX], type[2 * PATH_MAX + 100];

	built_for(built, sizeof(built), folder, sizeof(folder));
	if (is_installed(doctor, release))
		snprintf(type, sizeof(type), "sudo modprobe ebpf_dev");
	else if (strcmp(built, release) == 0)
		snprintf(type, sizeof(type), "sudo insmod %s/ebpf.ko && sudo "
			 "insmod %s/ebpf_dev.ko", folder, folder);
	else
		snprintf(type, sizeof(type), "make kmod && sudo insmod "
			 "build/kmod/ebpf.ko && sudo insmod "
			 "build/kmod/ebpf_dev.ko");
	if (*built != '\0' && strcmp(built, release) != 0)
		doctor_say(doctor, "modules", DOCTOR_WRONG, doctor->kernel,
			   type, "not loaded; those in %s were built for %s, "
			   "this is %s", folder, built, release);
	else
		doctor_say(doctor, "modules", DOCTOR_MISSING, doctor->kernel,
			   type, "ebpf and ebpf_dev are not loaded");
}

static bool
check_modules(struct doctor *doctor, const char *release)
{
	bool runtime = doctor_has(doctor, "/proc/modules", "ebpf ");
	bool device = doctor_has(doctor, "/proc/modules", "ebpf_dev ");
	char version[64] = "";

	doctor_line(doctor, "/sys/module/ebpf/version", version,
		    sizeof(version));
	if (runtime && !device)
		doctor_say(doctor, "modules", DOCTOR_MISSING, doctor->kernel,
			   "sudo modprobe ebpf_dev, or sudo insmod "
			   "build/kmod/ebpf_dev.ko",
			   "ebpf is loaded, ebpf_dev is not");
	else if (!device)
		not_loaded(doctor, release);
	else if (*version != '\0' && strcmp(version, EBPF_RELEASE) != 0)
		doctor_say(doctor, "modules", DOCTOR_WRONG, doctor->kernel,
			   "sudo rmmod ebpf_dev ebpf, then load those of this "
			   "release",
			   "loaded are those of release %s, this gebpf is %s",
			   version, EBPF_RELEASE);
	else
		doctor_say(doctor, "modules", DOCTOR_OK, doctor->kernel, NULL,
			   "ebpf and ebpf_dev %s are loaded", version);
	return device;
}

/* ---- the node ---- */

/* The device's minor number among the misc ones; -1: not there. */
static int
minor_of(const struct doctor *doctor)
{
	char path[PATH_MAX], line[128], name[64];
	int minor = -1, found;
	FILE *file;

	doctor_path(doctor, path, sizeof(path), "/proc/misc");
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	while (minor < 0 && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%d %63s", &found, name) == 2 &&
		    strcmp(name, "ebpf") == 0)
			minor = found;
	fclose(file);
	return minor;
}

static void
check_node(struct doctor *doctor, bool loaded)
{
	char path[PATH_MAX], type[300] = "";
	int minor = minor_of(doctor);
	struct stat st;

	doctor_path(doctor, path, sizeof(path), "%s", EBPF_CHARDEV_PATH);
	if (stat(path, &st) != 0) {
		if (loaded && minor >= 0)
			snprintf(type, sizeof(type),
				 "sudo mknod -m 600 %s c 10 %d",
				 EBPF_CHARDEV_PATH, minor);
		doctor_say(doctor, "node", DOCTOR_MISSING, doctor->kernel, type,
			   "%s: %s%s", EBPF_CHARDEV_PATH, strerror(errno),
			   loaded ? "" : "; it comes with the modules");
		return;
	}
	if (!S_ISCHR(st.st_mode)) {
		doctor_say(doctor, "node", DOCTOR_WRONG, doctor->kernel,
			   "sudo rm " EBPF_CHARDEV_PATH
			   " && sudo rmmod ebpf_dev && sudo modprobe ebpf_dev",
			   "%s is no device", EBPF_CHARDEV_PATH);
		return;
	}
	if (access(path, R_OK | W_OK) != 0) {
		if (st.st_gid != 0 && (st.st_mode & 060) == 060)
			snprintf(type, sizeof(type), "sudo usermod -aG ebpf "
				 "$USER, and log in anew; or sudo gebpf");
		else
			snprintf(type, sizeof(type), "sudo gebpf ...; or give "
				 "it to a group: see the line 'udev'");
		doctor_say(doctor, "node", DOCTOR_WRONG, doctor->kernel, type,
			   "%s (mode %04o, group %u): %s", EBPF_CHARDEV_PATH,
			   (unsigned int)st.st_mode & 07777,
			   (unsigned int)st.st_gid, strerror(errno));
		return;
	}
	if ((st.st_mode & 07) != 0)
		doctor_say(doctor, "node", DOCTOR_WRONG, false,
			   "sudo chmod o= " EBPF_CHARDEV_PATH,
			   "everybody may open %s and load programs into this "
			   "kernel (mode %04o)", EBPF_CHARDEV_PATH,
			   (unsigned int)st.st_mode & 07777);
	else
		doctor_say(doctor, "node", DOCTOR_OK, doctor->kernel, NULL,
			   "%s may be opened (mode %04o)", EBPF_CHARDEV_PATH,
			   (unsigned int)st.st_mode & 07777);
}

static void
check_udev(struct doctor *doctor)
{
	static const char *const places[] = {
		"/etc/udev/rules.d", "/run/udev/rules.d",
		"/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d",
		"/lib/udev/rules.d",
	};
	char path[300];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/60-ebpf.rules", places[i]);
		if (!doctor_exists(doctor, path))
			continue;
		if (doctor_has(doctor, "/etc/group", "ebpf:"))
			doctor_say(doctor, "udev", DOCTOR_OK, false, NULL,
				   "%s gives the node to group ebpf", path);
		else
			doctor_say(doctor, "udev", DOCTOR_MISSING, false,
				   "sudo addgroup --system ebpf && sudo "
				   "udevadm trigger -c change /dev/ebpf",
				   "%s is there, the group ebpf is not", path);
		return;
	}
	doctor_say(doctor, "udev", DOCTOR_MISSING, false,
		   "sudo addgroup --system ebpf && sudo make install",
		   "no 60-ebpf.rules: the node is root's alone");
}

/* ---- who uses it ---- */

/* Processes that have the node open, as far as we may see: "gebpf 12, ..." */
static void
holders(const struct doctor *doctor, char *text, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX], name[64];
	struct dirent *process, *entry;
	size_t len = 0;
	ssize_t n;
	DIR *proc, *fds;

	*text = '\0';
	doctor_path(doctor, path, sizeof(path), "/proc");
	proc = opendir(path);
	while (proc != NULL && (process = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)process->d_name[0]))
			continue;
		doctor_path(doctor, path, sizeof(path), "/proc/%.20s/fd",
			    process->d_name);
		fds = opendir(path);
		while (fds != NULL && (entry = readdir(fds)) != NULL) {
			n = readlinkat(dirfd(fds), entry->d_name, target,
				       sizeof(target) - 1);
			if (n <= 0)
				continue;
			target[n] = '\0';
			if (strcmp(target, EBPF_CHARDEV_PATH) != 0 ||
			    len >= size - 1)
				continue;
			snprintf(path, sizeof(path), "/proc/%.20s/comm",
				 process->d_name);
			if (!doctor_line(doctor, path, name, sizeof(name)))
				strcpy(name, "process");
			len += (size_t)snprintf(text + len, size - len,
						"%s%.40s %.20s",
						len != 0 ? ", " : "", name,
						process->d_name);
			break; /* once is enough */
		}
		if (fds != NULL)
			closedir(fds);
	}
	if (proc != NULL)
		closedir(proc);
}

/* Why rmmod would say that a module is in use. */
static void
check_use(struct doctor *doctor)
{
	char count[32] = "0", who[512];
	bool hook = doctor_has(doctor, "/proc/modules", "vale_bpf ");

	doctor_line(doctor, "/sys/module/ebpf_dev/refcnt", count,
		    sizeof(count));
	holders(doctor, who, sizeof(who));
	if (strcmp(count, "0") == 0 && !hook)
		doctor_say(doctor, "in use", DOCTOR_OK, false, NULL,
			   "by nobody: rmmod ebpf_dev ebpf works");
	else
		doctor_say(doctor, "in use", DOCTOR_OK, false, NULL,
			   "%s open sessions%s%s%s%s", count,
			   *who != '\0' ? ": " : "", who,
			   hook ? "; vale_bpf uses ebpf" : "",
			   hook ? " (gebpf link show: what it drives)" : "");
}

static void
check_netmap(struct doctor *doctor)
{
	bool netmap = doctor_has(doctor, "/proc/modules", "netmap ") ||
		      doctor_exists(doctor, "/sys/module/netmap");
	bool hook = doctor_has(doctor, "/proc/modules", "vale_bpf ");

	if (hook)
		doctor_say(doctor, "netmap", DOCTOR_OK, false, NULL,
			   "netmap and vale_bpf are loaded: VALE switches take "
			   "programs");
	else if (netmap)
		doctor_say(doctor, "netmap", DOCTOR_MISSING, false,
			   "make kmod NETMAP=DIR && sudo insmod "
			   "build/kvale/vale_bpf.ko",
			   "netmap is loaded, vale_bpf is not: no programs on "
			   "its switches");
	else
		doctor_say(doctor, "netmap", DOCTOR_MISSING, false,
			   "build netmap (github.com/luigirizzo/netmap) in DIR, "
			   "make kmod NETMAP=DIR, sudo insmod netmap.ko, sudo "
			   "insmod build/kvale/vale_bpf.ko",
			   "no VALE switches in this kernel; the embedded "
			   "device has its own");
}

void
doctor_kernel(struct doctor *doctor)
{
	char release[200];
	bool loaded;

	kernel_release(doctor, release, sizeof(release));
	check_headers(doctor, release);
	loaded = check_modules(doctor, release);
	check_lockdown(doctor, loaded);
	check_node(doctor, loaded);
	check_udev(doctor);
	if (loaded)
		check_use(doctor);
	check_netmap(doctor);
}
