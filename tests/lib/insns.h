/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Instructions as initialisers of struct ebpf_insn, for programs in C that are
 * short enough to be read so.
 */
#ifndef TESTS_INSNS_H
#define TESTS_INSNS_H

#include "abi/insn.h"

#define I(code, dst, src, off, imm) { code, (dst) | (src) << 4, off, imm }
#define MOV(dst, imm) I(0xb7, dst, 0, 0, imm)
#define MOVR(dst, src) I(0xbf, dst, src, 0, 0)
#define LDX(size, dst, src, off) I(0x61 | (size), dst, src, off, 0)
#define STX(size, dst, src, off) I(0x63 | (size), dst, src, off, 0)
#define W 0x00
#define H 0x08
#define B 0x10
#define DW 0x18
#define CALL(number) I(0x85, 0, 0, 0, number)
#define EXIT I(0x95, 0, 0, 0, 0)
#define LDDW(dst, src, low, high) I(0x18, dst, src, 0, low), I(0, 0, 0, 0, high)

#endif
