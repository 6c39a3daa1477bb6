"""Mitigation: certified bounds hold on every row, old models stay as they are, gaps shrink, files keep what was made."""

import json

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise._core.errors import InputError
from edgewise.auditing.certify import certified_flip, edge_range, steepest
from edgewise.auditing.edits import with_network
from edgewise.auditing.groups import KnownRows, groupings
from edgewise.auditing.penalty import fair_fit
from edgewise.auditing.subject import subject
from edgewise.auditing.thresholds import group_thresholds
from edgewise.data.encoding_raw import raw_table
from edgewise.network.fitted import fitted


def moved(model, X):
    """Largest change of the log-odds when sex alone changes."""
    return np.abs(np.diff([model.decision_function(X.assign(sex=sex)) for sex in ("f", "m")], axis=0)).max()


def wild_rows(X, n=3000, seed=0):
    """Rows that mix columns freely and go beyond the data."""
    r = np.random.default_rng(seed)
    made = {}
    for name in X:
        values = X[name].to_numpy()
        made[name] = r.choice(values, n)
        if values.dtype.kind == "f":
            made[name] = made[name] + r.normal(size=n) * 3 * values.std()
    return type(X)(made)


@pytest.mark.parametrize("max_change", [0.5, 0.1, 0.01])
def test_an_additive_model_keeps_its_bound_everywhere(biased, max_change):
    before = moved(biased.model, biased.X)
    made = ew.auditing.bound_flip(biased.model, "sex", max_change, biased.X)
    assert made.certificates[0].bound <= max_change
    assert moved(made.model, wild_rows(biased.X)) <= max_change
    assert moved(made.model, biased.X) > 0.9 * max_change  # no more is taken away than is asked
    assert moved(biased.model, biased.X) == before


@pytest.mark.slow
def test_a_deep_model_keeps_its_bound_everywhere(deep):
    max_change = 0.2
    made = ew.auditing.bound_flip(deep.model, "sex", max_change, deep.X, work=0.01)
    assert made.certificates[0].bound <= max_change
    assert moved(made.model, wild_rows(deep.X)) <= max_change
    assert moved(deep.model, deep.X) > max_change


@pytest.mark.slow
def test_the_bound_of_a_deep_model_is_sound(deep):
    found = certified_flip(fitted(deep.model), "sex", work=0.03)
    assert np.isfinite(found.bound)
    assert moved(deep.model, wild_rows(deep.X)) <= found.bound


def test_numbers_are_limited_over_their_whole_range(biased):
    made = ew.auditing.bound_flip(biased.model, "height", 0.05, biased.X)
    r = np.random.default_rng(0)
    rows = biased.X.head(400)
    out = [made.model.decision_function(rows.assign(height=r.uniform(0, 400, 400))) for _ in range(2)]
    assert np.abs(out[1] - out[0]).max() <= 0.05


def test_removed_columns_change_nothing_at_all(biased):
    made = ew.auditing.neutralize_columns(biased.model, ["sex", "height"], biased.X)
    assert [certificate.bound for certificate in made.certificates] == [0.0, 0.0]
    changed = biased.X.assign(sex="f", height=100.0)
    np.testing.assert_array_equal(made.model.predict(changed), made.model.predict(biased.X))
    # Constants stay: the mean log-odds is what it was.
    assert made.model.decision_function(biased.X).mean() == pytest.approx(
        biased.model.decision_function(biased.X).mean(), abs=1e-6
    )


def test_a_share_of_every_function(biased):
    half = ew.auditing.neutralize_columns(biased.model, "sex", biased.X, share=0.5)
    assert half.certificates[0].bound == pytest.approx(moved(biased.model, biased.X) / 2, rel=1e-5)


def test_what_is_made_can_be_saved(biased, tmp_path):
    made = ew.auditing.bound_flip(biased.model, "sex", 0.1, biased.X).model
    ew.save(made, tmp_path / "m.kan")
    np.testing.assert_array_equal(
        ew.load(tmp_path / "m.kan").predict_proba(biased.X), made.predict_proba(biased.X)
    )
    assert made is not biased.model
    assert made.fit_.network is made.network_


def test_edge_ranges_hold_and_are_reached():
    for seed in range(20):
        net = ew.KAN([1, 1], degree=1 + seed % 3, intervals=5, seed=seed, dtype=torch.float64)
        r = np.random.default_rng(seed)
        low, high = np.sort(r.uniform(-2, 2, 2))
        least, most = edge_range(net.layers[0], 0, 0, low, high)
        x = torch.linspace(low, high, 20_001, dtype=torch.float64)
        y = net.layers[0].edge(0, 0, x).detach().numpy()
        assert least <= y.min() + 1e-9
        assert y.max() <= most + 1e-9
        # Splines of degree 1 have kinks between the points looked at.
        assert y.min() - least < 1e-3
        assert most - y.max() < 1e-3


