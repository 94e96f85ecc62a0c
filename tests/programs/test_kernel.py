"""benchmarks/: every kernel has arguments for timing; `make kernel` builds and times one."""

import importlib
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from np_nn import NpNNError, cli, ops
from tests.support.kernels import ROOT, extension

pytestmark = pytest.mark.kernel_independent
BENCHMARKS = ROOT / "benchmarks"
warp = extension("warp")


@pytest.fixture
def module(monkeypatch):
    """Return a module of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def kernel(module):
    return module("kernel")


@pytest.fixture
def built(module):
    return module("contenders.built")


@pytest.fixture
def run(kernel, capsys):
    """Return kernel.py as a function: arguments -> (exit status, stdout, stderr)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.run(lambda: kernel.main(list(arguments)))
        return stop.value.code, *capsys.readouterr()

    return call


# ---- Arguments and checks --------------------------------------------------------------------


def test_every_kernel_has_arguments(module):
    cases = module("contenders.kernel_cases").CASES
    assert {case.split()[0] for case in cases} >= set(ops.KERNELS)


@pytest.mark.usefixtures("mnist")
def test_with_its_arguments_every_kernel_gives_what_its_reference_does(module, built):
    cases, inputs = module("contenders.kernel_cases").CASES, built.Inputs()
    for case, arguments in cases.items():
        if kernel := ops.KERNELS.get(case.split()[0]):
            built.check(case.split()[0], kernel, (*arguments(inputs), 2))


def test_a_wrong_kernel_is_not_timed(built):
    x, out = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)

    def wrong_sum(x, skip, out, threads):
        np.multiply(x, 2.001, out=out)

    def careless_sum(x, skip, out, threads):
        np.add(x, skip, out=out)
        skip[0, 0] = 5
        return out

    with pytest.raises(built.WrongResultError, match="out of add differs from the reference"):
        built.check("add", wrong_sum, (x, x.copy(), out, 1))
    with pytest.raises(built.WrongResultError, match="skip of add"):
        built.check("add", careless_sum, (x, x.copy(), out, 1))
    built.check("add", ops.KERNELS["add"], (x, x.copy(), out, 1))
    assert not out.any()


def test_results_agree_but_for_rounding(built):
    exact = np.arange(5000, dtype=np.float32)
    assert built.agree(exact + np.float32(0.4), exact)
    assert not built.agree(exact + np.float32(0.6), exact)
    assert not built.agree(exact.astype(float), exact)
    assert not built.agree(np.full_like(exact, np.nan), exact)
    counts = np.arange(5000)
    assert built.agree(counts + (counts < 5), counts)
    assert not built.agree(counts + (counts < 6), counts)


