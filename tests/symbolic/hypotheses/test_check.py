"""Claims about laws: read, turned into the nearest function that has the property, tested on held-out rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError, StopReason
from edgewise.forms import parse
from edgewise.symbolic.hypotheses.check import _compared, check_structure, check_structures
from edgewise.symbolic.hypotheses.nearest import DataRegion, nearest, same_level
from edgewise.symbolic.hypotheses.text import read_hypothesis
from tests.tiers import slow

NAMES = ("x1", "x2", "x3")


def rows(seed: int = 0, count: int = 500, low: float = 0.5, high: float = 2.5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (count, 3))


# Each claim with a law that obeys it and one that does not, on positive columns or on [-2, 2].
CASES = [
    ("sum(x1, x2 | x3)", lambda a, b, c: np.sin(a * b) + c**2, lambda a, b, c: np.sin(a * b) + c**2 + 0.3 * a * c),
    ("sum(x1)", lambda a, b, c: np.exp(a) + b * c, lambda a, b, c: np.exp(a) + b * c * a / 2),
    ("product(x1 | x2, x3)", lambda a, b, c: np.log(a + 1) * (b + c), lambda a, b, c: a + np.log(b + c)),
    ("product(x1 | x2 | x3)", lambda a, b, c: a * np.exp(-b) * c**2, lambda a, b, c: a * (np.exp(-b) + c**2)),
    ("translation(x1, 2*x2)", lambda a, b, c: np.sin(a - 2 * b) * c, lambda a, b, c: np.sin(a - b) * c),
    ("scale(x1, x2)", lambda a, b, c: np.exp(-a / b) + c, lambda a, b, c: np.exp(-a / b) + 0.3 * a * c),
    ("through(x1^2 + x2^2)", lambda a, b, c: np.hypot(a, b) * c, lambda a, b, c: np.hypot(a, 1.3 * b) * c),
    ("depends only on x1*x2", lambda a, b, c: np.log(a * b), lambda a, b, c: np.log(a * b) + 0.2 * c),
    ("independent(x2)", lambda a, b, c: a * c**2, lambda a, b, c: a * c**2 + 0.3 * b),
    ("increasing(x1)", lambda a, b, c: np.tanh(a) * b + c, lambda a, b, c: (a - 1.2) ** 2 + b * c),
    ("decreasing(x3)", lambda a, b, c: a - np.exp(c / 2), lambda a, b, c: a - np.sin(2 * c)),
    ("even(x1)", lambda a, b, c: a**2 * b + c, lambda a, b, c: a**2 * b + c + 0.4 * a),
    ("odd(x2)", lambda a, b, c: np.sin(b) * np.exp(a / 2) + 0 * c, lambda a, b, c: np.sin(b) * a + 0.4 * c),
]  # fmt: skip


def box(claim: str) -> np.ndarray:
    return rows(1, 600, -2, 2) if claim.startswith(("even", "odd")) else rows(1, 600)


@pytest.mark.parametrize(("claim", "obeys", "breaks"), CASES)
def test_the_nearest_function_is_the_law_itself_exactly_when_the_claim_is_true(claim, obeys, breaks) -> None:
    X = box(claim)
    hypothesis = read_hypothesis(claim, NAMES)
    for law, least, most in ((obeys, 0.0, 1e-7), (breaks, 0.02, np.inf)):
        found = nearest(
            hypothesis, lambda Z, law=law: law(*Z.T), DataRegion(NAMES, X), X[:200], np.random.default_rng(0)
        )
        y = law(*X[:200].T)
        off = max(np.sqrt(np.nanmean((item - y) ** 2)) for item in found) / y.std()
        assert least <= off <= most


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "obeys", "breaks"), [*CASES[:3], *slow(*CASES[3:])])
def test_verdicts_on_noisy_rows(claim, obeys, breaks) -> None:
    X = box(claim)
    for law, holds in ((obeys, True), (breaks, False)):
        y = law(*X.T)
        y = y + 0.01 * y.std() * np.random.default_rng(2).normal(size=len(y))
        verdict = check_structure(X, y, claim, work=0.1, seed=1)
        assert verdict.holds is holds, verdict.message
        assert verdict.holds == (verdict.p_value >= 1e-3)
        assert claim in verdict.message
        if not holds:
            assert verdict.constrained_error > verdict.free_error
            assert verdict.violation > verdict.detectable


def test_several_claims_share_one_network() -> None:
    X = rows(3, 300)
    y = X[:, 0] / X[:, 1] + X[:, 2] ** 2
    claims = ["scale(x1, x2)", "sum(x3)", "product(x3)", "independent(x1)"]
    verdicts = check_structures(X, y, claims, work=0.1)
    assert [verdict.hypothesis for verdict in verdicts] == claims
    assert [verdict.holds for verdict in verdicts] == [True, True, False, False]
    assert verdicts[0].free_error == pytest.approx(verdicts[1].free_error)


@pytest.mark.slow
def test_columns_that_move_together_are_only_judged_where_rows_are() -> None:
    rng = np.random.default_rng(4)
    a = rng.uniform(-1, 1, 600)
    X = np.column_stack([a, a + 0.2 * rng.normal(size=600), rng.uniform(-1, 1, 600)])
    y = np.exp(X[:, 0]) + np.sin(2 * X[:, 1]) + X[:, 2]
    assert check_structure(X, y, "sum(x1 | x2 | x3)", work=0.1).holds
    assert not check_structure(X, y + 2 * X[:, 0] * X[:, 1], "sum(x1 | x2 | x3)", work=0.1).holds


def test_a_constant_law_has_every_property() -> None:
    X = rows(5, 100)
    for verdict in check_structures(
        X, np.full(100, 3.0), ["sum(x1)", "independent(x2)", "increasing(x3)"], work=0.05
    ):
        assert verdict.holds


def test_it_repeats_and_leaves_the_rows_alone() -> None:
    X = rows(6, 60)[:, :2]
    y = X[:, 0] + X[:, 1] + 0.2 * np.random.default_rng(6).normal(size=60)
    before = X.copy(), y.copy()
    verdicts = [check_structure(X, y, "sum(x1)", work=0.1, seed=3) for _ in range(2)]
    assert verdicts[0] == verdicts[1]
    assert np.array_equal(X, before[0])
    assert np.array_equal(y, before[1])


def test_a_time_limit_leaves_a_verdict_that_says_so(ticking: Callable[[float], None]) -> None:
    X = rows(6, 200)
    y = np.sin(5 * X[:, 0] * X[:, 1]) + X[:, 2]
    ticking(1e-2)
    verdict = check_structure(X, y, "sum(x1 | x2 | x3)", seconds=0.5)
    assert verdict.stop_reason is StopReason.TIME_LIMIT
    assert math.isfinite(verdict.p_value)


def test_a_claim_as_good_as_the_network_is_rejected_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(7)

    def p_values(free: float, claimed: float) -> np.ndarray:
        """Of predictions with independent errors of these sizes, beside noise of size one."""
        return np.array(
            [
                _compared(
                    free * rng.normal(size=300),
                    claimed * rng.normal(size=300),
                    rng.normal(size=300),
                    1.0,
                    0.0,
                ).p_value
                for _ in range(2000)
            ]
        )

    equal = p_values(0.2, 0.2)
    assert 0.45 < np.mean(equal < 0.5) < 0.55
    assert np.mean(equal < 1e-3) < 4e-3
    assert np.mean(p_values(0.2, 0.1) < 1e-3) < 1e-3
    assert np.mean(p_values(0.1, 0.7) < 1e-3) > 0.9


def test_a_violation_in_one_corner_is_not_hidden_by_its_own_spread() -> None:
    rng = np.random.default_rng(8)
    y = rng.normal(size=500)
    free = y + 1e-3 * rng.normal(size=500)
    claimed = free.copy()
    claimed[:4] += 1.0
    assert _compared(free, claimed, y, 1.0, 0.0).p_value < 1e-6


def test_known_noise_only_widens_chance() -> None:
    rng = np.random.default_rng(9)
    free, claimed, y = np.zeros(200), 0.4 * rng.normal(size=200), 0.3 * rng.normal(size=200)
    p = [_compared(free, claimed, y, 1.0, noise).p_value for noise in (0.0, 1.0, 10.0)]
    assert p[0] < p[1] < p[2] < 0.5


LEVELS = {
    "x1 - x3": lambda a, c: a - c,
    "x1/x3": lambda a, c: a / c,
    "x1*x3": lambda a, c: a * c,
    "x1^2 + x3^2": lambda a, c: a * a + c * c,
    "exp(x1)*x3 - x1": lambda a, c: np.exp(a) * c - a,
}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(LEVELS)))
def test_moved_points_keep_the_level_and_stay_in_the_box(seed: int, text: str) -> None:
    X = rows(seed, 40)
    low, high = np.full(3, 0.5), np.full(3, 2.5)
    moved, found = same_level(parse(text, NAMES), X, low, high, NAMES, np.random.default_rng(seed))
    assert found.any()
    assert np.array_equal(moved[:, 1], X[:, 1])
    assert (moved >= low - 1e-12).all()
    assert (moved <= high + 1e-12).all()
    before, after = (LEVELS[text](Z[found, 0], Z[found, 2]) for Z in (X, moved))
    np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "kind", "groups"),
    [
        ("sum(x1 | x2, x3)", "sum", ((0,), (1, 2))),
        ("product(x2)", "product", ((1,), (0, 2))),
        ("Increasing( x3 )", "increasing", ((2,),)),
    ],
)
def test_claims_are_read(text: str, kind: str, groups: object) -> None:
    hypothesis = read_hypothesis(text, NAMES)
    assert hypothesis.kind == kind
    assert hypothesis.groups == groups


def test_depends_only_on_leaves_no_other_column() -> None:
    hypothesis = read_hypothesis("depends only on x1/x2, x3", NAMES)
    assert [expression.text for expression in hypothesis.expressions] == ["x1/x2", "x3"]
    assert hypothesis.ignored == ()
    assert read_hypothesis("depends only on x1*x2", NAMES).ignored == (2,)
    odd = read_hypothesis("sum(`a | b` | c)", ["a | b", "c"])
    assert odd.groups == ((0,), (1,))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("summ(x1 | x2)", "did you mean 'sum'"),
        ("sum(x1 | x9)", "must name columns"),
        ("sum(x1, x2, x3)", "at least two groups"),
        ("sum(x1 | x1)", "must not share"),
        ("scale(x1)", "two columns"),
        ("even(x1, x2)", "takes one column"),
        ("through(x1*x2, x2 - x3)", "share no column"),
        ("through(2)", "must each use a column"),
        ("through(x1 +)", "cannot be read"),
        ("x1 is nice", "must be sum"),
        (None, "must be a text"),
    ],
)
def test_claims_that_cannot_be_read(text: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_hypothesis(text, NAMES)


def test_rows_that_cannot_tell_are_refused() -> None:
    X = rows(9, 80)
    with pytest.raises(InputError, match="both sides of zero"):
        check_structure(X, X[:, 0], "even(x1)", work=0.05)
    with pytest.raises(InputError, match="60 rows"):
        check_structure(X[:20], X[:20, 0], "sum(x1)")
    assert math.isfinite(check_structure(X, X[:, 0], "sum(x1)", work=0.05).p_value)
