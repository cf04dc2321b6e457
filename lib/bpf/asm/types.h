/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * <linux/...> headers ask for <asm/types.h> of the target. Distributions keep
 * it in a folder of the host's architecture, where clang -target bpf does not
 * look; BPF's own is the generic one, 64 bits, little endian.
 */
#ifndef BPF_ASM_TYPES_H
#define BPF_ASM_TYPES_H

#include <asm-generic/types.h>

#endif
