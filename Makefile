# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# One Makefile, no recursion but for variants of itself. Everything built goes
# to build/. Sources are found by folder: a new .c file needs no line here.
#
#   make            libraries, gebpf, examples
#   make demo       the main job on real packets (installs what is missing)
#   make check      all tests                    (installs what is missing)
#   make VARIANT=asan|tsan|cov   the same, instrumented, in build/VARIANT

VERSION := $(shell sed -n 's/.*EBPF_RELEASE "\(.*\)"/\1/p' lib/abi/version.h)
VARIANT ?=
B := build$(if $(VARIANT),/$(VARIANT))

CC ?= cc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPF_CLANG ?= $(CLANG)
AR ?= ar
OBJCOPY ?= objcopy
OPT ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wno-unused-parameter $(if $(NO_WERROR),,-Werror)
INC := -I. -Ilib -Ilib/host
CPPFLAGS_ALL := $(INC) -D_GNU_SOURCE
CFLAGS_ALL := -std=gnu11 -fPIC -fno-semantic-interposition \
	-fno-strict-aliasing -fvisibility=default \
	$(OPT) $(WARN) $(CFLAGS)
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
SAN_tsan := -fsanitize=thread -fno-omit-frame-pointer
SAN_cov := --coverage -O0
SAN_fuzz := -fsanitize=fuzzer-no-link,address,undefined
SAN := $(SAN_$(VARIANT))
CFLAGS_ALL += $(SAN)
LDFLAGS_ALL := $(SAN) $(LDFLAGS)

LIBS_CLIENT := -lelf
LIBS_HOST := -lpcap -lpthread
LIBS_CMD := -ljansson -lyaml -lreadline -ldl

# Before a command that calls make: it may use this one's jobs, but nothing is
# run when commands are only shown (make -n).
JOBS = $(if $(findstring n,$(firstword -$(MAKEFLAGS))),,+)

prefix ?= /usr/local
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir ?= $(prefix)/share/man
datadir ?= $(prefix)/share
compdir ?= $(datadir)/bash-completion/completions
udevdir ?= $(prefix)/lib/udev/rules.d
srcdir ?= $(prefix)/src

# ---- sources by room ----------------------------------------------------

