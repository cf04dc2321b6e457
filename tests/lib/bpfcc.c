/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds clangs and runs them; see bpfcc.h. Tests run in the tree's top folder. */
#include "bpfcc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static void
remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (folder[0] != 0 && system(command) != 0)
		fprintf(stderr, "%s: not removed\n", folder);
}

const char *
bpfcc_folder(void)
{
	if (folder[0] == 0) {
		strcpy(folder, "/tmp/gebpf-test-XXXXXX");
		if (mkdtemp(folder) == NULL) {
			perror(folder);
			exit(1);
		}
		atexit(remove_folder);
	}
	return folder;
}

uint8_t *
bpfcc_read(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	*len = 0;
	if (file == NULL)
		return NULL;
	/* Files of sysfs have a size that can be read and no more. */
	if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
	    (data = malloc((size_t)size + 1)) != NULL) {
		rewind(file);
		*len = fread(data, 1, (size_t)size, file);
	}
	fclose(file);
	return data;
}

static bool
can(const char *clang, const char *cpu)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "echo | %s -target bpf -mcpu=%s -x c -c -o /dev/null - "
		 "2>/dev/null", clang, cpu);
	return system(command) == 0;
}

const struct bpfcc *
bpfcc_all(size_t *count)
{
	static struct bpfcc all[64];
	static size_t n;
	static bool looked;
	unsigned int version, cpu, debug;

	for (version = 10; version < 30 && !looked; version++) {
		char clang[32];

		snprintf(clang, sizeof(clang), "clang-%u", version);
		if (!can(clang, "v1"))
			continue;
		for (cpu = 1; cpu <= 4; cpu++) {
			char word[8];

			snprintf(word, sizeof(word), "v%u", cpu);
			if (!can(clang, word))
				continue;
			for (debug = 0; debug < 2 && n < 64; debug++, n++) {
				snprintf(all[n].clang, sizeof(all[n].clang),
					 "%s", clang);
				snprintf(all[n].cpu, sizeof(all[n].cpu), "%s",
					 word);
				all[n].debug = debug;
				snprintf(all[n].name, sizeof(all[n].name),
					 "%s %s%s", clang, word,
					 debug ? " -g" : "");
			}
		}
	}
	/* One without a number in its name is better than none. */
	if (!looked && n == 0 && can("clang", "v1")) {
		for (debug = 0; debug < 2; debug++, n++) {
			strcpy(all[n].clang, "clang");
			strcpy(all[n].cpu, "v2");
			all[n].debug = debug;
			snprintf(all[n].name, sizeof(all[n].name),
				 "clang v2%s", debug ? " -g" : "");
		}
	}
	looked = true;
	*count = n;
	return all;
}

const struct bpfcc *
bpfcc_best(void)
{
	size_t n;
	const struct bpfcc *all = bpfcc_all(&n);

	/* v3 is what every kernel of the last years takes. */
	while (n-- > 0)
		if (all[n].debug && strcmp(all[n].cpu, "v4") != 0)
			return &all[n];
	return NULL;
}

uint8_t *
bpfcc_compile(const struct bpfcc *cc, const char *source, const char *flags,
	      bool quiet, size_t *len)
{
	char command[1024], out[128];

	*len = 0;
	snprintf(out, sizeof(out), "%s/out.o", bpfcc_folder());
	snprintf(command, sizeof(command),
		 "%s -target bpf -O2 -Wall -Ilib/bpf -Ilib -mcpu=%s %s %s "
		 "-c '%s' -o '%s'%s", cc->clang, cc->cpu,
		 cc->debug ? "-g" : "", flags, source, out,
		 quiet ? " 2>/dev/null" : "");
	if (system(command) != 0)
		return NULL;
	return bpfcc_read(out, len);
}