def test_steepest_slopes_hold_and_are_reached():
    for seed in range(10):
        layer = ew.KANLinear(2, 3, degree=1 + seed % 3, intervals=4, seed=seed, dtype=torch.float64)
        found = steepest(layer)
        x = torch.linspace(-3, 3, 30_001, dtype=torch.float64)[:, None].expand(-1, 2)
        slopes = layer.edges(x, 1).abs().amax(0).detach().numpy()
        assert (slopes <= found + 1e-9).all()
        assert (found - slopes < 2e-3 * (1 + found)).all()


@pytest.fixture(scope="module")
def judged(biased):
    """A subject with the scores, outcomes and groups of its rows."""
    table = raw_table(biased.X)
    who, actual = subject(biased.model, biased.y, table.n_rows)
    return who, who.scores(biased.X), actual, groupings(["sex"], table)[0]


def rates_of(chance, actual, part, criterion):
    """Accuracy, and the widest difference of the rates that a criterion looks at."""
    kinds = [actual == 1, actual == 0] if criterion == "eo" else [np.ones_like(actual, dtype=bool)]
    rates = [[chance[(part.codes == g) & kind].mean() for g in range(len(part.groups))] for kind in kinds]
    return np.where(actual == 1, chance, 1 - chance).mean(), max(np.ptp(rate) for rate in rates)


@pytest.mark.parametrize("criterion", ["dp", "eo"])
def test_equal_rates_are_those_of_fairlearn_or_better(biased, judged, criterion):
    from fairlearn.postprocessing import ThresholdOptimizer

    who, scores, actual, part = judged
    name = {"dp": "demographic_parity", "eo": "equalized_odds"}[criterion]
    rules = group_thresholds(who, scores, actual, part, criterion=criterion)
    theirs = ThresholdOptimizer(
        estimator=biased.model, constraints=name, prefit=True, predict_method="predict_proba"
    ).fit(biased.X, actual.astype(int), sensitive_features=part.labels)
    accuracy, gap = rates_of(rules.chance(scores, part.labels), actual, part, criterion)
    chance = theirs._pmf_predict(biased.X, sensitive_features=part.labels)[:, 1]
    best, _ = rates_of(chance, actual, part, criterion)
    assert gap < 1e-9
    # Fairlearn looks at a thousand rates, the linear program at all.
    assert best - 1e-9 <= accuracy <= best + 2e-3
    drawn = rules.predict(biased.X, part.labels, seed=1)
    assert drawn.mean() == pytest.approx(rules.chance(scores, part.labels).mean(), abs=0.03)
    assert np.array_equal(drawn, rules.predict(biased.X, part.labels, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["dp", "eo"])
def test_what_may_differ_buys_accuracy(judged, criterion):
    who, scores, actual, part = judged
    last = 0.0
    for at_most in (0.0, 0.02, 0.1, 0.3, 1.0):
        rules = group_thresholds(who, scores, actual, part, criterion=criterion, at_most=at_most)
        accuracy, gap = rates_of(rules.chance(scores, part.labels), actual, part, criterion)
        assert gap <= at_most + 1e-9
        assert accuracy >= last - 1e-9
        last = accuracy
        # No pair of plain thresholds within the bound is better.
        grid = np.quantile(scores, np.linspace(0, 1, 41))
        for a in grid:
            for b in grid:
                plain = (scores > np.where(part.codes == 0, a, b)).astype(float)
                other, wide = rates_of(plain, actual, part, criterion)
                assert wide > at_most or other <= accuracy + 1e-9
    # Without a bound each group has its own best threshold.
    best = 0
    for g in range(2):
        own = part.codes == g
        hits = [((scores[own] > at) == actual[own]).sum() for at in [-1.0, *scores[own]]]
        best += max(hits)
    assert last == pytest.approx(best / len(actual))


def test_weights_count_as_rows(judged):
    who, scores, actual, part = judged
    rows = np.repeat(np.arange(len(scores)), np.arange(len(scores)) % 3)
    weight = (np.arange(len(scores)) % 3).astype(float)
    one = group_thresholds(who, scores, actual, part, at_most=0.05, weight=weight)
    two = group_thresholds(who, scores[rows], actual[rows], part.take(rows), at_most=0.05)
    np.testing.assert_allclose(
        one.chance(scores[rows], part.labels[rows]), two.chance(scores[rows], part.labels[rows]), atol=1e-6
    )


def test_small_groups_are_told(judged):
    who, scores, actual, part = judged
    certain = np.where(part.codes == 0, 1.0, actual)
    with pytest.raises(InputError, match="both kinds"):
        group_thresholds(who, scores, certain, part)
    assert set(group_thresholds(who, scores, certain, part, criterion="dp").rules) == set(part.groups)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["additive", "deep"])
