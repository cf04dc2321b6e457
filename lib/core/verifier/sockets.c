/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Linux's own things that programs hold pointers to: sockets above all. They
 * exist only where a program is verified for Linux (core/assumed.h); calls.c
 * and memory.c call here.
 *
 * In a register: map is the sort, id names the check for null, range names the
 * reference that it lives by (its own, or that of the socket it was made from;
 * 0: it needs none).
 */
#include "core/assumed.h"
#include "core/verifier/verify.h"

const char *
ebpf_verify_sock_name(const struct ebpf_vreg *reg)
{
	switch ((enum ebpf_vsock)reg->map) {
	case EBPF_VS_SOCK:
	case EBPF_VS_COMMON:
		return reg->maybe_null ? "socket that may be null" : "socket";
	case EBPF_VS_TCP:
		return reg->maybe_null ? "TCP socket that may be null" :
					 "TCP socket";
	case EBPF_VS_XDP:
		return reg->maybe_null ? "XDP socket that may be null" :
					 "XDP socket";
	case EBPF_VS_BTF:
		return "pointer to something of Linux's";
	case EBPF_VS_FLOW_KEYS:
		return "pointer to flow keys";
	}
	return "socket";
}

static void
set(struct ebpf_venv *env, struct ebpf_vreg *reg, enum ebpf_vsock sort,
    bool or_null, uint32_t ref)
{
	ebpf_vreg_const(reg, 0);
	reg->type = EBPF_V_SOCK;
	reg->map = sort;
	reg->maybe_null = or_null;
	reg->id = or_null ? ebpf_verify_new_id(env) : 0;
	reg->range = ref;
	reg->origin = env->insn;
}

/* What a field of the context is that no kind here has. */
void
ebpf_verify_sock_field(struct ebpf_venv *env, struct ebpf_vreg *reg,
		       uint32_t field_type)
{
	switch (field_type) {
	case EBPF_CTX_SOCK:
		set(env, reg, EBPF_VS_SOCK, false, 0);
		break;
	case EBPF_CTX_SOCK_OR_NULL:
		set(env, reg, EBPF_VS_SOCK, true, 0);
		break;
	case EBPF_CTX_SOCK_COMMON_OR_NULL:
		set(env, reg, EBPF_VS_COMMON, true, 0);
		break;
	default:
		set(env, reg, EBPF_VS_FLOW_KEYS, false, 0);
		break;
	}
}

int
ebpf_verify_sock_result(struct ebpf_venv *env, enum ebpf_vsock sort,
			bool acquired, uint32_t parent)
{
	struct ebpf_vreg *r0 = &ebpf_verify_top(env)->regs[0];
	int error;

	if (acquired) {
		/* the reference's name is the check's as well */
		error = ebpf_verify_acquire(env, 0);
		if (error)
			return error;
		parent = r0->id;
	}
	set(env, r0, sort, true, parent);
	if (acquired)
		r0->id = parent;
	return 0;
}

/* *ref: what it lives by. */
int
ebpf_verify_sock_arg(struct ebpf_venv *env, const struct ebpf_helper *helper,
		     uint32_t number, bool or_null, uint32_t *ref)
{
	const struct ebpf_vreg *reg = &ebpf_verify_top(env)->regs[number];

	*ref = 0;
	if (or_null && ebpf_vreg_is_zero(reg))
		return 0;
	if (reg->type != EBPF_V_SOCK || reg->map == EBPF_VS_FLOW_KEYS ||
	    reg->map == EBPF_VS_XDP || (reg->maybe_null && !or_null) ||
	    reg->off != 0 || reg->num.umax != 0)
		return ebpf_verify_reject(
			env,
			reg->maybe_null ? EBPF_RULE_NULL_CHECK :
					  EBPF_RULE_CALL_ARG,
			"%s wants a socket in r%u, which is a %s",
			helper->name, number, ebpf_verify_type_name(reg));
	*ref = reg->range;
	if ((helper->flags & EBPF_HELPER_RELEASE) && *ref == 0)
		return ebpf_verify_reject(
			env, EBPF_RULE_REFERENCE,
			"%s of a socket that no lookup gave (r%u)",
			helper->name, number);
	return 0;
}

/* ---- what can be read of them ---- */

/* struct bpf_sock and struct bpf_tcp_sock: bytes, and what is read whole */
enum {
	SOCK_SIZE = 80,
	SOCK_TYPE = 8, /* type, protocol, mark, priority: not of half sockets */
	SOCK_SRC_IP4 = 24,
	SOCK_DST_PORT = 48, /* 16 bits, and padding */
	TCP_SIZE = 112,
	TCP_BYTES = 80, /* bytes_received, bytes_acked */
	TCP_BYTES_END = 96,
	XDP_SIZE = 4,
	FLOW_KEYS_SIZE = 56,
	BTF_SIZE = 65536, /* whatever it is, as far as that */
};

static bool
readable(enum ebpf_vsock sort, int64_t off, uint32_t size)
{
	bool wide = off >= TCP_BYTES && off < TCP_BYTES_END;

	if (off < 0 || off % size)
		return false;
	switch (sort) {
	case EBPF_VS_COMMON:
		return off + size <= SOCK_SIZE && size <= 4 &&
		       (off < SOCK_TYPE || off >= SOCK_SRC_IP4);
	case EBPF_VS_SOCK:
		return off + size <= SOCK_SIZE && size <= 4;
	case EBPF_VS_TCP:
		return off + size <= TCP_SIZE && size == (wide ? 8 : 4);
	case EBPF_VS_XDP:
		return off + size <= XDP_SIZE;
	case EBPF_VS_FLOW_KEYS:
		return off + size <= FLOW_KEYS_SIZE;
	case EBPF_VS_BTF:
		return off + size <= BTF_SIZE;
	}
	return false;
}

int
ebpf_verify_sock_access(struct ebpf_venv *env, const struct ebpf_vreg *ptr,
			uint32_t number, int32_t insn_off, uint32_t size,
			bool write)
{
	int64_t off = (int64_t)ptr->off + insn_off;

	if (ptr->num.umax != 0 || !readable(ptr->map, off, size))
		return ebpf_verify_reject(
			env, EBPF_RULE_MEM_BOUNDS,
			"a %s has nothing to access at offset %lld size %u "
			"(r%u)",
			ebpf_verify_type_name(ptr), (long long)off, size,
			number);
	if (write && ptr->map != EBPF_VS_FLOW_KEYS)
		return ebpf_verify_reject(
			env, EBPF_RULE_READ_ONLY, "a %s is written (r%u)",
			ebpf_verify_type_name(ptr), number);
	return 0;
}
