/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Compilation from the outside: which backend can run here, how large the code
 * gets, where it goes, and the end of it. Knows no instruction. Called by
 * prog.c.
 */
#include "core/jit/jit_buf.h"
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

uint32_t
ebpf_jit_start(uint32_t entry_off)
{
	return START_STEP * (os_random_u32() % START_STEPS) +
	       (0 - entry_off) % ENTRY_ALIGN;
}

int
ebpf_jit_compile(const struct ebpf_prog *prog, struct ebpf_jit_image **result)
{
	const struct ebpf_jit_ops *ops = ebpf_jit_host();
	struct ebpf_jit_scan scan = { 0 };
	struct ebpf_jit_image *image;
	uint32_t start;
	size_t room;
	int err;

	*result = NULL;
	if (ops == NULL)
		return -EBPF_EUNSUPPORTED;
	image = os_alloc(sizeof(*image));
	if (image == NULL)
		return -EBPF_ENOMEM;
	err = -EBPF_ENOMEM;
	image->slot_offs =
		os_alloc((size_t)prog->op_count * sizeof(*image->slot_offs));
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
	err = ops->generate(prog, &scan, image, NULL, 0, 0);
	if (err < 0)
		goto fail;
	if (image->addr_count > 0) {
		err = -EBPF_ENOMEM;
		image->addrs = os_alloc((size_t)image->addr_count *
					sizeof(*image->addrs));
		if (image->addrs == NULL)
			goto fail;
	}
	if (image->tail_count > 0) {
		err = -EBPF_ENOMEM;
		image->tails = os_alloc((size_t)image->tail_count *
					sizeof(*image->tails));
		if (image->tails == NULL)
			goto fail;
	}
	start = ebpf_jit_start(image->entry_off);
	room = image->code_len;
	err = os_exec_alloc(&image->exec, start + room);
	if (err < 0)
		goto fail;
	/* The home filled everything with traps; the code covers its part. */
	err = ops->generate(prog, &scan, image, image->exec.write + start, room,
			    (uint64_t)(uintptr_t)image->exec.run + start);
	if (err < 0)
		goto fail;
	image->code = image->exec.run + start;
	err = os_exec_seal(&image->exec);
	if (err < 0)
		goto fail;
	ebpf_jit_scan_free(&scan);
	*result = image;
	return 0;
fail:
	ebpf_jit_scan_free(&scan);
	ebpf_jit_free(image);
	return err;
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
