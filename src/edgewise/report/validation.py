"""A validation: what those who approve a model ask about, under the heads that they work through, as one folder of files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup

from edgewise._core.arrays import Floats
from edgewise._core.plain import plain
from edgewise.data.encoding_raw import RawTable
from edgewise.estimators.drift import Drift
from edgewise.report.checks.warnings import caveats
from edgewise.report.content.content import ReportContent
from edgewise.report.evaluation.leaderboard import leaderboard
from edgewise.report.evaluation.means import mean_groups
from edgewise.report.evaluation.measures import difference, resamples, weighed
from edgewise.report.page import render_report
from edgewise.report.sections.proofs import proofs_view
from edgewise.report.sections.results import number_charts
from edgewise.report.text.numbers import number
from edgewise.report.text.pages import whole_page
from edgewise.verifying.results.verdicts import ProofResult, Proved

Rows = Sequence[Mapping[str, Any]]

# What no program can know: whoever signs writes it down.
OPEN = (
    ("Purpose", "What is decided with it, about whom, and what happens where it is wrong?"),
    ("Owner", "Who answers for it, who may change it, and when is it looked at again?"),
    ("Origin of the rows", "Who collected them, on what ground, and what do they leave out?"),
    ("People", "Who may overrule an answer, and how does somebody concerned object?"),
    ("Edits", "Who changed the model by hand, at what cost, and why? Its file does not record it."),
    ("Approval", "Name, role, date."),
)


@dataclass(frozen=True, eq=False)
class Challenger:
    """Another model's answers for the rows that are judged.

    Attributes
    ----------
    name : str
    predicted : array of shape (m,)
    """

    name: str
    predicted: Floats


@dataclass(frozen=True, eq=False)
class Validation:
    """Everything a validation is made of, beside the content of the report.

    Attributes
    ----------
    content : ReportContent
        Its held-out rows are those that are judged.
    manifest : mapping
        Digests of files, versions, seeds, the command.
    sensitivity, stability : sequences of mappings
        What answers do where a column is moved; measures by stretches of time.
    drift : Drift, optional
        Rows judged against rows learned from.
    challenger : Challenger, optional
    proofs : tuple of ProofResult
    """

    content: ReportContent
    manifest: Mapping[str, Any]
    sensitivity: Rows = ()
    stability: Rows = ()
    drift: Drift | None = None
    challenger: Challenger | None = None
    proofs: tuple[ProofResult, ...] = ()


def validation_files(validation: Validation) -> dict[str, bytes]:
    """The files of the folder by name: pages, tables, certificates, and a list of all with their digests.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    dict of str to bytes
    """
    content = validation.content
    board = leaderboard(content)
    tables: dict[str, Rows] = {
        "data.csv": [
            {
                "column": item.name, "kind": item.kind, "missing": item.missing, "low": item.low,
                "median": item.median, "high": item.high, "distinct": item.distinct,
            }
            for item in content.table
        ],
        "drift.csv": [] if validation.drift is None else [vars(item) for item in validation.drift.columns],
        "curves.csv": list(_curves(content)),
        "factors.csv": [] if content.relativities is None else list(content.relativities.rows()),
        "outcomes.csv": [
            {"model": one.row.model, "measure": way.name, "value": value.value, "low": value.low, "high": value.high}
            for one in board.rows
            for way, value in zip(board.yardsticks, one.measures, strict=True)
        ],
        "tenths.csv": list(_tenths(content, board)),
        "stability.csv": validation.stability,
        "sensitivity.csv": validation.sensitivity,
        "challenger.csv": list(_double_lift(content, board, validation.challenger)),
    }  # fmt: skip
    files = {name: _csv(rows) for name, rows in tables.items() if rows}
    for k, proof in enumerate(validation.proofs):
        if isinstance(proof, Proved) and proof.certificate is not None:
            files[f"proofs/{k + 1}.json"] = proof.certificate.text.encode("ascii")
    files["report.html"] = render_report(content).encode("utf-8", errors="replace")
    manifest = dict(validation.manifest)
    files["manifest.json"] = (json.dumps(plain(manifest), indent=2) + "\n").encode("utf-8")
    files["validation.html"] = _page(validation, board, sorted(files)).encode("utf-8", errors="replace")
    return files


def _page(validation: Validation, board: Any, names: Sequence[str]) -> str:
    content = validation.content
    charts, weak = number_charts(content, board)
    return (
        whole_page(
            "validation.html",
            content=content,
            table=board,
            caveats=caveats(content, board),
            charts=charts,
            weak=weak,
            drift=validation.drift,
            sensitivity=validation.sensitivity,
            stability=validation.stability,
            challenger=_compared(content, board, validation.challenger),
            lift=list(_double_lift(content, board, validation.challenger)),
            proved=proofs_view(validation.proofs),
            manifest=validation.manifest,
            open=OPEN,
            files=names,
            link=_link,
        )
        + "\n"
    )


def _link(name: str, names: Sequence[str]) -> Markup:
    """A file by its name, where it is there."""
    return Markup('<a href="{0}">{0}</a>').format(name) if name in names else Markup("")


def _csv(rows: Rows) -> bytes:
    text = io.StringIO()
    heads = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, heads, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(
        {name: "" if isinstance(cell, float) and cell != cell else cell for name, cell in row.items()}
        for row in rows
    )
    return text.getvalue().encode("utf-8", errors="replace")


def _curves(content: ReportContent) -> Iterable[dict[str, Any]]:
    """Every curve, point by point."""
    if content.explanation is None:
        return
    for shape in content.explanation.shapes:
        for k, (x, y) in enumerate(zip(shape.x.tolist(), shape.y.tolist(), strict=True)):
            yield {
                "column": shape.column,
                "at": shape.labels[k] if shape.labels else x,
                "effect": y,
                "exact": shape.exact,
            }


def _main(content: ReportContent, board: Any) -> Floats | None:
    """What the model answers for the rows that are judged: numbers, or the chance of the second of two classes."""
    row = None if board.main is None else board.main.row
    if row is None or row.predicted is None or len(content.classes) > 2:
        return None
    predicted = np.asarray(row.predicted, dtype=np.float64)
    return predicted[:, 1] if content.classes else predicted


def _tenths(content: ReportContent, board: Any) -> Iterable[dict[str, Any]]:
    predicted = _main(content, board)
    if predicted is None or not len(content.y_test):
        return
    found = mean_groups(content.y_test, predicted, content.weight_test)
    for k in range(len(found.weight)):
        yield {"tenth": k + 1, **{name: float(getattr(found, name)[k]) for name in (
            "weight", "predicted", "observed", "low", "high")}}  # fmt: skip


def _double_lift(
    content: ReportContent, board: Any, challenger: Challenger | None
) -> Iterable[dict[str, Any]]:
    """Tenths of the rows by how much higher this model's answer is than the challenger's."""
    ours = _main(content, board)
    if ours is None or challenger is None:
        return
    theirs = challenger.predicted
    by = ours - theirs if content.classes or (theirs <= 0).any() or (ours <= 0).any() else ours / theirs
    weight = content.weight_test
    sides = [mean_groups(values, by, weight) for values in (content.y_test, ours, theirs)]
    for k in range(len(sides[0].weight)):
        yield {
            "tenth": k + 1,
            "weight": float(sides[0].weight[k]),
            "observed": float(sides[0].observed[k]),
            "low": float(sides[0].low[k]),
            "high": float(sides[0].high[k]),
            "model": float(sides[1].observed[k]),
            "challenger": float(sides[2].observed[k]),
        }


def _compared(
    content: ReportContent, board: Any, challenger: Challenger | None
) -> tuple[dict[str, Any], ...]:
    """Every measure of both, and how far they differ, with its interval."""
    ours = _main(content, board)
    if ours is None or challenger is None:
        return ()
    draws = resamples(len(content.y_test))
    found = list[dict[str, Any]]()

    def as_given(values: Floats) -> Floats:
        return np.column_stack([1 - values, values]) if content.classes else values

    for way in board.yardsticks:
        both = [
            weighed(way.of(content.y_test, as_given(values)), content.weight_test)
            for values in (ours, challenger.predicted)
        ]
        once = np.ones((1, len(content.y_test)))
        gap = difference(both[0], both[1], draws)
        found.append(
            {
                "measure": way.name,
                "model": number(float(both[0](once)[0])),
                "challenger": number(float(both[1](once)[0])),
                "difference": f"{number(gap.value)} ({number(gap.low, 2)} to {number(gap.high, 2)})",
                "better": "model" if way.improvement(gap.value) > 0 else challenger.name,
                "clear": gap.known and (gap.low > 0 or gap.high < 0),
            }
        )
    return tuple(found)


def sensitivity_rows(model: Any, X: Any) -> list[dict[str, Any]]:
    """What answers do where a column is moved by a standard deviation, or set to its commonest word, all else as it is.

    Parameters
    ----------
    model : KANRegressor or KANClassifier
        Fitted.
    X : table

    Returns
    -------
    list of dict
        Column, move, and the mean and the largest change of the answer: of the last class where there are classes.
    """
    table = model.raw_table(X)

    def answers(given: RawTable) -> Floats:
        if hasattr(model, "classes_"):
            return np.asarray(model.predict_proba(given), dtype=np.float64)[:, -1]
        return np.asarray(model.predict(given), dtype=np.float64).reshape(given.n_rows, -1)[:, 0]

    now, found = answers(table), list[dict[str, Any]]()
    for k, column in enumerate(table.columns):
        moves: list[tuple[str, Any]] = []
        if column.codes is not None:
            common = (
                int(np.bincount(column.codes[column.codes >= 0], minlength=1).argmax())
                if len(column.words)
                else -1
            )
            if common >= 0:
                moves.append(
                    (f"to {column.words[common]}", replace(column, codes=np.full_like(column.codes, common)))
                )
        elif column.numbers is not None and np.isfinite(column.numbers).any():
            step = float(np.nanstd(column.numbers))
            low, high = float(np.nanmin(column.numbers)), float(np.nanmax(column.numbers))
            moves += [
                (
                    f"{sign}{number(step)}",
                    replace(column, numbers=np.clip(column.numbers + way * step, low, high)),
                )
                for sign, way in (("+", 1), ("\u2212", -1))
                if step > 0
            ]
        for words, moved in moves:
            change = (
                answers(replace(table, columns=(*table.columns[:k], moved, *table.columns[k + 1 :]))) - now
            )
            found.append(
                {
                    "column": column.name,
                    "move": words,
                    "mean change": float(change.mean()),
                    "largest change": float(change[np.abs(change).argmax()]),
                }
            )
    return found
