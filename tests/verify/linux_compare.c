/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The verifier's cases (their format: tests/lib/verify_case.h) loaded into the
 * running Linux by bpf(2), and where its verdict is not the case's. A verifier
 * of others has been seen to take its kernel down, so this is for a guest that
 * may die: tests/verify/compare sees to that.
 *
 *	linux_compare DIFFERENCES CASE...
 *
 * Two Linux verifiers judge: that of a task with CAP_PERFMON, which may leak
 * addresses and read what was never written, and that of one without, which
 * also refuses what a mispredicting processor could misuse. It is a difference
 * when neither agrees. Lines of DIFFERENCES: "PATTERN | reason", the pattern as
 * of a shell for a case's name and "accept" or "reject", Linux's verdict.
 */
#include <errno.h>
#include <fnmatch.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/insn.h"
#include "client/gebpf.h"
#include "core/decode.h"
#include "tap.h"

enum {
	MAPS = 8,
	TEXT = 1 << 18,
	LOG = 1 << 20,
	DIFFERENCES = 256,
};

struct map_words {
	char name[32], kind[32], options[64];
	uint32_t key, value, entries;
};

struct test_case {
	char text[TEXT], code[TEXT];
	uint32_t kind;
	bool accept;
	struct map_words maps[MAPS];
	uint32_t map_count;
};

static struct difference {
	char pattern[96], verdict[8], reason[256];
	unsigned used;
} differences[DIFFERENCES];
static unsigned difference_count;

static const struct {
	const char *name;
	uint32_t number;
} kinds[] = {
	{"xdp", BPF_PROG_TYPE_XDP},	{"tc", BPF_PROG_TYPE_SCHED_CLS},
	{"socket", BPF_PROG_TYPE_SOCKET_FILTER},
}, map_kinds[] = {
	{"array", BPF_MAP_TYPE_ARRAY},	{"hash", BPF_MAP_TYPE_HASH},
	{"prog_array", BPF_MAP_TYPE_PROG_ARRAY},
	{"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY},
	{"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH},
	{"ringbuf", BPF_MAP_TYPE_RINGBUF},
	{"queue", BPF_MAP_TYPE_QUEUE},
	{"stack", BPF_MAP_TYPE_STACK},
	{"bloom_filter", BPF_MAP_TYPE_BLOOM_FILTER},
	{"lpm_trie", BPF_MAP_TYPE_LPM_TRIE},
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static long
bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* ---- a case ---- */

/* NULL, or why Linux cannot be asked. */
static const char *
parse(struct test_case *t)
{
	char *line = t->text, *next, word[32];
	size_t i;

	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (strcmp(line, "--") == 0) {
			snprintf(t->code, sizeof(t->code), "%s", next);
			return NULL;
		}
		if (sscanf(line, "kind %31s", word) == 1) {
			t->kind = 0;
			for (i = 0; i < COUNT(kinds); i++)
				if (strcmp(word, kinds[i].name) == 0)
					t->kind = kinds[i].number;
			if (!t->kind)
				return "kinds of programs that Linux has not";
		} else if (strncmp(line, "map ", 4) == 0) {
			struct map_words *map = &t->maps[t->map_count];

			if (t->map_count++ == MAPS ||
			    sscanf(line + 4, "%31s %31s %u %u %u %63[^\n]",
				   map->name, map->kind, &map->key, &map->value,
				   &map->entries, map->options) < 5)
				return "maps that are described otherwise";
		} else if (strncmp(line, "accept", 6) == 0) {
			t->accept = true;
		} else if (strncmp(line, "reject", 6) != 0 && *line != '#' &&
			   *line) {
			return "settings of our own";
		}
	}
	return "no code";
}

static int
make_map(const struct map_words *words)
{
	union bpf_attr attr = {0};
	uint32_t key = 0;
	char value[4096] = "AB";
	size_t i;
	int fd;

	for (i = 0; i < COUNT(map_kinds); i++)
		if (strcmp(words->kind, map_kinds[i].name) == 0)
			attr.map_type = map_kinds[i].number;
	if (!attr.map_type || strstr(words->options, "lock") ||
	    strstr(words->options, "inner") || words->value > sizeof(value))
		return -1;
	attr.key_size = words->key;
	attr.value_size = words->value;
	attr.max_entries = words->entries;
	if (attr.map_type == BPF_MAP_TYPE_RINGBUF && attr.max_entries < 4096)
		attr.max_entries = 4096;
	if (attr.map_type == BPF_MAP_TYPE_LPM_TRIE)
		attr.map_flags |= BPF_F_NO_PREALLOC;
	if (strstr(words->options, "rdonly"))
		attr.map_flags |= BPF_F_RDONLY_PROG;
	if (strstr(words->options, "wronly"))
		attr.map_flags |= BPF_F_WRONLY_PROG;
	fd = (int)bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0 || !strstr(words->options, "frozen"))
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)value;
	bpf(BPF_MAP_UPDATE_ELEM, &attr);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	bpf(BPF_MAP_FREEZE, &attr);
	return fd;
}

