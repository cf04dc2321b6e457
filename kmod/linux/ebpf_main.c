// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ebpf.ko: the runtime in a Linux kernel. Makes the one runtime that the
 * character device and hooks like VALE share, and exports the embedding API
 * (core/ebpf.h) and what those modules need of the engine.
 */
#include "abi/version.h"
#include "core/ebpf.h"
#include "core/os.h"
#include "ebpf_linux.h"

#include <linux/init.h>
#include <linux/module.h>

int os_linux_init(void);
void os_linux_exit(void);
int os_linux_exec_init(void);
void os_linux_exec_exit(void);

static bool no_jit;
module_param(no_jit, bool, 0444);
MODULE_PARM_DESC(no_jit, "interpret every program (default: no)");
static bool interp;
module_param(interp, bool, 0444);
MODULE_PARM_DESC(interp, "allow the interpreter (default: no, JIT only)");
static bool blind;
module_param(blind, bool, 0444);
MODULE_PARM_DESC(blind, "keep programs' constants out of machine code (default: no)");
static bool speculation = true;
module_param(speculation, bool, 0444);
MODULE_PARM_DESC(speculation,
		 "harden programs against speculation (default: yes, unless the interpreter is allowed)");
static unsigned long mem_max;
module_param(mem_max, ulong, 0444);
MODULE_PARM_DESC(mem_max, "bytes of all objects (default: no limit)");
static unsigned int insns_processed;
module_param(insns_processed, uint, 0444);
MODULE_PARM_DESC(insns_processed,
		 "instructions a verification looks at (default: 1000000)");
static unsigned long verify_memory;
module_param(verify_memory, ulong, 0444);
MODULE_PARM_DESC(verify_memory,
		 "bytes of states a verification keeps (default: 64 MiB)");
static unsigned int verify_time;
module_param(verify_time, uint, 0444);
MODULE_PARM_DESC(verify_time,
		 "ms of processor time a verification takes (default: 1000)");

static struct ebpf_runtime *runtime;

struct ebpf_runtime *
ebpf_linux_runtime(void)
{
	return runtime;
}
EXPORT_SYMBOL_GPL(ebpf_linux_runtime);

static int __init
ebpf_init(void)
{
	struct ebpf_runtime_config config = {
		.size = sizeof(config),
		.no_jit = no_jit,
		.no_interp = !interp && !no_jit,
		.mem_max = mem_max,
		/* nothing keeps the interpreter from speculating */
		.harden = (speculation && !interp && !no_jit ?
				   EBPF_HARDEN_SPECULATION :
				   0) |
			  (blind && !no_jit ? EBPF_HARDEN_CONSTANTS : 0),
		.insns_processed_max = insns_processed,
		.verify_mem_max = verify_memory,
		.verify_time_ms = verify_time,
		/* 16 KiB of stack, of which others want some. */
		.tail_nest_max = 8,
	};
	int error;

	error = os_linux_init();
	if (error)
		return error;
	error = os_linux_exec_init();
	if (error)
		goto out_os;
	if (ebpf_runtime_create(&config, &runtime)) {
		error = -ENOMEM;
		goto out_exec;
	}
	return 0;
out_exec:
	os_linux_exec_exit();
out_os:
	os_linux_exit();
	return error;
}

static void __exit
ebpf_exit(void)
{
	ebpf_runtime_destroy(runtime);
	os_linux_exit();
	os_linux_exec_exit();
}

module_init(ebpf_init);
module_exit(ebpf_exit);
MODULE_DESCRIPTION("portable eBPF runtime");
MODULE_VERSION(EBPF_RELEASE);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("the gebpf authors");
