// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Compiled programs on all CPUs at once, in processes and in softirqs: does
 * the code that the JIT puts in place of a per-CPU lookup find this CPU's
 * copy? The program writes through the function that asks the kernel where it
 * runs, and reads through the compiled code; what it reads must be what this
 * run wrote, the number it is told ours, and at the end each copy must have
 * counted the runs of its CPU. insmod fails when something is wrong. Loaded by
 * the guest's tests only.
 */
#include "core/ebpf.h"

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync del_timer_sync
#endif

static unsigned int ticks = 60; /* of each CPU's timer */
module_param(ticks, uint, 0);
MODULE_PARM_DESC(ticks, "how often softirqs run the program on each CPU");

enum {
	KEY = 2,
	RUNS = 16, /* in one section */
	PROCESS_RUNS = 64 * RUNS, /* at least, of processes on each CPU */
	MAPS = 3,
	SEEN = 3, /* what the first map keeps: owner, token, and one more */
};

/* The program's memory. */
struct view {
	u64 owner, token, spare; /* written to the copy as they are */
	u64 seen_owner, seen_token;
	u64 cpu;
};

/*
 * Map 0: owner and token; 1: runs, read, a while, written; 2: the same in a
 * hash. r6 = view, the key below the frame's end.
 */
static const struct ebpf_insn code[] = {
	{ .code = 0xbf, .regs = 0x16 },			  /* r6 = r1 */
	{ .code = 0x62, .regs = 0x0a, .off = -4, .imm = KEY },

	{ .code = 0x18, .regs = 0x51 }, { 0 },		  /* r1 = map 0 */
	{ .code = 0xbf, .regs = 0xa2 },
	{ .code = 0x07, .regs = 0x02, .imm = -4 },
	{ .code = 0xbf, .regs = 0x63 },			  /* r3 = view */
	{ .code = 0xb7, .regs = 0x04 },
	{ .code = 0x85, .imm = 2 },			  /* update */
	{ .code = 0x55, .regs = 0x00, .off = 36 },	  /* != 0: exit */

	{ .code = 0x18, .regs = 0x51 }, { 0 },
	{ .code = 0xbf, .regs = 0xa2 },
	{ .code = 0x07, .regs = 0x02, .imm = -4 },
	{ .code = 0x85, .imm = 1 },			  /* lookup */
	{ .code = 0x15, .regs = 0x00, .off = 29 },	  /* NULL: r0 = 1 */
	{ .code = 0x79, .regs = 0x01 },			  /* owner */
	{ .code = 0x7b, .regs = 0x16, .off = 24 },
	{ .code = 0x79, .regs = 0x01, .off = 8 },	  /* token */
	{ .code = 0x7b, .regs = 0x16, .off = 32 },

	{ .code = 0x18, .regs = 0x51, .imm = 1 }, { 0 },  /* map 1 */
	{ .code = 0xbf, .regs = 0xa2 },
	{ .code = 0x07, .regs = 0x02, .imm = -4 },
	{ .code = 0x85, .imm = 1 },
	{ .code = 0x15, .regs = 0x00, .off = 19 },
	{ .code = 0x79, .regs = 0x07 },			  /* r7 = runs */
	{ .code = 0xb7, .regs = 0x01, .imm = 64 },
	{ .code = 0x17, .regs = 0x01, .imm = 1 },	  /* a while */
	{ .code = 0x55, .regs = 0x01, .off = -2 },
	{ .code = 0x07, .regs = 0x07, .imm = 1 },
	{ .code = 0x7b, .regs = 0x70 },

	{ .code = 0x18, .regs = 0x51, .imm = 2 }, { 0 },  /* map 2 */
	{ .code = 0xbf, .regs = 0xa2 },
	{ .code = 0x07, .regs = 0x02, .imm = -4 },
	{ .code = 0x85, .imm = 1 },
	{ .code = 0x15, .regs = 0x00, .off = 7 },
	{ .code = 0x79, .regs = 0x01 },
	{ .code = 0x07, .regs = 0x01, .imm = 1 },
	{ .code = 0x7b, .regs = 0x10 },

	{ .code = 0x85, .imm = 8 },			  /* CPU's number */
	{ .code = 0x7b, .regs = 0x06, .off = 40 },
	{ .code = 0xb7 },
	{ .code = 0x05, .off = 1 },
	{ .code = 0xb7, .imm = 1 },
	{ .code = 0x95 },
};

