/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* See interp_forms.h: plain C. */
#define EBPF_INTERP_FORM FORM_IS_SWITCH
#define ebpf_interp_run interp_run_switch
#include "core/interp.c"
