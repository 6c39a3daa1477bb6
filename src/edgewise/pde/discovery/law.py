"""Laws found in measured fields: terms, coefficients, their errors, and what else might have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise.pde.terms.symbols import TimeSymbol


@dataclass(frozen=True)
class LawTerm:
    """A term of a law with its coefficient.

    Attributes
    ----------
    text : str
        As `u*u_x`.
    coefficient, error : float
        With its standard error.
    low, high : float
        The 95 % interval.
    stability : float
        Share of random halves of the rows from which the term was chosen too.
    """

    text: str
    coefficient: float
    error: float
    low: float
    high: float
    stability: float


@dataclass(frozen=True)
class Rival:
    """Another law that was weighed.

    Attributes
    ----------
    text : str
    behind : float
        How much less likely it is, as the difference of the Bayesian criterion (twice the logarithm); 10 is much.
    stability : float
        Share of random halves of the rows from which just these terms were chosen.
    """

    text: str
    behind: float
    stability: float


@dataclass(frozen=True)
class Law:
    """The law of one unknown.

    Attributes
    ----------
    left : str
        As `u_t`.
    terms : tuple of LawTerm
    unexplained : float
        Share of the left side's square, weighed by the noise, that is left.
    fit : float
        Mean square of what is left, in units of what the noise explains: near 1 for a law, far above 1 where terms are
        missing.
    rivals : tuple of Rival
        Other laws, the likeliest first.
    rows : int
        Weighting functions that it was tested against.
    symbols : tuple of str
        Coordinates.
    """

    left: str
    terms: tuple[LawTerm, ...]
    unexplained: float
    fit: float
    rivals: tuple[Rival, ...]
    rows: int
    symbols: tuple[str, ...]

    @property
    def text(self) -> str:
        """As `u_t = -0.998*u*u_x + 0.0999*u_xx`."""
        return f"{self.left} = {right_side([(t.coefficient, t.text) for t in self.terms])}"

    @property
    def stability(self) -> float:
        """The least of the terms' stabilities."""
        return min((term.stability for term in self.terms), default=0.0)

    def __repr__(self) -> str:
        return self.text

    @property
    def coefficients(self) -> dict[str, float]:
        """Coefficients by the text of their terms."""
        return {term.text: term.coefficient for term in self.terms}

    @property
    def sympy(self) -> Any:
        """The law as an equation of sympy, in functions of the coordinates."""
        right = sum((t.coefficient * term_tree(t.text, self.symbols) for t in self.terms), sp.Integer(0))
        return sp.Eq(term_tree(self.left, self.symbols), right, evaluate=False)


def right_side(terms: list[tuple[float, str]]) -> str:
    """A sum of terms with numbers of four digits."""
    if not terms:
        return "0"
    words: list[str] = []
    for value, text in terms:
        number = f"{abs(value):.4g}" + ("" if text == "1" else f"*{text}")
        sign = "-" if value < 0 else "+"
        words.append(f"{sign} {number}" if words else f"{'-' if value < 0 else ''}{number}")
    return " ".join(words)


def term_tree(text: str, symbols: tuple[str, ...]) -> Any:
    """The sympy expression of a term's text."""
    names = [(TimeSymbol if name == "t" else sp.Symbol)(name, real=True) for name in symbols]
    found: Any = sp.Integer(1)
    for factor in text.split("*"):
        if factor == "1":
            continue
        if factor.startswith("lap("):
            inner = sp.Function(factor[4:-1], real=True)(*names)
            found *= sum(sp.diff(inner, s, 2) for s in names if not isinstance(s, TimeSymbol))
            continue
        word, _, power = factor.partition("^")
        name, _, tail = word.partition("_")
        tree = sp.Function(name, real=True)(*names)
        while tail:
            longest = max((s for s in symbols if tail.startswith(s)), key=len)
            tree, tail = sp.diff(tree, names[symbols.index(longest)]), tail[len(longest) :]
        found *= tree ** int(power or 1)
    return found


@dataclass(frozen=True)
class Discovery:
    """Laws found in measured fields.

    Attributes
    ----------
    laws : tuple of Law
        One for each unknown that was asked for.
    noise : dict of str to float
        Standard deviation of the noise of each field.
    message : str
        What was found and how far to rely on it.
    stop_reason : StopReason
    seconds : float
    """

    laws: tuple[Law, ...]
    noise: dict[str, float]
    message: str
    stop_reason: StopReason
    seconds: float

    @property
    def text(self) -> str:
        """All laws, one a line."""
        return "\n".join(law.text for law in self.laws)

    def __repr__(self) -> str:
        return f"<Discovery: {'; '.join(law.text for law in self.laws)}>"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as JSON takes it."""
        return plain(
            {
                "laws": [
                    {
                        "text": law.text,
                        "left": law.left,
                        "terms": [vars(term) for term in law.terms],
                        "unexplained": law.unexplained,
                        "fit": law.fit,
                        "rivals": [vars(rival) for rival in law.rivals],
                        "rows": law.rows,
                    }
                    for law in self.laws
                ],
                "noise": self.noise,
                "message": self.message,
                "stop_reason": str(self.stop_reason),
                "seconds": self.seconds,
            }
        )