# ---- Which kernel, which build ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["sparse_linear_forwrd"],
            "unknown kernel 'sparse_linear_forwrd'; the nearest are sparse_",
        ),
        ([""], "unknown kernel ''; the nearest are "),
        (["focal"], "focal has no kernel and runs on NumPy: kernels/README.md describes"),
        (["linear_forward 3"], "one of linear_forward 784-512, linear_forward 512-10"),
        (
            ["add", "--against", "nothing"],
            f"no build of pointwise for {warp.isa()} is saved as 'no",
        ),
        (
            ["add", "--save", "../x"],
            "argument --save: '../x' is not a name: use letters, digits, . - _",
        ),
        (["add", "--threads", "0"], "argument --threads: a whole number >= 1 is needed"),
    ],
)
def test_what_cannot_be_timed_is_refused_in_one_line(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert message in line


def test_a_kernel_without_arguments_is_told_where_they_belong(kernel, run, monkeypatch):
    monkeypatch.setattr(kernel, "CASES", {})
    message = "add has no arguments: add them to CASES in benchmarks/contenders/kernel_cases.py"
    status, _, err = run("add")
    assert status == 2
    assert err.endswith(f"error: {message}\n")


def test_a_name_stands_for_all_its_layers(kernel):
    layers = [f"linear_forward {sizes}" for sizes in ("784-512", "512-10", "2048-2048")]
    assert kernel.cases_of("linear_forward") == layers
    assert kernel.cases_of(layers[1]) == layers[1:2]


def test_a_kernels_family_is_found_in_the_sources(kernel):
    for name, function in ops.KERNELS.items():
        assert kernel.family_of(name) == function.__module__.rpartition(".")[2]


def test_builds_are_saved_by_name(module, tmp_path):
    builds = module("builds").Builds("warp", "avx2", tmp_path)
    with pytest.raises(NpNNError, match=r"'old' \(there are none: --save NAME keeps one\)"):
        builds.saved("old")
    builds.place.mkdir(parents=True)
    shutil.copy(warp.__file__, builds.place)
    for name in ("before", "again", "before"):
        builds.save(name)
    assert builds.saved("before").read_bytes() == builds.saved("again").read_bytes()
    with pytest.raises(NpNNError, match=r"for avx2 is saved as 'old' \(one of again, before\)"):
        builds.saved("old")
    with pytest.raises(NpNNError, match="no build of mlp for avx2"):
        module("builds").Builds("mlp", "avx2", tmp_path).saved("before")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the symbols of an ELF file")
def test_a_build_has_one_family_and_one_instruction_set(module, built, tmp_path):
    shutil.copytree(ROOT / "kernels", tmp_path / "kernels")
    (tmp_path / "np_nn").mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "np_nn/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    builds = module("builds").Builds("warp", "baseline", tmp_path)
    builds.finish(builds.start())
    assert list(builds.place.iterdir()) == [builds.now]
    assert b"nn_kernels_baseline" in builds.now.read_bytes()
    assert b"nn_kernels_avx2" not in builds.now.read_bytes()
    images, sums = np.ones((1, 2, 2), np.uint8), np.zeros((1, 5), np.int64)
    assert built.load(builds.now).image_moments(images, sums, 1).tolist() == [[4, 2, 2, 2, 1]]

    (tmp_path / "kernels/warp/warp.h").write_text("#error broken")
    with pytest.raises(NpNNError, match="kernels/warp does not compile"):
        builds.finish(builds.start())


# ---- A run -----------------------------------------------------------------------------------


@pytest.fixture
def builds(kernel, monkeypatch, tmp_path):
    """Replace the compiler by a copy of the installed extension of warp, and hide torch."""

    class Built(kernel.Builds):
        def start(self):
            self.place.mkdir(parents=True, exist_ok=True)
            shutil.copy(warp.__file__, self.place)
            return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr(kernel, "Builds", lambda *given: Built(*given, tmp_path))
    monkeypatch.setattr(kernel, "TORCH", "jax")  # not installed
    return Built("warp", warp.isa(), tmp_path)


@pytest.mark.usefixtures("mnist")
def test_a_kernel_is_timed_beside_its_reference_and_a_saved_build(builds, run):
    builds.finish(builds.start())
    builds.save("before")
    builds.now.unlink()  # as in a fresh clone
    options = "--rounds", "2", "--threads", "1", "--against", "before", "--save", "after"
    status, out, _ = run("image_moments", *options)
    assert status == 0
    head, _, *lines = out.splitlines()
    assert head.endswith(f"{warp.isa()}, 1 thread, 2 rounds.")
    titles, _, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line
    ]
    assert titles == ["image_moments", "ms", "spread", "preemptions", "times now"]
    assert [row[0] for row in rows] == ["now", "saved: before", "NumPy"]
    assert all(float(ms) > 0 for _, ms, *_ in rows)
    assert rows[0][-1] == "1.00"
    assert "torch: not installed." in lines
    assert builds.saved("after").read_bytes() == builds.now.read_bytes()


class Turns:
    """Stand-in for the team: all contenders give the same answers, or one of them fails."""

    def __init__(self, answers, failures=()):
        self.answers, self.failures = answers, dict(failures)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def start(self, label, threads):
        pass

    def take_turns(self, labels, request, threads, rounds):
        answers = {label: self.answers for label in labels if label not in self.failures}
        return SimpleNamespace(answers=answers, failures=self.failures)


def answers(*ms, preemptions=0):
    return [{"ms": each, "preemptions": preemptions} for each in ms]


@pytest.mark.parametrize(
    ("given", "busy"),
    [
        (answers(1, 1.1, 1.2), False),
        (answers(1, 1.1, 1.3), True),
        (answers(1, 1, 1, preemptions=10), False),
        (answers(1, 1, 1, preemptions=11), True),
    ],
)
@pytest.mark.usefixtures("builds")
def test_a_busy_machine_is_named(kernel, run, monkeypatch, given, busy):
    monkeypatch.setattr(kernel, "dataset", lambda name: None)
    monkeypatch.setattr(kernel, "Team", lambda: Turns(given))
    status, out, _ = run("image_moments")
    assert status == 0
    assert ("The machine is busy" in out) == busy


def test_a_wrong_kernel_ends_the_run(builds, kernel, run, monkeypatch):
    failures = {str(builds.stem): "WrongResultError: out of"}
    monkeypatch.setattr(kernel, "dataset", lambda name: None)
    monkeypatch.setattr(kernel, "Team", lambda: Turns(answers(1), failures))
    status, out, err = run("image_moments", "--save", "wrong")
    assert status == 1
    assert "|" not in out
    assert err == "image_moments is not timed: WrongResultError: out of\n"
    with pytest.raises(NpNNError, match="'wrong'"):
        builds.saved("wrong")


@pytest.mark.usefixtures("mnist")
def test_the_users_function_is_timed_beside_the_kernel(module, kernel, monkeypatch, tmp_path):
    (tmp_path / "my_ops.py").write_text("calls = []\ndef add(*arguments): calls.append(arguments)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NP_NN_USE", "my_ops")
    contenders = module("contenders")
    with ops.use({}):
        contenders.contender(contenders.OWN).tasks(ops.threads).kernel("add")(1)
        assert "add" in ops.own
    assert module("my_ops").calls
    assert contenders.OWN not in contenders.PEERS
