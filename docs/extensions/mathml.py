"""Formulas as MathML, which browsers draw themselves: no script, no network, no LaTeX."""

import re

from docutils import nodes
from latex2mathml.converter import convert

FUNCTION = re.compile(r"(<mi>\w{2,}</mi>)(?!<mo)")  # log x, but log(x)


def mathml(formula, display="inline"):
    """Convert LaTeX to MathML, with a thin space between a function's name and its argument."""
    return FUNCTION.sub(r'\1<mspace width="0.167em"/>', convert(formula, display=display))


def visit_math(writer, node):
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def visit_math_block(writer, node):
    writer.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
