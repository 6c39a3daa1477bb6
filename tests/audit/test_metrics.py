"""Measures of groups: Fairlearn's MetricFrame is the oracle; resamples are compared with drawing rows one by one."""

import numpy as np
import pytest
from fairlearn import metrics as theirs
from sklearn.metrics import accuracy_score, brier_score_loss, precision_score, roc_auc_score

from edgewise.audit.groups import Grouping, groupings, intersection
from edgewise.audit.metrics import group_tables
from edgewise.audit.tallies import Outcomes, Resamples, statistics
from edgewise.data.encoding_raw import raw_table

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


@pytest.mark.parametrize("ties", [False, True])
def test_sums_give_what_fairlearn_gives(ties):
    rows, codes = outcomes(ties=ties)
    part = grouping(codes)
    (table,) = group_tables(rows, (part,))
    sums = statistics(rows, part, rows.weight[:, None])
    for name, values in table.values.items():
        np.testing.assert_allclose(sums[name][0], values, err_msg=name, **EXACT)


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


def test_a_gap_that_is_not_there_has_zero_inside_its_interval():
    covered = 0
    for seed in range(20):
        rows, codes = outcomes(600, seed=seed, weighted=False)
        two = Grouping("g", ("a", "b"), codes % 2, ("g",))
        (table,) = group_tables(rows, (two,), Resamples(rows, (two,), seed).draw(200))
        low, high = table.demographic_parity.interval
        covered += low <= 0 <= high
    assert covered >= 16


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
