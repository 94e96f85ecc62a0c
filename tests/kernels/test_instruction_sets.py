"""The kernels' comparisons with their references on each instruction set, and the CPU's sets.

Each instruction set is tested in a process of its own.
"""

import os
import platform
from pathlib import Path

import pytest

from np_nn import ops
from tests.support.kernels import extension, python

pytestmark = pytest.mark.kernel_independent
MODULES = ("mlp", "norm", "pointwise", "convolution", "pooling", "warp")
FILES = [f"tests/kernels/test_{name}.py" for name in (*MODULES, "mlp_steps")]
# Skips this file if no kernels are built.
EXTENSIONS = [extension(name) for name in MODULES]
# Features that a set takes, as Linux names them.
AVX2 = {"avx2", "fma", "bmi1", "bmi2", "abm", "popcnt", "f16c", "movbe"}
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
FEATURES = {"avx512": AVX512, "avx2": AVX2, "baseline": set()}
SETS = ", ".join(f"{name}.isa()" for name in MODULES)
ASK = f"from np_nn._kernels import {', '.join(MODULES)}; print(*{{{SETS}}})"
COMPARISONS = "not fit and not process and not instruction and not two_calls"


@pytest.mark.parametrize("isa", ops.SETS)
def test_every_instruction_set(isa):
    if os.environ.get("NP_NN_ISA"):
        pytest.skip(f"NP_NN_ISA asks for {os.environ['NP_NN_ISA']} alone")
    if python("-c", ASK).stdout.strip() == isa:
        return  # the other tests use it already
    if python("-c", ASK, NP_NN_ISA=isa).stdout.strip() != isa:
        pytest.skip(f"this CPU has no {isa}")
    options = "-p", "no:cacheprovider", "-k", COMPARISONS
    done = python("-m", "pytest", *options, *FILES, NP_NN_ISA=isa)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_sets_are_those_of_this_kind_of_cpu():
    known = {"x86_64": ("avx512", "avx2", "baseline"), "aarch64": ("neon",)}
    known |= {"AMD64": known["x86_64"], "arm64": known["aarch64"]}
    assert {module.sets() for module in EXTENSIONS} == {ops.SETS}
    assert known.get(platform.machine(), ("baseline",)) == ops.SETS


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="only Linux lists the features, and only x86 has several sets",
)
def test_the_cpu_has_the_sets_whose_features_linux_lists():
    text = Path("/proc/cpuinfo").read_text()
    (flags,) = {line for line in text.splitlines() if line.startswith("flags")}
    found = tuple(name for name in ops.SETS if FEATURES[name] <= set(flags.split()))
    assert {module.cpu_sets() for module in EXTENSIONS} == {found}
