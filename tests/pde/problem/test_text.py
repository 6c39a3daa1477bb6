"""Problems as TOML: the same problem as in Python, and one sentence for each that is none."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from edgewise import FileError, InputError
from edgewise.pde import gallery, gallery_names, load_problem, problem_from_toml, solve
from edgewise.pde.problem.gallery import gallery_text
from tests.pde.problem_set import kovasznay

HEAT = """
title = "A rod cools"
tolerance = 1e-5
unknowns = ["u"]
equations = ["dt(u) = a*dx(u, x, 2)"]

[domain]
x = [0, "pi"]
t = [0, 0.5]

[constants]
a = 0.5
start = "sin(2*x)"

[conditions]
"left | right" = "u = 0"
start = "u = start"
"""


def test_a_file_is_solved_as_it_says():
    found = problem_from_toml(HEAT)
    assert (found.title, found.tolerance, found.problem.names) == ("A rod cools", 1e-5, ("u",))
    assert [coordinate.time for coordinate in found.problem.domain.coordinates] == [False, True]
    solution = solve(found.problem, found.tolerance)
    x = np.linspace(0, np.pi, 50)
    wanted = np.exp(-4 * 0.5 * 0.5) * np.sin(2 * x)
    assert np.abs(solution(x, 0.5) - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_families_name_their_parameters():
    text = HEAT.replace("[constants]", 's = [1, 2]\nparameters = ["s"]\n[constants]')
    problem = problem_from_toml(text).problem
    assert [coordinate.parameter for coordinate in problem.domain.coordinates] == [False, False, True]
    with pytest.raises(InputError, match="parameters"):
        problem_from_toml(text.replace('["s"]', '["r"]'))


def test_the_gallery_says_what_python_says():
    wanted, _ = kovasznay()
    found = gallery("kovasznay").problem
    assert [condition.part.name for condition in found.conditions] == [
        condition.part.name for condition in wanted.conditions
    ]
    r = np.random.default_rng(0)
    for own, other in zip(found.equations, wanted.equations, strict=True):
        assert (own.residual - other.residual).expand() == 0
    for own, other in zip(found.conditions, wanted.conditions, strict=True):
        apart = own.equation.residual - other.equation.residual
        at = dict(zip(("x", "y"), r.uniform(-0.5, 1, 2), strict=True))
        assert abs(float(apart.subs({s: at[str(s)] for s in apart.free_symbols}))) < 1e-12


@pytest.mark.parametrize("name", gallery_names())
def test_every_problem_of_the_gallery_is_one(name):
    found = gallery(name)
    assert found.title
    assert found.problem.conditions
    assert set(tomllib.loads(gallery_text(name))) <= {
        "title",
        "jumps",
        "tolerance",
        "unknowns",
        "equations",
        "domain",
        "shapes",
        "constants",
        "conditions",
        "eigenvalue",
        "count",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('unknowns = ["u"]', 'unknowns = ["u", "w"]'),
        ('unknowns = ["u"]', 'unknowns = ["x"]'),
        ('unknowns = ["u"]', "unknowns = [1]"),
        ('unknowns = ["u"]', ""),
        ('unknowns = ["u"]', "unknowns = ["),
        ('unknowns = ["u"]', 'unknown = ["u"]\nunknowns = ["u"]'),
        ("tolerance = 1e-5", "tolerance = 2"),
        ("tolerance = 1e-5", "jumps = 1"),
        ("tolerance = 1e-5", 'tolerance = "small"'),
        ('title = "A rod cools"', "title = 3"),
        ('[0, "pi"]', '["a", 1]'),
        ('[0, "pi"]', "[0, true]"),
        ('[0, "pi"]', "[1, 0]"),
        ('[0, "pi"]', "[0, 1, 2]"),
        ('[0, "pi"]', '[0, 1]\nperiodic = ["z"]'),
        ('[0, "pi"]', '[0, 1]\ntime = "s"'),
        ("a = 0.5", "a = true"),
        ("a = 0.5", '"a b" = 1'),
        ("a = 0.5", 'a = "dx("'),
        ("a = 0.5", "x = 2"),
        ('"left | right"', '"left | rigth"'),
        ('"u = start"', "3"),
        ('"u = start"', '"start = 0"'),
        ('"u = start"', '"w = 0"'),
        ("[constants]", "[[constants]]"),
    ],
)
def test_what_is_no_problem_gets_a_sentence(old, new):
    assert old in HEAT
    with pytest.raises(InputError) as told:
        problem_from_toml(HEAT.replace(old, new, 1))
    assert str(told.value).endswith((".", "?"))
    assert "\n" not in str(told.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        load_problem(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"title = '\xe9'")
    with pytest.raises(FileError, match="UTF-8"):
        load_problem(tmp_path / "latin.toml")
