/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gebpf __complete WORD...: what the last, perhaps unfinished, word may become,
 * one candidate a line; ":files" asks the shell for file names. The grammar
 * says what may come, the running device (never started for this) what there
 * is. Errors are silence: nobody asked for them.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/command.h"
#include "cmd/grammar.h"
#include "cmd/handle.h"
#include "cmd/map.h"

struct completion {
	struct cmd cmd;
	const char *word; /* what is there of it */
	char **words;	  /* of the command, before it */
	int count;
	bool files;
	bool opened, tried;
};

static void
offer(struct completion *c, const char *text)
{
	size_t len = strlen(c->word);

	if (strncmp(text, c->word, len) != 0)
		return;
	/* what a shell would not take as it stands is not offered */
	if (*text == '\0' ||
	    strpbrk(text, " \t\n'\"\\$`;&|<>(){}[]*?!#~^") != NULL)
		return;
	puts(text);
}

static bool
device(struct completion *c)
{
	if (!c->tried) {
		c->tried = true;
		c->opened = gebpf_open(c->cmd.target,
				       GEBPF_OPEN_NO_START | GEBPF_OPEN_QUIET,
				       &c->cmd.device, NULL) == 0;
		c->cmd.dev = c->cmd.device;
	}
	return c->opened;
}

/* ---- what there is ---- */

enum attribute { ID, NAME, TAG };

static void
offer_objects(struct completion *c, enum ebpf_object_kind kind,
	      enum attribute what)
{
	struct handle_list all;

	if (!device(c) || handle_all(&c->cmd, kind, &all) != 0)
		return;
	for (size_t i = 0; i < all.count; i++) {
		struct ebpf_rep_prog_info prog;
		struct ebpf_rep_map_info map;
		char text[2 * EBPF_TAG_SIZE + 16];

		if (what == ID) {
			snprintf(text, sizeof(text), "%u", all.ids[i]);
			offer(c, text);
		} else if (kind == EBPF_OBJ_MAP) {
			if (handle_map_info(&c->cmd, all.ids[i], &map) == 0)
				offer(c, map.name);
		} else if (handle_prog_info(&c->cmd, all.ids[i], &prog) == 0) {
			for (int b = 0; b < EBPF_TAG_SIZE; b++)
				snprintf(text + 2 * b, 3, "%02x",
					 prog.tag[b]);
			offer(c, what == TAG ? text : prog.name);
		}
	}
	handle_free(&all);
}

static int
offer_pin(void *cookie, const char *pin)
{
	offer(cookie, pin);
	return 0;
}

static void
offer_pins(struct completion *c, uint32_t kind)
{
	if (device(c))
		handle_each_pin(&c->cmd, kind, 0, offer_pin, c);
}

static void
offer_switches(struct completion *c)
{
	struct ebpf_req_switch_next req = { .size = 0 };
	struct ebpf_rep_switch_info info;

	while (device(c)) {
		memset(&info, 0, sizeof(info));
		if (gebpf_ask(c->cmd.dev, EBPF_REQUEST_SWITCH_NEXT, &req,
			      sizeof(req), &info, sizeof(info)) != 0)
			return;
		offer(c, info.name);
		memcpy(req.name, info.name, sizeof(req.name));
	}
}

/* What a word alone may be: see handle.c. */
static void
offer_short(struct completion *c, enum ebpf_object_kind kind)
{
	offer_objects(c, kind, kind == EBPF_OBJ_LINK ? ID : NAME);
	offer_pins(c, kind);
	if (kind == EBPF_OBJ_LINK)
		offer_switches(c);
}

static void
offer_ports(struct completion *c)
{
	struct ebpf_req_port_info req = { .size = 0 };
	struct ebpf_rep_port_info info;

	if (c->count == 0)
		return;
	snprintf(req.name, sizeof(req.name), "%s", c->words[0]);
	while (device(c)) {
		char index[16];

		memset(&info, 0, sizeof(info));
		if (gebpf_ask(c->cmd.dev, EBPF_REQUEST_PORT_INFO, &req,
			      sizeof(req), &info, sizeof(info)) != 0)
			return;
		snprintf(index, sizeof(index), "%u", info.index);
		offer(c, index);
		offer(c, info.port_name);
		req.index = info.index + 1;
	}
}

