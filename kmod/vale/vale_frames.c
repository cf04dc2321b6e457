// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * netmap's callback for each frame: switch/bridge.c decides, and what comes
 * back is made safe for netmap, which takes no care of it: it cuts the port to
 * 16 bits and does not check the ring at all.
 *
 * Called under the switch's read lock, by a process that sends (which may
 * sleep), or by a NIC's softirq.
 */
#include "vale_parts.h"

#include <linux/printk.h>
#include <linux/uaccess.h>

enum {
	RINGS_MAX = 16, /* what netmap's queue table has for each port */
	HEADER_LEN = 14,
};

/*
 * netmap gives us its structures, and modversions does not see that they
 * depend on its build options. Ask netmap itself where one field of them is
 * and compare: another layout must not be used for a single frame.
 */
static bool
fits(struct vale *vale, struct netmap_vp_adapter *from)
{
	uint32_t fit = os_load(&vale->fits);

	if (likely(fit == VALE_FIT_YES))
		return true;
	if (fit == VALE_FIT_NO)
		return false;
	BUILD_BUG_ON(offsetof(struct netmap_vp_adapter, up) != 0);
	BUILD_BUG_ON(offsetof(struct netmap_vp_adapter, na_bdg) -
			     offsetof(struct netmap_vp_adapter, bdg_port) !=
		     sizeof(void *));
	BUILD_BUG_ON(NM_BDG_MAXPORTS != EBPF_VALE_PORT_MAX ||
		     NM_BDG_BROADCAST != EBPF_VALE_BROADCAST ||
		     NM_BDG_NOPORT != EBPF_VALE_DROP);
	fit = netmap_bdg_name(from) == from->na_bdg->bdg_basename ?
		      VALE_FIT_YES :
		      VALE_FIT_NO;
	if (fit == VALE_FIT_NO)
		pr_err_once("vale_bpf: built for a netmap of other options: "
			    "all frames are dropped; build it again with the "
			    "NETMAP=DIR that netmap.ko is from\n");
	os_store(&vale->fits, fit);
	return fit == VALE_FIT_YES;
}

static uint32_t
first_len(const struct nm_bdg_fwd *ft)
{
	return ft->ft_offset < ft->ft_len ? ft->ft_len - ft->ft_offset : 0;
}

/*
 * What a program may touch. netmap reads slots, which their process can write to
 * meanwhile, more than once: the length that it has checked need not be the one
 * that it gives us, nor the offset the one of the pointer. So both count for
 * what is surely in the buffer. Slots of NICs are the kernel's alone.
 */
static uint32_t
safe_len(const struct nm_bdg_fwd *ft, const struct netmap_vp_adapter *from,
	 uint32_t ring)
{
	uint32_t room = NETMAP_BUF_SIZE(&from->up), len;

	if (likely(from->up.na_flags & NAF_BDG_MAYSLEEP))
		room -= from->up.tx_rings[ring]->offset_max;
	len = likely(ft->ft_len <= room) ? ft->ft_len : room;
	return likely(ft->ft_offset < len) ? len - ft->ft_offset : 0;
}

/*
 * Bytes of all fragments; only the first shows itself to programs. That a chain
 * ends is the sender's word, who may change it after netmap has looked: so many
 * entries are always there behind this one.
 */
static uint32_t
whole_len(const struct nm_bdg_fwd *ft)
{
	uint32_t len = first_len(ft), i;

	for (i = 1; unlikely(ft->ft_flags & NS_MOREFRAG) &&
		    i < NETMAP_MAX_FRAGS; i++)
		len += (++ft)->ft_len;
	return len;
}

/*
 * The frame is in the sender's memory, from where netmap copies it later, so
 * whatever a program saw may have changed by then: dropped where one decides.
 * The learning bridge takes the header, as netmap's own does.
 */
static bool
fetch_header(struct vale *vale, const struct nm_bdg_fwd *ft,
	     const struct netmap_vp_adapter *from, uint8_t *header)
{
	return !os_load(&vale->deciding) &&
	       (from->up.na_flags & NAF_BDG_MAYSLEEP) &&
	       first_len(ft) >= HEADER_LEN &&
	       !copy_from_user(header,
			       (uint8_t __user *)ft->ft_buf + ft->ft_offset,
			       HEADER_LEN);
}

/*
 * One frame that is in the kernel, from here to the counters. Pinned, softirqs
 * are off, and what RCU waits for waits for that, too: programs and elements
 * of maps stay without rcu_read_lock(), twenty instructions of each frame.
 * True: no program decided.
 */
