/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Room for compiled programs inside the module: the loader maps a section that
 * is "alloc, execute" read and execute, near the kernel's text. Written only
 * through another mapping (os_linux_exec.c). Takes no space in the file.
 *
 * It becomes executable only in the finished module (make kmod, by objcopy):
 * objtool, which reads instructions before, breaks on code that has no bytes.
 * Without that step the module refuses to load (arena_is_safe).
 */
#include <asm/page.h>

	.section .ebpf_arena, "a", @nobits
	.balign	PAGE_SIZE
	.globl	ebpf_arena_start
ebpf_arena_start:
	.skip	4 << 20
	.globl	ebpf_arena_end
ebpf_arena_end:
