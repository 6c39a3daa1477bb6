"""What a part of y in one column is read by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class PartConfig:
    """The thresholds of a factor or a term of y in one column: its polynomial, and the closed forms of that.

    Attributes
    ----------
    degree, other_terms : int
        The polynomial that stands for the part, and terms at most of the one of the other columns beside it.
    points, forms : int
        Points of the part, and closed forms of it that are tried.
    work : float
        Work on those of more than one function.
    loose, least : float
        What a form may leave, in what is not known of the part, and as a share of it where that is known to rounding.
    unclear : float
        Where the best form leaves more, in the same, those of more than one function are looked for.
    plain_number : float
        How near a number in it must be to a simple one to be it, as a share.
    """

    degree: int = 14
    other_terms: int = 300
    points: int = 200
    forms: int = 3
    work: float = 0.33
    loose: float = 100.0
    least: float = 1e-5
    unclear: float = 10.0
    plain_number: float = 1e-5

    def __post_init__(self) -> None:
        check_config(self, most={"plain_number": 1.0})
