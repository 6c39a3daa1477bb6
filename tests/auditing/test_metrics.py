"""Measures of groups: Fairlearn's MetricFrame is the oracle; resamples are compared with drawing rows one by one."""

from importlib import import_module

import numpy as np
import pytest
from fairlearn import metrics as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from sklearn.metrics import accuracy_score, brier_score_loss, precision_score, roc_auc_score

from edgewise.auditing.bootstrap import Outcomes, Resamples, statistics
from edgewise.auditing.groups import Grouping, groupings, intersection
from edgewise.auditing.metrics import group_tables
from edgewise.auditing.text import passes_four_fifths
from edgewise.auditing.widest import (
    _binomial,
    _kept,
    difference_interval,
    ratio_interval,
    sampled_numbers,
    sampled_rates,
)
from edgewise.data.encoding_raw import raw_table
from tests.tiers import slow

EXACT = {"rtol": 0, "atol": 1e-12}


def outcomes(n=900, seed=0, weighted=True, ties=False):
    r = np.random.default_rng(seed)
    y = (r.random(n) < 0.35).astype(float)
    score = np.clip(0.6 * r.random(n) + 0.3 * y, 0, 1)
    score = np.round(score, 1) if ties else score
    weight = r.random(n) + 0.2 if weighted else np.ones(n)
    return Outcomes(y, score, score > 0.45, weight), r.integers(0, 3, n)


def grouping(codes):
    return Grouping("g", ("a", "b", "c"), codes, ("g",))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_every_measure_is_that_of_metricframe(weighted, ties):
    rows, codes = outcomes(weighted=weighted, ties=ties)
    (table,) = group_tables(rows, (grouping(codes),))
    own = {
        "selection_rate": theirs.selection_rate,
        "tpr": theirs.true_positive_rate,
        "fpr": theirs.false_positive_rate,
        "fnr": theirs.false_negative_rate,
        "ppv": precision_score,
        "accuracy": accuracy_score,
    }
    w = {"sample_weight": rows.weight}
    y, d = rows.actual.astype(int), rows.decided.astype(int)
    decided = theirs.MetricFrame(
        metrics=own, y_true=y, y_pred=d, sensitive_features=codes, sample_params=dict.fromkeys(own, w)
    )
    scores = {"auc": roc_auc_score, "brier": brier_score_loss, "expected": theirs.mean_prediction}
    scored = theirs.MetricFrame(
        metrics=scores,
        y_true=y,
        y_pred=rows.score,
        sensitive_features=codes,
        sample_params=dict.fromkeys(scores, w),
    )
    for frame, names in ((decided, own), (scored, scores)):
        for name in names:
            np.testing.assert_allclose(table.values[name], frame.by_group[name], **EXACT)
            np.testing.assert_allclose(table.gaps[name].difference, frame.difference()[name], **EXACT)
            np.testing.assert_allclose(table.gaps[name].ratio, frame.ratio()[name], **EXACT)
    np.testing.assert_allclose(table.values["fdr"], 1 - decided.by_group["ppv"], **EXACT)
    for g in range(3):
        own = codes == g
        y, s, w = rows.actual[own], rows.score[own], rows.weight[own]
        bins = [(s >= k / 10) & ((s < (k + 1) / 10) | (k == 9)) for k in range(10)]
        expected = {
            "observed": w @ y / w.sum(),
            "calibration": w @ y / (w @ s),
            "ece": sum(abs(w[part] @ (y - s)[part]) for part in bins) / w.sum(),
        }
        for name, value in expected.items():
            assert table.values[name][g] == pytest.approx(value, abs=1e-12), name


@given(st.integers(1, 40), st.integers(0, 2**32), st.sampled_from([(1, 1), (1, 0), (0, 1), (0, 0)]))
def test_rates_that_are_none_or_all_are_so_to_the_last_bit(n, seed, cell):
    """Where all rows of a group are of one kind, whatever they weigh."""
    r = np.random.default_rng(seed)
    happened, decided = cell
    rows = Outcomes(np.full(n, float(happened)), r.random(n), np.full(n, bool(decided)), r.random(n) + 1e-3)
    (table,) = group_tables(rows, (Grouping("g", ("a",), np.zeros(n, dtype=np.int64), ("g",)),))
    values = {name: table.values[name][0] for name in ("selection_rate", "accuracy", "observed")}
    assert values == {"selection_rate": decided, "accuracy": happened == decided, "observed": happened}
    assert table.values["tpr" if happened else "fpr"][0] == decided
    if happened:
        assert table.values["fnr"][0] == 1 - decided


def test_both_criteria_are_fairlearns():
    rows, codes = outcomes()
    (table,) = group_tables(rows, (grouping(codes),))
    given = {"sensitive_features": codes, "sample_weight": rows.weight}
    y, d = rows.actual.astype(int), rows.decided.astype(int)
    parity, odds = table.demographic_parity, table.equalised_odds
    assert parity.difference == pytest.approx(theirs.demographic_parity_difference(y, d, **given), abs=1e-12)
    assert parity.ratio == pytest.approx(theirs.demographic_parity_ratio(y, d, **given), abs=1e-12)
    assert odds.difference == pytest.approx(theirs.equalized_odds_difference(y, d, **given), abs=1e-12)
    assert odds.ratio == pytest.approx(theirs.equalized_odds_ratio(y, d, **given), abs=1e-12)
    assert table.four_fifths == (parity.ratio >= 0.8)


