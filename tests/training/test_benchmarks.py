"""benchmarks/run.py: a short run, without the preceding tests and without other libraries."""

import importlib
from pathlib import Path

import pytest

from np_nn import ops

pytestmark = pytest.mark.kernel_independent
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def run(monkeypatch):
    """Return run.py with one cell, one thread, and np_nn alone."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("run")
    ours = {label: module.CONTENDERS[label] for label in ("np_nn", "np_nn NumPy")}
    monkeypatch.setattr(module.signal, "signal", lambda *handler: None)  # it is this process's, too
    monkeypatch.setattr(module.Session, "cores", 1)
    monkeypatch.setattr(module.kernels, "check", lambda: "Not checked.")
    monkeypatch.setattr(module.kernels, "CASES", {"add": None})
    monkeypatch.setattr(module.kernels, "TORCH", "np_nn NumPy")
    monkeypatch.setattr(module.limits, "measure", lambda session: None)
    monkeypatch.setattr(module.training.cells, "QUICK", module.training.cells.QUICK[:1])
    monkeypatch.setattr(module.training, "CONTENDERS", ours)
    return module


@pytest.mark.usefixtures("mnist")
@pytest.mark.skipif("add" not in ops.KERNELS, reason="the kernels are not built")
def test_a_quick_run_prints_its_tables(run, capsys):
    assert run.main(["--quick", "--quiet", "--parts", "kernels", "training"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# Benchmarks\n\n`python benchmarks/run.py")
    assert "\nNot checked." in out
    (add,) = [line for line in out.splitlines() if line.startswith("| add ")]
    (step,) = [
        line
        for line in out.splitlines()
        if line.startswith("| 784-512-10, batch 256, SGD, MNIST |")
    ]
    assert all(float(cell) > 0 for cell in add.split("|")[3:6])
    assert float(step.split("|")[2]) > 0
    assert "## Summary\n" in out
