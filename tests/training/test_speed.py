"""benchmarks/: RESULTS.md agrees with its picture; timed kernels are checked."""

import importlib
from pathlib import Path

import pytest

from np_nn import cli, plots

pytestmark = pytest.mark.kernel_independent
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
HEAD = "`make bench` on a machine, 2 cores.\n\nnumpy 2; np_nn's kernels: compiled kernels (avx2).\n"
STEPS = """
## A training step

|                                    | np_nn | np_nn NumPy | torch | jax | times fastest peer |
| :--------------------------------- | ----: | ----------: | ----: | --: | -----------------: |
| 784-512-10, batch 256, SGD, MNIST  | 0.500 |       3.000 | 2.000 |   - |               4.00 |
| 784-512-10, batch 1, SGD, MNIST    | 0.010 |       0.400 | 0.300 |   - |              30.00 |
| 784-512-10, batch 256, Adam, MNIST | 1.000 |       4.000 | 3.000 |   - |               3.00 |
"""
NETWORKS = """
## Networks of images

| a training step  | threads | np_nn | torch contiguous | times torch | np_nn MB |
| :--------------- | ------: | ----: | ---------------: | ----------: | -------: |
| lenet5, batch 64 |       2 |  1.50 |             4.50 |        3.00 |      145 |
| lenet5, batch 64 |       1 |  2.50 |             5.00 |        2.00 |      145 |
| lenet5, batch 9  |       2 |  2.50 |             5.00 |        2.00 |      145 |
"""


@pytest.fixture
def picture(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("picture")


def test_the_figures_of_the_tables_are_drawn(picture, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(picture, "plot_speed", lambda *given: seen.extend(given))
    (tmp_path / "r.md").write_text(HEAD + STEPS + NETWORKS, "utf-8")
    picture.main(["--results", str(tmp_path / "r.md")])
    groups, path, title = seen
    ours = "np_nn, compiled"
    assert [rows for _, rows in groups] == [
        [
            plots.Timing("as it stands", {ours: 0.5, "np_nn, NumPy": 3, "torch": 2}, "4.00\u00d7"),
            plots.Timing("Adam", {ours: 1, "np_nn, NumPy": 4, "torch": 3}, "3.00\u00d7"),
        ],
        [
            plots.Timing(
                "as it stands", {ours: 0.01, "np_nn, NumPy": 0.4, "torch": 0.3}, "30.00\u00d7"
            )
        ],
        [plots.Timing("lenet5, batch 64", {ours: 1.5, "torch": 4.5}, "3.00\u00d7")],
    ]
    assert path == tmp_path / "r.png"
    assert title.endswith("\na machine, 2 cores; numpy 2; kernels: avx2")


def test_the_record_is_drawn(picture, tmp_path, capsys):
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for path in paths:
        picture.main(["--out", str(path)])
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].stat().st_size < 150_000
    assert str(paths[0]) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (HEAD + NETWORKS, "no table under '## A training step'"),
        (
            HEAD + "## A training step\n\nnothing\n" + NETWORKS,
            "no table under '## A training step'",
        ),
        (HEAD + STEPS, "no table under '## Networks of images'"),
        (HEAD + STEPS + NETWORKS.replace("| np_nn |", "|  ours |"), "no column 'np_nn'"),
        (HEAD + STEPS.replace("times fastest peer", "ratio") + NETWORKS, "'times fastest peer'"),
        (STEPS + NETWORKS, "do not name the machine"),
        ("", "no table"),
    ],
)
def test_what_is_missing_is_named_in_one_line(picture, tmp_path, capsys, text, missing):
    (tmp_path / "r.md").write_text(text, "utf-8")
    with pytest.raises(SystemExit) as stop:
        cli.run(lambda: picture.main(["--results", str(tmp_path / "r.md")]))
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert missing in line
    assert not list(tmp_path.glob("*.png"))


def test_the_tests_that_are_run_before_kernels_are_timed_exist(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    timed = importlib.import_module("kernels")
    paths = [timed.TESTS / word.removeprefix("--ignore=") for word in timed.CHECKED]
    assert [path for path in paths if not path.exists()] == []
    assert any(path.is_dir() for path in paths)
