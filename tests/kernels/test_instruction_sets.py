"""The kernels' comparisons with their references again, on each instruction set, in processes of
their own."""

import os

import pytest

from tests.support.kernels import extension, python

FILES = {
    "mlp": ("tests/kernels/test_mlp.py", "tests/kernels/test_mlp_steps.py"),
    "norm": ("tests/kernels/test_norm.py",),
    "pointwise": ("tests/kernels/test_pointwise.py",),
    "convolution": ("tests/kernels/test_convolution.py",),
    "pooling": ("tests/kernels/test_pooling.py",),
    "warp": ("tests/kernels/test_warp.py",),
}
for name in FILES:
    extension(name)  # skips this file, too, where no kernels are built
COMPARISONS = "not fit and not process and not instruction and not two_calls"


def chosen(module, **environment):
    ask = f"from np_nn._kernels import {module}; print({module}.isa())"
    return python("-c", ask, **environment).stdout.strip()


@pytest.mark.parametrize("isa", ["avx512", "avx2", "baseline"])
@pytest.mark.parametrize("module", FILES)
def test_every_instruction_set(module, isa):
    if "NP_NN_ISA" in os.environ:
        pytest.skip(f"NP_NN_ISA asks for {os.environ['NP_NN_ISA']} alone")
    if chosen(module) == isa:
        return  # that is what the other tests ran on
    if chosen(module, NP_NN_ISA=isa) != isa:
        pytest.skip(f"this CPU has no {isa}")
    options = "-p", "no:cacheprovider", "-k", COMPARISONS
    done = python("-m", "pytest", *options, *FILES[module], NP_NN_ISA=isa)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
