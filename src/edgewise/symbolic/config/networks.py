"""What networks on the way to formulas are trained, thinned and read by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class NetworkConfig:
    """The thresholds of networks: how they are trained, which edges go, which forms the others get.

    Attributes
    ----------
    intervals : tuple of int
        Intervals of the networks, turn for turn: forms show on coarse grids already; later turns start anew, and finer.
    explains : float
        A network that leaves no more than this share of y's spread explains all, and is read at once.
    matched : float
        Formulas with at most so many times the error of the best network leave nothing to read.
    behind : float
        A network with so many times the error of the best formula is not read.
    reading_share, training_share : float
        Shares of all work for one step of reading a network, and for training one.
    training_left : float
        Share of the work that is left which training one may take where that is more.
    """

    intervals: tuple[int, ...] = (6, 10, 16)
    explains: float = 2e-2
    matched: float = 1.02
    behind: float = 1.05
    reading_share: float = 0.12
    training_share: float = 0.15
    training_left: float = 0.4

    def __post_init__(self) -> None:
        check_config(
            self,
            most=dict.fromkeys(("reading_share", "training_share", "training_left"), 1.0),
            least={"intervals": 1},
        )
