"""Every result says in the same words what came of it, why it ended and how long it took."""

import inspect
import json
import pkgutil
import typing
from functools import cache
from importlib import import_module

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise.network.fitted import fitted

# Parts of a result: a point of a Frontier.
PARTS = {"FrontierPoint"}
# Candidates to choose from, not one answer.
LISTS = {"one_variable"}
ROOMS = [
    module.name
    for module in pkgutil.iter_modules(ew.__path__)
    if module.name not in ("_core", "cli", "report")
]


def public():
    """All that the rooms show: what they list or, without a list, what is theirs."""
    for room in ROOMS:
        module = import_module(f"edgewise.{room}")
        for name in getattr(module, "__all__", vars(module)):
            made = getattr(module, name)
            if not name.startswith("_") and getattr(made, "__module__", "").startswith("edgewise."):
                yield name, made


def result_classes():
    """All public classes that tell why something ended."""
    found = {made for name, made in public() if inspect.isclass(made) and name not in PARTS}
    return sorted(
        (item for item in found if "stop_reason" in names_of(item) and item.__name__ != "ReportContent"),
        key=lambda item: item.__name__,
    )


def classes_in(kind):
    if inspect.isclass(kind):
        yield kind
    for part in typing.get_args(kind):
        yield from classes_in(part)


def answers():
    """What every public function returns that can be limited or listened to: it trains, searches, proves or audits."""
    known = dict(public())
    for name, made in public():
        methods = (
            [var for var in vars(made).values() if inspect.isfunction(var) and var.__name__[0] != "_"]
            if inspect.isclass(made)
            else []
        )
        for function in [made, *methods] if inspect.isfunction(made) else methods:
            if name not in LISTS and {"work", "seconds", "callbacks"} & set(
                inspect.signature(function).parameters
            ):
                returned = inspect.signature(function).return_annotation
                if isinstance(returned, str):  # some of its names are imported for the type checker alone
                    returned = eval(returned, {**known, **inspect.unwrap(function).__globals__})
                for kind in classes_in(returned):
                    if kind.__module__.startswith("edgewise.") and kind.__name__ not in (
                        "SolverConfig",
                        made.__name__,
                    ):
                        yield function.__qualname__, kind


def names_of(kind):
    return {*inspect.get_annotations(kind), *dir(kind)}


def test_whatever_takes_its_time_ends_in_such_a_result():
    kinds = {kind for _, kind in answers()}
    assert len(kinds) > 20
    strange = [(name, kind.__name__) for name, kind in answers() if kind not in result_classes()]
    assert not strange


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


@cache
def pictures():
    X = np.random.default_rng(0).random((12, 5, 5))
    y = np.arange(12) % 2
    X[y == 1, 2:4] *= 0.1
    return X, ew.vision.ImageClassifier("patches", 400, epochs=1, settings={"depth": 1}).fit(X, y)


@cache
def line(constant=None):
    (x,) = ew.pde.coordinates("x")
    u = ew.pde.unknown("u", x)
    way = ew.pde.box({x: (0, 1)})
    factor = 2.0 if constant is None else ew.pde.constant("k", guess=1.0, bounds=(0.1, 10))
    return (
        x,
        u,
        ew.pde.Problem(way, [factor * ew.pde.dx(u, x, 2) == -1], ew.pde.on(way.boundary["walls"], u == 0)),
    )


@cache
def solution():
    return ew.pde.solve(line()[2], tolerance=1e-3)


def drum():
    x, y = ew.pde.coordinates("x", "y")
    u, square = ew.pde.unknown("u", x, y), ew.pde.box({x: (0, 1), y: (0, 1)})
    return ew.pde.Problem(
        square, [-ew.pde.lap(u) == ew.pde.eigenvalue() * u], ew.pde.on(square.boundary["walls"], u == 0)
    )


def identified():
    x, u, problem = line("k")
    at = np.linspace(0.05, 0.95, 30)
    return ew.pde.identify(problem, ew.pde.data(u, {x: at}, at * (1 - at) / 4, sigma=0.001), work=0.1)


def discovered():
    x, t = np.linspace(0, 6, 40), np.linspace(0, 1, 30)
    u = np.exp(-0.5 * t) * np.sin(x[:, None] - 2 * t) + np.exp(-2 * t) * np.cos(2 * x[:, None] - 4 * t)
    return ew.pde.discover({"u": u}, {"x": x, "t": t}, degree=1)


