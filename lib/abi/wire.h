/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Messages between a client and a device: the same bytes through the character
 * device, the socket and the local call. No pointers, no file descriptors.
 *
 *   request = struct ebpf_msg, body struct ebpf_req_..., trailing bytes
 *   reply   = struct ebpf_reply, body struct ebpf_rep_..., trailing bytes
 *
 * request.def says which bodies belong to which request.
 *
 * All integers are in host byte order. Every body starts with its own size, so
 * that it can grow: a device accepts a longer body if the bytes it does not
 * know are zero, a shorter one by taking the missing bytes as zero; sizes are
 * multiples of 8. Trailing parts follow each other without padding, in the
 * order the body names them.
 * Every length, count, flag and padding field is checked before use.
 *
 * An id is the device-wide number of an object. Requests that make an object
 * give the session a reference to it; when the session ends (or OBJ_DROP) that
 * reference goes, and an object without pins, links or users goes with it.
 */
#ifndef ABI_WIRE_H
#define ABI_WIRE_H

#include <stdint.h>

enum {
	EBPF_WIRE_VERSION = 1,
	EBPF_NAME_SIZE = 64,   /* object, switch and port names, with the NUL */
	EBPF_PIN_SIZE = 256,   /* pin names, with the NUL */
	EBPF_PATH_SIZE = 1024, /* port specifications, with the NUL */
	EBPF_TAG_SIZE = 8,
	EBPF_MSG_MAX = 64 << 20, /* bytes of one message, header included */
};

enum ebpf_request {
#define EBPF_REQUEST(number, NAME, name, req, rep) EBPF_REQUEST_##NAME = number,
#include "abi/request.def"
};

struct ebpf_msg {
	uint32_t size;	    /* whole message, this header included */
	uint32_t reply_max; /* most bytes of reply that the client can take */
	uint16_t number;    /* enum ebpf_request */
	uint16_t flags;	    /* 0 */
	uint32_t pad;	    /* 0 */
	uint64_t tag;	    /* returned in the reply */
};

struct ebpf_reply {
	uint32_t size; /* whole reply, this header included */
	int32_t error; /* 0 or -EBPF_E...; a body may follow either way */
	uint64_t tag;
};

enum ebpf_object_kind {
	EBPF_OBJ_PROG = 1,
	EBPF_OBJ_MAP = 2,
	EBPF_OBJ_LINK = 3,
	EBPF_OBJ_BTF = 4,
};

/* A reply that has nothing to say but its error. */
struct ebpf_rep_none {
	uint32_t size;
	uint32_t pad;
};

/* A reply that is the id of what was made or found. */
struct ebpf_rep_id {
	uint32_t size;
	uint32_t id;
};

/* A request about one object of the kind that its number implies. */
struct ebpf_req_id {
	uint32_t size;
	uint32_t id;
};

/* ---- device ---- */

struct ebpf_req_hello {
	uint32_t size;
	uint32_t version; /* EBPF_WIRE_VERSION */
};
struct ebpf_rep_hello {
	uint32_t size;
	uint32_t version;
	uint32_t home;	     /* enum ebpf_home */
	uint32_t cpu_count;  /* values per element of per-CPU maps */
	uint32_t pid;	     /* of the daemon, 0 in a kernel */
	uint32_t uid;	     /* owner */
	uint32_t sessions;   /* open now */
	uint32_t stats_on;   /* run statistics are being collected */
	uint32_t prog_count, map_count, link_count, btf_count;
	uint64_t start_time_ns; /* Unix time */
	uint64_t mem_used, mem_limit; /* bytes charged for objects */
	char release[32];    /* version of gebpf */
	char jit[16];	     /* JIT backend, "" for none */
	/* limits of one verification: instructions, bytes, milliseconds */
	uint32_t insns_processed_max, verify_time_ms;
	uint64_t verify_mem_max;
	uint32_t harden; /* EBPF_HARDEN_* bits (kinds.h) */
	uint32_t pad;
};
enum ebpf_home {
	EBPF_HOME_LOCAL = 1,
	EBPF_HOME_EMBEDDED = 2,
	EBPF_HOME_KERNEL = 3,
};