RUNTIME_SRC := $(wildcard lib/core/*.c lib/core/*/*.c lib/switch/*.c \
	lib/host/os_*.c)
DEVICE_SRC := $(wildcard lib/device/*.c)
CLIENT_SRC := $(wildcard lib/client/*.c)
HOST_SRC := $(filter-out lib/host/os_%,$(wildcard lib/host/*.c))
BENCH_SRC := $(wildcard lib/bench/*.c)
CMD_SRC := $(wildcard cmd/*.c)
FREESTANDING_SRC := $(filter-out lib/host/%,$(RUNTIME_SRC)) $(DEVICE_SRC)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
RUNTIME_OBJ := $(call obj,$(RUNTIME_SRC))
DEVICE_OBJ := $(call obj,$(DEVICE_SRC))
CLIENT_OBJ := $(call obj,$(CLIENT_SRC))
HOST_OBJ := $(call obj,$(HOST_SRC))
BENCH_OBJ := $(call obj,$(BENCH_SRC))
CMD_OBJ := $(call obj,$(CMD_SRC))
CMD_LIB_OBJ := $(filter-out $(B)/obj/cmd/main.o,$(CMD_OBJ))

EXAMPLES := $(patsubst lib/bpf/examples/%.bpf.c,$(B)/examples/%.bpf.o,\
	$(wildcard lib/bpf/examples/*.bpf.c))

.PHONY: bench-kmod check-vale vale-tests kmod stress-kmod kvale install-dkms check-guest all objs libs examples deps demo check conformance bench fuzz \
	mutate coverage install uninstall clean freestanding layers tests lint stress \
	guard guard-lower bench-compare
.DELETE_ON_ERROR:

all: libs $(B)/gebpf examples $(B)/man/gebpf-asm.7

objs: $(RUNTIME_OBJ) $(DEVICE_OBJ) $(CLIENT_OBJ) $(HOST_OBJ) $(BENCH_OBJ) $(CMD_OBJ)

libs: $(B)/libebpf.a $(B)/libebpf.so $(B)/libgebpf.a $(B)/libgebpf.so

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# ---- libraries and binary -----------------------------------------------

$(B)/libebpf.a: $(RUNTIME_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libebpf.so: $(RUNTIME_OBJ)
	$(CC) -shared $(LDFLAGS_ALL) -Wl,-soname,libebpf.so.0 $^ -lpthread -o $@
	@ln -sf libebpf.so $(B)/libebpf.so.0

# libgebpf carries the local transport, so it carries the engine too.
GEBPF_LIB_OBJ := $(CLIENT_OBJ) $(HOST_OBJ) $(DEVICE_OBJ) $(RUNTIME_OBJ)

$(B)/libgebpf.a: $(GEBPF_LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libgebpf.so: $(GEBPF_LIB_OBJ)
	$(CC) -shared $(LDFLAGS_ALL) -Wl,-soname,libgebpf.so.0 $^ \
		$(LIBS_CLIENT) $(LIBS_HOST) -o $@
	@ln -sf libgebpf.so $(B)/libgebpf.so.0

# The suites of gebpf bench; no part of the libraries that are installed.
$(B)/libbench.a: $(BENCH_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/gebpf: $(CMD_OBJ) $(B)/libbench.a $(B)/libgebpf.a
	$(CC) $(LDFLAGS_ALL) $^ $(LIBS_CMD) $(LIBS_CLIENT) $(LIBS_HOST) -o $@

# The instruction table's manual page is made from the table.
$(B)/man/asm_table: $(B)/obj/man/asm_table.o $(B)/libgebpf.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $^ $(LIBS_CLIENT) $(LIBS_HOST) -o $@

$(B)/man/gebpf-asm.7: man/gebpf-asm.7.in $(B)/man/asm_table
	$(B)/man/asm_table > $@.table
	sed -e '/@TABLE@/{r $@.table' -e 'd}' $< > $@

# ---- BPF examples -------------------------------------------------------

examples: $(EXAMPLES)

# lib/bpf stands in for what clang -target bpf does not find of the host.
BPF_CFLAGS := -target bpf -O2 -g -Wall -Werror -Ilib/bpf -Ilib

$(B)/examples/%.bpf.o: lib/bpf/examples/%.bpf.c \
		$(wildcard lib/bpf/*.h lib/bpf/*/*.h)
	@mkdir -p $(@D)
	$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

