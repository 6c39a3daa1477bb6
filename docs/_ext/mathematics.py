"""Mathematics as MathML, made when the pages are built: nothing is loaded, and screen readers can read it."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.math import get_node_equation_number

# The negative space that the converter writes is no length that MathML knows.
_NO_LENGTH = re.compile(r'<mspace width="negative\w+"\s*/>')


# A thin space after the name of a function, unless a parenthesis follows.
_FUNCTION = re.compile(r"<m[io]>([a-z]{2,})</m[io]>(?!<mo[^>]*>&#x00028;)")


def mathml(latex: str, *, display: bool) -> str:
    """LaTeX mathematics as a `<math>` element."""
    text = _NO_LENGTH.sub("", convert(latex, display="block" if display else "inline"))
    return _FUNCTION.sub(r'<mi>\1</mi><mspace width="0.17em"/>', text)


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext(), display=False))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    number = get_node_equation_number(translator, node) if node["number"] else ""
    mark = f'<span class="eqno">({number})</span>' if number else ""
    translator.body.append(f'<div class="math">{mark}{mathml(node.astext(), display=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer that `html_math_renderer` names."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}
