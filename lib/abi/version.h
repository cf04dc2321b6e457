/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The release, said once: device, libraries, command and packages show it. */
#ifndef ABI_VERSION_H
#define ABI_VERSION_H

#define EBPF_RELEASE "0.1.0"

#endif
