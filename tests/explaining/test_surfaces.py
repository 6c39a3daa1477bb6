"""Surfaces of pairs: closed forms where there are any, and together with the shapes all that a network of pairs says."""

import itertools
import json

import numpy as np
import pytest
import torch

from edgewise import KAN, InputError, KANRegressor, Nodes, explain
from edgewise.explaining.subject import output_of, subject_of
from edgewise.explaining.surface_view import MOST_LEVELS, bands, laid, parts
from edgewise.explaining.surfaces import Surface, SurfaceAxis, surface_of
from edgewise.splines import BSpline
from tests.explaining.models import people, product_net, random_net


def factorial(*columns):
    """All combinations: no column says anything of another."""
    return np.array(list(itertools.product(*columns)))


def at_rows(surface, X):
    """A surface of numbers at rows, bilinear between its places."""
    from scipy.interpolate import RegularGridInterpolator

    return RegularGridInterpolator((surface.a.x, surface.b.x), surface.z)(X)


def test_a_product_of_independent_columns_is_the_product_of_their_distances_from_the_mean():
    X = factorial(np.linspace(-3, 2, 21), np.linspace(0, 3, 25))
    (surface,) = explain(product_net([(0, 1)], 2), X).surfaces
    want = np.outer(surface.a.x - X[:, 0].mean(), surface.b.x - X[:, 1].mean())
    assert surface.exact
    np.testing.assert_allclose(surface.z, want, atol=1e-9)
    assert surface.words.startswith("+3.8 at x1 -3, x2 0; -3.")
    assert surface.words.endswith(" at x1 -3, x2 3")


@pytest.mark.parametrize("seed", range(3))
def test_mean_shapes_and_surfaces_add_up_to_a_network_of_pairs(seed):
    X = np.random.default_rng(seed).normal(size=(600, 3)).clip(-3, 3)
    net = product_net([(0, 1), (1, 2)], 3)
    found = explain(net, X)
    total = np.full(len(X), found.base)
    for shape in found.shapes:
        k = int(shape.column[1:]) - 1
        total += np.interp(X[:, k], shape.x, shape.y)
    for surface in found.surfaces:
        places = [int(name[1:]) - 1 for name in surface.columns]
        own = at_rows(surface, X[:, places])
        assert abs(own.mean()) < 1e-9
        total += own
    # The accumulated effects are broken lines, which the axes of shapes and surfaces sample at different places.
    out = net.predict(X)[:, 0]
    assert np.abs(total - out).max() < 0.05 * out.std()
    shapes_alone = total - sum(at_rows(s, X[:, [int(n[1:]) - 1 for n in s.columns]]) for s in found.surfaces)
    assert (shapes_alone - out).std() > 0.5 * out.std()


def test_a_third_column_is_averaged_over():
    net = KAN([3, Nodes(sums=0, products=(3,)), 1], init="zero", grid=(-4, 4), dtype=torch.float64)
    with torch.no_grad():
        for at, layer in enumerate(net.layers):
            line = BSpline(layer.grid, layer.degree).greville()
            for k in range(3 if at == 0 else 1):
                layer.coef[k, :, k if at == 0 else 0] = line[k]
    X = factorial(np.linspace(-1, 1, 15), np.linspace(-1, 1, 15), [0.5, 1.5, 2.5, 3.5])
    X = X[np.random.default_rng(0).permutation(len(X))]
    subject = subject_of(net, X)
    surface = surface_of(subject, 0, 1, output_of(subject.model))
    assert not surface.exact
    want = 2.0 * np.outer(surface.a.x, surface.b.x)
    assert np.corrcoef(surface.z.ravel(), want.ravel())[0, 1] > 0.99
    assert np.abs(surface.z - want).max() < 0.25


