"""Classes and probabilities, scikit-learn's tools, streaming, pictures, formulas."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgewise import InputError, KANClassifier, KANRegressor
from edgewise.training import Record, TableConfig

from .tables import classifier, income, people, regressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
Y = np.sin(X[:, 0]) + X[:, 1]
RINGS = np.digitize(np.hypot(X[:, 0], X[:, 1]), [0.8, 1.6])


# ---- classes


@pytest.mark.slow
@pytest.mark.parametrize(
    "classes",
    [["no", "yes", "maybe"], [3, 1, 7], [0.5, 1.5, 2.5], [-1, 0, 1]],
)
def test_classes_of_any_type_come_back(classes: list[Any]) -> None:
    labels = np.array(classes)[RINGS] if not isinstance(classes[0], float) else RINGS * 2.0
    model = classifier().fit(X, labels)
    assert model.classes_.tolist() == sorted(set(labels.tolist()))
    assert set(model.predict(X).tolist()) <= set(labels.tolist())
    assert model.predict(X).dtype == labels.dtype
    assert model.score(X, labels) > 0.9


def test_truth_values_and_objects_are_classes() -> None:
    for labels in (RINGS == 0, np.where(RINGS == 0, "in", "out").astype(object)):
        model = classifier().fit(X, labels)
        assert model.classes_.tolist() == sorted(set(labels.tolist()))
        assert model.network_.output_names == (f"log-odds of {model.classes_[1]}",)
        assert model.score(X, labels) > 0.9


def test_probabilities_logits_and_answers_agree() -> None:
    for labels in (RINGS, RINGS == 0):
        model = classifier().fit(X, labels)
        p, f = model.predict_proba(X), model.decision_function(X)
        assert np.allclose(p.sum(axis=1), 1)
        assert np.allclose(np.log(p), model.predict_log_proba(X), atol=1e-9)
        assert f.shape == ((150,) if labels.dtype == bool else (150, 3))
        assert np.array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    far = classifier().fit(X, X[:, 0] > 0).predict_log_proba(X * 1e6)
    assert np.isfinite(far).all()


def test_probabilities_are_near_the_truth() -> None:
    """On rows drawn from known probabilities the log loss comes near that of the truth, and no linear model's does."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, size=(3000, 2))
    truth = 1 / (1 + np.exp(-(1.5 * np.sin(2 * x[:, 0]) + x[:, 1])))
    labels = rng.uniform(size=3000) < truth
    model = classifier().fit(x[:1000], labels[:1000])
    own = log_loss(labels[1000:], model.predict_proba(x[1000:]))
    best = log_loss(labels[1000:], truth[1000:])
    linear = log_loss(
        labels[1000:], LogisticRegression().fit(x[:1000], labels[:1000]).predict_proba(x[1000:])
    )
    assert own - best < 0.25 * (linear - best)


def test_a_single_class_is_always_answered() -> None:
    model = classifier().fit(X, np.full(150, "only"))
    assert set(model.predict(X)) == {"only"}
    assert model.predict_proba(X).tolist() == [[1.0]] * 150
    assert model.predict_log_proba(X).max() == 0
    assert model.decision_function(X).shape == (150,)


def test_class_weights_are_weights_of_rows() -> None:
    labels = np.where(RINGS == 2, "c", "ab")
    share = (labels == "c").mean()
    balanced = np.where(labels == "c", 0.5 / share, 0.5 / (1 - share))
    one = classifier(class_weight="balanced").fit(X, labels).decision_function(X)
    two = classifier().fit(X, labels, sample_weight=balanced).decision_function(X)
    assert np.allclose(one, two, rtol=1e-6, atol=1e-9)
    heavy = classifier(class_weight={"c": 20.0}).fit(X, labels)
    plain = classifier().fit(X, labels)
    assert (heavy.predict(X) == "c").sum() >= (plain.predict(X) == "c").sum()
    assert heavy.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()
    for weight in (0.0, 1e-9):
        assert set(classifier(class_weight={"c": weight}).fit(X, labels).predict(X)) == {"ab"}


def test_a_fold_without_a_class_is_no_error() -> None:
    rare = np.where(np.arange(150) == 7, "rare", np.where(X[:, 0] > 0, "a", "b"))
    scores = cross_val_score(classifier(), X, rare, cv=KFold(3), error_score="raise")
    assert (scores > 0.8).all()


def test_several_outputs() -> None:
    y = np.column_stack([Y, X[:, 2] ** 2])
    model = regressor().fit(X, pd.DataFrame(y, columns=["first", "second"]))
    assert model.network_.output_names == model.target_names_ == ("first", "second")
    assert model.predict(X).shape == (150, 2)
    assert model.score(X, y) > 0.99


