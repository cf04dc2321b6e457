/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Test runs: bytes and a user's context become a packet with room around it
 * and the host's context, by the kind's own field table, and afterwards the
 * other way round. What a kind adds (which fields a user may set, metadata,
 * link-layer headers) is said per kind here; kinds of embedders need nothing.
 */
#include "core/test_run.h"

#include "core/ctx.h"
#include "core/interp.h"
#include "core/runtime.h"
#include "core/word.h"

enum {
	HEADROOM = 256,
	TAILROOM = 3 << 10, /* with headroom less than what a reply has */
	XDP_FRAME = 3776, /* Linux: a page less what follows the data */
	PACKET_MAX = 65535,
	MEM_MAX = 32 << 20,
	ETH_HEADER = 14,
	META_MAX = 252,
	BURST_MAX = 1024,
	BURST_NS = 100000, /* how long a section may roughly last */
	PKT_OTHERHOST = 3, /* Linux PACKET_OTHERHOST */
	TC_REDIRECT = 7,       /* Linux TC_ACT_REDIRECT */
	VALE_MD_SIZE = 24,
	VALE_MD_PORT = 16,
	XDP_MD_DATA = 0,
	XDP_MD_DATA_END = 4,
};

/* One test run under way. */
struct run {
	struct ebpf_prog *prog;
	const struct ebpf_kind *kind;
	struct ebpf_test_run *test;
	uint8_t *buffer;
	uint64_t buffer_len;
	uint8_t *data; /* where the program's packet begins */
	uint8_t *data_end;
	uint32_t hidden; /* bytes before data that belong to the user's */
	uint32_t meta;	 /* of those before data that xdp calls metadata */
	uint8_t *host;	 /* the host's context */
	uint8_t *uapi;	 /* the user's, in full length */
	uint32_t uapi_len;
	uint64_t r1, r2, r3;
};

/* ---- per kind ---- */

/*
 * May a user set this field, and is it told afterwards? For __sk_buff those
 * that Linux lets test runs set; a kind of an embedder hides nothing.
 */
static bool
is_settable(const struct ebpf_kind *kind, const struct ebpf_ctx_field *field)
{
	if (field->type != EBPF_CTX_SCALAR)
		return false;
	switch (kind->number) {
	case EBPF_PROG_XDP:
		return field->host_off !=
		       offsetof(struct ebpf_xdp_ctx, egress_ifindex);
	case EBPF_PROG_TC:
	case EBPF_PROG_SOCKET:
		switch (field->host_off) {
		case offsetof(struct ebpf_skb_ctx, mark):
		case offsetof(struct ebpf_skb_ctx, priority):
		case offsetof(struct ebpf_skb_ctx, ingress_ifindex):
		case offsetof(struct ebpf_skb_ctx, ifindex):
		case offsetof(struct ebpf_skb_ctx, cb[0]):
		case offsetof(struct ebpf_skb_ctx, cb[1]):
		case offsetof(struct ebpf_skb_ctx, cb[2]):
		case offsetof(struct ebpf_skb_ctx, cb[3]):
		case offsetof(struct ebpf_skb_ctx, cb[4]):
		case offsetof(struct ebpf_skb_ctx, tstamp):
		case offsetof(struct ebpf_skb_ctx, wire_len):
		case offsetof(struct ebpf_skb_ctx, gso_segs):
		case offsetof(struct ebpf_skb_ctx, gso_size):
		case offsetof(struct ebpf_skb_ctx, hwtstamp):
			return true;
		}
		return false;
	}
	return true;
}

static uint32_t
data_min(const struct ebpf_prog *prog)
{
	switch (prog->kind->number) {
	case EBPF_PROG_VALE:
	case EBPF_PROG_XDP:
	case EBPF_PROG_TC:
	case EBPF_PROG_SOCKET:
		return ETH_HEADER;
	}
	return prog->mem_size;
}

/*
 * In xdp's context a user says with `data` how many of the first bytes are
 * metadata, and may repeat the length in `data_end`.
 */
