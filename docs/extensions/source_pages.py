"""A page for each file that is linked to, so that links to code work without any network.

The built pages mirror the repository: the link [`one_hot`](../np_nn/losses.py) of a Markdown page
leads to ../np_nn/losses.py.html, at the line that defines one_hot. A folder's page lists its files.
"""

import inspect
import re
import sys
from functools import partial
from html import escape
from pathlib import Path, PurePosixPath

from code_lines import line_of
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?:\[`(?P<name>[\w.]+)`)?\]\((?P<path>[^)\s#:]+)\)")
SHOWN_AS_THEY_ARE = (".png", ".gif", ".svg", ".pdf", ".html")
CODE = (".py", ".pyx", ".pxi", ".h")


def point_to_pages(app, docname, source):
    """Point a page's links to source files at the pages that show these files."""
    folder, shown = (ROOT / docname).parent, set()

    def page(link):
        file = (folder / link["path"]).resolve()
        is_page = app.env.path2doc(str(file)) in app.env.found_docs
        if is_page or not file.exists() or file.suffix in SHOWN_AS_THEY_ARE:
            return link[0]
        shown.add(str(file.relative_to(ROOT)))
        line = (link["name"] and line_of(link["name"], file)) or 1
        text = link[0].partition("](")[0]
        return f"{text}](source:{link['path'].rstrip('/')}.html#L-{line})"

    source[0] = LINK.sub(page, source[0])
    app.env.metadata[docname]["shown"] = shown


def linkcode_resolve(domain, info):
    """Return the target of the reference's "source" links; its page lies in docs/."""
    value = sys.modules[info["module"]]
    for part in info["fullname"].split("."):
        value = inspect.unwrap(getattr(value, part, None))
    if not inspect.isclass(value) and not inspect.isfunction(value):
        return None
    file, (_, line) = Path(inspect.getsourcefile(value)), inspect.getsourcelines(value)
    if not file.is_relative_to(ROOT / "np_nn"):
        return None  # scikit-learn's
    return f"../{file.relative_to(ROOT).as_posix()}.html#L-{line}"


def collect(app):
    """Yield (name, context, template) of each file that is linked to or in the reference."""
    shown = set((ROOT / "np_nn").rglob("*.py"))
    shown |= {ROOT / path for each in app.env.metadata.values() for path in each.get("shown", ())}
    for path in sorted(shown):
        name = path.relative_to(ROOT).as_posix()
        body = _listing(path, shown) if path.is_dir() else _lines(path)
        yield name, {"title": name, "body": f"<h1>{escape(name)}</h1>{body}"}, "page.html"


def _listing(folder, shown):
    """Return the files of a folder as HTML, with links to those that have a page."""
    rows = []
    for file in sorted(path for path in folder.iterdir() if path.suffix in CODE):
        name = f"<code>{escape(file.name)}</code>"
        link = f'<a href="{folder.name}/{file.name}.html">{name}</a>'
        rows.append(f"<li>{link if file in shown else name}</li>")
    return f"<ul>{''.join(rows)}</ul>"


def _lines(file):
    try:
        lexer = get_lexer_for_filename(file.name)
    except ClassNotFound:
        lexer = TextLexer()
    formatter = HtmlFormatter(lineanchors="L", linenos="inline", cssclass="highlight source-page")
    return highlight(file.read_text("utf-8"), lexer, formatter)


class Navigation:
    """Navigation of pages without a document: its links are the same for all pages of a folder.

    Sphinx makes it for each page, which would take half of the build.
    """

    def __init__(self):
        self._made = {}

    def __call__(self, app, page, template, context, doctree):
        if doctree is None:
            folder = PurePosixPath(page).parent
            context["toctree"] = partial(self._of, folder, context["toctree"])

    def _of(self, folder, make, **options):
        if folder not in self._made:
            self._made[folder] = make(**options)
        return self._made[folder]


def setup(app):
    app.connect("source-read", point_to_pages)
    app.connect("html-collect-pages", collect)
    app.connect("html-page-context", Navigation(), priority=400)  # the theme asks at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
