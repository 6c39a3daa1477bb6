"""Faults that users of other Kolmogorov-Arnold packages have met, each as the behaviour that edgewise keeps instead."""

from __future__ import annotations

import os
import pathlib
import random

import numpy as np
import pytest
import torch

from edgewise import InputError
from edgewise.layers import KANLinear
from edgewise.network import (
    KAN,
    Nodes,
    drop_dead,
    load,
    mask_edges,
    regrid,
    remove_inputs,
    save,
    scale_to_data,
    set_numeric,
    set_symbolic,
    swap_nodes,
)
from edgewise.simplifying import canonical, edge_scores, merge_equal, prune, simplify
from edgewise.splines import BSpline, fit_coefficients, uniform_grid
from edgewise.symbolic import NumericEdgesError, formula, suggest
from edgewise.training import fit

from ..network.builders import state_bytes

DOUBLE = torch.float64


def pruned() -> KAN:
    """A network that has been through pruning of edges, nodes and an input."""
    net = KAN([3, 5, 1], input_names=["mass", "unused", "length"], seed=0, dtype=DOUBLE)
    net = scale_to_data(net, rows(3) * 4 + 2, rows(3)[:, 0]).network
    net = mask_edges(net, [(0, i, o) for i in range(3) for o in (1, 4)] + [(0, 0, 2)]).network
    return remove_inputs(drop_dead(net).network, ["unused"]).network


def rows(columns: int, count: int = 100) -> torch.Tensor:
    return 2 * torch.rand(count, columns, generator=torch.Generator().manual_seed(0), dtype=DOUBLE) - 1


def test_reloading_a_pruned_network_changes_no_prediction() -> None:
    net, X = pruned(), rows(2)
    save(net, "pruned.kan")
    assert np.array_equal(load("pruned.kan").predict(X), net.predict(X))


def test_names_stay_with_their_inputs_after_pruning_and_reloading() -> None:
    net = pruned()
    assert net.input_names == ("mass", "length")
    save(net, "pruned.kan")
    assert load("pruned.kan").input_names == ("mass", "length")
    # The column that is called "length" is still the one that acts as it did.
    whole = KAN([3, 1], input_names=["mass", "unused", "length"], seed=0, dtype=DOUBLE)
    left = remove_inputs(whole, ["mass", "unused"]).network
    x = rows(1)
    torch.testing.assert_close(left.layers[0].edge(0, 0, x[:, 0]), whole.layers[0].edge(2, 0, x[:, 0]))


@pytest.mark.parametrize("arity", [2, 3, 4, 7])
def test_multiplication_nodes_of_any_arity_multiply_all_their_factors(arity: int) -> None:
    net = KAN([1, Nodes(0, (arity,)), 1], seed=0, dtype=DOUBLE)
    for factor in range(arity):
        net = set_symbolic(net, (0, 0, factor), "identity", (1.0, 1.0, 0.0, float(factor))).network
    net = set_symbolic(net, (1, 0, 0), "identity").network
    x = rows(1)
    wanted = torch.stack([x + factor for factor in range(arity)]).prod(0)
    torch.testing.assert_close(net(x), wanted)


def test_swapping_nodes_takes_closed_forms_along() -> None:
    net = KAN([2, 3, 1], seed=0, dtype=DOUBLE)
    net = set_symbolic(net, (0, 1, 0), "sin", (2.0, 3.0, 0.5, 0.1)).network
    net = set_symbolic(net, (1, 0, 0), "exp").network
    swapped = swap_nodes(net, 1, 0, 2, rows(2))
    assert swapped.record.max_change is not None
    assert swapped.record.max_change < 1e-14
    assert swapped.network.layers[0].kind(1, 2) == "symbolic"
    assert swapped.network.layers[1].kind(2, 0) == "symbolic"


def test_a_table_of_another_width_is_refused_rather_than_cut() -> None:
    net = KAN([2, 1], seed=0)
    with pytest.raises(InputError, match=r"must have 2 columns. Got 3"):
        net.predict(np.zeros((5, 3)))
    with pytest.raises(InputError, match=r"must have 2 columns"):
        net(torch.zeros(5, 3))


def test_moving_the_grid_changes_no_output_beyond_what_it_says() -> None:
    net, X = KAN([2, 3, 1], seed=0, dtype=DOUBLE), 0.4 * rows(2)
    result = regrid(net, X, 30)
    with torch.no_grad():
        assert result.record.max_change == float((net(X) - result.network(X)).abs().max())
    assert result.record.max_change < 1e-3


def test_formulas_of_users_are_reloaded() -> None:
    net = set_symbolic(KAN([1, 1], seed=0, dtype=DOUBLE), (0, 0, 0), "x*exp(-x^2/2)").network
    save(net, "form.kan")
    x = rows(1)
    assert torch.equal(load("form.kan")(x), net(x))
    torch.testing.assert_close(net(x), x * torch.exp(-(x**2) / 2))


