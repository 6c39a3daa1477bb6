"""What sums of known functions with varying coefficients are fitted and read by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class VaryingConfig:
    """The thresholds of y = sum_k a_k(u) f_k(v), without noise and (`noisy_...`) under it.

    Values without a reason are round ones set by hand; others have not been compared.

    Attributes
    ----------
    rows, sample : int
        Rows that are needed, and those that are fitted to.
    left : float
        What the polynomials may leave of the spread: more, and the functions are others.
    seen : float
        A coefficient, or what it varies by, that is no more than so many errors of the fit is none.
    doubt, least_doubt : float
        How closely a coefficient is thought to be known, in errors of the fit, and at least.
    close, least_close : float
        What a closed form of it may leave, in the same.
    tried, forms, formulas : int
        Closed forms of a coefficient that are asked for, those that are put together, and formulas that come of it.
    noisy_rows, noisy_degrees : int and tuple of int
        Rows that are needed under noise, and degrees of the coefficients.
    noisy_models, noisy_chance : int and float
        Models that are read, and how much worse than the best they may be.
    noisy_simplest, noisy_closest, noisy_second, noisy_near : int, int, int and float
        Closed forms of each coefficient that are put together, the simplest and the closest; those fitted once the other has
        its form; how much worse than the best they may be.
    noisy_faint : float
        A row where a function is smaller beside its greatest does not determine its coefficient.
    noisy_largest : float
        Exponentials are tried of columns up to this size: beyond, a few rows would decide.
    noisy_work, noisy_least_work : float
        Work on a coefficient, and what must be left to begin.
    """

    rows: int = 100
    sample: int = 700
    left: float = 3e-6
    seen: float = 30.0
    doubt: float = 100.0
    least_doubt: float = 1e-8
    close: float = 300.0
    least_close: float = 1e-7
    tried: int = 4
    forms: int = 2
    formulas: int = 3
    noisy_rows: int = 60
    noisy_degrees: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8)
    noisy_models: int = 2
    noisy_chance: float = 1.03
    noisy_simplest: int = 3
    noisy_closest: int = 2
    noisy_second: int = 6
    noisy_near: float = 1.3
    noisy_faint: float = 0.02
    noisy_largest: float = 20.0
    noisy_work: float = 0.5
    noisy_least_work: float = 0.3

    def __post_init__(self) -> None:
        check_config(self, most={"noisy_faint": 1.0}, least={"noisy_degrees": 1})
