# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# sort of lib/bench/programs/compute.bpf.c, as clang 14 -O2 -mcpu=v3 made it.
# kind xdp
w0 = -1
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = r1
r3 += 1024
if r3 > r2 goto pc+25
r2 = 0
r3 = r1
r3 += r2
r4 = *(u32 *)(r3 +0)
*(u32 *)(r3 +512) = r4
r2 += 4
if r2 == 0x80 goto pc+1
goto pc-7
w2 = 0
goto pc+2
w2 += 1
if w2 == 0x1f goto pc+12
r3 = 0
goto pc+2
r3 += 4
if r3 == 0x7c goto pc-6
r4 = r1
r4 += r3
r5 = *(u32 *)(r4 +512)
r0 = *(u32 *)(r4 +516)
if w5 <= w0 goto pc-7
*(u32 *)(r4 +512) = r0
*(u32 *)(r4 +516) = r5
goto pc-10
r0 = *(u32 *)(r1 +532)
exit