def test_outside_the_grid_a_function_goes_on_as_a_line() -> None:
    layer = KANLinear(1, 1, seed=0, dtype=DOUBLE)
    ends = torch.tensor([[-1.0], [1.0]], dtype=DOUBLE)
    far = 50 * ends
    value, slope = layer.edges(ends), layer.edges(ends, 1)
    torch.testing.assert_close(layer.edges(far), value + slope * (far - ends)[..., None])
    assert slope.abs().min() > 0
    torch.testing.assert_close(layer.edges(far, 1), slope, rtol=1e-14, atol=0.0)


@pytest.mark.parametrize(
    "x", [torch.zeros(1, 1), torch.full((50, 1), 0.3), torch.tensor([[0.1], [0.1], [torch.pi]])]
)
def test_a_least_squares_fit_never_fails(x: torch.Tensor) -> None:
    """One row, a constant column, fewer rows than coefficients, intervals without rows."""
    basis = BSpline(uniform_grid(0.0, 4.0, 20), 3)
    coef = fit_coefficients(basis, x.double(), torch.sin(x.double()))
    assert coef.isfinite().all()
    torch.testing.assert_close(
        (basis.values(x.double())[:, 0] @ coef[0]), torch.sin(x.double())[:, 0], rtol=1e-5, atol=1e-5
    )


