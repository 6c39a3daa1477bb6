"""An attack on proofs: models of every kind, claims close to the truth, rows that try to break what was proved.

    python benchmarks/attack.py [--quick] [--seed 1] [--only isotonic,offset] [--resume] [--replay KIND SEED]

*False* counts proved claims that a row breaks by what the model itself returns; *refused* certificates of a proof that the
checker does not accept; *lies* altered certificates of a statement that a row breaks and the checker accepts; *faults*
refutations whose rows do not refute, or cannot be (beyond the training range, parts of whole numbers) although rows that can
be refute too.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import tempfile
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import Clock, Report, Run, common_options, machine
from attack_claims import Claim, claims, judged
from attack_models import PLAIN, TABLES, Subject, make

import edgewise as ew
from edgewise.verifying.checker import check

COLUMNS = (
    "models",
    "claims",
    "proved",
    "refuted",
    "undecided",
    "not taken",
    "rows",
    "certificates",
    "altered",
)
WRONG = ("false", "refused", "lies", "faults", "defects")


@dataclass
class Tally:
    """What happened to the claims about the models of one kind."""

    count: Counter[str] = field(default_factory=Counter[str])
    told: list[str] = field(default_factory=list[str])

    def wrong(self, what: str, sentence: str) -> None:
        self.count[what] += 1
        self.told.append(f"{what}: {sentence}")


def attack(kind: str, seed: int, rows: int, ask: int, work: float, tally: Tally) -> None:
    """Claims about one model."""
    subject = make(kind, seed)
    rng = np.random.default_rng([5, seed])
    tally.count["models"] += 1
    for number, claim in enumerate(claims(subject, rng, ask)):
        own = np.random.default_rng([6, seed, number])
        name = f"{kind} {seed}, {claim.property} on {claim.domain}"
        tally.count["claims"] += 1
        try:
            verdict = ew.verify(subject.model, claim.property, where=claim.domain, work=work, seed=seed)
        except ew.EdgewiseError as error:
            tally.count["not taken"] += 1
            tally.told.append(f"not taken: {name}: {error}")
            continue
        except Exception:
            tally.wrong("defects", f"{name}: {traceback.format_exc(limit=-3)}")
            continue
        tally.count[verdict.status] += 1
        if isinstance(verdict, ew.Proved):
            proved(claim, subject, verdict, name, rows, own, tally)
        elif isinstance(verdict, ew.Refuted):
            for fault in judged(claim, subject, verdict.cases, own):
                tally.wrong("faults", f"{name}: {fault}: {[case.row for case in verdict.cases]}")


def proved(
    claim: Claim, subject: Subject, verdict: Any, name: str, rows: int, rng: np.random.Generator, tally: Tally
) -> None:
    """Rows against a proved claim, and its certificate before the checker, as it is and altered."""
    excess, seen = claim.worst(rng, rows, subject)
    tally.count["rows"] += seen
    if excess > 0:
        tally.wrong("false", f"{name}: a row breaks it by {excess:.3g}, margin {verdict.margin:.3g}")
    if verdict.certificate is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{k}.kan" for k in range(1 + (claim.other is not None))]
        for model, file in zip((subject.model, claim.other), files, strict=False):
            ew.save(model, file)
        proof = Path(folder) / "proof.json"
        verdict.certificate.save(proof)
        tally.count["certificates"] += 1
        answer = check(proof, *files)
        if not answer.accepted:
            tally.wrong("refused", f"{name}: {answer.reason}")
        document = altered(json.loads(proof.read_text()), excess, subject, claim.kind)
        if document is not None:
            tally.count["altered"] += 1
            proof.write_text(json.dumps(document))
            if check(proof, *files).accepted:
                tally.wrong("lies", f"{name}: accepted as {document['claim']}")


def altered(document: dict[str, Any], excess: float, subject: Subject, kind: str) -> dict[str, Any] | None:
    """The certificate of a statement that a row is known to break, sealed anew; None where none is known."""
    changed = copy.deepcopy(document)
    claim = changed["claim"]
    # A little more than the room that the worst row leaves.
    room = -excess + 1e-6 * float(np.ptp(subject.outputs(subject.table))) + 1e-9 * abs(excess)
    if claim["type"] == "range" and kind != "probability":
        if claim["high"] is not None:
            claim["high"] -= room
        else:
            claim["low"] += room
    elif claim["type"] in ("linear", "lipschitz", "changes_at_most", "equal"):
        key = {"linear": "bound", "lipschitz": "bound", "changes_at_most": "tau", "equal": "epsilon"}[
            claim["type"]
        ]
        if claim["type"] == "lipschitz":
            return None
        claim[key] -= room
    elif claim["type"] == "decision":
        claim["class"] = (claim["class"] + 1) % max(2, len(subject.classes))
    else:
        return None
    rest = {key: value for key, value in changed.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "digest": hashlib.sha256(text.encode()).hexdigest()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/attack.py", description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    common_options(parser, "two models of a kind")
    add("--seed", type=int, default=1, help="the first model of each kind")
    add("--models", type=int, help="models of each kind; by default 200 plain ones, 60 of tables")
    add("--rows", type=int, default=3000, help="rows against each proved claim")
    add("--ask", type=int, default=4, help="claims about each model")
    add("--work", type=float, default=0.05, help="of each proof")
    add("--only", default="", help="some kinds only, by commas")
    add("--resume", action="store_true", help="keep the kinds that are measured already")
    add("--replay", nargs=2, metavar=("KIND", "SEED"), help="one model, all that is told of it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    if options.replay:
        tally = Tally()
        attack(options.replay[0], int(options.replay[1]), options.rows, options.ask, options.work, tally)
        print(tally.count, *tally.told, sep="\n")
        return
    run = Run("attack", options.quick, None)
    print(f"# An attack on proofs\n{machine()}\n")
    report = Report(run, "attack", ("kind", *COLUMNS, *WRONG, "CPU s"), 10)
    known = report.saved() if options.resume else []
    for row in known:
        report.add(*row)
    done = {row[0] for row in known}
    for kind in options.only.split(",") if options.only else (*PLAIN, *TABLES):
        if kind in done:
            continue
        clock, tally = Clock(), Tally()
        models = 2 if options.quick else options.models or (200 if kind in PLAIN else 60)
        for seed in range(options.seed, options.seed + models):
            attack(kind, seed, options.rows, options.ask, options.work, tally)
        report.add(kind, *(tally.count[name] for name in (*COLUMNS, *WRONG)), clock.seconds)
        for sentence in tally.told:
            print(sentence)
        report.notes = [summary(report)]
        report.save()
    print(summary(report))


def summary(report: Report) -> str:
    """What came of all kinds together, in a sentence."""
    total = {name: sum(report.column(name)) for name in (*COLUMNS, *WRONG)}
    return (
        f"{total['rows']:,} rows against {total['proved']:,} proved claims about {total['models']:,} models: "
        f"{total['false']} false proofs; {total['refused']} of {total['certificates']:,} certificates refused; "
        f"{total['lies']} of {total['altered']:,} altered ones accepted; {total['faults']} of {total['refuted']:,} "
        f"refutations with rows that do not refute or cannot be; {total['defects']} defects."
    )


if __name__ == "__main__":
    main()
