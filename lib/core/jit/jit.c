/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Compilation from the outside: which backend can run here, how large the code
 * gets, where it goes, and the end of it. Knows no instruction. Called by
 * prog.c.
 */
#include "core/jit/jit_buf.h"
#include "core/jit/jit_draft.h"
#include "core/jit/jit_lookup.h"
#include "core/jit/jit_scan.h"
#include "core/jit/jit_tail.h"
#include "core/runtime.h"

enum {
	START_STEP = 64, /* code starts near a random multiple of this */
	START_STEPS = 4,
	ENTRY_ALIGN = 16,
};

static uint32_t features_mask = ~0u;

/*
 * Where code was put last, 0: none was yet; atomic. The next is drafted as if it
 * came there: what a near call reaches from one place of the home's it reaches
 * from most, and then one draft will do. Homes put code near
 * their own if they can.
 */
static uint64_t last_place;

const struct ebpf_jit_ops *
ebpf_jit_host(void)
{
#if defined(__x86_64__)
	return &ebpf_jit_x86_64;
#elif defined(__aarch64__)
	return &ebpf_jit_arm64;
#else
	return NULL;
#endif
}

/* cpuid is slow in virtual machines: asked once. */
static uint32_t
features_found(void)
{
	static uint32_t cached; /* atomic; 0: not yet asked */
	uint32_t found = os_load(&cached);

	if (found != 0)
		return found;
	found = EBPF_JIT_ASKED;

#if defined(__x86_64__)
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (a >= 7) {
		a = 7;
		c = 0;
		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		if (b >> 8 & 1)
			found |= EBPF_JIT_X86_BMI2;
	}
#endif
	os_store(&cached, found);
	return found;
}

uint32_t
ebpf_jit_features(void)
{
	return features_found() & os_load(&features_mask);
}

void
ebpf_jit_features_mask(uint32_t mask)
{
	os_store(&features_mask, mask);
}

void
ebpf_jit_place(uint64_t place)
{
	os_store(&last_place, place);
}

uint32_t
ebpf_jit_start(uint32_t entry_off)
{
	return START_STEP * (os_random_u32() % START_STEPS) +
	       (0 - entry_off) % ENTRY_ALIGN;
}

void
ebpf_jit_fill(uint8_t *write, uint32_t from, uint32_t to)
{
	const struct ebpf_jit_ops *ops = ebpf_jit_host();

	for (uint32_t i = from; i < to; i++)
		write[i] = ops->trap[(i - from) % ops->trap_len];
}

/* A draft made again for where the code will be, far calls wherever it may. */
static int
settle_again(const struct ebpf_jit_ops *ops, const struct ebpf_prog *prog,
	     struct ebpf_jit_scan *scan, struct ebpf_jit_image *image,
	     struct ebpf_jit_draft *draft, uint8_t *write)
{
	uint32_t room = image->code_len, addr_room = image->addr_count;
	int err;

	draft->run = (uint64_t)(uintptr_t)image->code;
	err = ops->draft(prog, scan, image, draft);
	if (err < 0)
		return err;
	if (image->code_len > room || image->addr_count > addr_room ||
	    !ebpf_jit_settle(ops, draft, image, write, draft->run, true))
		return -EBPF_E2BIG;
	/* where it came out shorter the first may have left something */
	ebpf_jit_fill(write, image->code_len, room);
	return 0;
}

/* The code itself: drafted for where it will be as far as that is known. */
static int
make(const struct ebpf_jit_ops *ops, const struct ebpf_prog *prog,
     struct ebpf_jit_scan *scan, struct ebpf_jit_image *image,
     struct ebpf_jit_draft *draft)
{
	uint8_t *write;
	uint32_t start;
	int err;

