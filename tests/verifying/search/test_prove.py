"""What is proved holds at every row, what is refuted comes with a row, and certificates pass the independent checker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise import KAN, InputError, StopReason
from edgewise._core.work import Meter, running
from edgewise.verifying.checker import check
from edgewise.verifying.domain.domain import Domain, Group
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputBounds, OutputTerm, Slope
from edgewise.verifying.results.certificate import certificate
from edgewise.verifying.search.prove import WORK_UNITS, Outcome, Step, prepare
from tests.verifying.proving import maximise, prove


def network(shape: Sequence[int], seed: int, degree: int = 3, size: float = 1.5) -> KAN:
    net = KAN(list(shape), seed=seed, degree=degree, intervals=4, dtype=torch.float64)
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.mul_(size)
        net.input_shift.copy_(torch.from_numpy(random.normal(size=shape[0])))
        net.input_scale.copy_(torch.from_numpy(random.uniform(0.5, 2, shape[0])))
        net.output_scale.fill_(1.7)
    return net


def box(net: KAN, codes: tuple[int, ...] = (), count: int = 3) -> Domain:
    """Intervals a little wider than the grids; the inputs in `codes` take a few points."""
    ends = zip(
        (net.input_shift - 1.2 * net.input_scale).tolist(),
        (net.input_shift + 1.1 * net.input_scale).tolist(),
        strict=True,
    )
    groups: list[Group] = []
    for i, (low, high) in enumerate(ends):
        points = tuple(((float(x), float(x)),) for x in np.linspace(low, high, count))
        groups.append(Group(f"x{i}", (i,), points if i in codes else (((low, high),),)))
    return Domain(tuple(groups))


def sample(domain: Domain, count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    columns: list[np.ndarray] = []
    for group in domain.groups:
        ends = np.array([cell[0] for cell in group.cells])[random.integers(len(group.cells), size=count)]
        columns.append(ends[:, 0] + (ends[:, 1] - ends[:, 0]) * random.uniform(size=count))
    return np.stack(columns, 1)


def accepted(
    nets: Sequence[KAN], domain: Domain, claim: dict[str, Any], outcomes: Sequence[Outcome], where: Path
) -> bool:
    """Whether the independent checker accepts what the outcomes prove."""
    paths: list[Path] = []
    for n, net in enumerate(nets):
        paths.append(where / f"{n}.kan")
        ew.save(net, paths[-1], overwrite=True)
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    evidence = [outcome.evidence for outcome in outcomes]
    assert all(item is not None for item in evidence)
    made = certificate(hashes, claim, domain, evidence)  # pyright: ignore[reportArgumentType]
    made.save(where / "proof.json", overwrite=True)
    verdict = check(where / "proof.json", *paths)
    assert verdict.accepted, verdict.reason
    return verdict.accepted


def output(weight: float = 1.0, moved: tuple[int, int] | None = None, model: int = 0) -> OutputTerm:
    return OutputTerm(0, weight, model, moved)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [[3, 1], [3, 4, 1], [3, 3, 3, 1]])
@pytest.mark.parametrize("degree", [1, 3])
def test_ranges_are_certified(shape: list[int], degree: int, tmp_path: Path) -> None:
    net = network(shape, seed=len(shape), degree=degree)
    domain = box(net, codes=(1,))
    high = maximise(net, domain, [output()], work=0.03, gap=0.05)
    low = maximise(net, domain, [output(-1.0)], work=0.03, gap=0.05)
    slack = 0.05 * (high.upper + low.upper)
    up = prove(net, domain, OutputBounds(((output(),),), (high.upper + slack,)))
    down = prove(net, domain, OutputBounds(((output(-1.0),),), (low.upper + slack,)))
    assert (up.status, down.status) == ("proved", "proved")
    claim = {"type": "range", "output": 0, "low": -(low.upper + slack), "high": high.upper + slack}
    assert accepted([net], domain, claim, [up, down], tmp_path)
    y = net.predict(sample(domain, 20_000))
    assert y.max() <= high.upper
    assert -y.min() <= low.upper


def test_evidence_of_maximise_proves_its_bound(tmp_path: Path) -> None:
    net = network([4, 4, 1], seed=11)
    domain = box(net, codes=(0,))
    bounds = maximise(net, domain, [output(), InputTerm(2, 0.25)], gap=0.02)
    assert bounds.leaves > 1
    terms = [{"output": 0, "weight": 1.0, "model": 0, "moved": None}, {"input": 2, "weight": 0.25}]
    assert accepted(
        [net], domain, {"type": "linear", "terms": terms, "bound": bounds.upper}, [bounds], tmp_path
    )


def test_a_goal_is_refuted_by_a_row_that_breaks_it() -> None:
    net = network([4, 5, 1], seed=3)
    domain = box(net, codes=(2,))
    bounds = maximise(net, domain, [output()], work=0.05)
    outcome = prove(net, domain, OutputBounds(((output(),),), (bounds.lower - 1e-3,)))
    assert outcome.status == "refuted"
    assert outcome.evidence is None
    assert outcome.witness is not None
    assert net.predict(outcome.witness[None])[0, 0] - (bounds.lower - 1e-3) == pytest.approx(
        outcome.lower, abs=1e-9
    )
    for group, x in zip(domain.groups, outcome.witness, strict=True):
        assert any(low <= x <= high for ((low, high),) in group.cells)


def test_rows_given_can_refute_at_once() -> None:
    net = network([4, 5, 1], seed=3)
    domain = box(net)
    rows = sample(domain, 500)
    y = net.predict(rows)[:, 0]
    outcome = prove(net, domain, OutputBounds(((output(),),), (float(np.quantile(y, 0.99)),)), rows=rows)
    assert (outcome.status, outcome.leaves) == ("refuted", 0)


def flips(net: KAN, domain: Domain, group: int, threshold: float, work: float = 0.15) -> list[Outcome]:
    count = len(domain.groups[group].cells)
    return [
        prove(
            net,
            domain,
            OutputBounds(((output(1.0, (group, a)),), (output(-1.0, (group, b)),)), (threshold, -threshold)),
            work=work,
        )
        for a in range(count)
        for b in range(count)
        if a != b
    ]


def test_an_attribute_that_nothing_reads_never_flips_a_decision(tmp_path: Path) -> None:
    net = network([3, 4, 1], seed=5)
    mask = net.layers[0].mask.clone()
    mask[1] = False
    net.layers[0].set_mask(mask)
    domain = box(net, codes=(1,), count=2)
    threshold = float(np.median(net.predict(sample(domain, 1000))))
    found = flips(net, domain, 1, threshold)
    assert [flip.status for flip in found] == ["proved", "proved"]
    assert all(flip.leaves == 1 for flip in found)
    assert accepted(
        [net],
        domain,
        {"type": "never_flips", "output": 0, "group": 1, "threshold": threshold},
        found,
        tmp_path,
    )


def test_flips_are_found_and_ruled_out(tmp_path: Path) -> None:
    net = network([3, 4, 1], seed=6)
    with torch.no_grad():
        net.layers[0].coef[1] *= 0.2
    domain = box(net, codes=(1,), count=2)
    y = net.predict(sample(domain, 5000))[:, 0]
    middle = flips(net, domain, 1, float(np.median(y)))
    assert "refuted" in [flip.status for flip in middle]
    for flip in middle:
        if flip.status == "refuted":
            assert flip.witness is not None
            a, b = flip.witness.copy(), flip.witness.copy()
            a[1], b[1] = (cell[0][0] for cell in domain.groups[1].cells)
            decisions = net.predict(np.stack([a, b]))[:, 0] > float(np.median(y))
            assert decisions[0] != decisions[1]
    threshold = float(y.max() + 0.3 * (y.max() - y.min()))
    beyond = flips(net, domain, 1, threshold)
    assert [flip.status for flip in beyond] == ["proved", "proved"]
    assert accepted(
        [net],
        domain,
        {"type": "never_flips", "output": 0, "group": 1, "threshold": threshold},
        beyond,
        tmp_path,
    )


@pytest.mark.slow
@pytest.mark.parametrize("shape", [[3, 1], [3, 4, 1], [3, 2, 2, 1]])
def test_the_greatest_change_is_certified(shape: list[int], tmp_path: Path) -> None:
    net = network(shape, seed=7)
    domain = box(net, codes=(1,), count=3)
    pairs = [(a, b) for a in range(3) for b in range(3) if a != b]
    tau = 1.3 * max(
        maximise(net, domain, [output(1, (1, a)), output(-1, (1, b))], work=0.002, gap=0.1).upper
        for a, b in pairs
    )
    found = [
        prove(net, domain, OutputBounds(((output(1, (1, a)), output(-1, (1, b))),), (tau,))) for a, b in pairs
    ]
    assert {item.status for item in found} == {"proved"}
    assert accepted(
        [net], domain, {"type": "changes_at_most", "output": 0, "group": 1, "tau": tau}, found, tmp_path
    )


def increasing(shape: list[int], seed: int) -> KAN:
    """Coefficients that rise along every edge, so that the network rises in every input."""
    net = network(shape, seed)
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in net.layers:
            steps = torch.from_numpy(random.uniform(0.05, 0.4, tuple(layer.coef.shape)))
            layer.coef.copy_(steps.cumsum(1) - 0.5 * steps.sum(1, keepdim=True))
    return net


@pytest.mark.parametrize("shape", [[3, 1], [3, 3, 1], [2, 2, 2, 1]])
def test_monotone_networks_are_proved_monotone(shape: list[int], tmp_path: Path) -> None:
    net = increasing(shape, seed=1)
    domain = box(net)
    outcome = prove(net, domain, Slope(0, 1, -1, 0.0))
    assert outcome.status == "proved"
    assert accepted(
        [net], domain, {"type": "monotone", "output": 0, "input": 1, "direction": 1}, [outcome], tmp_path
    )
    falling = prove(net, domain, Slope(0, 1, 1, 0.0))
    assert falling.status == "refuted"
    assert falling.witness is not None


@pytest.mark.parametrize("shape", [[3, 1], [3, 4, 1], [2, 3, 2, 1]])
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_slopes_of_rows_lie_below_the_certified_bound(shape: list[int], degree: int, tmp_path: Path) -> None:
    net = network(shape, seed=13, degree=degree)
    domain = box(net)
    loose = [prove(net, domain, Slope(0, 0, sign, 1e4)) for sign in (1, -1)]
    bound = max(text.upper for text in loose) + 1e4 + 1e-6
    rows = sample(domain, 4000)
    step = 1e-6
    ahead = rows.copy()
    ahead[:, 0] += step
    steepest = np.abs(net.predict(ahead) - net.predict(rows)).max() / step
    assert steepest <= bound + 1e-4
    found = [prove(net, domain, Slope(0, 0, sign, bound)) for sign in (1, -1)]
    assert {item.status for item in found} == {"proved"}
    assert accepted(
        [net], domain, {"type": "lipschitz", "output": 0, "input": 0, "bound": bound}, found, tmp_path
    )


def test_two_networks_are_equal_within_what_they_differ_by(tmp_path: Path) -> None:
    one = network([2, 3, 1], seed=2)
    other = network([2, 3, 1], seed=2)
    with torch.no_grad():
        other.layers[1].coef.add_(0.01)
    domain = box(one, codes=(0,))
    goals = [OutputBounds(((output(sign, None, 0), output(-sign, None, 1)),), (0.4,)) for sign in (1.0, -1.0)]
    found = [prove([one, other], domain, goal) for goal in goals]
    assert {item.status for item in found} == {"proved"}
    assert accepted([one, other], domain, {"type": "equal", "epsilon": 0.4}, found, tmp_path)
    tight = prove(
        [one, other], domain, OutputBounds(((output(-1, None, 0), output(1, None, 1)),), (1e-3,)), work=0.03
    )
    assert tight.status == "refuted"


def test_several_classes_are_told_apart() -> None:
    net = network([3, 4, 3], seed=4)
    rows = sample(box(net), 200)
    proved = 0
    for row, logits in zip(rows[:12], net.predict(rows[:12]), strict=True):
        first = int(logits.argmax())
        near = Domain(
            tuple(Group(f"x{i}", (i,), (((x - 1e-4, x + 1e-4),),)) for i, x in enumerate(row.tolist()))
        )
        for other in {0, 1, 2} - {first}:
            if logits[first] - logits[other] > 0.05:
                goal = OutputBounds(((OutputTerm(other, 1.0), OutputTerm(first, -1.0)),), (0.0,))
                assert prove(net, near, goal).status == "proved"
                proved += 1
    assert proved > 12


def test_a_small_box_around_a_row_takes_one_bound() -> None:
    net = network([10, 8, 1], seed=8)
    row = sample(box(net), 1)[0]
    y = float(net.predict(row[None])[0, 0])
    near = Domain(tuple(Group(f"x{i}", (i,), (((x - 1e-3, x + 1e-3),),)) for i, x in enumerate(row.tolist())))
    prepared = prepare(net)
    outcome = prove(prepared, near, OutputBounds(((output(),),), (y + 0.05,)), rows=row[None])
    assert (outcome.status, outcome.leaves) == ("proved", 1)


def test_a_part_without_rows_is_proved_empty() -> None:
    # No row of the budget reaches the far cell, where the bound would fail.
    from edgewise.verifying.domain.domain import Budget, ChangeCost

    net = network([2, 3, 1], seed=9)
    base = box(net)
    centre = [0.5 * (group.cells[0][0][0] + group.cells[0][0][1]) for group in base.groups]
    tight = replace(base, budget=Budget(1e-3, tuple(ChangeCost(i, c, 1.0) for i, c in enumerate(centre))))
    y = float(net.predict(np.array([centre]))[0, 0])
    assert prove(net, tight, OutputBounds(((output(),),), (y + 0.05,))).status == "proved"
    assert prove(net, base, OutputBounds(((output(),),), (y + 0.05,))).status == "refuted"


@pytest.fixture(scope="module")
def hard() -> tuple[KAN, Domain, Goal]:
    """A goal that is half-way between the bounds that a little work reaches."""
    net = network([20, 24, 1], seed=10, size=3.0)
    bounds = maximise(net, box(net), [output()], work=0.005)
    assert bounds.stop_reason is StopReason.WORK_SPENT
    return net, box(net), OutputBounds(((output(),),), (0.5 * (bounds.lower + bounds.upper) + 1e-3,))


@pytest.mark.slow
def test_work_ends_an_answer_and_more_of_it_brings_the_bounds_closer(hard: tuple[KAN, Domain, Goal]) -> None:
    little, more = (prove(*hard, work=work) for work in (0.002, 0.01))
    for outcome in (little, more):
        assert (outcome.status, outcome.stop_reason) == ("undecided", StopReason.WORK_SPENT)
        assert outcome.upper > 0 > outcome.lower
    assert little.leaves < more.leaves
    assert more.upper <= little.upper


@pytest.mark.slow
def test_time_ctrl_c_and_callbacks_leave_an_undecided_answer(
    hard: tuple[KAN, Domain, Goal], clock: Callable[[float], None]
) -> None:
    told: list[Step] = []

    def interrupt(progress: Step) -> None:
        told.append(progress)
        raise KeyboardInterrupt

    outcome = prove(*hard, callbacks=interrupt)
    assert (outcome.status, outcome.stop_reason) == ("undecided", StopReason.INTERRUPTED)
    assert outcome.upper > 0
    # While time stands still callbacks are told of steps only.
    assert told[0].leaves >= 2
    assert 0 < told[0].share < 1
    outcome = prove(*hard, callbacks=[lambda progress: True])
    assert (outcome.status, outcome.stop_reason) == ("undecided", StopReason.CALLBACK)
    clock(0.05)
    outcome = prove(*hard, seconds=50)
    assert (outcome.status, outcome.stop_reason) == ("undecided", StopReason.TIME_LIMIT)
    assert outcome.upper > 0 > outcome.lower
    assert 50 < outcome.seconds < 51


def test_callbacks_are_told_twice_a_second_whatever_is_being_done(
    hard: tuple[KAN, Domain, Goal], clock: Callable[[float], None]
) -> None:
    clock(0.01)
    times: list[float] = []
    prove(*hard, seconds=30, callbacks=lambda progress: times.append(progress.seconds))
    assert np.diff([0.0, *times]).max() < 1.0


def test_a_wide_network_ends_with_its_work() -> None:
    net = network([12, 64, 1], seed=1)
    domain = box(net, codes=(3, 4))
    goal = OutputBounds(((output(1, (3, 0)), output(-1, (3, 1))),), (0.5,))
    with running(Meter()) as meter:
        outcome = prove(net, domain, goal, work=0.005)
    assert outcome.stop_reason in (StopReason.DECIDED, StopReason.WORK_SPENT)
    # A step that has begun is ended.
    assert meter.spent < 2 * 0.005 * WORK_UNITS


@pytest.mark.parametrize(
    ("goal", "match"),
    [
        (OutputBounds(((OutputTerm(3),),), (0.0,)), "outputs, inputs and cells"),
        (OutputBounds(((InputTerm(7),),), (0.0,)), "outputs, inputs and cells"),
        (OutputBounds(((OutputTerm(0, 1.0, 0, (0, 5)),),), (0.0,)), "outputs, inputs and cells"),
        (OutputBounds(((OutputTerm(0),),), (float("inf"),)), "finite"),
        (OutputBounds(((OutputTerm(0, 1.0, 0, (0, 0)),),), (0.0,)), "a cell of points"),
    ],
)
def test_goals_that_do_not_fit_are_refused(goal: OutputBounds, match: str) -> None:
    net = network([2, 2, 1], seed=0)
    with pytest.raises(InputError, match=match):
        prove(net, box(net), goal)


@pytest.mark.parametrize(
    "domain",
    [
        Domain((Group("a", (0,), (((0.0, 1.0),),)),)),
        Domain((Group("a", (0, 0), (((0.0, 1.0), (0.0, 1.0)),)), Group("b", (1,), (((0.0, 1.0),),)))),
        Domain((Group("a", (0,), (((1.0, 0.0),),)), Group("b", (1,), (((0.0, 1.0),),)))),
        Domain((Group("a", (0,), (((0.0, float("inf")),),)), Group("b", (1,), (((0.0, 1.0),),)))),
    ],
)
def test_domains_that_do_not_fit_are_refused(domain: Domain) -> None:
    net = network([2, 2, 1], seed=0)
    with pytest.raises(InputError, match=r"domain|interval"):
        prove(net, domain, OutputBounds(((output(),),), (0.0,)))
