"""One self-contained HTML page from result objects."""

from edgewise.report.content import AccuracyRow as AccuracyRow
from edgewise.report.content import Origin as Origin
from edgewise.report.content import ReportContent as ReportContent
from edgewise.report.page import render_report as render_report
from edgewise.report.page import write_report as write_report

__all__ = ["AccuracyRow", "Origin", "ReportContent", "render_report", "write_report"]
