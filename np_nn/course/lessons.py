"""Lessons: one file each, with all that belongs to it.

A solution stands between ``>>>`` and ``<<<``, hints in front of it; the formulas stand in the
docstring. A last block, ``>>> check``, holds the cases of the check, CASES: {function: Case ->
arguments}, and OPTIONS of the training. The reader's file has neither block.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import numpy as np

from np_nn import ops

FILES = Path(__file__).with_name("files")
HOLE = re.compile(r"^( *)(?:#|//) >>>\n(.*?)^ *(?:#|//) <<<\n", re.M | re.S)
CHECK = re.compile(r"\n+^(?:#|//) >>> check\n(.*?)^(?:#|//) <<<\n", re.M | re.S)
DEFINED = re.compile(r"^(?:def|void) (\w+)\(", re.M)
FORMULA = r"^[ /*]*{}(?:\[([a-z, ]+)\])? = (.+)$"
WORDS = '"not written yet: put your lines here; --hint shows a hint"'
EMPTY = {".py": f"raise NotImplementedError({WORDS})", ".c": f"#error {WORDS}"}

# N, I and O of the cases: equal, so that a transposed matrix fits; odd; one; none.
SIZES = ((3, 3, 3), (5, 3, 7), (7, 1, 2), (1, 5, 3), (1, 1, 1), (0, 3, 2), (4, 0, 2))


class Case:
    """Sizes of a call, and random arrays for it, float32. number: place in SIZES."""

    def __init__(self, number):
        self.number, (self.n, self.i, self.o) = number, SIZES[number]
        self.some = max(1, self.n)  # samples of a mean
        self.rng = np.random.default_rng(number)

    def x(self, *shape):
        return self.rng.normal(size=shape).astype(np.float32)

    def bias(self, size):
        return None if self.number == 3 else self.x(size)

    def out(self, *shape):
        """Return an array to write into: NaN, so that an element left out is seen."""
        return np.full(shape, np.nan, np.float32)


@dataclass(frozen=True)
class Lesson:
    """Lesson: the name of its file, and the text with the solutions and the check."""

    name: str
    text: str

    @property
    def written(self):
        """The file as the reader gets it."""
        empty = EMPTY[Path(self.name).suffix]
        return HOLE.sub(lambda hole: f"{hole[1]}{empty}\n", CHECK.sub("\n", self.text))

    @cached_property
    def solved(self):
        """The file as a module; a C file: its check only."""
        module, text = ModuleType(self.name), self.text
        if self.name.endswith(".c"):
            text = re.sub("^// ?", "", CHECK.search(text)[1], flags=re.M)
        exec(compile(text, self.name, "exec"), vars(module))
        return module

    @property
    def hints(self):
        """{function that the reader writes: hints}."""
        holes = HOLE.finditer(self.text)
        return {
            DEFINED.findall(self.text, 0, hole.start())[-1]: re.findall(r"hint: (.+)", hole[2])
            for hole in holes
        }

    def cases(self, function):
        """Yield the arguments of each call of a function."""
        for number in range(len(SIZES)):
            yield self.solved.CASES[function](Case(number))

    def reference(self, function):
        """Return the function of ``np_nn.reference``, else the solution."""
        return ops.REFERENCE.get(function) or getattr(self.solved, function)

    def formula(self, function, array, index=()):
        """Return the formula of an array's element, with its index in numbers; "" without one."""
        body = re.split(rf"^(?:def|void) {function}\(", self.text, flags=re.M)[1]
        found = re.search(FORMULA.format(array), body.partition(">>>")[0], re.M)
        if not found:
            return ""
        letters = dict(zip((found[1] or "").split(", "), map(str, index), strict=False))
        return re.sub(r"\b[a-z]\b", lambda word: letters.get(word[0], word[0]), found[2].strip())


LESSONS = {
    path.name: Lesson(path.name, path.read_text("utf-8")) for path in sorted(FILES.glob("[0-9]*"))
}
