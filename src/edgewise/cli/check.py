"""`edgewise check`: a certificate and the models it is about go in; accepted or refused."""

from __future__ import annotations

import json as as_json
from dataclasses import replace

import typer

from edgewise.cli.outcome import REFUTED
from edgewise.cli.requests import CheckRequest
from edgewise.cli.terminal import print_json, say


def run(asked: CheckRequest) -> None:
    """Carry a request out and show what came of it."""
    from edgewise.verifying.checker import check as recheck
    from edgewise.verifying.checker.reading import printed

    statement = None
    if asked.expect is not None:
        from edgewise.verifying.language.text import parse_property

        statement = parse_property(asked.expect)
    verdict = recheck(asked.proof, *asked.models)
    words = other = ""
    if verdict.accepted:
        from edgewise.cli.proofs import claimed

        words, refused, other = claimed(asked.proof, asked.models, statement, asked.data)
        if refused:
            verdict = replace(verdict, accepted=False, reason=f"Refused: {refused}.")
    if asked.json:
        result = {
            "accepted": verdict.accepted,
            "reason": verdict.reason,
            "claim": verdict.claim,
            "words": words,
        }
        as_expected = None if statement is None else verdict.accepted and not other
        print_json(as_json.dumps({**result, "expected": as_expected, "differs": other}))
    else:
        say(verdict.reason)
        if verdict.accepted and not asked.quiet:
            if words:
                say(words)
            say(f"As the checker reads it: {verdict.claim}")
    if other and not asked.json:
        say(printed(f"The certificate does not prove {statement}: {other}."))
    if other or not verdict.accepted:
        raise typer.Exit(REFUTED)
