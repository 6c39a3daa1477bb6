"""Terms from text."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.dynamics.terms import Term
from edgewise.forms.parser import read
from edgewise.symbolic.expressions.tape import Tape


def term(text: str, names: Sequence[str], nats: float = 8.0) -> Term:
    """A term whose constants inside are the numbers with a point."""
    return Term(Tape(read(text, tuple(names)), tuple(names)), nats)


def terms(names: Sequence[str], *texts: str) -> list[Term]:
    """Some terms; short texts take few nats."""
    return [term(text, names, 2.0 + len(text)) for text in texts]
