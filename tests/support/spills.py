"""Registers that inner loops spill: python -m tests.support.spills CC [OPTIONS OF CC].

Compiles the kernels to assembly for x86 or Arm. Prints the innermost loops that multiply vectors,
contain no call, and access the stack: how many of their instructions do so with vectors, and how
many with other registers. Accesses to arrays on the stack are counted, too.
"""

import re
import sys
from dataclasses import dataclass

from tests.support.compilers import FAMILIES, compiled

LABEL = re.compile(r"(\.?\w[\w.$]*):")
JUMP = re.compile(r"\s+(?:j\w+|b|b\.\w+|b[a-z]{2}|cbn?z|tbn?z)\s.*?(\.L\w+)$")
CALL = re.compile(r"\s+(?:call\w?|blr?)\s")
FRAME = re.compile(r"\s(?:movq\s+%rsp, %rbp|mov\s+x29, sp|add\s+x29, sp)")
STACK = re.compile(r"\(%rsp|\[sp")
STACK_OR_FRAME = re.compile(r"\(%r[sb]p|\[(?:sp|x29)")
VECTOR = re.compile(r"%[xyz]mm|\b[qvds]\d+\b")
MULTIPLY = re.compile(r"\s+(?:v?mulps|vf\w+ps|fml[as]|fmul\s+v)\b")


@dataclass
class Loop:
    """An innermost loop with the number of its instructions of each kind."""

    function: str
    instructions: int
    multiplications: int
    calls: int
    vector_spills: int
    other_spills: int


def loops(assembly):
    """Return the innermost loops of every function in an assembler text."""
    return [loop for name, lines in functions(assembly) for loop in innermost(name, lines)]


def functions(assembly):
    """Yield (name, lines) for every function."""
    name, lines = None, []
    for line in assembly.splitlines():
        label = LABEL.match(line)
        if label and not label[1].startswith(".L"):
            if name:
                yield name, lines
            name, lines = label[1], []
        lines.append(line)
    if name:
        yield name, lines


def innermost(name, lines):
    """Yield the innermost loops of a function.

    A loop is the lines from a label to the last jump back to it.
    """
    labels = {found[1]: i for i, line in enumerate(lines) if (found := LABEL.match(line))}
    ends = {}
    for i, line in enumerate(lines):
        jump = JUMP.match(line)
        if jump and labels.get(jump[1], i) < i:
            ends[labels[jump[1]]] = i
    stack = STACK_OR_FRAME if any(map(FRAME.search, lines)) else STACK
    for begin, end in ends.items():
        if not any(begin < b and e <= end for b, e in ends.items()):
            yield _loop(name, lines[begin : end + 1], stack)


def _loop(name, lines, stack):
    lines = [line for line in lines if re.match(r"\s+[a-z]", line)]  # no labels or directives
    spills = [line for line in lines if stack.search(line)]
    return Loop(
        name, len(lines), *(sum(map(bool, map(kind.match, lines))) for kind in (MULTIPLY, CALL)),
        vector_spills=sum(map(bool, map(VECTOR.search, spills))),
        other_spills=sum(not VECTOR.search(line) for line in spills),
    )  # fmt: skip


def main(compiler):
    print("vectors others instructions multiplications")
    for family in FAMILIES:
        for loop in loops(compiled(family, compiler, "-S", "-o-").stdout):
            if loop.multiplications and not loop.calls and loop.vector_spills + loop.other_spills:
                print(f"{loop.vector_spills:7} {loop.other_spills:6} {loop.instructions:12} "
                      f"{loop.multiplications:15} {family} {loop.function}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["cc"]))
