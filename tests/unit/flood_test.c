/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs that write records as fast as they can, in two processes, and
 * readers in another: every record is read once and whole, or counted as lost.
 * A reader that is killed takes at most what it had asked for with it, a reader
 * with nothing to read sleeps, and no wake is lost. Says how fast it went.
 *
 *	flood_test [--device kernel] [--records N]	else a daemon of its own
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "daemon.h"
#include "remote.h"
#include "tap.h"

enum {
	PRODUCERS = 2,
	BURST = 500,   /* runs of a request */
	WORDS = 9,     /* of the longest record */
	RING = 512 << 10,
	UNREAD = 15000, /* runs that a ring has no room for */
	ASK = 64,      /* records a killed reader takes with it, at most */
	ROUNDS = 300,  /* of a record each that somebody waits for */
	IDLE_MS = 1000,
};

enum way { OUTPUT, RESERVE, PERF, WAYS };
static const char *const way_names[WAYS] = {
	"ringbuf_output", "ringbuf_reserve", "perf_event_output",
};

/* Shared by all processes of a flood; who writes what stands behind it. */
static struct books {
	uint64_t taken, lost, bytes;  /* the readers, one after the other */
	uint64_t twice, bad, unknown; /* records */
	uint64_t busy_ns;	      /* the last reader */
	uint32_t ended;		      /* the parent: no more will come */
	uint8_t seen[];		      /* the readers: of each number */
} *books;
static uint32_t numbers = 200000; /* records that may be written, all in all */

/* What programs count themselves: the value of the first map. */
struct counts {
	uint64_t begun, written, refused, dropped;
};

static struct gebpf_device *device;
static enum way way;
static uint32_t counts_map, ring, prog;
static uint64_t begin_ns, end_ns;

static uint64_t
now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- the program ---- */

static char text[4096];

static void
line(const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
}

/* Word i of record n: n * 2654435 + i; of the first, n itself. */
static uint64_t
word_of(uint64_t n, uint32_t i)
{
	return i == 0 ? n : n * 2654435 + i;
}

/* r7 = n: its words from r8 on. */
static void
fill_text(void)
{
	uint32_t i;

	line("*(u64 *)(r8 +0) = r7\n"
	     "r1 = r7\n"
	     "r1 *= 2654435\n");
	for (i = 1; i < WORDS; i++)
		line("r1 += 1\n"
		     "*(u64 *)(r8 +%u) = r1\n", i * 8);
}

/*
 * r6 = the counts, r7 = the number of this record. Records of output are 2 to
 * 9 words, as their number says; of reserve all 9, and every eighth is dropped.
 */
static void
prog_text(void)
{
	text[0] = '\0';
	line("r9 = r1\n"
	     "*(u32 *)(r10 -4) = 0\n"
	     "r1 = map[idx:0]\n"
	     "r2 = r10\n"
	     "r2 += -4\n"
	     "call map_lookup_elem\n"
	     "if r0 == 0 goto none\n"
	     "r6 = r0\n"
	     "r7 = 1\n"
	     "r7 = atomic64_fetch_add((u64 *)(r6 +0), r7)\n");
	if (way == RESERVE) {
		line("r1 = map[idx:1]\n"
		     "r2 = 72\n"
		     "r3 = 0\n"
		     "call ringbuf_reserve\n"
		     "if r0 == 0 goto refused\n"
		     "r8 = r0\n");
		fill_text();
		line("r1 = r8\n"
		     "r2 = 0\n"
		     "r7 &= 7\n"
		     "if r7 == 3 goto drop\n"
		     "call ringbuf_submit\n"
		     "goto written\n"
		     "drop:\n"
		     "call ringbuf_discard\n"
		     "r1 = 1\n"
		     "lock *(u64 *)(r6 +24) += r1\n"
		     "goto none\n");
	} else {
		line("r8 = r10\n"
		     "r8 += -80\n");
		fill_text();
		line("r5 = r7\n"
		     "r5 &= 7\n"
		     "r5 += 2\n"
		     "r5 <<= 3\n");
		line(way == OUTPUT ? "r1 = map[idx:1]\n"
				     "r2 = r8\n"
				     "r3 = r5\n"
				     "r4 = 0\n"
				     "call ringbuf_output\n" :
				     "r1 = r9\n"
				     "r2 = map[idx:1]\n"
				     "r3 = 4294967295 ll\n"
				     "r4 = r8\n"
				     "call perf_event_output\n");
		line("if r0 != 0 goto refused\n");
	}
	line("written:\n"
	     "r1 = 1\n"
	     "lock *(u64 *)(r6 +8) += r1\n"
	     "goto none\n"
	     "refused:\n"
	     "r1 = 1\n"
	     "lock *(u64 *)(r6 +16) += r1\n"
	     "none:\n"
	     "r0 = 0\n"
	     "exit\n");
}

