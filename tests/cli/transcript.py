# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a page shows is what happens.

transcript.py PAGE types every command of README.md, or of a man page's
examples, as it is written there, in this folder and against GEBPF_TARGET, and
compares what is printed with what the page shows. Numbers that differ from run
to run may differ; /tmp is this folder, the embedded device ours; '...' stands
for the rest of a line, or alone for any lines. Commands of root (behind '# ') are for
people with time, and not typed. Prints what differs; exits with how many
commands did.
"""
import os
import re
import shutil
import subprocess
import sys

# What changes between runs and machines.
LOOSE = [
    (r"duration \(average\): \d+ns", "duration (average): Nns"),
    (r"memlock \d+B", "memlock NB"),
    (r"size \d+B", "size NB"),
    (r"memory \d+B", "memory NB"),
    (r"  uid \d+", "  uid N"),
    (r"time \d+us", "time Nus"),
    (r"processed \d+  states \d+  peak \d+", "processed N  states N  peak N"),
    (r"\(/[^ ]*/device\.sock\)", "(SOCKET)"),
    (r"/[^ \"]*/([a-z]+\.bpf\.c)", r"DIR/\1"),
    (r" none is running at .*", " none is running at ..."),
    (r"[ \t]+$", ""),
]


def unquote(line):
    """A line of a man page's display, as it is read."""
    return line.replace("\\e", "\\").replace("\\-", "-").replace("\\&", "")


def man_blocks(text):
    section = re.search(r"^\.Sh EXAMPLES\n(.*?)(?=^\.Sh|\Z)", text, re.S | re.M)
    for block in re.finditer(r"^\.Bd -literal.*?\n(.*?)^\.Ed|^\.Dl (.*?)$",
                             section.group(1), re.S | re.M):
        yield [unquote(line) for line in
               (block.group(1) or block.group(2)).rstrip("\n").split("\n")]


def readme_blocks(text):
    for block in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.S | re.M):
        if not block.group(1):
            yield block.group(2).rstrip("\n").split("\n")


def commands(lines):
    """Pairs of a command and what is shown behind it."""
    found, more = [], False
    for line in lines:
        if more:
            found[-1][0] += "\n" + line
        elif line.startswith(("$ ", "# ")):
            found.append([line, []])
        elif found:
            found[-1][1].append(line)
        more = line.endswith("\\") and bool(found) and not found[-1][1]
    return [(c[2:], shown) for c, shown in found if c[0] == "$"]


def plain(line):
    for pattern, word in LOOSE:
        line = re.sub(pattern, word, line)
    return line


def same(shown, printed):
    """Line by line; a line that is '...' is any number of lines."""
    if not shown:
        return not printed
    if shown[0].strip() == "...":
        return any(same(shown[1:], printed[i:])
                   for i in range(len(printed) + 1))
    if not printed:
        return False
    want, got = plain(shown[0]), plain(printed[0])
    if want.endswith("..."):
        fits = got.startswith(want[:-3].rstrip())
    else:
        fits = want == got
    return fits and same(shown[1:], printed[1:])


def main():
    page = sys.argv[1]
    text = open(page).read()
    blocks = readme_blocks if page.endswith(".md") else man_blocks
    typed, wrong, environment = 0, 0, ""
    here = os.getcwd() + "/"
    for block in blocks(text):
        for command, shown in commands(block):
            typed += 1
            command = command.replace("/tmp/", here)
            command = command.replace("-t embedded ", "-t $GEBPF_TARGET ")
            if command.startswith("export "):
                environment += command + "\n"
                continue
            if not all(shutil.which(part.split()[0])
                       for part in command.split("|")[1:]):
                continue # of a picture, by a program that is not here
            done = subprocess.run(
                ["bash", "-c", environment + command], text=True, timeout=60,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
            shown = [line for line in shown if line.strip()]
            # what only the first command of all says, whichever that is
            printed = [line for line in done.stdout.split("\n") if line and
                       (not line.startswith("gebpf: started ") or
                        shown and shown[0].startswith("gebpf: started "))]
            failed = any(line.startswith("Error: ") for line in shown)
            # what is not shown may be anything, but no failure
            if (done.returncode != 0) == failed and \
                    (not shown or same(shown, printed)):
                continue
            wrong += 1
            print("%s: $ %s" % (os.path.basename(page), command))
            print("exit %d" % done.returncode)
            for line in printed[:40]:
                print("  is     " + line)
            for line in shown[:40]:
                print("  shown  " + line)
    if not typed:
        print("%s shows no command" % page)
    sys.exit(min(wrong, 100) if typed else 1)


main()
