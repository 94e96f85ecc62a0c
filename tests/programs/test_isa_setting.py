"""NP_NN_ISA: an invalid name is a one-line error of programs, but not of the import."""

import pytest

from np_nn import ops
from tests.support.kernels import extension, python

pytestmark = pytest.mark.kernel_independent
warp = extension("warp")
MESSAGE = "NP_NN_ISA: unknown instruction set {!r} (one of " + ", ".join(ops.SETS) + ")"
DOORS = ("compare", "reproduce", "visualize")
PROGRAMS = (
    ["main_np.py"],
    ["main_torch.py"],
    ["-m", "np_nn", "info"],
    *(["-m", f"np_nn.{door}"] for door in DOORS),
    ["benchmarks/kernel.py", "add"],
)


@pytest.mark.parametrize("words", PROGRAMS, ids=" ".join)
def test_a_program_refuses_an_unknown_set_in_one_line(words):
    done = python(*words, NP_NN_ISA="sse9")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.endswith(f": error: {MESSAGE.format('sse9')}\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("isa", {"avx512", "neon"} - {*ops.SETS})
def test_a_set_of_another_kind_of_cpu_is_unknown(isa):
    done = python("-m", "np_nn", "info", NP_NN_ISA=isa)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"python -m np_nn: error: {MESSAGE.format(isa)}\n"


def test_with_an_unknown_set_every_kernel_fails():
    code = """
import numpy as np
import np_nn as nn
from np_nn import ops

x = np.ones((2, 3), np.float32)
for call in (ops.describe, lambda: ops.add(x, x, x), lambda: ops.KERNELS["mlp_steps"](x)):
    try:
        call()
    except nn.NpNNError as error:
        print(error)
nn.use("numpy")
print(ops.describe(), ops.add(x, x, x)[0, 0])
"""
    done = python("-c", code, NP_NN_ISA="sse9", NP_NN_KERNELS="compiled")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [MESSAGE.format("sse9")] * 3 + ["numpy 2.0"]


@pytest.mark.parametrize("isa", ["", *ops.SETS])
def test_a_set_is_what_the_cpu_has_at_most(isa):
    """Also for warp, which has no loops for AVX-512; an empty value means the best set."""
    ask = "from np_nn._kernels import mlp, warp; print(mlp.isa(), warp.isa())"
    best = python("-c", ask, NP_NN_ISA=ops.SETS[0]).stdout.split()
    done = python("-c", ask, NP_NN_ISA=isa)
    lowest = best if not isa or ops.SETS.index(isa) <= ops.SETS.index(best[0]) else [isa, isa]
    assert (done.stdout.split(), done.stderr) == (lowest, "")
