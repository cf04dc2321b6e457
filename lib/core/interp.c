/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The interpreter: how a run begins, what calls and exits do, and how one
 * instruction follows another. What each does is in interp_ops.h, which ones
 * are executed as one in fused.def. Registers live in an array on the C stack,
 * local calls push onto a small array of frames, and only a tail call from a
 * subprogram nests a second run. Trusts what the verifier proved; checks
 * nothing that it checks, except depths, which cost nothing here.
 */
#include "core/interp.h"

#include "core/interp_ops.h"
#include "core/map.h"
#include "core/runtime.h"

/*
 * Three ways from one instruction to the next, all from the same list. The
 * compiler decides, here and nowhere else; tests define EBPF_INTERP_FORM.
 *
 *	TAIL	 a function for each, which ends in a call that the compiler
 *		 promises to make a jump of
 *	LABELS	 one function with a label for each, whose address can be had
 *	SWITCH	 plain C
 *
 * Registers of programs in registers of the machine (r0..r9 as arguments, a
 * handler for each pair) were tried with either of the first two: not faster,
 * and ten times the code.
 */
#define FORM_IS_TAIL 1
#define FORM_IS_LABELS 2
#define FORM_IS_SWITCH 3
#if !defined(EBPF_INTERP_FORM) && defined(__has_attribute)
#if __has_attribute(musttail)
#define EBPF_INTERP_FORM FORM_IS_TAIL
#endif
#endif
#if !defined(EBPF_INTERP_FORM) && defined(__GNUC__)
#define EBPF_INTERP_FORM FORM_IS_LABELS
#endif
#ifndef EBPF_INTERP_FORM
#define EBPF_INTERP_FORM FORM_IS_SWITCH
#endif

/* ---- calls and exits ---- */

static __attribute__((__noinline__)) const struct ebpf_op *
fault(struct machine *m)
{
	*m->ended = true;
	m->r[0] = UINT64_MAX;
	return NULL;
}

/* Begin function number func, which is at `to`, and come back behind op. */
static inline const struct ebpf_op *
enter(struct machine *m, const struct ebpf_op *op, const struct ebpf_op *to,
      uint32_t func, uint32_t loop)
{
	struct frame *frame = &m->frames[m->depth++];

	frame->ret = op + 1;
	frame->func = m->func;
	frame->loop = loop;
	frame->r6 = m->r[6];
	frame->r7 = m->r[7];
	frame->r8 = m->r[8];
	frame->r9 = m->r[9];
	m->r[10] -= m->prog->funcs[m->func].stack_depth;
	m->func = func;
	return to;
}

static __attribute__((__noinline__)) const struct ebpf_op *
call_local(struct machine *m, const struct ebpf_op *op)
{
	if (os_unlikely(m->depth == EBPF_FRAME_MAX - 1))
		return fault(m);
	return enter(m, op, target(op), (uint32_t)op->imm, 0);
}

static __attribute__((__noinline__)) const struct ebpf_op *
call_number(struct machine *m, const struct ebpf_op *op)
{
	const struct ebpf_helper *helper = NULL;
	uint64_t *r = m->r;

	if (r[op->dst] <= UINT32_MAX)
		helper = ebpf_helper_find(m->prog->obj.rt,
					  (uint32_t)r[op->dst]);
	if (helper == NULL ||
	    (helper->flags & (EBPF_HELPER_TAIL | EBPF_HELPER_LOOP)))
		return fault(m);
	r[0] = helper->fn(r[1], r[2], r[3], r[4], r[5], m->prog);
	return op + 1;
}

/*
 * Begin the loop that a helper makes: r1 is how often or what map, r2 the
 * function, r3 what it gets besides. 0, or what the helper returns at once.
 */
static int64_t
loop_begin(struct loop *loop, const struct ebpf_helper *helper,
	   const uint64_t *r)
{
	loop->callback = (const struct ebpf_op *)(uintptr_t)r[2];
	loop->ctx = r[3];
	if (helper->number == EBPF_FUNC_loop)
		return ebpf_each_begin_loop(&loop->each, (uint32_t)r[1], r[4]);
	return ebpf_each_begin(&loop->each,
			       (struct ebpf_map *)(uintptr_t)r[1], r[4]);
}

