"""Every constant of the solvers of differential equations, with its meaning and why it has its value."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ProductConfig:
    """Constants of the road of products in `solve`.

    Attributes
    ----------
    degree : int
        Degree of the factors' splines.
    first : int
        Products at first. Few have few places to get stuck; of 5 and 8 on a front, 8 ended in a valley.
    more, least_more : float, int
        Share of the products, and number, that are added at a time.
    marked : float
        Intervals are halved that have this share of the squared rough residuals.
    worth, again : float
        Products stay that bring the squared residuals to this share; what brought them to the second share is done again,
        be it a finer grid or more products.
    promising, shortest : float
        Products are trained that lower the squared residuals to this share by themselves, with this share of their step at
        least.
    damping, most_damping : float
        First and largest number added to the scaled diagonal.
    most_steps, slow_steps : int
        Steps on a grid; so many that leave more than `slow` of the squared residuals end it.
    slow : float
    sweeps, shift : int, float
        Turns of alternating least squares for new products, and what is added to their scaled diagonal.
    coarse, undetermined : int, float
        On a grid of so many intervals, all coefficients have a weakest pivot above that, in units of the largest, where the
        equations determine the unknowns: of eight problems that do it was 0.03 and more, without a condition 3e-6.
    """

    degree: int = 7
    first: int = 5
    more: float = 1 / 3
    least_more: int = 3
    marked: float = 0.9
    worth: float = 0.8
    again: float = 0.3
    promising: float = 0.8
    shortest: float = 0.01
    damping: float = 1e-3
    most_damping: float = 1e12
    most_steps: int = 100
    slow_steps: int = 4
    slow: float = 0.9
    sweeps: int = 3
    shift: float = 1e-6
    coarse: int = 8
    undetermined: float = 1e-3


@dataclass(frozen=True)
class SolverConfig:
    """Constants of `solve`.

    Attributes
    ----------
    degree : int
        Degree of the splines. Smooth solutions gain a factor 2^(degree + 1) from halved intervals, and cells cost its 2 d-th
        power; 9 was the fastest of 5, 7, 9, 11 to 1e-10 on Poisson's equation in the plane.
    time_degree : int
        Degree in time within a slab.
    first_intervals : int
        Intervals of every coordinate on the first grid.
    first_slabs : int
        The first slab of time is this share of the whole.
    space_share : float
        What space may lack, as a share of what time may.
    most_failures : int
        Times that a slab is tried again at most.
    most_levels : int
        Grids that are tried at most, each finer where the solution asks for it.
    most_coefficients : int
        Free coefficients that a grid has at most; a band of more does not fit into memory in three dimensions.
    bandless : int
        So many times as many where equations are solved without a band.
    refine_share : float
        Intervals whose rough residuals are above this share of the largest are halved.
    most_steps : int
        Gauss-Newton steps on one grid.
    step_tolerance : float
        A step below this share of the coefficients is the last.
    shortest : float
        A step is shortened to this share of itself at most.
    shift : float
        Added to the diagonal, in units of it, so that what the equations do not determine stays small.
    krylov_share : float
        Newton's steps in slabs of time are exact to this share.
    krylov_steps : int
        Steps of GMRES at most.
    first_share : float
        Where Newton's method fails, nonlinear terms are taken in by such a share first.
    most_shares, share_steps : int
        Shares that are tried on a grid at most, and steps of Newton's method for each.
    family_share : float
        Tolerance of the members of a family, in units of its own.
    most_members : int
        Values of a parameter that are solved for at most; one more than a power of two.
    slab_share : float
        Tolerance of the first march through time, in units of the one asked for; slabs add up, so that it is below 1.
    check_share : float
        Tolerance of the march that estimates the error of another, in units of that one's.
    loosest : float
        Marches are at least so fine: coarser ones cost more, since steps fail.
    most_marches : int
        Marches at most, each with a smaller tolerance, until the estimated error is small enough.
    most_turns : float
        Where waves of the start turn by more than this angle (radians), their turning is solved for exactly, the rest of the
        equations beside it; slabs of polynomials would follow a few radians each.
    most_waves : int
        Of these at most.
    most_beats : int
        Places in a slab at most, at which fast waves are averaged.
    same_slab : (float, float)
        Slabs of waves stay as long as they are where they could be longer by a factor in between: how far waves turn is
        known then.
    wave_share : float
        What missing waves may lack, as a share of what time may.
    contradiction : float
        Conditions that differ by more than this share of their size where faces meet are reported.
    violation : float
        Conditions met in the mean may be missed by so many tolerances of their terms before it is reported.
    undetermined : float
        Unknowns whose weakest combination has a smaller pivot, in units of the largest, are reported as undetermined.
    stall, stall_change : float
        Refinement ends early where the sum of squares stays above the first share of what it was two grids ago, and the
        unknowns change by less than the second.
    residual_left, residual_fall : float
        A residual above the first share of the terms that falls by less than the second factor on the last grid is reported.
    first_waves, first_steps : float, int
        Waves along the longest coordinate and steps through time of the first course whose start is searched.
    most_course_waves, most_course_steps : float, int
        Of these at most.
    rough_share, course_share : float
        On the way, a course may miss each value by so much of its noise; in the end, all values together by so much.
    first_shells : int
        Waves in the first start.
    most_start_modes : int
        Weights of a start at most.
    ring_known : float
        Finer waves are taken in where the data determine more than this share of the finest.
    window_values, most_windows : int
        Windows of time are halved while so many values are left in them, and so often at most.
    size_turns : int
        Times that the sizes of waves are learned at most.
    size_change : float
        They stand when they change by less than this (natural logarithm).
    least_gain, window_gain : float
        Steps end when the next would gain less than this in half the sum of squares: 0.005 is a tenth of a standard error.
        The second is that of windows before the last.
    imbalance : float
        Sources and flows through the boundary that differ by more than this share of them are reported not to balance.
    mesh_degree, mesh_top : int
        Degrees on the first and the finest elements of a shape.
    mesh_width : float
        Elements of a shape are about half as wide as this share of its size at first.
    mesh_layers : int
        Layers of elements that are added at a corner at a time.
    mesh_share : float
        Layers are added at a corner that has more than this share of what all elements lack.
    mesh_slow, mesh_fall : int, float
        From this degree on, elements are made smaller where the last degree lowered what they lack by less than the factor;
        smaller elements begin with it.
    mesh_mark : float
        Elements are made smaller that lack more than this share of what the worst does.
    mesh_coefficients : int
        Coefficients on a mesh at most.
    first_lacks : float
        What slabs of time may lack on the first mesh of a shape, relative to the unknowns.
    slab_fall : float
        Slabs on the next mesh are shorter by this factor at least: with nine stages their error is a tenth then.
    timed_numbers : int
        Numbers that describe a solution on a mesh through time at most.
    solid_width : float
        Tetrahedra in a solid are at most as wide as this share of its size at first.
    surface_top, surface_slow, surface_fall : int, int, float
        The highest degree on triangles of surfaces, and what `mesh_slow` and `mesh_fall` are on shapes, of a degree.
    solid_top, solid_slow, solid_fall : int, int, float
        The highest degree on tetrahedra, and what `mesh_slow` and `mesh_fall` are on shapes, of a degree.
    equation_noise : float
        `identify` takes equations to hold up to this share of the noise of the data, relative to their terms.
    equation_left : float
        It refines grids until the weighed residuals of the equations are below this share of the number of data.
    first_share_of_terms, tightening : float
        At first they may be missed by this share of their terms, then by so many times less.
    soft_share : float
        Finer grids begin where they could be missed by this share.
    most_growth : float
        A grid on which the misfit of the data grows by more than this factor as the equations are taken in is too coarse.
    bent : float
        Where harder equations make the misfit grow by more than this factor, and above the noise, the grid bends fields.
    least_left : float
        Data of which the unknowns follow all but this share determine no constants.
    flat : float
        Constants whose normal equations, scaled to a diagonal of ones, have a smaller eigenvalue are known only jointly.
    values_each : float
        The first grid of `identify` has at most one coefficient for so many values.
    coarse_fall : float
        A finer grid follows at once where the data are missed by more than that, but by less than this share of before.
    constants_stand : float
        Constants stand when a finer grid moves them by less than this share of their errors.
    degree_in_many : int
        Degree of its splines where there are three coordinates and more.
    most_factors : int
        Coefficients of all factors on the road of products at most; a step costs their third power.
    products : ProductConfig
    """

    degree: int = 9
    time_degree: int = 9
    first_intervals: int = 2
    first_slabs: int = 8
    space_share: float = 0.03
    most_failures: int = 40
    most_levels: int = 12
    most_coefficients: int = 20_000
    bandless: int = 5
    refine_share: float = 0.05
    most_steps: int = 40
    step_tolerance: float = 1e-13
    shortest: float = 1e-4
    shift: float = 1e-15
    krylov_share: float = 1e-3
    krylov_steps: int = 40
    first_share: float = 0.25
    most_shares: int = 16
    share_steps: int = 10
    family_share: float = 0.3
    most_members: int = 17
    slab_share: float = 0.4
    check_share: float = 0.25
    loosest: float = 1e-5
    most_marches: int = 4
    most_turns: float = 1000.0
    most_waves: int = 8192
    most_beats: int = 320
    same_slab: tuple[float, float] = (0.96, 1.15)
    wave_share: float = 0.5
    contradiction: float = 1e-6
    violation: float = 100.0
    undetermined: float = 1e-6
    stall: float = 0.8
    stall_change: float = 0.02
    residual_left: float = 1e-4
    residual_fall: float = 0.5
    equation_noise: float = 1e-3
    equation_left: float = 0.03
    first_share_of_terms: float = 1.0
    tightening: float = 10.0
    soft_share: float = 0.1
    constants_stand: float = 0.2
    most_growth: float = 3.0
    bent: float = 1.2
    least_left: float = 0.05
    flat: float = 1e-9
    values_each: float = 4.0
    coarse_fall: float = 0.5
    degree_in_many: int = 5
    first_waves: float = 8.0
    first_steps: int = 32
    most_course_waves: float = 200.0
    most_course_steps: int = 100_000
    rough_share: float = 0.1
    course_share: float = 0.1
    first_shells: int = 3
    most_start_modes: int = 700
    ring_known: float = 0.2
    window_values: int = 60
    most_windows: int = 5
    size_turns: int = 8
    size_change: float = 0.1
    least_gain: float = 5e-4
    window_gain: float = 0.3
    imbalance: float = 1e-6
    mesh_degree: int = 6
    mesh_top: int = 20
    mesh_width: float = 0.4
    mesh_layers: int = 5
    mesh_share: float = 0.05
    mesh_slow: int = 10
    mesh_fall: float = 8.0
    mesh_mark: float = 1e-3
    mesh_coefficients: int = 200_000
    first_lacks: float = 1e-3
    slab_fall: float = 0.8
    timed_numbers: int = 40_000_000
    solid_width: float = 0.3
    surface_top: int = 12
    surface_slow: int = 5
    surface_fall: float = 2.0
    solid_top: int = 10
    solid_slow: int = 4
    solid_fall: float = 2.5
    most_factors: int = 4500
    products: ProductConfig = ProductConfig()

    def scaled(self, work: float) -> SolverConfig:
        """The same with as many more coefficients as there is more work."""
        return replace(
            self,
            most_coefficients=max(int(self.most_coefficients * work), 100),
            mesh_coefficients=max(int(self.mesh_coefficients * work), 1000),
            timed_numbers=max(int(self.timed_numbers * work), 10_000),
            most_factors=max(int(self.most_factors * work), 100),
        )


@dataclass(frozen=True)
class DiscoveryConfig:
    """Constants of `discover`.

    Attributes
    ----------
    degree, roughness : int
        Degree of the splines through the values, and order of the derivative that smoothing keeps small.
    splines_share : float
        Splines per place of a coordinate that does not repeat.
    most_splines : int
        Splines of a coordinate at most.
    smoothing : float
        Fields are smoothed by this share of what cross-validation asks for: integrals against weighting functions average
        noise away, but not what smoothing takes off fronts.
    most_products : int
        Products of functions of single coordinates that scattered values are fitted with at most.
    least_noise : float
        Fields are taken to be no more exact than this share of their root mean square.
    corner_share : float
        A coordinate's finest waves that hold less than this share of the energy above the noise do not count.
    more_power : int
        Weighting functions are (1 - s^2)^p, p so much above the highest derivative.
    reach : float
        Their width: so many standard deviations of their spectrum fit below the last wave that counts.
    most_places : int
        Places that integrals are sums over are doubled along one coordinate after the other up to so many.
    fewest_places, widest : float
        Half of a weighting function is at least so many places, and at most this share of the coordinate, wide.
    density : float
        Weighting functions per half width.
    most_rows : int
        Weighting functions at most, of all experiments.
    most_terms : int
        Terms of a law at most.
    passes, turns : int
        Searches at most, each with the covariance of the law before; turns of coefficients and covariance at most.
    least_share : float
        Differences below this share of the left side's square are not looked at.
    least_gain : float
        A term has to take away at least this share of what is left without it: the rows' noise is known to first order only.
    halves : int
        Random halves of the rows from which terms are chosen again.
    """

    degree: int = 7
    roughness: int = 4
    splines_share: float = 0.75
    most_splines: int = 320
    smoothing: float = 0.01
    most_products: int = 700
    least_noise: float = 1e-5
    corner_share: float = 1e-4
    more_power: int = 3
    reach: float = 1.6
    most_places: int = 700_000
    fewest_places: float = 6.0
    widest: float = 0.3
    density: float = 3.0
    most_rows: int = 1200
    most_terms: int = 8
    passes: int = 5
    turns: int = 4
    least_share: float = 1e-6
    least_gain: float = 0.1
    halves: int = 50
