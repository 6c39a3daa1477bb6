"""`edgewise dynamics`: a table of courses in, equations, a picture and JSON out, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import is_one_sentence

from edgewise import load


@pytest.fixture
def cooling() -> str:
    rows = ["minute,cup,degrees"]
    for cup, start in {"a": 90.0, "b": 60.0}.items():
        rows += [f"{t:g},{cup},{20 + (start - 20) * np.exp(-0.3 * t):.10g}" for t in np.linspace(0, 9, 25)]
    Path("cooling.csv").write_text("\n".join(rows) + "\n")
    return "cooling.csv"


@pytest.mark.slow
def test_equations_are_printed_drawn_and_told_as_json(edgewise, cooling):
    done = edgewise("dynamics", cooling, "--time", "minute", "--groups", "cup", "--plot", "cups.png")
    assert done.code == 0, done.err
    assert "degrees' = 6 - 0.3*degrees" in done.out
    assert Path("cups.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(edgewise("dynamics", cooling, "-t", "minute", "--groups", "cup", "--json", "-q").out)
    assert told["equations"][0]["text"] == "6 - 0.3*degrees"
    assert told["time"] == {"column": "minute", "unit": None, "since": None}


def test_equations_are_left_in_a_folder(edgewise, cooling):
    words = ["dynamics", cooling, "--time", "minute", "--groups", "cup", "--work", "0.1", "--out", "law"]
    done = edgewise(*words)
    assert done.code == 0, done.err
    assert "law/dynamics.kan  (" in done.err
    assert "law/dynamics.json  (" in done.err
    found = load("law/dynamics.kan")
    assert str(found) in done.out
    assert (
        json.loads(Path("law/dynamics.json").read_text())["equations"][0]["text"] == found.equations[0].text
    )
    assert found.simulate([0, 100], {"degrees": 90.0})[-1] == pytest.approx(20, rel=1e-6)
    refused = edgewise(*words)
    assert refused.code != 0
    assert is_one_sentence(refused.err)
    other = edgewise("predict", "law/dynamics.kan", cooling)
    assert is_one_sentence(other.err)
    assert "simulate" in other.err


def test_courses_may_be_named_by_days(edgewise, cooling):
    text = Path(cooling).read_text().replace(",a,", ",2024-01-01,").replace(",b,", ",2024-01-02,")
    Path("days.csv").write_text(text)
    words = ["--groups", "cup", "--work", "0.1", "--out", "law", "-q"]
    done = edgewise("dynamics", "days.csv", "-t", "minute", *words)
    assert done.code == 0, done.err
    assert [course.label for course in load("law/dynamics.kan").courses] == ["2024-01-01", "2024-01-02"]


def test_rows_are_named_as_in_the_table(edgewise, cooling):
    lines = Path(cooling).read_text().splitlines()[:26]
    lines[3], lines[8], lines[9] = f"{lines[3].rpartition(',')[0]},", lines[9], lines[8]
    Path("falls.csv").write_text("\n".join(lines) + "\n")
    done = edgewise("dynamics", "falls.csv", "-t", "minute", "--columns", "degrees")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "in data row 9 instead;" in done.err


def test_courses_that_are_not_named_are_refused(edgewise, cooling):
    done = edgewise("dynamics", cooling, "-t", "minute", "--columns", "degrees")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "column of --time must have every time once" in done.err
    assert "the course of each row by groups" in done.err
    assert edgewise("dynamics", cooling, "-t", "hour").code == 2
    words = edgewise("dynamics", cooling, "-t", "minute")
    assert words.code == 2
    assert is_one_sentence(words.err)
    assert "Got words in 'cup' instead; name it by --groups" in words.err
    assert "for both" in edgewise("dynamics", cooling, "-t", "minute", "--groups", "minute").err
    assert (
        "did you mean 'sin'"
        in edgewise("dynamics", cooling, "-t", "minute", "--groups", "cup", "--exclude-functions", "sine").err
    )


def test_dates_are_counted_in_a_unit_that_is_told(edgewise):
    t = np.arange(30)
    clock = np.datetime64("2024-01-31T23:30:00") + t * np.timedelta64(600, "s")
    rows = [
        f"{str(when).replace('T', ' ')},{1 + 3 * np.exp(-0.01 * 10 * k):.10g}"
        for k, when in zip(t, clock, strict=True)
    ]
    rows[4] = rows[4].split(",")[0] + ","
    Path("tank.csv").write_text("\n".join(["when,level", *rows]) + "\n")
    done = edgewise("dynamics", "tank.csv", "-t", "when", "--work", "0.1", "-q")
    assert done.code == 0, done.err
    assert "level' = 0.01 - 0.01*level" in done.out
    assert "counted in minutes since 2024-01-31 23:30:00, rates are per minute" in done.out
    assert "1 row with missing cells is left out." in done.out
    told = json.loads(edgewise("dynamics", "tank.csv", "-t", "when", "--work", "0.1", "--json").out)
    assert told["time"] == {"column": "when", "unit": "minutes", "since": "2024-01-31 23:30:00"}