/* Reply: trailing uint32_t helpers[], map_kinds[], prog_kinds[] numbers, as
 * many as fit; the counts are whole. So in the other lists of numbers below. */
struct ebpf_req_features {
	uint32_t size;
	uint32_t prog_kind; /* helpers for this kind only; 0 for all */
};
struct ebpf_rep_features {
	uint32_t size;
	uint32_t helper_count, map_kind_count, prog_kind_count;
	uint32_t insn_max, stack_max, frame_max, tail_call_max;
	char jit[16];
	uint32_t hooks; /* bit 0: vale */
	uint32_t pad;
};

/* Stop the daemon after this reply; EUNSUPPORTED elsewhere. Reply: none. */
struct ebpf_req_stop {
	uint32_t size;
	uint32_t pad;
};

/* Run statistics of all programs. Reply: none. */
struct ebpf_req_stats {
	uint32_t size;
	uint32_t op; /* enum ebpf_stats_op */
};
enum ebpf_stats_op {
	EBPF_STATS_OFF = 0,
	EBPF_STATS_ON = 1,
	EBPF_STATS_RESET = 2,
};

/*
 * Trace log lines after position `after` (0: from the oldest kept). Reply:
 * trailing records, each struct ebpf_trace_record and its text, unpadded.
 */
struct ebpf_req_tracelog {
	uint32_t size;
	uint32_t prog_id; /* 0: all */
	uint64_t after;
};
struct ebpf_rep_tracelog {
	uint32_t size;
	uint32_t count;
	uint64_t next; /* give this as `after` next time */
	uint64_t lost; /* records overwritten before they were read */
};
struct ebpf_trace_record {
	uint64_t time_ns; /* Unix time */
	uint32_t prog_id;
	uint32_t cpu;
	uint32_t len; /* bytes of text that follow */
	uint32_t pad;
};

/* ---- objects and pins ---- */

/* The object of `kind` with the smallest id above `id`; ENOENT at the end. */
struct ebpf_req_obj_next {
	uint32_t size;
	uint32_t kind;
	uint32_t id;
	uint32_t pad;
};

/* The same among those with this name (or, for programs, tag). */
struct ebpf_req_obj_find {
	uint32_t size;
	uint32_t kind;
	uint32_t id;
	uint32_t by_tag;	  /* 0: name, 1: tag */
	char name[EBPF_NAME_SIZE];
	uint8_t tag[EBPF_TAG_SIZE];
};

/* Take or drop a reference for the asking session. Reply: none. */
struct ebpf_req_obj {
	uint32_t size;
	uint32_t kind;
	uint32_t id;
	uint32_t pad;
};

/* Pin names are "a/b/c" without a leading slash. Reply: none. */
struct ebpf_req_pin {
	uint32_t size;
	uint32_t kind;
	uint32_t id;
	uint32_t replace; /* 1: an existing pin of the same kind moves here */
	char pin[EBPF_PIN_SIZE];
};

struct ebpf_req_pin_name { /* UNPIN, PIN_GET */
	uint32_t size;
	uint32_t pad;
	char pin[EBPF_PIN_SIZE];
};

/*
 * The first pin after `pin` in byte order ("" for the first of all) that starts
 * with `prefix`, and, when kind is not 0, names that kind (and id, unless 0).
 */
struct ebpf_req_pin_next {
	uint32_t size;
	uint32_t kind;
	uint32_t id;
	uint32_t pad;
	char pin[EBPF_PIN_SIZE];
	char prefix[EBPF_PIN_SIZE];
};
struct ebpf_rep_pin { /* PIN_GET, PIN_NEXT */
	uint32_t size;
	uint32_t kind;
	uint32_t id;
	uint32_t pad;
	char pin[EBPF_PIN_SIZE];
};

/* ---- programs ---- */

enum ebpf_prog_flags {
	EBPF_PROG_JIT = 1u << 0,    /* the JIT or EJIT */
	EBPF_PROG_INTERP = 1u << 1, /* the interpreter; neither: JIT if there */
	/* make no object, compile only with JIT; id in reply is 0 */
	EBPF_PROG_VERIFY_ONLY = 1u << 2,
	/* with VERIFY_ONLY: kinds, helpers and maps as Linux has them */
	EBPF_PROG_ASSUME_LINUX = 1u << 3,
};

