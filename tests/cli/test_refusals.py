"""Refusals name options of the command line and rows of the file, not arguments of Python."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError, StopReason
from edgewise._core.rows import data_rows, row_numbers
from edgewise.cli.commands.formula import FormulaRequest
from edgewise.cli.options import named_options
from edgewise.cli.outcome import refusal
from edgewise.symbolic import Formula, FormulaResult
from edgewise.symbolic.results.search_result import renumbered

# 'work', work="thorough": what only Python understands.
ARGUMENT = re.compile(r"'[a-z_]+'|\\b[a-z_]+=[\"']")


@pytest.mark.parametrize("reason", StopReason)
def test_advice_names_no_argument(reason):
    assert not ARGUMENT.search(reason.advice)
    assert reason.advice.endswith(".")


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=12, unique=True))
def test_rows_of_a_result_are_those_of_the_file(numbers):
    """Each number one more, and nothing else changed."""
    constant = Formula(sympy.Float(1.0), ())
    sentence = f"2 rows of 60: {row_numbers(numbers)}."
    found = FormulaResult(
        constant,
        (constant,),
        None,
        f"Done. {sentence}",
        0.0,
        remarks=(sentence,),
        gross_errors=tuple(numbers),
    )
    told = renumbered(found, lambda row: row + 1, data_rows)
    after = f"2 rows of 60: {data_rows([number + 1 for number in numbers])}."
    assert (told.message, told.remarks) == (f"Done. {after}", (after,))
    assert told.gross_errors == tuple(number + 1 for number in numbers)


def test_a_refusal_is_about_the_option_behind_the_argument():
    named = named_options(FormulaRequest)
    error = InputError(argument="sample_weight", expected="be finite", got="nan", rows=[2])
    assert (
        refusal(error, named, file_rows=True)
        == "The column of --weight must be finite. Got nan in data row 3 instead."
    )
    assert refusal(InputError(argument="costs['sin']", expected="be an int"), named) == (
        "The option --cost of 'sin' must be an int."
    )
    other = InputError(argument="other", expected="be 1")
    assert refusal(other, named) == str(other)


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
def test_that_the_work_was_done_is_said(edgewise, noisy, words):
    command = [words[0], "t.csv", *words[1:], "--work", "1e-6", "-q"]
    shown = edgewise(*command)
    assert shown.code == 0, shown.err
    assert "more work, thorough" in shown.out
    told = json.loads(edgewise(*command, "--json").out)
    assert told["stop_reason"] == "work_spent"
    assert "more work, thorough" in told["message"]
    assert not ARGUMENT.search(told["message"].replace("'y'", ""))
