"""Random laws with kinks, jumps and teeth, and how many of them the search finds, with noise and without.

    python benchmarks/broken_laws.py [--seed 0] [--count 3] [--noise 0 0.01 0.1] [--family NAME] [--work normal] [--resume]

Each family draws so many laws. A law is kept only where it is a fair question: each of its branches holds on a tenth of the
rows at least, and no parabola of its columns follows it. An answer is right where it says so with a function that kinks or
jumps, and misses the law by at most three tenths of the noise (a millionth of the spread without noise) on all but one
fresh row in thirty: beside a jump the rows between which it lies do not tell more.
Laws of the family "smooth" break nowhere, and an answer is right where it holds no function that does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _common import Clock, Report, Run, common_options, machine

import edgewise as ew
from edgewise.forms import parse
from edgewise.forms.tree import Apply, Node
from edgewise.symbolic.expressions.tape import Tape

Floats = np.ndarray
_ROWS, _FRESH = 600, 3000
_SEEN, _BENT = 0.1, 0.1
_MISSED, _SAME, _BESIDE = 0.3, 1e-6, 1 / 30
_BREAKS = {"abs", "max", "min", "step", "floor", "mod", "sign"}


@dataclass(frozen=True)
class Law:
    """A formula of columns x, z, w, each between `low` and `high`, and one that changes sign where its branches meet."""

    text: str
    family: str
    border: str
    low: float
    high: float

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in ("x", "z", "w") if name in self.text.replace("max", ""))

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return rng.uniform(self.low, self.high, (count, len(self.names)))


def values(text: str, names: tuple[str, ...], X: Floats) -> Floats:
    tape = Tape(parse(text, list(names)).tree, list(names))
    with np.errstate(all="ignore"):
        return np.array(tape.value(tape.start, X), dtype=np.float64) * np.ones(len(X))


class Draft:
    """Random numbers and plain laws of given columns."""

    def __init__(self, rng: np.random.Generator, low: float, high: float) -> None:
        self.rng, self.low, self.high = rng, low, high

    def pick(self, *choices: str) -> str:
        return str(self.rng.choice(choices))

    def number(self, low: float = 0.3, high: float = 4.0) -> str:
        return f"{self.rng.uniform(low, high):.{self.rng.integers(0, 3)}f}".replace("-0.0", "0.0")

    def scale(self) -> str:
        """A factor that is not zero."""
        size = self.number(0.5, 4.0)
        return self.pick("", "-") + (size if float(size) else "1")

    def place(self) -> str:
        """Somewhere inside."""
        width = self.high - self.low
        return f"{self.rng.uniform(self.low + 0.25 * width, self.high - 0.25 * width):.2f}"

    def one(self, name: str) -> str:
        """A plain law of a column."""
        safe = (f"{name}", f"{name}^2", f"sin({name})", f"exp(-{name}/2)", f"cos(2*{name})")
        more = (f"sqrt({name})", f"1/{name}", f"log({name})") if self.low > 0 else ()
        body = self.pick(*safe, *more)
        level = f" + {self.scale()}" if self.rng.random() < 0.6 else ""
        return f"{self.scale()}*{body}{level}"

    def two(self) -> str:
        """A plain law of two columns."""
        more = ("x/z", "sqrt(x)*z", "x/(x + z)") if self.low > 0 else ()
        return self.pick("x*z", "x^2 + z", "x*z^2", "2*x + 3*z", "sin(x)*z", "x^2 - z^2", *more)


def kink(d: Draft) -> tuple[str, str]:
    border = f"x - ({d.place()})"
    shape = d.pick(f"abs({border})", f"max({border}, 0)", f"min({border}, 0)")
    beside = d.pick("", f" + {d.one('x')}", f" + {d.scale()}*x")
    return f"{d.scale()}*{shape}{beside}", border


def beside(d: Draft) -> tuple[str, str]:
    """A kink of one column and a law of another."""
    border = f"x - ({d.place()})"
    shape = d.pick(f"abs({border})", f"max({border}, 0)")
    return d.pick(
        f"{d.scale()}*{shape} + {d.one('z')}", f"{d.scale()}*{shape}*z", f"{shape}*({d.one('z')})"
    ), border


def jump(d: Draft) -> tuple[str, str]:
    border = f"x - ({d.place()})"
    return d.pick(f"{d.one('x')} + {d.scale()}*step({border})", f"{d.two()} + {d.scale()}*step({border})",
                  f"({d.two()})*step({border})", f"{d.scale()}*step({border}) + {d.one('z')}"), border  # fmt: skip


def stair(d: Draft) -> tuple[str, str]:
    width = d.high - d.low
    period = f"{d.rng.uniform(0.12, 0.3) * width:.2f}"
    shape = d.pick(f"floor(x/{period})", f"mod(x, {period})")
    return d.pick(f"{d.scale()}*{shape}", f"{d.scale()}*{shape} + {d.one('x')}", f"{d.scale()}*{shape} + {d.one('z')}",
                  f"{d.scale()}*{shape}*z"), ""  # fmt: skip


def piecewise(d: Draft) -> tuple[str, str]:
    border = f"x - ({d.place()})"
    return f"({d.one('x')})*step(-({border})) + ({d.one('x')})*step({border})", border


def branches(d: Draft) -> tuple[str, str]:
    border = f"x - ({d.place()})"
    return f"({d.two()})*step(-({border})) + ({d.two()})*step({border})", border


def combined(d: Draft) -> tuple[str, str]:
    """A kink or a jump along a combination of two columns."""
    first, second = d.number(0.5, 2.0), d.number(0.5, 2.0)
    border = d.pick("x - z", f"{first}*x - {second}*z", f"x + z - ({2 * float(d.place()):.2f})")
    shape = d.pick(f"abs({border})", f"max({border}, 0)", f"step({border})")
    return f"{d.scale()}*{shape}" + d.pick("", f" + {d.scale()}*w", f" + {d.one('x')}", "*w"), border


def larger(d: Draft) -> tuple[str, str]:
    """The larger or smaller of two laws: the border is where these are equal."""
    one, other = (
        d.pick("x", f"{d.number(1, 3)}*x", "x^2", d.two()),
        d.pick("z", "z^2", f"{d.number(1, 3)}*z", "w", "w*z", "w + z"),
    )
    return d.pick("max", "min") + f"({one}, {other})" + d.pick(
        "", "", f" + {d.scale()}", f"*{d.scale()}"
    ), f"({one}) - ({other})"


def smooth(d: Draft) -> tuple[str, str]:
    """A law without a break."""
    return d.pick(d.one("x"), f"{d.one('x')} + {d.one('z')}", d.two(), f"({d.one('x')})*z", f"{d.two()} + {d.one('x')}",
                  f"{d.scale()}*sin({d.number(1, 9)}*x) + {d.scale()}*x", f"({d.one('x')})/(1 + z^2)"), ""  # fmt: skip


FAMILIES: dict[str, Callable[[Draft], tuple[str, str]]] = {
    item.__name__: item for item in (kink, beside, jump, stair, piecewise, branches, combined, larger, smooth)
}
BOXES = ((-2.0, 2.0), (0.5, 4.0), (1.0, 5.0), (0.0, 10.0), (-1.0, 3.0))


def laws(seed: int, count: int, family: str) -> list[Law]:
    """So many fair laws of a family."""
    rng, found = np.random.default_rng([seed, list(FAMILIES).index(family)]), list[Law]()
    while len(found) < count:
        low, high = BOXES[rng.integers(len(BOXES))]
        text, border = FAMILIES[family](Draft(rng, low, high))
        if fair(law := Law(text, family, border, low, high), bent=family != "smooth"):
            found.append(law)
    return found


def fair(law: Law, bent: bool = True) -> bool:
    X = law.draw(np.random.default_rng(0), _FRESH)
    y = values(law.text, law.names, X)
    if not np.isfinite(y).all() or float(np.abs(y).max()) > 1e4 or y.std() == 0:
        return False
    if law.border:
        beyond = float(np.mean(values(law.border, law.names, X) >= 0))
        if not _SEEN <= beyond <= 1 - _SEEN:
            return False
    terms = [np.ones(len(X)), *X.T, *(X[:, i] * X[:, j] for i in range(X.shape[1]) for j in range(i + 1))]
    design = np.column_stack(terms)
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return not bent or float(left.std()) > _BENT * float(y.std())


def heads(tree: Node) -> set[str]:
    if not isinstance(tree, Apply):
        return set()
    return {tree.function}.union(*map(heads, tree.arguments))


def right(formula: ew.Formula, law: Law, noise: float) -> bool:
    if law.family == "smooth":
        return not heads(formula.tree) & _BREAKS
    fresh = law.draw(np.random.default_rng(1), _FRESH)
    truth = values(law.text, law.names, fresh)
    with np.errstate(all="ignore"):
        away = np.abs(formula.predict(fresh) - truth)
    allowed = (_MISSED * noise or _SAME) * float(truth.std())
    return bool(heads(formula.tree) & _BREAKS) and bool(np.mean(~(away <= allowed)) <= _BESIDE)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=3, help="laws of each family")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.01, 0.1])
    parser.add_argument("--family", choices=FAMILIES)
    parser.add_argument("--work", default="normal")
    parser.add_argument("--resume", action="store_true", help="keep the rows that the last run left")
    common_options(parser, "one law of each family, without noise")
    options = parser.parse_args()
    print(f"# Laws with kinks and jumps\n{machine()}\n")
    columns = ["family", "law", "noise", "found", "offered", "CPU s", "best"]
    report = Report(Run("broken_laws", options.quick, None), "broken laws", columns, [10, 60, 5, 5, 7, 6, 60])
    if options.resume:
        report.rows.extend(report.saved())
    known = {tuple(row[:3]) for row in report.rows}
    for noise in [0.0] if options.quick else options.noise:
        for family in [options.family] if options.family else FAMILIES:
            for at, law in enumerate(laws(options.seed, 1 if options.quick else options.count, family)):
                span = f"{law.text} on [{law.low:g}, {law.high:g}]"
                if (family, span, noise) in known:
                    continue
                rng = np.random.default_rng([options.seed, at, 7])
                X = law.draw(rng, _ROWS)
                y = values(law.text, law.names, X)
                y = y + noise * y.std() * rng.standard_normal(len(y))
                clock = Clock()
                found = ew.find_formula(X, y, names=law.names, work=options.work, seed=0)
                spent, leads = clock.seconds, right(found.recommended, law, noise)
                shown = leads or any(right(formula, law, noise) for formula in found.front)
                report.add(family, span, noise, leads, shown, spent, found.recommended.text)
                report.save()
        rows = [row for row in report.rows if row[2] == noise]
        report.note(
            f"Noise {noise:g}: {sum(row[3] for row in rows)} of {len(rows)} come first, {sum(row[4] for row in rows)} are "
            f"offered; most {max(row[5] for row in rows):.0f} CPU s."
        )
    report.save()


if __name__ == "__main__":
    main()
