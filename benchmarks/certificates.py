"""Certificates of random networks: is each accepted, is each mutated one judged right, what does checking cost?

An independent oracle (dense sampling of the network) looks at every certificate that the checker accepts. *Wrong* counts a
certificate of the prover that is refused, a stale digest that is accepted, or an accepted statement that a row breaks.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import Clock, Report, Run, begin

sys.path.append(str(Path(__file__).parents[1]))

from tests.verifying.certificate_kit import (
    Document,
    Made,
    certificate,
    claims,
    domain,
    excess,
    mutated,
    network,
    seal,
    tightened,
    write,
)

from edgewise import KAN
from edgewise.verifying.checker import check

# What float64 prediction may differ by from the exact function, relative to outputs of order 10.
ROUNDING = 1e-8
SHAPES = ((3, 1), (4, 3), (3, 4, 1), (4, 3, 3), (6, 8, 1), (3, 3, 2, 1))


class Tally:
    """What happened to the certificates of one kind of claim."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, Counter[str]()
        self.check_seconds: list[float] = []
        self.wrong: list[str] = []

    def judge(
        self, made: Made, document: Document, rng: np.random.Generator, what: str, expect: bool | None
    ) -> None:
        """Check one certificate; `expect` is what must come out, None where only truth matters."""
        clock = Clock()
        accepted = check(write(document, self.folder / "proof.json"), *made.paths).accepted
        if what == "as made":
            self.check_seconds.append(clock.seconds)
        self.count[
            f"{'made' if what == 'as made' else 'changed'} {'accepted' if accepted else 'refused'}"
        ] += 1
        lie = accepted and excess(document, made.nets, rng) > ROUNDING
        if lie or (expect is not None and accepted != expect):
            self.wrong.append(f"{what}: {document['claim']}")


def kind_of(claim: dict[str, Any]) -> str:
    return str(claim["type"])


def near_copy(net: KAN, rng: np.random.Generator) -> tuple[KAN, float]:
    """A copy whose first coefficients are moved a little, and how much."""
    near, size = copy.deepcopy(net), 10 ** rng.uniform(-6, -2)
    with torch.no_grad():
        coef = near.layers[0].coef
        coef.add_(size * torch.from_numpy(rng.uniform(-1, 1, coef.shape)).to(coef.dtype))
    return near, float(size)


def fuzz(tally: Tally, made: Made, rng: np.random.Generator, mutations: int) -> None:
    tally.judge(made, made.document, rng, "as made", True)
    for what, document in tightened(made, rng):
        tally.judge(made, document, rng, what, None)
    for _ in range(mutations):
        what, document = mutated(made.document, rng)
        try:
            sealed = seal(document)
        except (TypeError, ValueError):
            continue
        if sealed == made.document:
            continue
        tally.judge(
            made, {**document, "digest": made.document["digest"]}, rng, f"{what}, stale digest", False
        )
        tally.judge(made, sealed, rng, what, None)


def run_all(run: Run, shapes: Sequence[tuple[int, ...]], networks: int, mutations: int) -> None:
    columns = [
        "claim",
        "proved",
        "accepted",
        "mutated",
        "refused",
        "true still",
        "wrong",
        "check s",
        "worst s",
    ]
    report = Report(run, "certificates", columns, [16, 8, 8, 8, 8, 10, 6, 8, 8])
    with tempfile.TemporaryDirectory() as name:
        tallies: dict[str, Tally] = {}
        for shape in shapes:
            for seed in range(networks):
                rng = np.random.default_rng([*shape, seed])
                net = network(shape, rng, degree=int(rng.integers(1, 4)), size=float(rng.choice([0.2, 0.5])))
                where = domain(shape[0], rng, budget=bool(rng.random() < 0.3))
                other = network(shape, np.random.default_rng([*shape, seed, 1]), size=0.2)
                asked = [(kind_of(c), c, [net]) for c in claims(rng, shape[0], shape[-1], two=True)]
                asked[-1] = (*asked[-1][:2], [net, other])
                near, size = near_copy(net, rng)
                asked.append(("equal, near", {"type": "equal", "epsilon": 100 * size}, [net, near]))
                for kind, claim, nets in asked:
                    made = certificate(claim, where, nets, Path(name), work=0.1)
                    if made is not None:
                        fuzz(tallies.setdefault(kind, Tally(Path(name))), made, rng, mutations)
    for kind, tally in tallies.items():
        count, seconds = tally.count, np.array(tally.check_seconds)
        made = count["made accepted"] + count["made refused"]
        changed = count["changed accepted"] + count["changed refused"]
        report.add(
            kind,
            made,
            count["made accepted"],
            changed,
            count["changed refused"],
            count["changed accepted"],
            len(tally.wrong),
            float(np.median(seconds)),
            float(seconds.max()),
        )
        for sentence in tally.wrong:
            print("wrong:", sentence)
    report.note(
        f"{sum(report.column('accepted'))} of {sum(report.column('proved'))} certificates of the prover were accepted. "
        f"Of {sum(report.column('mutated'))} mutated ones {sum(report.column('refused'))} were refused; the statements of "
        f"the others still held wherever 20,000 rows each were sampled. {sum(report.column('wrong'))} wrong answers."
    )
    report.save()


def main() -> None:
    run = begin("certificates", "Certificates: random networks, claims and mutations before the checker")
    if run.quick:
        run_all(run, SHAPES[:3], 1, 4)
    else:
        run_all(run, SHAPES, 6, 20)


if __name__ == "__main__":
    main()
