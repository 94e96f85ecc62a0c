"""The comparison: each contender in its own process, with the same weights and batches."""

import json
import subprocess
import sys

import numpy as np
import pytest

import np_nn as nn
from np_nn import compare, ops
from np_nn.cli import subprogram
from np_nn.utils.markdown import markdown_table

pytestmark = pytest.mark.kernel_independent

QUICK = ["--dataset", "digits", "--steps", "30", "--batch-size", "32"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Run one real comparison in two rounds; return its output, JSON and folder."""
    folder = tmp_path_factory.mktemp("compare")
    command = [sys.executable, "-m", "np_nn.compare", *QUICK, "--rounds", "2"]
    command += ["--out", folder, "--json", folder / "compare.json"]
    done = subprocess.run(
        command, cwd=subprogram.PACKAGES, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    return done, json.loads((folder / "compare.json").read_text()), folder


def test_every_contender_is_in_table_json_and_picture(compared):
    done, content, folder = compared
    labels = [contender.label for contender in compare.contenders()]
    assert list(content["contenders"]) == labels
    assert all(f"| {label} " in done.stdout for label in labels)
    assert (folder / "compare.png").stat().st_size > 10_000
    assert content["rounds"] == 2


def test_json_is_all_that_is_printed(compared, monkeypatch, capsys):
    _, content, _ = compared
    monkeypatch.setattr(compare, "measure", lambda *_: content["results"])
    assert compare.main([*QUICK, "--rounds", "2", "--no-plots", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == content


def test_contenders_take_turns(compared):
    labels = [contender.label for contender in compare.contenders()]
    announced = [line.split(": ")[1] for line in compared[0].stderr.splitlines()]
    assert announced == labels * 2


def test_all_train_the_same_network_alike(compared):
    runs = [rounds[0] for rounds in compared[1]["results"].values()]
    assert len({run["title"] for run in runs}) == 1
    assert len({run["threads"] for run in runs}) == 1
    losses = [np.array(run["runs"][0]["batches"]["loss"]) for run in runs]
    for loss in losses[1:]:
        assert np.allclose(loss, losses[0], rtol=1e-3)
    accuracies = [run["test_accuracy"] for run in runs]
    assert np.ptp(accuracies) <= 0.02  # 297 test images: one is 0.003


def test_figures_are_medians_and_ratios():
    def fake(ms, memory):
        history = {"loss": [2.0, 1.0], "accuracy": [0.5, 0.5]}
        return {
            "step_ms_median": ms, "batch_size": 100, "train_seconds": 1.0, "kernels": "",
            "peak_memory_mb": memory, "test_accuracy": 0.9, "runs": [{"batches": history}],
        }  # fmt: skip

    results = {"NumPy": [fake(2, 50), fake(9, 60), fake(1, 70)], "PyTorch": [fake(4, None)] * 3}
    summary = compare.summarise(results)
    assert summary["NumPy"]["step_ms"] == 2
    assert summary["NumPy"]["images_per_s"] == 50_000
    assert summary["NumPy"]["ratio"] == 2.0
    assert summary["PyTorch"]["ratio"] == 1.0
    assert summary["NumPy"]["peak_memory_mb"] == 60
    assert summary["PyTorch"]["peak_memory_mb"] is None
    del results["PyTorch"]
    assert compare.summarise(results)["NumPy"]["ratio"] is None
    assert "| NumPy |" in compare.table(compare.summarise(results))


def test_loss_deviation_is_relative_and_the_largest():
    a, b = ({"runs": [{"batches": {"loss": loss}}]} for loss in ([1.0, 2.2], [1.0, 2.0]))
    assert compare.loss_deviation(a, b) == pytest.approx(0.1)


def test_a_failing_contender_is_named_in_one_line():
    contender = compare.Contender("NumPy", "train", ("--batch-size", "5000"))
    with pytest.raises(
        nn.NpNNError, match=r"^NumPy: python -m np_nn train: error: batch size 5000 is larger"
    ):
        compare.run(contender, ["--dataset", "digits"])


def test_contenders_run_outside_a_checkout_and_are_this_np_nn(monkeypatch, tmp_path):
    (tmp_path / "main_np.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    trained = compare.run(compare.contenders()[0], QUICK)
    assert trained["steps"] == 30
    assert [path.name for path in tmp_path.iterdir()] == ["main_np.py"]


@pytest.mark.parametrize(("whole_rounds", "raises"), [(0, True), (1, False)])
def test_ctrl_c_keeps_whole_rounds(monkeypatch, whole_rounds, raises):
    field, calls = compare.contenders(), []

    def run(contender, arguments):
        if len(calls) == whole_rounds * len(field):
            raise KeyboardInterrupt
        calls.append(contender)
        return contender.label

    monkeypatch.setattr(compare, "run", run)
    if raises:
        with pytest.raises(KeyboardInterrupt):
            compare.measure(field, 3, [], quiet=True)
    else:
        results = compare.measure(field, 3, [], quiet=True)
        assert results == {contender.label: [contender.label] for contender in field}


def test_compiled_kernels_take_part_where_they_are_built():
    labels = [contender.label for contender in compare.contenders()]
    assert ("compiled" in labels) == bool(ops.KERNELS)


def test_markdown_tables_are_aligned():
    table = markdown_table(["a", "long"], [["x", 1], ["yy", 22]])
    assert table.splitlines() == [
        "| a  | long |",
        "| :- | ---: |",
        "| x  |    1 |",
        "| yy |   22 |",
    ]