/* Trailing: insns, map ids, func infos, line infos. */
struct ebpf_req_prog_load {
	uint32_t size;
	uint32_t kind;	   /* enum ebpf_prog_kind */
	uint32_t flags;	   /* enum ebpf_prog_flags */
	uint32_t insn_count;
	uint32_t map_count; /* for lddw map_idx (src 5, 6) */
	uint32_t func_count;
	uint32_t line_count;
	uint32_t btf_id;    /* 0 for none; func and line infos speak of it */
	uint32_t mem_size;  /* raw: bytes at r1; 0: r2 is its length */
	uint32_t log_level; /* 0: rejection only, 1: states per line, 2: all */
	uint32_t log_size;  /* most bytes of log wanted in the reply */
	uint32_t report_size; /* most bytes of records wanted in the reply */
	char name[EBPF_NAME_SIZE];
	char license[EBPF_NAME_SIZE];
};
struct ebpf_func_info { /* one per function, ascending, the first at 0 */
	uint32_t insn;	/* slot index */
	uint32_t type_id; /* BTF_KIND_FUNC */
};
struct ebpf_line_info { /* ascending by insn */
	uint32_t insn;
	uint32_t file_off; /* BTF string offsets */
	uint32_t line_off;
	uint32_t line_col; /* line << 10 | column */
};
/*
 * Trailing: log text, then records; neither NUL-terminated. Also sent with
 * EREJECTED.
 *
 * Records say the same as the log, for programs: lines, each a word and its
 * fields with a tab before each. Fields hold no control characters. Words and
 * fields are only added, fields at the end; a reader passes over words it does
 * not know and a last line that has no end. INSN stands for six fields: slot,
 * instruction, file ("": nothing is known), line, column, source text.
 *
 *   rule NAME	 message TEXT   fix TEXT	why it was refused
 *   at INSN					where
 *   limit NAME VALUE				of the device, that was reached
 *   path STEPS told|lost			length of the path that failed;
 *						lost: what follows is missing
 *   frame SLOT FUNCTION INSN			innermost first: function that
 *						starts at SLOT, called at INSN
 *   loop INSN TIMES				the jump back made most often
 *   held INSN					what it acquired is not given back
 *   reg NAME TYPE TEXT				"r2", "stack-8" and what it holds
 *   since INSN taken|passed|""			made or taught the last reg, the
 *						newest first; how a branch went
 *   branch INSN taken|passed TIMES		on the way there, oldest first
 *   func SLOT END FUNCTION STACK TOTAL		of an accepted program, or where
 *						stack is the matter: bytes of it,
 *						alone and with all it calls
 */
struct ebpf_rep_prog_load {
	uint32_t size;
	uint32_t id;
	uint32_t log_len;
	uint32_t jited;
	uint32_t rule;	      /* enum ebpf_rule that was broken, or 0 */
	uint32_t insn;	      /* slot where it was broken */
	uint32_t stack_depth; /* most bytes of stack on any path */
	uint32_t states_peak;
	uint64_t insns_processed;
	uint64_t states_total;
	uint64_t mem_peak; /* bytes */
	uint64_t verify_ns, jit_ns;
	uint32_t report_len;
	uint32_t pad;
};

/* Request: ebpf_req_id. Reply: trailing uint32_t map_ids[], as many of
 * map_count as the reply has room for. */
struct ebpf_rep_prog_info {
	uint32_t size;
	uint32_t id;
	uint32_t kind;
	uint32_t jited;
	uint32_t insn_count;   /* slots as loaded */
	uint32_t xlated_len;   /* bytes */
	uint32_t jited_len;    /* bytes */
	uint32_t map_count;
	uint32_t func_count;
	uint32_t line_count;
	uint32_t btf_id;
	uint32_t uid;
	uint32_t gpl_compatible;
	uint32_t stack_depth;
	uint32_t refs; /* sessions, pins, links, maps that hold it */
	uint32_t pad;
	uint64_t loaded_ns; /* Unix time */
	uint64_t mem_bytes;
	uint64_t run_count, run_time_ns; /* while statistics are on */
	uint64_t insns_processed;
	uint8_t tag[EBPF_TAG_SIZE];
	char name[EBPF_NAME_SIZE];
};

