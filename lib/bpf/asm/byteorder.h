/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * <linux/...> headers ask for <asm/byteorder.h> of the target. Distributions keep
 * it in a folder of the host's architecture, where clang -target bpf does not
 * look; BPF's own is the generic one, 64 bits, little endian.
 */
#ifndef BPF_ASM_BYTEORDER_H
#define BPF_ASM_BYTEORDER_H

#include <linux/byteorder/little_endian.h>

#endif
