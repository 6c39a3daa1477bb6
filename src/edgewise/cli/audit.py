"""`edgewise audit`: how a saved model treats groups of people; exit code 1 where a limit is exceeded."""

from __future__ import annotations

import typer

from edgewise.cli.outcome import (
    INTERRUPTED,
    REFUTED,
    STANDARD_OUTPUT,
    UNDECIDED,
    Interrupts,
)
from edgewise.cli.requests import AuditRequest
from edgewise.cli.terminal import print_bytes, print_json, say, tell


def run(asked: AuditRequest) -> None:
    """Carry a request out and show what came of it."""
    printed = asked.html == STANDARD_OUTPUT
    from edgewise.cli.audit_request import AuditProgress, cuts_of, limits_of, outcomes

    limits, cuts = limits_of(asked.fail_on, asked.protected), cuts_of(asked.cut, asked.protected)
    from edgewise.cli.streamed import is_dataset, rows_in_memory
    from edgewise.data import provenance, read_frame

    frame, remark = read_frame(asked.data) if not is_dataset(asked.data) else None, None
    if frame is None:
        frame, _, remark = rows_in_memory(asked.data, None)
    from edgewise.auditing import audit as measured
    from edgewise.cli.answer import to_json
    from edgewise.cli.models import load_model

    held = load_model(asked.model)
    told = provenance(frame).notes((*held.names, *asked.protected, asked.target or held.target))
    tell((*told, *([remark] if remark else [])), quiet=asked.quiet)
    rows = outcomes(held, frame, asked.target, asked.weight, tuple(asked.protected))
    with Interrupts() as interrupts, AuditProgress(asked.quiet) as progress:
        result = measured(
            held.held,
            rows.frame,
            rows.y,
            asked.protected,
            positive=asked.positive,
            threshold=asked.threshold,
            sample_weight=rows.weight,
            bins=cuts,
            bootstrap=asked.bootstrap,
            proxies=asked.proxies,
            work=asked.work,
            seconds=asked.seconds,
            seed=asked.seed,
            callbacks=(progress.stage, interrupts),
        )
    ended = result.stop_reason
    breaches = result.breaches(*limits)
    if asked.json:
        found = [{"limit": each.limit, "attribute": each.attribute, "value": each.value} for each in breaches]
        print_json(to_json({**result.to_dict(), "message": ended.advice, "breaches": found}))
    else:
        say(f"{str(result).rstrip()}\n\n{ended.advice}", err=printed)
    if asked.plot is not None:
        from edgewise.plots import save_figure
        from edgewise.plots.audit_groups import plot_audit

        save_figure(plot_audit(result), asked.plot, overwrite=asked.force)
    if asked.html is not None:
        from edgewise.report.sections.audit import render_audit, write_audit_page

        if printed:
            print_bytes(render_audit(result).encode("utf-8", errors="replace"))
        else:
            write_audit_page(asked.html, result, overwrite=asked.force)
    for each in breaches:
        say(f"Limit exceeded: {each.text}", err=True)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if breaches:
        raise typer.Exit(REFUTED)
    if limits and not ended.repeatable:
        say("The audit was cut short, so a limit may not have been measured.", err=True)
        raise typer.Exit(UNDECIDED)
    if limits and not asked.quiet:
        say("The limit is kept." if len(limits) == 1 else f"All {len(limits)} limits are kept.", err=True)
