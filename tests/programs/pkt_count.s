# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# lib/bpf/examples/pkt_count.bpf.c, as clang 14 -O2 made it.
# kind vale
# map percpu_hash 2 16 64 0
# map percpu_array 4 16 256 0
r8 = *(u64 *)(r1 +0)
r9 = *(u64 *)(r1 +8)
r1 = 1
*(u64 *)(r10 -16) = r1
r6 = 255
r7 = r9
r7 -= r8
*(u64 *)(r10 -8) = r7
r1 = r8
r1 += 14
if r1 > r9 goto pc+55
r1 = *(u8 *)(r8 +12)
r2 = *(u8 *)(r8 +13)
r2 <<= 8
r2 |= r1
r2 = be16 r2
*(u16 *)(r10 -22) = r2
r2 = r10
r2 += -22
r1 = map[idx:0]
call 1
if r0 == 0x0 goto pc+7
r1 = *(u64 *)(r0 +0)
r1 += 1
*(u64 *)(r0 +0) = r1
r1 = *(u64 *)(r0 +8)
r1 += r7
*(u64 *)(r0 +8) = r1
goto pc+8
r2 = r10
r2 += -22
r3 = r10
r3 += -16
r1 = map[idx:0]
r4 = 1
call 2
r6 = 254
r1 = *(u16 *)(r10 -22)
if r1 == 0x86dd goto pc+6
if r1 != 0x800 goto pc+24
r1 = 23
r2 = r8
r2 += 34
if r2 > r9 goto pc+20
goto pc+4
r1 = 20
r2 = r8
r2 += 54
if r2 > r9 goto pc+15
r8 += r1
r1 = *(u8 *)(r8 +0)
*(u32 *)(r10 -20) = r1
r2 = r10
r2 += -20
r1 = map[idx:1]
call 1
if r0 == 0x0 goto pc+6
r1 = *(u64 *)(r0 +0)
r1 += 1
*(u64 *)(r0 +0) = r1
r1 = *(u64 *)(r0 +8)
r1 += r7
*(u64 *)(r0 +8) = r1
r0 = r6
exit