/* The arguments of the next call, false when there is none. */
static bool
loop_next(struct loop *loop, uint64_t *r)
{
	if (!ebpf_each_next(&loop->each))
		return false;
	if (loop->each.map == NULL) {
		r[1] = loop->each.key;
		r[2] = loop->ctx;
	} else {
		r[1] = (uintptr_t)loop->each.map;
		r[2] = loop->each.key;
		r[3] = loop->each.value;
		r[4] = loop->ctx;
	}
	return true;
}

static const struct ebpf_op *
call_loop(struct machine *m, const struct ebpf_op *op,
	  const struct ebpf_helper *helper)
{
	struct loop *loop = &m->loops[m->depth];

	if (os_unlikely(m->depth == EBPF_FRAME_MAX - 1))
		return fault(m);
	m->r[0] = (uint64_t)loop_begin(loop, helper, m->r);
	if (m->r[0] != 0 || !loop_next(loop, m->r))
		return op + 1;
	return enter(m, op, loop->callback,
		     ebpf_func_at(m->prog, (uint32_t)(loop->callback -
						      m->prog->ops)),
		     1);
}

/* From a function that was called back to its caller, or once more into it. */
static __attribute__((__noinline__)) const struct ebpf_op *
leave(struct machine *m)
{
	const struct frame *frame = &m->frames[m->depth - 1];

	if (os_unlikely(frame->loop)) {
		struct loop *loop = &m->loops[m->depth - 1];

		if (m->r[0] == 0 && loop_next(loop, m->r))
			return loop->callback;
		m->r[0] = loop->each.visited;
	}
	m->depth--;
	m->func = frame->func;
	m->r[6] = frame->r6;
	m->r[7] = frame->r7;
	m->r[8] = frame->r8;
	m->r[9] = frame->r9;
	m->r[10] += m->prog->funcs[m->func].stack_depth;
	return frame->ret;
}

static const struct ebpf_op *
return_from(struct machine *m)
{
	return m->depth == 0 ? NULL : leave(m);
}

static uint64_t run(uint64_t r1, uint64_t r2, uint64_t r3,
		    const struct ebpf_prog *prog, uint32_t *tail_calls,
		    bool *ended);

static const struct ebpf_op *
call_tail(struct machine *m, const struct ebpf_op *op)
{
	const struct ebpf_map *map =
		(const struct ebpf_map *)(uintptr_t)m->r[2];
	const uint32_t cost =
		m->depth == 0 ? 1 : 1 + m->prog->obj.rt->tail_nest_extra;
	const struct ebpf_prog *to;

	if (*m->tail_calls + cost > EBPF_TAIL_CALL_MAX)
		return op + 1;
	to = ebpf_prog_array_get(map, (uint32_t)m->r[3]);
	if (to == NULL)
		return op + 1;
	*m->tail_calls += cost;
	if (m->depth == 0) {
		m->prog = to;
		m->func = 0;
		m->r[2] = m->start_r2;
		m->r[3] = m->start_r3;
		return to->ops;
	}
	/*
	 * In place of a subprogram: what it returns is the subprogram's result.
	 * A run of its own, since the target may want all of a stack.
	 */
	m->r[0] = run(m->r[1], m->start_r2, m->start_r3, to, m->tail_calls,
		      m->ended);
	return *m->ended ? NULL : return_from(m);
}

/* Calls that no helper can make, only who runs the program. */
static __attribute__((__noinline__)) const struct ebpf_op *
call_engine(struct machine *m, const struct ebpf_op *op,
	    const struct ebpf_helper *helper)
{
	if (helper->flags & EBPF_HELPER_LOOP)
		return call_loop(m, op, helper);
	return call_tail(m, op);
}

/* At imm plus index; outside of the packet the function returns 0. */
static __attribute__((__noinline__)) const struct ebpf_op *
load_packet(struct machine *m, const struct ebpf_op *op, uint32_t index,
	    uint32_t bytes)
{
	if (ebpf_packet_load(m->prog, m->start_r1, m->start_r2,
			     (uint32_t)op->imm + index, bytes, &m->r[0]))
		return op + 1;
	m->r[0] = 0;
	return return_from(m);
}

