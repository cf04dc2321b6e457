// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Unit tests, the very files that run in a process, in a kernel, with an engine
 * of their own: insmod inside_tests.ko test=map_test runs one, and what it says
 * is in /proc/inside_tests until the module goes. Not beside ebpf.ko, whose
 * symbols it has as well. Loaded by the guest's tests only.
 */
#include "hooks.h"
#include "tap.h"

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

enum { TEXT = 1 << 20 };

static char *test = "";
module_param(test, charp, 0);
MODULE_PARM_DESC(test, "which test to run");

int os_linux_init(void);
void os_linux_exit(void);
int os_linux_exec_init(void);
void os_linux_exec_exit(void);

static const struct {
	const char *name;
	int (*main)(void);
} tests[] = {
	{ "lpm_test", main_lpm_test },
	{ "map_array_test", main_map_array_test },
	{ "map_demand_test", main_map_demand_test },
	{ "map_hash_test", main_map_hash_test },
	{ "map_home_test", main_map_home_test },
	{ "map_in_map_test", main_map_in_map_test },
	{ "map_reuse_test", main_map_reuse_test },
	{ "map_test", main_map_test },
	{ "queue_test", main_queue_test },
};

/* ---- tap.h ---- */

static char *text;
static size_t text_len;
static unsigned int count, failed;

static void
say_list(const char *format, va_list args)
{
	text_len += vscnprintf(text + text_len, TEXT - text_len, format, args);
}

static void __printf(1, 2)
say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_list(format, args);
	va_end(args);
}

bool
tap_ok(bool pass, const char *name, ...)
{
	va_list args;

	say("%sok %u - ", pass ? "" : "not ", ++count);
	va_start(args, name);
	say_list(name, args);
	va_end(args);
	say("\n");
	failed += !pass;
	return pass;
}

void
tap_skip(const char *why, const char *name, ...)
{
	va_list args;

	say("ok %u - ", ++count);
	va_start(args, name);
	say_list(name, args);
	va_end(args);
	say(" # SKIP %s\n", why);
}

void
tap_diag(const char *format, ...)
{
	va_list args;

	say("# ");
	va_start(args, format);
	say_list(format, args);
	va_end(args);
	say("\n");
}

int
tap_done(void)
{
	say("1..%u\n", count);
	return failed != 0;
}

/* ---- the module ---- */

static int
show(struct seq_file *file, void *unused)
{
	seq_write(file, text, text_len);
	return 0;
}

static int __init
inside_tests_init(void)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (!strcmp(tests[i].name, test))
			break;
	if (i == ARRAY_SIZE(tests))
		return -EINVAL;
	text = vmalloc(TEXT);
	if (!text)
		return -ENOMEM;
	error = os_linux_init();
	if (error)
		goto out_text;
	error = os_linux_exec_init();
	if (error)
		goto out_os;
	tests[i].main();
	if (!proc_create_single("inside_tests", 0400, NULL, show)) {
		error = -ENOMEM;
		goto out_exec;
	}
	return 0;
out_exec:
	os_linux_exec_exit();
out_os:
	os_linux_exit();
out_text:
	vfree(text);
	return error;
}

static void __exit
inside_tests_exit(void)
{
	remove_proc_entry("inside_tests", NULL);
	os_linux_exit();
	os_linux_exec_exit();
	vfree(text);
}

module_init(inside_tests_init);
module_exit(inside_tests_exit);
MODULE_DESCRIPTION("tests of gebpf: unit tests of maps in a kernel");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_AUTHOR("the gebpf authors");
