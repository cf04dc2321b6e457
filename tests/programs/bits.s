# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# bits of lib/bench/programs/compute.bpf.c, as clang 14 -O2 -mcpu=v3 made it.
# kind xdp
w0 = -1
r3 = *(u32 *)(r1 +4)
r2 = *(u32 *)(r1 +0)
r1 = r2
r1 += 1024
if r1 > r3 goto pc+46
r7 = 0
w1 = 600
r4 = *(u32 *)(r2 +0)
r4 |= 1
r2 = 0x5555555555555555
r3 = 0x3333333333333333
r5 = 0xf0f0f0f0f0f0f0f
r6 = 0x101010101010101
r0 = r4
r0 <<= 13
r0 ^= r4
r8 = r0
r8 >>= 7
r8 ^= r0
r4 = r8
r4 <<= 17
r4 ^= r8
r0 = r4
r0 >>= 1
r0 &= r2
r8 = r4
r8 -= r0
r0 = r8
r0 &= r3
r8 >>= 2
r8 &= r3
r8 += r0
r0 = r8
r0 >>= 4
r0 += r8
r0 &= r5
r0 *= r6
r0 >>= 56
r0 += r7
r7 = r0
r7 >>= 59
r0 <<= 5
r0 |= r7
w1 += -1
r7 = r0
if w1 == 0x0 goto pc+1
goto pc-34
exit