enum ebpf_dump {
	EBPF_DUMP_RAW = 1,	/* insns as loaded; map immediates are ids */
	EBPF_DUMP_XLATED = 2,	/* insns after verification, the same way */
	EBPF_DUMP_JITED = 3,	/* machine code, host addresses zeroed */
	EBPF_DUMP_JIT_OFFSETS = 4, /* uint32_t code offset of each slot */
	EBPF_DUMP_FUNC_INFO = 5,
	EBPF_DUMP_LINE_INFO = 6,
};
/* Reply: trailing bytes, from offset, as many as fit the reply buffer. */
struct ebpf_req_prog_dump {
	uint32_t size;
	uint32_t id;
	uint32_t what; /* enum ebpf_dump */
	uint32_t offset;
	uint32_t len; /* most bytes wanted */
	uint32_t pad;
};
struct ebpf_rep_data {
	uint32_t size;
	uint32_t len;	/* bytes that follow */
	uint32_t total; /* bytes there are */
	uint32_t pad;
};

enum ebpf_run_engine {
	EBPF_ENGINE_DEFAULT = 0, /* as loaded */
	EBPF_ENGINE_INTERP = 1,
	EBPF_ENGINE_JIT = 2,
};
/*
 * Run a program on the given bytes, `repeat` times (0 is 1). Trailing: data,
 * context (the kind's UAPI struct; missing bytes are zero). Reply trailing:
 * data as left behind, context as left behind.
 */
struct ebpf_req_prog_run {
	uint32_t size;
	uint32_t id;
	uint32_t repeat;
	uint32_t engine; /* enum ebpf_run_engine */
	uint32_t data_len;
	uint32_t ctx_len;
	uint32_t data_out_max; /* most bytes wanted back */
	uint32_t ctx_out_max;
};
struct ebpf_rep_prog_run {
	uint32_t size;
	uint32_t data_len; /* of the packet afterwards; bytes sent are capped */
	uint32_t data_sent;
	uint32_t ctx_sent;
	uint64_t retval;
	uint64_t duration_ns; /* mean of one run */
	/* where to, when the verdict is to redirect and the program said it */
	uint32_t redirect;	  /* 1: it did */
	uint32_t redirect_target; /* interface, or what the map held */
	uint32_t redirect_map_id; /* 0: by interface */
	uint32_t redirect_key;	  /* in that map */
	uint32_t redirect_flags;  /* Linux's: 8 broadcast, 16 but ingress */
	uint32_t pad;
	uint64_t time_ns; /* of all runs: the mean without rounding */
};

/* ---- maps ---- */

struct ebpf_req_map_create {
	uint32_t size;
	uint32_t kind;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint32_t btf_id;	/* 0 for none */
	uint32_t btf_key_type;	/* type ids */
	uint32_t btf_value_type;
	uint32_t inner_map_id;	/* template for maps of maps, 0 for none */
	char name[EBPF_NAME_SIZE];
	uint64_t map_extra; /* bloom_filter: hashes of a value, 0 for 5 */
	uint32_t numa_node; /* with EBPF_F_NUMA_NODE */
	uint32_t pad;
};
struct ebpf_rep_map_info {
	uint32_t size;
	uint32_t id;
	uint32_t kind;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint32_t frozen;
	uint32_t btf_id, btf_key_type, btf_value_type;
	uint32_t user_value_size; /* bytes of one value in messages: per-CPU
				     kinds give all CPUs, each rounded up to 8 */
	uint32_t uid;
	uint32_t refs;
	uint64_t created_ns; /* Unix time */
	uint64_t mem_bytes;
	uint64_t count; /* elements now; ~0 where the kind does not count */
	char name[EBPF_NAME_SIZE];
	uint64_t map_extra;
};

/*
 * Trailing: key; for LOOKUP in a bloom_filter the value to ask for. Reply
 * trailing: value (LOOKUP, LOOKUP_DELETE: queue, stack and hash kinds), key
 * (NEXT). queue and stack have keys of 0 bytes: LOOKUP peeks, UPDATE pushes,
 * LOOKUP_DELETE pops.
 */
