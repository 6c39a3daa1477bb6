"""Functions with constants inside: derivatives are those of the values, and trees say what the numbers say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edgewise.forms import FORMS
from edgewise.forms.tree import Apply, Node
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.univariate.atoms import Atom, atoms, form_atom, square_atom
from edgewise.symbolic.univariate.library import ALL, LibraryColumn
from edgewise.symbolic.univariate.trees import X, power

Floats = np.ndarray
PLACES = np.linspace(0.4, 2.0, 23)
U = LibraryColumn(X, PLACES)
ATOMS = [
    *atoms(U, ALL),
    *atoms(LibraryColumn(power(X, 2), PLACES**2), ALL - {"sin"}, prefactor=U),
    square_atom(U),
    form_atom(FORMS["sigmoid"], U),
]


def each_of(chosen: list[Atom]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("atom", chosen, ids=lambda atom: atom.name)


def some_constants(atom: Atom, count: int = 12) -> Floats:
    """Constants near starts, where the function stays within floats that differences can follow."""
    starts = atom.starts(atom.u.values)
    near = starts * (1 + 0.02 * np.random.default_rng(0).uniform(-1, 1, starts.shape))
    with np.errstate(all="ignore"):
        value, slopes = atom.values(near)
        size = np.max([np.abs(value).max(axis=1), *(np.abs(slope).max(axis=1) for slope in slopes)], axis=0)
    near = near[size < 1e3]
    return near[np.linspace(0, len(near) - 1, count).astype(int)]


def close(found: Floats, low: Floats, high: Floats, step: float) -> None:
    """A derivative beside a central difference."""
    difference = (high - low) / (2 * step)
    np.testing.assert_allclose(found, difference, rtol=1e-4, atol=1e-5 * (1 + np.abs(difference).max()))


@each_of(ATOMS)
def test_slopes_are_those_of_the_values(atom: Atom) -> None:
    constants, step = some_constants(atom), 1e-6
    _, slopes = atom.values(constants)
    assert len(slopes) == constants.shape[1]
    for at, slope in enumerate(slopes):
        move = step * np.eye(constants.shape[1])[at]
        close(slope, atom.values(constants - move)[0], atom.values(constants + move)[0], step)


@each_of([atom for atom in ATOMS if atom.inward is not None])
def test_the_slope_in_the_inner_value_is_that_of_the_values(atom: Atom) -> None:
    assert atom.inward is not None
    constants, u, step = some_constants(atom), atom.u.values, 1e-6
    found = atom.inward(u, constants, atom.evaluate(u, constants))
    close(found, atom.evaluate(u - step, constants)[0], atom.evaluate(u + step, constants)[0], step)


@each_of(ATOMS)
def test_trees_say_what_the_numbers_say(atom: Atom) -> None:
    for constants in some_constants(atom):
        tape = Tape(atom.formula(constants.tolist()), ["x"])
        value = tape.value(tape.start, PLACES[:, None])
        np.testing.assert_allclose(value, atom.values(constants[None, :])[0][0], rtol=1e-9, atol=1e-9)


def functions(tree: Node) -> Iterator[str]:
    if isinstance(tree, Apply):
        yield tree.function
        for argument in tree.arguments:
            yield from functions(argument)


@pytest.mark.parametrize("allowed", [frozenset[str](), frozenset({"exp"}), frozenset({"cos", "log"})])
def test_only_what_is_allowed_is_used(allowed: frozenset[str]) -> None:
    for atom in atoms(U, allowed):
        used = set(functions(atom.formula(some_constants(atom, 1)[0].tolist())))
        assert used <= allowed | {"+", "*", "^", "neg", "inv"}


def test_places_on_both_sides_of_zero_have_no_bare_power() -> None:
    assert "x^p" not in {atom.name for atom in atoms(LibraryColumn(X, PLACES - 1), ALL)}
    assert "x^p" in {atom.name for atom in atoms(U, ALL)}
