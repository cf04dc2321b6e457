/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Error codes from error.def: functions return 0 or a negative EBPF_E... */
#ifndef ABI_ERROR_H
#define ABI_ERROR_H

enum ebpf_error {
#define EBPF_ERROR(name, code, sentence) EBPF_##name = code,
#include "abi/error.def"
};

#endif