struct ebpf_req_map_key { /* LOOKUP, DELETE, LOOKUP_DELETE */
	uint32_t size;
	uint32_t id;
	uint32_t key_len;
	uint32_t flags; /* LOOKUP: 0 or EBPF_F_LOCK */
};
struct ebpf_req_map_next { /* key_len 0: the first key */
	uint32_t size;
	uint32_t id;
	uint32_t key_len;
	uint32_t pad;
};
/* Trailing: key, value. In prog_array and map-in-map the value is an id. */
struct ebpf_req_map_update {
	uint32_t size;
	uint32_t id;
	uint32_t key_len;
	uint32_t value_len;
	uint64_t flags; /* EBPF_ANY ... */
};

/*
 * Up to `count` elements from `cursor` on. The cursor is 0 at the start and
 * opaque otherwise; done is 1 with the last of them. Elements that stay in the
 * map during the walk are seen exactly once. Reply trailing: key, value, ...
 * With EBPF_BATCH_REMOVE each is removed as it is read; then `count` may be
 * less than asked for although more are there. Hash kinds only.
 */
enum ebpf_batch_flags {
	EBPF_BATCH_REMOVE = 1u << 0,
};
struct ebpf_req_map_lookup_batch {
	uint32_t size;
	uint32_t id;
	uint32_t count;
	uint32_t flags; /* enum ebpf_batch_flags */
	uint64_t cursor;
};
struct ebpf_rep_map_lookup_batch {
	uint32_t size;
	uint32_t count;
	uint64_t cursor;
	uint32_t done;
	uint32_t pad;
};
/* Trailing: `count` times key, value (DELETE: key only). */
struct ebpf_req_map_batch { /* UPDATE, DELETE */
	uint32_t size;
	uint32_t id;
	uint32_t count;
	uint32_t pad;
	uint64_t flags;
};
struct ebpf_rep_map_batch {
	uint32_t size;
	uint32_t count; /* elements done before the error, if any */
};

/*
 * Records that programs wrote to a ringbuf or perf_event_array, oldest first;
 * each is given once, to whoever asks first. Reply: trailing records, each
 * struct ebpf_record and its bytes, unpadded; none when the wait is over
 * without any. With ENOSPC `need` says how much room the first one takes.
 */
struct ebpf_req_map_records {
	uint32_t size;
	uint32_t id;
	uint32_t wait_ms;   /* for the first one; a second at most */
	uint32_t count_max; /* 0: as many as fit */
	uint32_t cpu;	    /* of a perf_event_array; ~0: all */
	uint32_t pad;
};
struct ebpf_rep_map_records {
	uint32_t size;
	uint32_t count;
	uint32_t need;
	uint32_t pad;
};
enum ebpf_record_kind {
	EBPF_RECORD_DATA = 1,
	EBPF_RECORD_LOST = 2, /* a uint64_t: how many found no room */
};
struct ebpf_record {
	uint64_t time_ns; /* monotonic; 0: not kept (ringbuf) */
	uint32_t kind;	  /* enum ebpf_record_kind */
	uint32_t cpu;	  /* perf_event_array */
	uint32_t len;	  /* bytes that follow */
	uint32_t pad;
};

/* ---- BTF ---- */

struct ebpf_req_btf_load { /* trailing: BTF, `len` bytes */
	uint32_t size;
	uint32_t len;
	char name[EBPF_NAME_SIZE];
};
struct ebpf_rep_btf_info { /* trailing: uint32_t prog_ids[], map_ids[] */
	uint32_t size;
	uint32_t id;
	uint32_t len;
	uint32_t prog_count;
	uint32_t map_count;
	uint32_t pad;
	char name[EBPF_NAME_SIZE];
};
struct ebpf_req_btf_data { /* reply: ebpf_rep_data and bytes */
	uint32_t size;
	uint32_t id;
	uint32_t offset;
	uint32_t len;
};

/* ---- links ---- */

enum ebpf_hook_kind {
	EBPF_HOOK_VALE = 1,
};

