"""The kernels' comparisons with their references again, on each instruction set, in processes of
their own."""

import os

import pytest

from tests.support.kernels import extension, python

pytestmark = pytest.mark.kernel_independent
MODULES = ("mlp", "norm", "pointwise", "convolution", "pooling", "warp")
FILES = [f"tests/kernels/test_{name}.py" for name in (*MODULES, "mlp_steps")]
for name in MODULES:
    extension(name)  # skips this file, too, where no kernels are built
SETS = ", ".join(f"{name}.isa()" for name in MODULES)
ASK = f"from np_nn._kernels import {', '.join(MODULES)}; print(*{{{SETS}}})"
COMPARISONS = "not fit and not process and not instruction and not two_calls"


@pytest.mark.parametrize("isa", ["avx512", "avx2", "baseline"])
def test_every_instruction_set(isa):
    if "NP_NN_ISA" in os.environ:
        pytest.skip(f"NP_NN_ISA asks for {os.environ['NP_NN_ISA']} alone")
    if python("-c", ASK).stdout.strip() == isa:
        return  # that is what the other tests ran on
    if python("-c", ASK, NP_NN_ISA=isa).stdout.strip() != isa:
        pytest.skip(f"this CPU has no {isa}")
    options = "-p", "no:cacheprovider", "-k", COMPARISONS
    done = python("-m", "pytest", *options, *FILES, NP_NN_ISA=isa)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
