# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# lib/bpf/examples/l2_bridge.bpf.c, as clang 14 -O2 made it.
# kind vale
# map hash 6 4 1024 0
r6 = 255
r7 = *(u64 *)(r1 +0)
r8 = *(u32 *)(r1 +16)
*(u32 *)(r10 -8) = r8
r2 = r7
r2 += 14
r1 = *(u64 *)(r1 +8)
if r2 > r1 goto pc+69
r1 = *(u8 *)(r7 +7)
r1 <<= 8
r2 = *(u8 *)(r7 +6)
r1 |= r2
r2 = *(u8 *)(r7 +9)
r2 <<= 8
r3 = *(u8 *)(r7 +8)
r2 |= r3
r2 <<= 16
r2 |= r1
*(u32 *)(r10 -16) = r2
r1 = *(u8 *)(r7 +10)
r2 = *(u8 *)(r7 +11)
r2 <<= 8
r2 |= r1
*(u16 *)(r10 -12) = r2
r1 = *(u8 *)(r10 -16)
r1 &= 1
if r1 != 0x0 goto pc+19
r2 = r10
r2 += -16
r1 = map[idx:0]
call map_lookup_elem
if r0 != 0x0 goto pc+9
r2 = r10
r2 += -16
r3 = r10
r3 += -8
r1 = map[idx:0]
r4 = 0
call map_update_elem
goto pc+4
r1 = *(u32 *)(r0 +0)
r2 = r8
if r1 == r2 goto pc+1
*(u32 *)(r0 +0) = r8
r1 = *(u8 *)(r7 +1)
r1 <<= 8
r2 = *(u8 *)(r7 +0)
r1 |= r2
r2 = *(u8 *)(r7 +3)
r2 <<= 8
r3 = *(u8 *)(r7 +2)
r2 |= r3
r2 <<= 16
r2 |= r1
*(u32 *)(r10 -16) = r2
r1 = *(u8 *)(r7 +4)
r2 = *(u8 *)(r7 +5)
r2 <<= 8
r2 |= r1
*(u16 *)(r10 -12) = r2
r6 = 254
r1 = *(u8 *)(r10 -16)
r1 &= 1
if r1 != 0x0 goto pc+11
r2 = r10
r2 += -16
r1 = map[idx:0]
call map_lookup_elem
if r0 == 0x0 goto pc+5
r1 = *(u32 *)(r0 +0)
r6 = 255
r2 = *(u32 *)(r10 -8)
if r1 == r2 goto pc+1
r6 = r1
r0 = r6
exit
