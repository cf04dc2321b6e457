/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See bench_net.h. */
#include "bench/bench_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BURST = 64, QUEUE_BYTES = 8 << 20 };

extern char **environ;

/* ---- networks ---- */

int
bench_net_open(struct bench_net *net)
{
	static const char self[] = "/proc/thread-self/ns/net";
	int error;
	FILE *file;

	net->own = -1;
	net->before = open(self, O_RDONLY | O_CLOEXEC);
	if (net->before < 0)
		return -errno;
	if (unshare(CLONE_NEWNET) != 0) {
		error = -errno;
		close(net->before);
		net->before = 0;
		return error;
	}
	net->own = open(self, O_RDONLY | O_CLOEXEC);
	/* no frames but ours */
	file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");
	if (file != NULL) {
		fputs("1\n", file);
		fclose(file);
	}
	return 0;
}

int
bench_net_enter(const struct bench_net *net)
{
	return setns(net->own, CLONE_NEWNET) != 0 ? -errno : 0;
}

void
bench_net_close(struct bench_net *net)
{
	if (net->before <= 0)
		return;
	setns(net->before, CLONE_NEWNET);
	close(net->before);
	if (net->own >= 0)
		close(net->own);
	net->before = 0;
}

/* ---- interfaces ---- */

/* A request about an interface, by any socket. */
static int
ask(unsigned long number, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, number, request) != 0)
		error = -errno;
	close(fd);
	return error;
}

static struct ifreq
request_for(const char *name)
{
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	return request;
}

int
bench_net_up(const char *name)
{
	struct ifreq request = request_for(name);
	int error = ask(SIOCGIFFLAGS, &request);

	request.ifr_flags |= IFF_UP;
	return error != 0 ? error : ask(SIOCSIFFLAGS, &request);
}

int
bench_net_address(const char *name, uint32_t host)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct ifreq request = request_for(name);
	int error;

	in.sin_addr.s_addr = htonl(0x0a4d0000 + host);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	error = ask(SIOCSIFADDR, &request);
	in.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&request.ifr_netmask, &in, sizeof(in));
	return error != 0 ? error : ask(SIOCSIFNETMASK, &request);
}

int
bench_net_tap(const char *name, bool headers)
{
	const unsigned long unfinished = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	struct ifreq request = request_for(name);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (headers)
		request.ifr_flags |= IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &request) != 0 ||
	    (headers && ioctl(fd, TUNSETOFFLOAD, unfinished) != 0))
		error = -errno;
	else
		error = bench_net_up(name);
	if (error != 0)
		close(fd);
	return error != 0 ? error : fd;
}

/* What only netlink does, by the program that speaks it and says why not. */
static int
ip(char *const words[])
{
	int status, error;
	pid_t pid;

	error = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	if (error != 0)
		return -error;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status != 0 ? -EOPNOTSUPP : 0;
}

int
bench_net_veth(const char *a, const char *b)
{
	char *const words[] = { "ip",	"link", "add",	"name",	   (char *)a,
				"type", "veth", "peer", (char *)b, NULL };
	int error = ip(words);

	if (error == 0)
		error = bench_net_up(a);
	return error != 0 ? error : bench_net_up(b);
}

int
bench_net_move(const char *name, const struct bench_net *to)
{
	char path[64];
	char *const words[] = { "ip",  "link",	"set", "dev", (char *)name,
				"netns", path, NULL };
	int error;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), to->own);
	error = ip(words);
	if (error == 0)
		error = bench_net_enter(to);
	return error != 0 ? error : bench_net_up(name);
}

/* ---- sockets ---- */

static int
packet_socket(const char *name, int type, uint16_t protocol)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, type | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	address.sll_protocol = htons(protocol);
	address.sll_ifindex = (int)if_nametoindex(name);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int
bench_net_sender(const char *name)
{
	return packet_socket(name, SOCK_RAW, 0);
}

int
bench_net_socket(const char *name, bool wait)
{
	int fd = packet_socket(name, SOCK_RAW | (wait ? 0 : SOCK_NONBLOCK),
			       ETH_P_ALL);
	int size = QUEUE_BYTES, one = 1;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	return fd;
}

/* ---- frames ---- */

uint64_t
bench_net_received(const char *name)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "r");
	unsigned long long bytes, frames = 0;
	char line[512], *at;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		at = line + strspn(line, " ");
		if (strncmp(at, name, strlen(name)) == 0 &&
		    at[strlen(name)] == ':' &&
		    sscanf(at + strlen(name) + 1, "%llu %llu", &bytes,
			   &frames) == 2)
			break;
	}
	if (file != NULL)
		fclose(file);
	return frames;
}

void
bench_net_frame(uint8_t frame[BENCH_FRAME], uint32_t from, uint32_t to)
{
	memset(frame, 0, BENCH_FRAME);
	frame[0] = frame[6] = 2;
	frame[5] = (uint8_t)to;
	frame[11] = (uint8_t)from;
	frame[12] = 0x88;
	frame[13] = 0xb5;
}

int
bench_net_fill(int sender, uint32_t from, uint32_t to, uint32_t count)
{
	struct mmsghdr messages[BURST];
	uint8_t frame[BENCH_FRAME];
	struct iovec part = { frame, BENCH_FRAME };
	uint32_t done = 0, n;
	int sent;

	bench_net_frame(frame, from, to);
	memset(messages, 0, sizeof(messages));
	for (n = 0; n < BURST; n++) {
		messages[n].msg_hdr.msg_iov = &part;
		messages[n].msg_hdr.msg_iovlen = 1;
	}
	while (done < count) {
		n = count - done < BURST ? count - done : BURST;
		sent = sendmmsg(sender, messages, n, 0);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return -errno;
		done += (uint32_t)sent;
	}
	return 0;
}