static struct ebpf_runtime *rt;
static struct ebpf_map *maps[MAPS];
static struct ebpf_prog *prog;
static atomic64_t tokens = ATOMIC64_INIT(0);
static atomic_t wrong = ATOMIC_INIT(0);
static u32 stop;

/* Changed by whoever runs there, softirqs being off: as the copies are. */
struct station {
	struct timer_list timer;
	struct completion done;
	struct task_struct *task;
	unsigned int cpu, ticks;
	u64 softirq, process; /* runs */
};
static DEFINE_PER_CPU(struct station, stations);

/* Some runs on this CPU, and what each has seen. */
static void
run_some(bool softirq)
{
	struct ebpf_section section;
	struct station *here;
	struct view view;
	u64 error;
	u32 i;

	ebpf_section_enter(&section);
	here = this_cpu_ptr(&stations);
	for (i = 0; i < RUNS; i++) {
		memset(&view, 0xff, sizeof(view));
		view.owner = here->cpu + 1;
		view.token = atomic64_inc_return(&tokens);
		error = ebpf_prog_run_raw(prog, &view, sizeof(view));
		if (error || view.seen_owner != view.owner ||
		    view.seen_token != view.token || view.cpu != here->cpu) {
			if (atomic_inc_return(&wrong) <= 4)
				pr_info("percpu_runs: cpu %u: program %lld, "
					"copy of %lld, token %llu for %llu, "
					"told %lld\n", here->cpu, (s64)error,
					(s64)view.seen_owner - 1,
					view.seen_token, view.token,
					(s64)view.cpu);
		}
		if (softirq)
			here->softirq++;
		else
			here->process++;
	}
	ebpf_section_leave(&section);
}

static void
tick(struct timer_list *timer)
{
	struct station *here = container_of(timer, struct station, timer);

	if (!in_serving_softirq() || here->cpu != raw_smp_processor_id())
		atomic_inc(&wrong);
	run_some(true);
	if (++here->ticks >= ticks)
		complete(&here->done);
	else
		mod_timer(timer, jiffies + 1); /* stays on its CPU: pinned */
}