/* A kind of port, then what that takes. */
static void
offer_port_specs(struct completion *c)
{
	static const char *const kinds[] = { "pcap:", "pair:", "tap:", "if:" };
	struct if_nameindex *all;
	char text[IFNAMSIZ + 8];

	if (strncmp(c->word, "pcap:", 5) == 0) {
		c->files = true;
		return;
	}
	if (strncmp(c->word, "if:", 3) != 0) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (strcmp(c->word, kinds[i]) != 0)
				offer(c, kinds[i]);
		return;
	}
	all = if_nameindex();
	for (size_t i = 0; all != NULL && all[i].if_index != 0; i++) {
		snprintf(text, sizeof(text), "if:%s", all[i].if_name);
		offer(c, text);
	}
	if (all != NULL)
		if_freenameindex(all);
}

/* The object file named among the words. */
static void
offer_object(struct completion *c, bool maps)
{
	struct gebpf_object *object = NULL;
	size_t count;

	for (int i = c->count - 1; i >= 0 && object == NULL; i--) {
		const char *path = c->words[i];
		size_t len = strlen(path);

		if (len > 2 && strcmp(path + len - 2, ".o") == 0)
			gebpf_object_open(path, &object, NULL);
	}
	if (object == NULL)
		return;
	count = maps ? gebpf_object_map_count(object)
		     : gebpf_object_prog_count(object);
	for (size_t i = 0; i < count; i++)
		offer(c, maps ? gebpf_object_map(object, i)->name
			      : gebpf_object_prog(object, i)->name);
	gebpf_object_close(object);
}

/* What the running device can make; without one, the engine in here. */
static void
offer_map_types(struct completion *c)
{
	enum { NUMBERS = 2048 };
	struct ebpf_req_features req = { .prog_kind = 0 };
	struct ebpf_rep_features rep = { .size = 0 };
	uint32_t numbers[NUMBERS];
	struct gebpf_call call = {
		.number = EBPF_REQUEST_FEATURES,
		.req = &req,
		.req_len = sizeof(req),
		.rep = &rep,
		.rep_len = sizeof(rep),
		.out = numbers,
		.out_room = sizeof(numbers),
	};
	struct gebpf_device *local = NULL;
	uint64_t end;

	if (!device(c) &&
	    gebpf_open("local", GEBPF_OPEN_QUIET, &local, NULL) != 0)
		return;
	if (gebpf_request(local != NULL ? local : c->cmd.dev, &call) == 0) {
		end = (uint64_t)rep.helper_count + rep.map_kind_count;
		for (uint64_t i = rep.helper_count;
		     i < end && i < call.out_len / sizeof(*numbers); i++) {
			const char *name = gebpf_map_kind_name(numbers[i]);

			if (name != NULL)
				offer(c, name);
		}
	}
	gebpf_close(local);
}

static void
offer_map_flags(struct completion *c)
{
	const char *name;

	for (size_t i = 0; (name = map_flag_name(i)) != NULL; i++)
		offer(c, name);
}

static void
offer_prog_types(struct completion *c)
{
#define EBPF_PROG_KIND(KIND, number, name, alias, section) \
	offer(c, name);                                    \
	offer(c, alias);
#include "abi/prog_kind.def"
}

static void
offer_nouns(struct completion *c)
{
	for (const struct command_noun *n = command_nouns; n->noun != NULL; n++)
		offer(c, n->noun);
}

static void
offer_verbs(struct completion *c, const char *noun)
{
	for (const struct command *k = commands; k->noun != NULL; k++) {
		const char *v = k->verbs;

		if (strcmp(k->noun, noun) != 0)
			continue;
		while (*v != '\0') {
			char verb[64];
			size_t n = strcspn(v, "|");

			snprintf(verb, sizeof(verb), "%.*s", (int)n, v);
			offer(c, verb);
			v += n + (v[n] == '|');
		}
	}
	offer(c, "help");
}

