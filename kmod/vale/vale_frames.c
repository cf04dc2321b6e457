// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * netmap's callback for each frame: switch/bridge.c decides, and what comes
 * back is made safe for netmap, which takes no care of it: it cuts the port to
 * 16 bits and does not check the ring at all.
 *
 * Called under the switch's read lock, by a process that sends (which may
 * sleep), by a NIC's softirq, or by the timer with which netmap looks after an
 * interface whose driver it does not know: that one in the interrupt itself,
 * maybe in the middle of another frame or of any program's run.
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
static noinline bool
look_if_fits(struct vale *vale, struct netmap_vp_adapter *from)
{
	uint32_t fit;

	if (os_load(&vale->fits) == VALE_FIT_NO)
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

static inline bool
fits(struct vale *vale, struct netmap_vp_adapter *from)
{
	return likely(os_load(&vale->fits) == VALE_FIT_YES) ||
	       look_if_fits(vale, from);
}

static inline uint32_t
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
static inline uint32_t
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
 * netmap would by itself refuse to send a frame back or to nowhere; we count
 * it.
 */
static __always_inline void
count_unsent(struct vale_counts *counts, const struct netmap_vp_adapter *from,
	     uint32_t verdict)
{
	if (unlikely(verdict == (uint32_t)from->bdg_port))
		counts->verdicts.reflected++;
	else if (verdict < EBPF_VALE_PORT_MAX &&
		 unlikely(!from->na_bdg->bdg_ports[verdict]))
		counts->verdicts.no_port++;
}

/* A frame or a program that is rare. */
static noinline uint32_t
lookup_any(struct nm_bdg_fwd *ft, uint8_t *ring, struct netmap_vp_adapter *from,
	   struct vale *vale, struct vale_counts *counts)
{
	struct ebpf_frame frame = {
		.data = (uint8_t *)ft->ft_buf + ft->ft_offset,
		.len = safe_len(ft, from, *ring),
		.port = from->bdg_port,
		.ring_nr = *ring,
	};

	ebpf_bridge_decide_one(vale->bridge, &frame, &counts->verdicts);
	count_unsent(counts, from, frame.verdict);
	counts->bytes += whole_len(ft);
	os_cpu_unpin();
	*ring = frame.ring_nr % RINGS_MAX;
	return frame.verdict;
}

/*
 * In an interrupt that came in the middle of a run on this very CPU: per-CPU
 * values are the other's, and it may hold a lock that this one wants.
 */
static noinline uint32_t
lookup_over(const struct nm_bdg_fwd *ft, struct vale_counts *counts)
{
	counts->verdicts.drop++;
	counts->bytes += whole_len(ft);
	os_cpu_unpin();
	return NM_BDG_NOPORT;
}

static noinline uint32_t
lookup_indirect(struct nm_bdg_fwd *ft, struct netmap_vp_adapter *from,
		struct vale *vale)
{
	uint8_t header[HEADER_LEN];
	struct ebpf_frame frame = { .data = header, .port = from->bdg_port };
	struct vale_counts *counts;
	struct vale_cpu *cpu;
	uint64_t learned;

	frame.len = fetch_header(vale, ft, from, header) ? HEADER_LEN : 0;
	cpu = os_percpu_ptr(vale->cpus, os_cpu_pin());
	counts = &cpu->counts[frame.port];
	if (os_linux_interrupts())
		return lookup_over(ft, counts);
	learned = counts->verdicts.learned;
	ebpf_bridge_decide_one(vale->bridge, &frame, &counts->verdicts);
	count_unsent(counts, from, frame.verdict);
	counts->bytes += whole_len(ft);
	learned = counts->verdicts.learned - learned;
	os_cpu_unpin();
	/* a program that came just now has seen no more than the header */
	return learned != 0 ? frame.verdict : NM_BDG_NOPORT;
}

/*
 * One frame, from here to the counters. While pinned, softirqs are off, and
 * what RCU waits for waits for that, too: programs and elements of maps stay
 * without rcu_read_lock(), twenty instructions of each frame.
 */
static uint32_t
lookup(struct nm_bdg_fwd *ft, uint8_t *ring, struct netmap_vp_adapter *from,
       void *private_data)
{
	struct vale *vale = private_data;
	uint32_t port = (uint32_t)from->bdg_port, len, verdict;
	const struct ebpf_prog *prog;
	struct vale_counts *counts;
	struct vale_cpu *cpu;
	uint8_t *data;

	if (unlikely(!fits(vale, from)) ||
	    unlikely(port >= EBPF_VALE_PORT_MAX))
		return NM_BDG_NOPORT;
	if (unlikely(ft->ft_flags & NS_INDIRECT))
		return lookup_indirect(ft, from, vale);
	cpu = os_percpu_ptr(vale->cpus, os_cpu_pin());
	counts = &cpu->counts[port];
	if (unlikely(os_linux_interrupts()))
		return lookup_over(ft, counts);
	prog = ebpf_bridge_plain(vale->bridge);
	data = (uint8_t *)ft->ft_buf + ft->ft_offset;
	len = safe_len(ft, from, *ring);
	if (unlikely(len < HEADER_LEN) || unlikely(ft->ft_flags & NS_MOREFRAG))
		return lookup_any(ft, ring, from, vale, counts);
	if (likely(prog)) {
		counts->bytes += len;
		/* its padding is zero from the start */
		cpu->ctx.data = data;
		cpu->ctx.data_end = data + len;
		cpu->ctx.ingress_port = port;
		cpu->ctx.ring_nr = *ring;
		verdict = (uint32_t)ebpf_prog_run(prog, (uintptr_t)&cpu->ctx,
						  0, 0);
		*ring = cpu->ctx.ring_nr % RINGS_MAX;
	} else {
		if (ebpf_bridge_prog(vale->bridge))
			return lookup_any(ft, ring, from, vale, counts);
		counts->bytes += len;
		counts->verdicts.learned++;
		verdict = ebpf_bridge_learned(vale->bridge, data, port);
	}
	verdict = ebpf_bridge_settle(verdict, &counts->verdicts);
	count_unsent(counts, from, verdict);
	os_cpu_unpin();
	return verdict;
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
	const struct vale_cpu *cpu;
	uint32_t i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < os_cpu_count(); i++) {
		cpu = os_percpu_ptr(vale->cpus, i);
		add(sum, &cpu->counts[port]);
	}
}

/* What was learned there goes, what was counted stays. */
static void
forget(struct vale *vale, const struct netmap_vp_adapter *port)
{
	struct vale_counts *counts;
	struct vale_cpu *cpu;
	uint32_t i;

	if ((uint32_t)port->bdg_port >= EBPF_VALE_PORT_MAX)
		return;
	ebpf_bridge_forget_port(vale->bridge, port->bdg_port);
	for (i = 0; i < os_cpu_count(); i++) {
		cpu = os_percpu_ptr(vale->cpus, i);
		counts = &cpu->counts[port->bdg_port];
		add(&cpu->counts[VALE_COUNTS_GONE], counts);
		memset(counts, 0, sizeof(*counts));
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