static inline bool
decide(struct vale *vale, struct ebpf_frame *frame, const struct nm_bdg_fwd *ft,
       const struct netmap_vp_adapter *from)
{
	struct ebpf_verdict_counts *counts;
	struct vale_counts *cell;
	uint64_t learned;

	cell = os_percpu_ptr(vale->counts, os_cpu_pin());
	cell += frame->port;
	counts = &cell->verdicts;
	learned = counts->learned;
	ebpf_bridge_decide_one(vale->bridge, frame, counts);
	if (unlikely(frame->verdict == frame->port))
		counts->reflected++;
	else if (frame->verdict < EBPF_VALE_PORT_MAX &&
		 unlikely(!from->na_bdg->bdg_ports[frame->verdict]))
		counts->no_port++;
	cell->frames++;
	cell->bytes += whole_len(ft);
	learned = counts->learned - learned;
	os_cpu_unpin();
	return learned != 0;
}

static noinline uint32_t
lookup_indirect(struct nm_bdg_fwd *ft, struct netmap_vp_adapter *from,
		struct vale *vale, struct ebpf_frame *frame)
{
	uint8_t header[HEADER_LEN];

	frame->data = header;
	frame->len = fetch_header(vale, ft, from, header) ? HEADER_LEN : 0;
	/* a program that came just now has seen no more than the header */
	return decide(vale, frame, ft, from) ? frame->verdict : NM_BDG_NOPORT;
}

static uint32_t
lookup(struct nm_bdg_fwd *ft, uint8_t *ring, struct netmap_vp_adapter *from,
       void *private_data)
{
	struct vale *vale = private_data;
	struct ebpf_frame frame;

	if (unlikely(!fits(vale, from)) ||
	    unlikely((uint32_t)from->bdg_port >= EBPF_VALE_PORT_MAX))
		return NM_BDG_NOPORT;
	frame.port = from->bdg_port;
	frame.ring_nr = *ring;
	if (unlikely(ft->ft_flags & NS_INDIRECT))
		return lookup_indirect(ft, from, vale, &frame);
	frame.data = (uint8_t *)ft->ft_buf + ft->ft_offset;
	frame.len = safe_len(ft, from, *ring);
	decide(vale, &frame, ft, from);
	*ring = frame.ring_nr % RINGS_MAX;
	return frame.verdict;
}

void
vale_set_prog(struct vale *vale, struct ebpf_prog *prog)
{
	if (prog)
		os_store(&vale->deciding, 1);
	ebpf_bridge_set_prog(vale->bridge, prog);
	vale->prog_id = prog ? prog->obj.id : 0;
	if (!prog)
		os_store(&vale->deciding, 0);
}

/* ---- counters ---- */

static void
add(struct vale_counts *to, const struct vale_counts *more)
{
	to->frames += os_load(&more->frames);
	to->bytes += os_load(&more->bytes);
	to->verdicts.port += os_load(&more->verdicts.port);
	to->verdicts.broadcast += os_load(&more->verdicts.broadcast);
	to->verdicts.drop += os_load(&more->verdicts.drop);
	to->verdicts.invalid += os_load(&more->verdicts.invalid);
	to->verdicts.learned += os_load(&more->verdicts.learned);
	to->verdicts.no_port += os_load(&more->verdicts.no_port);
	to->verdicts.reflected += os_load(&more->verdicts.reflected);
}

void
vale_counts_read(struct vale *vale, uint32_t port, struct vale_counts *sum)
{
	const struct vale_counts *counts;
	uint32_t cpu;

	memset(sum, 0, sizeof(*sum));
	for (cpu = 0; cpu < os_cpu_count(); cpu++) {
		counts = os_percpu_ptr(vale->counts, cpu);
		add(sum, &counts[port]);
	}
}

/* What was learned there goes, what was counted stays. */
static void
forget(struct vale *vale, const struct netmap_vp_adapter *port)
{
	struct vale_counts *counts;
	uint32_t cpu;

	if ((uint32_t)port->bdg_port >= EBPF_VALE_PORT_MAX)
		return;
	ebpf_bridge_forget_port(vale->bridge, port->bdg_port);
	for (cpu = 0; cpu < os_cpu_count(); cpu++) {
		counts = os_percpu_ptr(vale->counts, cpu);
		add(&counts[VALE_COUNTS_GONE], &counts[port->bdg_port]);
		memset(&counts[port->bdg_port], 0, sizeof(counts[0]));
	}
}

/*
 * A port leaves, maybe the last, with which the switch goes. The switch's lock
 * is held for writing, so no frame is on its way. No lock of ours and no call
 * of netmap's is allowed here: whether the switch is still there is seen later.
 */
static void
port_leaves(const struct netmap_vp_adapter *port)
{
	const struct netmap_vp_adapter *host;
	struct nm_bridge *b = port->na_bdg;

	if (netmap_bdg_name((struct netmap_vp_adapter *)port) ==
		    b->bdg_basename &&
	    b->bdg_ops.dtor == port_leaves) {
		forget(b->private_data, port);
		/* an interface's host side leaves with it, unannounced */
		host = port->up.na_hostvp;
		if (host && host != port && host->na_bdg == b)
			forget(b->private_data, host);
	}
	vale_look_later();
}

struct netmap_bdg_ops vale_frame_ops = {
	.lookup = lookup,
	.dtor = port_leaves,
};
