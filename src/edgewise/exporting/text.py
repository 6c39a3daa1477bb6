"""Small pieces of source text: tables of numbers, safe names, the head comment."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.version import __version__
from edgewise.forms.tree import Node
from edgewise.programs.program import Column, LevelInput, Program, ProgramInput, Unused
from edgewise.symbolic.expressions.source import calls_in

WIDTH = 100


def numbers(values: ArrayLike) -> str:
    """All entries of an array, flattened, as decimal numbers that read back to the bit, in lines."""
    flat: list[float] = np.asarray(values, dtype=np.float64).ravel().tolist()
    return wrapped(map(repr, flat))


def integers(values: Iterable[int]) -> str:
    """Integers in lines."""
    return wrapped(map(str, values))


def wrapped(items: Iterable[str]) -> str:
    """Items joined by commas, in indented lines."""
    lines: list[str] = []
    line, length = list[str](), 0
    for item in items:
        if line and length + len(item) + 2 > WIDTH:
            lines.append(", ".join(line) + ",")
            line, length = [], 0
        line.append(item)
        length += len(item) + 2
    lines.append(", ".join(line) + ",")
    return "\n".join(f"    {line}" for line in lines)


def called(helpers: Mapping[str, str], trees: Iterable[Node]) -> list[str]:
    """The texts of those functions that formulas call."""
    calls = set[str]().union(*map(calls_in, trees))
    return [text for name, text in helpers.items() if name in calls]


def quoted(text: object) -> str:
    """A name on one line of ASCII and printable characters, whatever it holds: Python's own repr.

    It escapes line ends, quotes, lone surrogates and characters that change the direction of reading.
    """
    return repr(str(text))


def utf8(text: str) -> str:
    """Without lone surrogates, which no file can hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def head_lines(program: Program, does: str) -> list[str]:
    """The lines of the comment that opens every source: what it is, what made it, its inputs and outputs."""
    lines = [f"Made by edgewise {__version__} from {program.origin}.", *textwrap.wrap(does, WIDTH)]
    if program.columns:
        lines += ["", *_listed("Columns", [_column_line(column, program) for column in program.columns])]
    else:
        lines += ["", *_listed("Inputs", [_line(variable, program) for variable in program.inputs])]
    if program.columns or any(variable.low is not None for variable in program.inputs):
        lines += [
            "The ranges are those the model was trained on; outside them predictions are extrapolations."
        ]
    if program.classes is not None:
        return [*lines, "", *_listed("Classes", [quoted(class_name) for class_name in program.classes])]
    return [*lines, "", *_listed("Outputs", [_line(ProgramInput(name), program) for name in program.outputs])]


def _listed(title: str, items: Sequence[str]) -> list[str]:
    return [f"{title}, in this order ({len(items):,}):", *(f"  {k}  {item}" for k, item in enumerate(items))]


def _line(variable: ProgramInput, program: Program) -> str:
    span = "" if variable.low is None else f", {variable.low:.6g} to {variable.high:.6g}"
    return _with_unit(variable.name, program) + span


def _column_line(column: Column, program: Program) -> str:
    text = _with_unit(column.name, program)
    if isinstance(column, Unused):
        return f"{text}, not used"
    if isinstance(column, LevelInput):
        return f"{text}, words: {', '.join(map(quoted, column.levels))}"
    what = {"number": "", "bool": ", true (1) or false (0)", "date": ", dates as days since 1970"}[
        column.kind
    ]
    return f"{text}{what}, {column.first:.6g} to {column.last:.6g}"


def _with_unit(name: str, program: Program) -> str:
    return quoted(name) + (f" in {quoted(program.units[name])}" if name in program.units else "")


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
# Of C99, C11 and C++, so that the header can be included everywhere, and of the C library that the source itself calls.
_WORDS = """alignas alignof and asm auto bool break case catch char class compl const constexpr continue default delete do
    double else enum explicit export extern false float for friend goto if inline int long main namespace new not nullptr
    operator or private protected public register restrict return short signed sizeof static static_assert struct switch
    template this thread_local throw true try typedef typename typeof union unsigned using virtual void volatile while xor
    exp log sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh fabs pow expm1 log1p isnan strcmp
    y0 y1 yn j0 j1 jn gamma signgam"""
_RESERVED = frozenset(_WORDS.split())


def check_identifier(name: object) -> str:
    """A name that functions of the source can bear."""
    good = isinstance(name, str) and bool(_IDENTIFIER.fullmatch(name))
    if not good or name in _RESERVED:
        raise InputError(
            argument="name",
            expected="be a plain identifier such as 'predict', no reserved word",
            got=short(name),
        )
    return str(name)