static bool
make(enum way which)
{
	uint32_t maps[2];

	way = which;
	memset(books, 0, sizeof(*books) + numbers);
	counts_map = remote_map(device, EBPF_MAP_ARRAY, 4,
				sizeof(struct counts), 1, 0);
	ring = way == PERF ?
		       remote_map(device, EBPF_MAP_PERF_EVENT_ARRAY, 4, 4,
				  gebpf_hello(device)->cpu_count, 0) :
		       remote_map(device, EBPF_MAP_RINGBUF, 0, 0, RING, 0);
	maps[0] = counts_map;
	maps[1] = ring;
	prog_text();
	prog = remote_prog(device, EBPF_PROG_RAW, 0, text, maps, 2);
	return tap_ok(counts_map != 0 && ring != 0 && prog != 0,
		      "%s: a program", way_names[way]);
}

static void
drop(void)
{
	remote_drop(device, EBPF_OBJ_PROG, prog);
	remote_drop(device, EBPF_OBJ_MAP, ring);
	remote_drop(device, EBPF_OBJ_MAP, counts_map);
}

static struct counts
read_counts(void)
{
	struct counts counts = { 0 };
	uint32_t key = 0;

	if (remote_key(device, EBPF_REQUEST_MAP_LOOKUP, counts_map, &key, 4,
		       &counts, sizeof(counts)) != 0)
		tap_ok(false, "%s: its counts", way_names[way]);
	return counts;
}

/* ---- processes ---- */

/* A child with a session of its own that does this; 0 is its good end. */
static pid_t
start(int (*role)(struct gebpf_device *mine))
{
	struct gebpf_device *mine;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child != 0)
		return child;
	mine = remote_again();
	_exit(mine == NULL ? 99 : role(mine));
}

/* Its share of the numbers, but for those that were used up before. */
static int
produce(struct gebpf_device *mine)
{
	uint32_t left = numbers / PRODUCERS / 2;

	for (; left >= BURST; left -= BURST)
		if (remote_run(mine, prog, NULL, 0, BURST, NULL) != 0)
			return 1;
	return 0;
}

static int
see(void *cookie, const struct gebpf_event *event)
{
	uint64_t words[WORDS];
	uint32_t i;

	if (event->lost != 0) {
		books->lost += event->lost;
		return 0;
	}
	if (event->len < 16 || event->len > sizeof(words) ||
	    event->len % 8 != 0) {
		books->bad++;
		return 0;
	}
	memcpy(words, event->data, event->len);
	if (words[0] >= numbers) {
		books->unknown++;
		return 0;
	}
	for (i = 1; i < event->len / 8; i++)
		books->bad += words[i] != word_of(words[0], i);
	books->bad += event->len != (way == RESERVE ? 72 :
				     ((words[0] & 7) + 2) * 8);
	books->twice += books->seen[words[0]];
	books->seen[words[0]] = 1;
	books->bytes += event->len;
	__atomic_add_fetch(&books->taken, 1, __ATOMIC_RELEASE);
	return 0;
}

