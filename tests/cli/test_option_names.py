"""Refusals and advice name options of the command line, not arguments of Python."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import StopReason
from edgewise._core.rows import row_numbers
from edgewise.cli.option_names import with_data_rows, with_options

# 'work', work="thorough": what only Python understands.
ARGUMENT = re.compile(r"'[a-z_]+'|\b[a-z_]+=[\"']")


@pytest.mark.parametrize("reason", StopReason)
def test_advice_names_no_argument(reason):
    said = with_options(reason.advice)
    assert not ARGUMENT.search(said)
    assert said.endswith(".")


def test_what_is_no_argument_stays():
    text = "The rows lie between 'work' and 'seconds', as in a = 1; leave 'heat' out."
    assert with_options(text) == text


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=12))
def test_rows_are_those_of_the_file(numbers):
    """Each number one more, and nothing else changed."""
    said = with_data_rows(f"2 rows of 60: {row_numbers(numbers)}.")
    assert said == f"2 rows of 60: data {row_numbers([each + 1 for each in numbers])}.".replace(
        " (counted from 0)", ""
    )


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    t = np.linspace(0, 6, 60)
    noise = np.random.default_rng(0).normal(0, 0.05, 60)
    rows = [
        f"{a},{at % 2},{np.sin(a * a) / (1 + a) + b}" for at, (a, b) in enumerate(zip(t, noise, strict=True))
    ]
    Path("t.csv").write_text("\n".join(["t,run,y", *rows]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["formula", "-t", "y", "--columns", "t"],
        ["formula", "-t", "y", "--groups", "run"],
        ["dynamics", "-t", "t", "--columns", "y"],
    ],
    ids=["formula", "groups", "dynamics"],
)
def test_work_that_is_done_is_raised_by_an_option(edgewise, noisy, words):
    command = [words[0], "t.csv", *words[1:], "--work", "1e-6", "-q"]
    shown = edgewise(*command)
    assert shown.code == 0, shown.err
    assert "--work thorough" in shown.out
    told = json.loads(edgewise(*command, "--json").out)
    assert told["stop_reason"] == "work_spent"
    assert "--work thorough" in told["message"]
    assert not ARGUMENT.search(told["message"].replace("'y'", ""))
