"""Programs, their dual functions and the search for multipliers: each bound is above every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from edgewise import KAN
from edgewise._core.arrays import Floats
from edgewise.verifying.bounds.bounder import Lagrange, rows_program
from edgewise.verifying.bounds.dual import MARGIN, DualRegion, dual, make_region, node_heights
from edgewise.verifying.bounds.exact import exact_model
from edgewise.verifying.bounds.intermediate_bounds import tighten
from edgewise.verifying.bounds.newton import input_choices, input_sites, minimise, node_choices
from edgewise.verifying.bounds.node_ranges import ranges
from edgewise.verifying.bounds.program import BoundsProgram
from edgewise.verifying.domain.goals import InputTerm, OutputBounds, OutputTerm
from edgewise.verifying.domain.space import CellSpace, Subdomains, draw, make_space, slots, whole
from tests.verifying.certificate_kit import domain, network

SHAPES = [(3, 1), (3, 4, 1), (3, 3, 2, 1)]


class Case:
    """A random network, a goal of one or two rows, its program over the whole domain, and rows with their excesses."""

    def __init__(self, shape: tuple[int, ...], seed: int, *, two: bool = False, count: int = 400) -> None:
        rng = np.random.default_rng([*shape, seed])
        self.net: KAN = network(shape, rng, degree=int(rng.integers(1, 4))).double()
        self.space: CellSpace = make_space(domain(shape[0], rng), shape[0])
        terms = (OutputTerm(0, 1.3), InputTerm(0, 0.4))
        self.goal = OutputBounds((terms, (OutputTerm(0, -0.7),)) if two else (terms,), (0.2, 0.1)[: 1 + two])
        self.program: BoundsProgram = rows_program((exact_model(self.net),), self.space, self.goal)
        self.part: Subdomains = whole(self.space, self.program.nodes)
        low, high, _ = ranges(self.program, self.part)
        self.low, self.high = low[0], high[0]
        self.region: DualRegion = make_region(self.program, self.part, low, high)
        self.x = draw(self.space, count, self.part, rng)
        y = self.net.predict(self.x)[:, 0]
        self.rows = np.stack([1.3 * y + 0.4 * self.x[:, 0] - 0.2, -0.7 * y - 0.1][: 1 + two])
        self.rng = rng

    @property
    def nodes(self) -> Floats:
        """Hidden nodes at the rows, by the network itself, (n, nodes)."""
        with torch.no_grad():
            sums = self.net.sums(torch.from_numpy(self.x))[:-1]
        return np.concatenate([np.zeros((len(self.x), 0)), *(total.numpy() for total in sums)], 1)

    def multipliers(self) -> Floats:
        """Random slopes, and shares of the rows."""
        v = self.rng.normal(size=self.program.size)
        shares = self.rng.random(self.program.rows) + 0.01
        v[self.program.nodes :] = shares / shares.sum()
        return v


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("two", [False, True])
def test_a_program_evaluates_like_the_network_whatever_the_multipliers(
    shape: tuple[int, ...], two: bool
) -> None:
    """What the slopes take from one place they add at another: at every row the sum is that of the goal's rows."""
    case = Case(shape, 0, two=two)
    program, v, h = case.program, case.multipliers(), case.nodes
    total = np.full(len(case.x), float(v @ program.constant))
    total += program.inputs.curves.values(case.x).sum(1) @ v[program.inputs.columns]
    for block in program.blocks:
        own = h[:, block.own]
        total += (block.curves.values(own) @ v[block.columns] - own * v[block.own]).sum(1)
    np.testing.assert_allclose(total, v[program.nodes :] @ case.rows, atol=1e-9)


@settings(max_examples=15)
@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 99), two=st.booleans())
def test_the_dual_function_is_above_every_row_and_convex(
    shape: tuple[int, ...], seed: int, two: bool
) -> None:
    case = Case(shape, seed, two=two)
    v, w = case.multipliers(), case.multipliers()
    at, other = (dual(case.program, case.region, item[None]) for item in (v, w))
    for point in (at, other):
        assert point.value[0] + MARGIN * point.size[0] >= case.rows.min(0).max()
    slack = 1e-9 * (at.size[0] + other.size[0])
    assert other.value[0] >= at.value[0] + at.gradient[0] @ (w - v) - slack
    # The point that attains it is one of the domain's, and its nodes lie in their ranges.
    if case.program.nodes:
        assert (at.nodes[0] >= case.low - 1e-9).all()
        assert (at.nodes[0] <= case.high + 1e-9).all()
        heights = node_heights(case.program, case.region, v[None], at.nodes[:, None])[0, 0]
        np.testing.assert_allclose(heights, at.heights[0], atol=1e-8 * (1 + at.size[0]))


