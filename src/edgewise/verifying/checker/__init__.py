"""Check a certificate against its models in exact arithmetic; docs/certificates.md has the format and the mathematics.

This folder needs the standard library only and shares nothing with the prover: `python path/to/checker proof.json model.kan`
runs it from wherever it lies. What is needed to trust it, in the order in which it happens:

    reading    strict JSON, and which values a certificate may hold
    model      a .kan file as exact piecewise polynomials
    domain     the rows that a statement is about
    moves      the second row of a claim about two
    claims     from a claim to the goals that show it
    products   nodes that multiply as nodes that add
    rounding   how far predictions can be from the exact function
    tables     piecewise polynomials between two ends, and their maxima
    evidence   whether lemmas and trees of parts prove a goal
    pairs      how far two evaluations of networks can differ
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .claims import goals
from .domain import CheckedCase
from .evidence import Proof
from .model import model_of
from .moves import twins
from .reading import FILE, FORMAT, VERSION, Refused, need, parse, printed, read


@dataclass(frozen=True)
class CheckResult:
    """Whether a certificate proves its claim, why (not) in one sentence, the claim in words, the seconds it took."""

    accepted: bool
    reason: str
    claim: str
    seconds: float


def check(proof_path: Any, *model_paths: Any) -> CheckResult:
    """Check a certificate against the .kan files of the models it is about; whatever is no proof is refused.

    Paths, or the bytes that such files hold.

    Examples
    --------
    >>> check("no-such-proof.json", "model.kan").accepted
    False
    """
    (verdict,) = (found for found in steps(proof_path, *model_paths) if found)
    return verdict


def steps(*files: Any) -> Iterator[CheckResult | None]:
    """The same in steps, which the caller can count, and end: None after each lemma and leaf, then the verdict."""
    began, words, accepted, leaves = time.perf_counter(), ["(not read)"], False, 0
    try:
        for step in _check([x if type(x) is bytes else Path(x).read_bytes() for x in files], words):
            leaves += step
            yield None
        accepted, reason = True, f"Accepted: every part of the domain is proved, {leaves} in all."
    except Refused as error:
        reason = f"Refused: {error}."
    except Exception as error:  # whatever a damaged file brings about, it proves nothing
        reason = f"Refused: the files are damaged or do not fit ({type(error).__name__}: {str(error)[:99]})."
    yield CheckResult(accepted, printed(reason), printed(words[0]), time.perf_counter() - began)


def _check(files: list[bytes], words: list[str]) -> Iterator[int]:
    file = parse(files[0], "it is no certificate, or cut off")
    hashes = [hashlib.sha256(data).hexdigest() for data in files[1:]]
    need(type(file) is dict and file.get("format") == FORMAT, "it is no certificate")
    version = str(file.get("version"))[:20]
    need(version == str(VERSION), f"it is of version {version} of the format, not {VERSION}: prove it anew")
    document, rest = read(file, FILE), {key: value for key, value in file.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    need(document["digest"] == hashlib.sha256(text.encode()).hexdigest(), "its digest does not fit")
    need(hashes and document["models"] == hashes, "it is about other models than these (their hashes differ)")
    models = [model_of(data) for data in files[1:]]
    if "moves" in document["claim"]:
        need(len(models) == 1, "it needs another number of models")
        models = twins(models[0], document["claim"]["moves"])
    case = CheckedCase(models, document["domain"])
    claim, asked = goals(case, document["claim"])
    words[0] = f"At {case.words}: {claim}."
    need(len(document["proofs"]) == len(asked), "its proofs are not those of its goals")
    for number, (goal, evidence) in enumerate(zip(asked, document["proofs"], strict=True)):
        yield from Proof(case, goal).leaves(evidence, number)
