# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# lib/bpf/examples/l2_percpu.bpf.c, as clang 14 -O2 made it.
# kind vale
# map percpu_array 4 16 1024 0
r6 = r1
r7 = 255
r1 = *(u64 *)(r6 +0)
r2 = r1
r2 += 14
r3 = *(u64 *)(r6 +8)
if r2 > r3 goto pc+83
r2 = *(u8 *)(r1 +6)
r8 = *(u8 *)(r1 +1)
r3 = *(u8 *)(r1 +0)
*(u64 *)(r10 -16) = r3
r3 = *(u8 *)(r1 +2)
*(u64 *)(r10 -24) = r3
r9 = *(u8 *)(r1 +3)
r5 = *(u8 *)(r1 +4)
r4 = *(u8 *)(r1 +5)
r3 = r2
r3 &= 1
if r3 != 0x0 goto pc+36
r7 = *(u8 *)(r1 +7)
r7 <<= 8
r7 |= r2
r2 = *(u8 *)(r1 +8)
r2 <<= 16
r7 |= r2
r2 = *(u8 *)(r1 +9)
r2 <<= 24
r7 |= r2
r2 = *(u8 *)(r1 +10)
r2 <<= 32
r7 |= r2
r1 = *(u8 *)(r1 +11)
r1 <<= 40
r7 |= r1
r1 = 0x9e3779b97f4a7c15
r2 = r7
r2 *= r1
r2 >>= 54
*(u32 *)(r10 -4) = r2
r2 = r10
r2 += -4
r1 = map[idx:0]
*(u64 *)(r10 -32) = r4
*(u64 *)(r10 -40) = r9
r9 = r5
call 1
r5 = r9
r9 = *(u64 *)(r10 -40)
r4 = *(u64 *)(r10 -32)
if r0 == 0x0 goto pc+3
*(u64 *)(r0 +0) = r7
r1 = *(u32 *)(r6 +16)
*(u32 *)(r0 +8) = r1
r7 = 254
r2 = *(u64 *)(r10 -16)
r1 = r2
r1 &= 1
if r1 != 0x0 goto pc+30
r8 <<= 8
r8 |= r2
r1 = *(u64 *)(r10 -24)
r1 <<= 16
r8 |= r1
r9 <<= 24
r8 |= r9
r5 <<= 32
r8 |= r5
r4 <<= 40
r8 |= r4
r1 = 0x9e3779b97f4a7c15
r2 = r8
r2 *= r1
r2 >>= 54
*(u32 *)(r10 -4) = r2
r2 = r10
r2 += -4
r1 = map[idx:0]
call 1
if r0 == 0x0 goto pc+7
r1 = *(u64 *)(r0 +0)
if r1 != r8 goto pc+5
r2 = *(u32 *)(r6 +16)
r1 = *(u32 *)(r0 +8)
r7 = 255
if r1 == r2 goto pc+1
r7 = r1
r0 = r7
exit
