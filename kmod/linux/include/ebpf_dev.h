/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the files of ebpf_dev.ko share: ebpf_dev_main.c has the node and its
 * open files, ebpf_dev_share.c memory of maps that processes map.
 */
#ifndef EBPF_DEV_H
#define EBPF_DEV_H

#include "device/device.h"

struct vm_area_struct;

/*
 * mmap(2), abi/chardev.h. Called with the process's memory locked, for which a
 * call may wait that has locked the session: so that lock is not for this.
 */
int ebpf_dev_share(struct ebpf_session *session, struct vm_area_struct *area);

#endif
