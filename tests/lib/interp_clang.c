/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See interp_forms.h: compiled by clang, whoever compiles the rest. */
#define ebpf_interp_run interp_run_clang
#include "core/interp.c"
