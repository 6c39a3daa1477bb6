"""How many nats the parts of a formula take to be written down."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class CodeLengthConfig:
    """Nats of the parts of a formula, minus the logarithm of about how often laws of handbooks hold them.

    Attributes
    ----------
    operator, column, number, square, halves, ratio, measured : float
        Operators, columns and numbers; as exponents two, halves of whole numbers, other ratios, and what was measured.
    exact : float
        An exact number in place of a measured one, where rows are many: there are a dozen or so to choose from.
    shifted : float
        A root, a broken power or a logarithm of a column moved by a number: (x + 0.7)^(5/2) follows other curves closely.
    function, wave, rare, around : float
        Exponentials and logarithms, waves, and other functions; and a function around another one: cos(exp(x)) can follow
        almost anything and is hardly ever a law.
    """

    operator: float = 1.0
    column: float = 1.0
    number: float = 0.7
    square: float = 1.5
    halves: float = 3.0
    ratio: float = 4.0
    measured: float = 6.0
    exact: float = 2.5
    shifted: float = 3.0
    function: float = 1.5
    wave: float = 2.5
    rare: float = 4.0
    around: float = 4.0

    def __post_init__(self) -> None:
        check_config(self)