/* map[NAME] becomes the map's number among ours, as the assembler knows it. */
static bool
put_names(struct test_case *t)
{
	static char out[TEXT];
	char *at = t->code, *found, *end;
	size_t n = 0;
	uint32_t i;

	while ((found = strstr(at, "map["))) {
		end = strchr(found, ']');
		if (!end || n + (size_t)(found - at) + 32 > sizeof(out))
			return false;
		for (i = 0; i < t->map_count; i++)
			if (strncmp(found + 4, t->maps[i].name,
				    (size_t)(end - found - 4)) == 0 &&
			    !t->maps[i].name[end - found - 4])
				break;
		memcpy(out + n, at, (size_t)(found - at));
		n += (size_t)(found - at);
		n += (size_t)sprintf(out + n, "map[idx:%u]", i);
		at = end + 1;
	}
	snprintf(out + n, sizeof(out) - n, "%s", at);
	memcpy(t->code, out, sizeof(out));
	return true;
}

/* ---- Linux ---- */

/* Instructions of cpu v4 or later; callbacks, which Linux wants BTF for. */
static bool
is_beyond(const struct ebpf_insn *insns, uint32_t count)
{
	static struct ebpf_op ops[EBPF_INSN_MAX];
	struct ebpf_decode_error why;
	uint32_t i;

	if (count > EBPF_INSN_MAX || ebpf_decode(insns, count, ops, &why))
		return false;
	for (i = 0; i < count; i++)
		if (ebpf_op_info[ops[i].code].cpu >= 4 ||
		    ops[i].code == EBPF_OP_LDDW_FUNC)
			return true;
	return false;
}

static void
put_maps(struct ebpf_insn *insns, uint32_t count, const int *fds)
{
	uint32_t i;

	for (i = 0; i + 1 < count; i++) {
		if (insns[i].code != 0x18)
			continue;
		/* source 5 and 6: an index into what is given at load; 1, 2: fd */
		if (insns[i].regs >> 4 == 5 || insns[i].regs >> 4 == 6) {
			insns[i].regs -= 4 << 4;
			insns[i].imm = fds[insns[i].imm];
		}
		i++;
	}
}

static bool
linux_accepts(const struct test_case *t, const struct ebpf_insn *insns,
	      uint32_t count, char *log)
{
	union bpf_attr attr = {0};
	int fd;

	attr.prog_type = t->kind;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = count;
	attr.license = (uintptr_t) "GPL";
	fd = (int)bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0 && log) {
		/* once more, for the words */
		attr.log_buf = (uintptr_t)log;
		attr.log_size = LOG;
		attr.log_level = 1;
		log[0] = '\0';
		fd = (int)bpf(BPF_PROG_LOAD, &attr);
	}
	if (fd < 0 && log && !log[0])
		snprintf(log, LOG, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* From here on as a task without CAP_PERFMON, but with CAP_BPF and NET_ADMIN. */
static bool
drop_perfmon(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	data[0].effective = data[0].permitted = 1u << CAP_NET_ADMIN;
	data[1].effective = data[1].permitted = 1u << (CAP_BPF - 32);
	return syscall(SYS_capset, &head, data) == 0;
}

/* The log's last words, which say why, but for its statistics. */
static const char *
last_words(char *log)
{
	char *line, *why = log;

	for (line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, "processed ", 10) != 0 &&
		    strncmp(line, "verification time", 17) != 0 &&
		    strncmp(line, "stack depth", 11) != 0)
			why = line;
	return why;
}

/* ---- all of them ---- */

