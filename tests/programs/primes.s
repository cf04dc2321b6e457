# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# primes of lib/bench/programs/compute.bpf.c, as clang 14 -O2 -mcpu=v3 made it.
# kind xdp
w0 = -1
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = r1
r3 += 1024
if r3 > r2 goto pc+23
w0 = 0
w4 = 3
goto pc+21
w0 = 1
if w4 > 0xe goto pc+14
w4 += 2
w6 = w4
w6 *= w6
w0 = 1
if w6 > w2 goto pc+9
w0 = w5
w0 += w4
w6 = w2
w6 /= w0
w6 *= w0
w7 = w2
w7 -= w6
w0 = 0
if w7 != 0x0 goto pc-16
w0 += w3
w4 = w2
w4 += 2
if w2 < 0x102 goto pc+1
exit
w3 = w0
w2 = w4
w0 = 1
if w2 < 0x9 goto pc-9
w4 = 3
r5 = *(u8 *)(r1 +0)
goto pc-21
