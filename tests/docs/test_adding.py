"""docs/develop/adding.md, followed literally in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import FENCED

pytestmark = pytest.mark.kernel_independent
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "develop" / "adding.md"
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S))
MOST = {"An activation": 5, "A layer": 5, "An optimizer": 4, "A data set": 1, "A published row": 1}
MOST |= {"A hyper-parameter": 2}
COPIED = ("np_nn", "tests", "docs", "benchmarks", "examples", "main_np.py", "main_torch.py")
COPIED += ("pyproject.toml", "setup.py", "README.md", "LICENSE", "kernels")
NEW = (
    "Softplus or PReLU or Adamax or softplus or prelu or adamax or mse or squared or every or named"
)


def blocks(section, kind):
    """Return the fenced blocks of one kind in a section of the page."""
    return [text for found, text in FENCED.findall(SECTIONS[section]) if found == kind]


def edits(section):
    """Return [(file, lines)] of a section: new lines begin with +, existing ones with a space."""
    parts = [part for block in blocks(section, "diff") for part in block.split("+++ ")[1:]]
    return [(file, body.splitlines()) for file, _, body in (part.partition("\n") for part in parts)]


def apply(folder, file, lines):
    """Insert the new lines at the existing ones, or append them if there are none."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text("utf-8") if path.exists() else ""
    whole = "".join(f"{line[1:]}\n" for line in lines)
    place = "".join(f"{line[1:]}\n" for line in lines if line.startswith(" "))
    assert not place or text.count(place) == 1, f"{file}: where does this stand?\n{place}"
    path.write_text(text.replace(place, whole) if place else text + whole, "utf-8")


def python(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(folder), "NP_NN_STRICT": "1"},
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the project with the page's additions, built if there is a compiler."""
    folder = tmp_path_factory.mktemp("adding")
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.c", "pictures")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    for section in SECTIONS:
        for file, lines in edits(section):
            apply(folder, file, lines)
    family = folder / "kernels" / "squared_error"
    family.mkdir()
    (family / "squared_error.pyx").write_text(*blocks("A kernel", "cython"), "utf-8")
    _build(folder, family)
    return folder


def _build(folder, family):
    """Build only the new family, as the page says."""
    pytest.importorskip("Cython", reason="Cython is not installed")
    alone = folder / "alone"
    for part in (folder / "kernels" / "common", family):
        shutil.copytree(part, alone / "kernels" / part.name)
    (alone / "np_nn").mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "np_nn/__init__.py"):
        shutil.copy(ROOT / name, alone / name)
    python(alone, "setup.py", "--quiet", "build_ext", "--inplace")
    (folder / "np_nn" / "_kernels").mkdir(exist_ok=True)
    for built in alone.glob("np_nn/_kernels/squared_error*"):
        shutil.copy(built, folder / "np_nn" / "_kernels")
    shutil.rmtree(alone)


@pytest.mark.parametrize("section", MOST)
def test_it_takes_few_files(section):
    files = {file for file, _ in edits(section)}
    assert 0 < len(files) <= MOST[section]


def test_what_is_added_is_clean(project):
    pytest.importorskip("ruff", reason="ruff is not installed: make lint")
    python(project, "-m", "ruff", "check", "--no-cache", ".")
    python(project, "-m", "ruff", "format", "--no-cache", "--check", ".")


def test_the_new_pieces_pass_their_own_tests(project):
    files = [
        "test_cases.py",
        "test_parity.py",
        "test_gradients.py",
        "kernels/test_squared_error.py",
    ]
    files += ["saving/test_exchange.py", "docs/test_docs.py", "data/test_data.py", "recipes"]
    options = ["-p", "no:cacheprovider", "-k", f"({NEW}) and not site and not page"]
    said = python(project, "-m", "pytest", *options, *(f"tests/{file}" for file in files))
    assert int(re.search(r"(\d+) passed", said)[1]) > 50
    assert "skipped" not in said


def test_the_session_on_the_page_is_true(project):
    (project / "session.txt").write_text(*blocks("A kernel", "pycon"), "utf-8")
    python(project, "-m", "doctest", "session.txt")


def test_the_row_is_run_and_compared(project):
    options = ("--recipe", "small_digits", "--l2", "0", "--no-plots", "--quiet")
    said = python(project, "main_np.py", *options)
    published, ours = re.search(r"^\| small_digits +\| +(\S+) +\| +(\S+)", said, re.M).groups()
    assert published == "0.9500"
    assert float(ours) > 0.9


@pytest.mark.parametrize(
    ("main", "more"), [("main_np.py", ("--l2", "0.01")), ("main_torch.py", ())]
)
def test_both_programs_know_the_new_names_and_read_the_data(project, tmp_path, main, more):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    (written,) = blocks("A data set", "python")
    exec(written.partition("DATASETS[")[0].replace('"data/', f'"{tmp_path}/'), {})
    said = python(
        project, main, "--dataset", "halves", "--data-dir", str(tmp_path), "--scale", "0.01",
        "--activation", "prelu", "--optimizer", "adamax:eps=1e-6", "--epochs", "2", *more,
        "--no-plots", "--quiet",
    )  # fmt: skip
    assert "784-512-2 on bright halves" in said
    assert "ADAMAX 0.001 (eps=1e-6)" in said
    assert ("l2 0.01" in said) == bool(more)
    assert float(re.search(r"^\| (0\.\d+|1\.0000) +\|", said, re.M)[1]) > 0.95