def test_a_network_touches_no_files_no_seeds_and_no_arguments(tmp_path: pathlib.Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    kept, shape, names = X.copy(), [2, [2, 1], 1], ["a", "b"]
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    # numpy's global state is what must not change.
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    folder, environment, dtype = os.getcwd(), dict(os.environ), torch.get_default_dtype()
    net = KAN(shape, input_names=names, seed=0, dtype=DOUBLE)
    net = scale_to_data(net, X, X[:, 0]).network
    net = drop_dead(mask_edges(regrid(net, X, 7).network, [(0, 0, 0)]).network, X).network
    net.predict(X)
    assert os.listdir(tmp_path) == []
    assert np.array_equal(X, kept)
    assert (shape, names) == ([2, [2, 1], 1], ["a", "b"])
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert random.getstate() == python_state
    assert (os.getcwd(), dict(os.environ), torch.get_default_dtype()) == (folder, environment, dtype)


def test_hostile_text_is_never_run(tmp_path: pathlib.Path) -> None:
    mark = tmp_path / "mark"
    for text in (
        f"open({str(mark)!r}, 'w')",
        f"__import__('pathlib').Path({str(mark)!r}).touch()",
        "x.__class__",
    ):
        with pytest.raises(InputError):
            set_symbolic(KAN([1, 1]), (0, 0, 0), text)
    assert not mark.exists()


# ---- formulas and training


def closed(net: KAN, forms: tuple[str, ...] = ("sin", "square", "identity")) -> KAN:
    """Every edge alive made a closed form, with constants that differ from edge to edge."""
    count = 0
    for k, layer in enumerate(net.layers):
        for i, o in layer.mask.nonzero().tolist():
            affine = (0.3 + 0.1 * count, 1.0 - 0.05 * count, 0.1 * count, 0.2)
            net = set_symbolic(net, (k, i, o), forms[count % len(forms)], affine).network
            count += 1
    return net


@pytest.mark.parametrize("arity", [2, 3, 4])
def test_the_formula_of_products_of_any_arity_is_the_network(arity: int) -> None:
    net = closed(KAN([2, Nodes(1, (arity,)), 1], seed=0, dtype=DOUBLE))
    X = rows(2).numpy()
    np.testing.assert_allclose(
        formula(net)[0].predict(X).reshape(-1), net.predict(X)[:, 0], rtol=1e-9, atol=1e-9
    )


def test_a_formula_after_pruning_speaks_of_the_same_columns() -> None:
    net = closed(pruned())
    found = formula(net)[0]
    assert {str(symbol) for symbol in found.sympy.free_symbols} == {"mass", "length"}
    X = rows(2).numpy() * 4 + 2
    np.testing.assert_allclose(found.predict(X).reshape(-1), net.predict(X)[:, 0], rtol=1e-9, atol=1e-9)


def test_a_network_with_numeric_edges_has_no_formula() -> None:
    with pytest.raises(NumericEdgesError):
        formula(KAN([2, 2, 1], seed=0))
    net = closed(KAN([2, 2, 1], seed=0, dtype=DOUBLE))
    one_left = set_numeric(net, (0, 1, 1)).network
    with pytest.raises(NumericEdgesError):
        formula(one_left)


def test_a_suggestion_changes_nothing() -> None:
    net, X = KAN([2, 2, 1], seed=0, dtype=DOUBLE), rows(2)
    before, spec = state_bytes(net), net.spec
    assert suggest(net, 0, 1, 1, X, top=3)
    assert state_bytes(net) == before
    assert net.spec == spec


def test_a_likelihood_is_told_as_a_likelihood_and_not_as_its_root() -> None:
    X = rows(2).numpy()
    y = (X[:, 0] + 0.3 * np.sin(9 * X[:, 1]) > 0).astype(float)
    for method in ("lm", "adam"):
        result = fit(
            KAN([2, 1], seed=0),
            X,
            y,
            loss="cross_entropy",
            method=method,
            validation=None,
            steps=20,
            intervals=[3],
        )
        logits = result.network.predict(X)[:, 0]
        wanted = np.mean(np.logaddexp(0.0, logits) - y * logits)
        assert result.train_error == pytest.approx(wanted, rel=1e-4)


def test_a_fit_changes_neither_its_network_nor_its_data() -> None:
    net, X = KAN([2, 2, 1], seed=0), rows(2).numpy()
    y = X[:, 0] * X[:, 1]
    before, kept = state_bytes(net), (X.copy(), y.copy())
    for method in ("lm", "adam", "lbfgs"):
        fit(net, X, y, method=method, steps=3, intervals=[3])
    assert state_bytes(net) == before
    assert np.array_equal(X, kept[0])
    assert np.array_equal(y, kept[1])


def test_errors_of_a_fit_are_what_they_are_called() -> None:
    """Root mean square errors in the units of y, of the rows they are said to be of."""
    X, fresh = rows(2).numpy(), (rows(2, 300)[100:] * 0.9).numpy()
    scale = np.array([1e4, 1e-3])
    y, held = (np.stack([np.sin(3 * x[:, 0]), x[:, 1] ** 2], 1) * scale for x in (X, fresh))
    result = fit(KAN([2, 2], seed=0), X, y, validation=(fresh, held), intervals=[3], steps=10)
    for error, x, wanted in ((result.train_error, X, y), (result.validation_error, fresh, held)):
        assert error == pytest.approx(np.sqrt(np.mean((result.network.predict(x) - wanted) ** 2)), rel=1e-9)


def test_a_refit_on_all_rows_is_not_judged_on_rows_it_has_seen() -> None:
    X = rows(2).numpy()
    result = fit(KAN([2, 1], seed=0), X, X[:, 0] ** 3, intervals=[3, 6], steps=10)
    refit = [record for record in result.history if record.phase == "refit"]
    assert refit
    assert all(record.validation is None for record in refit)


def test_training_and_simplifying_keep_no_rows() -> None:
    """Neither the network nor the result holds on to the table, or to anything as long as it."""
    X = rows(2, 137).numpy()
    y = X[:, 0] + X[:, 1] ** 2
    result = fit(KAN([2, 2, 1], seed=0), X, y, intervals=[3], steps=5)
    small = simplify(result.network, X, y, starts=1, work="quick")
    for net in (result.network, small.network):
        sizes = {size for tensor in net.state_dict().values() for size in tensor.shape}
        assert not sizes & {137, 110, 27}
        assert all(not isinstance(value, torch.Tensor) for value in vars(net).values())
    assert not [name for name, value in vars(result).items() if isinstance(value, (torch.Tensor, np.ndarray))]


def test_training_and_simplifying_touch_no_files_no_seeds_and_no_arguments(tmp_path: pathlib.Path) -> None:
    X = rows(2).numpy()
    y = X[:, 0] + X[:, 1] ** 2
    kept, folder, environment = (X.copy(), y.copy()), os.getcwd(), dict(os.environ)
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    net = KAN([2, 2, 1], seed=0)
    trained = fit(net, X, y, intervals=[3], steps=5, seed=3).network
    before = state_bytes(trained)
    simplify(trained, X, y, starts=2, work="quick", seed=3)
    prune(trained, X, nodes=[(1, 0)])
    merge_equal(trained, X)
    canonical(trained, X)
    edge_scores(trained, X)
    assert state_bytes(trained) == before
    assert np.array_equal(X, kept[0])
    assert np.array_equal(y, kept[1])
    assert os.listdir(tmp_path) == []
    assert (os.getcwd(), dict(os.environ)) == (folder, environment)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert random.getstate() == python_state


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_rows_a_constant_column_and_empty_intervals_do_not_break_a_fit(count: int) -> None:
    X = np.column_stack([np.linspace(0, 1, count) ** 8, np.full(count, 3.0)])
    result = fit(KAN([2, 2, 1], seed=0), X, np.arange(count, dtype=float), intervals=[20], steps=10)
    assert np.isfinite(result.network.predict(X)).all()
    assert np.isfinite(result.train_error)
