# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# lcg of lib/bench/programs/compute.bpf.c, as clang 14 -O2 -mcpu=v3 made it.
# kind xdp
w0 = -1
r3 = *(u32 *)(r1 +4)
r2 = *(u32 *)(r1 +0)
r1 = r2
r1 += 1024
if r1 > r3 goto pc+12
w1 = 4000
r0 = *(u32 *)(r2 +0)
r2 = 0x5851f42d4c957f2d
r3 = 0x14057b7ef767814f
r0 *= r2
r0 += r3
w1 += -1
if w1 == 0x0 goto pc+1
goto pc-5
r0 >>= 33
exit
