/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * tap:NAME: a tap interface; what its owner sends into it comes to the switch.
 * An existing one is joined, else one is made that goes with the port; either
 * way it is brought up. Needs CAP_NET_ADMIN, or a tap made for this user. The
 * kernel leaves checksums and the splitting of TCP data to whoever comes last:
 * a header before each frame says what is left to do. tap:NAME,plain does
 * without: small frames are moved quicker, large ones finished at their source.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/os.h"
#include "host/vswitch_parts.h"

enum {
	UNFINISHED = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
	BURST_BYTES = 1 << 18, /* of merged frames: what caches hold */
};

static const char plain_word[] = ",plain";

struct tap {
	int fd;
	uint32_t head_size; /* bytes before each frame; 0: plain */
};

/*
 * read() and write() as the kernel has them: libc's are places where a thread
 * can be cancelled, which each call pays for.
 */
static inline ssize_t
plain_read(int fd, void *at, size_t size)
{
	return syscall(SYS_read, fd, at, size);
}

static inline ssize_t
plain_write(int fd, const void *at, size_t size)
{
	return syscall(SYS_write, fd, at, size);
}

static int
bring_up(const char *name)
{
	struct ifreq request;
	int error = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &request)) {
		error = errno;
	} else if (!(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request))
			error = errno;
	}
	close(fd);
	return error;
}

static int
tap_open(struct vale_port *port, const char *spec, char *why, size_t why_size)
{
	char argument[EBPF_PATH_SIZE];
	bool plain = vale_port_option(spec, plain_word, argument);
	struct tap *tap;
	struct ifreq request;
	int fd, number;

	/* '%' would make the kernel choose a number. */
	if (strlen(argument) >= IFNAMSIZ || strpbrk(argument, "/% \t:")) {
		snprintf(why, why_size,
			 "'%.64s' is no name for an interface (at most %d "
			 "bytes, no '/', '%%', ':' or spaces)", argument,
			 IFNAMSIZ - 1);
		return -EBPF_EINVAL;
	}
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return -EBPF_ENOMEM;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		number = errno;
		snprintf(why, why_size, "/dev/net/tun: %s", strerror(number));
		goto free;
	}
	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argument);
	request.ifr_flags = IFF_TAP | IFF_NO_PI | (plain ? 0 : IFF_VNET_HDR);
	if (ioctl(fd, TUNSETIFF, &request)) {
		number = errno;
		if (number == EPERM || number == EACCES)
			snprintf(why, why_size,
				 "making tap %s needs root (CAP_NET_ADMIN)",
				 argument);
		else if (number == EBUSY)
			snprintf(why, why_size,
				 "tap %s is used by another program", argument);
		else
			snprintf(why, why_size, "tap %s: %s%s", argument,
				 strerror(number), number == EINVAL ?
				 " (is there another interface of this name?)" :
				 "");
		goto close;
	}
	number = bring_up(argument);
	/* Whoever may use the tap may still not be allowed to set it up. */
	if (number && number != EPERM && number != EACCES) {
		snprintf(why, why_size, "tap %s cannot be brought up: %s",
			 argument, strerror(number));
		goto close;
	}
	/* or it finishes everything itself */
	ioctl(fd, TUNSETOFFLOAD, plain ? 0ul : (unsigned long)UNFINISHED);
	tap->fd = fd;
	tap->head_size = plain ? 0 : sizeof(struct virtio_net_hdr);
	port->state = tap;
	port->takes_unfinished = !plain;
	return 0;

close:
	close(fd);
free:
	free(tap);
	return vale_error(number);
}

static void
tap_close(struct vale_port *port)
{
	struct tap *tap = port->state;

	/* it may stay, for somebody who does not know of headers */
	ioctl(tap->fd, TUNSETOFFLOAD, 0ul);
	close(tap->fd);
	free(tap);
}

static void
tap_name(const char *argument, char name[EBPF_NAME_SIZE])
{
	char whole[EBPF_PATH_SIZE];

	vale_port_option(argument, plain_word, whole);
	snprintf(name, EBPF_NAME_SIZE, "%.*s", EBPF_NAME_SIZE - 1, whole);
}

static int
tap_fd(struct vale_port *port)
{
	struct tap *tap = port->state;

	return tap->fd;
}

static void
tap_receive(struct vale_port *port, struct vale_burst *burst, uint8_t *slots)
{
	const struct tap *tap = port->state;
	uint32_t head_size = tap->head_size;
	struct ebpf_frame *frame;
	uint64_t now = os_wall_time_ns();
	struct virtio_net_hdr *head;
	uint8_t *data = slots + VALE_SLOT_HEAD;
	uint32_t bytes = 0;
	ssize_t n;

	burst->unfinished = false;
	while (burst->count < VALE_BURST && bytes < BURST_BYTES) {
		n = plain_read(tap->fd, data - head_size,
			       head_size + VALE_FRAME_MAX + 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EBADFD) {
			/* Deleted under us; epoll would tell us for ever. */
			epoll_ctl(port->vale->epoll, EPOLL_CTL_DEL, tap->fd,
				  NULL);
			vale_port_fail(port, -EBPF_ENODEV,
				       "the tap interface was deleted");
			break;
		}
		if (n <= 0)
			break;
		n -= (ssize_t)head_size;
		if (n < VALE_FRAME_MIN || n > VALE_FRAME_MAX) {
			port->info.rx_drops++;
			continue;
		}
		head = &burst->heads[burst->count];
		if (head_size)
			memcpy(head, data - sizeof(*head), sizeof(*head));
		else
			memset(head, 0, sizeof(*head));
		head->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
		burst->unfinished |= (head->flags | head->gso_type) != 0;
		bytes += (uint32_t)n;
		frame = &burst->frames[burst->count];
		frame->data = data;
		frame->len = (uint32_t)n;
		frame->port = (uint16_t)port->index;
		frame->ring_nr = 0;
		frame->verdict = EBPF_VALE_DROP;
		burst->time_ns[burst->count] = now;
		burst->wire_len[burst->count] = (uint32_t)n;
		burst->count++;
		/* one behind the other: in slots each would have its page */
		data += (VALE_SLOT_HEAD + (uint32_t)n + 63u) & ~63u;
	}
}

static void
tap_send(struct vale_port *port, const struct vale_burst *burst,
	 const uint8_t *index, uint32_t count)
{
	static const struct virtio_net_hdr whole; /* nothing left to do */
	const struct tap *tap = port->state;
	uint32_t i, head_size = tap->head_size;
	const struct ebpf_frame *frame;
	uint8_t *at;
	ssize_t n;

	for (i = 0; i < count; i++) {
		frame = &burst->frames[index[i]];
		at = frame->data - head_size; /* two pieces take longer */
		if (head_size)
			memcpy(at, burst->unfinished ? &burst->heads[index[i]] :
						       &whole, sizeof(whole));
		do
			n = plain_write(tap->fd, at, head_size + frame->len);
		while (n < 0 && errno == EINTR);
		/* Full, down, or longer than it takes: like a cable, it drops. */
		if (n < 0) {
			port->info.tx_drops++;
			continue;
		}
		port->info.tx_frames++;
		port->info.tx_bytes += frame->len;
	}
}

const struct vale_port_ops vale_port_tap = {
	.kind = "tap",
	.open = tap_open,
	.close = tap_close,
	.name = tap_name,
	.send = tap_send,
	.fd = tap_fd,
	.receive = tap_receive,
};
