/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where generated code jumps to in place of indirect jumps and returns. The
 * kernel rewrites these two when the module is loaded, as the processor's
 * weaknesses demand, so that generated code need not know them.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>

	.text
SYM_FUNC_START(ebpf_branch_r11)
	JMP_NOSPEC r11
SYM_FUNC_END(ebpf_branch_r11)

SYM_FUNC_START(ebpf_branch_ret)
	RET
SYM_FUNC_END(ebpf_branch_ret)
