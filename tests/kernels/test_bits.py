"""The same bits on every instruction set of a class, by every installed compiler.

`make bits` compares more: emulated machines, WebAssembly, Windows, whole recipes.
"""

import shutil

import pytest

from tests.support import targets
from tests.support.kernels import extension
from tests.support.targets import MissingError, Target

pytestmark = pytest.mark.kernel_independent
extension("mlp")  # skips this file if no kernels are built
QUICK = [  # one set each, low optimization: a build takes 4 s; GCC fuses multiply-adds from -O2 on
    Target("x86-64", "gcc", ("-O2", "-DNN_ONLY=NN_AVX2"), isa="avx2"),
    Target("x86-64", "clang", ("-O1", "-DNN_ONLY=NN_AVX512"), isa="avx512"),
    Target("x86-64", "gcc", ("-O1", "-DNN_ONLY=NN_BASELINE", "-DNN_PLAIN"), isa="baseline"),
    Target("x86-64", "clang", ("-O1", "-DNN_ONLY=NN_BASELINE"), isa="baseline"),
]


def test_compilers_and_sets_make_the_same_networks():
    rows = targets.measure(QUICK, jobs=1)
    assert targets.failed(rows) == []
    found = [row for row in rows if len(row) == 4]
    if len(found) < 2:
        pytest.skip("; ".join(row[1] for row in rows if len(row) == 2))
    assert all(len(row[3]) == 6 for row in found)
    assert targets.differing(found) == []


def test_every_kernel_gives_the_same_bits_on_avx512_and_avx2():
    options = [name for name in targets.CALLS if "mlp_steps" not in name]
    try:
        wide, narrow = (targets.kernel_calls(isa, *options) for isa in ("avx512", "avx2"))
    except MissingError as missing:
        pytest.skip(str(missing))
    assert len(wide) > 5000
    assert {a.split()[0] for a, b in zip(wide, narrow, strict=True) if a != b} == set()


def test_rows_that_differ_are_found_within_their_class():
    labels = ("x86-64", "gcc", "-")
    rows = [
        (labels, "avx2", "fused", {"lenet": "a", "mlp": "c"}),
        (labels, "baseline", "separate", {"lenet": "b", "mlp": "c"}),
        (labels, "no qemu-arm: apt-get install qemu-user"),
    ]
    assert targets.differing(rows) == []
    rows.append((labels, "avx512", "fused", {"lenet": "b", "mlp": "c"}))
    assert targets.differing(rows) == [("fused", "lenet")]


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingError, match=r"^no qemu-s390x: apt-get install qemu-user$"):
        targets.command("qemu-s390x")
    rows = targets.measure([Target("aarch64", "aarch64-linux-gnu-gcc")], jobs=1)
    assert targets.failed(rows) == []
    row = rows[0]
    assert row[1].startswith("no aarch64-linux-gnu-gcc: apt-get install gcc-aarch64-linux-gnu")


def test_a_compiler_that_fails_is_no_compiler_that_is_missing():
    if not any(map(shutil.which, ("gcc", "clang"))):
        pytest.skip("no C compiler: neither gcc nor clang")
    compiler = "gcc" if shutil.which("gcc") else "clang"
    rows = targets.measure([Target("x86-64", compiler, ("-include", "none.h"))], jobs=1)
    assert "error" in targets.failed(rows)[0][1]
