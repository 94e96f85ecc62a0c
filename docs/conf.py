"""Configuration of Sphinx: sphinx-build -c docs . build/html.

The source folder is the repository's root, so that README.md, the galleries and the notebooks are
pages where they lie, and every relative link between them stays true.
"""

import os
import sys
from pathlib import Path

from sphinx.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

from source_pages import linkcode_resolve  # noqa: E402, F401 (Sphinx looks for it here)

import np_nn  # noqa: E402 - from the path above
from np_nn import data  # noqa: E402 - as above

GIVEN = os.environ.get("NP_NN_DATA")

project = "np_nn"
version = np_nn.__version__
extensions = [
    "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.linkcode", "drawing",
    "listing", "mathml", "source_pages",
]  # fmt: skip

root_doc = "docs/index"
include_patterns = [
    "*.md", "docs/*.md", "docs/*/*.md", "kernels/*.md", "kernels/*/*.md", "examples/*.md",
    "gallery/*.md", "notebooks/*.md", "notebooks/[0-9]*.py", "benchmarks/*.md", "reproduction/*.md",
]  # fmt: skip
exclude_patterns = [".*", "build", "data"]  # not even looked into

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # as in the links of a page that is read where it lies
myst_url_schemes = {"http": None, "https": None, "mailto": None, "source": "{{path}}#{{fragment}}"}
myst_update_mathjax = False

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"  # a notebook runs again when it has changed, or is given other data
nb_execution_cache_path = str(ROOT / "build" / "notebooks" / ("given" if GIVEN else "found"))
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_output_stderr = "error"  # a warning on a page, with a path of this machine
nb_code_prompt_show = nb_code_prompt_hide = "Solution"  # a cell that is folded away

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
default_role = "py:obj"  # `fit` in a docstring: code, and a link if it is a public name
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "np_nn"
html_static_path = ["static"]
templates_path = ["static"]
html_additional_pages = {"index": "to_docs.html"}  # build/html/index.html leads to docs/
html_css_files = ["pages.css"]
html_copy_source = False
html_show_copyright = False


def setup(app):
    """Let notebooks, which run in their own folder, find the data that are found from here.

    A build that was given MNIST fails without it: its pages would show another data set.
    """
    os.environ["NP_NN_DATA"] = GIVEN or "data"
    data.absolute_folders()
    try:
        if GIVEN:
            np_nn.load("mnist", os.environ["NP_NN_DATA"], download=False)
    except np_nn.DataError as error:
        raise ConfigError(f"NP_NN_DATA: {error}") from None
