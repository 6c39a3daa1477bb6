"""How raw columns become inputs, and logits probabilities, as LaTeX equations."""

from __future__ import annotations

from edgewise.exporting.columns import LevelInput, NumberInput
from edgewise.exporting.latex_text import latex_names, number, shifted, words
from edgewise.exporting.program import Program


def input_symbol(k: int) -> str:
    """The input of the network that columns become, number k from zero."""
    return f"u_{{{k + 1}}}"


def column_equations(program: Program, digits: int | None) -> list[str]:
    """One equation for each input."""
    found: list[str] = []
    at = 0
    for column, name in zip(program.columns, latex_names([c.name for c in program.columns]), strict=True):
        if isinstance(column, NumberInput):
            found.append(f"{input_symbol(at)} &= {_value(column, name, digits)}")
            if column.flagged:
                found.append(
                    rf"{input_symbol(at + 1)} &= 1 \text{{ if }} {name} \text{{ is missing, else }} 0"
                )
            for k, code in enumerate(column.codes, start=at + 1 + column.flagged):
                shown = number(code, None)
                found.append(rf"{input_symbol(k)} &= 1 \text{{ if }} {name} = {shown} \text{{, else }} 0")
        elif isinstance(column, LevelInput):
            found.append(f"{input_symbol(at)} &= {_codes(column, name)}")
        at += column.width
    return found


def _value(column: NumberInput, name: str, digits: int | None) -> str:
    value = name
    if column.transform == "asinh" or (column.centre, column.scale) != (0.0, 1.0):
        scale = number(column.scale, digits)
        value = rf"{shifted(name, column.centre, digits)} / {f'({scale})' if 'cdot' in scale else scale}"
    if column.transform == "asinh":
        value = rf"\operatorname{{arsinh}}\left({value}\right)"
    low, high = number(column.low, digits), number(column.high, digits)
    limited = rf"\min(\max({value}, {low}), {high})"
    codes = "".join(f"{number(code, None)}, " for code in column.codes)
    return rf"{limited}, {codes}\text{{ missing: }} {number(column.fill, digits)}"


def _codes(column: LevelInput, name: str) -> str:
    lines = [rf"{code} & {name} = {words(word)}" for code, word in enumerate(column.levels)]
    lines += [rf"{column.unseen} & \text{{another word}}", rf"{column.missing} & \text{{missing}}"]
    body = " \\\\\n".join(lines)
    return f"\\begin{{cases}}\n{body}\n\\end{{cases}}"


def logit_symbols(count: int) -> list[str]:
    """Symbols of the logits."""
    return ["z"] if count == 1 else [f"z_{{{k + 1}}}" for k in range(count)]


def class_equations(program: Program) -> list[str]:
    """Probabilities of the classes from the logits."""
    names = [words(str(label)) for label in program.classes or ()]
    if len(names) == 1:
        return [rf"P({names[0]}) &= 1"]
    if len(names) == 2:
        return [rf"P({names[1]}) &= \frac{{1}}{{1 + e^{{-z}}}}"]
    logits = logit_symbols(len(names))
    return [
        rf"P({name}) &= \frac{{e^{{{z}}}}}{{\sum_{{k}} e^{{z_{{k}}}}}}"
        for name, z in zip(names, logits, strict=True)
    ]
