/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The C library lists here which of its functions are stubs on the host's
 * architecture; for an architecture it does not know, BPF, it asks for a file
 * of 32-bit hosts that is rarely installed. A BPF program has no C library.
 */