def test_a_resample_is_the_measure_of_the_rows_drawn():
    rows, codes = outcomes(200)
    drawn = np.random.default_rng(1).integers(0, 200, 200)
    counts = np.bincount(drawn, minlength=200)
    quick = statistics(rows, grouping(codes), (counts * rows.weight)[:, None])
    slow = Outcomes(rows.actual[drawn], rows.score[drawn], rows.decided[drawn], rows.weight[drawn])
    (table,) = group_tables(slow, (grouping(codes[drawn]),))
    for name, values in table.values.items():
        np.testing.assert_allclose(quick[name][0], values, err_msg=name, **EXACT)


def test_intervals_are_as_wide_as_the_binomial_says_and_repeat():
    rows, codes = outcomes(3000, weighted=False)
    part = grouping(codes)
    first, again = (Resamples(rows, (part,), 3).draw(400).of(0) for _ in range(2))
    np.testing.assert_array_equal(first["tpr"], again["tpr"])
    for g in range(3):
        own = codes == g
        rate = rows.decided[own].mean()
        assert first["selection_rate"][:, g].std() == pytest.approx(
            np.sqrt(rate * (1 - rate) / own.sum()), rel=0.15
        )


def held(blocks, trials=60, draws=100, tables=60):
    """How often intervals hold the widest gap of rates drawn from the binomial, in one or several measures."""
    gap = max(float(np.ptp(block)) for block in blocks)
    count = 0
    for seed in range(tables):
        r = np.random.default_rng(seed)
        rates = [r.binomial(trials, block) / trials for block in blocks]
        parts = [sampled_rates(rate, np.full(len(rate), trials), draws, seed) for rate in rates]
        low, high = difference_interval(parts, max(float(np.ptp(rate)) for rate in rates), 1.0)
        count += low <= gap + 1e-9 <= high + 2e-9
    return count / tables


SIX = np.full(6, 0.3)


# The binomial's three standard errors around 0.95; percentile intervals of the pair picked hold 0.68 of six equal groups.
@pytest.mark.slow
@pytest.mark.parametrize(
    "blocks",
    [
        [SIX[:2]],
        [SIX],
        *slow([SIX, SIX + 0.3], [np.linspace(0.3, 0.5, 6), SIX], [np.repeat([0.1, 0.3], 3)]),
    ],
)
def test_intervals_of_the_widest_gap_hold_it_as_often_as_they_say(blocks):
    assert held(blocks) >= 0.86


@pytest.mark.slow
def test_six_equal_groups_of_few_outcomes_keep_no_gap_as_often_as_they_say(monkeypatch):
    kept, trials = 0, np.full(6, 60.0)
    monkeypatch.setattr(
        import_module("edgewise.auditing.widest"),
        "_inverted",
        lambda samples, observed, least, most: (_kept(0.0, observed, samples(0.0)), None),
    )
    for seed in range(800):
        values = np.random.default_rng(seed).binomial(60, np.full(6, 0.06)) / trials
        kept += difference_interval([sampled_rates(values, trials, 200, seed)], float(np.ptp(values)), 1.0)[0]
    # Three standard errors below 0.95; weights by the measured rates alone, small where these are, hold 0.91.
    assert kept / 800 >= 0.927


@given(st.integers(1, 10**6), st.floats(0.001, 19.0), st.booleans(), st.floats(0.001, 0.999))
def test_quantiles_of_few_outcomes_are_those_of_scipy(trials, expected, mirrored, chance):
    rate = min(1.0, expected / trials)
    rate = 1 - rate if mirrored else rate
    (own,) = _binomial(np.array([chance]), trials, rate)
    assert own == binom.ppf(chance, trials, rate)


def test_intervals_of_numbers_hold_the_widest_gap_too():
    count = 0
    for seed in range(60):
        r = np.random.default_rng(seed)
        measured, resampled = r.normal(size=5), r.normal(size=(200, 5))
        part = sampled_numbers(measured, measured + resampled)
        count += difference_interval([part], float(np.ptp(measured)), None)[0] == 0
    assert count / 60 >= 0.87


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(40, 90)), min_size=2, max_size=5),
    st.integers(0, 2**20),
)
@settings(max_examples=25, deadline=None)
def test_an_interval_holds_what_was_measured_and_stays_within_0_and_1(counts, seed):
    hits, trials = (np.array(item, float) for item in zip(*counts, strict=True))
    values = hits / trials
    part = sampled_rates(values, trials, 80, seed)
    observed = float(np.ptp(values))
    low, high = difference_interval([part], observed, 1.0)
    assert 0 <= low <= observed <= high <= 1
    if values.max() > 0:
        ratio = values.min() / values.max()
        low, high = ratio_interval([part], ratio)
        assert 0 <= low <= ratio + 1e-9
        assert ratio - 1e-9 <= high <= 1


