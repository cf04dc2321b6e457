/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The message format against its golden file: name, offset and size of every
 * field of every struct in abi/wire.h. A difference is a change of the ABI: a
 * body may only grow at its end. Run from the top of the tree; with --write
 * the golden file is made anew.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/wire.h"
#include "tap.h"

#define GOLDEN "tests/device/layout.golden"
#define WIRE "lib/abi/wire.h"

struct line {
	const char *name, *field; /* field NULL: the struct itself */
	size_t off, size;
};

static const struct line lines[] = {
#define LAYOUT_STRUCT(name) { #name, NULL, 0, sizeof(struct name) },
#define LAYOUT_FIELD(name, field)                         \
	{ #name, #field, offsetof(struct name, field),    \
	  sizeof(((struct name *)0)->field) },
#include "../device/layout.def"
};

enum {
	LINES = sizeof(lines) / sizeof(lines[0]),
	TEXT = 160,
};

static void
print(const struct line *line, char *text)
{
	if (line->field == NULL)
		snprintf(text, TEXT, "struct %s %zu\n", line->name,
			 line->size);
	else
		snprintf(text, TEXT, "\t%zu %zu %s\n", line->off, line->size,
			 line->field);
}

static int
write_golden(void)
{
	FILE *file = fopen(GOLDEN, "w");
	char text[TEXT];
	size_t i;

	if (file == NULL)
		return 1;
	for (i = 0; i < LINES; i++) {
		print(&lines[i], text);
		fputs(text, file);
	}
	return fclose(file) != 0;
}

static void
compare_golden(void)
{
	FILE *file = fopen(GOLDEN, "r");
	char text[TEXT], golden[TEXT];
	size_t i, wrong = 0;

	if (!tap_ok(file != NULL, "open " GOLDEN))
		return;
	for (i = 0; i < LINES; i++) {
		print(&lines[i], text);
		if (fgets(golden, sizeof(golden), file) == NULL)
			golden[0] = '\0';
		if (strcmp(text, golden) != 0 && wrong++ < 5)
			tap_diag("%s: is %.*s, was %s", lines[i].name,
				 (int)strcspn(text, "\n"), text, golden);
	}
	tap_ok(wrong == 0, "%zu lines as in the golden file", (size_t)LINES);
	TAP_CHECK(fgets(golden, sizeof(golden), file) == NULL);
	fclose(file);
}

/* Fields follow each other without a hole and fill their struct. */
static void
check_holes(void)
{
	size_t i, end = 0, size = 0, wrong = 0, structs = 0;

	for (i = 0; i < LINES; i++) {
		if (lines[i].field == NULL) {
			wrong += end != size;
			size = lines[i].size;
			end = 0;
			structs++;
			continue;
		}
		if (lines[i].off != end && wrong++ < 5)
			tap_diag("%s.%s: hole or missing field before",
				 lines[i].name, lines[i].field);
		end = lines[i].off + lines[i].size;
	}
	wrong += end != size;
	tap_ok(wrong == 0, "%zu structs, no hole, no field missing", structs);
}

static bool
listed(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < LINES; i++)
		if (strlen(lines[i].name) == len &&
		    memcmp(lines[i].name, name, len) == 0)
			return true;
	return false;
}

static void
check_complete(void)
{
	static const char start[] = "struct ";
	FILE *file = fopen(WIRE, "r");
	size_t len, found = 0;
	char line[256];

	if (!tap_ok(file != NULL, "open " WIRE))
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, start, strlen(start)) != 0 ||
		    strchr(line, '{') == NULL)
			continue;
		len = strcspn(line + strlen(start), " ");
		found++;
		if (!listed(line + strlen(start), len))
			tap_ok(false, "%.*s is in layout.def", (int)len,
			       line + strlen(start));
	}
	fclose(file);
	tap_ok(found > 40, "all %zu structs of " WIRE " are listed", found);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--write") == 0)
		return write_golden();
	check_holes();
	check_complete();
	compare_golden();
	return tap_done();
}
