"""The thresholds by which breaks are found: steps, kinks, teeth, and two laws on either side of a border."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class BreakConfig:
    """Thresholds of borders; none of them needs to be changed to use the search.

    Parameters
    ----------
    columns, rows : int
        Columns of a table at most, and rows that are looked at.
    degrees : tuple of int
        The largest of the polynomials beside a break, for one column, for two, and so on.
    rows_a_term : float
        Rows for a term of the polynomials.
    turns, places, edge : int, int and float
        Directions between two columns in a right angle, places along each, and the share of the rows that lies beyond the
        outermost.
    teeth, fewest_teeth, out_of_step, phases, rows_a_tooth : float, float, float, int and float
        Teeth in the range of a column from few to many, how many more the next grid has, starts of a tooth, and the rows
        that a tooth needs.
    toothed : int
        Lines whose waves explain most, which are tried for teeth.
    refined, refinements, finer : int
        The best borders of the grid that are refined; grids around each, half as wide as the one before, and places a side.
    better, gain : float
        Twice the logarithm of how much likelier a break must be than formulas, polynomials and a smooth model, and how many
        times the variance of the noise it must explain: the best of some thousand borders in noise explains about thirty.
    beside, sharp : float
        The border moved by this share of the rows must explain less by so many times the variance of the noise.
    starts : tuple of float
        Two laws: the shares of the rows on the first side that are tried.
    rounds : int
        Two laws: how often rows are given to the law that they follow.
    apart : float
        Two laws: the share of the rows nearest to the border that neither side is searched with.
    tried : int
        Borders that are followed.
    share : float
        Of the work that is left, so much goes into breaks at most. Without a limit, kinks at the magic numbers of nuclei
        took what the exchange of terms needs to find the law of nuclear binding.
    work, formulas : float and int
        Work on each table of its own, as a share of what is left, and formulas of it that go on.
    reached, constants : float and int
        A formula that leaves at most so many times what the polynomials do with the break, with at most so many constants,
        has found the law.
    """

    columns: int = 4
    rows: int = 800
    degrees: tuple[int, ...] = (8, 4, 3, 2)
    rows_a_term: float = 8.0
    turns: int = 6
    places: int = 21
    edge: float = 0.06
    teeth: float = 48.0
    fewest_teeth: float = 2.0
    out_of_step: float = 0.2
    phases: int = 8
    rows_a_tooth: float = 4.0
    toothed: int = 24
    refined: int = 3
    refinements: int = 7
    finer: int = 7
    better: float = 40.0
    gain: float = 50.0
    beside: float = 0.05
    sharp: float = 15.0
    starts: tuple[float, ...] = (0.35, 0.5, 0.65)
    rounds: int = 25
    apart: float = 0.04
    tried: int = 2
    share: float = 0.25
    work: float = 0.25
    formulas: int = 3
    reached: float = 1.05
    constants: int = 4

    def __post_init__(self) -> None:
        check_config(
            self,
            most=dict.fromkeys(("edge", "beside", "apart", "share", "work"), 1.0),
            least={"degrees": 1},
        )
