"""What may be set of the solvers of differential equations, and constants that several of them share."""

from __future__ import annotations

from dataclasses import dataclass, replace

# Degree in time within a slab.
TIME_DEGREE = 9
# Intervals of every coordinate on the first grid, and of a line, where they cost nothing; the first slab of time is such a
# part of the whole.
FIRST_INTERVALS = 2
LINE_INTERVALS = 8
FIRST_SLABS = 8
# So many times as many coefficients are allowed where equations are solved without a band.
BANDLESS = 5
# Intervals whose rough residuals are above this share of the largest are halved.
ROUGH_SHARE = 0.05
# Elements are made smaller that lack more than this share of what the worst does.
LACKING_SHARE = 1e-3
# Newton's steps on one grid; one below this share of the coefficients is the last, and steps are shortened to the second
# share of themselves at most.
MOST_STEPS = 40
STEP_TOLERANCE = 1e-13
SHORTEST_STEP = 1e-4
# Added to the diagonal of normal equations, in units of it, so that what the equations do not determine stays small.
DIAGONAL_SHIFT = 1e-15
# Marches through time at most, each with a smaller tolerance: that of the first in units of the one asked for, below 1 since
# slabs add up, and that of each further one, which estimates the error of the one before, in units of that one's.
MOST_MARCHES = 4
SLAB_SHARE = 0.4
CHECK_SHARE = 0.25
# Waves that are followed at most.
MOST_WAVES = 8192
# Reported are conditions that differ by more than this share of their size where faces meet; changes of the unknowns of
# which a smaller share of the terms of the equations is left; residuals above such a share of the terms; and sources and
# flows through the boundary that differ by more than such a share of them.
CONTRADICTION = 1e-6
UNDETERMINED = 1e-6
RESIDUAL_LEFT = 1e-4
IMBALANCE = 1e-6


@dataclass(frozen=True)
class SolverConfig:
    """Degrees and limits of the solvers; `work` scales how large grids may become.

    Attributes
    ----------
    degree : int
        Degree of the splines. Smooth solutions gain a factor 2^(degree + 1) from halved intervals, and cells cost its 2 d-th
        power; 9 was the fastest of 5, 7, 9, 11 to 1e-10 on Poisson's equation in the plane.
    mesh_degree : int
        Degree on the first elements of a shape.
    most_levels : int
        Grids that are tried at most, each finer where the solution asks for it.
    most_failures : int
        Times that a slab of time is tried again at most.
    loosest : float
        Marches are at least so fine: coarser ones cost more, since steps fail.
    most_coefficients : int
        Free coefficients that a grid has at most; a band of more does not fit into memory in three dimensions.
    mesh_coefficients : int
        Coefficients on a mesh at most.
    timed_numbers : int
        Numbers that describe a solution on a mesh through time at most.
    most_factors : int
        Coefficients of all factors on the road of products at most; a step costs their third power.
    """

    degree: int = 9
    mesh_degree: int = 6
    most_levels: int = 12
    most_failures: int = 40
    loosest: float = 1e-5
    most_coefficients: int = 20_000
    mesh_coefficients: int = 200_000
    timed_numbers: int = 40_000_000
    most_factors: int = 4500

    def scaled(self, work: float) -> SolverConfig:
        """The same with as many more coefficients as there is more work."""
        return replace(
            self,
            most_coefficients=max(int(self.most_coefficients * work), 100),
            mesh_coefficients=max(int(self.mesh_coefficients * work), 1000),
            timed_numbers=max(int(self.timed_numbers * work), 10_000),
            most_factors=max(int(self.most_factors * work), 100),
        )
