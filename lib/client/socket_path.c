/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where the embedded device's socket is, and whether its folder can be
 * trusted: whoever can write there could put a socket of his own in our way.
 * Called by transport_socket.c and, for the daemon's sake, through
 * gebpf_socket_path().
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/transport.h"

static bool
own_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

/*
 * Root's place is /run/gebpf. Others have XDG_RUNTIME_DIR, made by whoever
 * logged them in, unless it is another user's (left over by su); where nobody
 * did (containers, cron), a folder in /tmp that carries the user's number,
 * checked like the rest.
 */
static int
default_path(char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	unsigned int uid = geteuid();
	char run_user[64];
	int len;

	snprintf(run_user, sizeof(run_user), "/run/user/%u", uid);
	if (uid == 0)
		len = snprintf(path, size, "/run/gebpf/device.sock");
	else if (runtime && runtime[0] == '/' && own_folder(runtime))
		len = snprintf(path, size, "%s/gebpf/device.sock", runtime);
	else if (own_folder(run_user))
		len = snprintf(path, size, "%s/gebpf/device.sock", run_user);
	else
		len = snprintf(path, size, "/tmp/gebpf-%u/device.sock", uid);
	return len;
}

int
gebpf_socket_find(const char *argument, char *path, size_t size,
		  struct gebpf_error *err)
{
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	char cwd[PATH_MAX];
	int len;

	if (!argument)
		len = default_path(path, size);
	else if (argument[0] == '/')
		len = snprintf(path, size, "%s", argument);
	else if (getcwd(cwd, sizeof(cwd)))
		len = snprintf(path, size, "%s/%s",
			       strcmp(cwd, "/") ? cwd : "", argument);
	else
		return gebpf_fail(err, -EBPF_EINVAL,
				  "socket '%s': the current folder is "
				  "unknown: %s", argument, strerror(errno));
	if (len < 0 || (size_t)len >= size || (size_t)len > max) {
		gebpf_fail(err, -EBPF_ENAMETOOLONG,
			   "socket path of %d bytes is too long, %zu is the "
			   "most", len, max);
		gebpf_hint(err, "name a shorter one: -t embedded:SOCKET");
		return -EBPF_ENAMETOOLONG;
	}
	if (path[len - 1] == '/')
		return gebpf_fail(err, -EBPF_EINVAL,
				  "socket '%s' is the name of a folder", path);
	return 0;
}

int
gebpf_socket_folder(const char *path, bool strict, bool make,
		    struct gebpf_error *err)
{
	unsigned int uid = geteuid();
	char folder[PATH_MAX];
	struct stat st;
	char *slash;
	int error;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return gebpf_fail(err, -EBPF_EINVAL, "bad socket path '%s'",
				  path);
	slash[slash == folder] = '\0';
	if (make && mkdir(folder, 0700) && errno != EEXIST) {
		error = errno == EACCES || errno == EPERM || errno == EROFS ?
				-EBPF_EACCES :
				-EBPF_ENODEV;
		gebpf_fail(err, error, "cannot make the folder %s of the "
			   "device's socket: %s", folder, strerror(errno));
		gebpf_hint(err, "name another place: -t embedded:SOCKET");
		return error;
	}
	if (lstat(folder, &st)) {
		if (errno == ENOENT)
			return -EBPF_ENOENT;
		return gebpf_fail(err, -EBPF_EACCES, "%s: %s", folder,
				  strerror(errno));
	}
	if (strict && S_ISLNK(st.st_mode)) {
		gebpf_fail(err, -EBPF_EACCES,
			   "%s is a symbolic link, so the device's socket is "
			   "not looked for behind it", folder);
		goto hint;
	}
	if (S_ISLNK(st.st_mode) && stat(folder, &st))
		return gebpf_fail(err, -EBPF_EACCES, "%s: %s", folder,
				  strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return gebpf_fail(err, -EBPF_ENODEV, "%s is not a folder",
				  folder);
	if (strict && (st.st_uid != uid || (st.st_mode & 077))) {
		gebpf_fail(err, -EBPF_EACCES,
			   "%s must belong to user %u alone with mode 0700; it "
			   "belongs to user %u with mode %04o", folder, uid,
			   (unsigned int)st.st_uid,
			   (unsigned int)st.st_mode & 07777);
		goto hint;
	}
	if ((st.st_mode & 022) && !(st.st_mode & S_ISVTX)) {
		gebpf_fail(err, -EBPF_EACCES,
			   "others may write to %s (mode %04o), so a socket "
			   "there cannot be trusted", folder,
			   (unsigned int)st.st_mode & 07777);
		goto hint;
	}
	return 0;

hint:
	gebpf_hint(err, "repair the folder, or name another place: "
			"-t embedded:SOCKET");
	return -EBPF_EACCES;
}
