"""Write the notebooks as .ipynb files, without outputs and with a Colab badge: make ipynb.

    python docs/ipynb.py [FOLDER]            default: build/ipynb

Pushed to the branch `notebooks` of the repository, they open in Colab, which installs np_nn.
"""

import re
import sys
from pathlib import Path

import jupytext
from nbformat.v4 import new_code_cell, new_markdown_cell

from np_nn.utils import files

ROOT = Path(__file__).resolve().parents[1]
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({url})"
INSTALL = """\
import importlib.util

if importlib.util.find_spec("np_nn") is None:  # as on Colab
    %pip install --quiet git+{repository}"""


def converted(path, repository):
    """Return a notebook of notebooks/ as the text of an .ipynb file."""
    notebook = jupytext.read(path)
    owner = repository.removeprefix("https://github.com/")
    url = f"https://colab.research.google.com/github/{owner}/blob/notebooks/{path.stem}.ipynb"
    install = new_code_cell(INSTALL.format(repository=repository))
    notebook.cells[:0] = [new_markdown_cell(BADGE.format(url=url)), install]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{path.stem}-{number}"  # the same in every build
    return jupytext.writes(notebook, "ipynb")


def main(folder="build/ipynb"):
    repository = re.search(r'^Repository = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    files.check_writable(folder)
    for path in sorted(ROOT.glob("notebooks/0*.py")):
        out = Path(folder, f"{path.stem}.ipynb")
        print(files.write_file(out, converted(path, repository).encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
