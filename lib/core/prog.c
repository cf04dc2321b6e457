/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Loading programs. The stairs: copy, decode, resolve maps, debug information,
 * verify, link, compile, fuse, publish. Each step fills in the program; whatever
 * fails, destroying the unpublished object undoes what was done.
 */
#include "core/prog.h"

#include "core/assumed.h"
#include "core/btf.h"
#include "core/fuse.h"
#include "core/interp.h"
#include "core/jit/jit_tail.h"
#include "core/map.h"
#include "core/prog_load.h"
#include "core/report.h"
#include "core/runtime.h"
#include "core/verifier.h"

static void
prog_destroy(struct ebpf_object *obj)
{
	struct ebpf_prog *prog = os_container(obj, struct ebpf_prog, obj);
	uint32_t i;

	ebpf_jit_free(prog->image);
	for (i = 0; i < prog->map_count; i++)
		ebpf_map_put(prog->maps[i]);
	os_free(prog->maps);
	if (prog->btf)
		ebpf_object_put(&prog->btf->obj);
	os_free(prog->func_infos);
	os_free(prog->line_infos);
	os_free(prog->dead);
	os_free(prog->fences);
	os_free((void *)(uintptr_t)prog->funcs);
	os_free((void *)(uintptr_t)prog->ops);
	os_free(prog->raw);
	os_percpu_free(prog->stats);
	os_free(prog);
}

int
ebpf_reject(struct ebpf_loading *l, uint32_t insn, enum ebpf_rule rule,
	    const char *format, ...)
{
	/* as they were given: they may not have been checked yet */
	struct ebpf_source source = { l->load.btf, l->load.lines,
				      l->load.line_count };
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	l->stats.insn = insn;
	l->stats.rule = rule;
	ebpf_report_begin(&l->log, rule, text, &source, insn);
	ebpf_log(&l->log, "at instruction %u\n", insn);
	ebpf_log(l->log.records, "at\t%u\t", insn);
	ebpf_record_place(l->log.records, &source, insn);
	ebpf_log(l->log.records, "\n");
	ebpf_report_end(&l->log, rule, NULL);
	return -EBPF_EREJECTED;
}

/* ---- what the caller asks for ---- */

static int
check_load(const struct ebpf_loading *l)
{
	const struct ebpf_load *load = &l->load;

	if (!load->insns || load->insn_count == 0 ||
	    load->assume_linux > load->verify_only ||
	    load->engine > EBPF_LOAD_INTERP || load->verify_only > 1 ||
	    load->log_level > 2 || (load->map_count && !load->maps) ||
	    (load->func_count && !load->funcs) ||
	    (load->line_count && !load->lines))
		return -EBPF_EINVAL;
	/* Infos speak of types and strings, so they need both. */
	if ((load->func_count || load->line_count) && !load->btf)
		return -EBPF_EINVAL;
	if (load->btf && load->btf->obj.rt != l->rt)
		return -EBPF_EINVAL;
	/* One info describes at least one slot. */
	if (load->func_count > load->insn_count ||
	    load->line_count > load->insn_count)
		return -EBPF_EINVAL;
	return 0;
}

static bool
is_gpl_compatible(const char *license)
{
	static const char *const names[] = {
		"GPL",		"GPL v2",	"GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
	};
	uint32_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(license, names[i]) == 0)
			return true;
	return false;
}

/* The object with its memory, accounted before it is taken. */
static int
prog_new(struct ebpf_loading *l, const struct ebpf_kind *kind)
{
	const struct ebpf_load *load = &l->load;
	uint64_t count = load->insn_count, bytes;
	struct ebpf_prog *prog;
	int error;

	bytes = sizeof(*prog) +
		count * (sizeof(struct ebpf_insn) + sizeof(struct ebpf_op)) +
		(uint64_t)load->func_count * sizeof(load->funcs[0]) +
		(uint64_t)load->line_count * sizeof(load->lines[0]) +
		(uint64_t)os_cpu_count() * sizeof(struct ebpf_run_stats);
	prog = os_alloc(sizeof(*prog));
	if (!prog)
		return -EBPF_ENOMEM;
	error = ebpf_object_init(&prog->obj, l->rt, EBPF_OBJ_PROG, load->name,
				 load->uid, prog_destroy);
	if (error) {
		os_free(prog);
		return error;
	}
	l->prog = prog; /* from here on the caller discards it */
	error = ebpf_charge(&prog->obj, bytes);
	if (error)
		return error;
	prog->raw = os_alloc_raw(count * sizeof(prog->raw[0]));
	l->ops = os_alloc_raw(count * sizeof(l->ops[0]));
	prog->ops = l->ops;
	prog->stats = os_percpu_alloc(sizeof(struct ebpf_run_stats));
	if (!prog->raw || !prog->ops || !prog->stats)
		return -EBPF_ENOMEM;
	memcpy(prog->raw, load->insns, count * sizeof(prog->raw[0]));
	prog->op_count = load->insn_count;
	prog->kind = kind;
	prog->mem_size = load->mem_size;
	prog->cookie = load->cookie;
	prog->assume_linux = load->assume_linux;
	prog->entry = ebpf_interp_run;
	prog->gpl_compatible = load->license && is_gpl_compatible(load->license);
	if (load->btf) {
		ebpf_object_get(&load->btf->obj);
		prog->btf = load->btf;
	}
	return 0;
}

