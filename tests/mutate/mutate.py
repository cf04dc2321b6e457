#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Finds the places of C sources where one check can be taken out, and writes
copies in which the environment variable EBPF_MUTANT takes out one of them at
run time: all mutants are one build. Knows C's tokens and nothing of what the
sources are for. tests/mutate/run builds, runs and judges.

	mutate.py OUT_DIR SOURCE...	-> OUT_DIR/<name>.c, OUT_DIR/mutants

A line of OUT_DIR/mutants: number, class, source, line, text, by tabs.

Classes:
	check	a rejection that never happens
	if	a condition that never holds
	part	one operand of && or || dropped
	bound	< for <=, <= for <, and so on
	call	a call left out (what forgets, refines, notes)
	clear	an assignment of a constant left out
"""
import re
import sys
from pathlib import Path

TOKEN = re.compile(
    r"""(?P<skip>\s+|/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
	|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
	|(?P<word>[A-Za-z_]\w*)
	|(?P<number>\d[\w.]*)
	|(?P<op>->|\+\+|--|<<=|>>=|<=|>=|==|!=|&&|\|\||<<|>>|[-+*/%&|^]=|.)""",
    re.X | re.S | re.M)

REJECT = {"ebpf_verify_reject", "ebpf_verify_reject_at", "bad_arg",
          "unbounded", "fail"}
# Whose absence changes no verdict: memory, words, loads of the machine.
NO_CHECK = {"os_free", "os_yield", "ebpf_verify_snap_free", "free_states",
            "free_env", "ebpf_verify_log_insn", "ebpf_verify_log_state",
            "log_step", "clear", "touch"}
OPEN, CLOSE = "([{", ")]}"
# What ends an operand of < to the left and to the right.
LOOSER = {"==", "!=", "&", "^", "|", "&&", "||", "?", ":", "=", ",", ";",
          "return", "+=", "-=", "|=", "&="}
TOGGLED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


class Source:
    def __init__(self, path):
        self.path = path
        self.text = Path(path).read_text()
        self.tokens = []  # (text, start, end)
        for m in TOKEN.finditer(self.text):
            if m.lastgroup != "skip":
                self.tokens.append((m.group(), m.start(), m.end()))
        self.match = {}
        stack = []
        for i, (t, _, _) in enumerate(self.tokens):
            if t in OPEN:
                stack.append(i)
            elif t in CLOSE:
                j = stack.pop()
                self.match[i], self.match[j] = j, i
        self.found = []  # (class, from token, to token, before, after)

    def t(self, i):
        return self.tokens[i][0] if 0 <= i < len(self.tokens) else ""

    def span(self, i, j):
        return self.text[self.tokens[i][1]:self.tokens[j][2]]

    def words(self, i, j):
        return " ".join(self.span(i, j).split())

    def add(self, kind, i, j, before, after, shown=None):
        self.found.append((kind, i, j, before, after,
                           f"{self.function}: {shown or self.words(i, j)}"))

    # ---- expressions: tokens i..j inclusive ----

    def level(self, i, j):
        """Indices of the tokens of i..j that lie in no bracket."""
        while i <= j:
            yield i
            i = self.match[i] + 1 if self.t(i) in OPEN else i + 1

    def split(self, i, j, op):
        parts, start = [], i
        for k in self.level(i, j):
            if self.t(k) == op:
                parts.append((start, k - 1))
                start = k + 1
        return parts + [(start, j)]

    def expression(self, i, j, bounds=True):
        """Operands of && and ||, comparisons, and those of inner brackets."""
        if i > j:
            return
        level = list(self.level(i, j))
        ask = [k for k in level if self.t(k) == "?"]
        if ask and self.is_choice_of_two(i, ask[0], j):
            return
        for op in ("=", ",", ":", "?"):
            for k in level:
                if self.t(k) == op:
                    self.expression(i, k - 1, bounds)
                    self.expression(k + 1, j, bounds)
                    return
        for op, neutral in (("||", "(!MUTANT({n}) && ("),
                            ("&&", "(MUTANT({n}) || (")):
            parts = self.split(i, j, op)
            if len(parts) > 1:
                for a, b in parts:
                    self.add("part", a, b, neutral, "))",
                             f"{self.words(a, b)}  of {op}")
                    self.expression(a, b, bounds)
                return
        for k in level:
            if self.t(k) in TOGGLED and bounds:
                self.bound(i, j, k)
            if self.t(k) in "([":
                self.expression(k + 1, self.match[k] - 1, bounds)

    def bound(self, i, j, k):
        a = k - 1
        while a >= i and self.t(a) not in LOOSER:
            a = (self.match[a] if self.t(a) in CLOSE else a) - 1
        b = k + 1
        while b <= j and self.t(b) not in LOOSER:
            b = (self.match[b] if self.t(b) in OPEN else b) + 1
        a, b = a + 1, b - 1
        new = TOGGLED[self.t(k)]
        self.add("bound", a, b,
                 "(MUTANT({n}) ? (%s %s %s) : (" %
                 (self.span(a, k - 1), new, self.span(k + 1, b)), "))",
                 f"{self.words(a, b)}  as {new}")

    # ---- statements ----

    def functions(self):
        i = 0
        while i < len(self.tokens):
            if self.t(i) == "{":
                if self.t(i - 1) == ")":
                    yield self.t(self.match[i - 1] - 1), i, self.match[i]
                i = self.match[i]
            i += 1

    def end_of_statement(self, i):
        while self.t(i) != ";":
            if self.t(i) == "{":
                return self.match[i]
            i = self.match[i] + 1 if self.t(i) in OPEN else i + 1
        return i

    def is_least_or_most(self, i, j):
        """if (a > b) b = a: at equality it does not matter."""
        m = re.fullmatch(r"(.*\S) [<>]=? (\S.*)", self.words(i, j))
        end = self.end_of_statement(j + 2)
        n = re.fullmatch(r"(.*\S)\s*=\s*(\S.*);", self.words(j + 2, end))
        strip = lambda s: re.sub(r"\((u?int\d+_t)\)|[() ]", "", s)
        return bool(m and n and {strip(x) for x in m.groups()} ==
                    {strip(x) for x in n.groups()})

    def is_choice_of_two(self, i, ask, j):
        """a < b ? a : b: the same, as an expression."""
        m = re.fullmatch(r"(.*\S) [<>]=? (\S.*)", self.words(i, ask - 1))
        n = re.fullmatch(r"(.*\S) : (\S.*)", self.words(ask + 1, j))
        strip = lambda s: re.sub(r"\((u?int\d+_t)\)|[() ]", "", s)
        return bool(m and n and {strip(x) for x in m.groups()} ==
                    {strip(x) for x in n.groups()})

    def condition(self, i):
        """if at i."""
        a, b = i + 2, self.match[i + 1] - 1
        words, then = self.words(a, b), self.words(b + 2, b + 4)
        if words in ("error", "!error", "rc != 0") or "ENOMEM" in then:
            return
        block = self.t(b + 2) == "{"
        rejects = not block and any(
            self.t(k) in REJECT
            for k in range(b + 2, self.end_of_statement(b + 2)))
        many = len(self.split(a, b, "&&")) + len(self.split(a, b, "||")) > 2
        if not rejects:
            self.add("if", a, b, "(!MUTANT({n}) && (", "))",
                     f"if ({words})")
        self.expression(a, b, many or block or
                        not self.is_least_or_most(a, b))

    def statement(self, i, end):
        """One that begins at i and ends with the ; at `end`."""
        t = self.t(i)
        kill = ("do {{ if (!MUTANT({n})) ", " }} while (0);")
        if t == "return":
            if self.t(i + 1) in REJECT:
                if self.t(i - 1) in (")", "{", "else"):
                    self.add("check", i, end, *kill)
                else:
                    self.add("check", i + 1, end - 1,
                             "MUTANT({n}) ? 0 : ", "")
                return
            self.expression(i + 1, end - 1)
            return
        level = list(self.level(i, end - 1))
        equals = [k for k in level if re.fullmatch(r"[-+|&]?=", self.t(k))]
        if not equals:
            called = self.t(i)
            if self.t(i + 1) == "(" and self.match[i + 1] == end - 1 and \
                    re.fullmatch(r"[a-z]\w*", called) and \
                    called not in NO_CHECK:
                self.add("call", i, end, *kill)
            elif self.t(end - 1) in ("++", "--") and "->" in self.span(i, end):
                self.add("clear", i, end, *kill)
            return
        last = equals[-1]
        right = self.words(last + 1, end - 1)
        if self.t(last + 1) in REJECT:
            self.add("check", last + 1, end - 1, "MUTANT({n}) ? 0 : ", "")
            return
        self.expression(last + 1, end - 1)
        left = [self.t(k) for k in range(i, equals[0])]
        declares = any(re.match(r"\w", x) and re.match(r"\w", y)
                       for x, y in zip(left, left[1:]))
        if not declares and ({"->", "[", "."} & set(left) or left[0] == "*") \
                and re.fullmatch(r"~?[0-9][xULl0-9a-f]*|NULL|[A-Z]\w+|"
                                 r"1(u|ULL) << \w+", right):
            self.add("clear", i, end, *kill)

    def scan(self):
        for self.function, i, stop in self.functions():
            i += 1
            while i < stop:
                t = self.t(i)
                if t == "if":
                    self.condition(i)
                    i = self.match[i + 1] + 1
                elif t in ("for", "while", "switch"):
                    i = self.match[i + 1] + 1
                elif t in ("{", "}", ";", "else", "do"):
                    i += 1
                elif t in ("case", "default"):
                    while self.t(i) != ":":
                        i += 1
                    i += 1
                elif self.t(i + 1) == ":" and t != "?":
                    i += 2
                else:
                    end = self.end_of_statement(i)
                    self.statement(i, end)
                    i = end + 1

    def write(self, out, first):
        """The copy with its mutants, numbered from `first` on."""
        at = {}
        lines = []
        for n, (kind, i, j, before, after, shown) in enumerate(self.found,
                                                               first):
            start, end = self.tokens[i][1], self.tokens[j][2]
            # the wider of two at one place is outside
            at.setdefault(start, []).append((1, -end, n, before.replace(
                "{n}", str(n)).replace("{{", "{").replace("}}", "}")))
            at.setdefault(end, []).append((0, -start, -n, after.replace(
                "{{", "{").replace("}}", "}")))
            line = self.text.count("\n", 0, start) + 1
            lines.append((n, kind, self.path, line, shown))
        pieces, last = [], 0
        for pos in sorted(at):
            pieces.append(self.text[last:pos])
            pieces += [x[3] for x in sorted(at[pos])]
            last = pos
        pieces.append(self.text[last:])
        out.write_text('#include "mutant.h"\n#line 1 "%s"\n' % self.path +
                       "".join(pieces))
        return lines


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    (out / "mutant.h").write_text(
        "extern int ebpf_mutant;\n"
        "#define MUTANT(n) (ebpf_mutant == (n))\n")
    (out / "mutant.c").write_text(
        '#include <stdlib.h>\n#include "mutant.h"\nint ebpf_mutant;\n'
        "__attribute__((constructor)) static void\nchoose(void)\n{\n"
        '\tconst char *n = getenv("EBPF_MUTANT");\n\n'
        "\tebpf_mutant = n ? atoi(n) : 0;\n}\n")
    rows = []
    for path in sys.argv[2:]:
        source = Source(path)
        source.scan()
        rows += source.write(out / Path(path).name, len(rows) + 1)
    (out / "mutants").write_text(
        "".join("\t".join(map(str, row)) + "\n" for row in rows))


main()
