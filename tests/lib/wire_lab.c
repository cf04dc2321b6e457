/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See wire_lab.h. */
#include "wire_lab.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/ebpf.h"
#include "core/os.h"
#include "net_bytes.h"
#include "tap.h"

enum { WAIT_MS = 10000 };

struct ebpf_vswitch *wire_set;
struct ebpf_pair_end *wire_pair;
char wire_name[IFNAMSIZ];
static struct ebpf_runtime *rt;
static int wire_fd; /* the tap */

uint64_t
wire_deadline(void)
{
	return os_time_ns() + WAIT_MS * 1000000ull;
}

static bool
interface_set(unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", wire_name);
	error = ioctl(fd, what, request);
	close(fd);
	return !error;
}

bool
wire_up(bool up)
{
	struct ifreq request = { .ifr_flags = up ? IFF_UP : 0 };

	return interface_set(SIOCSIFFLAGS, &request);
}

bool
wire_mtu(int mtu)
{
	struct ifreq request = { .ifr_mtu = mtu };

	return interface_set(SIOCSIFMTU, &request);
}

bool
wire_make(void)
{
	struct ifreq request;

	snprintf(wire_name, sizeof(wire_name), "gi%da",
		 (int)getpid() % 1000000);
	wire_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", wire_name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	return wire_fd >= 0 && !ioctl(wire_fd, TUNSETIFF, &request) &&
	       wire_up(true);
}

void
wire_frame(uint8_t *frame, uint32_t len, uint32_t type, uint32_t number)
{
	uint32_t i;

	memset(frame, 0x20, 6);
	memset(frame + 6, 0x10, 6);
	put16(frame + 12, type);
	for (i = 14; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + number);
	memcpy(frame + 14, &number, sizeof(number));
}

bool
wire_send(const struct virtio_net_hdr *head, const uint8_t *frame,
	  uint32_t len)
{
	static uint8_t buffer[65536 + sizeof(*head)];
	ssize_t size = (ssize_t)(sizeof(*head) + len);

	memset(buffer, 0, sizeof(*head));
	if (head)
		memcpy(buffer, head, sizeof(*head));
	memcpy(buffer + sizeof(*head), frame, len);
	return write(wire_fd, buffer, (size_t)size) == size;
}

void
wire_nap(void)
{
	struct timespec ts = { .tv_nsec = 200000 };

	nanosleep(&ts, NULL);
}

bool
wire_ours(const uint8_t *frame, uint32_t len)
{
	return len >= 20 && frame[0] == 0x20 && frame[6] == 0x10;
}

uint32_t
wire_arrive(uint8_t *copy)
{
	uint64_t stop = wire_deadline();
	const uint8_t *frame;
	uint32_t len;

	while (os_time_ns() < stop) {
		frame = ebpf_pair_peek(wire_pair, &len);
		if (!frame) {
			wire_nap();
			continue;
		}
		if (wire_ours(frame, len)) {
			memcpy(copy, frame, len);
			ebpf_pair_next(wire_pair);
			return len;
		}
		ebpf_pair_next(wire_pair);
	}
	return 0;
}

uint32_t
wire_receive(uint8_t *copy)
{
	static uint8_t got[65536 + sizeof(struct virtio_net_hdr)];
	uint64_t stop = wire_deadline();
	const uint8_t *frame = got + sizeof(struct virtio_net_hdr);
	ssize_t n;

	while (os_time_ns() < stop) {
		n = read(wire_fd, got, sizeof(got));
		if (n < 0) {
			wire_nap();
			continue;
		}
		n -= (ssize_t)sizeof(struct virtio_net_hdr);
		if (n > 0 && wire_ours(frame, (uint32_t)n)) {
			memcpy(copy, frame, (size_t)n);
			return (uint32_t)n;
		}
	}
	return 0;
}

uint64_t
wire_drops(void)
{
	struct ebpf_rep_port_info info;

	ebpf_vswitch_ops.port_info(wire_set, "vale0", 1, &info);
	return info.tx_drops;
}

/* What a closed port with xdp had is given back a little later. */
static int
interface_add(const char *spec, struct ebpf_rep_port_info *info, char *why,
	      size_t why_size)
{
	uint64_t stop = wire_deadline();
	int error;

	do {
		wire_nap();
		error = ebpf_vswitch_ops.port_add(wire_set, "vale0", "", spec,
						  info, why, why_size);
	} while (error && strstr(why, "another AF_XDP socket") &&
		 os_time_ns() < stop);
	return error;
}

bool
wire_switch_open(const char *option)
{
	struct ebpf_rep_port_info info;
	char spec[32], why[256] = "";

	snprintf(spec, sizeof(spec), "if:%s%s", wire_name, option);
	if (ebpf_runtime_create(NULL, &rt) ||
	    ebpf_vswitch_create(rt, &wire_set) ||
	    ebpf_vswitch_ops.create(wire_set, "vale0", 0) ||
	    ebpf_vswitch_ops.port_add(wire_set, "vale0", "", "pair:p", &info,
				      why, sizeof(why)) ||
	    ebpf_pair_open(wire_set, "p", &wire_pair) ||
	    interface_add(spec, &info, why, sizeof(why))) {
		tap_ok(false, "switch: %s", why);
		return false;
	}
	tap_ok(!strcmp(info.port_name, wire_name), "%s is port %s", spec,
	       info.port_name);
	return true;
}

void
wire_switch_close(void)
{
	ebpf_pair_close(wire_pair);
	ebpf_vswitch_destroy(wire_set);
	ebpf_runtime_destroy(rt);
}

void
wire_remove(void)
{
	close(wire_fd);
}