static int
take_metadata(struct run *run)
{
	uint32_t data, data_end;

	memcpy(&data, run->uapi + XDP_MD_DATA, sizeof(data));
	memcpy(&data_end, run->uapi + XDP_MD_DATA_END, sizeof(data_end));
	memset(run->uapi, 0, XDP_MD_DATA_END + sizeof(data_end));
	if ((data_end != 0 && data_end != run->test->data_len) ||
	    data > META_MAX || data % 4 != 0 ||
	    (uint64_t)data + ETH_HEADER > run->test->data_len)
		return -EBPF_EINVAL;
	run->meta = data;
	run->data += data;
	return 0;
}

static int
fill_xdp(struct run *run)
{
	struct ebpf_xdp_ctx *ctx = (struct ebpf_xdp_ctx *)run->host;

	ctx->data_meta = run->data - run->meta;
	ctx->hard_start = run->buffer;
	ctx->hard_end = run->buffer + run->buffer_len;
	return 0;
}

static int
fill_skb(struct run *run)
{
	struct ebpf_skb_ctx *ctx = (struct ebpf_skb_ctx *)run->host;
	uint16_t protocol;

	memcpy(&protocol, run->buffer + HEADROOM + ETH_HEADER - 2,
	       sizeof(protocol));
	ctx->protocol = protocol;
	ctx->pkt_type = PKT_OTHERHOST;
	ctx->mac = run->buffer + HEADROOM;
	ctx->mac_len = ETH_HEADER;
	ctx->hard_start = run->buffer;
	ctx->hard_end = run->buffer + run->buffer_len;
	if (run->kind->number == EBPF_PROG_SOCKET) {
		/* sockets see what follows the link-layer header */
		run->hidden = ETH_HEADER;
		run->data += ETH_HEADER;
		ctx->data = run->data;
		ctx->data_meta = run->data;
	}
	ctx->len = (uint32_t)(run->data_end - run->data);
	if (ctx->ifindex == 0)
		ctx->ifindex = 1;
	if (ctx->wire_len == 0)
		ctx->wire_len = ctx->len;
	return ctx->wire_len < ctx->len ? -EBPF_EINVAL : 0;
}

/* ---- contexts ---- */

static int
take_ctx(struct run *run)
{
	const struct ebpf_test_run *test = run->test;
	uint32_t i;

	run->uapi_len = run->kind->ctx_size;
	if (run->kind->number == EBPF_PROG_VALE_BUF)
		run->uapi_len = VALE_MD_SIZE;
	/* one byte more, so that no kind asks for none */
	run->uapi = os_alloc((size_t)run->uapi_len + 1);
	if (!run->uapi)
		return -EBPF_ENOMEM;
	if (!test->ctx)
		return 0;
	for (i = run->uapi_len; i < test->ctx_len; i++)
		if (test->ctx[i] != 0)
			return -EBPF_EINVAL;
	memcpy(run->uapi, test->ctx,
	       test->ctx_len < run->uapi_len ? test->ctx_len : run->uapi_len);
	return 0;
}

static bool
uapi_is_zero(const struct run *run)
{
	uint32_t at;

	for (at = 0; at < run->uapi_len; at++)
		if (run->uapi[at] != 0)
			return false;
	return true;
}

/* The user's fields into the host's struct; what is no field must be zero. */
static int
ctx_to_host(struct run *run)
{
	const struct ebpf_kind *kind = run->kind;
	const struct ebpf_ctx_field *field;
	uint64_t value;
	uint32_t i;

	run->host = os_alloc((size_t)kind->host_size + 1);
	if (!run->host)
		return -EBPF_ENOMEM;
	for (i = 0; i < kind->field_count; i++) {
		field = &kind->fields[i];
		value = ebpf_word_get(run->uapi + field->off, field->size);
		memset(run->uapi + field->off, 0, field->size);
		switch ((enum ebpf_ctx_type)field->type) {
		case EBPF_CTX_SCALAR:
			break;
		case EBPF_CTX_PKT:
		case EBPF_CTX_PKT_META:
			if (value)
				return -EBPF_EINVAL;
			value = (uintptr_t)run->data;
			break;
		case EBPF_CTX_PKT_END:
			if (value)
				return -EBPF_EINVAL;
			value = (uintptr_t)run->data_end;
			break;
		}
		if (field->type == EBPF_CTX_SCALAR && value &&
		    !is_settable(kind, field))
			return -EBPF_EINVAL;
		ebpf_word_put(run->host + field->host_off, field->host_size,
			      value);
	}
	if (!uapi_is_zero(run))
		return -EBPF_EINVAL;
	switch (kind->number) {
	case EBPF_PROG_XDP:
		return fill_xdp(run);
	case EBPF_PROG_TC:
	case EBPF_PROG_SOCKET:
		/* data also stands where the table does not show it */
		((struct ebpf_skb_ctx *)run->host)->data = run->data;
		((struct ebpf_skb_ctx *)run->host)->data_end = run->data_end;
		return fill_skb(run);
	}
	return 0;
}

