"""Every result says in the same words what came of it, why it ended and how long it took."""

import inspect
import json
from functools import cache
from importlib import import_module

import numpy as np
import pytest

import edgewise as ew

MODULES = ("auditing", "estimators", "explaining", "simplifying", "symbolic", "training", "verifying")
# Parts of a result: a point of a Frontier, a bound of an audit.
PARTS = {"FrontierPoint", "CertifiedFlip"}


def result_classes():
    """All public classes that tell why something ended."""
    modules = [import_module(f"edgewise.{name}") for name in MODULES]
    public = {getattr(module, name) for module in modules for name in module.__all__ if name not in PARTS}
    return sorted(
        (each for each in public if inspect.isclass(each) and "stop_reason" in names_of(each)),
        key=lambda each: each.__name__,
    )


def names_of(kind):
    return {*inspect.get_annotations(kind), *dir(kind)}


def test_the_results_are_found():
    assert {each.__name__ for each in result_classes()} >= {
        "AuditResult",
        "Counterfactuals",
        "FitResult",
        "FittedConstants",
        "FormulaResult",
        "Frontier",
        "MinimalCounterfactual",
        "Mitigated",
        "PartialResult",
        "Proved",
        "Refuted",
        "SimplifyResult",
        "Surrogate",
        "TableFit",
        "Undecided",
        "Verdict",
    }


@pytest.mark.parametrize("kind", result_classes())
def test_a_result_has_the_names_that_all_have(kind):
    missing = {"message", "seconds", "stop_reason", "to_dict"} - names_of(kind)
    assert not missing, (kind.__name__, missing)


@cache
def data():
    X = np.random.default_rng(0).uniform(0, 1, (120, 2))
    return X, X[:, 0] + 0.2 * X[:, 1] ** 2


@cache
def regression():
    X, y = data()
    return ew.KANRegressor(mode="additive", members=1, work=0.1).fit(X, y)


@cache
def decision():
    X, _ = data()
    return ew.KANClassifier(mode="additive", members=1, work=0.1).fit(X, np.where(X[:, 0] > 0.5, "yes", "no"))


def made():
    X, y = data()
    net = ew.KAN([2, 1], seed=0)
    groups = {"group": np.where(X[:, 1] > 0.5, "a", "b")}
    yes = np.where(X[:, 0] > 0.5, "yes", "no")
    yield "fit", lambda: ew.fit(net, X, y, steps=3)
    yield "simplify", lambda: ew.simplify(net, X, y, work=0.01)
    yield "find_formula", lambda: ew.find_formula(X, y, work=0.01)
    yield "fit_constants", lambda: ew.fit_constants(X, y, "a*x1 + b*x2^2", names=["x1", "x2"])
    yield "fit_partial", lambda: ew.fit_partial(X, y, "f(x1) + 0.2*x2^2", names=["x1", "x2"], work=0.1)
    yield "check_structure", lambda: ew.check_structure(X, y, "sum(x1 | x2)", work=0.02)
    yield "table", lambda: regression().fit_
    yield "surrogate", lambda: ew.surrogate(lambda rows: rows[:, 0], X, interactions=0, work=0.1)
    yield "proved", lambda: ew.verify(regression(), "output <= 9")
    yield "refuted", lambda: ew.verify(regression(), "output <= 0.1")
    deep, far = ew.KAN([2, 5, 5, 1], seed=0), "output <= 1.6"
    yield "undecided", lambda: ew.verify(deep, far, work=1e-9)
    yield "minimal", lambda: ew.minimal_counterfactual(decision(), {"x1": 0.1, "x2": 0.5}, work=0.1)
    yield "counterfactuals", lambda: ew.counterfactuals(decision(), X, 0)
    yield "audit", lambda: ew.audit(decision(), X, yes, groups, bootstrap=10, work=0.01)
    yield "mitigate", lambda: ew.mitigate(decision(), X, yes, groups, methods=["thresholds"])
    yield "bound_flip", lambda: ew.auditing.bound_flip(regression(), "x1", 0.5, X)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in made()])
def test_results_are_plain_data_too(make):
    result = make()
    assert isinstance(result.stop_reason, ew.StopReason)
    assert isinstance(result.message, str)
    assert result.message
    assert result.seconds >= 0
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["stop_reason"] == result.stop_reason
    assert told["message"] == result.message
    assert told["seconds"] == pytest.approx(result.seconds, abs=1e-3)