# ---- scikit-learn's tools


@pytest.mark.slow
def test_pipelines_searches_and_wrappers() -> None:
    pipeline = make_pipeline(StandardScaler(), regressor())
    search = GridSearchCV(
        pipeline, {"kanregressor__mode": ["additive"], "kanregressor__max_inputs": [1, 3]}, cv=2
    )
    with pytest.warns(UserWarning, match="keeps the 1 of 3 columns"):
        search.fit(X, Y)
    assert search.best_params_["kanregressor__max_inputs"] == 3
    assert search.score(X, Y) > 0.98
    doubled = TransformedTargetRegressor(regressor(), func=lambda t: 2 * t, inverse_func=lambda t: t / 2)
    assert doubled.fit(X, Y).score(X, Y) > 0.9
    assert MultiOutputRegressor(regressor()).fit(X, np.column_stack([Y, Y])).predict(X).shape == (150, 2)
    voting = VotingClassifier([("k", classifier()), ("l", LogisticRegression())], voting="soft")
    assert voting.fit(X, RINGS == 0).score(X, RINGS == 0) > 0.7


@pytest.mark.slow
def test_weights_are_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        weight = np.where(Y > 0, 1.0, 0.0)
        out = cross_validate(model, X, Y, params={"sample_weight": weight}, cv=2, return_estimator=True)
    inside = regressor().fit(X[75:][Y[75:] > 0], Y[75:][Y[75:] > 0])
    assert np.array_equal(out["estimator"][0].predict(X), inside.predict(X))


def test_copies_and_pickles(tmp_path: Any) -> None:
    table = pd.DataFrame(people())
    model = classifier().fit(table, income(people()) > 2)
    for again in (pickle.loads(pickle.dumps(model)), _through_joblib(model, tmp_path / "model.joblib")):
        assert np.array_equal(again.predict_proba(table), model.predict_proba(table))
        assert repr(again) == repr(model)
    blank = clone(model)
    assert blank.get_params() == model.get_params()
    assert not hasattr(blank, "network_")


def _through_joblib(model: Any, path: Any) -> Any:
    joblib.dump(model, path)
    return joblib.load(path)


@pytest.mark.slow
def test_seeds() -> None:
    rng_state = np.random.get_state()[1].tolist()  # noqa: NPY002
    first = regressor(random_state=3).fit(X, Y).predict(X)
    assert np.array_equal(regressor(random_state=3).fit(X, Y).predict(X), first)
    assert np.isfinite(regressor(random_state=None).fit(X, Y).predict(X)).all()
    one = regressor(random_state=np.random.RandomState(1)).fit(X, Y).predict(X)
    assert np.array_equal(regressor(random_state=np.random.RandomState(1)).fit(X, Y).predict(X), one)
    assert np.random.get_state()[1].tolist() == rng_state  # noqa: NPY002


@pytest.mark.slow
def test_callbacks_see_progress_and_can_stop(capsys: pytest.CaptureFixture[str]) -> None:
    seen = list[Record]()
    small = {"mode": "deep", "hidden": 2, "members": 2}
    regressor(callbacks=seen.append, **small).fit(X, Y)
    assert len(seen) > 3
    assert all(isinstance(record, Record) for record in seen)
    few = list[Record]()
    regressor(callbacks=[lambda record: few.append(record) or len(few) >= 3], **small).fit(X, Y)
    assert len(few) < len(seen)
    assert capsys.readouterr() == ("", "")
    regressor(verbose=1).fit(X, Y)
    told = capsys.readouterr()
    assert told.out == ""
    assert " s  " in told.err


# ---- streaming


def test_partial_fit_learns_from_every_batch() -> None:
    rng = np.random.default_rng(0)
    model = regressor()
    scores = []
    test = rng.uniform(-2, 2, (300, 2))
    for _ in range(5):
        batch = rng.uniform(-2, 2, (20, 2))
        model.partial_fit(batch, np.sin(2 * batch[:, 0]) + batch[:, 1])
        scores.append(model.score(test, np.sin(2 * test[:, 0]) + test[:, 1]))
    assert scores[-1] > 0.99
    assert scores[-1] > scores[0]
    assert model._reservoir.seen == 100