/* ---- from one instruction to the next ---- */

/* Lines may be fused just now, for another run; both codes do the same. */
static inline uint32_t
code_of(const struct ebpf_op *op)
{
	return os_load(&op->code);
}

#if EBPF_INTERP_FORM == FORM_IS_TAIL

struct handler;
typedef uint64_t handler_fn(const struct ebpf_op *op, struct machine *m,
			    const struct handler *handlers);
struct handler {
	handler_fn *fn;
};

#define EBPF_RUN_CODE(name, number)                                     \
	static uint64_t run_##name(const struct ebpf_op *op,            \
				   struct machine *m,                   \
				   const struct handler *handlers)      \
	{                                                               \
		op = do_##name(m, op);                                  \
		if (ENDS_##name && op == NULL)                          \
			return m->r[0];                                 \
		__attribute__((musttail)) return                        \
			handlers[code_of(op)].fn(op, m, handlers);      \
	}
#include "core/run_code.def"

static const struct handler handlers[EBPF_FUSED_END] = {
#define EBPF_RUN_CODE(name, number) [number] = { run_##name },
#include "core/run_code.def"
};

static inline uint64_t
go(struct machine *m, const struct ebpf_op *op)
{
	return handlers[code_of(op)].fn(op, m, handlers);
}

#elif EBPF_INTERP_FORM == FORM_IS_LABELS

static __attribute__((__noinline__)) uint64_t
go(struct machine *m, const struct ebpf_op *op)
{
	static const void *const labels[EBPF_FUSED_END] OS_JUMP_TABLE = {
#define EBPF_RUN_CODE(name, number) [number] = &&L_##name,
#include "core/run_code.def"
	};

	goto *labels[code_of(op)];

#define EBPF_RUN_CODE(name, number)    \
	L_##name:                      \
	op = do_##name(m, op);         \
	if (ENDS_##name && op == NULL) \
		return m->r[0];        \
	goto *labels[code_of(op)];
#include "core/run_code.def"
}

#else

static __attribute__((__noinline__)) uint64_t
go(struct machine *m, const struct ebpf_op *op)
{
	for (;;) {
		switch (code_of(op)) {
#define EBPF_RUN_CODE(name, number)                    \
		case number:                           \
			op = do_##name(m, op);         \
			if (ENDS_##name && op == NULL) \
				return m->r[0];        \
			break;
#include "core/run_code.def"
		default:
			__builtin_unreachable();
		}
	}
}

#endif

/* ---- runs ---- */

/* The stack ends where r10 points to. */
static __attribute__((__noinline__)) uint64_t
interpret(uint64_t r1, uint64_t r2, uint64_t r3, const struct ebpf_prog *prog,
	  uint32_t *tail_calls, bool *ended, uint64_t r10)
{
	struct machine m;

	memset(m.r, 0, sizeof(m.r));
	m.r[1] = m.start_r1 = r1;
	m.r[2] = m.start_r2 = r2;
	m.r[3] = m.start_r3 = r3;
	m.r[10] = r10;
	m.prog = prog;
	m.depth = m.func = 0;
	m.tail_calls = tail_calls;
	m.ended = ended;
	return go(&m, prog->ops);
}

/* With a stack of its own, in a C frame of its own: neither is large. */
static __attribute__((__noinline__)) uint64_t
run(uint64_t r1, uint64_t r2, uint64_t r3, const struct ebpf_prog *prog,
    uint32_t *tail_calls, bool *ended)
{
	uint64_t stack[EBPF_STACK_MAX / 8];

	return interpret(r1, r2, r3, prog, tail_calls, ended,
			 (uint64_t)(uintptr_t)stack + sizeof(stack));
}

uint64_t
ebpf_interp_run(uint64_t r1, uint64_t r2, uint64_t r3,
		const struct ebpf_prog *prog)
{
	uint32_t tail_calls = 0;
	bool ended = false;

	return run(r1, r2, r3, prog, &tail_calls, &ended);
}
