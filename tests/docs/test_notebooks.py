"""The notebooks run from top to bottom; each has mathematics, and exercises with solutions."""

import re
import runpy
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel_independent
jupytext = pytest.importorskip("jupytext", reason="pip install 'np_nn[notebooks]'")
nbclient = pytest.importorskip("nbclient", reason="pip install 'np_nn[notebooks]'")
pytest.importorskip("ipykernel", reason="pip install 'np_nn[notebooks]'")
nbformat = pytest.importorskip("nbformat", reason="pip install 'np_nn[notebooks]'")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.py"))
TORCH = ROOT / "notebooks" / "02_nn_pytorch.py"
SECONDS = 120  # limit per cell: far more than any takes, even on a busy machine


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def cells(path):
    return jupytext.read(path).cells


def test_there_are_four():
    assert [path.name[:2] for path in NOTEBOOKS] == ["00", "01", "02", "03"]


def test_runs_without_a_warning_and_leaves_nothing_behind(path, tmp_path, monkeypatch):
    if path == TORCH:
        pytest.importorskip("torch")
    for name, value in {"NP_NN_QUICK": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": ROOT}.items():
        monkeypatch.setenv(name, str(value))
    notebook = jupytext.read(path)
    where = {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(notebook, timeout=SECONDS, resources=where).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    shown = str([output.get("text") or output["data"] for output in outputs])
    assert not any(str(place) in shown for place in (ROOT, tmp_path, sysconfig.get_path("purelib")))
    assert sum("image/png" in output.get("data", ()) for output in outputs) >= 2
    assert list(tmp_path.iterdir()) == []


def test_exercises_have_hidden_solutions_that_check_themselves(cells):
    exercises = [i for i, cell in enumerate(cells) if "### Exercise" in cell.source]
    assert len(exercises) >= 3
    for i in exercises:
        solution = cells[i + 1]
        assert solution.cell_type == "code"
        assert "hide-cell" in solution.metadata.tags  # folded on the website
        assert solution.metadata.jupyter["source_hidden"]  # and in Jupyter
        assert "assert " in solution.source


def test_explains_with_mathematics(cells):
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(re.findall(r"\$\$?[^$]+\$\$?", text)) >= 5


def test_calls_the_library(cells):
    assert any("import np_nn as nn" in cell.source for cell in cells)


def test_outputs_are_kept_out_of_git():
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "*.ipynb" in ignored


def test_says_how_to_get_torch(monkeypatch):
    for name in ("torch", "np_nn.torch_twin"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit, match=r"^this notebook needs PyTorch: pip install torch$"):
        runpy.run_path(str(TORCH))


def test_as_ipynb_files_they_have_a_badge_and_no_outputs(tmp_path):
    main = runpy.run_path(str(ROOT / "docs" / "ipynb.py"))["main"]
    main(tmp_path)
    made = sorted(tmp_path.iterdir())
    assert [path.name for path in made] == [f"{path.stem}.ipynb" for path in NOTEBOOKS]
    for path, source in zip(made, NOTEBOOKS, strict=True):
        notebook, before = nbformat.read(path, as_version=4), path.read_bytes()
        nbformat.validate(notebook)
        badge, install, *cells = notebook.cells
        assert f"/blob/notebooks/{path.name})" in badge.source
        assert "%pip install --quiet git+https://github.com/" in install.source
        assert [cell.source for cell in cells] == [c.source for c in jupytext.read(source).cells]
        assert not any(c.outputs or c.execution_count for c in cells if c.cell_type == "code")
        main(tmp_path)
        assert path.read_bytes() == before
