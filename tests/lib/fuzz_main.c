/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A driver for fuzzers without libFuzzer: feeds LLVMFuzzerTestOneInput the
 * corpus as it is, then inputs mutated and spliced from it. Knows no coverage,
 * so it is for regressions and for places without clang; options are spelled
 * as libFuzzer spells them.
 *
 *	fuzz_NAME [-runs=N] [-max_total_time=S] [-seed=S] [-max_len=N] [FILE|DIR]...
 *
 * The input under test is written to crash-NAME-PID when the process dies of a
 * signal or sanitizer. The last line is "ok ..." when all runs returned.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback(void (*callback)(void))
	__attribute__((weak));

struct input {
	uint8_t *data;
	size_t len;
};

static struct input *corpus;
static size_t corpus_count, corpus_room;
static size_t max_len = 65536;

static const uint8_t *current;
static size_t current_len;
static char crash_name[256];

static uint64_t random_state;

static uint64_t
next_random(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static size_t
below(size_t limit)
{
	return limit ? (size_t)(next_random() % limit) : 0;
}

static void
die(const char *what)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Only calls that are safe in a signal handler. */
static void
save_crash(void)
{
	int fd = open(crash_name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	size_t done = 0;
	ssize_t n;

	while (fd >= 0 && done < current_len) {
		n = write(fd, current + done, current_len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	n = write(2, "fuzz: input saved as ", 21);
	n = write(2, crash_name, strlen(crash_name));
	n = write(2, "\n", 1);
	(void)n;
}

static void
on_signal(int number)
{
	save_crash();
	signal(number, SIG_DFL);
	raise(number);
}

static void
corpus_add(const uint8_t *data, size_t len)
{
	struct input *input;

	if (corpus_count == corpus_room) {
		corpus_room = corpus_room ? corpus_room * 2 : 64;
		corpus = realloc(corpus, corpus_room * sizeof(*corpus));
		if (!corpus)
			die("corpus");
	}
	if (len > max_len)
		len = max_len;
	input = &corpus[corpus_count++];
	input->len = len;
	input->data = malloc(len + 1);
	if (!input->data)
		die("corpus");
	if (len)
		memcpy(input->data, data, len);
}

static void
add_file(const char *path)
{
	uint8_t *data;
	size_t len;
	FILE *file = fopen(path, "rb");

	if (!file)
		die(path);
	data = malloc(max_len);
	if (!data)
		die(path);
	len = fread(data, 1, max_len, file);
	if (ferror(file))
		die(path);
	fclose(file);
	corpus_add(data, len);
	free(data);
}

/* In order of names, so that a seed always means the same run. */
static void
add_path(const char *path)
{
	struct dirent **entries;
	struct stat info;
	char name[4096];
	int count, i;

	if (stat(path, &info) != 0)
		die(path);
	if (!S_ISDIR(info.st_mode)) {
		add_file(path);
		return;
	}
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0)
		die(path);
	for (i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path,
				 entries[i]->d_name);
			add_path(name);
		}
		free(entries[i]);
	}
	free(entries);
}

/* Exactly as long as the input, so that sanitizers see each byte too far. */
static void
run_one(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		die("input");
	if (len)
		memcpy(copy, data, len);
	current = copy;
	current_len = len;
	LLVMFuzzerTestOneInput(copy, len);
	current = NULL;
	current_len = 0;
	free(copy);
}

static void
put_number(uint8_t *at, size_t size)
{
	static const uint64_t edges[] = {
		0,	1,	2,	    7,	     8,		 16,
		127,	128,	255,	    256,     511,	 512,
		4095,	4096,	32767,	    32768,   65535,	 65536,
		1 << 20, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
		0x8000000000000000, (uint64_t)-1, (uint64_t)-2, (uint64_t)-8,
	};
	uint64_t value = edges[below(sizeof(edges) / sizeof(edges[0]))];

	memcpy(at, &value, size);
}

/* One change of data[*len], which has room for max_len bytes. */
static void
mutate_once(uint8_t *data, size_t *len)
{
	size_t at = below(*len), count, to, size;
	const struct input *other;

	switch (below(9)) {
	case 0: /* flip a bit */
		if (*len)
			data[at] ^= (uint8_t)(1 << below(8));
		break;
	case 1: /* any byte */
		if (*len)
			data[at] = (uint8_t)next_random();
		break;
	case 2: /* a number that is an edge of something */
		size = (size_t)1 << below(4);
		if (*len >= size) {
			at = below(*len - size + 1);
			if (below(2))
				at -= at % size;
			put_number(data + at, size);
		}
		break;
	case 3: /* a little more or less */
		if (*len)
			data[at] = (uint8_t)(data[at] + below(17) - 8);
		break;
	case 4: /* take out */
		count = below(below(2) ? 9 : *len - at + 1);
		if (count > *len - at)
			count = *len - at;
		memmove(data + at, data + at + count, *len - at - count);
		*len -= count;
		break;
	case 5: /* put in, often whole words */
		count = below(2) ? 8 : below(32);
		if (*len + count > max_len)
			break;
		memmove(data + at + count, data + at, *len - at);
		*len += count;
		for (to = at; to < at + count; to++)
			data[to] = (uint8_t)next_random();
		break;
	case 6: /* copy within */
		if (*len < 2)
			break;
		count = 1 + below(*len / 2);
		to = below(*len - count + 1);
		at = below(*len - count + 1);
		memmove(data + to, data + at, count);
		break;
	case 7: /* a piece of another input */
		if (!corpus_count)
			break;
		other = &corpus[below(corpus_count)];
		if (!other->len)
			break;
		to = below(other->len);
		count = 1 + below(other->len - to);
		if (at + count > max_len)
			count = max_len - at;
		memcpy(data + at, other->data + to, count);
		if (at + count > *len)
			*len = at + count;
		break;
	case 8: /* cut off */
		*len = at;
		break;
	}
}

static size_t
make_input(uint8_t *data)
{
	size_t len = 0, changes = 1 + below(below(8) ? 4 : 32);
	const struct input *base;

	if (corpus_count && below(64)) {
		base = &corpus[below(corpus_count)];
		len = base->len;
		if (len)
			memcpy(data, base->data, len);
	} else {
		for (len = 0; len < max_len && below(64); len++)
			data[len] = (uint8_t)next_random();
	}
	while (changes--)
		mutate_once(data, &len);
	return len;
}

static bool
option(const char *arg, const char *name, uint64_t *value)
{
	size_t len = strlen(name);

	if (strncmp(arg, name, len) != 0 || arg[len] != '=')
		return false;
	*value = strtoull(arg + len + 1, NULL, 10);
	return true;
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
				       SIGABRT, SIGALRM, SIGTRAP };
	uint64_t runs = 0, seconds = 0, seed = 1, len = max_len, done = 0;
	uint64_t timeout = 60;
	const char *name = strrchr(argv[0], '/');
	double start = now();
	uint8_t *data;
	size_t i;
	int arg;

	name = name ? name + 1 : argv[0];
	snprintf(crash_name, sizeof(crash_name), "crash-%.100s-%ld", name,
		 (long)getpid());
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (arg = 1; arg < argc; arg++) {
		if (option(argv[arg], "-runs", &runs) ||
		    option(argv[arg], "-max_total_time", &seconds) ||
		    option(argv[arg], "-seed", &seed) ||
		    option(argv[arg], "-timeout", &timeout))
			continue;
		if (option(argv[arg], "-max_len", &len))
			max_len = len ? (size_t)len : 1;
		else if (argv[arg][0] != '-')
			add_path(argv[arg]);
		/* other options of libFuzzer mean nothing here */
	}
	if (!runs && !seconds)
		runs = corpus_count ? 0 : 1000;
	random_state = seed * 0x9e3779b97f4a7c15;

	/* A sanitizer reports faults itself and then calls back. */
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(save_crash);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i] == SIGALRM || !__sanitizer_set_death_callback)
			signal(signals[i], on_signal);

	for (i = 0; i < corpus_count; i++, done++) {
		alarm((unsigned int)timeout);
		run_one(corpus[i].data, corpus[i].len);
	}
	data = malloc(max_len + 1);
	if (!data)
		die("input");
	while ((runs == 0 || done < corpus_count + runs) &&
	       (seconds == 0 || now() - start < (double)seconds) &&
	       (runs || seconds)) {
		size_t size = make_input(data);

		alarm((unsigned int)timeout);
		run_one(data, size);
		done++;
	}
	alarm(0);
	printf("ok %s: %llu runs in %.1f s, corpus of %zu, seed %llu\n", name,
	       (unsigned long long)done, now() - start, corpus_count,
	       (unsigned long long)seed);
	free(data);
	for (i = 0; i < corpus_count; i++)
		free(corpus[i].data);
	free(corpus);
	return 0;
}