def test_the_order_of_two_columns_does_not_matter():
    net = random_net([4, 3, 1], 2)
    subject = subject_of(net, np.random.default_rng(0).normal(size=(200, 4)))
    output = output_of(subject.model)
    one, other = surface_of(subject, 1, 3, output), surface_of(subject, 3, 1, output)
    np.testing.assert_allclose(one.z, other.z.T, atol=1e-9)
    np.testing.assert_array_equal(one.near, other.near.T)


def test_rows_near_are_counted():
    X = np.random.default_rng(1).uniform(size=(300, 2))
    subject = subject_of(product_net([(0, 1)], 2), X)
    surface = surface_of(subject, 0, 1, output_of(subject.model))
    reach = 0.05 * np.ptp(X, axis=0)
    for i, j in ((0, 0), (20, 13), (40, 40)):
        near = (np.abs(X - [surface.a.x[i], surface.b.x[j]]) <= reach + 1e-12).all(axis=1)
        assert surface.near[i, j] == near.sum()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["pairwise", "deep"])
def test_tables_of_words_numbers_and_holes(mode):
    table, _ = people()
    y = np.where(np.array(table["home"]) == "rent", -1.0, 1.0) * (table["age"] - 45) / 10
    y = y + np.nan_to_num(table["income"], nan=500.0) / 1000
    # Time that no fit comes near: one that is cut short would be another model.
    options = {"hidden": 6} if mode == "deep" else {}
    model = KANRegressor(mode=mode, members=2, **options).fit(table, y)
    found = explain(model, table, units={"income": "EUR"})
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.surfaces
    assert set(found.surfaces[0].columns) == {"age", "home"}
    assert all(surface.words in str(found) for surface in found.surfaces[:5])
    strengths = [surface.strength for surface in found.surfaces]
    assert strengths == sorted(strengths, reverse=True)
    for surface in found.surfaces:
        assert np.isfinite(surface.z).all()
        assert surface.z.shape == (len(surface.a.x), len(surface.b.x)) == surface.near.shape
        assert found.surface(*surface.columns[::-1]) is surface
    assert all(surface.exact for surface in found.surfaces) == (mode == "pairwise")
    with pytest.raises(InputError, match="pair"):
        found.surface("age", "age")


def test_an_additive_model_has_none():
    assert explain(random_net([2, 1], 1), np.zeros((5, 2))).surfaces == ()


def test_of_many_levels_the_most_frequent_are_laid():
    rng = np.random.default_rng(0)
    count = 14
    a = SurfaceAxis("town", "levels", np.arange(count, dtype=float), tuple(f"t{k}" for k in range(count)))
    b = SurfaceAxis("age", "number", np.linspace(18, 80, 9), ())
    near = np.repeat(rng.permutation(count)[:, None] + 1.0, 9, axis=1)
    z = np.arange(count * 9, dtype=float).reshape(count, 9)
    rows = np.column_stack([rng.integers(0, count, 200), rng.uniform(18, 80, 200)])
    view = laid(Surface(a, b, True, z, near, rows, 1.0, ""))
    kept = [int(name[1:]) for name in view.up.labels]
    assert kept == sorted(np.argsort(-near[:, 0])[:MOST_LEVELS])
    np.testing.assert_array_equal(view.z, z[kept])
    # A row stays in the strip of its level, at its own age.
    mine = rows[np.isin(rows[:, 0], kept)]
    np.testing.assert_array_equal(view.rows[:, 0], mine[:, 1])
    assert [kept[k] for k in view.rows[:, 1].round().astype(int)] == mine[:, 0].astype(int).tolist()
    assert len(parts(view)) == MOST_LEVELS


@pytest.mark.parametrize("limit", [1e-7, 0.03, 0.9, 1.0, 7.3, 4e6])
def test_bands_are_even_but_for_the_blank_one(limit):
    steps = bands(limit)
    width = np.diff(steps)
    middle = len(width) // 2
    np.testing.assert_allclose(steps, -steps[::-1])
    np.testing.assert_allclose(np.delete(width, middle), width[middle] / 2, rtol=1e-6)
    assert steps[-1] >= limit * (1 - 1e-9) > steps[-2]
