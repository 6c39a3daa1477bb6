"""`edgewise pde`: the gallery, files of one's own, exit codes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import is_one_sentence

import edgewise as ew
from edgewise import StopReason
from edgewise._core.work import StopError
from edgewise.pde import gallery_names

ROD = """
tolerance = 1e-3
unknowns = ["u"]
equations = ["dt(u) = dx(u, x, 2)"]
[domain]
x = [0, 1]
t = [0, 0.1]
[conditions]
walls = "u = 0"
start = "u = sin(pi*x)"
"""
BEAM = """
from edgewise import pde
(x,) = pde.coordinates("x")
u, line = pde.unknown("u", x), pde.box({x: (0, 1)})
problem = pde.Problem(line, [pde.dx(u, x, 2) == -2], pde.on(line.boundary["walls"], u == 0))
"""


def test_the_gallery_is_listed(edgewise):
    done = edgewise("pde")
    assert done.code == 0
    assert all(f"  {name} " in done.out for name in gallery_names())
    told = json.loads(edgewise("pde", "--json").out)
    assert [entry["name"] for entry in told] == list(gallery_names())


@pytest.mark.slow
def test_a_problem_is_solved_saved_and_drawn(edgewise):
    done = edgewise("pde", "plate", "-o", "plate.kan", "--plot", "plate.png", "--report", "plate.html")
    assert done.code == 0, done.err
    assert "relative L2 error" in done.out
    assert "residual" in done.out
    assert abs(ew.load("plate.kan")(0.5, 0.5) - 1) < 1e-6
    assert Path("plate.png").read_bytes().startswith(b"\x89PNG")
    assert "not solved" not in Path("plate.html").read_text(encoding="utf-8")
    again = edgewise("pde", "plate", "-o", "plate.kan")
    assert again.code == 2
    assert is_one_sentence(again.err)
    assert "--force" in again.err


def test_a_problem_is_shown_copied_and_solved(edgewise):
    shown = edgewise("pde", "boundary-value", "--show")
    Path("mine.toml").write_text(shown.out)
    told = json.loads(edgewise("pde", "mine.toml", "--json", "-q").out)
    assert told["solved"]
    assert told["error"] <= told["tolerance"] == 1e-10
    assert max(told["residuals"].values()) < 1e-4


def test_a_tolerance_that_is_not_met_has_its_code(edgewise):
    done = edgewise("pde", "poisson", "--work", 0.01, "-o", "rough.kan")
    assert done.code == 3
    assert "was not met" in done.out
    assert not ew.load("rough.kan").solved


@pytest.mark.slow
def test_a_march_is_kept_and_gone_on_from(edgewise, monkeypatch):
    from edgewise.cli import outcome

    Path("rod.toml").write_text(ROD)
    whole = json.loads(edgewise("pde", "rod.toml", "--json", "-o", "whole.kan").out)
    steps = []

    def struck(self, record):
        steps.append(record)
        self.happened = len(steps) > 4
        if len(steps) > 5:
            raise StopError(StopReason.INTERRUPTED)

    with monkeypatch.context() as patched:
        patched.setattr(outcome.Interrupts, "__call__", struck)
        assert edgewise("pde", "rod.toml", "--checkpoint", "rod.part").code == 130
    done = edgewise("pde", "rod.toml", "--checkpoint", "rod.part", "--json", "-o", "rest.kan")
    told = json.loads(done.out)
    assert {**told, "seconds": 0} == {**whole, "seconds": 0}
    assert ew.load("rest.kan")(0.3, 0.05) == ew.load("whole.kan")(0.3, 0.05)
    other = edgewise("pde", "rod.toml", "--checkpoint", "rod.part", "--tolerance", 1e-4)
    assert other.code == 2
    assert "resume" in other.err


def test_what_marches_says_how_far_it_is(edgewise):
    Path("rod.toml").write_text(ROD)
    done = edgewise("pde", "rod.toml", "--json")
    assert done.code == 0
    assert json.loads(done.out)["road"] == "march"


def test_a_python_file_defines_a_problem(edgewise):
    Path("beam.py").write_text(BEAM)
    done = edgewise("pde", "beam.py", "-q")
    assert done.code == 0
    assert done.err == ""
    for more, words in (
        ("problem = 3", "type int"),
        ("1/0", "ZeroDivisionError in line 6"),
        ("(", "no Python"),
    ):
        Path("beam.py").write_text(BEAM + more)
        done = edgewise("pde", "beam.py")
        assert done.code == 2
        assert is_one_sentence(done.err)
        assert words in done.err


@pytest.mark.parametrize("problem", ["plate", "burgers"])
def test_interrupted_it_leaves_what_there_is(edgewise, monkeypatch, problem):
    from edgewise.cli import outcome

    def struck(self, record):
        self.happened = True
        raise StopError(StopReason.INTERRUPTED)

    monkeypatch.setattr(outcome.Interrupts, "__call__", struck)
    done = edgewise("pde", problem, "-o", "part.kan")
    assert done.code == 130
    assert ew.load("part.kan").stop_reason is StopReason.INTERRUPTED


@pytest.mark.parametrize(
    "words",
    [
        ("poison",),
        ("none.toml",),
        ("none.py",),
        ("plate", "--tolerance", 3),
        ("plate", "--plot", "plate.gif"),
        ("plate", "--work", "hard"),
        ("warming", "--checkpoint", "warming.part"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(edgewise, words):
    done = edgewise("pde", *words)
    assert done.code == 2
    assert is_one_sentence(done.err)


def test_eigenvalues_of_a_shape_in_a_file(edgewise, tmp_path):
    drum = tmp_path / "drum.toml"
    drum.write_text(
        'tolerance = 1e-6\nunknowns = ["u"]\nequations = ["-lap(u) = mu*u"]\neigenvalue = "mu"\ncount = 1\n'
        '[domain]\nshape = "d"\n[shapes]\nd = {disk = [0, 0]}\n[conditions]\nwalls = "u = 0"\n'
    )
    done = edgewise("pde", str(drum))
    assert done.code == 0
    assert "5.78318596" in done.out
    assert json.loads(edgewise("pde", str(drum), "--json").out)["values"] == [pytest.approx(5.783185962947)]
    refused = edgewise("pde", str(drum), "-o", str(tmp_path / "drum.kan"))
    assert refused.code not in (0, 3)
    assert "leave out" in refused.err


def test_waves_that_turn_fast_have_a_road_with_a_name(edgewise):
    Path("waves.toml").write_text(
        """
unknowns = ["a", "b"]
equations = ["dt(a) = -dx(b, x, 2)/2", "dt(b) = dx(a, x, 2)/2"]
[domain]
x = [-5, 5]
t = [0, 0.8]
periodic = ["x"]
[conditions]
start = ["a = 2/cosh(x)", "b = 0"]
"""
    )
    done = edgewise("pde", "waves.toml", "--tolerance", 1e-3)
    assert done.code == 0
    assert "wave by wave" in done.out