/*
 * The host's struct as the user sees it: numbers as they are, pointers as
 * distances from the first byte of the user's data. No address leaves.
 */
static void
ctx_to_user(struct run *run, const uint8_t *start)
{
	const struct ebpf_kind *kind = run->kind;
	const struct ebpf_ctx_field *field;
	uint64_t value;
	uint32_t i;

	for (i = 0; i < kind->field_count; i++) {
		field = &kind->fields[i];
		value = ebpf_word_get(run->host + field->host_off,
				      field->host_size);
		if (field->type != EBPF_CTX_SCALAR)
			value -= (uintptr_t)start;
		else if (!is_settable(kind, field))
			continue;
		ebpf_word_put(run->uapi + field->off, field->size, value);
	}
}

/* ---- the run ---- */

static int
prepare(struct run *run)
{
	struct ebpf_test_run *test = run->test;
	uint32_t len = test->data_len;
	uint64_t max = run->kind->entry == EBPF_ENTRY_MEM ? MEM_MAX :
							    PACKET_MAX;
	int error;

	if (len < data_min(run->prog) || len > max ||
	    (len && !test->data) || test->repeat == 0)
		return -EBPF_EINVAL;
	run->buffer_len = HEADROOM + (uint64_t)len;
	if (run->kind->number == EBPF_PROG_XDP && run->buffer_len < XDP_FRAME)
		run->buffer_len = XDP_FRAME;
	if (run->kind->number == EBPF_PROG_TC)
		run->buffer_len += TAILROOM;
	run->buffer = os_alloc(run->buffer_len);
	if (!run->buffer)
		return -EBPF_ENOMEM;
	run->data = run->buffer + HEADROOM;
	run->data_end = run->data + len;
	if (len)
		memcpy(run->data, test->data, len);
	error = take_ctx(run);
	if (error)
		return error;
	if (run->kind->number == EBPF_PROG_XDP) {
		error = take_metadata(run);
		if (error)
			return error;
	}
	switch ((enum ebpf_entry)run->kind->entry) {
	case EBPF_ENTRY_CTX:
		error = ctx_to_host(run);
		run->r1 = (uintptr_t)run->host;
		return error;
	case EBPF_ENTRY_BUF:
		if (run->kind->number == EBPF_PROG_VALE_BUF) {
			run->r3 = run->uapi[VALE_MD_PORT];
			run->uapi[VALE_MD_PORT] = 0;
			if (!uapi_is_zero(run))
				return -EBPF_EINVAL;
			run->uapi[VALE_MD_PORT] = (uint8_t)run->r3;
		}
		break;
	case EBPF_ENTRY_MEM:
		break;
	}
	run->r1 = (uintptr_t)run->data;
	run->r2 = len;
	return 0;
}

static uint64_t
run_once(const struct run *run)
{
	if (run->test->engine == EBPF_ENGINE_INTERP)
		return ebpf_interp_run(run->r1, run->r2, run->r3, run->prog);
	return ebpf_prog_run_counted(run->prog, run->r1, run->r2, run->r3);
}

