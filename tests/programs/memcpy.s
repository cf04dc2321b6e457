# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# memcpy of lib/bench/programs/compute.bpf.c, as clang 14 -O2 -mcpu=v3 made it.
# kind xdp
w0 = -1
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = r1
r3 += 1024
if r3 > r2 goto pc+13
w2 = 0
r3 = 0
r4 = r1
r4 += r3
r5 = *(u64 *)(r4 +0)
*(u64 *)(r4 +512) = r5
r3 += 8
if r3 == 0x200 goto pc+1
goto pc-7
w2 += 1
if w2 == 0x10 goto pc+1
goto pc-11
r0 = *(u8 *)(r1 +521)
exit
