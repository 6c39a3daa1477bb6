"""What a reader should know before relying on the model: every check looks at the content and says what it found."""

from __future__ import annotations

from collections.abc import Callable

from edgewise.report import checks_data as data
from edgewise.report import checks_model as model
from edgewise.report.caveat import SEVERITIES as SEVERITIES
from edgewise.report.caveat import Caveat as Caveat
from edgewise.report.content import ReportContent
from edgewise.report.standings import Standings


def caveats(content: ReportContent, table: Standings) -> tuple[Caveat, ...]:
    """Everything the checks found, the most serious first."""
    checks: tuple[Callable[[ReportContent, Standings], list[Caveat]], ...] = (
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
        data.tied,
        data.constants,
    )
    found = [caveat for check in checks for caveat in check(content, table)]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))