def test_two_groups_of_many_rows_have_the_normal_interval():
    values, trials = np.array([0.3, 0.5]), np.array([20_000.0, 30_000.0])
    low, high = difference_interval([sampled_rates(values, trials, 2000, 0)], 0.2, 1.0)
    half = 1.959964 * np.sqrt((values * (1 - values) / trials).sum())
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.05 * half)


def test_the_four_fifths_rule_leaves_small_groups_out_and_says_so():
    codes = np.r_[np.zeros(500, int), np.ones(490, int), np.full(10, 2)]
    decided = np.r_[np.arange(500) % 2 == 0, np.arange(490) % 2 == 0, np.zeros(10, bool)]
    rows = Outcomes(decided.astype(float), decided.astype(float), decided, np.ones(1000))
    (table,) = group_tables(rows, (grouping(codes),), Resamples(rows, (grouping(codes),), 0).draw(50))
    assert table.demographic_parity.ratio == 0
    assert table.four_fifths is True
    assert table.left_out == ("c",)
    assert "left out, with less than 2% of the rows: c" in passes_four_fifths(table)
    assert table.to_dict()["left_out"] == ["c"]
    # With one more row of the small group and a share of exactly 2 % it counts.
    codes[:10] = 2
    (table,) = group_tables(rows, (grouping(codes),))
    assert table.left_out == ()
    assert table.four_fifths is False


def test_what_has_no_denominator_is_not_zero():
    y = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 1.0])
    rows = Outcomes(y, np.full(6, 0.2), np.zeros(6, bool), np.ones(6))
    part = Grouping("g", ("a", "b"), np.array([0, 0, 0, 1, 1, 1]), ("g",))
    (table,) = group_tables(rows, (part,), Resamples(rows, (part,), 0).draw(20))
    assert np.isnan(table.values["tpr"][0])
    assert table.values["tpr"][1] == 0
    assert np.isnan(table.values["ppv"]).all()
    assert np.isnan(table.values["auc"][0])
    assert np.isnan(table.gaps["tpr"].difference)
    assert table.four_fifths is None
    assert table.to_dict()["values"]["tpr"][0] is None


def test_small_groups_are_told():
    rows, codes = outcomes(100)
    codes = np.where(np.arange(100) < 5, 1, 0)
    (table,) = group_tables(rows, (Grouping("g", ("a", "b"), codes, ("g",)),))
    assert "b (5)" in table.warnings[0]


def test_numbers_have_mean_errors():
    r = np.random.default_rng(0)
    y, s = r.normal(size=300), r.normal(size=300)
    codes = r.integers(0, 2, 300)
    rows, part = Outcomes(y, s, None, np.ones(300)), Grouping("g", ("a", "b"), codes, ("g",))
    (table,) = group_tables(rows, (part,), Resamples(rows, (part,), 0).draw(50))
    for g in (0, 1):
        own = codes == g
        assert table.values["error"][g] == pytest.approx((s - y)[own].mean())
        assert table.values["absolute_error"][g] == pytest.approx(np.abs(s - y)[own].mean())
        assert table.values["rmse"][g] == pytest.approx(np.sqrt(((s - y)[own] ** 2).mean()))
    assert table.demographic_parity is None


def test_groups_of_numbers_are_cut_where_asked_and_else_in_quarters():
    table = raw_table({"age": np.arange(20.0, 60.0)})
    (cut,) = groupings(["age"], table, {"age": [30, 50]})
    assert cut.groups == ("below 30", "30 to 50", "50 and above")
    assert np.bincount(cut.codes).tolist() == [10, 20, 10]
    (quarters,) = groupings(["age"], table)
    assert np.bincount(quarters.codes).tolist() == [10, 10, 10, 10]


def test_intersections_are_all_combinations_that_have_rows():
    table = raw_table({"sex": ["f", "m", "f", "m"], "old": [True, True, True, False]})
    parts = groupings(["sex", "old"], table)
    both = intersection(parts)
    assert both.groups == ("f & True", "m & False", "m & True")
    assert [both.groups[c] for c in both.codes] == ["f & True", "m & True", "f & True", "m & False"]


def test_missing_cells_are_a_group():
    (part,) = groupings({"sex": ["f", None, "m"]}, raw_table({"a": [1.0, 2.0, 3.0]}))
    assert part.groups == ("f", "m", "missing")


@given(st.integers(1, 200), st.floats(0, 1))
def test_intervals_of_rates_are_those_of_wilson(rows, share):
    hits = round(share * rows)
    decided, y = np.arange(rows) < hits, np.ones(rows)
    one = Grouping("g", ("a",), np.zeros(rows, dtype=np.int64), ("g",))
    own = Outcomes(y, decided.astype(float), decided, np.ones(rows))
    (table,) = group_tables(own, (one,), Resamples(own, (one,), 0).draw(2))
    for measure, count in (("selection_rate", hits), ("tpr", hits), ("fnr", rows - hits)):
        theirs = binomtest(count, rows).proportion_ci(method="wilson")
        assert table.intervals[measure][0] == pytest.approx((theirs.low, theirs.high), abs=1e-12)
