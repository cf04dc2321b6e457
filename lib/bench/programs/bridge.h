/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the programs of suite bridge and those who run them agree on. */
#ifndef BENCH_PROGRAMS_BRIDGE_H
#define BENCH_PROGRAMS_BRIDGE_H

#include "bench/programs/program.h"

enum {
	BRIDGE_HOSTS_MAX = 1024,
	BRIDGE_FRAMES = 200, /* in one run: verifiers go through them all */
	BRIDGE_BURST = 32,
	BRIDGE_DROP = 255,
	BRIDGE_ALL = 254,
};

struct bridge_mac {
	union {
		u8 addr[6];
		struct {
			u16 rest[2], host;
		};
	};
};

struct bridge_frame {
	struct bridge_mac dst, src;
	u16 type;
};

/* The whole packet; a host's port is its number's last bit. */
struct bridge_packet {
	u64 state; /* of the sequence of hosts, from run to run */
	u32 mask;  /* how many there are, less one */
	u32 sum;   /* of what was decided; here, where no verifier knows it */
	u16 turn; /* counts frames */
	struct bridge_frame frame;
	u8 rest[44];
};

#endif
