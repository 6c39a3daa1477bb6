"""Proxies: planted ones of every kind are found, noise is left alone, and what only a pair says is found in the pair."""

import numpy as np
import pytest

from edgewise.auditing.groups import groupings
from edgewise.auditing.proxies import area, find_proxies, proxy_inputs
from edgewise.data.encoding_raw import raw_table
from tests.tiers import slow


def planted(kind, seed, n=500):
    r = np.random.default_rng(seed)
    male = r.random(n) < 0.5
    X = {f"n{k}": r.normal(size=n) for k in range(4)} | {"w": r.choice(list("abcdef"), n)}
    X["proxy"] = {
        "shift": lambda: r.normal(size=n) + 0.9 * male,
        "spread": lambda: r.normal(size=n) * np.where(male, 2.5, 0.8),
        "words": lambda: np.where(r.random(n) < 0.4, np.where(male, "u", "v"), r.choice(list("uvwx"), n)),
        "gaps": lambda: np.where(r.random(n) < np.where(male, 0.5, 0.1), np.nan, r.normal(size=n)),
    }[kind]()
    return X, np.where(male, "m", "f")


def look(X, sex, seed=0):
    table = raw_table(X)
    return find_proxies(table, groupings({"sex": sex}, table)[0], seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shift", *slow("spread", "words", "gaps")])
def test_planted_proxies_are_found(kind):
    for seed in range(4):
        found = look(*planted(kind, seed), seed=seed)
        assert [proxy.column for proxy in found.found] == ["proxy"], (kind, seed)


@pytest.mark.slow
def test_noise_raises_no_alarm():
    for seed in range(6):
        r = np.random.default_rng(100 + seed)
        X = {f"n{k}": r.normal(size=400) for k in range(4)} | {"w": r.choice(list("abcdefghijkl"), 400)}
        found = look(X, r.choice(["f", "m"], 400), seed=seed)
        assert not found.found
        assert not found.pairs


@pytest.mark.slow
def test_a_pair_that_says_what_neither_says():
    r = np.random.default_rng(0)
    X = {"u": r.normal(size=1200), "v": r.normal(size=1200), "w": r.normal(size=1200)}
    sex = np.where(X["u"] * X["v"] + 0.3 * r.normal(size=1200) > 0, "m", "f")
    found = look(X, sex)
    assert not found.found
    assert [pair.columns for pair in found.pairs] == [("u", "v")]
    pair = found.pairs[0]
    assert pair.auc > 0.75 > 0.6 > pair.apart
    surface = np.array(pair.surface)
    assert surface[0, 0] > 0 > surface[0, -1]


def test_the_encoding_does_not_look_at_the_attribute():
    r = np.random.default_rng(0)
    X = {"w": r.choice(list("abcdefgh"), 300), "n": r.normal(size=300)}
    first, second = (proxy_inputs(raw_table(X), 6) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.inputs, b.inputs)
    assert first[0].inputs.shape[1] == 8


def test_areas_are_scikit_learns():
    from sklearn.metrics import roc_auc_score

    r = np.random.default_rng(0)
    member = (r.random(200) < 0.4).astype(float)
    score = np.round(r.normal(size=200) + member, 1)
    own = area(member, score)
    assert own.auc == pytest.approx(roc_auc_score(member, score), abs=1e-12)
    assert own.low < own.auc < own.high
    draws = [area(r.permutation(member), score).p_value for _ in range(300)]
    assert np.mean(np.array(draws) < 0.1) == pytest.approx(0.1, abs=0.05)
