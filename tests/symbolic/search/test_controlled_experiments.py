"""Laws taken apart by measuring: what is seen together, powers, terms and factors; and the way back."""

import math

import numpy as np
import pytest
import sympy

from edgewise.symbolic import ask, find_formula
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.next_measurement import spread
from edgewise.symbolic.search.controlled_experiments import views
from edgewise.symbolic.search.coordinates import OUTER, Coordinates, LawCoordinate, LawStep
from edgewise.symbolic.search.laboratory import LEAST_PLACES, Laboratory
from edgewise.symbolic.search.measured_rows import MeasuredRows

A, B, C = sympy.symbols("a b c")


def measured(law, names, low=1.0, high=3.0, most=60):
    """Rows of a law on a cube, and what takes it apart."""
    rows = MeasuredRows(lambda at: law(**at), names, most)
    ends = np.full(len(names), low), np.full(len(names), high)
    rows.at(spread(*ends, 12, 0))

    def one_column(x, y, name):
        best = find_formula(x[:, None], y, names=[name], work=0.01).best
        return best if np.allclose(best.predict(x[:, None]), y, rtol=1e-9, atol=1e-12) else None

    return rows, Laboratory(rows, *ends, one_column)


def seen_as_function(view, rows):
    """Whether what is seen depends on the coordinates alone: equal coordinates, equal values."""
    X = np.random.default_rng(0).uniform(1, 3, (40, len(rows.names)))
    y = np.array([rows.measure(dict(zip(rows.names, x, strict=True))) for x in X])
    Z, seen = view.seen(X, y)
    return Z, seen


@pytest.mark.parametrize("outer", [None, *OUTER])
def test_what_is_written_in_the_columns_is_seen_in_the_coordinates(outer):
    product = LawCoordinate(A * B**-2, (0, 1), 0)
    steps = (LawStep("+", sympy.sin(C)), LawStep("*", -(C**2)))
    steps += () if outer is None else (LawStep(outer),)
    view = Coordinates(("a", "b", "c"), (product, LawCoordinate(C, (2,), 2)), steps)
    assert view.labels() == ("z1", "c")
    law = view.written(sympy.Symbol("z1") ** 2 + sympy.Symbol("c"))
    X = np.random.default_rng(1).uniform(1, 2, (50, 3))
    Z, seen = view.seen(X, Formula(law, view.names).predict(X))
    assert np.allclose(Z, np.column_stack([X[:, 0] / X[:, 1] ** 2, X[:, 2]]))
    assert np.allclose(seen, Z[:, 0] ** 2 + Z[:, 1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "names", "coordinates"),
    [
        (lambda p, k, r: p * (k * r + 1) * math.exp(-k * r) / r**1.5, "pkr", 1),
        (lambda f, g, d: f * g / math.sqrt(f + g - d / 2), "fgd", 2),
        (lambda s, t, h: math.cos(s + t) ** 2 + h, "sth", 2),
        (lambda g, v, x, t: g * x**2 * math.cos(t) / v**2 - x * math.tan(t / 3), "gvxt", 2),
    ],
)
def test_fewer_coordinates_are_enough(law, names, coordinates):
    rows, lab = measured(law, tuple(names))
    found = list(views(lab))
    assert rows.count <= 60 - LEAST_PLACES
    assert min(len(view.entries) for view in found) <= coordinates
    for view in found:
        Z, seen = seen_as_function(view, rows)
        assert np.isfinite(seen).all()
        if len(view.entries) == 1:
            # Sorted by the one coordinate, what is seen is smooth.
            order = np.argsort(Z[:, 0])
            assert np.abs(np.diff(seen[order])).max() < 0.5 * np.ptp(seen)


@pytest.mark.slow
def test_a_law_of_terms_and_factors_comes_apart_altogether():
    rows, lab = measured(lambda a, b, c: (math.sin(a) + b**2) * math.exp(-c), ("a", "b", "c"))
    *_, last = views(lab)
    assert len(last.entries) == 1
    X = np.random.default_rng(0).uniform(1, 3, (30, 3))
    y = (np.sin(X[:, 0]) + X[:, 1] ** 2) * np.exp(-X[:, 2])
    Z, seen = last.seen(X, y)
    # One column may be left, of which what is seen is a function: a rank correlation of one with what it must be.
    left = {"a": np.sin(X[:, 0]), "b": X[:, 1] ** 2, "c": np.exp(-X[:, 2])}[last.labels()[0]]
    assert np.allclose(np.polyval(np.polyfit(left, seen, 1), left), seen)
    assert Z.shape == (30, 1)
    assert rows.left >= LEAST_PLACES


@pytest.mark.slow
def test_a_law_that_is_a_line_in_a_function_of_one_column_whose_ends_follow_another():
    rows, lab = measured(lambda z, t: math.cos(t) ** 2 * math.log(z) - math.tan(t / 3), ("z", "t"))
    *_, last = views(lab)
    assert [step.kind for step in last.steps] == ["+", "*"]
    X = np.random.default_rng(0).uniform(1, 3, (30, 2))
    Z, seen = last.seen(X, np.cos(X[:, 1]) ** 2 * np.log(X[:, 0]) - np.tan(X[:, 1] / 3))
    line = np.polyfit(np.log(Z[:, 0]), seen, 1)
    assert Z.shape == (30, 1)
    assert np.allclose(np.polyval(line, np.log(Z[:, 0])), seen)
    assert rows.left >= LEAST_PLACES


def test_a_column_that_changes_nothing_is_left_out():
    _, lab = measured(lambda a, b, idle: math.exp(a * b) + a, ("a", "b", "idle"))
    first = next(views(lab))
    assert all(2 not in one.members for one in first.entries)


@pytest.mark.slow
@pytest.mark.parametrize(
    "law",
    [
        lambda a, b: float((a > 2) * b**2 + b),  # flat in a wherever a slope is measured
        lambda a, b: round(a * math.exp(b), 2),  # a device that rounds: no noise, and no slopes
    ],
)
def test_what_is_flat_close_by_is_not_taken_for_idle(law):
    _, lab = measured(law, ("a", "b"))
    for view in views(lab):
        assert {member for one in view.entries for member in one.members} == {0, 1}


def test_nothing_is_taken_apart_that_hangs_together():
    rows, lab = measured(lambda a, b: math.sin(a * b) + math.exp(a - b), ("a", "b"))
    assert list(views(lab)) == []
    assert rows.left >= LEAST_PLACES


@pytest.mark.slow
def test_a_law_is_found_by_asking_that_hides_from_scattered_rows():
    def law(at):
        return at["p"] * at["q"] * (at["k"] * at["r"] + 1) * math.exp(-at["k"] * at["r"]) / at["r"] ** 1.5

    found = ask(law, dict.fromkeys("pqkr", (1, 3)), work="quick")
    assert found.confirmed
    X = np.random.default_rng(0).uniform(0.8, 3.2, (200, 4))
    wanted = [law(dict(zip("pqkr", x, strict=True))) for x in X]
    assert np.allclose(found.result.best.predict(X), wanted, rtol=1e-6)