	err = ops->draft(prog, scan, image, draft);
	if (err < 0)
		return err;
	if (image->addr_count > 0) {
		image->addrs = os_alloc_raw((size_t)image->addr_count *
					sizeof(*image->addrs));
		if (image->addrs == NULL)
			return -EBPF_ENOMEM;
	}
	start = ebpf_jit_start(image->entry_off);
	err = os_exec_alloc(&image->exec, start + image->code_len);
	if (err < 0)
		return err;
	/* The home filled everything with traps; the code covers its part. */
	image->code = image->exec.run + start;
	write = image->exec.write + start;
	if (ebpf_jit_settle(ops, draft, image, write,
			    (uint64_t)(uintptr_t)image->code, false))
		return 0;
	return settle_again(ops, prog, scan, image, draft, write);
}

/* Undo that, to begin again. */
static void
unmake(struct ebpf_jit_image *image)
{
	if (image->exec.run != NULL)
		os_exec_free(&image->exec);
	os_free(image->addrs);
	image->exec.run = NULL;
	image->addrs = NULL;
}

int
ebpf_jit_compile(const struct ebpf_prog *prog, struct ebpf_jit_image **result)
{
	const struct ebpf_jit_ops *ops = ebpf_jit_host();
	struct ebpf_jit_scan scan = { 0 };
	struct ebpf_jit_draft draft;
	struct ebpf_jit_image *image;
	int err;

	*result = NULL;
	if (ops == NULL)
		return -EBPF_EUNSUPPORTED;
	memset(&draft, 0, sizeof(draft));
	draft.run = os_load(&last_place);
	if (draft.run == 0)
		draft.run = (uintptr_t)ebpf_jit_compile;
	image = os_alloc(sizeof(*image));
	if (image == NULL)
		return -EBPF_ENOMEM;
	err = -EBPF_ENOMEM;
	image->slot_offs =
		os_alloc_raw((size_t)prog->op_count *
			     sizeof(*image->slot_offs));
	if (image->slot_offs == NULL)
		goto fail;
	if (prog->obj.rt->config.harden & EBPF_HARDEN_CONSTANTS)
		image->blind = os_random_u32() | 1;
	err = ebpf_jit_scan(prog, &scan);
	if (err < 0)
		goto fail;
	err = ebpf_jit_lookups_make(prog, &scan);
	if (err < 0)
		goto fail;
	if (scan.tail_count > 0) {
		err = -EBPF_ENOMEM;
		image->tail_room = scan.tail_count;
		image->tails = os_alloc((size_t)image->tail_room *
					sizeof(*image->tails));
		if (image->tails == NULL)
			goto fail;
	}
	err = make(ops, prog, &scan, image, &draft);
	if (err == -EBPF_E2BIG) {
		/* what was near from there is not from here */
		unmake(image);
		draft.run = 0;
		err = make(ops, prog, &scan, image, &draft);
	}
	if (err < 0)
		goto fail;
	err = os_exec_seal(&image->exec);
	if (err < 0)
		goto fail;
	os_store(&last_place, (uint64_t)(uintptr_t)image->code);
	ebpf_jit_draft_free(&draft);
	ebpf_jit_scan_free(&scan);
	*result = image;
	return 0;
fail:
	ebpf_jit_draft_free(&draft);
	ebpf_jit_scan_free(&scan);
	ebpf_jit_free(image);
	return err;
}

uint64_t
ebpf_jit_bytes(const struct ebpf_prog *prog, const struct ebpf_jit_image *image)
{
	return sizeof(*image) + image->exec.size +
	       (uint64_t)prog->op_count * sizeof(image->slot_offs[0]) +
	       (uint64_t)image->addr_count * sizeof(image->addrs[0]) +
	       (uint64_t)image->tail_room * sizeof(image->tails[0]);
}

void
ebpf_jit_free(struct ebpf_jit_image *image)
{
	if (image == NULL)
		return;
	ebpf_jit_tails_leave(image);
	if (image->exec.run != NULL)
		os_exec_free(&image->exec);
	os_free(image->tails);
	os_free(image->addrs);
	os_free(image->slot_offs);
	os_free(image);
}
