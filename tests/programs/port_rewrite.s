# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# lib/bpf/examples/port_rewrite.bpf.c, as clang 14 -O2 made it.
# kind vale
# map hash 2 2 256 0
r0 = 255
r6 = *(u32 *)(r1 +16)
if r6 > 0x1 goto pc+70
r7 = *(u64 *)(r1 +0)
r1 = *(u64 *)(r1 +8)
r6 ^= 1
r2 = r7
r2 += 34
r0 = r6
if r2 > r1 goto pc+63
r2 = *(u8 *)(r7 +12)
r3 = *(u8 *)(r7 +13)
r3 <<= 8
r3 |= r2
r0 = r6
if r3 != 0x8 goto pc+57
r2 = *(u8 *)(r7 +23)
r0 = r6
if r2 != 0x11 goto pc+54
r2 = *(u8 *)(r7 +14)
r2 &= 15
r3 = 5
r0 = r6
if r3 > r2 goto pc+49
r3 = *(u16 *)(r7 +20)
r3 &= 65311
r0 = r6
if r3 != 0x0 goto pc+45
r2 <<= 2
r7 += r2
r2 = r7
r2 += 22
r0 = r6
if r2 > r1 goto pc+39
r7 += 14
r1 = *(u16 *)(r7 +2)
r1 = be16 r1
*(u16 *)(r10 -2) = r1
r2 = r10
r2 += -2
r1 = map[idx:0]
call 1
r1 = r0
r0 = r6
if r1 == 0x0 goto pc+27
r1 = *(u16 *)(r1 +0)
r1 = be16 r1
r2 = *(u16 *)(r7 +6)
if r2 == 0x0 goto pc+21
r2 ^= 65535
r3 = r1
r3 += r2
r2 = *(u16 *)(r7 +2)
r2 ^= -1
r2 &= 65535
r3 += r2
r2 = r3
r2 >>= 16
r3 &= 65535
r3 += r2
r2 = r3
r2 >>= 16
r2 += r3
r4 = r2
r4 &= 65535
r3 = -1
if r4 == 0xffff goto pc+2
r2 ^= -1
r3 = r2
*(u16 *)(r7 +6) = r3
*(u16 *)(r7 +2) = r1
r0 = r6
exit
