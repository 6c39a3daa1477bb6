"""Terms from text."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.dynamics.terms import RateTerm
from edgewise.forms.parser import read
from edgewise.symbolic.expressions.tape import Tape


def term(text: str, names: Sequence[str], nats: float = 8.0) -> RateTerm:
    """A term whose constants inside are the numbers with a point."""
    return RateTerm(Tape(read(text, tuple(names)), tuple(names)), nats)


def terms(names: Sequence[str], *texts: str) -> list[RateTerm]:
    """Some terms; short texts take few nats."""
    return [term(text, names, 2.0 + len(text)) for text in texts]
