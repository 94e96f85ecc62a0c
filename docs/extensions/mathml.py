"""Formulas as MathML, which browsers draw themselves: no script, no network, no LaTeX."""

from docutils import nodes
from latex2mathml.converter import convert


def visit_math(writer, node):
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_math_block(writer, node):
    formula = convert(node.astext(), display="block")
    writer.body.append(f'<div class="math">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