def test_training_on_keeps_what_the_model_promised(biased, mode):
    X, y = biased.X[:500], biased.y[:500]
    options = {"members": 1, "hidden": 4 if mode == "deep" else None, "monotone": {"skill": "increasing"}}
    model = ew.KANClassifier(mode=mode, **options).fit(X, y)
    actual, part = (y == "yes").astype(float), groupings(["sex"], raw_table(X))[0]
    rows = KnownRows(X, actual, part, np.ones(len(X)))
    made = fair_fit(model, rows, criterion="dp", strength=100.0, work=0.5)
    assert "skill held" in made.detail
    skills = np.linspace(X["skill"].min() - 2, X["skill"].max() + 2, 150)
    rows = wild_rows(X, 40)
    out = np.array([made.model.decision_function(rows.assign(skill=skill)) for skill in skills])
    assert np.diff(out, axis=0).min() >= 0
    assert (out[-1] > out[0]).all()
    # The others have moved, and to some purpose.
    chosen = [
        [(m.predict(X[part.codes == g]) == "yes").mean() for g in range(2)] for m in (model, made.model)
    ]
    assert np.ptp(chosen[1]) < 0.5 * np.ptp(chosen[0])


@pytest.fixture(scope="module")
def frontier(biased):
    return ew.mitigate(
        biased.model, biased.X, biased.y, "sex", strengths=[10.0], max_changes=[0.1], proxies=["height"]
    )


def test_every_way_narrows_its_gap(frontier):
    before = frontier.before
    by = {(point.method, point.detail): point for point in frontier.points}
    for (method, detail), point in by.items():
        if method in ("penalty", "thresholds"):
            criterion = "dp" if "parity" in detail else "eo"
            assert getattr(point, criterion) < 0.6 * getattr(before, criterion), detail
        if method == "flip":
            assert point.certificates[0].bound <= 0.1
        if method == "surgery":
            assert point.certificates[0].bound == 0.0
    assert frontier.best("dp", at_most=before.dp + 1).accuracy == max(
        point.accuracy for point in frontier.points
    )
    assert frontier.best("dp", at_most=0.1).dp <= 0.1


def test_the_front_is_not_beaten(frontier):
    front = frontier.front("dp")
    for point in frontier.points:
        assert any(one.dp <= point.dp and one.accuracy >= point.accuracy for one in front)
    accuracies = [point.accuracy for point in front]
    assert accuracies == sorted(accuracies)


def test_rows_that_judge_may_be_given(biased):
    X, y = biased.X, biased.y
    found = ew.mitigate(
        biased.model,
        X[:1000],
        y[:1000],
        "sex",
        test=(X[1000:], y[1000:]),
        methods=["flip"],
        max_changes=[0.1],
    )
    assert (found.rows, found.held_out) == (1000, 500)
    decided = found.points[1].model.predict(X[1000:])
    assert found.points[1].accuracy == pytest.approx((decided == y[1000:]).mean())


def test_frontiers_are_data_and_pictures(frontier):
    json.dumps(frontier.to_dict(), allow_nan=False)
    assert "thresholds" in str(frontier)
    assert len(ew.plots.plot_frontier(frontier).axes) == 2


def test_black_boxes_take_thresholds_only(biased):
    from sklearn.linear_model import LogisticRegression

    X = biased.X[["skill", "height"]]
    model = LogisticRegression().fit(X, biased.y)
    found = ew.mitigate(model, X, biased.y, {"sex": biased.X["sex"]}, methods=["thresholds"])
    assert [point.method for point in found.points] == ["before", *["thresholds"] * 4]
    with pytest.raises(InputError, match="thresholds"):
        ew.mitigate(model, X, biased.y, {"sex": biased.X["sex"]})


def test_bad_input_is_told(biased):
    with pytest.raises(InputError, match="nothing"):
        ew.auditing.bound_flip(biased.model, "wealth", 0.1, biased.X)
    with pytest.raises(InputError, match="methods"):
        ew.mitigate(biased.model, biased.X, biased.y, "sex", methods=["magic"])
    with pytest.raises(InputError, match="max_change"):
        ew.auditing.bound_flip(biased.model, "sex", -1.0, biased.X)


def test_networks_are_put_in_their_place(biased):
    made = with_network(biased.model, biased.model.network_)
    np.testing.assert_array_equal(made.predict_proba(biased.X), biased.model.predict_proba(biased.X))