def test_partial_fit_keeps_a_bounded_even_sample() -> None:
    rng = np.random.default_rng(0)
    most = 2_000
    model = regressor(config=TableConfig(reservoir_rows=most))
    for k in range(3):
        batch = rng.normal(size=(most // 2 + 50, 1))
        model.partial_fit(batch, np.full(len(batch), float(k)) + batch[:, 0])
    kept = model._reservoir
    assert len(kept.y) == most
    batch_of = np.round(kept.y - kept.table.columns[0].numbers).astype(int)
    assert np.bincount(batch_of) / most == pytest.approx(np.full(3, 1 / 3), abs=0.05)


def test_partial_fit_of_classes() -> None:
    model = classifier()
    with pytest.raises(InputError, match="classes must be passed on the first call"):
        model.partial_fit(X, RINGS)
    model.partial_fit(X[:50], RINGS[:50] > 9, classes=[False, True])  # one class only so far
    assert (model.predict_proba(X)[:, 1] < 0.05).all()
    assert (model.predict_proba(X)[:, 1] > 0).all()
    model.partial_fit(X, RINGS > 0)
    assert model.score(X, RINGS > 0) > 0.75
    with pytest.raises(InputError, match="must hold the classes"):
        model.partial_fit(X, RINGS)
    with pytest.raises(InputError, match="must be those of the first call"):
        model.partial_fit(X, RINGS > 0, classes=[0, 1, 2])


def test_partial_fit_joins_words_of_all_batches() -> None:
    model = regressor()
    first = pd.DataFrame({"w": ["a", "b"] * 20, "x": np.arange(40.0)})
    second = pd.DataFrame({"w": ["c", None] * 30, "x": np.arange(60.0)})
    model.partial_fit(first, np.where(first.w == "a", 1.0, 0.0))
    model.partial_fit(second, np.where(second.w == "c", 3.0, 2.0))
    both = pd.DataFrame({"w": ["a", "b", "c", None], "x": [5.0] * 4})
    assert model.predict(both) == pytest.approx([1.0, 0.0, 3.0, 2.0], abs=0.3)
    with pytest.raises(InputError, match="Column 'x' must hold what it held before, numbers"):
        model.partial_fit(pd.DataFrame({"w": ["a"], "x": ["u"]}), [1.0])


def test_fit_forgets_what_partial_fit_kept() -> None:
    model = regressor().partial_fit(X[:40], Y[:40])
    assert np.array_equal(model.fit(X, Y).predict(X), regressor().fit(X, Y).predict(X))
    assert not hasattr(model, "_reservoir")


# ---- reading


def test_the_picture_in_a_notebook_escapes_names() -> None:
    hostile = pd.DataFrame({"<script>alert(1)</script>": X[:, 0], "b&": X[:, 1]})
    assert "edgewise-network" not in regressor()._repr_html_()
    model = regressor().fit(hostile, Y)
    for text in (model._repr_html_(), model._repr_mimebundle_()["text/html"]):
        assert "<script>alert" not in text
        assert "<svg" in text
        assert "&lt;script&gt;" in text
        assert "Additive network of shape [2, 1]" in text
    assert "<svg" not in regressor().fit(X, np.ones(150))._repr_html_().split("edgewise-network")[1]


def test_plots_show_the_inputs() -> None:
    table = pd.DataFrame(people())
    model = regressor().fit(table, income(people()))
    assert model.plot().axes
    assert model.plot(table, theme="dark").axes


@pytest.mark.slow
def test_formulas_of_numeric_columns() -> None:
    x = np.random.default_rng(0).uniform(1, 3, (200, 2))
    table = pd.DataFrame(x, columns=["m", "r"]).assign(one=1)
    y = 2 * x[:, 0] / x[:, 1] ** 2
    model = regressor().fit(table, y)
    assert model.formula(table, y).best.text == "2*m/r^2"
    table.loc[::20, "m"] = np.nan
    assert model.formula(table, y).best.text == "2*m/r^2"
    words = pd.DataFrame(people())
    with pytest.raises(InputError, match="Got words in 'job' instead"):
        regressor().fit(words, income(people())).formula(words, income(people()))
    with pytest.raises(InputError, match="sought for two classes"):
        classifier().fit(X, RINGS).formula(X)


@pytest.mark.slow
def test_importing_edgewise_does_not_import_scikit_learn() -> None:
    import subprocess

    code = "import sys, edgewise as ew; ew.load; print('sklearn' in sys.modules, hasattr(ew, 'KANRegressor'))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "True"]


def test_defaults_are_those_promised() -> None:
    assert KANRegressor().get_params()["seconds"] is KANClassifier().get_params()["seconds"] is None
    assert KANRegressor().mode == "auto"


@pytest.mark.slow
def test_hidden_nodes_that_say_nothing_are_left_out():
    """So that it is plain, and proved at once, which columns have no effect."""
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (300, 4))
    y = (X[:, 0] + 0.5 * X[:, 1] + 0.3 * random.standard_normal(300) > 0).astype(int)
    model = KANClassifier(mode="deep", members=1, hidden=8, random_state=0, work=0.05).fit(X, y)
    for layer in model.network_.layers[1:]:
        assert bool(layer.mask.any(1).all())
    assert model.network_.shape[1] < 9
