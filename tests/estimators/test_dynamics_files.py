"""Equations of courses in files: the same text, errors and solutions to the bit, and a damaged file is one sentence."""

from __future__ import annotations

import math
import pathlib
from typing import Any

import numpy as np
import pytest

import edgewise as ew
from edgewise import FileError, InputError
from edgewise.dynamics import Dynamics, find_dynamics
from edgewise.network.container import read_container, write_container


@pytest.fixture(scope="module")
def found() -> Dynamics:
    rng = np.random.default_rng(0)
    t = np.linspace(0, 10, 60)
    swing = np.column_stack([np.cos(2 * t), -2 * np.sin(2 * t)]) + 0.01 * rng.standard_normal((60, 2))
    again = np.column_stack([0.5 * np.sin(2 * t), np.cos(2 * t)]) + 0.01 * rng.standard_normal((60, 2))
    run = np.repeat(["a", "b"], 60)
    rows = np.vstack([swing, again])
    return find_dynamics(np.tile(t, 2), rows, names=["x", "the speed"], groups=run, degree=2, work=0.02)


@pytest.mark.slow
def test_equations_come_back_to_the_bit(found: Dynamics, tmp_path: pathlib.Path) -> None:
    ew.save(found, tmp_path / "swing.kan")
    again = ew.load(tmp_path / "swing.kan")
    assert str(again) == str(found)
    assert again.to_dict() == found.to_dict()
    assert again.equations == found.equations
    assert any(0 < c.standard_error < math.inf for equation in again.equations for c in equation.constants)
    assert (again.conserved, again.lead, again.probability) == (
        found.conserved,
        found.lead,
        found.probability,
    )
    t = np.linspace(0, 3, 20)
    start = {"the speed": 0.5, "x": 1.0}
    assert np.array_equal(again.simulate(t, start), found.simulate(t, [1.0, 0.5]))
    for mine, theirs in zip(again.courses, found.courses, strict=True):
        assert mine.label == theirs.label
        for name in ("t", "measured", "solution", "inputs"):
            assert np.array_equal(getattr(mine, name), getattr(theirs, name))
    ew.plots.plot_dynamics(again)


@pytest.mark.slow
def test_an_endless_lead_and_no_probability_come_back(found: Dynamics, tmp_path: pathlib.Path) -> None:
    from dataclasses import replace

    ew.save(replace(found, lead=math.inf, probability=None), tmp_path / "swing.kan")
    again = ew.load(tmp_path / "swing.kan")
    assert (again.lead, again.probability) == (math.inf, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"),
    [("equations", []), ("states", ["x", "y"]), ("stop_reason", "tired"), ("noise", {}), ("lead", "far")],
)
def test_damage_is_one_sentence(found: Dynamics, tmp_path: pathlib.Path, key: str, value: Any) -> None:
    path = tmp_path / "swing.kan"
    ew.save(found, path)
    from edgewise.estimators.dynamics_files import _promised

    document, tensors = read_container(path, "Dynamics", _promised)
    write_container(path, {**document, key: value}, tensors, True)
    with pytest.raises(FileError, match="damaged"):
        ew.load(path)


def test_courses_that_json_cannot_name_are_refused(found: Dynamics, tmp_path: pathlib.Path) -> None:
    from dataclasses import replace

    odd = replace(found, courses=tuple(replace(course, label=(1, 2)) for course in found.courses))
    with pytest.raises(InputError, match=r"courses .* text, numbers"):
        ew.save(odd, tmp_path / "swing.kan")
