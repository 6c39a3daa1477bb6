"""How sums of terms with constants inside are sought under noise."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class NoisySumConfig:
    """What such sums are grown, shortened and changed by, within `SearchConfig`.

    Set on sums drawn by seeds 1 to 3 of `benchmarks/sums_of_terms.py` with 1 % noise.

    Attributes
    ----------
    directions, pool : int
        Directions that terms span, as closely as noise lets anybody see; places on the grids of constants at most.
    degree, beside : int
        Total degree of the products of powers among the terms, and of those that stand beside terms from the start.
    broken : tuple of float
        Other powers of a positive column that stand there without being measured.
    rows, steps, short_steps, close_steps : int
        Rows that constants inside terms are fitted to, and the steps of a fit, of one that only compares, and of one on all
        rows.
    alike, least_left : float
        A pair of terms counts as if at least this much of each, squared, stood apart from the other; a term of which others
        leave less, squared, is not told by the rows.
    pairs, singles, beam, longest : int
        Pairs and terms that are fitted; sums that go on from one number of terms to the next; terms at most.
    exchanged, other_singles, other_pairs, glance, tried, reconsidered, rounds : int
        Sums whose terms are exchanged; terms and pairs that are tried in place of each; steps of a first fit of these; how
        many are then fitted further, how many of these are shortened, and times round.
    offered : int
        Sums that are offered: several describe the rows as well.
    leads : float
        A sum that leaves only noise ends the search where no formula of another kind comes as near in nats.
    share : float
        Of the work that is left, what this may take.
    """

    directions: int = 300
    pool: int = 1400
    degree: int = 3
    beside: int = 2
    broken: tuple[float, ...] = (0.5, 1.5, -0.5, -1.0, -2.0)
    rows: int = 600
    steps: int = 10
    short_steps: int = 4
    close_steps: int = 6
    alike: float = 1e-3
    least_left: float = 1e-8
    pairs: int = 80
    singles: int = 12
    beam: int = 10
    longest: int = 5
    exchanged: int = 3
    other_singles: int = 6
    other_pairs: int = 14
    glance: int = 3
    tried: int = 40
    reconsidered: int = 3
    rounds: int = 4
    offered: int = 12
    leads: float = 100.0
    share: float = 0.5

    def __post_init__(self) -> None:
        check_config(self, least={"broken": -9.0})