def replaced():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 12), torch.nn.Tanh(), torch.nn.Linear(12, 3))
    return ew.replace_mlp(model, torch.randn(200, 3), work=0.005)


def courses():
    t = np.linspace(0, 8, 50)
    return ew.dynamics.find_dynamics(t, 5 / (1 + 9 * np.exp(-1.2 * t)), names=["x"], degree=2, work=0.1)


def made():
    """A result of every class, by a call that makes it."""
    X, y = data()
    net = ew.KAN([2, 1], seed=0)
    groups = {"group": np.where(X[:, 1] > 0.5, "a", "b")}
    yes = np.where(X[:, 0] > 0.5, "yes", "no")
    deep, far = ew.KAN([2, 5, 5, 1], seed=0), "output <= 1.6"
    yield "AskResult", lambda: ew.symbolic.ask(lambda at: 3 * at["m"], {"m": (1, 5)}, work=0.01, most=20)
    yield "AuditResult", lambda: ew.audit(decision(), X, yes, groups, bootstrap=10, work=0.01)
    yield "CertifiedFlip", lambda: ew.auditing.certified_flip(fitted(regression()), "x1")
    yield "CertifiedRadius", lambda: ew.vision.certified_radius(pictures()[1], pictures()[0][0], steps=2)
    yield "Counterfactuals", lambda: ew.counterfactuals(decision(), X, 0)
    yield "Discovery", discovered
    yield "Dynamics", courses
    yield "FitResult", lambda: ew.fit(net, X, y, steps=3)
    yield "FittedConstants", lambda: ew.fit_constants(X, y, "a*x1 + b*x2^2", names=["x1", "x2"])
    yield "FormulaResult", lambda: ew.find_formula(X, y, work=0.01)
    yield "FoundFunction", lambda: ew.symbolic.find_function(X, y, "f(x1, x2)", names=["x1", "x2"], work=0.01)
    yield "Frontier", lambda: ew.mitigate(decision(), X, yes, groups, methods=["thresholds"])
    yield "GroupedResult", lambda: ew.find_formula(X, y, groups=groups["group"], work=0.01)
    yield "Identification", identified
    yield (
        "MinimalCounterfactual",
        lambda: ew.minimal_counterfactual(decision(), {"x1": 0.1, "x2": 0.5}, work=0.1),
    )
    yield "Mitigated", lambda: ew.auditing.bound_flip(regression(), "x1", 0.5, X)
    yield "Modes", lambda: ew.pde.eigen(drum(), 1, tolerance=1e-3)
    yield "PartialResult", lambda: ew.fit_partial(X, y, "f(x1) + 0.2*x2^2", names=["x1", "x2"], work=0.1)
    yield "Proved", lambda: ew.verify(regression(), "output <= 9")
    yield "Refuted", lambda: ew.verify(regression(), "output <= 0.1")
    yield "ReplaceResult", replaced
    yield "SimplifyResult", lambda: ew.simplify(net, X, y, work=0.01)
    yield "Solution", solution
    yield "SolutionFormula", lambda: solution().formula(work=0.01)
    yield "Surrogate", lambda: ew.surrogate(lambda rows: rows[:, 0], X, interactions=0, work=0.1)
    yield "TableFit", lambda: regression().fit_
    yield "Undecided", lambda: ew.verify(deep, far, work=1e-9)
    yield "Verdict", lambda: ew.check_structure(X, y, "sum(x1 | x2)", work=0.02)


def test_a_result_of_every_class_is_made():
    assert [name for name, _ in made()] == [kind.__name__ for kind in result_classes()]


@pytest.mark.parametrize(("name", "make"), [pytest.param(*mode, id=mode[0]) for mode in made()])
def test_results_are_plain_data_too(name, make):
    result = make()
    assert type(result).__name__ == name
    assert isinstance(result.stop_reason, ew.StopReason)
    assert isinstance(result.message, str)
    assert result.message
    assert result.seconds >= 0
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["stop_reason"] == result.stop_reason
    assert told["message"] == result.message
    assert told["seconds"] == pytest.approx(result.seconds, abs=1e-3)