static void
offer_symbol(struct completion *c, const char *name, size_t len)
{
#define IS(text) (len == sizeof(text) - 1 && memcmp(name, text, len) == 0)
	if (IS("PROG_ID"))
		offer_objects(c, EBPF_OBJ_PROG, ID);
	else if (IS("PROG_NAME"))
		offer_objects(c, EBPF_OBJ_PROG, NAME);
	else if (IS("PROG_TAG"))
		offer_objects(c, EBPF_OBJ_PROG, TAG);
	else if (IS("PROG_PIN"))
		offer_pins(c, EBPF_OBJ_PROG);
	else if (IS("MAP_ID"))
		offer_objects(c, EBPF_OBJ_MAP, ID);
	else if (IS("MAP_NAME"))
		offer_objects(c, EBPF_OBJ_MAP, NAME);
	else if (IS("MAP_PIN"))
		offer_pins(c, EBPF_OBJ_MAP);
	else if (IS("LINK_ID"))
		offer_objects(c, EBPF_OBJ_LINK, ID);
	else if (IS("LINK_PIN"))
		offer_pins(c, EBPF_OBJ_LINK);
	else if (IS("BTF_ID"))
		offer_objects(c, EBPF_OBJ_BTF, ID);
	else if (IS("PROG_SHORT") || IS("MAP_SHORT"))
		offer_short(c, IS("MAP_SHORT") ? EBPF_OBJ_MAP : EBPF_OBJ_PROG);
	else if (IS("LINK_SHORT"))
		offer_short(c, EBPF_OBJ_LINK);
	else if (IS("SWITCH"))
		offer_switches(c);
	else if (IS("PORT"))
		offer_ports(c);
	else if (IS("PROG_TYPE"))
		offer_prog_types(c);
	else if (IS("MAP_TYPE"))
		offer_map_types(c);
	else if (IS("FLAGS"))
		offer_map_flags(c);
	else if (IS("OBJ_PROG"))
		offer_object(c, false);
	else if (IS("OBJ_MAP"))
		offer_object(c, true);
	else if (IS("OBJECT"))
		offer_nouns(c);
	else if (IS("COMMAND") && c->count > 0)
		offer_verbs(c, c->words[0]);
	else if (IS("OBJ") || IS("SRC.c") || IS("FILE") || IS("OUT") ||
		 IS("INPUT"))
		c->files = true;
	else if (IS("PORTSPEC"))
		offer_port_specs(c);
#undef IS
}

static void
each(void *cookie, const char *text, size_t len, bool is_symbol)
{
	struct completion *c = cookie;
	char word[128];

	if (is_symbol) {
		offer_symbol(c, text, len);
		return;
	}
	snprintf(word, sizeof(word), "%.*s", (int)len, text);
	if (word[0] != '-' || c->word[0] == '-')
		offer(c, word);
}

static void
offer_options(struct completion *c)
{
	static const char *const options[] = {
		"--json",  "--pretty",	"--yaml",  "--pins",	"--quiet",
		"--debug", "--target",	"--color", "--version", "--help",
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		offer(c, options[i]);
}

int
cmd_complete(int count, char **words)
{
	struct completion c = { .word = "", .cmd = { .quiet = true } };
	const char *noun = NULL;
	const struct command *command = NULL;
	int first = 0;

	if (count > 0)
		c.word = words[--count];
	/* Options out; remember the target, its objects are what counts. */
	for (int i = 0; i < count; i++) {
		const char *word = words[i];

		if (strcmp(word, "-t") == 0 || strcmp(word, "--target") == 0 ||
		    strcmp(word, "--color") == 0) {
			if (i + 1 >= count) { /* its value is being typed */
				if (strcmp(word, "--color") == 0) {
					offer(&c, "auto");
					offer(&c, "always");
					offer(&c, "never");
				} else {
					offer(&c, "kernel");
					offer(&c, "embedded");
					offer(&c, "local");
				}
				return 0;
			}
			if (strcmp(word, "--color") != 0)
				c.cmd.target = words[i + 1];
			i++;
		} else if (word[0] != '-' || word[1] == '\0' ||
			   strcmp(word, "--foreground") == 0) {
			words[first++] = words[i];
		}
	}
	count = first;
	if (c.word[0] == '-')
		offer_options(&c);
	if (count == 0) {
		if (c.word[0] != '-')
			offer_nouns(&c);
		return 0;
	}
	noun = command_find_noun(&c.cmd, words[0]);
	if (noun == NULL)
		return 0;
	first = 1;
	command = command_default(noun);
	if (command == NULL || *command->verbs != '\0') {
		if (count == 1) {
			if (c.word[0] != '-')
				offer_verbs(&c, noun);
			return 0;
		}
		command = command_find_verb(&c.cmd, noun, words[1]);
		first = 2;
	}
	if (command == NULL)
		return 0;
	c.words = words + first;
	c.count = count - first;
	grammar_next(command, c.words, c.count, each, &c);
	if (c.files)
		puts(":files");
	gebpf_close(c.cmd.device);
	return 0;
}
