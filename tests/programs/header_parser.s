# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# parser of lib/bench/programs/load.bpf.c, as clang 14 -O2 made it, for xdp.
# kind xdp
# map hash 40 16 1024 0
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = 0
*(u64 *)(r10 -8) = r3
*(u64 *)(r10 -16) = r3
*(u64 *)(r10 -24) = r3
*(u64 *)(r10 -32) = r3
*(u64 *)(r10 -40) = r3
w0 = -1
r3 = r1
r3 += 14
if r3 > r2 goto pc+175
r5 = *(u8 *)(r1 +13)
r4 = *(u8 *)(r1 +12)
w4 <<= 8
w4 |= w5
w4 &= 65535
if w4 == 0x86dd goto pc+45
w0 = 0
if w4 != 0x800 goto pc+167
r4 = r1
r4 += 34
w0 = -1
if r4 > r2 goto pc+163
w0 = 2
r3 = *(u8 *)(r3 +0)
if w3 != 0x45 goto pc+160
r3 = *(u8 *)(r1 +21)
r4 = *(u8 *)(r1 +20)
w4 <<= 8
w4 &= 16128
w4 |= w3
if w4 != 0x0 goto pc+154
w3 = 4
*(u8 *)(r10 -3) = r3
r3 = *(u8 *)(r1 +23)
*(u8 *)(r10 -4) = r3
r4 = *(u32 *)(r1 +26)
*(u32 *)(r10 -40) = r4
r4 = *(u32 *)(r1 +30)
*(u32 *)(r10 -24) = r4
if w3 s> 0x10 goto pc+102
if w3 == 0x1 goto pc+104
if w3 == 0x6 goto pc+1
goto pc+142
r3 = r1
r3 += 54
if r3 > r2 goto pc+139
r2 = *(u8 *)(r1 +46)
if w2 < 0x50 goto pc+137
r2 = *(u8 *)(r1 +34)
w2 <<= 8
r3 = *(u8 *)(r1 +35)
w2 |= w3
*(u16 *)(r10 -8) = r2
r2 = *(u8 *)(r1 +36)
w2 <<= 8
r3 = *(u8 *)(r1 +37)
w2 |= w3
*(u16 *)(r10 -6) = r2
r2 = *(u8 *)(r1 +49)
r1 = *(u8 *)(r1 +48)
goto pc+48
r4 = r1
r4 += 54
if r4 > r2 goto pc+121
w0 = 2
r3 = *(u8 *)(r3 +0)
w3 &= 240
if w3 != 0x60 goto pc+117
w3 = 6
*(u8 *)(r10 -3) = r3
r3 = *(u8 *)(r1 +20)
*(u8 *)(r10 -4) = r3
r4 = *(u32 *)(r1 +22)
*(u32 *)(r10 -40) = r4
r4 = *(u32 *)(r1 +38)
*(u32 *)(r10 -24) = r4
r4 = *(u32 *)(r1 +26)
*(u32 *)(r10 -36) = r4
r4 = *(u32 *)(r1 +42)
*(u32 *)(r10 -20) = r4
r4 = *(u32 *)(r1 +30)
*(u32 *)(r10 -32) = r4
r4 = *(u32 *)(r1 +46)
*(u32 *)(r10 -16) = r4
r4 = *(u32 *)(r1 +34)
*(u32 *)(r10 -28) = r4
r4 = *(u32 *)(r1 +50)
*(u32 *)(r10 -12) = r4
if w3 s> 0x10 goto pc+24
if w3 == 0x1 goto pc+26
if w3 == 0x6 goto pc+1
goto pc+93
r3 = r1
r3 += 74
if r3 > r2 goto pc+90
r2 = *(u8 *)(r1 +66)
if w2 < 0x50 goto pc+88
r2 = *(u8 *)(r1 +54)
w2 <<= 8
r3 = *(u8 *)(r1 +55)
w2 |= w3
*(u16 *)(r10 -8) = r2
r2 = *(u8 *)(r1 +56)
w2 <<= 8
r3 = *(u8 *)(r1 +57)
w2 |= w3
*(u16 *)(r10 -6) = r2
r2 = *(u8 *)(r1 +69)
r1 = *(u8 *)(r1 +68)
w1 <<= 8
w1 |= w2
*(u16 *)(r10 -2) = r1
goto pc+60
if w3 == 0x11 goto pc+12
if w3 == 0x3a goto pc+1
goto pc+69
r3 = r1
r3 += 62
if r3 > r2 goto pc+66
r2 = *(u8 *)(r1 +58)
w2 <<= 8
r3 = *(u8 *)(r1 +59)
w2 |= w3
*(u16 *)(r10 -8) = r2
r1 = *(u8 *)(r1 +54)
goto pc+46
r3 = r1
r3 += 62
if r3 > r2 goto pc+56
r2 = *(u8 *)(r1 +59)
r3 = *(u8 *)(r1 +58)
w3 <<= 8
w3 |= w2
if w3 < 0x8 goto pc+51
r2 = *(u8 *)(r1 +54)
w2 <<= 8
r3 = *(u8 *)(r1 +55)
w2 |= w3
*(u16 *)(r10 -8) = r2
r2 = *(u8 *)(r1 +57)
r1 = *(u8 *)(r1 +56)
goto pc+28
if w3 == 0x11 goto pc+12
if w3 == 0x3a goto pc+1
goto pc+40
r3 = r1
r3 += 42
if r3 > r2 goto pc+37
r2 = *(u8 *)(r1 +38)
w2 <<= 8
r3 = *(u8 *)(r1 +39)
w2 |= w3
*(u16 *)(r10 -8) = r2
r1 = *(u8 *)(r1 +34)
goto pc+17
r3 = r1
r3 += 42
if r3 > r2 goto pc+27
r2 = *(u8 *)(r1 +39)
r3 = *(u8 *)(r1 +38)
w3 <<= 8
w3 |= w2
if w3 < 0x8 goto pc+22
r2 = *(u8 *)(r1 +34)
w2 <<= 8
r3 = *(u8 *)(r1 +35)
w2 |= w3
*(u16 *)(r10 -8) = r2
r2 = *(u8 *)(r1 +37)
r1 = *(u8 *)(r1 +36)
w1 <<= 8
w1 |= w2
*(u16 *)(r10 -6) = r1
r2 = r10
r2 += -40
r1 = map[idx:0]
call map_lookup_elem
r1 = r0
w0 = 0
if r1 == 0x0 goto pc+4
r2 = *(u64 *)(r1 +0)
r2 += 1
*(u64 *)(r1 +0) = r2
w0 = 0
exit