/* From CPU to CPU, where softirqs come in between. */
static int
process(void *arg)
{
	unsigned int cpu = (unsigned int)(uintptr_t)arg;

	while (!READ_ONCE(stop)) {
		run_some(false);
		cond_resched();
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Do the copies agree with what was run? */
static int
check_copies(u64 *copies)
{
	u64 softirq = 0, migrated = 0;
	u32 key = KEY, i;
	unsigned int cpu;
	int bad = 0;

	for (i = 1; i < MAPS; i++) {
		if (ebpf_map_read(maps[i], &key, copies))
			return -EINVAL;
		for_each_online_cpu(cpu) {
			struct station *s = per_cpu_ptr(&stations, cpu);

			if (copies[cpu] != s->softirq + s->process) {
				pr_info("percpu_runs: map %u, cpu %u: %llu of "
					"%llu runs\n", i, cpu, copies[cpu],
					s->softirq + s->process);
				bad++;
			}
		}
	}
	if (ebpf_map_read(maps[0], &key, copies))
		return -EINVAL;
	for_each_online_cpu(cpu) {
		struct station *s = per_cpu_ptr(&stations, cpu);

		if (copies[cpu * SEEN] != cpu + 1) {
			pr_info("percpu_runs: cpu %u: its copy is of %lld\n",
				cpu, (s64)copies[cpu * SEEN] - 1);
			bad++;
		}
		softirq += s->softirq;
		migrated += s->process;
	}
	pr_info("percpu_runs: %u cpus, %llu runs in softirqs, %llu in "
		"processes: %d wrong, copies: %d wrong\n", num_online_cpus(),
		softirq, migrated, atomic_read(&wrong), bad);
	return bad || atomic_read(&wrong) ? -EINVAL : 0;
}

static int
make(void)
{
	static const struct ebpf_map_spec specs[MAPS] = {
		{ .size = sizeof(specs[0]), .kind = EBPF_MAP_PERCPU_ARRAY,
		  .key_size = 4, .value_size = SEEN * 8, .max_entries = 5 },
		{ .size = sizeof(specs[0]), .kind = EBPF_MAP_PERCPU_ARRAY,
		  .key_size = 4, .value_size = 8, .max_entries = 3 },
		{ .size = sizeof(specs[0]), .kind = EBPF_MAP_PERCPU_HASH,
		  .key_size = 4, .value_size = 8, .max_entries = 4 },
	};
	struct ebpf_load load = {
		.size = sizeof(load), .kind = EBPF_PROG_RAW,
		.mem_size = sizeof(struct view),
		.insns = code, .insn_count = ARRAY_SIZE(code),
		.engine = EBPF_LOAD_JIT, .maps = maps, .map_count = MAPS,
	};
	struct ebpf_runtime_config config = { .size = sizeof(config),
					      .verify_time_ms = 60000 };
	u32 key = KEY, i;
	u64 *zeros;
	int error;

	error = ebpf_runtime_create(&config, &rt);
	for (i = 0; !error && i < MAPS; i++)
		error = ebpf_map_create(rt, &specs[i], &maps[i]);
	if (!error) {
		zeros = kcalloc(nr_cpu_ids, sizeof(*zeros), GFP_KERNEL);
		error = zeros ? ebpf_map_write(maps[2], &key, zeros, EBPF_ANY) :
				-EBPF_ENOMEM;
		kfree(zeros);
	}
	if (!error)
		error = ebpf_prog_load(rt, &load, &prog);
	if (error)
		pr_info("percpu_runs: %s\n", ebpf_error_name(error));
	return error;
}

/* The program by a timer and a process of each CPU, all at once. */
static int
run_all(void)
{
	struct station *s;
	unsigned int cpu;
	int error = 0;

	for_each_online_cpu(cpu) {
		s = per_cpu_ptr(&stations, cpu);
		s->cpu = cpu;
		init_completion(&s->done);
		timer_setup(&s->timer, tick, TIMER_PINNED);
		s->timer.expires = jiffies + 1;
	}
	for_each_online_cpu(cpu) {
		s = per_cpu_ptr(&stations, cpu);
		s->task = kthread_run(process, (void *)(uintptr_t)cpu,
				      "percpu_runs/%u", cpu);
		if (IS_ERR(s->task))
			error = PTR_ERR(s->task);
		add_timer_on(&s->timer, cpu);
	}
	for_each_online_cpu(cpu) {
		s = per_cpu_ptr(&stations, cpu);
		wait_for_completion(&s->done);
		while (!error && READ_ONCE(s->process) < PROCESS_RUNS)
			schedule_timeout_uninterruptible(1);
	}
	WRITE_ONCE(stop, 1);
	for_each_online_cpu(cpu) {
		s = per_cpu_ptr(&stations, cpu);
		timer_delete_sync(&s->timer);
		if (!IS_ERR(s->task))
			kthread_stop(s->task);
	}
	return error;
}

static int __init
percpu_runs_init(void)
{
	u64 *copies = kcalloc((size_t)nr_cpu_ids * SEEN, sizeof(*copies),
			      GFP_KERNEL);
	int error = -EINVAL;
	u32 i;

	if (copies && !make()) {
		cpus_read_lock();
		error = run_all();
		if (!error)
			error = check_copies(copies);
		cpus_read_unlock();
	}
	ebpf_prog_put(prog);
	for (i = 0; i < MAPS; i++)
		ebpf_map_put(maps[i]);
	if (rt)
		ebpf_runtime_destroy(rt);
	kfree(copies);
	return error;
}

static void __exit
percpu_runs_exit(void)
{
}

module_init(percpu_runs_init);
module_exit(percpu_runs_exit);
MODULE_DESCRIPTION("tests of gebpf: per-CPU copies under compiled programs");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("the gebpf authors");
