"""What a reader should know before relying on the model: every check looks at the content and reports what it found."""

from __future__ import annotations

from collections.abc import Callable

from edgewise.report.checks import data, model
from edgewise.report.checks.caveat import SEVERITIES as SEVERITIES
from edgewise.report.checks.caveat import Caveat as Caveat
from edgewise.report.content.content import ReportContent
from edgewise.report.evaluation.leaderboard import Leaderboard


def caveats(content: ReportContent, table: Leaderboard) -> tuple[Caveat, ...]:
    """Everything the checks found, the most serious first."""
    checks: tuple[Callable[[ReportContent, Leaderboard], list[Caveat]], ...] = (
        data.giveaways,
        data.shared_rows,
        model.rivals,
        model.overfit,
        model.outside,
        model.few_held_out,
        model.few_rows,
        data.missing_classes,
        data.imbalance,
        model.calibration,
        model.repeats,
        data.missing_values,
        data.collinear,
        data.constants,
    )
    found = [caveat for check in checks for caveat in check(content, table)]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))