@settings(max_examples=15)
@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 99))
def test_ranges_and_lemmas_hold_the_nodes_of_every_row(shape: tuple[int, ...], seed: int) -> None:
    case = Case(shape, seed)
    h = case.nodes
    assert (h >= case.low - 1e-12).all()
    assert (h <= case.high + 1e-12).all()
    part, lemmas = tighten(case.program, case.part, np.inf)
    low, high, empty = ranges(case.program, part)
    assert not empty[0]
    assert (h >= low[0] - 1e-9).all()
    assert (h <= high[0] + 1e-9).all()
    assert (low[0] >= case.low - 1e-9).all()
    assert (high[0] <= case.high + 1e-9).all()
    assert bool(lemmas) <= (len(shape) > 3)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_candidates_are_points_of_the_sites(shape: tuple[int, ...]) -> None:
    """So that none is worth more than the maximum that the dual function takes."""
    case = Case(shape, 1)
    program, v = case.program, case.multipliers()[None]
    layout, ends = input_sites(program), slots(case.space, case.part)
    found = input_choices(program, case.region, layout, *ends, v)
    worth = (found.vectors @ v[0, found.columns]).max(-1) if not found.out.any() else None
    worth = (found.vectors @ v[0, found.columns] + found.out).max(-1)[0] if worth is None else worth[0]
    nodal = 0.0
    for choice in node_choices(program, case.region):
        assert choice.heights is not None
        assert choice.own is not None
        assert (choice.heights[0] >= case.low[choice.own, None] - 1e-9).all()
        assert (choice.heights[0] <= case.high[choice.own, None] + 1e-9).all()
        nodal += (
            (choice.vectors[0] @ v[0, choice.columns] - choice.heights[0] * v[0, choice.own, None])
            .max(1)
            .sum()
        )
    most = dual(program, case.region, v)
    assert v[0] @ program.constant + worth.sum() + nodal <= most.value[0] + MARGIN * most.size[0]


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_newtons_multipliers_lower_the_bound_as_a_plain_optimiser_does(seed: int, two: bool) -> None:
    case = Case((3, 4, 1), seed, two=two)
    program, region = case.program, case.region
    start = np.zeros((1, program.size))
    start[0, program.nodes :] = 1 / program.rows
    free = np.ones(program.size, bool)
    free[program.nodes :] = program.rows > 1
    layout, ends = input_sites(program), slots(case.space, case.part)
    found = minimise(
        program,
        region,
        lambda v: input_choices(program, region, layout, *ends, v),
        start,
        np.array([-1e3]),
        free,
        warm=False,
    )
    first = float(dual(program, region, start).value[0])
    assert case.rows.min(0).max() <= found.bound[0] <= first + MARGIN * abs(first) + 1e-6
    shares = found.v[0, program.nodes : program.nodes + program.rows]
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1.0)

    def value(slopes: Floats) -> float:
        v = found.v.copy()
        v[0, : program.nodes] = slopes
        return float(dual(program, region, v).value[0])

    # With the same shares, from the same start: a method that takes no derivatives. Newton goes most of its way at least.
    least = minimize(value, np.zeros(program.nodes), method="Powell", options={"maxiter": 5}).fun
    assert found.bound[0] <= least + 0.5 * max(first - least, 0.0) + 1e-6


def test_a_solved_part_says_where_to_cut_and_suggests_rows_of_the_domain() -> None:
    case = Case((3, 4, 1), 2)
    way = Lagrange(case.program)
    made, rows = way.solve([case.part], way.start()[None], -1e3, [None], warm=False)
    assert made[0].split is not None
    assert made[0].bound >= case.rows[0].max()
    for x in np.concatenate(rows):
        for group in case.space.domain.groups:
            inside = [
                all(
                    low - 1e-9 <= x[i] <= high + 1e-9
                    for i, (low, high) in zip(group.inputs, cell, strict=True)
                )
                for cell in group.cells
            ]
            assert any(inside)
