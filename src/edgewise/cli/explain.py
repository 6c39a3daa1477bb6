"""`edgewise explain`: why a model answers what it answers."""

from __future__ import annotations

from pathlib import Path

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.cli.answer import Answer
from edgewise.cli.outcome import DONE, INTERRUPTED, refuse_to_overwrite
from edgewise.cli.requests import ExplainRequest


def run(asked: ExplainRequest) -> Answer | None:
    """Carry a request out and show what came of it."""
    from edgewise.cli.pictures import explain_picture, is_of_pictures

    if is_of_pictures(asked.model):
        given = {
            "--row": asked.row,
            "--counterfactual": asked.counterfactual or None,
            "--pairs": asked.pairs or None,
            "--reasons": asked.reasons,
        }
        if extra := [name for name, value in given.items() if value is not None]:
            raise InputError(
                subject=f"The option {extra[0]}", expected="be left out for a model of pictures", got="it"
            )
        refuse_to_overwrite([], asked.force, plot=asked.plot)
        explain_picture(asked.model, asked.data, asked.output, asked.plot, quiet=asked.quiet, json=asked.json)
        return None
    _check(asked.data, asked.row, asked.counterfactual, asked.pairs, asked.plot)
    _check_reasons(
        asked.reasons,
        asked.row,
        asked.counterfactual,
        asked.plot,
        bool(asked.protected) or asked.codes is not None,
    )
    refuse_to_overwrite([], asked.force, plot=asked.plot)
    from edgewise.cli.explain_answer import explained, picture

    found = explained(asked)
    if asked.plot is not None:
        picture(found, asked.plot, pairs=asked.pairs)
    interrupted = getattr(found, "stop_reason", None) is StopReason.INTERRUPTED
    return Answer(
        found.to_dict,
        str(found),
        remark="" if asked.plot is None else f"Drawn to {asked.plot}.",
        code=INTERRUPTED if interrupted else DONE,
    )


def _check_reasons(
    reasons: str | None, row: int | None, counterfactual: bool, plot: Path | None, more: bool
) -> None:
    """Options of reasons, which are about one row and come alone."""
    if reasons is None and more:
        raise InputError(
            subject="--protected and --codes", expected="come with --reasons", got="no --reasons"
        )
    if reasons is not None and row is None:
        raise InputError(
            subject="--reasons", expected="be asked of one row", got="none", advice="name it with --row"
        )
    if reasons is not None and (counterfactual or plot is not None):
        raise InputError(subject="--reasons", expected="come without --counterfactual and --plot", got="both")


def _check(data: Path | None, row: int | None, counterfactual: bool, pairs: bool, plot: Path | None) -> None:
    """Options that need each other."""
    if row is not None and data is None:
        raise InputError(
            subject="A row",
            expected="be one of a table",
            got="--row without a table",
            advice="name the table after the model",
        )
    if counterfactual and row is None:
        raise InputError(
            subject="--counterfactual",
            expected="be asked of one row",
            got="none",
            advice="name it with --row",
        )
    if pairs and (plot is None or row is not None):
        raise InputError(subject="--pairs", expected="come with --plot and without --row", got="it otherwise")
