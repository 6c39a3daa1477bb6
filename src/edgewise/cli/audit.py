"""`edgewise audit`: how a saved model treats groups of people; exit code 1 where a limit is exceeded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgewise.cli import options
from edgewise.cli.outcome import (
    INTERRUPTED,
    REFUTED,
    UNDECIDED,
    Interrupts,
    refuse_to_overwrite,
    to_standard_output,
)
from edgewise.cli.terminal import print_bytes, print_json, say, tell


def audit(
    model: options.Model,
    data: options.Data,
    protected: Annotated[
        list[str],
        typer.Option(
            "--protected", "-p", help="A protected attribute, by its column; give it several times."
        ),
    ],
    target: options.TargetOfModel = None,
    fail_on: Annotated[
        list[str] | None,
        options.unset(
            "--fail-on",
            help="A limit: 'dp>0.1', 'eo@sex>0.05', 'dp_ratio<0.8', 'flips>0'; exit code 1 where it is exceeded.",
        ),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option("--positive", help="The class a decision supports.", show_default="the second of two"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", help="Decided for above this probability.", min=0.0, max=1.0, show_default="0.5"
        ),
    ] = None,
    weight: options.Weight = None,
    cut: Annotated[
        list[str] | None,
        typer.Option("--cut", help="Where to cut a column of numbers: 'age=25,60'.", show_default="quarters"),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", help="Resamples behind the intervals; 0 for none.", min=0)
    ] = 500,
    proxies: Annotated[
        bool, typer.Option("--proxies/--no-proxies", help="Look for columns that give an attribute away.")
    ] = True,
    html: Annotated[Path | None, options.unset("--html", help="Write a page to this file.")] = None,
    plot: Annotated[
        Path | None,
        options.unset("--plot", help="Draw the first attribute's groups to this .png or .svg file."),
    ] = None,
    work: options.Work = "normal",
    seconds: options.Seconds = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Measure how a model treats the groups of protected attributes.

    Rates, errors and calibration of every group and combination of groups,
    with demographic parity and equalised odds side by side; what changing
    the attribute alone does; which other columns give it away. Exit code 1: a
    limit is exceeded. 3: cut short, so a limit may not have been measured.

    Examples:

    - `edgewise audit model.kan data.csv --protected sex`

    - `edgewise audit model.kan data.csv -p sex -p age --cut age=25,60`

    - `edgewise audit model.kan data.csv -p sex --fail-on 'dp>0.1' --fail-on 'eo>0.1'`
    """
    printed = to_standard_output(html, json=json)
    refuse_to_overwrite([None if printed else html], force, plot=plot)
    from edgewise.cli.audit_request import AuditProgress, cuts_of, limits_of, outcomes

    limits, cuts = limits_of(fail_on, protected), cuts_of(cut, protected)
    from edgewise.cli.streamed import is_dataset, rows_in_memory
    from edgewise.data import provenance, read_frame

    frame, remark = read_frame(data) if not is_dataset(data) else None, None
    if frame is None:
        frame, _, remark = rows_in_memory(data, None)
    from edgewise.auditing import audit as measured
    from edgewise.cli.models import load_model
    from edgewise.cli.summary import to_json

    held = load_model(model)
    told = provenance(frame).notes((*held.names, *protected, target or held.target))
    tell((*told, *([remark] if remark else [])), quiet=quiet)
    rows = outcomes(held, frame, target, weight, tuple(protected))
    with Interrupts() as interrupts, AuditProgress(quiet) as progress:
        result = measured(
            held.held,
            rows.frame,
            rows.y,
            protected,
            positive=positive,
            threshold=threshold,
            sample_weight=rows.weight,
            bins=cuts,
            bootstrap=bootstrap,
            proxies=proxies,
            work=work,
            seconds=seconds,
            seed=seed,
            callbacks=(progress.stage, interrupts),
        )
    ended = result.stop_reason
    breaches = result.breaches(*limits)
    if json:
        found = [{"limit": each.limit, "attribute": each.attribute, "value": each.value} for each in breaches]
        print_json(to_json({**result.to_dict(), "message": ended.advice, "breaches": found}))
    else:
        say(f"{str(result).rstrip()}\n\n{ended.advice}", err=printed)
    if plot is not None:
        from edgewise.plots import save_figure
        from edgewise.plots.audit_groups import plot_audit

        save_figure(plot_audit(result), plot, overwrite=force)
    if html is not None:
        from edgewise.report.sections.audit import render_audit, write_audit_page

        if printed:
            print_bytes(render_audit(result).encode("utf-8", errors="replace"))
        else:
            write_audit_page(html, result, overwrite=force)
    for each in breaches:
        say(f"Limit exceeded: {each.text}", err=True)
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if breaches:
        raise typer.Exit(REFUTED)
    if limits and not ended.repeatable:
        say("The audit was cut short, so a limit may not have been measured.", err=True)
        raise typer.Exit(UNDECIDED)
    if limits and not quiet:
        say("The limit is kept." if len(limits) == 1 else f"All {len(limits)} limits are kept.", err=True)