static bool
is_redirect(const struct ebpf_kind *kind, uint64_t verdict)
{
	switch (kind->number) {
	case EBPF_PROG_XDP:
		return (uint32_t)verdict == EBPF_XDP_REDIRECT;
	case EBPF_PROG_TC:
		return (uint32_t)verdict == TC_REDIRECT;
	}
	return false;
}

/*
 * In bursts, so that a section never lasts for long: freeing waits for it, and
 * others want the processor.
 */
/* Linux's kinds return an int: the upper half of r0 says nothing. */
static uint64_t
cut(const struct ebpf_kind *kind, uint64_t result)
{
	switch (kind->number) {
	case EBPF_PROG_XDP:
	case EBPF_PROG_TC:
	case EBPF_PROG_SOCKET:
		return (uint32_t)result;
	}
	return result;
}

static int
run_all(struct run *run)
{
	struct ebpf_runtime *rt = run->prog->obj.rt;
	struct ebpf_test_run *test = run->test;
	uint32_t left = test->repeat, burst = 1, i;
	uint64_t start, spent, total = 0;
	struct ebpf_section section;

	for (;;) {
		if (burst > left)
			burst = left;
		ebpf_section_enter(&section);
		/* what others on this CPU decided before is not our result */
		ebpf_redirect_take(rt, &test->redirect);
		start = os_time_ns();
		for (i = 0; i < burst; i++)
			test->retval = cut(run->kind, run_once(run));
		spent = os_time_ns() - start;
		ebpf_redirect_take(rt, &test->redirect);
		ebpf_section_leave(&section);
		total += spent;
		left -= burst;
		if (left == 0)
			break;
		if (test->time_max_ns && total > test->time_max_ns)
			return -EBPF_ECANCELED;
		if (spent < BURST_NS && burst < BURST_MAX)
			burst *= 2;
		else if (spent > 2 * BURST_NS && burst > 1)
			burst /= 2;
		os_yield();
	}
	test->time_ns = total;
	test->duration_ns = total / test->repeat;
	if (!is_redirect(run->kind, test->retval))
		memset(&test->redirect, 0, sizeof(test->redirect));
	return 0;
}

/* The packet as the program left it; xdp and tc can move its ends. */
static void
give_back(struct run *run)
{
	struct ebpf_test_run *test = run->test;
	const struct ebpf_xdp_ctx *xdp;
	const struct ebpf_skb_ctx *skb;
	const uint8_t *start = run->data - run->hidden;
	const uint8_t *end = run->data_end;
	uint32_t len;

	if (run->kind->number == EBPF_PROG_XDP) {
		xdp = (const struct ebpf_xdp_ctx *)run->host;
		start = xdp->data_meta;
		end = xdp->data_end;
	} else if (run->kind->number == EBPF_PROG_TC) {
		skb = (const struct ebpf_skb_ctx *)run->host;
		start = skb->data;
		end = skb->data_end;
	}
	len = (uint32_t)(end - start);
	test->data_len = len;
	if (len > test->data_room)
		len = test->data_room;
	if (len)
		memcpy(test->data, start, len);
	if (run->host)
		ctx_to_user(run, start);
	if (test->ctx)
		memcpy(test->ctx, run->uapi,
		       test->ctx_len < run->uapi_len ? test->ctx_len :
						       run->uapi_len);
}

int
ebpf_test_run(struct ebpf_prog *prog, struct ebpf_test_run *test)
{
	struct run run = { .prog = prog, .kind = prog->kind, .test = test };
	int error;

	if (test->engine > EBPF_ENGINE_JIT)
		return -EBPF_EINVAL;
	if (test->engine == EBPF_ENGINE_JIT && !prog->jited)
		return -EBPF_EJIT;
	if (test->engine == EBPF_ENGINE_INTERP &&
	    !ebpf_prog_may_interp(prog->obj.rt))
		return -EBPF_EUNSUPPORTED;
	if (test->engine == EBPF_ENGINE_INTERP)
		ebpf_prog_will_interp(prog);
	error = prepare(&run);
	if (!error)
		error = run_all(&run);
	if (!error)
		give_back(&run);
	os_free(run.host);
	os_free(run.uapi);
	os_free(run.buffer);
	return error;
}
