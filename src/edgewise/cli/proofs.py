"""What `edgewise verify` reads and shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewise._core.errors import FileError
from edgewise.cli.models import load_model
from edgewise.cli.progress import Note, ShownProgress
from edgewise.cli.terminal import tell
from edgewise.verifying.checker.reading import printed
from edgewise.verifying.entry_points.claim_text import claim_in_words, differs, no_rows
from edgewise.verifying.language.text import Statement, parse_conditions, parse_property
from edgewise.verifying.results.verdicts import ProofResult, Proved
from edgewise.verifying.search.answers import Step


@dataclass(frozen=True, eq=False)
class Asked:
    """A model, what is asked of it, and the rows to try."""

    model: Any
    statement: Statement
    rows: Any
    text: str

    def saved(self, verdict: ProofResult, certificate: Path) -> str:
        """What became of the certificate, in a sentence."""
        if not isinstance(verdict, Proved):
            return f"Nothing was proved, so {certificate} was not written."
        if verdict.certificate is None:
            return f"Proofs about formulas have no certificate, so {certificate} was not written."
        return f"{certificate}  ({verdict.certificate.size:,} bytes); `edgewise check {certificate} MODEL` checks it."


def read_question(
    model: Path, text: str, where: str | None, data: Path | None, *, quiet: bool = True
) -> Asked:
    """Read what the command line names.

    Raises
    ------
    InputError, FileError
        For text, files and tables that cannot be used.
    """
    statement = parse_property(text)
    conditions = (*statement.conditions, *(() if where is None else parse_conditions(where)))
    prop = statement.property.with_models(_other)
    loaded = load_model(model)
    rows = None
    if data is not None:
        from edgewise.data import provenance, read_frame

        frame = read_frame(data)
        tell(provenance(frame).notes(loaded.names), quiet=quiet)
        rows = loaded.select(frame)
    return Asked(loaded.held, Statement(prop, conditions), rows, str(statement.property))


def _other(name: str) -> Any:
    path = Path(name)
    if not path.exists():
        raise FileError(f"The file {path}, which equal(...) names, cannot be read: there is no such file.")
    return load_model(path).held


def claimed(
    proof: Path, models: Sequence[Path], statement: Statement | None, data: Path | None
) -> tuple[str, str, str]:
    """What an accepted certificate claims in the model's own words, or why it claims nothing about rows, and how it differs
    from a statement, if at all.

    Raises
    ------
    InputError, FileError
        If the statement does not fit the model, or the table cannot be read.
    """
    document = json.loads(proof.read_text(encoding="utf-8"))
    loaded = [load_model(path) for path in models]
    held = [item.held for item in loaded]
    if refused := no_rows(document, held):
        return "", printed(refused), ""
    words = printed(claim_in_words(document, held[0]))
    if statement is None:
        return words, "", ""
    rows = None
    if data is not None:
        from edgewise.data import read_frame

        rows = loaded[0].select(read_frame(data))
    return words, "", printed(differs(document, held, statement, rows))


def verdict_as_data(verdict: ProofResult, certificate: Path | None) -> dict[str, Any]:
    """A verdict as plain data."""
    document = verdict.to_dict() | {"advice": verdict.stop_reason.advice}
    written = certificate is not None and isinstance(verdict, Proved) and verdict.certificate is not None
    document["certificate_file"] = str(certificate) if written else None
    return document


class ProofProgress(ShownProgress):
    """Shows how far the bounds have closed in."""

    def step(self, step: Step) -> bool:
        """Take note of a step; never asks to stop."""
        phase = "part" if step.goals == 1 else f"part {step.goal} of {step.goals}, piece"
        note = f"exceeded by at most {step.upper:.4g}, found {step.lower:.4g}"
        return self(Note(phase, step.leaves, note, step.share))
