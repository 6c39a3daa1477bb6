"""Every check fires on what it is for, and is silent where nothing is the matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from edgewise.network import KAN, scale_to_data
from edgewise.report import AccuracyRow, ColumnSummary, ReportContent
from edgewise.report.checks.collinearity import collinear_groups
from edgewise.report.checks.error_slices import worst_slice
from edgewise.report.checks.warnings import SEVERITIES, caveats, single_input_scores
from edgewise.report.content.content import InputView
from edgewise.report.evaluation.leaderboard import leaderboard
from tests.report.conftest import build_classes

RNG = np.random.default_rng(5)
X = RNG.uniform(-1, 1, (600, 3))
NOISE = RNG.normal(size=600)
Y = X[:, 0] + X[:, 1] ** 2 + 0.3 * NOISE


def table(X=X, y=Y, error=0.3, **fields):
    """A content whose own model errs by so much on held-out rows."""
    own = AccuracyRow("KAN", predicted=y[400:] + error * NOISE[400:], ours=True)
    base = {"title": "t", "source": "s", "names": ("a", "b", "c"), "target": "y", "accuracy": (own,)}
    return ReportContent(
        **(base | {"X": X[:400], "y": y[:400], "X_test": X[400:], "y_test": y[400:]} | fields)
    )


def found(content):
    return {one.title: one for one in caveats(content, leaderboard(content))}


def test_nothing_is_said_where_nothing_is_the_matter():
    assert found(table()) == {}


def test_a_copy_of_the_target_is_serious():
    leaky = np.column_stack([X[:, :2], 3 * Y - 2])
    one = found(table(leaky, error=0.0))["A column may give the answer away"]
    assert one.severity == "serious"
    assert "c alone predicts y exactly" in one.text


def test_a_column_that_nearly_gives_the_answer_is_to_be_checked():
    leaky = np.column_stack([X[:, :2], Y + 0.02 * NOISE])
    one = found(table(leaky, error=0.02))["A column may give the answer away"]
    assert one.severity == "check"
    assert "known before" in one.what_to_do


def test_a_column_that_the_target_follows_without_exception_is_to_be_checked():
    # Straight pieces do not describe a steep curve as well as the model does.
    steep = np.exp(6 * X[:, 2])
    one = found(table(y=steep, error=1e-6))["A column may give the answer away"]
    assert "c alone predicts y" in one.text


def test_a_strong_column_is_no_giveaway():
    # One column explains 99.9 %, but the model explains most of what it leaves open, so the others matter.
    strong = 10 * X[:, 0] + 0.3 * X[:, 1]
    assert "A column may give the answer away" not in found(table(y=strong, error=0.001))


def test_a_single_column_is_the_job_itself():
    assert "A column may give the answer away" not in found(
        table(X[:, :1], y=np.exp(X[:, 0]), names=("a",), error=0.0)
    )


def test_a_level_that_gives_the_class_away():
    content = build_classes()
    leaky = [
        np.column_stack([side, y]) for side, y in ((content.X, content.y), (content.X_test, content.y_test))
    ]
    views = (*content.inputs, InputView("id", "id", ("p", "q")))
    sure = np.eye(2)[content.y_test.astype(int)] * 0.98 + 0.01
    content = replace(
        content,
        names=(*content.names, "id"),
        X=leaky[0],
        X_test=leaky[1],
        inputs=views,
        accuracy=(AccuracyRow("KAN", predicted=sure, ours=True),),
    )
    assert found(content)["A column may give the answer away"].severity == "serious"


def test_rows_on_both_sides():
    both, y = X.copy(), Y.copy()
    both[400:440], y[400:440] = both[:40], y[:40]
    one = found(table(both, y))["Rows appear on both sides"]
    assert one.severity == "check"
    assert one.text.startswith("40 held-out rows (20 %) equal")


def test_a_better_rival():
    rival = AccuracyRow("boosting", predicted=Y[400:] + 0.1 * NOISE[400:])
    content = table()
    one = found(replace(content, accuracy=(rival, *content.accuracy)))["Boosting predicts better"]
    assert "0.1" in one.text
    assert (
        found(
            replace(content, accuracy=(AccuracyRow("b", predicted=Y[400:] + NOISE[400:]), *content.accuracy))
        )
        == {}
    )


def fitted(inputs, names, X=X, width=()):
    net = KAN([inputs, *width, 1], seed=0, dtype=torch.float64, input_names=names)
    return scale_to_data(net, X[:400], Y[:400]).network


def test_rows_beyond_the_range():
    far = X.copy()
    far[590:, 1] = 50.0
    one = found(table(far, network=fitted(3, ("a", "b", "c"))))["Some rows lie outside the range trained on"]
    assert int(one.text.split()[0]) in range(10, 16)
    assert "(b" in one.text or ": b" in one.text


def test_memorised_rows():
    net = fitted(3, ("a", "b", "c"))
    y = np.concatenate(
        [net.predict(X[:400])[:, 0] + 0.01 * NOISE[:400], net.predict(X[400:])[:, 0] + NOISE[400:]]
    )
    content = table(y=y, network=net, accuracy=())
    assert "It fits the rows it learned from much better than new ones" in found(content)
    even = net.predict(X)[:, 0] + 0.1 * NOISE
    assert "It fits the rows it learned from much better than new ones" not in found(
        table(y=even, network=net, accuracy=())
    )


def test_few_rows():
    short = table(X_test=X[400:420], y_test=Y[400:420], accuracy=())
    assert found(short)["Few rows to judge by"].severity == "check"
    wide = table(network=fitted(3, ("a", "b", "c"), width=(60,)), accuracy=())
    assert (
        "240 edge functions were learned from 400 rows." in found(wide)["Few rows for so many functions"].text
    )


def test_classes_unseen_unjudged_and_rare():
    content = build_classes(("no", "yes", "never"), rows=300)
    flat = np.where(content.y == 2, 1, content.y)
    titles = found(replace(content, y=flat))
    assert titles["A class was never seen"].severity == "serious"
    assert "never" in titles["A class was never seen"].text
    assert "A class is not judged" in found(
        replace(content, y_test=np.where(content.y_test == 2, 1, content.y_test))
    )
    rare = np.zeros(len(content.y))
    rare[:4], rare[4:8] = 1.0, 2.0
    assert "(4) are of class yes" in found(replace(content, y=rare))["Classes are far from balanced"].text
    assert "Classes are far from balanced" not in found(build_classes())


def test_probabilities_are_compared_with_chance():
    content = build_classes(rows=1200)
    assert "Probabilities are off" not in found(content)
    right = content.accuracy[1].predicted
    bold = right**4 / (right**4).sum(1, keepdims=True)
    bold = replace(content, accuracy=(AccuracyRow("KAN", predicted=bold, ours=True),))
    assert "Probabilities are off" in found(bold)


def test_seeds_that_disagree():
    content = table()
    own = content.accuracy[0].predicted
    apart = tuple(own + RNG.normal(size=200) for _ in range(2))
    assert "Over 3 fits" in found(replace(content, repeats=apart))["Other seeds give another model"].text
    assert found(replace(content, repeats=(own + 0.01, own - 0.01))) == {}
    classes = build_classes()
    flipped = classes.accuracy[1].predicted[:, ::-1]
    assert "Other seeds give another model" in found(replace(classes, repeats=(flipped,)))


def test_gaps_and_constants():
    columns = (ColumnSummary("a", missing=0.4), ColumnSummary("b", "constant"), ColumnSummary("c"))
    titles = found(table(table=columns))
    assert titles["Columns with many gaps"].text == "Values are missing in a (40 %)."
    assert titles["Columns without information"].text.startswith("b")


def test_tied_columns():
    tied = np.column_stack([X[:, :2], X[:, 0] + X[:, 1]])
    assert "Each of a, b and c is fixed by the others" in found(table(tied))["Columns are tied together"].text
    twins = np.column_stack([X[:, :2], 5 - 2 * X[:, 0]])
    assert "A and c are the same up to scale" in found(table(twins))["Columns are tied together"].text
    assert collinear_groups(X) == ()
    two = np.column_stack([X[:, 0], X[:, 0], X[:, 1], 7 * X[:, 1], X[:, 2]])
    assert collinear_groups(two) == ((0, 1), (2, 3))
    assert collinear_groups(np.ones((50, 3))) == ()


def test_the_most_serious_comes_first():
    tied = np.column_stack([X[:, 0], 2 * X[:, 0], 3 * Y])
    order = [SEVERITIES.index(one.severity) for one in caveats(table(tied), leaderboard(table(tied)))]
    assert order == sorted(order)
    assert len(set(order)) > 1


def test_every_caveat_is_made_of_sentences():
    tied = np.column_stack([X[:, 0], 2 * X[:, 0], 3 * Y])
    for one in caveats(table(tied), leaderboard(table(tied))):
        assert one.text.endswith(".")
        assert one.what_to_do.endswith(".")
        assert not one.title.endswith(".")


def test_alone_is_worth_what_it_explains():
    content = table(y=np.sin(3 * X[:, 1]))
    best, *rest = single_input_scores(content)
    assert best.name == "b"
    assert best.worth > 0.99
    assert all(one.worth < 0.1 for one in rest)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_alone_whatever_the_scale(scale):
    assert single_input_scores(table(X * scale, y=X[:, 0]))[0].name == "a"


def test_error_slices():
    errors = np.where(X[:, 1] > 0.6, 3.0, 1.0) * NOISE
    views = tuple(InputView(name, name) for name in "abc")
    spot = worst_slice(X, views, errors)
    assert spot.name == "b"
    assert spot.where.startswith("above 0.5") or spot.where.startswith("above 0.6")
    assert spot.ratio == pytest.approx(3.0, rel=0.3)
    assert worst_slice(X, views, NOISE) is None
    wild = NOISE.copy()
    wild[0] = 1e3
    assert worst_slice(X, views, wild) is None
    codes = RNG.integers(0, 3, 600).astype(float)
    spot = worst_slice(
        codes[:, None], (InputView("k", "k", ("p", "q", "r")),), np.where(codes == 2, 4.0, 1.0)
    )
    assert (spot.where, spot.sentence) == (
        "r",
        f"Errors are 4 times as large where k is r ({spot.rows} rows).",
    )
