"""Claims about a model, each with an oracle of its own that reads nothing but what the model returns for raw rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from attack_models import Floats, Subject, near_copy
from numpy.typing import NDArray

from edgewise import properties

Tables = tuple[pd.DataFrame, ...]
# Bounds lie beside the worst of some rows by these shares of the spread: most of them are hard to tell.
_BESIDE = (-1e-2, -1e-9, 0.0, 1e-12, 1e-9, 1e-6, 1e-3, 0.05, 0.5)
_LOOK = 400
# Differences and weighted sums are rounded once more where this oracle takes them.
_LAST = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class Claim:
    """A property of a subject, and how rows break it.

    Attributes
    ----------
    kind : str
    property : Any
    domain : dict or None
        What columns may hold, where rows are narrowed.
    rows : callable
        (rng, n) -> one table, or two whose rows belong together.
    excess : callable
        Tables -> (n,): above 0 where a row breaks the claim.
    moved : str or None
        The column in which two rows of a witness differ.
    other : Any
        The second model of a claim about two.
    rounding : callable, optional
        Tables -> (n,): what of the excess may be rounding, where this oracle computes more than the model returns. A proof
        is given it, and so is a refutation.
    """

    kind: str
    property: Any
    domain: dict[str, Any] | None
    rows: Callable[[np.random.Generator, int], Tables]
    excess: Callable[..., Floats]
    moved: str | None = None
    other: Any = None
    rounding: Callable[..., Floats] | None = None

    def broken(self, tables: Tables) -> Floats:
        """By how much rows break the claim for certain, (n,)."""
        return self.excess(*tables) - (0.0 if self.rounding is None else self.rounding(*tables))

    def worst(self, rng: np.random.Generator, n: int, subject: Subject) -> tuple[float, int]:
        """The largest excess among rows drawn, and among rows beside the worst of them; how many rows there were."""
        first = self.rows(rng, n // 2)
        seen = self.broken(first)
        top = np.argsort(-np.nan_to_num(seen, nan=-np.inf))[:20]
        beside = tuple(row.iloc[np.resize(top, n - n // 2)].reset_index(drop=True) for row in first)
        beside = self.shifted(rng, beside, subject)
        return float(np.nanmax([np.nanmax(seen), np.nanmax(self.broken(beside))])), n

    def shifted(self, rng: np.random.Generator, tables: Tables, subject: Subject) -> Tables:
        """The rows, a number of each moved a little, alike in all tables."""
        fixed = {self.moved, *subject.words, *subject.two_valued}
        if self.kind == "flips_together":  # what moves is not to be moved further apart
            fixed |= set(self.domain or {})
        free = [name for name in subject.numbers if name not in fixed]
        if not free or self.kind == "robust":
            return tables
        name = free[int(rng.integers(len(free)))]
        low, high = (self.domain or {}).get(name) or subject.range_of(name)
        step = (high - low) * 10 ** rng.uniform(-16, -1, len(tables[0])) * rng.choice([-1, 1], len(tables[0]))
        moved = np.clip(tables[0][name].to_numpy(dtype=np.float64) + step, low, high)
        return tuple(table.assign(**{name: moved}) for table in tables)


def claims(subject: Subject, rng: np.random.Generator, count: int) -> list[Claim]:
    """Claims of different kinds, with bounds close to the truth."""
    calibrated = subject.kind in ("isotonic", "sigmoid", "temperature")
    kinds: list[Callable[[Subject, np.random.Generator], Claim | None]] = []
    if not calibrated:
        kinds += [output_range, monotone, lipschitz, linear]
    if subject.plain:
        kinds += [equal, formula]
    if subject.classes:
        kinds += [decides, never_flips, flips_together, robust]
        kinds += [probability] if len(subject.classes) == 2 else []
    if subject.words and not calibrated:
        kinds += [changes_at_most]
    made = [kinds[k](subject, rng) for k in rng.permutation(len(kinds))[:count]]
    return [claim for claim in made if claim is not None]


def narrowed(
    subject: Subject, rng: np.random.Generator, *, always: bool = False, but: Sequence[str] = ()
) -> Any:
    """Parts of some columns; None for all rows that the model can be given."""
    if not always and rng.random() < 0.4:
        return None
    found: dict[str, Any] = {}
    for name in subject.table.columns:
        if name in but or (not always and rng.random() < 0.4) or name in subject.two_valued:
            continue
        if name in subject.words:
            known = sorted(set(subject.table[name]))
            found[name] = [str(item) for item in known[: int(rng.integers(1, len(known) + 1))]]
        else:
            low, high = subject.range_of(name)
            a, b = np.sort(rng.uniform(low, high, 2))
            found[name] = (
                (float(np.floor(a)), float(np.ceil(b))) if name in subject.whole else (float(a), float(b))
            )
    return found


def _bound(values: Floats, rng: np.random.Generator) -> float:
    spread = float(np.ptp(values)) or float(np.abs(values).max()) or 1.0
    return float(values.max() + float(rng.choice(_BESIDE)) * spread)


def _output(subject: Subject, rng: np.random.Generator) -> tuple[int, Any]:
    """The place of an output, and how a property names it."""
    outputs = subject.outputs(subject.table.head(1)).shape[1]
    at = int(rng.integers(outputs))
    return at, (None if outputs == 1 else at)


def output_range(subject: Subject, rng: np.random.Generator) -> Claim:
    at, name = _output(subject, rng)
    domain = narrowed(subject, rng)
    sign = float(rng.choice([-1, 1]))

    def rows(rng: np.random.Generator, n: int) -> Tables:
        return (subject.draw(rng, n, domain),)

    bound = _bound(sign * subject.outputs(rows(rng, _LOOK)[0])[:, at], rng)
    asked = properties.output_range(**{"high" if sign > 0 else "low": sign * bound}, output=name)
    return Claim("range", asked, domain, rows, lambda X: sign * subject.outputs(X)[:, at] - bound)


def probability(subject: Subject, rng: np.random.Generator) -> Claim | None:
    domain = narrowed(subject, rng)

    def rows(rng: np.random.Generator, n: int) -> Tables:
        return (subject.draw(rng, n, domain),)

    p = subject.probabilities(rows(rng, _LOOK)[0])[:, 1]
    high = float(p.max() + float(rng.choice([-1e-3, 0.0, 1e-9, 1e-4, 0.01])))
    if not 0 < high < 1:
        return None
    asked = properties.output_range(high=high, probability=True)
    return Claim("probability", asked, domain, rows, lambda X: subject.probabilities(X)[:, 1] - high)


def linear(subject: Subject, rng: np.random.Generator) -> Claim:
    at, name = _output(subject, rng)
    domain = narrowed(subject, rng, always=True)
    column = str(rng.choice([number for number in subject.numbers if number not in subject.two_valued]))
    y = subject.outputs(subject.draw(rng, _LOOK, domain))[:, at]
    low, high = domain[column]
    slope = float(rng.normal() * (np.ptp(y) or 1.0) / (high - low))
    output = (
        "output"
        if name is None
        else subject.model.output_names[at]
        if subject.plain
        else str(subject.classes[at])
    )

    def rows(rng: np.random.Generator, n: int) -> Tables:
        return (subject.draw(rng, n, domain),)

    def total(X: pd.DataFrame) -> tuple[Floats, Floats]:
        parts = slope * X[column].to_numpy(dtype=np.float64), subject.outputs(X)[:, at]
        return parts[0] + parts[1], _LAST * (np.abs(parts[0]) + np.abs(parts[1]))

    bound = _bound(total(rows(rng, _LOOK)[0])[0], rng)
    asked = properties.linear({column: slope, output: 1.0}, bound)
    return Claim("linear", asked, domain, rows, lambda X: total(X)[0] - bound, rounding=lambda X: total(X)[1])


def decides(subject: Subject, rng: np.random.Generator) -> Claim:
    domain = narrowed(subject, rng, always=True)

    def rows(rng: np.random.Generator, n: int) -> Tables:
        return (subject.draw(rng, n, domain),)

    seen, counts = np.unique(subject.decisions(rows(rng, _LOOK)[0]), return_counts=True)
    label = seen[counts.argmax()].item()
    return Claim(
        "decides", properties.decides(label), domain, rows, lambda X: _yes(subject.decisions(X) != label)
    )


def _yes(broken: NDArray[np.bool_]) -> Floats:
    return np.where(broken, 1.0, -1.0)


def _paired(subject: Subject, column: str, domain: Any) -> Callable[[np.random.Generator, int], Tables]:
    """Rows, and the same with another number in one column: larger, and often hardly so."""

    def rows(rng: np.random.Generator, n: int) -> Tables:
        X = subject.draw(rng, n, domain)
        low, high = (domain or {}).get(column) or subject.range_of(column)
        first = np.clip(X[column].to_numpy(dtype=np.float64), low, high)
        first = np.where(np.isnan(first), rng.uniform(low, high, n), first)
        step = (high - low) * 10 ** rng.uniform(-6, 0, n)
        second = np.minimum(first + step, high)
        return X.assign(**{column: first}), X.assign(**{column: second})

    return rows


def _ascending(column: str, A: pd.DataFrame, B: pd.DataFrame) -> tuple[Floats, NDArray[np.bool_]]:
    a, b = (item[column].to_numpy(dtype=np.float64) for item in (A, B))
    return np.abs(b - a), b >= a


def monotone(subject: Subject, rng: np.random.Generator) -> Claim:
    at, name = _output(subject, rng)
    column = str(rng.choice([number for number in subject.numbers if number not in subject.two_valued]))
    domain = narrowed(subject, rng)
    rows = _paired(subject, column, domain)

    def rise(A: pd.DataFrame, B: pd.DataFrame) -> tuple[Floats, Floats]:
        y, z = subject.outputs(A)[:, at], subject.outputs(B)[:, at]
        _, in_order = _ascending(column, A, B)
        return np.where(in_order, z - y, y - z), np.maximum(np.abs(y), np.abs(z))

    seen, _ = rise(*rows(rng, _LOOK))
    sign = 1.0 if seen.sum() >= 0 else -1.0

    def excess(A: pd.DataFrame, B: pd.DataFrame) -> Floats:
        return -sign * rise(A, B)[0]

    def rounding(A: pd.DataFrame, B: pd.DataFrame) -> Floats:
        # A slope is claimed of the function; two answers beside each other are rounded apart.
        return _slack(subject, rise(A, B)[1])

    asked = properties.monotone(column, "increasing" if sign > 0 else "decreasing", output=name)
    return Claim("monotone", asked, domain, rows, excess, moved=column, rounding=rounding)


def _slack(subject: Subject, size: Floats) -> Floats:
    single = subject.kind == "float32"
    scale = float(np.abs(subject.outputs(subject.table)).max())
    return (1e-5 if single else 1e-11) * np.maximum(size, scale)


def lipschitz(subject: Subject, rng: np.random.Generator) -> Claim:
    at, name = _output(subject, rng)
    column = str(rng.choice([number for number in subject.numbers if number not in subject.two_valued]))
    domain = narrowed(subject, rng)
    rows = _paired(subject, column, domain)

    def change(A: pd.DataFrame, B: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        y, z = subject.outputs(A)[:, at], subject.outputs(B)[:, at]
        return np.abs(z - y), _ascending(column, A, B)[0], np.maximum(np.abs(y), np.abs(z))

    dy, dx, _ = change(*rows(rng, _LOOK))
    far = dx > 1e-4 * dx.max()
    slopes = dy[far] / dx[far]
    bound = max(1e-300, float(slopes.max() * (1 + float(rng.choice([-0.01, 0.0, 1e-6, 0.01, 0.3, 3.0])))))

    def excess(A: pd.DataFrame, B: pd.DataFrame) -> Floats:
        dy, dx, _ = change(A, B)
        return dy - bound * dx

    def rounding(A: pd.DataFrame, B: pd.DataFrame) -> Floats:
        return _slack(subject, change(A, B)[2]) + _LAST * bound * np.abs(A[column].to_numpy(dtype=np.float64))

    asked = properties.lipschitz(column, bound, output=name)
    return Claim("lipschitz", asked, domain, rows, excess, moved=column, rounding=rounding)


def _swapped(subject: Subject, column: str, domain: Any) -> Callable[[np.random.Generator, int], Tables]:
    """Rows, and the same with another word, or the other of two values, in one column."""
    known = np.unique(subject.table[column].dropna().to_numpy())

    def rows(rng: np.random.Generator, n: int) -> Tables:
        X = subject.draw(rng, n, {key: value for key, value in (domain or {}).items() if key != column})
        return X.assign(**{column: rng.choice(known, n)}), X.assign(**{column: rng.choice(known, n)})

    return rows


def never_flips(subject: Subject, rng: np.random.Generator) -> Claim:
    column = str(rng.choice([*subject.words, *subject.two_valued]))
    domain = narrowed(subject, rng, but=(column,))
    rows = _swapped(subject, column, domain)

    def excess(A: pd.DataFrame, B: pd.DataFrame) -> Floats:
        return _yes(subject.decisions(A) != subject.decisions(B))

    return Claim("never_flips", properties.never_flips(column), domain, rows, excess, moved=column)


def flips_together(subject: Subject, rng: np.random.Generator) -> Claim:
    """Several columns of words change at will, and numbers move a little besides."""
    apart = [*subject.words, *subject.two_valued]
    features = [str(item) for item in rng.permutation(apart)[: int(rng.integers(1, len(apart) + 1))]]
    numbers = [number for number in subject.numbers if number not in subject.two_valued]
    moved = [str(item) for item in rng.permutation(numbers)[: int(rng.integers(len(features) < 2, 3))]]
    near = {item: float(10 ** rng.uniform(-3, -0.7) * np.ptp(subject.table[item].dropna())) for item in moved}
    domain = narrowed(subject, rng, but=(*features, *moved)) or {}
    domain |= {item: subject.range_of(item) for item in moved}

    def rows(rng: np.random.Generator, n: int) -> Tables:
        A = subject.draw(rng, n, domain)
        B = subject.draw(rng, n, domain)
        cells: dict[str, Any] = {feature: B[feature].to_numpy() for feature in features}
        for name, size in near.items():
            step = size * np.clip(rng.uniform(-1.3, 1.3, n), -1, 1)
            cells[name] = np.clip(A[name].to_numpy(dtype=np.float64) + step, *domain[name])
        return A, A.assign(**cells)

    def excess(A: pd.DataFrame, B: pd.DataFrame) -> Floats:
        admitted = np.ones(len(A), dtype=bool)
        for name in A.columns:
            if name in near:
                a, b = (item[name].to_numpy(dtype=np.float64) for item in (A, B))
                admitted &= np.abs(b - a) <= near[name] + 4 * np.spacing(np.abs(a))
            elif name not in features:
                a, b = A[name].to_numpy(), B[name].to_numpy()
                admitted &= (a == b) | (pd.isna(a) & pd.isna(b))
        return _yes(admitted & (subject.decisions(A) != subject.decisions(B)))

    return Claim("flips_together", properties.never_flips(features, others=near), domain, rows, excess)


def changes_at_most(subject: Subject, rng: np.random.Generator) -> Claim:
    at, name = _output(subject, rng)
    column = str(rng.choice([*subject.words, *subject.two_valued]))
    domain = narrowed(subject, rng, but=(column,))
    rows = _swapped(subject, column, domain)

    def change(A: pd.DataFrame, B: pd.DataFrame) -> tuple[Floats, Floats]:
        y, z = subject.outputs(A)[:, at], subject.outputs(B)[:, at]
        return np.abs(z - y), _LAST * np.maximum(np.abs(y), np.abs(z))

    tau = max(0.0, _bound(change(*rows(rng, _LOOK))[0], rng))

    asked = properties.changes_at_most(column, tau, output=name)
    return Claim(
        "changes",
        asked,
        domain,
        rows,
        lambda A, B: change(A, B)[0] - tau,
        moved=column,
        rounding=lambda A, B: change(A, B)[1],
    )


def robust(subject: Subject, rng: np.random.Generator) -> Claim:
    row = subject.table.sample(1, random_state=int(rng.integers(1 << 30)))
    row = row.assign(level=row["level"].fillna(subject.table["level"].mean()))
    columns = [number for number in subject.numbers if number not in subject.two_valued]
    picked = [str(item) for item in rng.permutation(columns)[: int(rng.integers(1, 4))]]
    radius = {
        item: float(10 ** rng.uniform(-3, -0.5) * np.ptp(subject.table[item].dropna())) for item in picked
    }

    def rows(rng: np.random.Generator, n: int) -> Tables:
        A = row.iloc[np.zeros(n, int)].reset_index(drop=True)
        moved = {name: _within(rng, n, float(row[name].iloc[0]), size) for name, size in radius.items()}
        return A, A.assign(**moved)

    def excess(A: pd.DataFrame, B: pd.DataFrame) -> Floats:
        admitted = np.ones(len(A), dtype=bool)
        for name, size in radius.items():
            a, b = A[name].to_numpy(dtype=np.float64), B[name].to_numpy(dtype=np.float64)
            admitted &= np.abs(b - a) <= size + 4 * np.spacing(np.abs(a))
        return _yes(admitted & (subject.decisions(A) != subject.decisions(B)))

    return Claim("robust", properties.robust(row.iloc[0].to_dict(), radius), None, rows, excess)


def _within(rng: np.random.Generator, n: int, at: float, size: float) -> Floats:
    """Numbers up to a distance away, often at its end; one number further in, since the ends are rounded."""
    ends = np.nextafter(at - size, np.inf), np.nextafter(at + size, -np.inf)
    return np.clip(at + size * np.clip(rng.uniform(-1.3, 1.3, n), -1, 1), *ends)


def equal(subject: Subject, rng: np.random.Generator) -> Claim:
    other = near_copy(subject, rng)
    domain = narrowed(subject, rng)

    def rows(rng: np.random.Generator, n: int) -> Tables:
        return (subject.draw(rng, n, domain),)

    def gap(X: pd.DataFrame) -> tuple[Floats, Floats]:
        y, z = subject.outputs(X), other.predict(X.to_numpy(dtype=np.float64))
        return np.abs(y - z).max(1), _LAST * np.abs(y).max(1)

    epsilon = max(0.0, _bound(gap(rows(rng, _LOOK)[0])[0], rng))
    asked = properties.equal(other, epsilon)
    return Claim(
        "equal",
        asked,
        domain,
        rows,
        lambda X: gap(X)[0] - epsilon,
        other=other,
        rounding=lambda X: gap(X)[1],
    )


def formula(subject: Subject, rng: np.random.Generator) -> Claim:
    """A line through the middle, as text."""
    at, name = _output(subject, rng)
    domain = narrowed(subject, rng, always=True)
    column = str(rng.choice(subject.numbers))
    y = subject.outputs(subject.draw(rng, _LOOK, domain))[:, at]
    low, high = domain[column]
    slope = float(rng.normal() * (np.ptp(y) or 1.0) / (high - low))
    text = f"{slope!r}*{column} + {float(y.mean() - slope * (low + high) / 2)!r}"

    def rows(rng: np.random.Generator, n: int) -> Tables:
        return (subject.draw(rng, n, domain),)

    def gap(X: pd.DataFrame) -> tuple[Floats, Floats]:
        line = slope * X[column].to_numpy(dtype=np.float64)
        rounded = _LAST * np.abs(line) + _LAST * abs(slope * (low + high))
        out = subject.outputs(X)[:, at]
        return np.abs(out - line - float(y.mean() - slope * (low + high) / 2)), rounded + _LAST * np.abs(out)

    epsilon = max(0.0, _bound(gap(rows(rng, _LOOK)[0])[0], rng))
    asked = properties.formula_within(text, epsilon, output=name)
    return Claim("formula", asked, domain, rows, lambda X: gap(X)[0] - epsilon, rounding=lambda X: gap(X)[1])


def judged(claim: Claim, subject: Subject, cases: Sequence[Any], rng: np.random.Generator) -> list[str]:
    """What is wrong with the rows of a refutation: they do not refute, or cannot be although rows that can be refute."""
    single = claim.kind in ("range", "probability", "linear", "decides", "equal", "formula", "robust")
    rows = [pd.DataFrame([case.row])[list(subject.table.columns)] for case in cases]
    if len(rows) < 2 - single:
        return ["one row shown where the claim is about two"]
    # A claim about the rows near one has this one as the first.
    tables = (claim.rows(rng, 1)[0], rows[-1]) if claim.kind == "robust" else rows[: 2 - single]
    faults = list[str]()
    room = _tie(subject, rows[0]) + (0.0 if claim.rounding is None else float(claim.rounding(*tables)[0]))
    if not float(claim.excess(*tables)[0]) > -room:
        faults.append("does not refute")
    odd = [name for row in rows for name in _impossible(claim, subject, row)]
    grave = [item for item in odd if item not in _RARE]
    if not grave and odd and _ordinary(claim, subject, rng):
        grave = odd
    return list(dict.fromkeys(faults + grave))


# What a row may be where no other breaks the claim.
_RARE = ("outside the range", "a part of a whole number")
_ORDINARY = 4000


def _ordinary(claim: Claim, subject: Subject, rng: np.random.Generator) -> bool:
    """Whether rows inside the training range, whole numbers whole, break the claim too."""
    tables = list(claim.rows(rng, _ORDINARY))
    for k, table in enumerate(tables):
        for name in subject.numbers:
            if name not in subject.two_valued:
                low, high = (claim.domain or {}).get(name) or subject.range_of(name)
                cells = table[name].to_numpy(dtype=np.float64)
                cells = np.round(cells) if name in subject.whole else cells
                table = table.assign(**{name: np.clip(cells, low, high)})
        tables[k] = table
    return bool(np.nanmax(claim.broken(tuple(tables))) > 0)


def _tie(subject: Subject, row: pd.DataFrame) -> float:
    return (
        float(4 * _LAST * np.abs(subject.outputs(row)).max()) if subject.plain or not subject.classes else 0.0
    )


def _impossible(claim: Claim, subject: Subject, row: pd.DataFrame) -> list[str]:
    found = list[str]()
    for name in subject.table.columns:
        cell, known = row[name].iloc[0], subject.table[name].dropna()
        allowed = (claim.domain or {}).get(name)
        if cell is None or (isinstance(cell, float) and np.isnan(cell)):
            found += ["a missing cell where none may be"] if allowed is not None else []
        elif name in subject.words:
            found += ["an unknown word"] if cell not in (set(known) if allowed is None else allowed) else []
        elif name in subject.two_valued:
            found += ["a third value"] if cell not in set(known) else []
        else:
            low, high = subject.range_of(name) if allowed is None else allowed
            # The ends of a plain network's range are rounded where they are put together.
            room = (
                4 * float(np.spacing(max(abs(low), abs(high)))) if subject.plain and allowed is None else 0.0
            )
            far = not low - room <= cell <= high + room and claim.kind != "robust"
            found += (
                ["outside the range" if allowed is None else "outside what was asked about"] if far else []
            )
            found += ["a part of a whole number"] if name in subject.whole and cell != round(cell) else []
    return found
