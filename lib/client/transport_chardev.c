/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's device: one ioctl carries the request and the room for its
 * reply (abi/chardev.h). Closing the file ends the session.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/chardev.h"
#include "client/transport.h"

static int
chardev_fd(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISCHR(st.st_mode)) {
		close(fd);
		errno = ENODEV;
		return -1;
	}
	return fd;
}

bool
gebpf_chardev_usable(void)
{
	int fd = chardev_fd(EBPF_CHARDEV_PATH);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Whether a file of the kernel's contains the text. */
static bool
says(const char *path, const char *text)
{
	char line[512];
	bool found = false;
	FILE *file = fopen(path, "re");

	while (file != NULL && !found && fgets(line, sizeof(line), file))
		found = strstr(line, text) != NULL;
	if (file != NULL)
		fclose(file);
	return found;
}

/* What is missing, and what to type. */
static void
missing(struct gebpf_error *err)
{
	if (says("/proc/modules", "ebpf_dev "))
		gebpf_hint(err, "the modules are loaded, the node is not there: "
				"mknod -m 600 /dev/ebpf c 10 MINOR, which "
				"/proc/misc tells; or -t embedded");
	else if (says("/sys/kernel/security/lockdown", "[integrity]") ||
		 says("/sys/kernel/security/lockdown", "[confidentiality]") ||
		 says("/sys/module/module/parameters/sig_enforce", "Y"))
		gebpf_hint(err, "this kernel is locked down and takes signed "
				"modules only: sign ebpf.ko and ebpf_dev.ko and "
				"load them, or use -t embedded");
	else
		gebpf_hint(err, "load the modules: modprobe ebpf_dev; from the "
				"sources: make kmod, insmod build/kmod/ebpf.ko, "
				"insmod build/kmod/ebpf_dev.ko; or use -t "
				"embedded");
}

static int
chardev_open(const char *argument, unsigned int flags, void **state,
	     char *target, struct gebpf_error *err)
{
	const char *path = argument ? argument : EBPF_CHARDEV_PATH;
	int fd = chardev_fd(path);

	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		gebpf_fail(err, -EBPF_EACCES, "%s: %s", path, strerror(errno));
		gebpf_hint(err, "the kernel's device belongs to root; "
				"-t embedded needs no rights");
		return -EBPF_EACCES;
	}
	if (fd < 0) {
		gebpf_fail(err, -EBPF_ENODEV, "no kernel device at %s: %s",
			   path, strerror(errno));
		missing(err);
		return -EBPF_ENODEV;
	}
	snprintf(target, GEBPF_TARGET_SIZE, "kernel:%s", path);
	*state = (void *)(intptr_t)fd;
	return 0;
}

/*
 * Request and reply in one place; false: not begun, the long way is to be gone,
 * as they are too long, or the driver does not know this one.
 */
static bool
exchange_short(int fd, const void *request, size_t request_len, void *reply,
	       size_t cap, size_t *len)
{
	uint64_t place[EBPF_CHARDEV_SHORT_MAX / 8] = { 0 };
	struct ebpf_reply head;
	int n;

	if (request_len > sizeof(place) || cap > sizeof(place))
		return false;
	memcpy(place, request, request_len);
	do
		n = ioctl(fd, EBPF_CHARDEV_SHORT((request_len + 7) / 8 * 8),
			  place);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	memcpy(&head, place, sizeof(head));
	*len = head.size <= cap ? head.size : 0; /* nonsense is no reply */
	memcpy(reply, place, *len);
	return true;
}

static int
chardev_exchange(void *state, const void *request, size_t request_len,
		 void *reply, size_t cap, size_t *len)
{
	struct ebpf_chardev_call call = {
		.request = (uint64_t)(uintptr_t)request,
		.reply = (uint64_t)(uintptr_t)reply,
		.request_len = (uint32_t)request_len,
		.reply_cap = (uint32_t)cap,
	};
	int n;

	if (exchange_short((int)(intptr_t)state, request, request_len, reply,
			   cap, len))
		return 0;
	/*
	 * The driver answers inside the reply; here only the carrying fails. A
	 * call that a signal ended has not begun.
	 */
	do
		n = ioctl((int)(intptr_t)state, EBPF_CHARDEV_CALL, &call);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ENOMEM ? -EBPF_ENOMEM :
		       errno == ENOTTY || errno == EINVAL ? -EBPF_EPROTO :
							   -EBPF_EBADF;
	if (call.reply_len > cap)
		return -EBPF_EPROTO;
	*len = call.reply_len;
	return 0;
}

static void
chardev_close(void *state)
{
	close((int)(intptr_t)state);
}

const struct gebpf_transport gebpf_transport_chardev = {
	.name = "kernel",
	.open = chardev_open,
	.exchange = chardev_exchange,
	.close = chardev_close,
};
