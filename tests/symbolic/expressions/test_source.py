"""Formulas as C: it compiles without warnings and computes what `predict` does."""

from __future__ import annotations

import ctypes
import itertools
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.forms.functions import FUNCTIONS
from edgewise.symbolic import parse_formula
from edgewise.symbolic.expressions.source import c_source, identifiers, python_source
from edgewise.symbolic.results.formula import Formula

COMPILER = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off", "-fPIC", "-shared"]
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


def compiled(source: str, name: str, columns: int, folder: Path) -> object:
    assert COMPILER is not None
    (folder / "law.c").write_text(source)
    subprocess.run([COMPILER, *STRICT, "law.c", "-o", "law.so", "-lm"], cwd=folder, check=True)
    function = getattr(ctypes.CDLL(str(folder / "law.so")), name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * columns
    return function


@needs_compiler
def test_c_computes_the_same(tmp_path: Path) -> None:
    names = ("x1", "flow rate", "double", "µ", "exp", "unused */ \\", "_A", "M_PI")
    text = (
        "2.5*exp(-x1^2)*`flow rate`/3 + sqrt(double) - atan(µ)/(1.5 + x1^2) + abs(x1 - 1)^1.5 + pi/2 + log(exp) + _A^2 "
        "- sign(x1 - 1)*e + sin(M_PI)*cos(x1)*tanh(µ) + acosh(3 + x1) + asin(x1/4)"
    )
    law = Formula(parse_formula(text, names), names)
    X = np.random.default_rng(0).uniform(0.1, 2, (40, len(names)))
    function = compiled(law.c("law"), "law", len(names), tmp_path)
    assert callable(function)
    np.testing.assert_allclose([function(*row) for row in X], law.predict(X), rtol=1e-13)
    assert "flow_rate: flow rate" in law.c()


@pytest.mark.slow
@needs_compiler
def test_every_function_of_formulas(tmp_path: Path) -> None:
    from edgewise.forms.parser import read
    from edgewise.symbolic.expressions.tape import Tape

    # At jumps, ties, zeros of either sign, infinities and where there is no number.
    special = (-2.0, -0.7, -0.0, 0.0, 0.3, 1.0, 1.9, 3.0, math.inf, -math.inf, math.nan)
    for name, item in FUNCTIONS.items():
        columns = ("x", "y")[: item.arity]
        tree = read(f"{name}({', '.join(columns)})", columns)
        folder = tmp_path / name
        folder.mkdir()
        function = compiled(c_source(tree, columns, "law"), "law", item.arity, folder)
        assert callable(function)
        tape = Tape(tree, columns)
        python = python_source(tree, columns, "law")
        for row in itertools.product(special, repeat=item.arity):
            want = tape.value(tape.start, np.array([row]))[0]
            exact = name in ("abs", "sign", "step", "floor", "max", "min", "mod")
            got = function(*row)
            if math.isinf(row[0]) and not exact:
                continue
            assert (
                got == want if exact and want == want else got == pytest.approx(want, rel=1e-13, nan_ok=True)
            )
            if exact:
                space: dict[str, Any] = {}
                exec(python, space)
                with np.errstate(all="ignore"):
                    np.testing.assert_array_equal(space["law"](*row), want)


@needs_compiler
def test_a_constant_and_no_value(tmp_path: Path) -> None:
    function = compiled(Formula(sympy.Float(1.5), ("a", "b")).c("k"), "k", 2, tmp_path)
    assert callable(function)
    assert function(1.0, 2.0) == 1.5


@pytest.mark.parametrize("name", ["2x", "double", "exp", "a-b", "", "_x", "x" * 99])
def test_names_c_does_not_allow_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="plain identifier"):
        Formula(sympy.Symbol("x"), ("x",)).c(name)


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True))
def test_identifiers_are_distinct_and_plain(names: list[str]) -> None:
    found = identifiers(names, {"np", "x"})
    assert len(set(found)) == len(names)
    assert all(identifier.isidentifier() and identifier.isascii() for identifier in found)
    assert not {"np", "x"} & set(found)
