/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vale_bpf.ko: what its files share. Roadmap:
 *
 *   vale_main.c    the switches we know, their lives; the module
 *   vale_hook.c    attaching links to them
 *   vale_frames.c  netmap's callback for each frame; counters
 *   vale_ports.c   what the device asks about switches and ports
 *   vale_netmap.c  calls into netmap, all in the initial network namespace
 *
 * The only code that includes netmap's private headers; built with the options
 * of the tree it was given, because netmap's structures depend on them.
 *
 * Locks, in this order: a link's lock (core), vales_lock, netmap's own locks,
 * of which a switch's is held, for reading, while frames are decided. So on
 * return from a call that takes it for writing nobody is inside.
 */
#ifndef VALE_PARTS_H
#define VALE_PARTS_H

#include <bsd_glue.h>
#include <net/netmap.h>
#include <dev/netmap/netmap_kern.h>
#include <dev/netmap/netmap_bdg.h>

#include "core/ebpf.h"
#include "core/link.h"
#include "core/os.h"
#include "ebpf_linux.h"
#include "switch/bridge.h"

#include <linux/list.h>
#include <linux/mutex.h>

enum {
	/* with netmap's colon; netmap wants the whole to fit IFNAMSIZ */
	VALE_NAME_SIZE = IFNAMSIZ + 1,
	VALE_COUNTS_GONE = EBPF_VALE_PORT_MAX, /* ports that have left */
	VALE_COUNTS = EBPF_VALE_PORT_MAX + 1,
};

/* Of frames from one port, decided by one CPU: a cache line. */
struct vale_counts {
	uint64_t bytes;
	struct ebpf_verdict_counts verdicts;
};

/* Each frame has one of these verdicts. */
static inline uint64_t
vale_counts_frames(const struct vale_counts *counts)
{
	return counts->verdicts.port + counts->verdicts.broadcast +
	       counts->verdicts.drop + counts->verdicts.invalid;
}

/* Of one CPU, while it is pinned. */
struct vale_cpu {
	struct vale_counts counts[VALE_COUNTS];
	struct ebpf_vale_ctx ctx; /* of the frame that is being decided */
};

/*
 * A switch that asks us about its frames: an adopted one as long as a program
 * is attached, one of our own as long as it is there.
 */
struct vale {
	struct ebpf_bridge *bridge;
	struct vale_cpu *cpus; /* per CPU */
	uint32_t fits;	  /* atomic; enum vale_fit */
	uint32_t deciding; /* atomic; 1: a program is attached */

	/* vales_lock */
	struct list_head list;
	struct ebpf_link *link; /* with a reference; NULL only if it is ours */
	void *token; /* netmap's key to a switch of our own; NULL: adopted */
	uint32_t uid; /* who made it */
	uint32_t prog_id; /* the link's program may be exchanged under us */
	char name[VALE_NAME_SIZE]; /* with netmap's colon */
};

/* Whether netmap was built with the layout that we were. */
enum vale_fit {
	VALE_FIT_UNKNOWN, /* no frame came yet */
	VALE_FIT_YES,
	VALE_FIT_NO, /* every frame is dropped */
};

/* vale_main.c; all but vale_look_later with vales_lock. */
extern struct mutex vales_lock;
extern struct list_head vales;

struct vale *vale_find(const char *name); /* without the colon */
struct vale *vale_next(const char *name); /* the first after it, by name */
/* Not yet in the list, and netmap does not know of it. */
int vale_make(const char *name, struct vale **vale);
/* Out of the list; netmap must not call us for it any more. NULL is fine. */
void vale_free(struct vale *vale);
/* Make netmap ask us. */
int vale_install(struct vale *vale);
/* If the switch has gone without us, its link is told and it is freed. */
bool vale_gone(struct vale *vale);
void vale_look_later(void); /* any context */
bool vale_name_valid(const char *name);

/* vale_hook.c */
extern const struct ebpf_hook_ops vale_hook_ops;

/* vale_frames.c */
extern struct netmap_bdg_ops vale_frame_ops;
void vale_set_prog(struct vale *vale, struct ebpf_prog *prog); /* sleep */
/* Sum of all CPUs for that port, or of all ports that left. */
void vale_counts_read(struct vale *vale, uint32_t port, struct vale_counts *sum);

/* vale_ports.c */
extern const struct ebpf_switch_ops vale_switch_ops;
void vale_ports_exit(void);

/*
 * vale_netmap.c. Calls sleep, work in the initial network namespace whoever
 * calls, and return 0 or a negative error of ours. Names have netmap's colon.
 */
int vale_netmap_init(void);
void vale_netmap_exit(void);
void vale_netmap_queue(struct work_struct *work);

int vale_netmap_create(const char *name, void **token);
int vale_netmap_destroy(const char *name, void *token);
int vale_netmap_regops(const char *name, struct netmap_bdg_ops *ops,
		       void *private_data, void *token);
/* What netmap keeps for that switch is `expected`: ENOENT otherwise. */
int vale_netmap_is(const char *name, void *expected, void *token);

enum vale_attach {
	VALE_ATTACH_NIC,
	VALE_ATTACH_NIC_HOST,
};
/* Port names are "vale0:eth0"; the index it got or had. */
int vale_netmap_attach(const char *port, enum vale_attach how, void *token,
		       uint32_t *index);
int vale_netmap_detach(const char *port, void *token);
/* A persistent interface of netmap's. */
int vale_netmap_vi_create(const char *name);
int vale_netmap_vi_destroy(const char *name);

/*
 * Questions: what they need is made at the beginning, so that none fails later
 * for want of it. By a process, and not to be kept beyond its call. EUNSUPPORTED
 * without a process's memory.
 */
struct vale_asker;
int vale_netmap_begin(struct vale_asker **asker);
void vale_netmap_end(struct vale_asker *asker); /* NULL is fine */

/* The first port at or after that place in netmap's list. ENOENT: none. */
struct vale_place {
	uint16_t bridge;
	uint32_t port;
	char name[NETMAP_REQ_IFNAMSIZ]; /* out: "vale0:eth0" */
};
int vale_netmap_list(struct vale_asker *asker, struct vale_place *place);
/* Where that switch begins; ENOENT. */
int vale_netmap_find(struct vale_asker *asker, const char *name,
		     struct vale_place *place);

/* What an interface of that name is. */
enum vale_port_kind {
	VALE_PORT_EPHEMERAL, /* a program opened it and has it */
	VALE_PORT_VI,	     /* a persistent interface of netmap's */
	VALE_PORT_IF,	     /* a network interface */
	VALE_PORT_HOST,	     /* the host's side of one */
};
enum vale_port_kind vale_netmap_kind(const char *port_name);

#endif
