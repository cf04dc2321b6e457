# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# lib/bpf/examples/xdp_count.bpf.c, as clang 14 -O2 made it.
# kind xdp
# map percpu_array 4 8 5 0
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = r1
r3 += 14
if r2 >= r3 goto pc+13
r1 = 4
*(u32 *)(r10 -4) = r1
r2 = r10
r2 += -4
r1 = map[idx:0]
call 1
if r0 == 0x0 goto pc+3
r1 = *(u64 *)(r0 +0)
r1 += 1
*(u64 *)(r0 +0) = r1
r6 = 1
goto pc+50
r2 = *(u8 *)(r1 +12)
r1 = *(u8 *)(r1 +13)
r1 <<= 8
r1 |= r2
r1 = be16 r1
if r1 == 0x86dd goto pc+11
if r1 == 0x806 goto pc+19
if r1 != 0x800 goto pc+30
r1 = 0
*(u32 *)(r10 -4) = r1
r2 = r10
r2 += -4
r1 = map[idx:0]
call 1
if r0 == 0x0 goto pc+33
goto pc+29
r1 = 1
*(u32 *)(r10 -4) = r1
r2 = r10
r2 += -4
r1 = map[idx:0]
call 1
if r0 == 0x0 goto pc+24
goto pc+20
r6 = 2
*(u32 *)(r10 -4) = r6
r2 = r10
r2 += -4
r1 = map[idx:0]
call 1
if r0 == 0x0 goto pc+16
r1 = *(u64 *)(r0 +0)
r1 += 1
*(u64 *)(r0 +0) = r1
goto pc+12
r1 = 3
*(u32 *)(r10 -4) = r1
r2 = r10
r2 += -4
r1 = map[idx:0]
call 1
if r0 == 0x0 goto pc+3
r1 = *(u64 *)(r0 +0)
r1 += 1
*(u64 *)(r0 +0) = r1
r6 = 2
r0 = r6
exit
