"""Curves and tables of classes, against scikit-learn."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn import metrics

from edgewise.report.evaluation.classes import class_rows, confusion, reliability, roc, shown_classes
from edgewise.report.sections.results import reliability_chart, roc_chart

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 200).astype(float)
P = RNG.dirichlet(np.ones(3), 200)


def test_confusion_and_classes():
    assert (confusion(Y, P) == metrics.confusion_matrix(Y, P.argmax(1))).all()
    precision, recall, f1, rows = metrics.precision_recall_fscore_support(Y, P.argmax(1))
    found = class_rows(Y, P, ("a", "b", "c"))
    assert [one.precision for one in found] == pytest.approx(precision)
    assert [one.recall for one in found] == pytest.approx(recall)
    assert [one.f1 for one in found] == pytest.approx(f1)
    assert [one.rows for one in found] == rows.tolist()
    assert found[1].auc == pytest.approx(metrics.roc_auc_score(Y == 1, P[:, 1]))


def test_roc_with_ties():
    score = P[:, 0].round(1)
    ours = roc(Y == 0, score)
    theirs = metrics.roc_curve(Y == 0, score, drop_intermediate=False)
    assert ours[0] == pytest.approx(theirs[0])
    assert ours[1] == pytest.approx(theirs[1])


def test_reliability_of_right_probabilities_is_chance():
    p = RNG.uniform(size=20_000)
    one = reliability(RNG.uniform(size=20_000) < p, p)
    assert one.curve.ece < 2 * one.chance
    assert one.curve.rows.sum() == 20_000
    assert ((one.low <= one.curve.happened) & (one.curve.happened <= one.high)).all()
    off = reliability(RNG.uniform(size=20_000) < p**2, p)
    assert off.curve.ece > 10 * off.chance


def test_intervals_stay_within_0_and_1():
    one = reliability(np.ones(30, dtype=bool), np.full(30, 0.9))
    assert (one.low >= 0).all()
    assert (one.high <= 1).all()


def test_charts_name_their_classes_and_areas():
    names = ("a<b>", "b", "c")
    chart = str(roc_chart(Y, P, names))
    assert "a&lt;b&gt;" in chart
    assert f"{metrics.roc_auc_score(Y == 1, P[:, 1]):.3g}"[:4] in chart
    assert len(re.findall(r">[ab].*? 0\.\d{3}<|>c 0\.\d{3}<", chart)) == 3
    shown = [(names[k], reliability(k == Y, P[:, k])) for k in shown_classes(Y, names)]
    drawn = str(reliability_chart(shown))
    assert all(f">{name}<" in drawn for name in ("a&lt;b&gt;", "b", "c"))


def test_the_commonest_of_many_classes_are_shown():
    y = np.repeat(np.arange(10.0), np.arange(1, 11))
    assert shown_classes(y, tuple("abcdefghij")) == [4, 5, 6, 7, 8, 9]
    assert shown_classes(y, ("a", "b")) == [1]


def test_a_class_that_is_absent_has_no_curve():
    chart = str(roc_chart(np.zeros(10), np.tile([0.4, 0.6], (10, 1)), ("a", "b")))
    assert "unknown" in chart
