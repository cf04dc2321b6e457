/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Machine code as text, by libLLVM's C interface, loaded only when machine
 * code is shown: linking it would cost every start of gebpf milliseconds and
 * megabytes. Without the library callers show bytes.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/prog.h"

struct machine {
	void *library;
	void *context;
	size_t (*insn)(void *context, uint8_t *bytes, uint64_t len,
		       uint64_t address, char *text, size_t size);
	void (*dispose)(void *context);
};

/* LLVM's own names for a target's parts: LLVMInitialize<X>Target... */
static bool
initialize(void *library, const char *arch)
{
	static const char *const parts[] = { "TargetInfo", "Target",
					     "TargetMC", "Disassembler" };
	char name[80];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		void (*init)(void);

		snprintf(name, sizeof(name), "LLVMInitialize%s%s", arch,
			 parts[i]);
		*(void **)&init = dlsym(library, name);
		if (init == NULL)
			return false;
		init();
	}
	return true;
}

struct machine *
machine_open(const char *jit)
{
	static const char *const libraries[] = {
		"libLLVM-14.so.1",  "libLLVM.so.19.1", "libLLVM-19.so.1",
		"libLLVM-16.so.1",  "libLLVM-15.so.1", "libLLVM-17.so.1",
		"libLLVM.so.18.1",  "libLLVM.so.20.1", "libLLVM.so",
	};
	bool arm = strstr(jit, "arm64") != NULL || strstr(jit, "aarch64");
	void *(*create)(const char *triple, void *cookie, int tag,
			void *operand, void *symbol);
	struct machine *machine = calloc(1, sizeof(*machine));

	if (machine == NULL)
		return NULL;
	for (size_t i = 0; machine->library == NULL &&
			   i < sizeof(libraries) / sizeof(libraries[0]);
	     i++)
		machine->library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
	if (machine->library == NULL)
		goto fail;
	*(void **)&create = dlsym(machine->library, "LLVMCreateDisasm");
	*(void **)&machine->insn =
		dlsym(machine->library, "LLVMDisasmInstruction");
	*(void **)&machine->dispose =
		dlsym(machine->library, "LLVMDisasmDispose");
	if (create == NULL || machine->insn == NULL ||
	    machine->dispose == NULL ||
	    !initialize(machine->library, arm ? "AArch64" : "X86"))
		goto fail;
	machine->context = create(arm ? "aarch64-linux-gnu"
				      : "x86_64-linux-gnu",
				  NULL, 0, NULL, NULL);
	if (machine->context == NULL)
		goto fail;
	return machine;
fail:
	if (machine->library != NULL)
		dlclose(machine->library);
	free(machine);
	return NULL;
}

void
machine_close(struct machine *machine)
{
	if (machine == NULL)
		return;
	machine->dispose(machine->context);
	/* The library stays: LLVM's destructors cost more than our exit. */
	free(machine);
}

size_t
machine_insn(struct machine *machine, const uint8_t *code, size_t len,
	     uint64_t address, char *text, size_t size)
{
	size_t used = machine->insn(machine->context, (uint8_t *)code, len,
				    address, text, size);
	char *c = text;

	if (used == 0 || used > len)
		return 0;
	while (*c == '\t' || *c == ' ')
		c++;
	memmove(text, c, strlen(c) + 1);
	for (c = text; *c != '\0'; c++)
		if (*c == '\t')
			*c = ' ';
	return used;
}