static bool
read_differences(const char *path)
{
	FILE *file = fopen(path, "r");
	struct difference *d;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		d = &differences[difference_count];
		if (*line == '#' || *line == '\n')
			continue;
		if (difference_count == DIFFERENCES ||
		    sscanf(line, "%95s %7s | %255[^\n]", d->pattern, d->verdict,
			   d->reason) != 3) {
			fclose(file);
			return false;
		}
		difference_count++;
	}
	if (file)
		fclose(file);
	return file != NULL;
}

static struct difference *
find_difference(const char *name, bool accepts)
{
	unsigned i;

	for (i = 0; i < difference_count; i++)
		if (fnmatch(differences[i].pattern, name, 0) == 0 &&
		    (strcmp(differences[i].verdict, "accept") == 0) == accepts)
			return &differences[i];
	return NULL;
}

enum judgement {
	ALIKE,
	KNOWN,
	UNKNOWN,
	NOT_ASKED,
};

static enum judgement
compare(const char *path)
{
	static struct test_case t;
	static char log[LOG];
	const char *slash = strrchr(path, '/'), *dot, *why;
	struct difference *known;
	struct gebpf_error err = {0};
	struct ebpf_insn *insns = NULL;
	enum judgement result = NOT_ASKED;
	uint32_t count = 0, i;
	int fds[MAPS];
	char name[96];
	FILE *file = fopen(path, "r");
	bool accepts;

	memset(&t, 0, sizeof(t));
	t.kind = BPF_PROG_TYPE_XDP;
	if (!file)
		return NOT_ASKED;
	fread(t.text, 1, sizeof(t.text) - 1, file);
	fclose(file);
	slash = slash ? slash + 1 : path;
	dot = strrchr(slash, '.');
	snprintf(name, sizeof(name), "%.*s",
		 dot ? (int)(dot - slash) : (int)strlen(slash), slash);
	if (parse(&t) || !put_names(&t) ||
	    gebpf_asm(t.code, strlen(t.code), &insns, &count, &err))
		return NOT_ASKED;
	for (i = 0; i < t.map_count; i++)
		fds[i] = make_map(&t.maps[i]);
	for (i = 0; i < t.map_count && fds[i] >= 0; i++)
		;
	if (i < t.map_count || is_beyond(insns, count))
		goto out;
	put_maps(insns, count, fds);
	accepts = linux_accepts(&t, insns, count, t.accept ? log : NULL);
	result = ALIKE;
	if (accepts == t.accept)
		goto out;
	if (accepts) {
		/* with less power it may see things as we do */
		fflush(stdout);
		pid_t child = fork();
		int status = 0;

		if (child == 0)
			_exit(!drop_perfmon() ? 2 :
			      linux_accepts(&t, insns, count, NULL) ? 1 :
								      0);
		if (child < 0 || waitpid(child, &status, 0) < 0 ||
		    !WIFEXITED(status) || WEXITSTATUS(status) == 2) {
			tap_diag("%s: could not be asked", name);
			result = UNKNOWN;
			goto out;
		}
		if (WEXITSTATUS(status) == 0)
			goto out;
	}
	known = find_difference(name, accepts);
	result = known ? KNOWN : UNKNOWN;
	why = accepts ? "" : last_words(log);
	if (known)
		known->used++;
	else
		tap_diag("%s: here %s, Linux %s%s%s", name,
			 t.accept ? "accept" : "reject",
			 accepts ? "accept" : "reject", *why ? ": " : "", why);
out:
	for (i = 0; i < t.map_count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(insns);
	return result;
}

int
main(int argc, char **argv)
{
	unsigned counts[4] = {0}, i;
	int at;

	if (argc < 3 || !read_differences(argv[1])) {
		fprintf(stderr, "linux_compare: DIFFERENCES CASE...\n");
		return 2;
	}
	for (at = 2; at < argc; at++)
		counts[compare(argv[at])]++;
	for (i = 0; i < difference_count; i++)
		tap_diag("%u: %s: Linux %ss: %s", differences[i].used,
			 differences[i].pattern, differences[i].verdict,
			 differences[i].reason);
	tap_ok(counts[ALIKE] > 0, "Linux judges %u cases as we do",
	       counts[ALIKE]);
	tap_ok(counts[UNKNOWN] == 0,
	       "%u cases differ for known reasons, %u for unknown ones",
	       counts[KNOWN], counts[UNKNOWN]);
	tap_diag("%u could not be asked: kinds, maps and instructions that this "
		 "Linux has not", counts[NOT_ASKED]);
	return tap_done();
}
