/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Everything about switches at once, from several threads: making, destroying,
 * ports, links, replays, questions, while frames move; and a stop in the
 * middle. Right answers are vswitch_test's; here nothing may crash, hang, race
 * or leak, and errors must be ones that make sense.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "core/link.h"
#include "core/os.h"
#include "core/prog.h"
#include "host/vswitch.h"
#include "tap.h"

enum {
	THREADS = 4,
	STEPS = 1500,
	SWITCHES = 3,
	FRAMES = 500,
};

static const struct ebpf_switch_ops *const ops = &ebpf_vswitch_ops;
static struct ebpf_runtime *rt;
static struct ebpf_vswitch *set;
static struct ebpf_prog *progs[2];
static char in_path[96];
static uint32_t done[12], odd; /* atomic: successes by step; strange errors */

static uint32_t
chance(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 33) % below;
}

static struct ebpf_prog *
load(int32_t verdict)
{
	struct ebpf_insn insns[2] = {
		{ .code = 0xb7, .imm = verdict },
		{ .code = 0x95 },
	};
	struct ebpf_load request = {
		.size = sizeof(request),
		.kind = EBPF_PROG_VALE,
		.insns = insns,
		.insn_count = 2,
	};
	struct ebpf_prog *prog = NULL;

	ebpf_prog_load(rt, &request, &prog);
	return prog;
}

static int
step(uint32_t what, const char *name, uint64_t *state,
     struct ebpf_link **link)
{
	struct ebpf_rep_switch_info info;
	struct ebpf_rep_port_info port;
	struct ebpf_pair_end *end;
	uint8_t frame[64] = { 0xff };
	char spec[256], why[256];
	struct ebpf_link *made;
	uint32_t i;
	int error;

	switch (what) {
	case 0:
		return ops->create(set, name, 0);
	case 1:
		return chance(state, 4) ? 0 : ops->destroy(set, name);
	case 2:
		snprintf(spec, sizeof(spec), "pair:p%u", chance(state, 4));
		return ops->port_add(set, name, "", spec, &port, why,
				     sizeof(why));
	case 3:
		snprintf(spec, sizeof(spec), "pcap:%s,/dev/null", in_path);
		return ops->port_add(set, name, "", spec, &port, why,
				     sizeof(why));
	case 4:
		return ops->port_del(set, name, chance(state, 6), "");
	case 5:
		return ops->start(set, name, chance(state, 4), &info);
	case 6:
		error = ops->info(set, name, &info);
		return error ? error : ops->next(set, "", &info);
	case 7:
		return ops->port_info(set, name, chance(state, 4), &port);
	case 8:
		error = ebpf_link_create(rt, EBPF_HOOK_VALE, name,
					 progs[chance(state, 2)],
					 chance(state, 2), 0, &made);
		if (error)
			return error;
		if (*link)
			ebpf_object_put(&(*link)->obj);
		*link = made;
		return 0;
	case 9:
		return *link ? ebpf_link_update(*link, progs[chance(state, 2)],
						NULL) : 0;
	case 10:
		return *link && !chance(state, 3) ? ebpf_link_detach(*link) : 0;
	default:
		snprintf(spec, sizeof(spec), "p%u", chance(state, 4));
		error = ebpf_pair_open(set, spec, &end);
		if (error)
			return error;
		for (i = 0; i < 100; i++)
			ebpf_pair_put(end, frame, sizeof(frame));
		ebpf_pair_flush(end);
		ebpf_pair_close(end);
		return 0;
	}
}

static bool
sensible(int error)
{
	return !error || error == -EBPF_ENOENT || error == -EBPF_EEXIST ||
	       error == -EBPF_EBUSY || error == -EBPF_ESTALE ||
	       error == -EBPF_ECANCELED || error == -EBPF_EINVAL;
}

static void *
thread_main(void *number)
{
	uint64_t state = 88172645463325252ull + (uintptr_t)number * 104729;
	struct ebpf_link *link = NULL;
	char name[16];
	uint32_t i, what;
	int error;

	for (i = 0; i < STEPS; i++) {
		what = chance(&state, 12);
		snprintf(name, sizeof(name), "vale%u", chance(&state, SWITCHES));
		error = step(what, name, &state, &link);
		if (!error)
			os_add_relaxed(&done[what], 1);
		if (!sensible(error))
			os_add_relaxed(&odd, 1);
	}
	if (link)
		ebpf_object_put(&link->obj);
	return NULL;
}

static void
run(bool stop)
{
	pthread_t threads[THREADS];
	uint64_t live = os_test_live();
	uint32_t i, kinds = 0;

	memset(done, 0, sizeof(done));
	if (ebpf_runtime_create(NULL, &rt) || ebpf_vswitch_create(rt, &set)) {
		tap_ok(false, "a runtime");
		return;
	}
	progs[0] = load(0);
	progs[1] = load(EBPF_VALE_BROADCAST);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main,
			       (void *)(uintptr_t)(i + 1));
	if (stop) {
		while (os_load(&done[5]) < STEPS / 50)
			usleep(100);
		ebpf_vswitch_stop(set);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 12; i++)
		kinds += done[i] > 0;
	tap_ok(kinds == 12, "every step has worked at times (%u of 12)", kinds);
	tap_ok(odd == 0, "no strange error (%u)", odd);
	ebpf_prog_put(progs[0]);
	ebpf_prog_put(progs[1]);
	ebpf_vswitch_destroy(set);
	ebpf_runtime_destroy(rt);
	os_epoch_drain();
	tap_ok(os_test_live() == live, "nothing is left (%lld)",
	       (long long)(os_test_live() - live));
}

int
main(void)
{
	uint8_t frame[60] = { 0xff };
	uint32_t i;
	FILE *file;

	snprintf(in_path, sizeof(in_path), "/tmp/gebpf-race-%d.pcap",
		 (int)getpid());
	file = capture_create(in_path, false, 1);
	for (i = 0; i < FRAMES; i++)
		capture_put(file, false, i * 1000, frame, sizeof(frame),
			    sizeof(frame));
	fclose(file);
	run(false);
	run(true);
	unlink(in_path);
	return tap_done();
}