/* Until no more will come, at most `most` at once. */
static int
consume_by(struct gebpf_device *mine, uint32_t most)
{
	struct gebpf_events *events;
	uint32_t ended;
	int n;

	if (gebpf_events_open(mine, ring, GEBPF_CPU_ANY, &events, NULL) != 0)
		return 2;
	do {
		ended = __atomic_load_n(&books->ended, __ATOMIC_ACQUIRE);
		n = gebpf_events_poll(events, ended ? 0 : 100, most, see,
				      NULL);
	} while (n > 0 || (n == 0 && !ended));
	gebpf_events_close(events);
	books->busy_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	return n == 0 ? 0 : 3;
}

static int
consume(struct gebpf_device *mine)
{
	return consume_by(mine, 0);
}

static int
consume_some(struct gebpf_device *mine)
{
	return consume_by(mine, ASK);
}

/* ---- floods ---- */

static void
until_taken(uint64_t count)
{
	while (__atomic_load_n(&books->taken, __ATOMIC_ACQUIRE) < count)
		daemon_nap(1);
}

/*
 * First without a reader, so that some find no room. Then all at once; kill:
 * the reader is, and another follows.
 */
static void
flood(enum way which, bool kill_it)
{
	const char *name = way_names[which];
	pid_t producers[PRODUCERS], reader, i;
	uint64_t missing, elapsed;
	struct counts counts;
	bool good = true;

	if (!make(which))
		return;
	good &= remote_run(device, prog, NULL, 0, UNREAD, NULL) == 0;
	counts = read_counts();
	tap_ok(good && counts.refused > 0 && counts.begun == UNREAD,
	       "%s: nobody reads: %llu of %u find no room", name,
	       (unsigned long long)counts.refused, UNREAD);

	begin_ns = now_ns(CLOCK_MONOTONIC);
	for (i = 0; i < PRODUCERS; i++)
		producers[i] = start(produce);
	reader = start(kill_it ? consume_some : consume);
	if (kill_it) {
		until_taken(1000);
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
		reader = start(consume);
	}
	for (i = 0; i < PRODUCERS; i++)
		good &= child_ended_well(producers[i]);
	__atomic_store_n(&books->ended, 1, __ATOMIC_RELEASE);
	good &= child_ended_well(reader);
	end_ns = now_ns(CLOCK_MONOTONIC);

	counts = read_counts();
	missing = counts.written - books->taken;
	tap_ok(good && counts.begun == counts.written + counts.refused +
					       counts.dropped &&
		       books->twice == 0 && books->bad == 0 &&
		       books->unknown == 0,
	       "%s: whole and once: %llu begun, %llu written, %llu lost", name,
	       (unsigned long long)counts.begun,
	       (unsigned long long)counts.written,
	       (unsigned long long)counts.refused);
	if (kill_it)
		tap_ok(missing <= ASK, "%s: a reader that is killed takes %llu "
		       "of %u with it", name, (unsigned long long)missing, ASK);
	else
		tap_ok(missing == 0, "%s: none is missing (%lld)", name,
		       (long long)missing);
	if (way == PERF && !kill_it)
		tap_ok(books->lost == counts.refused,
		       "%s: the reader is told of all that were lost", name);
	elapsed = end_ns - begin_ns;
	tap_diag("%s%s: %llu runs/s, %llu records/s read (%llu ns of processor "
		 "each), %llu KiB/s, %.1f%% lost", name, kill_it ? ", killed" : "",
		 (unsigned long long)(counts.begun * 1000000000 / elapsed),
		 (unsigned long long)(books->taken * 1000000000 / elapsed),
		 (unsigned long long)(books->busy_ns / (books->taken + 1)),
		 (unsigned long long)(books->bytes * 1000000000 / elapsed >>
				      10),
		 100.0 * (double)counts.refused / (double)counts.begun);
	drop();
}

