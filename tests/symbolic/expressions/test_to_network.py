"""Networks compiled from formulas: equal to the formula, and a start to go on from."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError, fit
from edgewise.edits import set_numeric
from edgewise.symbolic import formula
from edgewise.symbolic.expressions.composition import living_edges
from edgewise.symbolic.expressions.to_network import compile_formula

NAMES = ["a", "b", "c"]
ROWS = np.random.default_rng(5).uniform(0.6, 2.4, (60, 3))


def numpy_value(expression: sympy.Expr, X: np.ndarray) -> np.ndarray:
    """The oracle: sympy's own translation to numpy."""
    function = sympy.lambdify(sympy.symbols(NAMES), expression, "numpy")
    return np.broadcast_to(function(*X.T), len(X)).astype(float)


def expressions() -> st.SearchStrategy[sympy.Expr]:
    leaves = st.sampled_from(
        [*sympy.symbols(NAMES), sympy.Integer(2), sympy.Rational(1, 3), sympy.Float(0.7)]
    )
    unary = st.sampled_from(
        [
            sympy.sin,
            sympy.tanh,
            lambda e: sympy.exp(-(e**2)),
            lambda e: 1 / (e**2 + 1),
            lambda e: sympy.sqrt(e**2 + 2),
        ]
    )

    def grown(inner: st.SearchStrategy[sympy.Expr]) -> st.SearchStrategy[sympy.Expr]:
        pairs = st.tuples(inner, inner)
        return st.one_of(
            pairs.map(lambda two: two[0] + two[1]),
            pairs.map(lambda two: two[0] * two[1]),
            pairs.map(lambda two: two[0] - 2 * two[1]),
            st.tuples(unary, inner).map(lambda both: both[0](both[1])),
        )

    return st.recursive(leaves, grown, max_leaves=9)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(expressions())
def test_the_network_computes_the_formula(expression: sympy.Expr) -> None:
    want = numpy_value(expression, ROWS)
    size = 1 + np.abs(want).max()
    for net in (compile_formula(expression, NAMES), compile_formula(expression, NAMES, ROWS)):
        assert np.abs(net.predict(ROWS)[:, 0] - want).max() <= 1e-11 * size
        assert living_edges(net) == living_edges(net, "symbolic")


@pytest.mark.parametrize(
    "text",
    [
        "a*b*c/(a + b)", "sqrt(a^2 + b^2)*exp(-c)", "a^b", "2^a*c", "1/(exp(a*b/c) - 1)", "log(a + b*c) - c",
        "a/(b + c/(a + c))", "(a*b + c)^2", "abs(a - b)*sign(c - 1)", "max(a, b) - min(b*c, 1.5)",
        "max(max(a, b), c)", "max(a, 1.2)*step(b - c)", "mod(a, 0.7) + floor(2*b*c)", "mod(a*b, c + 1)",
        "sigmoid(a) + gaussian(b*c)", "pi", "b",
    ],
)  # fmt: skip
def test_formula_reads_back_what_was_compiled(text: str) -> None:
    net = compile_formula(text, NAMES, ROWS)
    back = formula(net)[0]
    np.testing.assert_allclose(back.predict(ROWS), net.predict(ROWS)[:, 0], rtol=1e-10, atol=1e-11)


def test_one_column_is_one_edge_and_products_are_multiplication_nodes() -> None:
    net = compile_formula("a*exp(a) + 2*a^3", NAMES)
    assert net.shape == (3, 1)
    assert living_edges(net) == [(0, 0, 0)]
    product = compile_formula("3*a*sin(2*b + 1)*c", NAMES)
    assert product.spec.layers[0].nodes.products == (3,)
    forms = {(edge.source, edge.form) for edge in product.layers[0].symbolic}
    assert forms == {(0, "identity"), (1, "sin"), (2, "identity")}


def test_training_goes_on_from_a_compiled_formula() -> None:
    y = 2.1 * np.sin(1.3 * ROWS[:, 0]) * ROWS[:, 1] + 0.4 * ROWS[:, 2] ** 2
    start = compile_formula("2.0*sin(1.25*a)*b + 0.5*c^2", NAMES, ROWS)
    before = np.sqrt(np.mean((start.predict(ROWS)[:, 0] - y) ** 2))
    after = fit(start, ROWS, y, validation=None).network
    assert np.sqrt(np.mean((after.predict(ROWS)[:, 0] - y) ** 2)) < 1e-4 * before


def test_an_edge_can_be_freed() -> None:
    net = compile_formula("exp(a*b) + sin(3*c)", NAMES, ROWS)
    edge = next(edge for edge in living_edges(net) if edge[0] == 1)
    freed = set_numeric(net, edge, ROWS)
    assert freed.network.layers[1].kind(*edge[1:]) == "numeric"
    assert freed.record.max_change is not None
    # Grids lie over the rows, so the spline follows the form there.
    assert freed.record.max_change < 1e-2 * np.abs(net.predict(ROWS)).max()


def test_it_is_double_precision_and_leaves_generators_alone() -> None:
    state = torch.get_rng_state()
    net = compile_formula("a + b", NAMES, ROWS)
    assert net.dtype == torch.float64
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula_", "X", "words"),
    [
        ("asin(2)*a", None, "real numbers"),
        (sympy.erf(sympy.Symbol("a")), None, "must be made of"),
        (sympy.I * sympy.Symbol("a"), None, "real, finite"),
        (sympy.Symbol("q") + 1, None, "columns 'a', 'b', 'c'"),
        (3.5, None, "text or a sympy expression"),
        ("log(a - 1)", ROWS, "on every row"),
        (" + ".join(f"a^{k}*sin({k}*a)" for k in range(2, 120)), None, "at most 1,000"),
    ],
)
def test_what_cannot_be_compiled_is_said(formula_: object, X: np.ndarray | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        compile_formula(formula_, NAMES, X)