static int
decode(struct ebpf_loading *l)
{
	struct ebpf_decode_error why = { 0, EBPF_RULE_ENCODING, "" };

	if (ebpf_decode(l->prog->raw, l->prog->op_count, l->ops, &why) == 0)
		return 0;
	return ebpf_reject(l, why.insn, why.rule, "%s", why.what);
}

static int
verify(struct ebpf_loading *l)
{
	uint64_t start = os_time_ns();
	int error;

	error = ebpf_verify(l->prog, l->ops, &l->log, &l->stats);
	l->stats.verify_ns = os_time_ns() - start;
	l->stats.stack_depth = l->prog->stack_total;
	l->prog->insns_processed = l->stats.insns_processed;
	if (error)
		return error;
	return ebpf_charge(&l->prog->obj,
			   (uint64_t)l->prog->func_count *
					   sizeof(l->prog->funcs[0]) +
				   (l->prog->op_count / 8 + 1) *
					   ((l->prog->dead != NULL) +
					    (l->prog->fences != NULL)));
}

/* ---- engines ---- */

typedef uint64_t entry_fn(uint64_t r1, uint64_t r2, uint64_t r3,
			  const struct ebpf_prog *prog);

static int
use_jit(struct ebpf_loading *l)
{
	struct ebpf_prog *prog = l->prog;
	struct ebpf_jit_image *image;
	uint64_t start = os_time_ns();
	int error;

	if (l->rt->config.no_jit || !ebpf_jit_host())
		return -EBPF_EJIT;
	error = ebpf_jit_compile(prog, &image);
	l->stats.jit_ns = os_time_ns() - start;
	if (error == -EBPF_ENOMEM)
		return error;
	if (error)
		return -EBPF_EJIT;
	prog->image = image;
	prog->entry = (entry_fn *)(uintptr_t)(image->code + image->entry_off);
	prog->jited = 1;
	return ebpf_charge(&prog->obj, ebpf_jit_bytes(prog, image));
}

/* Where speculation is a worry, the interpreter is one. */
bool
ebpf_prog_may_interp(const struct ebpf_runtime *rt)
{
	return rt->config.no_interp == 0 &&
	       (rt->config.harden & EBPF_HARDEN_SPECULATION) == 0;
}

void
ebpf_prog_will_interp(struct ebpf_prog *prog)
{
	struct ebpf_op *ops = (struct ebpf_op *)(uintptr_t)prog->ops;

	if (os_load_acquire(&prog->lines))
		return;
	os_mutex_lock(&prog->obj.rt->lock);
	if (!prog->lines)
		ebpf_fuse_lines(prog, ops);
	os_mutex_unlock(&prog->obj.rt->lock);
}

/*
 * A JIT that was asked for and cannot be had is an error, else a wish. Who only
 * has it verified is told of engines what he asks by naming one.
 */
static int
choose_engine(struct ebpf_loading *l)
{
	bool no_interp = !ebpf_prog_may_interp(l->rt);
	int error;

	if (l->load.engine == EBPF_LOAD_INTERP && no_interp)
		ebpf_log(&l->log, "programs are not interpreted here\n");
	if (l->load.engine == EBPF_LOAD_INTERP)
		return no_interp ? -EBPF_EUNSUPPORTED : 0;
	if (l->load.verify_only && l->load.engine == EBPF_LOAD_ANY)
		return 0;
	error = use_jit(l);
	if (error == -EBPF_EJIT && l->load.engine == EBPF_LOAD_ANY &&
	    !no_interp)
		return 0;
	if (error == -EBPF_EJIT)
		ebpf_log(&l->log, "no JIT compiler for this program here\n");
	return error;
}

/* Programs that tail-call each other must be alike; see map.h. */
static int
join_prog_arrays(struct ebpf_loading *l)
{
	struct ebpf_prog *prog = l->prog;
	struct ebpf_map *map;
	uint32_t i;
	int error;

	for (i = 0; i < prog->map_count; i++) {
		map = prog->maps[i];
		if (map->ops->kind != EBPF_MAP_PROG_ARRAY)
			continue;
		error = ebpf_prog_array_adopt(map, prog->kind->number,
					      prog->jited != 0);
		if (error) {
			ebpf_log(&l->log,
				 "map %u holds programs of another kind or "
				 "engine: tail calls must stay within one\n",
				 map->obj.id);
			return error;
		}
		os_store(&map->obj.cyclic, 1);
		prog->obj.cyclic = 1;
	}
	return prog->jited ? ebpf_jit_tails_join(prog->image) : 0;
}