/* ---- waiting ---- */

static int asked[2]; /* a byte for each record that the reader wants */

/* One record at a time: the next is written when this one says it has it. */
static int
wait_each(struct gebpf_device *mine)
{
	struct gebpf_events *events;
	char byte = 0;
	int n, i;

	if (gebpf_events_open(mine, ring, GEBPF_CPU_ANY, &events, NULL) != 0)
		return 2;
	for (i = 0; i < ROUNDS; i++) {
		if (write(asked[1], &byte, 1) != 1)
			return 4;
		do
			n = gebpf_events_poll(events, 60000, 1, see, NULL);
		while (n == 0);
		if (n != 1)
			return 5;
	}
	gebpf_events_close(events);
	return 0;
}

/* Nothing comes: how much processor time does waiting take? */
static int
wait_idle(struct gebpf_device *mine)
{
	uint64_t wall = now_ns(CLOCK_MONOTONIC);
	uint64_t busy = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	struct gebpf_events *events;
	int n;

	if (gebpf_events_open(mine, ring, GEBPF_CPU_ANY, &events, NULL) != 0)
		return 2;
	n = gebpf_events_poll(events, IDLE_MS, 0, see, NULL);
	gebpf_events_close(events);
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	busy = now_ns(CLOCK_PROCESS_CPUTIME_ID) - busy;
	tap_diag("idle: %llu us of %llu", (unsigned long long)busy / 1000,
		 (unsigned long long)wall / 1000);
	fflush(stdout);
	return n != 0 ? 3 : wall < (IDLE_MS - 10) * 1000000ull ? 4 :
	       busy > wall / 2 ? 5 : 0;
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
waiting(enum way which)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC), took[ROUNDS] = { 0 };
	bool good = true;
	pid_t reader;
	char byte;
	int i;

	if (!make(which))
		return;
	if (pipe(asked) != 0) {
		tap_ok(false, "a pipe");
		return;
	}
	reader = start(wait_each);
	for (i = 0; i < ROUNDS && good; i++) {
		good = read(asked[0], &byte, 1) == 1;
		took[i] = now_ns(CLOCK_MONOTONIC) - begin;
		begin += took[i];
		good &= remote_run(device, prog, NULL, 0, 1, NULL) == 0;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	if (!good)
		kill(reader, SIGKILL);
	good &= child_ended_well(reader);
	tap_ok(good && books->taken == ROUNDS,
	       "%s: %u times a record for one who waits", way_names[which],
	       ROUNDS);
	tap_diag("%s: from a record to its reader and back: median %llu us, "
		 "one in ten %llu, longest %llu", way_names[which],
		 (unsigned long long)took[ROUNDS / 2] / 1000,
		 (unsigned long long)took[ROUNDS * 9 / 10] / 1000,
		 (unsigned long long)took[ROUNDS - 1] / 1000);
	good = child_ended_well(start(wait_idle));
	tap_ok(good, "%s: who has nothing to read sleeps",
	       way_names[which]);
	close(asked[0]);
	close(asked[1]);
	drop();
}

int
main(int argc, char **argv)
{
	int status, i;

	if (daemon_start(argc, argv, &status))
		return status;
	for (i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--records") == 0)
			numbers = (uint32_t)atoi(argv[i + 1]);
	books = mmap(NULL, sizeof(*books) + numbers, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	device = remote_open(argc, argv);
	if (books == MAP_FAILED || device == NULL) {
		tap_ok(false, "a device");
		return tap_done();
	}
	flood(OUTPUT, false);
	flood(RESERVE, false);
	flood(PERF, false);
	flood(OUTPUT, true);
	flood(PERF, true);
	waiting(OUTPUT);
	waiting(PERF);
	if (remote_is_kernel()) {
		gebpf_close(device);
	} else {
		daemon_stopped(device);
		daemon_clean();
	}
	return tap_done();
}
