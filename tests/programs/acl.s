# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# lib/bpf/examples/acl.bpf.c, as clang 14 -O2 made it.
# kind vale
# map hash 16 8 4096 0
r3 = *(u64 *)(r1 +8)
r2 = *(u64 *)(r1 +0)
r4 = 0
*(u64 *)(r10 -8) = r4
r6 = *(u32 *)(r1 +16)
r0 = 255
if r6 > 0x1 goto pc+55
r1 = r2
r1 += 14
r0 = 255
if r1 > r3 goto pc+51
r6 ^= 1
r4 = *(u8 *)(r2 +12)
r5 = *(u8 *)(r2 +13)
r5 <<= 8
r5 |= r4
r0 = r6
if r5 != 0x8 goto pc+44
r4 = r2
r4 += 34
r0 = 255
if r4 > r3 goto pc+40
r1 = *(u8 *)(r1 +0)
r4 = r1
r4 &= 15
r5 = 5
r0 = 255
if r5 > r4 goto pc+34
r4 = *(u32 *)(r2 +26)
*(u32 *)(r10 -16) = r4
r4 = *(u32 *)(r2 +30)
*(u32 *)(r10 -12) = r4
r4 = *(u8 *)(r2 +23)
*(u8 *)(r10 -4) = r4
if r4 == 0x11 goto pc+1
if r4 != 0x6 goto pc+15
r4 = *(u16 *)(r2 +20)
r4 &= 65311
if r4 != 0x0 goto pc+12
r1 <<= 2
r1 &= 60
r2 += r1
r1 = r2
r1 += 18
r0 = 255
if r1 > r3 goto pc+16
r2 += 14
r1 = *(u16 *)(r2 +0)
*(u16 *)(r10 -8) = r1
r1 = *(u16 *)(r2 +2)
*(u16 *)(r10 -6) = r1
r2 = r10
r2 += -16
r1 = map[idx:0]
call 1
r1 = r0
r0 = r6
if r1 == 0x0 goto pc+3
r2 = 1
lock *(u64 *)(r1 +0) += r2
r0 = 255
exit
