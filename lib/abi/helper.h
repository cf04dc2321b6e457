/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a helper's prototype can say: the vocabulary of helper.def, used by the
 * verifier, by embedders who register helpers of their own, and by manuals.
 */
#ifndef ABI_HELPER_H
#define ABI_HELPER_H

#include <stdint.h>

enum ebpf_arg {
	EBPF_ARG_NONE,		/* register is not read */
	EBPF_ARG_SCALAR,	/* an initialised number */
	EBPF_ARG_CTX,		/* the program's context pointer, unmodified */
	EBPF_ARG_MAP,		/* a map, known at load time */
	EBPF_ARG_MAP_KEY,	/* readable, key_size bytes of the MAP argument */
	EBPF_ARG_MAP_VALUE,	/* readable, value_size bytes */
	EBPF_ARG_MAP_VALUE_OUT, /* writable, value_size bytes, filled by the call */
	EBPF_ARG_MEM,		/* readable, length is the next argument */
	EBPF_ARG_MEM_OR_NULL,	/* the same, or the constant 0 */
	EBPF_ARG_MEM_OUT,	/* writable, filled by the call */
	EBPF_ARG_SIZE,		/* 1 .. what the memory before it allows */
	EBPF_ARG_SIZE_OR_ZERO,	/* 0 .. the same */
	EBPF_ARG_STR_CONST,	/* NUL-terminated string in a frozen read-only map */
	EBPF_ARG_ALLOC_SIZE,	/* a known constant: size of what is returned */
	EBPF_ARG_RINGBUF_MEM,	/* what ringbuf_reserve returned */
	EBPF_ARG_FUNC,		/* a function of the program (callback) */
	EBPF_ARG_STACK_OR_NULL, /* a stack pointer handed to the callback, or 0 */
	EBPF_ARG_SPIN_LOCK,	/* struct bpf_spin_lock in a map value */
	EBPF_ARG_SCALAR_OR_UNSET, /* a number, or nothing from here on: the
				     helper is told how many there are */
	EBPF_ARG_U64_OUT, /* writable, eight bytes, filled by the call */
	/*
	 * Only in linux_helper.def: verified, never called.
	 */
	EBPF_ARG_ANY,		   /* whatever was written */
	EBPF_ARG_CTX_OR_NULL,	   /* CTX or the constant 0 */
	EBPF_ARG_MAP_VALUE_OR_NULL, /* MAP_VALUE or the constant 0 */
	EBPF_ARG_MEM_INOUT,	   /* readable, and changed by the call */
	EBPF_ARG_MEM_OUT_OR_NULL,  /* MEM_OUT or the constant 0 */
	EBPF_ARG_U32_INOUT,	   /* four bytes, the same */
	EBPF_ARG_MEM_20,	   /* 20 readable bytes: an IPv4, TCP header */
	EBPF_ARG_MEM_40,	   /* 40: an IPv6 header */
	EBPF_ARG_SOCK,		   /* a socket of any sort */
	EBPF_ARG_SOCK_OR_NULL,	   /* the same or the constant 0 */
};

enum ebpf_ret {
	EBPF_RET_INT,		    /* a number */
	EBPF_RET_VOID,		    /* r0 is not readable afterwards */
	EBPF_RET_MAP_VALUE_OR_NULL, /* of the MAP argument; must be checked */
	EBPF_RET_RINGBUF_OR_NULL,   /* ALLOC_SIZE bytes; must be released */
	/*
	 * Only in linux_helper.def.
	 */
	EBPF_RET_MAP_VALUE, /* of the MAP argument, never null */
	EBPF_RET_SOCK_OR_NULL,
	EBPF_RET_SOCK_COMMON_OR_NULL,
	EBPF_RET_TCP_SOCK_OR_NULL,
	EBPF_RET_BTF_OR_NULL, /* something of Linux's own types */
};

enum ebpf_helper_flags {
	EBPF_HELPER_PKT = 1u << 0,     /* may move the packet: old pointers die */
	EBPF_HELPER_GPL = 1u << 1,     /* needs a GPL-compatible licence on Linux;
					  recorded, not enforced here */
	EBPF_HELPER_ENV = 1u << 2,     /* wants the 6th argument (see ebpf.h) */
	EBPF_HELPER_TAIL = 1u << 3,    /* tail_call: compiled, never called */
	EBPF_HELPER_ACQUIRE = 1u << 4, /* r0 is a reference to be released */
	EBPF_HELPER_RELEASE = 1u << 5, /* releases the reference in r1 */
	EBPF_HELPER_LOOP = 1u << 6,    /* calls the function in r2, many times:
					  compiled, never called */
};

/* Sets of program kinds, one bit each; see ebpf_prog_kind_bit(). */
enum {
	EBPF_KINDS_SOCKET = 1u << 0,
	EBPF_KINDS_TC = 1u << 1,
	EBPF_KINDS_XDP = 1u << 2,
	EBPF_KINDS_VALE = 1u << 3,
	EBPF_KINDS_VALE_BUF = 1u << 4,
	EBPF_KINDS_RAW = 1u << 5,
	EBPF_KINDS_SKB = EBPF_KINDS_SOCKET | EBPF_KINDS_TC,
	EBPF_KINDS_XDP_TC = EBPF_KINDS_XDP | EBPF_KINDS_TC,
	EBPF_KINDS_ALL = 0xffffffffu,
};

enum ebpf_helper_id {
#define EBPF_HELPER(number, name, ret, a1, a2, a3, a4, a5, kinds, flags) \
	EBPF_FUNC_##name = number,
#define EBPF_HELPER_NAME(number, name) EBPF_FUNC_##name = number,
#include "abi/helper.def"
};

#endif
