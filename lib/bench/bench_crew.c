/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Threads that begin at one moment and take what the slowest takes. Pinned,
 * because a scheduler that puts two on one processor for a while measures
 * itself; and what was not done side by side is done again, because work that
 * waits for nobody says nothing of two. Knows no suite.
 */
#include "bench/bench_crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { ATTEMPTS = 4 };

struct hand {
	const struct bench_crew *crew;
	uint64_t repeat;
	atomic_uint *ready;
	uint32_t number;
	double start, end; /* of the wall's clock; end 0: was not there */
	double spent;
};

#ifdef __linux__

_Static_assert(sizeof(((struct bench_pin *)0)->before) >= sizeof(cpu_set_t),
	       "a set of processors fits");

/* And round again, where there are fewer. */
void
bench_pin_to(struct bench_pin *pin, uint32_t n)
{
	cpu_set_t one, allowed;

	pin->pinned = false;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return;
	memcpy(pin->before, &allowed, sizeof(allowed));
	n %= (uint32_t)CPU_COUNT(&allowed);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n-- > 0)
			continue;
		CPU_SET(cpu, &one);
		pin->pinned = sched_setaffinity(0, sizeof(one), &one) == 0;
		return;
	}
}

void
bench_pin_back(struct bench_pin *pin)
{
	if (pin->pinned)
		sched_setaffinity(0, sizeof(cpu_set_t),
				  (const cpu_set_t *)(void *)pin->before);
	pin->pinned = false;
}

uint32_t
bench_crew_cpus(void)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return 1;
	return (uint32_t)CPU_COUNT(&allowed);
}

#else

void
bench_pin_to(struct bench_pin *pin, uint32_t n)
{
	pin->pinned = false;
}

void
bench_pin_back(struct bench_pin *pin)
{
}

uint32_t
bench_crew_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 ? (uint32_t)cpus : 1;
}

#endif

static void *
hand_work(void *argument)
{
	struct hand *hand = argument;
	const struct bench_crew *crew = hand->crew;
	struct bench_pin pin = { .pinned = false };

	if (crew->pinned)
		bench_pin_to(&pin, crew->turn + hand->number);
	/* not before all are there: starting a thread takes its time */
	atomic_fetch_add(hand->ready, 1);
	while (atomic_load(hand->ready) < crew->count)
		;
	hand->start = bench_wall_ns();
	hand->spent = crew->run(crew->cookies[hand->number], hand->repeat);
	hand->end = bench_wall_ns();
	bench_pin_back(&pin);
	return NULL;
}

/* What the slowest took; *beside: the part of the time in which all worked. */
static double
run_once(const struct bench_crew *crew, uint64_t repeat, double *beside)
{
	struct hand hands[BENCH_HANDS] = { { .crew = NULL } };
	double first = 0, last = 0, all_from = 0, all_to = 0, most = 0;
	pthread_t ids[BENCH_HANDS];
	atomic_uint ready = 0;
	uint32_t n, i;

	for (n = 0; n < crew->count; n++) {
		hands[n] = (struct hand){ .crew = crew,
					  .repeat = repeat,
					  .ready = &ready,
					  .number = n };
		if (n > 0 &&
		    pthread_create(&ids[n], NULL, hand_work, &hands[n]) != 0) {
			/* those that wait must not wait for ever */
			atomic_fetch_add(&ready, crew->count);
			break;
		}
	}
	hand_work(&hands[0]);
	for (i = 1; i < n; i++)
		pthread_join(ids[i], NULL);
	for (i = 0; i < crew->count; i++) {
		const struct hand *hand = &hands[i];

		if (hand->end == 0 || hand->spent < 0)
			return -1;
		if (i == 0 || hand->start < first)
			first = hand->start;
		if (i == 0 || hand->start > all_from)
			all_from = hand->start;
		if (i == 0 || hand->end < all_to)
			all_to = hand->end;
		if (hand->end > last)
			last = hand->end;
		if (hand->spent > most)
			most = hand->spent;
	}
	*beside = last > first ? (all_to - all_from) / (last - first) : 1;
	return most;
}

double
bench_crew_run(void *cookie, uint64_t repeat)
{
	struct bench_crew *crew = cookie;
	double ns = 0, beside;

	crew->turn++;
	for (uint32_t i = 0; i < ATTEMPTS; i++) {
		ns = run_once(crew, repeat, &beside);
		if (ns < 0 || !crew->pinned || beside > 0.9)
			break;
	}
	return ns;
}
