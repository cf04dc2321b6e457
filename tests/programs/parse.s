# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# parse of lib/bench/programs/compute.bpf.c, as clang 14 -O2 -mcpu=v3 made it.
# kind xdp
w0 = -1
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = r1
r3 += 1024
if r3 > r2 goto pc+90
w2 = 0
w0 = 0
goto pc+2
w2 += 1
if w2 == 0xc goto pc+85
r3 = 0
goto pc+25
r7 += r3
r7 += r1
w0 = 3
r6 = *(u8 *)(r7 +0)
w6 &= 240
if w6 != 0x60 goto pc+15
w6 = w5
w6 += 8
r6 += r3
r6 += r1
w0 = 4
r7 = *(u8 *)(r6 +0)
if w7 != 0x6 goto pc+8
r7 = *(u32 *)(r6 +2)
r0 = *(u32 *)(r6 +18)
w0 ^= w7
w5 += 55
r5 += r3
r5 += r1
r5 = *(u8 *)(r5 +0)
w0 ^= w5
w4 *= 3
w0 += w4
r3 += 64
if r3 == 0x380 goto pc-29
w4 = w0
r0 = r1
r0 += r3
r5 = *(u8 *)(r0 +13)
r6 = *(u8 *)(r0 +12)
w6 <<= 8
w6 |= w5
if w6 == 0x8100 goto pc+2
w5 = 12
if w6 != 0x88a8 goto pc+5
r5 = *(u8 *)(r0 +17)
r6 = *(u8 *)(r0 +16)
w6 <<= 8
w6 |= w5
w5 = 16
if w6 != 0x8100 goto pc+12
w0 = w5
w0 += 5
r0 += r3
w5 += 4
r6 = r5
r6 += r3
r6 += r1
r0 += r1
r0 = *(u8 *)(r0 +0)
r6 = *(u8 *)(r6 +0)
w6 <<= 8
w6 |= w0
w7 = w5
w7 += 2
if w6 == 0x86dd goto pc-56
w0 = 5
if w6 != 0x800 goto pc-37
r7 += r3
r7 += r1
w0 = 1
r6 = *(u8 *)(r7 +0)
if w6 != 0x45 goto pc-42
w6 = w5
w6 += 11
r0 = r6
r0 += r3
r0 += r1
r7 = *(u8 *)(r0 +0)
if w7 == 0x11 goto pc+9
w0 = 2
if w7 != 0x6 goto pc-51
r6 += r3
r6 += r1
r7 = *(u32 *)(r6 +7)
r0 = *(u32 *)(r6 +11)
w0 ^= w7
w5 += 35
goto pc-62
r5 = *(u32 *)(r0 +3)
r0 = *(u32 *)(r0 +11)
w0 += w5
goto pc-62
exit