# What gebpf bench measures: compiled here, carried as data in bench_blob.c.
BENCH_PROG := $(patsubst lib/bench/programs/%.bpf.c,$(B)/bench/%.inc,\
	$(wildcard lib/bench/programs/*.bpf.c)) $(B)/bench/l2_bridge.inc
.PRECIOUS: $(B)/bench/%.bpf.o

$(B)/bench/%.bpf.o: lib/bench/programs/%.bpf.c \
		$(wildcard lib/bench/programs/*.h lib/bpf/*.h lib/bpf/*/*.h)
	@mkdir -p $(@D)
	$(BPF_CLANG) $(BPF_CFLAGS) -mcpu=v3 -c $< -o $@

$(B)/bench/l2_bridge.bpf.o: $(B)/examples/l2_bridge.bpf.o
	@mkdir -p $(@D)
	cp $< $@

$(B)/bench/%.inc: $(B)/bench/%.bpf.o
	od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' > $@

$(B)/obj/lib/bench/bench_blob.o: $(BENCH_PROG)
$(B)/obj/lib/bench/bench_blob.o: CPPFLAGS_ALL += -I$(B)
# Native forms are plain code: BPF has no vectors to compare with.
$(B)/obj/lib/bench/suite_%.o: CFLAGS_ALL += -fno-tree-vectorize \
	-fno-tree-slp-vectorize

# ---- checks of form -----------------------------------------------------

# The form in which kernels take core, switch and device: C99, freestanding,
# no floating point, small frames. tests/freestanding/ stands in for a home.
FREE_CFLAGS := -std=iso9899:1999 -ffreestanding -mgeneral-regs-only -O2 \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wvla \
	-Wframe-larger-than=1023 -fno-strict-aliasing \
	-Ilib -Itests/freestanding
FREE_OBJ := $(patsubst %.c,$(B)/free/%.o,$(FREESTANDING_SRC))

freestanding: $(FREE_OBJ)
$(B)/free/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(FREE_CFLAGS) -MMD -MP -c $< -o $@

# Who may include whom, and no operating system in the engine.
layers:
	@tests/layers.sh

lint: layers freestanding

# ---- Linux modules ------------------------------------------------------

# The kernel's build wants one flat folder of its own: links to the sources.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build \
	$(lastword $(sort $(wildcard /lib/modules/*/build)))))
# Debian's headers come without vmlinux, which BTF for modules is made from.
KBUILD = $(MAKE) -C $(KDIR) \
	$(if $(wildcard $(KDIR)/vmlinux),,CONFIG_DEBUG_INFO_BTF_MODULES=)
KMOD_SRC := $(FREESTANDING_SRC) $(wildcard kmod/linux/*.[cS]) \
	kmod/linux/Kbuild
kmod:
	@test -n "$(KDIR)" || { echo "kmod: no kernel headers: install" \
		"linux-headers-amd64 or give KDIR=DIR"; exit 1; }
	@mkdir -p $(B)/kmod
	@ln -sf $(addprefix $(CURDIR)/,$(KMOD_SRC)) $(B)/kmod
	$(JOBS)$(KBUILD) M=$(CURDIR)/$(B)/kmod TOP=$(CURDIR) \
		RUNTIME_OBJS="$(patsubst %.c,%.o,$(notdir \
			$(filter-out lib/host/%,$(RUNTIME_SRC))))" \
		DEVICE_OBJS="$(patsubst %.c,%.o,$(notdir $(DEVICE_SRC)))" \
		modules
	$(OBJCOPY) --set-section-flags .ebpf_arena=alloc,readonly,code \
		$(B)/kmod/ebpf.ko
	$(if $(NETMAP),+@$(MAKE) kvale)

# Unit tests of maps as a module, with an engine of their own (tests/guest).
KMOD_TESTS := lpm_test map_array_test map_demand_test map_hash_test \
	map_home_test map_in_map_test map_reuse_test map_test queue_test
KMOD_TESTS_SRC := $(filter-out lib/host/%,$(RUNTIME_SRC)) \
	$(addprefix kmod/linux/,os_linux_exec.c os_linux_ring.c arena.S branch.S) \
	$(wildcard tests/guest/inside/*.c) tests/guest/inside/Kbuild \
	$(KMOD_TESTS:%=tests/unit/%.c) tests/lib/lpm_lab.c tests/lib/map_lab.c
kmod-tests:
	@mkdir -p $(B)/kmod-tests
	@ln -sf $(addprefix $(CURDIR)/,$(KMOD_TESTS_SRC)) $(B)/kmod-tests
	$(JOBS)$(KBUILD) M=$(CURDIR)/$(B)/kmod-tests TOP=$(CURDIR) \
		TESTS="$(KMOD_TESTS)" RUNTIME_OBJS="$(patsubst %.c,%.o,$(notdir \
			$(filter-out lib/host/%,$(RUNTIME_SRC))))" modules
	$(OBJCOPY) --set-section-flags .ebpf_arena=alloc,readonly,code \
		$(B)/kmod-tests/inside_tests.ko

# The hook on netmap's switches, with NETMAP=DIR, a tree that was built.
KVALE ?= kvale
kvale:
	@mkdir -p $(B)/$(KVALE)
	@ln -sf $(addprefix $(CURDIR)/,$(wildcard kmod/vale/*.[ch]) \
		kmod/vale/Kbuild) $(B)/$(KVALE)
	$(JOBS)$(KBUILD) M=$(CURDIR)/$(B)/$(KVALE) TOP=$(CURDIR) \
		NETMAP=$(abspath $(NETMAP)) KBUILD_EXTRA_SYMBOLS="$(abspath \
			$(NETMAP)/LINUX/Module.symvers $(B)/kmod/Module.symvers)" \
		modules

# ---- tests --------------------------------------------------------------

# An archive, so that a test links only what it uses of it.
TEST_LIB_OBJ := $(call obj,$(filter-out tests/lib/fuzz_main.c,\
	$(wildcard tests/lib/*.c)))
TEST_LIB := $(B)/libtest.a
# The driver of fuzzers, unless libFuzzer brings its own.
FUZZ_MAIN_OBJ := $(if $(filter fuzz,$(VARIANT)),,$(call obj,tests/lib/fuzz_main.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/*.c))
COMPARE_BIN := $(patsubst tests/verify/%.c,$(B)/tests/%,$(wildcard tests/verify/*.c))
BENCH_BIN := $(patsubst tests/bench/%.c,$(B)/tests/%,$(wildcard tests/bench/*.c))
GUARD_OBJ := $(call obj,$(wildcard tests/guard/*.c))
TEST_INC := -Itests/lib

$(B)/obj/tests/%.o: CPPFLAGS_ALL += $(TEST_INC)
$(B)/obj/tests/guard/%.o: CPPFLAGS_ALL += -DGUARD_FLAGS='"$(strip $(OPT) $(CFLAGS))"'

# The interpreter's form for clang is tested in every build; instruments of
# another compiler do not fit it.
ifeq ($(findstring clang,$(CC)),)
$(B)/obj/tests/lib/interp_clang.o: CC := $(CLANG)
$(B)/obj/tests/lib/interp_clang.o: CFLAGS_ALL := $(filter-out $(SAN),$(CFLAGS_ALL))
endif

$(TEST_LIB): $(TEST_LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

TEST_LINK = $(CC) $(LDFLAGS_ALL) $(filter %.o,$^) $(TEST_LIB) $(B)/libbench.a $(B)/libgebpf.a \
	$(LIBS_CMD) $(LIBS_CLIENT) $(LIBS_HOST) -lm -o $@

$(B)/tests/%: $(B)/obj/tests/unit/%.o $(TEST_LIB) $(B)/libbench.a $(B)/libgebpf.a
	@mkdir -p $(@D)
	$(TEST_LINK)
$(B)/tests/%: $(B)/obj/tests/bench/%.o $(TEST_LIB) $(B)/libbench.a $(B)/libgebpf.a
	@mkdir -p $(@D)
	$(TEST_LINK)
$(B)/tests/%: $(B)/obj/tests/verify/%.o $(TEST_LIB) $(B)/libbench.a $(B)/libgebpf.a
	@mkdir -p $(@D)
	$(TEST_LINK)
$(B)/tests/guard: $(GUARD_OBJ) $(TEST_LIB) $(B)/libbench.a $(B)/libgebpf.a
	@mkdir -p $(@D)
	$(TEST_LINK)
# Fuzzers need only LLVMFuzzerTestOneInput; without libFuzzer the driver in
# tests/lib/fuzz_main.c feeds them files and its own mutations.
$(B)/tests/%: $(B)/obj/tests/fuzz/%.o $(TEST_LIB) $(FUZZ_MAIN_OBJ) \
		$(B)/libbench.a $(B)/libgebpf.a
	@mkdir -p $(@D)
	$(TEST_LINK) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer)

.SECONDARY:

tests: $(if $(filter fuzz,$(VARIANT)),,$(UNIT_BIN) $(COMPARE_BIN)) $(FUZZ_BIN) \
	$(if $(VARIANT),,$(B)/tests/guard)

deps:
	@tests/deps.sh

# One script runs everything and adds up; its last line is the verdict.
check: deps
	$(JOBS)@tests/run

# Maps under all sorts of load for SECONDS=60, each time in another order.
stress: tests
	@tests/stress/run $(or $(SECONDS),60) $(SEED)

# The modules in a guest, all of it; check runs the quicker part.
check-guest: all tests
	$(JOBS)@tests/guest/run.sh --full

# vale_bpf.ko on real switches: NETMAP=DIR, a netmap tree that was built.
check-vale: all tests
	$(JOBS)@if [ -n "$(NETMAP)" ]; then tests/guest/run.sh --vale "$(NETMAP)"; \
	else echo "ok 1 - vale_bpf on netmap # SKIP no NETMAP=DIR"; fi

# What opens ports there; run.sh makes it, with the netmap that it boots.
VALE_TESTS := $(addprefix $(B)/guest-run/,vale_churn vale_fail \
	vale_frames)
vale-tests: $(VALE_TESTS)
$(B)/guest-run/vale_frames: $(addprefix tests/guest/,vale_pointers.c \
	vale_pointers.h vale_room.c vale_room.h)
$(VALE_TESTS): $(B)/guest-run/%: tests/guest/%.c tests/guest/vale_port.c \
		tests/guest/vale_port.h $(TEST_LIB) $(B)/libgebpf.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(TEST_INC) -isystem $(NETMAP)/sys $(CFLAGS_ALL) \
		$(filter %.c,$^) $(TEST_LIB) $(B)/libgebpf.a \
		$(LIBS_CMD) $(LIBS_CLIENT) $(LIBS_HOST) -o $@

# Again and again, within about SECONDS if that is given; attaching under
# traffic with NETMAP=DIR.
stress-kmod: all tests
	$(JOBS)@GUEST_SECONDS=$(SECONDS) tests/guest/run.sh --stress $(if $(NETMAP),--vale "$(NETMAP)")

# Ratios to bpf(2), and with NETMAP=DIR to VALE's own bridge and XDP.
bench-kmod: all tests $(BENCH_BIN)
	$(JOBS)@tests/guest/run.sh --bench $(if $(NETMAP),--vale "$(NETMAP)")

# What a change did: OLD=rev [ROWS=part of a name] [SUITES=maps,..] [ROUNDS=9]
bench-compare: all
	@test -n "$(OLD)" || { echo "bench-compare: OLD=revision?"; exit 1; }
	@tests/bench/compare $(OLD) $(if $(ROWS),--rows "$(ROWS)") \
		$(if $(SUITES),--suites $(SUITES)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(TIME),--time $(TIME))

conformance: $(B)/tests/engine_test
	$(B)/tests/engine_test --conformance $(CONFORMANCE)

demo: deps
	$(JOBS)@tests/demo/run

# Ratios to Linux and to native code: [SUITES="maps load"] [ROWS=part of a name]
# [ROUNDS=9] [TIME=microseconds] [SVG=file]
bench: all $(BENCH_BIN)
	$(JOBS)@tests/bench/run $(SUITES) $(if $(ROWS),rows "$(ROWS)") \
		$(if $(ROUNDS),rounds $(ROUNDS)) $(if $(TIME),time $(TIME)) \
		$(if $(SVG),svg $(SVG))

# Instruction counts and code sizes beside their limits; lower them to these.
guard: $(B)/tests/guard
	@tests/guard/run.sh --show
guard-lower: $(B)/tests/guard
	@tests/guard/run.sh --lower

fuzz: deps
	$(JOBS)@tests/fuzz/run

# Which lines of the verifier and the loader the unit tests come through.
coverage:
	$(JOBS)@tests/coverage

# Which of the verifier's checks would be missed: each taken out in turn.
mutate:
	$(JOBS)@tests/mutate/run

# ---- install ------------------------------------------------------------

PUBLIC_HEADERS := abi/chardev.h abi/error.h abi/error.def abi/helper.h abi/helper.def \
	abi/insn.h abi/insn.def abi/kinds.h abi/map_kind.def \
	abi/prog_kind.def abi/request.def abi/rule.h abi/rule.def abi/version.h abi/wire.h

install: all
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig \
		$(DESTDIR)$(includedir)/gebpf/abi \
		$(DESTDIR)$(includedir)/gebpf/core \
		$(DESTDIR)$(includedir)/gebpf/client \
		$(DESTDIR)$(includedir)/gebpf/bpf \
		$(DESTDIR)$(mandir)/man7 $(DESTDIR)$(mandir)/man8 \
		$(DESTDIR)$(compdir) $(DESTDIR)$(udevdir)
	install -m 755 $(B)/gebpf $(DESTDIR)$(bindir)/gebpf
	install -m 644 $(B)/libebpf.a $(B)/libgebpf.a $(DESTDIR)$(libdir)
	install -m 755 $(B)/libebpf.so $(DESTDIR)$(libdir)/libebpf.so.0
	install -m 755 $(B)/libgebpf.so $(DESTDIR)$(libdir)/libgebpf.so.0
	ln -sf libebpf.so.0 $(DESTDIR)$(libdir)/libebpf.so
	ln -sf libgebpf.so.0 $(DESTDIR)$(libdir)/libgebpf.so
	install -m 644 $(addprefix lib/,$(PUBLIC_HEADERS)) \
		$(DESTDIR)$(includedir)/gebpf/abi
	install -m 644 lib/core/ebpf.h $(DESTDIR)$(includedir)/gebpf/core
	install -m 644 lib/client/gebpf.h $(DESTDIR)$(includedir)/gebpf/client
	install -m 644 $(wildcard lib/bpf/*.h) $(DESTDIR)$(includedir)/gebpf/bpf
	for d in asm gnu; do \
		install -d $(DESTDIR)$(includedir)/gebpf/bpf/$$d && \
		install -m 644 lib/bpf/$$d/*.h \
			$(DESTDIR)$(includedir)/gebpf/bpf/$$d || exit 1; done
	for l in libebpf libgebpf; do \
		sed -e 's|@prefix@|$(prefix)|; s|@libdir@|$(libdir)|' \
		    -e 's|@includedir@|$(includedir)|; s|@version@|$(VERSION)|' \
		    lib/$$l.pc.in > $(DESTDIR)$(libdir)/pkgconfig/$$l.pc; done
	install -m 644 $(wildcard man/*.8) $(DESTDIR)$(mandir)/man8
	install -m 644 $(B)/man/gebpf-asm.7 $(DESTDIR)$(mandir)/man7
	install -m 644 completions/gebpf.bash $(DESTDIR)$(compdir)/gebpf
	install -m 644 kmod/linux/60-ebpf.rules $(DESTDIR)$(udevdir)

# What dkms needs to build the modules for each kernel: sources and dkms.conf.
DKMS_DIR = $(DESTDIR)$(srcdir)/gebpf-$(VERSION)
install-dkms:
	rm -rf $(DKMS_DIR)
	install -d $(DKMS_DIR)
	cp -R Makefile LICENSE lib kmod $(DKMS_DIR)
	sed -e 's|@version@|$(VERSION)|g' kmod/linux/dkms.conf.in \
		> $(DKMS_DIR)/dkms.conf

uninstall:
	rm -f $(DESTDIR)$(bindir)/gebpf $(DESTDIR)$(compdir)/gebpf \
		$(DESTDIR)$(udevdir)/60-ebpf.rules
	rm -f $(DESTDIR)$(libdir)/libebpf.* $(DESTDIR)$(libdir)/libgebpf.* \
		$(DESTDIR)$(libdir)/pkgconfig/libebpf.pc \
		$(DESTDIR)$(libdir)/pkgconfig/libgebpf.pc
	rm -rf $(DESTDIR)$(includedir)/gebpf
	rm -f $(DESTDIR)$(mandir)/man7/gebpf-asm.7
	rm -f $(addprefix $(DESTDIR)$(mandir)/man8/,$(notdir $(wildcard man/*.8)))

clean:
	rm -rf build

-include $(shell find $(B)/obj $(B)/free -name '*.d' 2>/dev/null)
