"""One self-contained HTML page from result objects."""

from edgewise.report.content.baselines import baseline_rows as baseline_rows
from edgewise.report.content.columns import summarise as summarise
from edgewise.report.content.content import AccuracyRow as AccuracyRow
from edgewise.report.content.content import ColumnSummary as ColumnSummary
from edgewise.report.content.content import InputView as InputView
from edgewise.report.content.content import Origin as Origin
from edgewise.report.content.content import ReportContent as ReportContent
from edgewise.report.content.estimator import content_from_estimator as content_from_estimator
from edgewise.report.page import render_report as render_report
from edgewise.report.page import write_report as write_report
from edgewise.report.sections.solution import render_solution as render_solution
from edgewise.report.sections.solution import write_solution_page as write_solution_page

__all__ = [
    "AccuracyRow",
    "ColumnSummary",
    "InputView",
    "Origin",
    "ReportContent",
    "baseline_rows",
    "content_from_estimator",
    "render_report",
    "render_solution",
    "summarise",
    "write_report",
    "write_solution_page",
]
