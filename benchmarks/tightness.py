"""Training for proofs: what the total variation of slopes costs in accuracy, and what it gains in proofs.

Networks of one and of two hidden layers are fitted to smooth laws with noise at several weights of `total_variation`, and
are then asked for their range, for ranges on small boxes and for monotonicity. Budgets count work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _common import Clock, Report, Run, begin, rmse
from _goals import maximise

import edgewise as ew
from edgewise.network.fitted import fitted
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import OutputTerm
from edgewise.verifying.search.prove import Outcome, Step, prepare

WEIGHTS = (0.0, 3e-5, 1e-4, 3e-4)
GAP, RANGE_WORK, CLAIM_WORK = 0.01, 1 / 3, 1 / 120
BOXES, HALF_WIDTH, ROOM = 10, 0.25, 0.02
# Rows to learn from, and the noise as a share of the law's spread.
ROWS, NOISE = 800, 0.1


@dataclass(frozen=True)
class Law:
    """A smooth function of inputs in [-1, 1] and the network that is to learn it."""

    name: str
    shape: tuple[int, ...]
    value: Callable[[np.ndarray], np.ndarray]


def friedman(X: np.ndarray) -> np.ndarray:
    u = (X + 1) / 2
    return 10 * np.sin(np.pi * u[:, 0] * u[:, 1]) + 5 * X[:, 2] ** 2 + 5 * X[:, 3] + 2.5 * X[:, 4]


def waves(X: np.ndarray) -> np.ndarray:
    first = np.sin(3 * X[:, 0] * X[:, 1]) + np.exp(X[:, 2]) * X[:, 3]
    return first + np.cos(2 * X[:, 4] + X[:, 5]) + 0.5 * X[:, 6] * X[:, 7]


def nested(X: np.ndarray) -> np.ndarray:
    return np.sin(2 * X[:, 0] + X[:, 1] ** 2) * np.exp(0.5 * X[:, 2]) + X[:, 3] * X[:, 0]


LAWS = (
    Law("friedman", (8, 8, 1), friedman),
    Law("waves", (8, 8, 1), waves),
    Law("nested", (4, 8, 8, 1), nested),
)


@dataclass(frozen=True)
class Range:
    """How far the range of a network was proved: certified width at first over width found, gap in %, effort."""

    looseness: float
    gap: float
    seconds: float
    leaves: int


def proved_range(net: ew.KAN, where: Domain) -> Range:
    """Both ends within the gap, or as far as half the time each goes."""
    prepared, whole, sides, firsts = prepare(net), Clock(), list[Outcome](), list[float]()
    for sign in (-1.0, 1.0):
        told = list[float]()

        def hear(progress: Step, told: list[float] = told) -> None:
            told.append(progress.upper)

        # The other end of the range, once found, says how wide it is.
        rows = None if not sides or sides[0].witness is None else sides[0].witness[None]
        terms = [OutputTerm(0, sign)]
        sides.append(maximise(prepared, where, terms, gap=GAP, work=RANGE_WORK / 2, rows=rows, tell=hear))
        firsts.append(told[0] if told else sides[-1].upper)
    width = sides[0].lower + sides[1].lower
    gap = 100 * max(side.upper - side.lower for side in sides) / width
    return Range(sum(firsts) / width, gap, whole.seconds, sum(side.leaves for side in sides))


def decided(
    net: ew.KAN, claims: list[tuple[ew.properties.Property, dict[str, tuple[float, float]] | None]]
) -> float:
    """Share of claims that are proved or refuted within the time, %."""
    answers = [ew.verify(net, claim, where=box, work=CLAIM_WORK).status for claim, box in claims]
    return 100 * float(np.mean([answer != "undecided" for answer in answers]))


def box_claims(net: ew.KAN, seed: int) -> list[tuple[ew.properties.Property, dict[str, tuple[float, float]]]]:
    """The range that rows of small boxes show, with a little room: mostly true, and close to the truth."""
    random, listed = np.random.default_rng([11, seed]), []
    for centre in random.uniform(-1 + HALF_WIDTH, 1 - HALF_WIDTH, (BOXES, net.shape[0])):
        y = net.predict(centre + random.uniform(-HALF_WIDTH, HALF_WIDTH, (4000, net.shape[0])))[:, 0]
        room = ROOM * float(np.ptp(y))
        claim = ew.properties.output_range(float(y.min()) - room, float(y.max()) + room)
        sides = [(float(c) - HALF_WIDTH, float(c) + HALF_WIDTH) for c in centre]
        listed.append((claim, dict(zip(net.input_names, sides, strict=True))))
    return listed


def tightness(run: Run) -> None:
    columns = ["law", "shape", "weight", "RMSE", "fit s", "first / true", "gap, %", "CPU s", "leaves"]
    columns += ["boxes, %", "monotone, %"]
    report = Report(run, "weights", columns, [9, 12, 9, 8, 8, 12, 8, 8, 8, 8, 8])
    seeds = range(1 if run.quick else 2)
    for law in LAWS[: 1 if run.quick else None]:
        for weight in WEIGHTS[:: 2 if run.quick else 1]:
            found = np.mean([measured(law, weight, seed) for seed in seeds], axis=0)
            report.add(law.name, str(list(law.shape)), weight, *map(float, found))
        report.save()
    plain = ratios(report, WEIGHTS[0])
    for weight in WEIGHTS[1:]:
        if (other := ratios(report, weight)) is not None and plain is not None:
            error, seconds = np.exp(np.log(other / plain).mean(axis=0))
            report.note(
                f"Weight {weight:g}, geometric means over the laws: {error:.2f} times the error, "
                f"{seconds:.2f} times the seconds for the range."
            )
    report.save()


def ratios(report: Report, weight: float) -> np.ndarray | None:
    """Errors and seconds at a weight, a row each law."""
    at = [report.columns.index(name) for name in ("weight", "RMSE", "CPU s")]
    rows = [[row[at[1]], row[at[2]]] for row in report.rows if row[at[0]] == weight]
    return np.array(rows) if rows else None


def measured(law: Law, weight: float, seed: int) -> tuple[float, ...]:
    """The figures of one network."""
    random = np.random.default_rng(seed)
    X, X_test = (random.uniform(-1, 1, (count, law.shape[0])) for count in (ROWS, 4000))
    spread = float(law.value(X_test).std())
    y = law.value(X) / spread + NOISE * random.normal(size=len(X))
    clock = Clock()
    net = ew.fit(ew.KAN(list(law.shape), seed=seed), X, y, total_variation=weight).network
    spent, error = clock.seconds, rmse(net.predict(X_test), law.value(X_test) / spread)
    got = proved_range(net, Columns(fitted(net)).whole)
    slopes = [(ew.properties.monotone(name, "increasing"), None) for name in net.input_names]
    shares = decided(net, [*box_claims(net, seed)]), decided(net, [*slopes])
    return error, spent, got.looseness, got.gap, got.seconds, got.leaves, *shares


if __name__ == "__main__":
    tightness(
        begin("tightness", "training for proofs: total variation of slopes against accuracy and proofs")
    )
