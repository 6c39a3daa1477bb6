"""`edgewise dynamics`: a table of courses in, equations, a picture and JSON out, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import is_one_sentence


@pytest.fixture
def cooling() -> str:
    rows = ["minute,cup,degrees"]
    for cup, start in {"a": 90.0, "b": 60.0}.items():
        rows += [f"{t:g},{cup},{20 + (start - 20) * np.exp(-0.3 * t):.10g}" for t in np.linspace(0, 9, 25)]
    Path("cooling.csv").write_text("\n".join(rows) + "\n")
    return "cooling.csv"


def test_equations_are_printed_drawn_and_told_as_json(edgewise, cooling):
    done = edgewise("dynamics", cooling, "--time", "minute", "--groups", "cup", "--plot", "cups.png")
    assert done.code == 0, done.err
    assert "degrees' = 6 - 0.3*degrees" in done.out
    assert Path("cups.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(edgewise("dynamics", cooling, "-t", "minute", "--groups", "cup", "--json", "-q").out)
    assert told["equations"][0]["text"] == "6 - 0.3*degrees"


def test_courses_that_are_not_named_are_refused(edgewise, cooling):
    done = edgewise("dynamics", cooling, "-t", "minute", "--columns", "degrees")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "'groups'" in done.err
    assert edgewise("dynamics", cooling, "-t", "hour").code == 2
