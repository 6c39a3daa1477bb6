"""Checks of the data: answers given away, rows on both sides, classes, gaps, columns that repeat each other."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.report.checks.caveat import Caveat
from edgewise.report.checks.collinearity import collinear_groups
from edgewise.report.checks.leakage import single_input_scores
from edgewise.report.content.columns import summarise_numbers
from edgewise.report.content.content import ReportContent
from edgewise.report.evaluation.leaderboard import Leaderboard
from edgewise.report.evaluation.measures import auc, r_squared
from edgewise.report.text.numbers import counted, listed, number, percent

SUSPECT_R2, SUSPECT_AUC = 0.98, 0.985
# What a single column leaves open, below which it counts as the answer whatever the model makes of the rest.
NEARLY = 1e-4
RARE_CLASS = 0.1
MUCH_MISSING = 0.2


def giveaways(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """An input that alone predicts (nearly) as well as everything together may hold the answer."""
    found = single_input_scores(content)
    limit = SUSPECT_AUC if content.classes else SUSPECT_R2
    whole = _main_worth(content, table)
    if len(content.names) < 2 or not found:
        return []
    # Where the other inputs still explain most of what one leaves open, that one is a strong column and no giveaway.
    suspects = [
        one for one in found if one.worth >= limit and (1 - one.worth) <= max(2.0 * (1 - whole), NEARLY)
    ]
    if not suspects:
        return []
    best = suspects[0]
    names = listed([one.name for one in suspects], 4)
    worth = f"AUC {number(best.worth, 4)}" if content.classes else f"R² {number(best.worth, 5)}"
    copy = 1 - best.worth < 1e-6
    manner = "exactly" if copy else "almost perfectly"
    text = f"{best.name} alone predicts {content.target} {manner} on held-out rows ({worth})."
    if len(suspects) > 1:
        text += f" The same holds for {listed([one.name for one in suspects[1:]], 3)}."
    return [
        Caveat(
            "serious" if copy else "check",
            "A column may give the answer away",
            text,
            f"Ask whether {names} would be known before {content.target} is. If not, leave it out and fit again.",
        )
    ]


def shared_rows(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Held-out rows that were also trained on are not held out."""
    if not len(content.y_test):
        return []
    seen = {row.tobytes() for row in _rows(content.X, content.y)}
    shared = sum(1 for row in _rows(content.X_test, content.y_test) if row.tobytes() in seen)
    share = shared / len(content.y_test)
    if share <= 0.01:
        return []
    return [
        Caveat(
            "check" if share > 0.05 else "note",
            "Rows appear on both sides",
            f"{counted(shared, 'held-out row')} ({percent(share)}) equal{'s' if shared == 1 else ''} a row trained on, "
            f"{content.target} included.",
            "Remove duplicates before splitting, or split by what the rows belong to (person, batch, day).",
        )
    ]


def missing_classes(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Classes that one side of the split lacks."""
    if not content.classes:
        return []
    counts = [
        np.bincount(y.astype(np.int64), minlength=len(content.classes)) for y in (content.y, content.y_test)
    ]
    absent = [name for k, name in enumerate(content.classes) if not counts[0][k]]
    unjudged = [name for k, name in enumerate(content.classes) if len(content.y_test) and not counts[1][k]]
    found: list[Caveat] = []
    if absent:
        text = f"No row trained on is of class {listed(absent)}."
        found.append(
            Caveat("serious", "A class was never seen", text, "Add rows of it, or leave the class out.")
        )
    if unjudged:
        text = f"No held-out row is of class {listed(unjudged)}, so nothing here shows how well it is recognised."
        found.append(Caveat("check", "A class is not judged", text, "Hold out more rows, or split by class."))
    return found


def imbalance(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """A rare class."""
    if not content.classes:
        return []
    counts = np.bincount(content.y.astype(np.int64), minlength=len(content.classes))
    seen = np.flatnonzero(counts)
    share = counts / counts.sum()
    rare = [k for k in seen if share[k] < min(RARE_CLASS, 0.4 / len(content.classes))]
    if not rare:
        return []
    least = min(rare, key=lambda k: share[k])
    return [
        Caveat(
            "check" if counts[least] < 30 else "note",
            "Classes are far from balanced",
            f"Only {percent(float(share[least]))} of the rows trained on ({int(counts[least]):,}) are of class "
            f"{content.classes[least]}.",
            "Accuracy flatters here: look at AUC, log loss and the table of classes.",
        )
    ]


def missing_values(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Columns with many gaps."""
    gaps = [column for column in content.table if column.missing > MUCH_MISSING]
    if not gaps:
        return []
    named = listed([f"{c.name} ({percent(c.missing)})" for c in sorted(gaps, key=lambda c: -c.missing)], 4)
    return [
        Caveat(
            "note",
            "Columns with many gaps",
            f"Values are missing in {named}.",
            "The model treats a gap as information of its own. Check that gaps will come about in the same way later.",
        )
    ]


def collinear(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Columns that fix each other: what belongs to one may be shown for another."""
    groups = [[content.names[k] for k in group] for group in collinear_groups(content.X)]
    if not groups:
        return []
    pairs = [" and ".join(group) for group in groups if len(group) == 2]
    larger = [listed(group, 6) for group in groups if len(group) > 2]
    alike = [f"{one} are the same up to scale and shift" for one in pairs[:3]]
    alike += [f"each of {one} is fixed by the others" for one in larger[:2]]
    text = "; ".join(alike)
    return [
        Caveat(
            "note",
            "Columns are tied together",
            f"{text[:1].upper()}{text[1:]}.",
            "How an effect is shared between them means nothing; one fewer of them would explain as much.",
        )
    ]


def constants(content: ReportContent, table: Leaderboard) -> list[Caveat]:
    """Columns with one value."""
    columns = content.table or summarise_numbers(content.names, content.X)
    still = [column.name for column in columns if column.kind in ("constant", "empty")]
    if not still:
        return []
    return [
        Caveat(
            "note",
            "Columns without information",
            f"{listed(still)}: one value throughout.",
            "They can be left out.",
        )
    ]


def _main_worth(content: ReportContent, table: Leaderboard) -> float:
    """R2 or AUC of the model the page is about; 0 where there is none."""
    if table.main is None or table.main.row.predicted is None:
        return 0.0
    predicted = np.asarray(table.main.row.predicted, dtype=np.float64)
    way = auc if content.classes else r_squared
    return float(way(content.y_test, predicted)(np.ones((1, len(content.y_test))))[0])


def _rows(X: Floats, y: Floats) -> Floats:
    return np.ascontiguousarray(np.column_stack([X, y]) + 0.0)
