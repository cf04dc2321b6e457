/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device's door as a client sees it, without a transport: a runtime, a
 * device with stand-ins for switches and hooks, one session, and requests put
 * together by hand. Every reply's framing is checked on the way.
 */
#ifndef TESTS_LIB_DOOR_H
#define TESTS_LIB_DOOR_H

#include "core/runtime.h"
#include "device/device.h"

enum {
	DOOR_ROOM = 1 << 20, /* bytes of a request, and of a reply */
};

extern struct ebpf_runtime *door_rt;
extern struct ebpf_device *door_device;
extern struct ebpf_session *door_session; /* who asks */
extern uint8_t *const door_request, *const door_reply;
extern struct ebpf_reply door_head; /* of the last reply */
extern uint8_t *door_rep;	    /* body of the last reply */
extern bool door_sane;		    /* no reply broke the framing so far */
extern const uint8_t door_zeros[66000];

extern const struct ebpf_insn door_raw_code[3], door_vale_code[2];
extern const uint32_t door_btf[12]; /* 45 bytes: one int */

/* At most four sessions of 64 objects each; stop: what a stop request calls. */
bool door_open(void (*stop)(void *cookie));
/* Nothing may be left: test points. */
void door_close(void);

/* What stands in door_request; the reply's error. */
int door_send(size_t len, size_t cap);
/* A request into door_request; its length. */
size_t door_frame(uint32_t number, const void *body, size_t body_len,
		  const void *tail, size_t tail_len, uint32_t reply_max);
int door_ask(uint32_t number, const void *body, size_t body_len,
	     const void *tail, size_t tail_len);

#define ASK(NAME, body) \
	door_ask(EBPF_REQUEST_##NAME, &(body), sizeof(body), NULL, 0)
#define ASK_TAIL(NAME, body, tail, len) \
	door_ask(EBPF_REQUEST_##NAME, &(body), sizeof(body), tail, len)

/* The id in the last reply. */
uint32_t door_id(void);
/* Ids, 0 if refused. */
uint32_t door_map(uint32_t kind, uint32_t key, uint32_t value,
		  uint32_t entries, const char *name);
uint32_t door_prog(uint32_t kind, const struct ebpf_insn *code,
		   uint32_t count, uint32_t flags);

#endif
