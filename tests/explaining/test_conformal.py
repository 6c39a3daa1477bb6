"""The law of coverage, on many draws; and what lies out of range."""

import numpy as np
import pytest

import edgewise as ew


class Line:
    """A model that is there already, and wrong."""

    def predict(self, X):
        return np.asarray(X)[:, 0]


class Odds:
    classes_ = np.array(["a", "b", "c"])

    def predict_proba(self, X):
        e = np.exp(np.asarray(X))
        return e / e.sum(1, keepdims=True)


def drawn(seed, n):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    return X, X[:, 0] ** 2 + (0.2 + np.abs(X[:, 1])) * random.standard_t(3, n), random.integers(0, 3, n)


@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_intervals_cover_what_they_promise(alpha):
    """Coverage over draws of both has mean in [1 - alpha, 1 - alpha + 1 / (n + 1)]."""
    n, shares = 60, []
    for seed in range(300):
        X, y, _ = drawn(seed, n + 60)
        low, high = ew.conformal(Line(), X[:n], y[:n], alpha=alpha).predict_interval(X[n:]).T
        shares.append(np.mean((low <= y[n:]) & (y[n:] <= high)))
    error = 4 * np.std(shares) / np.sqrt(len(shares))
    assert 1 - alpha - error < np.mean(shares) < 1 - alpha + 1 / (n + 1) + error


@pytest.mark.parametrize("by_class", [False, True])
def test_sets_cover_what_they_promise(by_class):
    shares = []
    for seed in range(200):
        X, _, codes = drawn(seed, 200)
        y = Odds.classes_[codes]
        sets = ew.conformal(Odds(), X[:100], y[:100], alpha=0.2, by_class=by_class).predict_set(X[100:])
        hits = np.array([label in own for label, own in zip(y[100:], sets, strict=True)])
        shares.append(
            [hits[y[100:] == label].mean() for label in Odds.classes_] if by_class else [hits.mean()]
        )
    means = np.mean(shares, axis=0)
    error = 4 * np.std(shares, axis=0) / np.sqrt(len(shares))
    assert (means > 0.8 - error).all()
    assert (means < 0.8 + 1 / 25 + error).all()


def test_local_widths_follow_the_noise():
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (3000, 2))
    noise = np.where(X[:, 0] > 0, 1.0, 0.1)
    y = X[:, 1] + noise * random.normal(size=3000)
    model = ew.KANRegressor(interactions=0).fit(X[:1000], y[:1000])
    sure = ew.conformal(model, X[1000:2000], y[1000:2000], alpha=0.1, local=True)
    low, high = sure.predict_interval(X[2000:]).T
    inside, wide = (low <= y[2000:]) & (y[2000:] <= high), X[2000:, 0] > 0.1
    assert (high - low)[wide].mean() > 4 * (high - low)[X[2000:, 0] < -0.1].mean()
    assert inside.mean() == pytest.approx(0.9, abs=0.04)
    assert inside[wide].mean() == pytest.approx(0.9, abs=0.06)
    assert sure.to_dict()["local"]


def test_too_few_rows_and_other_misuse():
    X, y, codes = drawn(0, 30)
    with pytest.raises(ew.InputError, match="99 rows or more"):
        ew.conformal(Line(), X, y, alpha=0.01)
    with pytest.raises(ew.InputError, match="alpha"):
        ew.conformal(Line(), X, y, alpha=1.0)
    with pytest.raises(ew.InputError, match="local"):
        ew.conformal(Odds(), X, Odds.classes_[codes], local=True)
    with pytest.raises(ew.InputError, match="predict"):
        ew.conformal(3, X, y)
    with pytest.raises(ew.InputError, match="predict_interval"):
        ew.conformal(Line(), X, y).predict_set(X)
    assert ew.conformal(Line(), X[:9], y[:9], alpha=0.1).rows == 9


def test_out_of_range_names_cells_in_raw_units():
    random = np.random.default_rng(0)
    X = {"income": random.lognormal(3, 1.5, 300), "kind": random.choice(["a", "b"], 300), "sex": [0, 1] * 150}
    model = ew.KANRegressor(interactions=0).fit(X, np.log(X["income"]))
    low, high = X["income"].min(), X["income"].max()
    found = ew.explaining.out_of_range(
        model,
        {"income": [low, high + 7, low / 2, None], "kind": ["a", "b", "q", "a"], "sex": [0, 1, 0, 2]},
    )
    assert found.flags.tolist() == [False, True, True, True]
    (above,) = found.of(1)
    assert (above.column, above.kind) == ("income", "above")
    assert above.distance == pytest.approx(7, rel=1e-6)
    assert above.widths == pytest.approx(7 / (high - low), rel=1e-6)
    assert [(one.column, one.kind) for one in found.of(2)] == [("income", "below"), ("kind", "unseen")]
    assert [(one.column, one.kind) for one in found.of(3)] == [("income", "missing"), ("sex", "above")]
    assert "7 above the highest value" in str(found)
    assert found.to_dict()["flagged"] == 3
    assert not ew.explaining.out_of_range(model, X).flags.any()
