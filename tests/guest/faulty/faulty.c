// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A module that embeds the runtime as any other may (core/ebpf.h), and one that
 * does what must not go unnoticed: insmod faulty.ko what=... Loaded by the
 * guest's tests only.
 */
#include "core/ebpf.h"
#include "core/os.h"

#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/slab.h>

static char *what = "";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "embed, pin, or a fault: warn, overflow, atomic, leak, oops, hang");

/* r0 = value of map 0, plus the length of the memory. */
static const struct ebpf_insn code[] = {
	{ .code = 0x18, .regs = 0x61 }, { 0 }, /* r1 = value of map 0 */
	{ .code = 0x79, .regs = 0x10 },	       /* r0 = *(u64 *)r1 */
	{ .code = 0x0f, .regs = 0x20 },	       /* r0 += r2 */
	{ .code = 0x95 },
};

/* A runtime of our own: a map, a program that reads it, a run; all of it gone. */
static int
embed(void)
{
	struct ebpf_map_spec spec = {
		.size = sizeof(spec), .kind = EBPF_MAP_ARRAY,
		.key_size = 4, .value_size = 8, .max_entries = 1,
	};
	struct ebpf_map *map = NULL;
	struct ebpf_load load = {
		.size = sizeof(load), .kind = EBPF_PROG_RAW,
		.insns = code, .insn_count = ARRAY_SIZE(code),
		.engine = EBPF_LOAD_JIT, .maps = &map, .map_count = 1,
	};
	struct ebpf_runtime *rt = NULL;
	struct ebpf_prog *prog = NULL;
	struct ebpf_section section;
	u64 value = 40, memory[2] = { 0 }, got = 0;
	u32 key = 0;
	int error;

	error = ebpf_runtime_create(NULL, &rt);
	if (error)
		goto out;
	error = ebpf_map_create(rt, &spec, &map);
	if (error)
		goto out;
	error = ebpf_map_write(map, &key, &value, EBPF_ANY);
	if (error)
		goto out;
	error = ebpf_prog_load(rt, &load, &prog);
	if (error)
		goto out;
	ebpf_section_enter(&section);
	got = ebpf_prog_run_raw(prog, memory, sizeof(memory));
	ebpf_section_leave(&section);
out:
	pr_info("faulty: embedded: %s, the program says %llu\n",
		error ? ebpf_error_name(error) : "fine", got);
	ebpf_prog_put(prog);
	ebpf_map_put(map);
	if (rt)
		ebpf_runtime_destroy(rt);
	return error || got != 56 ? -EINVAL : 0;
}

/* ---- pinned, and interrupts in between ---- */

static u32 seen[3], tasks; /* what interrupts and softirqs saw and did */

static void
task_run(struct tasklet_struct *task)
{
	tasks++;
}

static DECLARE_TASKLET(task, task_run);

/* In an interrupt, with a softirq waiting for the end of it. */
static void
interrupt(struct irq_work *work)
{
	tasklet_schedule(&task);
	os_cpu_pin();
	seen[0] = 1 + os_linux_interrupts();
	os_cpu_pin(); /* nests */
	seen[1] = 1 + os_linux_interrupts();
	os_cpu_unpin();
	os_cpu_unpin();
	WRITE_ONCE(seen[2], 1 + !!in_hardirq());
}

/* Who is interrupted while pinned is seen; softirqs come after that, all. */
static int
pin(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(interrupt);
	int bad = 0;

	preempt_disable();
	irq_work_queue(&work);
	while (!READ_ONCE(seen[2]))
		cpu_relax();
	preempt_enable();
	irq_work_sync(&work);
	bad |= (seen[0] != 1 || seen[1] != 2 || seen[2] != 2) << 0;

	memset(seen, 0, sizeof(seen));
	tasklet_kill(&task);
	os_cpu_pin();
	tasks = 0;
	irq_work_queue(&work);
	while (!READ_ONCE(seen[2]))
		cpu_relax();
	bad |= (os_linux_interrupts() || seen[0] != 2 || seen[1] != 2) << 1;
	bad |= (tasks != 0) << 2;
	os_cpu_unpin();
	irq_work_sync(&work);
	tasklet_kill(&task);
	bad |= (READ_ONCE(tasks) != 1) << 3;
	bad |= (softirq_count() != 0) << 4;
	pr_info("faulty: pinned: %d\n", bad);
	return bad ? -EINVAL : 0;
}

static int __init
faulty_init(void)
{
	volatile char *memory;

	if (!strcmp(what, "embed"))
		return embed();
	if (!strcmp(what, "pin"))
		return pin();
	if (!strcmp(what, "warn")) {
		WARN(1, "faulty: on purpose\n");
	} else if (!strcmp(what, "overflow")) {
		memory = kmalloc(64, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(memory);
		if (memory)
			memory[64] = 1;
		kfree((void *)memory);
	} else if (!strcmp(what, "atomic")) {
		local_bh_disable();
		msleep(1);
		local_bh_enable();
	} else if (!strcmp(what, "leak")) {
		memory = os_alloc(100);
		OPTIMIZER_HIDE_VAR(memory);
	} else if (!strcmp(what, "oops")) {
		memory = (char *)8;
		OPTIMIZER_HIDE_VAR(memory);
		*memory = 1;
	} else if (!strcmp(what, "hang")) {
		for (;;)
			msleep(1000);
	} else {
		return -EINVAL;
	}
	return 0;
}

static void __exit
faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_DESCRIPTION("tests of gebpf: the runtime embedded, faults on purpose");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("the gebpf authors");