static int
climb(struct ebpf_loading *l, const struct ebpf_kind *kind)
{
	int error;

	error = prog_new(l, kind);
	if (error)
		return error;
	error = decode(l);
	if (error)
		return error;
	error = ebpf_resolve_maps(l);
	if (error)
		return error;
	error = ebpf_load_infos(l);
	if (error)
		return error;
	error = verify(l);
	if (error || l->load.assume_linux)
		return error;
	error = ebpf_resolve_link(l);
	if (error)
		return error;
	error = choose_engine(l);
	if (error || l->load.verify_only)
		return error;
	/* whoever wants a compiled program interpreted says so */
	ebpf_fuse(l->prog, l->ops,
		  l->prog->jited ? EBPF_FUSE_NONE : EBPF_FUSE_ALL);
	error = join_prog_arrays(l);
	if (error)
		return error;
	return ebpf_object_publish(&l->prog->obj);
}

int
ebpf_prog_load(struct ebpf_runtime *rt, const struct ebpf_load *load,
	       struct ebpf_prog **prog)
{
	const struct ebpf_kind *kind;
	struct ebpf_loading l;
	int error;

	*prog = NULL;
	memset(&l, 0, sizeof(l));
	l.rt = rt;
	error = ebpf_sized_copy(&l.load, sizeof(l.load), load);
	if (error)
		return error;
	if (l.load.log && l.load.log_size > 0) {
		l.log.text = l.load.log;
		l.log.room = l.load.log_size;
		l.log.level = l.load.log_level;
		l.log.text[0] = '\0';
	}
	if (l.load.report && l.load.report_size > 0) {
		l.records.text = l.load.report;
		l.records.room = l.load.report_size;
		l.records.concluding = 1; /* all of it is the end */
		l.records.text[0] = '\0';
		l.log.records = &l.records;
	}
	error = check_load(&l);
	if (error)
		goto out;
	error = l.load.assume_linux ? -EBPF_EUNSUPPORTED : -EBPF_EINVAL;
	kind = l.load.assume_linux ? ebpf_assumed_kind(l.load.kind) :
				     ebpf_kind_find(rt, l.load.kind);
	if (!kind || (l.load.mem_size && kind->entry != EBPF_ENTRY_MEM))
		goto out;
	error = l.load.insn_count > EBPF_INSN_MAX ?
			ebpf_reject(&l, 0, EBPF_RULE_LIMIT,
				    "more than %d instructions",
				    EBPF_INSN_MAX) :
			climb(&l, kind);
out:
	if (l.load.stats)
		*l.load.stats = l.stats;
	if (l.prog && (error || l.load.verify_only)) {
		ebpf_object_discard(&l.prog->obj);
		l.prog = NULL;
	}
	*prog = l.prog;
	return error;
}

void
ebpf_prog_get(struct ebpf_prog *prog)
{
	ebpf_object_get(&prog->obj);
}

void
ebpf_prog_put(struct ebpf_prog *prog)
{
	if (prog)
		ebpf_object_put(&prog->obj);
}

const void *
ebpf_prog_cookie(const struct ebpf_prog *prog)
{
	return prog->cookie;
}

bool
ebpf_prog_is_jited(const struct ebpf_prog *prog)
{
	return prog->jited != 0;
}

/* ---- running ---- */

uint64_t
ebpf_prog_run_counted(const struct ebpf_prog *prog, uint64_t r1, uint64_t r2,
		      uint64_t r3)
{
	struct ebpf_run_stats *stats;
	uint64_t start, result;

	if (os_likely(!os_load(&prog->obj.rt->stats_on)))
		return ebpf_prog_run(prog, r1, r2, r3);
	start = os_time_ns();
	result = ebpf_prog_run(prog, r1, r2, r3);
	/* This CPU's own; others look and reset at any time: whole words. */
	stats = os_percpu_ptr(prog->stats, os_cpu_id());
	os_store(&stats->count, os_load(&stats->count) + 1);
	os_store(&stats->time_ns,
		 os_load(&stats->time_ns) + os_time_ns() - start);
	return result;
}

uint64_t
ebpf_prog_run_ctx(const struct ebpf_prog *prog, void *ctx)
{
	return ebpf_prog_run_counted(prog, (uintptr_t)ctx, 0, 0);
}

uint64_t
ebpf_prog_run_raw(const struct ebpf_prog *prog, void *mem, size_t len)
{
	return ebpf_prog_run_counted(prog, (uintptr_t)mem, len, 0);
}

uint64_t
ebpf_prog_run_buf(const struct ebpf_prog *prog, void *buf, uint16_t len,
		  uint8_t port)
{
	return ebpf_prog_run_counted(prog, (uintptr_t)buf, len, port);
}

uint64_t
ebpf_prog_run_mem(const struct ebpf_prog *prog, void *mem, size_t len)
{
	struct ebpf_section section;
	uint64_t result;

	ebpf_section_enter(&section);
	result = ebpf_prog_run_raw(prog, mem, len);
	ebpf_section_leave(&section);
	return result;
}
