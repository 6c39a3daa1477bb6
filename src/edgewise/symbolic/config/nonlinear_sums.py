"""How sums are sought whose terms each hold a constant inside."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class NonlinearSumConfig:
    """The reach of the terms and of their selection, within `SearchConfig`.

    Set on sums drawn by seed 100 of `benchmarks/sums_of_terms.py`; the others are round numbers.

    Attributes
    ----------
    columns, early_columns, fewest_rows, rows : int
        Columns at most, and before other stages; rows that tell such sums apart; rows that terms are chosen on.
    degrees : tuple of int
        Polynomials of these total degrees stand beside the terms from the start, one after another: many take off what terms
        cannot follow, few leave the terms more of themselves to be told apart by.
    rates, steepest, flattest : int and float
        How many rates a function has, and how far its argument goes over the column with the fastest and the slowest.
    waves, wave_step, wave_most : float
        The slowest wave, the steps between waves, and the fastest, in radians over the range of the column.
    exponents : tuple of float
        Broken and negative powers.
    least_left : float
        What polynomials may take of a term before it is told by rounding alone, as a share of it.
    largest : float
        Terms whose values go beyond this are left out.
    alike : float
        A pair of terms counts as if at least this much of each, squared, stood apart from the other.
    pairs, singles, beam : int
        Pairs that are fitted; terms that are fitted beside what was found before; sums that go on from one number of terms
        to the next.
    terms : int
        Terms of one function at most, of which pairs come first.
    with_products, paired : int
        Sums beside which a product of two functions is tried, and those in which a pair takes the place of each term.
    product_grid : int
        Products of two functions are laid out at every so-manieth constant of each.
    promising, early_left : float
        A sum that leaves more of the spread than the first is not worth another term; before other stages are tried, the
        first sums must leave no more than the second.
    solved : float
        An error below this share of the spread is rounding.
    steps, short_steps, long_steps, polished : int
        Steps of a fit, of one that only compares, and of one that ends at rounding if that is all there is left, for so many
        of the best of each number of terms.
    exchanged, exchange_terms, reconsidered, rounds : int
        Sums whose terms are exchanged; other terms tried for each, those of them that are thinned out in turn, and times
        round.
    offered : int
        Sums that are thinned out, and offered.
    early_share, share : float
        Of the work that is left, what this may take before other stages and after them.
    """

    columns: int = 4
    early_columns: int = 3
    fewest_rows: int = 60
    rows: int = 500
    degrees: tuple[int, ...] = (3, 2, 1)
    rates: int = 16
    steepest: float = 25.0
    flattest: float = 0.15
    waves: float = 0.5
    wave_step: float = 0.5
    wave_most: float = 30.0
    exponents: tuple[float, ...] = (-2.5, -1.5, -0.75, -0.4, 0.3, 0.5, 0.7, 1.3, 1.6, 2.4, 3.4)
    least_left: float = 1e-5
    largest: float = 1e8
    alike: float = 1e-4
    pairs: int = 120
    singles: int = 30
    beam: int = 10
    terms: int = 4
    with_products: int = 4
    paired: int = 1
    product_grid: int = 2
    promising: float = 0.05
    early_left: float = 5e-3
    solved: float = 1e-11
    steps: int = 14
    short_steps: int = 4
    long_steps: int = 60
    polished: int = 2
    exchanged: int = 3
    exchange_terms: int = 16
    reconsidered: int = 2
    rounds: int = 3
    offered: int = 4
    early_share: float = 0.2
    share: float = 0.4

    def __post_init__(self) -> None:
        check_config(self, least={"exponents": -9.0})
