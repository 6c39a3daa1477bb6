"""An unknown function of several columns inside a known formula."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise import InputError
from edgewise.forms import parse
from edgewise.symbolic import find_function
from edgewise.symbolic.expressions.tape import Tape

RNG = np.random.default_rng(0)
X = RNG.uniform(1, 3, (120, 4))
NAMES = ("x1", "x2", "x3", "x4")


def values(text: str) -> np.ndarray:
    tape = Tape(parse(text, NAMES).tree, NAMES)
    return np.array(tape.value(tape.start, X))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        ("x3*f(x1, x2) + x4", "x1/x2^2"),
        ("exp(-x3*f(x1, x2))", "x1*x2"),
        ("sqrt(x4 + x3/f(x1, x2))", "x1 + x2^2"),
        ("x1 - 2*log(x3 + f(x2, x4))^3", "x2/x4"),
        ("tanh(f(x1, x2)/x3)", "log(x1)/x2"),
        ("x3^f(x1, x2)", "x1/x2"),
    ],
)
def test_the_function_and_the_whole_are_found(known: str, unknown: str) -> None:
    start, end = known.index("f("), known.index(")", known.index("f("))
    y = values(f"{known[:start]}({unknown}){known[end + 1 :]}")
    found = find_function(X, y, known, work=0.05)
    inside = np.column_stack([X[:, NAMES.index(name)] for name in found.function.best.names])
    assert found.function.best.predict(inside) == pytest.approx(values(unknown), rel=1e-8)
    assert found.formula.predict(X) == pytest.approx(y, rel=1e-8)


def test_arguments_may_be_formulas() -> None:
    found = find_function(X, values("x4 + x3*(x1/x2)^2"), "x4 + h(x1/x2, x3)", work=0.05)
    assert found.function.best.names == ("x1/x2", "x3")
    assert found.formula.predict(X) == pytest.approx(values("x4 + x3*(x1/x2)^2"))
    assert found.to_dict()["name"] == "h"


@pytest.mark.slow
def test_rows_count_by_what_noise_in_y_is_of_the_function() -> None:
    """Where x3 is small noise in y is large in f: unweighted rows would drown the law."""
    scale = np.where(np.arange(120) % 2, 1.0, 1e-3)
    y = scale * (X[:, 0] + X[:, 1]) + 0.01 * RNG.standard_normal(120)
    table = np.column_stack([X[:, :2], scale])
    found = find_function(table, y, "x3*f(x1, x2)", work=0.01)
    assert found.function.best.text == "x1 + x2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x1 + x2", "known"),
        ("f(x1) + f(x2)", "2 times"),
        ("f(2)*x1", "not called with columns"),
        ("abs(f(x1, x2))", "inside abs"),
        ("log(f(x1)) - sqrt(-x1)", "most rows"),
        ("", "text"),
    ],
)
def test_what_cannot_be_undone_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_function(X, X[:, 0], text)