struct ebpf_req_link_create {
	uint32_t size;
	uint32_t prog_id;
	uint32_t hook;	  /* enum ebpf_hook_kind */
	uint32_t replace; /* 1: take over from a link already there, in one
			     step; without it EBUSY */
	char target[EBPF_NAME_SIZE]; /* the switch */
};
struct ebpf_req_link_update { /* reply: none */
	uint32_t size;
	uint32_t id;
	uint32_t prog_id;
	uint32_t old_prog_id; /* EBUSY unless this is attached; 0: any */
};
enum ebpf_link_state {
	EBPF_LINK_ATTACHED = 1,
	EBPF_LINK_DETACHED = 2,
	EBPF_LINK_STALE = 3, /* the target has gone */
};
struct ebpf_rep_link_info {
	uint32_t size;
	uint32_t id;
	uint32_t hook;
	uint32_t prog_id;
	uint32_t state;
	uint32_t uid;
	uint32_t refs;
	uint32_t pad;
	uint64_t created_ns;
	char target[EBPF_NAME_SIZE];
};

/* ---- switches and ports ---- */

struct ebpf_req_switch { /* CREATE, DESTROY: reply none */
	uint32_t size;
	uint32_t pad;
	char name[EBPF_NAME_SIZE];
};
struct ebpf_req_switch_next { /* in byte order of names, "" to start */
	uint32_t size;
	uint32_t pad;
	char name[EBPF_NAME_SIZE];
};
enum ebpf_switch_state {
	EBPF_SWITCH_IDLE = 1,	 /* replay has not been started */
	EBPF_SWITCH_RUNNING = 2, /* replay is under way */
	EBPF_SWITCH_DONE = 3,	 /* replay has ended, output is on disk */
	EBPF_SWITCH_FAILED = 4,	 /* replay ended with `error` */
	EBPF_SWITCH_LIVE = 5,	 /* only ports that need no start */
};
/* What happened to frames, by what was decided for them. */
struct ebpf_verdict_counts {
	uint64_t port, broadcast, drop, invalid;
	uint64_t learned;   /* of these, decided without a program */
	uint64_t no_port;   /* to an index where no port is */
	uint64_t reflected; /* to the port they came from: not sent */
};
struct ebpf_rep_switch_info { /* SWITCH_NEXT, SWITCH_INFO */
	uint32_t size;
	uint32_t state; /* enum ebpf_switch_state */
	uint32_t port_count;
	uint32_t link_id; /* 0: learning bridge */
	uint32_t prog_id;
	uint32_t uid;
	int32_t error;	/* -EBPF_E... when FAILED */
	uint32_t error_port;
	struct ebpf_verdict_counts verdicts;
	uint64_t frames, bytes; /* taken in */
	char name[EBPF_NAME_SIZE];
	char error_text[256];
};
struct ebpf_req_switch_start { /* reply: ebpf_rep_switch_info */
	uint32_t size;
	uint32_t wait_ms; /* reply when replay has ended, or after this time */
	char name[EBPF_NAME_SIZE];
};
/* Reply: ebpf_rep_port_info; with an error: zeros, and trailing text why. */
struct ebpf_req_port_add {
	uint32_t size;
	uint32_t pad;
	char name[EBPF_NAME_SIZE];	/* switch */
	char port_name[EBPF_NAME_SIZE]; /* "": made from the specification */
	char spec[EBPF_PATH_SIZE];	/* kind:argument, paths absolute */
};
struct ebpf_req_port { /* DEL: reply none; by index, or by name if not "" */
	uint32_t size;
	uint32_t index;
	char name[EBPF_NAME_SIZE];
	char port_name[EBPF_NAME_SIZE];
};
struct ebpf_req_port_info { /* the port with the lowest index >= index */
	uint32_t size;
	uint32_t index;
	char name[EBPF_NAME_SIZE];
};
struct ebpf_rep_port_info {
	uint32_t size;
	uint32_t index;
	uint64_t rx_frames, rx_bytes; /* from the port into the switch */
	uint64_t tx_frames, tx_bytes; /* from the switch to the port */
	uint64_t rx_drops, tx_drops;  /* the port could not give or take */
	struct ebpf_verdict_counts verdicts; /* for frames from this port */
	char kind[16];			     /* "pcap", "tap", ... */
	char port_name[EBPF_NAME_SIZE];
	char spec[EBPF_PATH_SIZE];
};

#endif
