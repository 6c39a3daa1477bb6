"""What is proved holds for raw rows, special codes, gaps, words and dates included, or says which cells it is not about.

Each proof of random models is attacked with raw rows through `predict`: nothing of the verifying room judges them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from edgewise.verifying.entry_points.claim_text import claim_in_words, no_rows

properties = ew.properties
ROOM = 1e-7  # of the outputs' size: slopes are those of the exact function
ROWS = 300


class World:
    """A random table, a model of it, and raw values that its columns may hold."""

    def __init__(self, seed: int) -> None:
        r = self.rng = np.random.default_rng(seed)
        n = 400
        self.codes = ((-9.0,), (-9.0, -8.0), (999.0,), (-9.0, 999.0))[r.integers(4)]
        age = r.integers(0, 80, n).astype(float)
        gap = r.normal(size=n) * 3 if r.random() < 0.6 else r.lognormal(1, 1.5, n)
        when = np.datetime64("2015-01-01") + r.integers(0, 1000, n)
        word = r.choice(["a", "b", "c"], n)
        two = r.choice([3.0, 7.0], n)
        self.rising = r.random() < 0.5
        y = (
            0.02 * age * (1 if self.rising else np.sin(age / 9))
            + 0.3 * np.tanh(gap)
            + (word == "b")
            + 0.1 * two
        )
        for code in self.codes:
            there = r.random(n) < 0.12
            y = np.where(there, y + r.normal(0, 4), y)
            age[there] = code
        for cells, share in ((age, 0.1 * (r.random() < 0.5)), (gap, 0.15 * (r.random() < 0.7))):
            there = r.random(n) < share
            cells[there] = np.nan
            y = np.where(there, y + r.normal(0, 2), y)
        y = y + 0.1 * r.normal(size=n) + 0.001 * (when - when.min()).astype(float)
        words = np.where(r.random(n) < 0.1, "", word) if r.random() < 0.5 else word
        self.X = pd.DataFrame({"age": age, "gap": gap, "when": when, "word": words, "two": two})
        mode = ("additive", "additive", "pairwise", "deep")[r.integers(4)]
        more: dict[str, Any] = {
            "mode": mode,
            "members": 1,
            "random_state": 0,
            "work": 0.02 if mode == "deep" else "quick",
        }
        if self.rising:
            more["monotone"] = {"age": "increasing"}
        self.classes = bool(r.random() < 0.4)
        make = ew.KANClassifier if self.classes else ew.KANRegressor
        self.model = make(**more).fit(
            self.X, np.where(y > np.median(y), "good", "bad") if self.classes else y
        )
        column = self.model.encoding_.columns[0]
        self.coded = tuple(getattr(column, "codes", ()))
        self.raw = {
            "age": self._numbers(age, (*self.codes, *self.coded)),
            "gap": self._numbers(gap, ()),
            "when": np.concatenate(
                [
                    self.X["when"].to_numpy()[:30],
                    np.array(["NaT", "1677-01-01", "9999-12-31", "2016-06-06"], "M8[D]"),
                ]
            ).astype("M8[us]"),
            "word": np.array(["a", "b", "c", "", " a ", "unheard", "missing"], dtype=object),
            "two": np.array([3.0, 7.0]),  # only these are meant, as answers say
        }
        self.outputs = self.outputs_of(self.rows(2000))
        self.size = float(np.abs(self.outputs).max())

    def _numbers(self, cells: np.ndarray, codes: tuple[float, ...]) -> np.ndarray:
        known = cells[np.isfinite(cells)]
        low, high = known.min(), known.max()
        ends = [
            low,
            high,
            0.0,
            -0.0,
            1e300,
            -1e300,
            5e-324,
            low - 3,
            high + 3,
            2 * low - high,
            2 * high - low,
        ]
        near = [c + d for c in (*codes, low, high) for d in (-10, -1, -0.5, 0, 0.5, 1, 10)]
        beside = [np.nextafter(c, side) for c in (*codes, low, high) for side in (-np.inf, np.inf)]
        return np.array(
            [*self.rng.choice(known, 20), *self.rng.uniform(low, high, 20), *ends, *near, *beside, np.nan]
        )

    def rows(self, count: int) -> pd.DataFrame:
        return pd.DataFrame({name: self.rng.choice(cells, count) for name, cells in self.raw.items()})

    def outputs_of(self, rows: pd.DataFrame, model: Any = None) -> np.ndarray:
        model = self.model if model is None else model
        return model.decision_function(rows) if self.classes else model.predict(rows)

    def some(self, keep: Callable[[pd.DataFrame], Any] | None = None) -> pd.DataFrame:
        rows = self.rows(ROWS * (1 if keep is None else 8))
        return rows if keep is None else rows[keep(rows)]


Case = tuple[Any, Any, Callable[[Any], float]]


def words(seen: World) -> list[Any]:
    return seen.raw["word"].tolist()


def cases(seen: World) -> Iterator[Case]:
    """Properties, conditions, and by how much raw rows break what an answer states, at the worst."""
    r, low, high = seen.rng, float(seen.outputs.min()), float(seen.outputs.max())
    width = high - low

    def excess(rows: pd.DataFrame, least: float, most: float) -> float:
        y = seen.outputs_of(rows)
        return float(max((y - most).max(initial=-np.inf), (least - y).max(initial=-np.inf)))

    ends = low - 0.2 * width, high + 0.2 * width
    yield properties.output_range(*ends), None, lambda _: excess(seen.some(), *ends)
    cut = float(r.integers(5, 75))
    for where, keep in (
        (f"age <= {cut}", lambda rows: rows.age <= cut),
        (f"age > {cut}", lambda rows: rows.age > cut),
        (f"age in [-20, {cut}], word = b", lambda rows: rows.age.between(-20, cut) & (rows.word == "b")),
        ("age is missing", lambda rows: rows.age.isna()),
        (f"age = {seen.codes[0]:g}", lambda rows: rows.age == seen.codes[0]),
        (
            "gap is not missing, when >= '2016-01-01'",
            lambda rows: rows.gap.notna() & (rows.when >= "2016-01-01"),
        ),
    ):
        inside = seen.some(keep)
        if not len(inside):
            continue
        y = seen.outputs_of(inside)
        room = 0.1 * width
        own = float(y.min() - room), float(y.max() + room)
        yield (
            properties.output_range(*own),
            where,
            lambda _, keep=keep, own=own: excess(seen.some(keep), *own),
        )

    def compared(answer: Any, column: str) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
        """Pairs of rows that differ in one column of numbers: all that the answer does not leave out."""
        first = seen.some()
        second = first.assign(**{column: r.choice(seen.raw[column], len(first))})
        kept = (first[column].notna() & second[column].notna()).to_numpy()
        for code in seen.coded if column == "age" else ():
            if f"{code:g}" in answer.domain:
                kept = kept & (first[column] != code).to_numpy() & (second[column] != code).to_numpy()
        first, second = first[kept], second[kept]
        with np.errstate(over="ignore"):
            return first, second, (second[column] - first[column]).to_numpy()

    def falls(answer: Any, column: str) -> float:
        first, second, step = compared(answer, column)
        return float((-np.sign(step) * (seen.outputs_of(second) - seen.outputs_of(first))).max())

    def steep(answer: Any, column: str, bound: float) -> float:
        first, second, step = compared(answer, column)
        return float((np.abs(seen.outputs_of(second) - seen.outputs_of(first)) - bound * np.abs(step)).max())

    def falls_within(answer: Any, cut: float) -> float:
        first, second, step = compared(answer, "age")
        near = (first.age.between(-20, cut) & second.age.between(-20, cut)).to_numpy()
        moved = seen.outputs_of(second) - seen.outputs_of(first)
        return float((-np.sign(step) * moved)[near].max(initial=-np.inf))

    yield properties.monotone("age"), None, lambda answer: falls(answer, "age")
    yield properties.monotone("age"), f"age in [-20, {cut}]", lambda answer: falls_within(answer, cut)
    yield properties.monotone("gap"), None, lambda answer: falls(answer, "gap")
    for bound in (0.2 * width, width):
        yield properties.lipschitz("age", bound), None, lambda answer, b=bound: steep(answer, "age", b)
        yield properties.lipschitz("gap", bound), None, lambda answer, b=bound: steep(answer, "gap", b)

    def changed(column: str) -> tuple[pd.DataFrame, np.ndarray]:
        rows = seen.some()
        found = [
            seen.outputs_of(rows.assign(**{column: value}))
            for value in dict.fromkeys(seen.raw[column].tolist())
        ]
        return rows, np.array(found)

    for column in ("word", "two"):
        _, found = changed(column)
        tau = float(np.ptp(found, axis=0).max()) * 1.2 + 0.02 * width
        yield (
            properties.changes_at_most(column, tau),
            None,
            lambda _, column=column, tau=tau: float(np.ptp(changed(column)[1], axis=0).max() - tau),
        )

    def near(row: pd.DataFrame, sizes: dict[str, float]) -> pd.DataFrame:
        """Rows that differ from one in some numbers by no more than so much; codes are numbers here."""
        rows = pd.concat([row] * ROWS, ignore_index=True)
        for column, size in sizes.items():
            at = float(row[column].iloc[0])
            moved = at + size * np.concatenate([[-1, 1, 0], r.uniform(-1, 1, ROWS - 3)])
            moved[3:40] = r.choice(seen.raw[column], 37)
            rows[column] = np.where(np.abs(moved - at) <= size, moved, at)
        return rows

    for _ in range(6):
        row = seen.some().iloc[[0]].reset_index(drop=True)
        if r.random() < 0.6:
            row["age"] = r.choice([*seen.codes, 0.0, 2.0, 79.0, 990.0])
        sizes = {"age": float(r.choice([0.5, 2, 9, 12, 30])), "gap": float(r.choice([0, 0.1]))}
        at = float(seen.outputs_of(row)[0])
        moved = seen.outputs_of(near(row, sizes))
        if seen.classes:
            yield (
                properties.robust(row, sizes),
                None,
                lambda _, row=row, sizes=sizes: (
                    1.0 if len(set(seen.model.predict(near(row, sizes)))) > 1 else -1.0
                ),
            )
        else:
            change = float(r.choice([0.02 * width, 1.2 * np.abs(moved - at).max() + 0.01 * width]))
            yield (
                properties.robust(row, sizes, change=change),
                None,
                lambda _, row=row, sizes=sizes, at=at, c=change: excess(near(row, sizes), at - c, at + c),
            )

    weight = float(r.normal())
    most = max(abs(weight) * 2000 * 1.5, 0) + abs(high) + width

    def weighed(answer: Any) -> float:
        ends = re.search(r"age in \[(\S+), (\S+?)\]", answer.domain)
        assert ends is not None
        rows = seen.some()
        rows = rows[rows.age.between(float(ends[1]), float(ends[2]))]
        return float((weight * rows.age + seen.outputs_of(rows)).max() - most)

    yield properties.linear({"age": weight, "output": 1.0}, most), None, weighed
    other, shift = deepcopy(seen.model), 0.01 * width
    other.network_.output_shift += shift
    yield (
        properties.equal(other, 1.1 * shift),
        None,
        lambda _: float(
            np.abs(seen.outputs_of(rows := seen.some()) - seen.outputs_of(rows, other)).max() - 1.1 * shift
        ),
    )

    def sides(threshold: float, apart: float) -> float:
        """Whether rows lie on two sides of a threshold that differ in the word, and in numbers of age by so much."""
        rows = seen.some(lambda rows: rows.age.between(0, 79)) if apart else seen.some()
        above = []
        for value in words(seen):
            moved = np.clip(rows.age + r.uniform(-apart, apart, len(rows)), 0, 79) if apart else rows.age
            above.append(seen.outputs_of(rows.assign(word=value, age=moved)) > threshold)
        return 1.0 if (np.array(above) != above[0]).any() else -1.0

    for end in (high + 0.3 * width, low - 0.3 * width):
        never = properties.never_flips
        yield never("word", threshold=end), None, lambda _, end=end: sides(end, 0.0)
        for where in (None, "age in [0, 79]") if len(seen.model.network_.layers) == 1 else ():
            prop = never("word", others={"age": 5.0}, threshold=end)
            yield prop, where, lambda _, end=end: sides(end, 5.0)
    if seen.classes:

        def flips(fixed: Any, rows: pd.DataFrame, age: bool) -> float:
            decided = []
            for value in words(seen):
                other = rows.assign(word=value)
                if age:
                    other["age"] = np.clip(rows.age + r.uniform(-5, 5, len(rows)), *fixed)
                decided.append(seen.model.predict(other))
            return 1.0 if any((one != decided[0]).any() for one in decided) else -1.0

        yield properties.never_flips("word"), None, lambda _: flips(None, seen.some(), age=False)
        old = (70.0, 79.0)
        for where in (None, "age in [70, 79]"):
            yield (
                properties.never_flips("word", others={"age": 5.0}),
                where,
                lambda _: flips(old, seen.some(lambda rows: rows.age.between(*old)), age=True),
            )


def attack(seed: int, every: int = 1) -> tuple[dict[str, int], list[str]]:
    """How many proofs of a random model there were, by kind, and those that raw rows break; of so many cases each first."""
    seen, proved, broken = World(seed), dict[str, int](), list[str]()
    for prop, where, worst in islice(cases(seen), 0, None, every):
        try:
            answer = ew.verify(seen.model, prop, where=where, work=0.02)
        except ew.InputError:
            continue  # refused, as where a code is near numbers that move
        if answer.status != "proved":
            continue
        kind = type(prop).__name__
        proved[kind] = proved.get(kind, 0) + 1
        excess = worst(answer)
        document = answer.certificate.document
        told = claim_in_words(document, seen.model)
        models = [seen.model, *([prop.other] if kind == "Equal" else [])]
        if excess > ROOM * seen.size or no_rows(document, models) or not told:
            broken.append(f"seed {seed}: {prop} where {where}: {excess:.3g}; {told}")
        # No claim along the column is called one about every row where cells of it are left out.
        along = kind in ("Monotone", "Lipschitz") and prop.feature == "age"
        whole = "every row the model can be given" in f"{answer} {told}" or document["domain"]["whole"]
        if seen.coded and along and whole:
            broken.append(f"seed {seed}: {answer} {told}")
    return proved, broken


@pytest.mark.parametrize("seed", [0])
def test_proofs_hold_for_raw_rows(seed: int) -> None:
    proved, broken = attack(seed, every=5)
    assert sum(proved.values()) >= 4
    assert not broken


@pytest.mark.slow
def test_hundreds_of_proofs_hold_for_raw_rows() -> None:
    found = [attack(seed) for seed in range(100, 116)]
    assert sum(sum(proved.values()) for proved, _ in found) >= 200
    assert [one for _, broken in found for one in broken] == []
