# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""One python for all questions of a file of tests: starting one for each takes
longer than most commands under test, and far longer in an emulated machine.

    judge.py ASK ANSWER    two FIFOs; ends when its parent does
    judge.py               one question on stdin

A question is words that end with a NUL: what to do, its argument, the text.
The answer is "0" or "1", a newline, and text. Started by helper.bash.
"""
import json, os, re, select, sys

try:
    import yaml
except ImportError:
    yaml = None


def is_true(expression, text):
    v = json.loads(text)
    if not eval(expression, {"v": v, "json": json}):
        raise AssertionError("not true: %s of %s" % (expression, json.dumps(v)))


def field(name, text):
    v = json.loads(text)
    v = v if isinstance(v, list) else [v]
    return "".join("%s\n" % e[name] for e in v)


def forms(folder, text):
    """-j, -p and --yaml say the same, but for times"""
    def read(name):
        with open(folder + "/" + name) as f:
            return f.read()

    def plain(v):
        return re.sub(r'"(verify_ns|duration)": ?[0-9]+', "", json.dumps(v))

    j, p = json.loads(read("json")), json.loads(read("pretty"))
    assert plain(j) == plain(p), "-j and -p differ"
    if yaml is None:
        return
    y = list(yaml.load_all(read("yaml"),
                           getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    assert len(y) == 1, "not one YAML document"
    assert plain(y[0]) == plain(j), "YAML differs"


def answer(question):
    try:
        what, argument, text = question.split("\0", 2)
        do = {"is": is_true, "field": field, "forms": forms}[what]
        return "0\n" + (do(argument, text) or "")
    except Exception as e:
        return "1\n%s: %s\n" % (type(e).__name__, e)


def serve(ask, reply):
    parent = os.getppid()
    while True:
        fd = os.open(ask, os.O_RDONLY | os.O_NONBLOCK)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        question = b""
        while True:
            if not poll.poll(2000):
                if os.getppid() != parent:
                    return
                continue
            try:
                part = os.read(fd, 1 << 20)
            except BlockingIOError:
                continue
            if not part:
                break
            question += part
        os.close(fd)
        try:
            with open(reply, "w") as f:
                f.write(answer(question.decode("utf-8", "replace")))
        except BrokenPipeError:
            pass


if len(sys.argv) == 3:
    serve(sys.argv[1], sys.argv[2])
else:
    said = answer(sys.stdin.buffer.read().decode("utf-8", "replace"))
    sys.stdout.write(said[2:])
    sys.exit(int(said[0]))
