"""Limits of the stages of the search for the closed form of one curve."""

from __future__ import annotations

from dataclasses import dataclass, fields

from edgewise._core.config import check_config

# Of each stage: size of an exact formula that ends the search after it, and candidates that are fitted.
CurveStage = tuple[int, int]
# Of a sum: terms at most, and sums that are kept.
Sums = tuple[int, int]
# Of a pursuit: starts of each function, sums that are kept, and steps of each fit.
Starts = tuple[int, int, int]


@dataclass(frozen=True)
class CurveStageConfig:
    """How large formulas each stage tries, and when none after it is needed.

    A stage is (size, candidates): it ends the search with an exact formula of at most so many nodes, as no later stage could
    bring a simpler one, and fits the constants of so many candidates. Sizes rise with what the next stages would bring;
    candidates are what a stage of about a hundredth of all work has time for. Values were set by hand on laws of textbooks;
    single ones have not been compared.

    Attributes
    ----------
    polynomials, power_sums, single_functions, rationals, small_sums, products, scaled_forms, other_rationals : tuple of int
        Stages, in their order; sums of powers only where polynomials leave something.
    through_outers : tuple of int
        A function of a simple one is quickly found; anything longer must not shut out what the next ones bring.
    like_sums, function_products, square_sums, function_sums, inner_functions, waves, with_powers, chains : tuple of int
        Stages that follow.
    large_sums, outer_functions, outer_sums, long_sums : tuple of int
        The last but one.
    third_functions : tuple of int
        The part of `function_sums` that adds a third function: the size beyond which it is not needed, and candidates.
    loosened, loosened_steps : int
        The last one, which gives formulas a constant more everywhere: its size, and steps of a fit; `CurveConfig` sets how
        many formulas.
    products_done, with_powers_done, inner_done, outer_done, outer_sums_done, loosened_done : int
        Sizes that end a stage of many parts before its last one.
    powers_terms, small_terms, large_terms, scaled_terms, long_terms : tuple of int
        Terms of a sum, and sums that are kept.
    outer_powers_terms, outer_small_terms, outer_sums_terms : tuple of int
        The same inside a function.
    outer_degree, outer_quotient_degree, inner_quotient_degree, factor_quotient_degree : int
        Degrees of polynomials and of quotients: inside a function, in a function, and in one beside a power.
    phase_points : int
        Points of a curve that oscillates.
    single_starts, product_starts, with_powers_starts, inner_starts, outer_starts : tuple of int
        Starts of each function, fits that are kept, and steps of each.
    pair_groups, pair_kept, pair_steps : int
        Pairs of functions that are fitted, fits that are kept, steps.
    third_from, third_kept, third_steps : int
        Pairs that get a third function, fits kept, steps.
    composed_groups, composed_kept, composed_steps : int
        The same for products of two functions, and for one of another.
    chain_starts, chain_outer_starts : int
        Starts of inner functions in all, and of each outer one.
    most_singles : int
        Starts that are fitted at a time.
    heats : tuple of int
        After these steps the worse half of the fits leaves.
    start_alike : float
        Of one function several starts are tried only where no two have a cosine beyond this.
    starts_apart : float
        Two starts whose squared sine is smaller are the same.
    next_starts : int
        Starts of one more function, for each that may come from one: the best of so many functions.
    fewest_heat : int
        So many fits or fewer all stay.
    like_terms, like_first, like_kept, like_starts : int
        Terms of one kind: of a sum at most; starts of the first, sums that go on to the next, and starts of that.
    like_gain : float
        A term that takes off less than this share of what is left over ends its sum.
    """

    polynomials: CurveStage = (7, 3)
    power_sums: CurveStage = (40, 5)
    single_functions: CurveStage = (10, 4)
    rationals: CurveStage = (13, 4)
    small_sums: CurveStage = (13, 8)
    products: CurveStage = (14, 2)
    scaled_forms: CurveStage = (14, 6)
    other_rationals: CurveStage = (16, 6)
    through_outers: CurveStage = (8, 14)
    like_sums: CurveStage = (16, 8)
    function_products: CurveStage = (18, 6)
    square_sums: CurveStage = (18, 6)
    function_sums: CurveStage = (18, 6)
    inner_functions: CurveStage = (18, 1)
    waves: CurveStage = (20, 3)
    with_powers: CurveStage = (18, 1)
    chains: CurveStage = (22, 8)
    large_sums: CurveStage = (22, 10)
    outer_functions: CurveStage = (24, 1)
    outer_sums: CurveStage = (28, 3)
    long_sums: CurveStage = (40, 6)
    third_functions: CurveStage = (20, 4)
    loosened: int = 40
    loosened_steps: int = 30
    products_done: int = 12
    with_powers_done: int = 12
    inner_done: int = 14
    outer_done: int = 18
    outer_sums_done: int = 20
    loosened_done: int = 20
    powers_terms: Sums = (4, 4)
    small_terms: Sums = (3, 4)
    large_terms: Sums = (3, 6)
    scaled_terms: Sums = (1, 2)
    long_terms: Sums = (5, 4)
    outer_powers_terms: Sums = (3, 3)
    outer_small_terms: Sums = (1, 3)
    outer_sums_terms: Sums = (2, 3)
    outer_degree: int = 6
    outer_quotient_degree: int = 3
    inner_quotient_degree: int = 3
    factor_quotient_degree: int = 2
    phase_points: int = 600
    single_starts: Starts = (4, 8, 30)
    product_starts: Starts = (3, 4, 20)
    with_powers_starts: Starts = (2, 3, 20)
    inner_starts: Starts = (2, 4, 25)
    outer_starts: Starts = (2, 4, 20)
    pair_groups: int = 60
    pair_kept: int = 12
    pair_steps: int = 30
    third_from: int = 8
    third_kept: int = 8
    third_steps: int = 30
    composed_groups: int = 60
    composed_kept: int = 10
    composed_steps: int = 30
    chain_starts: int = 160
    chain_outer_starts: int = 40
    most_singles: int = 72
    heats: tuple[int, ...] = (4, 7, 11)
    start_alike: float = 0.9
    starts_apart: float = 1e-4
    next_starts: int = 6
    fewest_heat: int = 16
    like_terms: int = 4
    like_first: int = 6
    like_kept: int = 4
    like_starts: int = 3
    like_gain: float = 0.05

    def __post_init__(self) -> None:
        tuples = [each.name for each in fields(self) if isinstance(each.default, tuple)]
        check_config(self, most={"start_alike": 1.0, "like_gain": 1.0}, least=dict.fromkeys(tuples, 1))


CURVE_STAGES = CurveStageConfig()
