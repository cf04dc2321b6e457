/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * libgebpf: talk to a gebpf device, load ELF objects, read BTF, assemble and
 * disassemble. Functions return 0 or a negative EBPF_E... (abi/error.h) and,
 * where they take a struct gebpf_error, say what went wrong in words. A device
 * handle is used by one thread at a time; different handles are independent.
 * Sizes are bytes. Strings returned belong to the object they were asked from.
 */
#ifndef CLIENT_GEBPF_H
#define CLIENT_GEBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "abi/error.h"
#include "abi/insn.h"
#include "abi/kinds.h"
#include "abi/rule.h"
#include "abi/version.h"
#include "abi/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GEBPF_VERSION EBPF_RELEASE

struct gebpf_error {
	int code;	 /* negative EBPF_E..., as returned */
	char text[1024]; /* what, on what, why: one sentence, no newline */
	char hint[512];	 /* what to do; "" for none */
};

/* Fill *err (NULL is fine) and return code. gebpf_names.c */
int gebpf_fail(struct gebpf_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Add a hint to an error; returns err->code. */
int gebpf_hint(struct gebpf_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Names from the tables; NULL when unknown. error: also takes negatives. */
const char *gebpf_error_name(int error);
const char *gebpf_error_text(int error);
const char *gebpf_map_kind_name(uint32_t kind);
const char *gebpf_prog_kind_name(uint32_t kind);
const char *gebpf_helper_name(uint32_t number);
/* Of rule.def: the name, what is demanded, how it is commonly mended; or "". */
const char *gebpf_rule_name(uint32_t rule);
const char *gebpf_rule_demand(uint32_t rule);
const char *gebpf_rule_fix(uint32_t rule);
/* Numbers from names (aliases too); 0 when unknown. */
uint32_t gebpf_map_kind_number(const char *name);
uint32_t gebpf_prog_kind_number(const char *name);
uint32_t gebpf_helper_number(const char *name);
/* From an ELF section name ("xdp/drop"); 0 when the section names no kind. */
uint32_t gebpf_prog_kind_of_section(const char *section);
/* A kind that exists inside Linux and here only by name. */
bool gebpf_prog_kind_is_linux_only(uint32_t kind);

/* ---- devices and requests ---- */

struct gebpf_device;

enum gebpf_open_flags {
	GEBPF_OPEN_NO_START = 1u << 0, /* do not start an embedded device */
	GEBPF_OPEN_QUIET = 1u << 1,    /* do not say on stderr that one started */
};

/*
 * Open "kernel[:PATH]", "embedded[:SOCKET]" or "local"; NULL: GEBPF_TARGET,
 * else kernel if /dev/ebpf is usable, else embedded. The embedded device is
 * started if it is not running: by executing the program named in
 * GEBPF_DEVICE_EXEC, else this one if its name starts with "gebpf", else gebpf
 * from PATH, with "device start --foreground".
 * ENODEV, EACCES (somebody else's socket), EVERSION.
 */
int gebpf_open(const char *target, unsigned int flags,
	       struct gebpf_device **device, struct gebpf_error *err);
void gebpf_close(struct gebpf_device *device); /* NULL is fine */
/* "embedded:/run/gebpf/device.sock": what was opened. */
const char *gebpf_target(const struct gebpf_device *device);
/* The device's greeting, kept from open. */
const struct ebpf_rep_hello *gebpf_hello(const struct gebpf_device *device);

/*
 * The socket that an embedded target names (NULL: the default one), absolute.
 * With make its folder is made (0700) if it is not there and checked: EACCES
 * when others may write there. What the daemon needs before it can listen.
 */
int gebpf_socket_path(const char *target, bool make, char *path, size_t size,
		      struct gebpf_error *err);
/*
 * Ask the device to stop and wait until it has gone (10 s at most). The handle
 * is good for gebpf_close() only. EUNSUPPORTED in a kernel.
 */
int gebpf_stop(struct gebpf_device *device, struct gebpf_error *err);

struct gebpf_part {
	const void *data;
	size_t len;
};

/* One request with its trailing parts and where the reply goes. */
struct gebpf_call {
	enum ebpf_request number;
	const void *req; /* body; its first uint32_t is set by the library */
	size_t req_len;
	struct gebpf_part in[6]; /* trailing bytes, in order; unused: len 0 */
	void *rep;		 /* body; shorter and longer ones are fitted */
	size_t rep_len;
	void *out; /* trailing bytes of the reply */
	size_t out_room;
	size_t out_len; /* what came; never above out_room */
	/*
	 * The device gives as much as there is room for, and what it gave is
	 * gone: offer it no room that out does not have. Else it may use some
	 * that is kept for bodies that have grown.
	 */
	bool exact;
};

/*
 * Send and wait. Returns the reply's error; rep and out may be filled all the
 * same (PROG_LOAD's log). -EBPF_EBADF when the device went away, -EBPF_EPROTO
 * when it answered nonsense.
 */
int gebpf_request(struct gebpf_device *device, struct gebpf_call *call);

/* The common case: a fixed body each way. rep may be NULL. */
int gebpf_ask(struct gebpf_device *device, enum ebpf_request number,
	      const void *req, size_t req_len, void *rep, size_t rep_len);

/* ---- events ---- */

/*
 * What programs write to a map of type ringbuf or perf_event_array. Each record
 * goes to one reader only, whoever asks first.
 */
struct gebpf_events;

struct gebpf_event {
	uint64_t lost;	  /* not 0: so many found no room, and no data */
	uint64_t time_ns; /* monotonic; 0: not kept (ringbuf) */
	uint32_t cpu;	  /* perf_event_array */
	uint32_t len;
	const void *data; /* good during the call */
};

#define GEBPF_CPU_ANY UINT32_MAX

/* cpu: of a perf_event_array, or GEBPF_CPU_ANY. EINVAL: no such kind of map. */
int gebpf_events_open(struct gebpf_device *device, uint32_t map, uint32_t cpu,
		       struct gebpf_events **events, struct gebpf_error *err);
void gebpf_events_close(struct gebpf_events *events); /* NULL is fine */
/*
 * Hand records to fn, oldest first: those there are, at most `most` (0: as they
 * come), waiting up to wait_ms for the first. Returns how many; or what fn
 * returned below 0, which like a result above 0 ends the call: what was not
 * handed out is kept for the next. -EBPF_EBADF when the device went away.
 */
int gebpf_events_poll(struct gebpf_events *events, uint32_t wait_ms,
		       uint32_t most,
		       int (*fn)(void *cookie,
				 const struct gebpf_event *event),
		       void *cookie);

/* ---- BTF ---- */

enum gebpf_btf_kind { /* Linux BTF_KIND_* numbers */
	GEBPF_BTF_VOID = 0,
	GEBPF_BTF_INT = 1,
	GEBPF_BTF_PTR = 2,
	GEBPF_BTF_ARRAY = 3,
	GEBPF_BTF_STRUCT = 4,
	GEBPF_BTF_UNION = 5,
	GEBPF_BTF_ENUM = 6,
	GEBPF_BTF_FWD = 7,
	GEBPF_BTF_TYPEDEF = 8,
	GEBPF_BTF_VOLATILE = 9,
	GEBPF_BTF_CONST = 10,
	GEBPF_BTF_RESTRICT = 11,
	GEBPF_BTF_FUNC = 12,
	GEBPF_BTF_FUNC_PROTO = 13,
	GEBPF_BTF_VAR = 14,
	GEBPF_BTF_DATASEC = 15,
	GEBPF_BTF_FLOAT = 16,
	GEBPF_BTF_DECL_TAG = 17,
	GEBPF_BTF_TYPE_TAG = 18,
	GEBPF_BTF_ENUM64 = 19,
};

struct gebpf_btf;

struct gebpf_btf_type {
	uint32_t id;
	enum gebpf_btf_kind kind;
	const char *name; /* "" for anonymous */
	uint32_t size;	  /* bytes; of INT STRUCT UNION ENUM ENUM64 DATASEC FLOAT */
	uint32_t type;	  /* referenced type id; ARRAY: element */
	uint32_t count;	  /* members, values, parameters, ARRAY elements */
	uint32_t bits;	  /* INT: width */
	bool is_signed, is_char, is_bool; /* INT; is_signed also of enums */
	bool kind_flag;
	uint32_t index_type; /* ARRAY */
	uint32_t linkage;    /* FUNC, VAR: 0 static, 1 global, 2 extern */
	int32_t component; /* DECL_TAG: which member, parameter; -1 all */
};
struct gebpf_btf_member { /* struct member, parameter, enum value, datasec var */
	const char *name;
	uint32_t type;
	uint32_t bit_off;  /* members: from the struct's start */
	uint32_t bit_size; /* members: of a bit field, else 0 */
	uint32_t off, size; /* datasec */
	int64_t value;	    /* enums */
};

/* Check and copy. EINVAL with the reason. */
int gebpf_btf_parse(const void *data, size_t len, struct gebpf_btf **btf,
		    struct gebpf_error *err);
/* From a device. */
int gebpf_btf_fetch(struct gebpf_device *device, uint32_t id,
		    struct gebpf_btf **btf, struct gebpf_error *err);
void gebpf_btf_free(struct gebpf_btf *btf);
const void *gebpf_btf_data(const struct gebpf_btf *btf, size_t *len);
uint32_t gebpf_btf_count(const struct gebpf_btf *btf); /* highest type id */
/* ENOENT for an id out of range. */
int gebpf_btf_type(const struct gebpf_btf *btf, uint32_t id,
		   struct gebpf_btf_type *type);
int gebpf_btf_member(const struct gebpf_btf *btf, uint32_t id, uint32_t index,
		     struct gebpf_btf_member *member);
/* Through typedef, const, volatile, restrict and type_tag (at most 32). */
uint32_t gebpf_btf_resolve(const struct gebpf_btf *btf, uint32_t id);
/* Size of a value of that type in bytes; -EINVAL for void, functions, loops. */
int64_t gebpf_btf_size(const struct gebpf_btf *btf, uint32_t id);
uint32_t gebpf_btf_find(const struct gebpf_btf *btf, enum gebpf_btf_kind kind,
			const char *name); /* 0: none */
const char *gebpf_btf_string(const struct gebpf_btf *btf, uint32_t off);
/* C declarations that compile; "int foo(struct x *)" for one type. */
int gebpf_btf_dump_c(const struct gebpf_btf *btf, FILE *out);
int gebpf_btf_decl(const struct gebpf_btf *btf, uint32_t id, char *text,
		   size_t size);

/* ---- ELF objects ---- */

struct gebpf_object;

struct gebpf_obj_map {
	char name[EBPF_NAME_SIZE]; /* "flows"; data: "<object>.rodata" */
	uint32_t kind, key_size, value_size, max_entries, flags;
	uint32_t map_extra; /* bloom_filter: number of hashes */
	uint32_t btf_key_type, btf_value_type; /* in the object's BTF, 0: none */
	uint32_t pinning; /* 0 none, 1 by name, others: as none, and warned of */
	bool is_data;	  /* .rodata .data .bss: one element, the section */
	bool frozen;	  /* read-only data */
	const uint8_t *data; /* is_data: value_size bytes of initial value */
	bool is_template;    /* only another map's `inner`: no map to keep */
	int inner;	     /* index of the template map, -1 none */
	uint32_t reuse_id;   /* set by the caller: use this map instead */
	uint32_t id;	     /* after loading */
};
struct gebpf_obj_prog {
	char name[EBPF_NAME_SIZE];
	const char *section;
	uint32_t kind; /* 0: the section names none; may be set by the caller */
	/*
	 * Linked: subprograms appended; maps by index in the object (lddw with
	 * src 5 and 6), which loading turns into ids (src 1 and 2).
	 */
	const struct ebpf_insn *insns;
	uint32_t insn_count;
	uint32_t id; /* after loading */
};

/*
 * Read an object. The file is mapped or read whole and checked whole; errors
 * name section, symbol and reason. name: for messages and pin names.
 */
int gebpf_object_open(const char *path, struct gebpf_object **object,
		      struct gebpf_error *err);
int gebpf_object_open_mem(const void *data, size_t len, const char *name,
			  struct gebpf_object **object,
			  struct gebpf_error *err);
void gebpf_object_close(struct gebpf_object *object); /* NULL is fine */
const char *gebpf_object_name(const struct gebpf_object *object);
const char *gebpf_object_license(const struct gebpf_object *object);
const struct gebpf_btf *gebpf_object_btf(const struct gebpf_object *object);
/* Warnings about things left out (broken BTF...); "" for none. */
const char *gebpf_object_warnings(const struct gebpf_object *object);
size_t gebpf_object_prog_count(const struct gebpf_object *object);
struct gebpf_obj_prog *gebpf_object_prog(struct gebpf_object *object, size_t i);
size_t gebpf_object_map_count(const struct gebpf_object *object);
struct gebpf_obj_map *gebpf_object_map(struct gebpf_object *object, size_t i);
/* Set an initialised global before loading ("set VAR=V"). */
int gebpf_object_set_var(struct gebpf_object *object, const char *var,
			 const void *value, size_t len,
			 struct gebpf_error *err);

struct gebpf_load_options {
	uint32_t flags;	    /* EBPF_PROG_JIT, _INTERP, _VERIFY_ONLY */
	uint32_t log_level; /* 0..2 */
	char *log;	    /* the verifier's words; may be NULL */
	size_t log_size;
	const char *name;   /* rename a single program; NULL: its own */
	struct ebpf_rep_prog_load *result; /* may be NULL; also on rejection */
	char *report;	    /* the same in records (abi/wire.h); may be NULL */
	size_t report_size;
};
/*
 * Create the maps that `prog` uses (those not yet created and without
 * reuse_id), load BTF once, patch, load. On failure nothing made by this call
 * stays. The session holds what was made; pin it to keep it.
 */
int gebpf_object_load_prog(struct gebpf_device *device,
			   struct gebpf_object *object,
			   struct gebpf_obj_prog *prog,
			   const struct gebpf_load_options *options,
			   struct gebpf_error *err);

/* One line of a report: a word and its fields. */
enum { GEBPF_RECORD_FIELDS = 16 };
struct gebpf_record {
	const char *word;
	const char *fields[GEBPF_RECORD_FIELDS];
	size_t count;
};
/*
 * The next record at *text, which is cut up and moved on; false at the end.
 * The record's strings lie in the text.
 */
bool gebpf_record_next(char **text, struct gebpf_record *record);
/* "" for a field that is not there. */
const char *gebpf_record_field(const struct gebpf_record *record, size_t i);

/* ---- assembler and disassembler ---- */

/*
 * Text to instructions; both "r1 += r2" and "add64 r1, r2", labels, comments
 * (# ; //). *insns is malloc'd. err->text has line and column.
 */
int gebpf_asm(const char *text, size_t len, struct ebpf_insn **insns,
	      uint32_t *count, struct gebpf_error *err);

enum gebpf_disasm_style {
	GEBPF_DISASM_KERNEL, /* r1 += r2 */
	GEBPF_DISASM_ASM,    /* add64 r1, r2 */
};
struct gebpf_disasm {
	enum gebpf_disasm_style style;
	bool code_prefix; /* "(b7) " before kernel style, as bpftool prints */
	/* Names for calls and maps; NULL: numbers. Return NULL for unknown. */
	const char *(*helper)(void *cookie, uint32_t number);
	const char *(*func)(void *cookie, uint32_t slot);
	void *cookie;
};
/*
 * One instruction at insns[index] of count as text (always NUL-terminated).
 * Returns slots consumed (1, or 2 for lddw), or -EBPF_EINVAL for what is no
 * instruction (text then says ".quad 0x...").
 */
int gebpf_disasm(const struct ebpf_insn *insns, uint32_t count, uint32_t index,
		 const struct gebpf_disasm *options, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
