"""Settings of every table: how thorough to be, and on how many threads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes
    ----------
    quick : a small part of each table, in about a minute for all
    threads : processor threads for edgewise and for every reference
    data : MNIST as .npz (x_train, y_train, x_test, y_test), for the table of images
    smoke : only tiny sizes, to see that everything runs
    """

    quick: bool = False
    threads: int = 1
    data: Path | None = None
    smoke: bool = False

    @property
    def seconds(self) -> float:
        """Time for the repetitions of one comparison."""
        return 0.02 if self.smoke else 0.25 if self.quick else 1.0

    @property
    def least(self) -> int:
        """Repetitions at least."""
        return 3
