/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of the userspace switch share. Roadmap:
 *
 *   vswitch.c         the set of switches, their lives, what is told of them
 *   vswitch_hook.c    attaching links
 *   vswitch_port.c    adding, deleting, naming ports
 *   vswitch_move.c    one burst from its ports to its ports; the poll thread
 *   vswitch_whole.c   unfinished frames for ports that take whole ones
 *   vswitch_replay.c  captures merged by time; the replay thread
 *   port_*.c          one kind of port each, a const table
 *
 * Locks, in this order: a link's lock (core), set->lock, vale->lock,
 * vale->move, set->files_lock or set->pairs_lock. vale->move is the data
 * path's; it is held for one burst at a time.
 */
#ifndef HOST_VSWITCH_PARTS_H
#define HOST_VSWITCH_PARTS_H

#include <linux/virtio_net.h>
#include <pthread.h>
#include <sys/types.h>

#include "core/link.h"
#include "host/vswitch.h"
#include "switch/bridge.h"

enum {
	VALE_BURST = 64,
	VALE_FRAME_MIN = 14,
	VALE_FRAME_MAX = 65535,
	VALE_FRAME_ROOM = 16, /* before each frame: ports that send write there */
	VALE_SLOT_HEAD = 64,  /* as much in a slot */
	/* not a power of two: slots must not share one cache set */
	VALE_SLOT_SIZE = VALE_SLOT_HEAD + 65536 + 192,
	VALE_SWITCH_MAX = 256,
};

/*
 * Frames on their way, of one or more ingress ports, in order. Kernels hand
 * over frames to which something is left to do: a checksum to be completed, TCP
 * data to be split. Another kernel takes them as they are, which is many times
 * faster than many small ones, so they move unfinished, as in netmap's VALE.
 */
struct vale_burst {
	uint32_t count;
	bool unfinished; /* heads say what is left to do; else nothing is */
	struct ebpf_frame frames[VALE_BURST]; /* VALE_FRAME_ROOM before each */
	uint64_t time_ns[VALE_BURST];  /* Unix time of arrival */
	uint32_t wire_len[VALE_BURST]; /* >= frames[].len */
	/* NEEDS_CSUM; gso_type NONE, or TCP's */
	struct virtio_net_hdr heads[VALE_BURST];
};

struct vale_port {
	const struct vale_port_ops *ops;
	struct ebpf_vswitch *set;
	struct vale *vale;
	void *state; /* the kind's */
	uint32_t index;
	uint32_t serial; /* tells ports at one index apart */
	bool takes_unfinished;
	/* move lock */
	struct ebpf_rep_port_info info; /* counters; the rest is constant */
	int error;		     /* 0, or why it failed */
	char error_text[256];
	bool played; /* its capture has been started */
};

/* A kind of port. All but open and close are called with the move lock. */
struct vale_port_ops {
	const char *kind;
	/*
	 * Sets port->state. why: words for an error, without the spec. Must
	 * change nothing when it fails.
	 */
	int (*open)(struct vale_port *port, const char *argument, char *why,
		    size_t why_size);
	void (*close)(struct vale_port *port);
	/* Default name out of the argument. */
	void (*name)(const char *argument, char name[EBPF_NAME_SIZE]);
	/* Take count frames of the burst, unfinished ones if the port has said
	 * so; count what went and what did not. */
	void (*send)(struct vale_port *port, const struct vale_burst *burst,
		     const uint8_t *index, uint32_t count);

	/* Live ports: the file to wait on; frames into the empty burst (in
	 * slots, if the port has no memory of its own), VALE_BURST of them
	 * when there may be more that the file does not tell of; release: the
	 * burst has been dealt with. */
	int (*fd)(struct vale_port *port);
	void (*receive)(struct vale_port *port, struct vale_burst *burst,
			uint8_t *slots);
	void (*release)(struct vale_port *port);

	/* Ports that wait for start: when the next frame came (false: no
	 * more), its length, and the frame, once, at `at`. */
	bool (*wants_nano)(const struct vale_port *port);
	void (*start)(struct vale_port *port, bool nano);
	bool (*peek)(struct vale_port *port, uint64_t *time_ns, uint32_t *len);
	void (*take)(struct vale_port *port, uint8_t *at, uint32_t *wire_len);
	void (*flush)(struct vale_port *port);
};

extern const struct vale_port_ops vale_port_pcap;
extern const struct vale_port_ops vale_port_pair;
extern const struct vale_port_ops vale_port_tap;
extern const struct vale_port_ops vale_port_if;

enum vale_replay {
	VALE_REPLAY_NONE,
	VALE_REPLAY_RUNNING,
	VALE_REPLAY_ENDED,
};

/* One switch. */
struct vale {
	/* data path, move lock */
	pthread_mutex_t move __attribute__((aligned(64)));
	uint32_t wanted; /* atomic: control threads waiting for move */
	uint32_t stop;	 /* atomic: threads must end */
	uint32_t port_top; /* highest index in use + 1 */
	struct ebpf_bridge *bridge;
	struct vale_port *ports[EBPF_VALE_PORT_MAX];
	struct ebpf_verdict_counts verdicts;
	uint64_t frames, bytes;

	/* control, lock */
	pthread_mutex_t lock __attribute__((aligned(64)));
	pthread_cond_t changed; /* replay has ended, or the switch goes */
	struct ebpf_vswitch *set;
	struct vale *next;   /* set->lock: by name */
	uint32_t refs;	     /* set->lock */
	bool gone;	     /* no longer in the set */
	bool halted;	     /* threads have been told to end */
	uint32_t port_count;
	uint32_t serial;
	uint32_t uid;
	struct ebpf_link *link; /* with a reference */
	uint32_t prog_id;

	enum vale_replay replay;
	uint32_t replaying; /* atomic copy for the data path */
	bool replay_thread_made, poll_thread_made;
	pthread_t replay_thread, poll_thread;
	pthread_mutex_t halt_lock; /* one halts at a time; taken before lock */
	int epoll, kick; /* kick: an eventfd in epoll */
	uint8_t *slots;	 /* the poll thread's: what came */
	uint8_t *splits; /* and what it was split into, for one port */
	char name[EBPF_NAME_SIZE];
};

/* A file that a port reads or writes, so that no other port spoils it. */
struct vale_file {
	struct vale_file *next;
	dev_t dev;
	ino_t ino;
	bool writing;
};

struct ebpf_vswitch {
	struct ebpf_runtime *rt;
	pthread_mutex_t lock;
	struct vale *first; /* ascending by name */
	uint32_t count;
	bool stopped;
	pthread_mutex_t files_lock;
	struct vale_file *files;
	pthread_mutex_t pairs_lock;
	struct pair *pairs;
};

/* errno as our own code. */
int vale_error(int number);

/* vswitch.c: find by name, with a reference; NULL. */
struct vale *vale_get(struct ebpf_vswitch *set, const char *name);
void vale_put(struct vale *vale);
bool vale_name_valid(const char *name);
/* A thread that takes no signals. 0 or an error of ours. */
int vale_thread(pthread_t *thread, void *(*main)(void *), void *cookie);

/* vswitch_hook.c */
extern const struct ebpf_hook_ops vale_hook_ops;

/* vswitch_port.c: provider ops, and closing all ports of a halted switch. */
int vale_port_add(void *set, const char *name, const char *port_name,
		  const char *spec, struct ebpf_rep_port_info *info, char *why,
		  size_t why_size);
int vale_port_del(void *set, const char *name, uint32_t index,
		  const char *port_name);
int vale_port_info(void *set, const char *name, uint32_t index,
		   struct ebpf_rep_port_info *info);
void vale_ports_close(struct vale *vale);
/* name: the argument without the option that it may end in; true: it does. */
bool vale_port_option(const char *argument, const char *option,
		      char name[EBPF_PATH_SIZE]);
/* Remember the first thing that went wrong with a port. Move lock. */
void vale_port_fail(struct vale_port *port, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * vswitch_move.c. Data threads let control threads go first, or a replay at
 * full speed would keep them waiting: POSIX locks are not fair.
 */
void vale_move_lock(struct vale *vale);	   /* data */
void vale_control_lock(struct vale *vale); /* control, briefly */
void vale_move_unlock(struct vale *vale);
void vale_forward(struct vale *vale, struct vale_burst *burst);
void *vale_poll_main(void *vale);

static inline bool
vale_gso_is_tcp(const struct virtio_net_hdr *head)
{
	uint32_t type = head->gso_type & ~(uint32_t)VIRTIO_NET_HDR_GSO_ECN;

	return type == VIRTIO_NET_HDR_GSO_TCPV4 ||
	       type == VIRTIO_NET_HDR_GSO_TCPV6;
}

/* vswitch_whole.c: send to a port that takes no unfinished frames. */
void vale_send_whole(struct vale_port *port, struct vale_burst *burst,
		     const uint8_t *index, uint32_t count);

/* vswitch_replay.c */
int vale_replay_start(struct vale *vale); /* vale->lock held */

#endif
