"""What a reader should know before relying on the model: every check looks at the content and reports what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural
from edgewise.estimators.problem import ROWS_AN_EDGE
from edgewise.estimators.suspects import is_followed
from edgewise.report.checks.collinearity import collinear_groups
from edgewise.report.content.columns import summarise_numbers
from edgewise.report.content.content import ReportContent
from edgewise.report.evaluation.classes import reliability, shown_classes
from edgewise.report.evaluation.leaderboard import Leaderboard, network_predictions
from edgewise.report.evaluation.measures import auc, r_squared, weighed
from edgewise.report.text.numbers import listed, number, percent
from edgewise.report.text.svg import few

# "serious": results may be wrong; "check": someone who knows the data should look; "note": good to know.
SEVERITIES = ("serious", "check", "note")


@dataclass(frozen=True)
class Caveat:
    """One warning.

    Attributes
    ----------
    severity : str
        "serious", "check" or "note".
    title : str
        What is the matter, in a few words.
    text : str
        What was seen.
    what_to_do : str
    """

    severity: str
    title: str
    text: str
    what_to_do: str


SUSPECT_R2, SUSPECT_AUC = 0.98, 0.985
# What a single column leaves open, below which it counts as the answer whatever the model makes of the rest.
NEARLY = 1e-4
RARE_CLASS = 0.1
MUCH_MISSING = 0.2


def giveaways(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """An input that alone predicts (nearly) as well as everything together may hold the answer."""
    found = single_input_scores(content)
    limit = SUSPECT_AUC if content.classes else SUSPECT_R2
    whole = _main_worth(content, table)
    if len(content.names) < 2 or not found:
        return
    # Where the other inputs still explain most of what one leaves open, that one is a strong column and no giveaway, unless
    # the target follows it without exception: a curve of straight pieces is not the whole of what it tells.
    suspects = [
        one
        for one in found
        if one.worth >= limit
        and ((1 - one.worth) <= max(2.0 * (1 - whole), NEARLY) or _followed(content, one.name))
    ]
    if not suspects:
        return
    best = suspects[0]
    names = listed([one.name for one in suspects], 4)
    worth = f"AUC {number(best.worth, 4)}" if content.classes else f"R² {number(best.worth, 5)}"
    copy = 1 - best.worth < 1e-6
    manner = "exactly" if copy else "almost perfectly"
    text = f"{best.name} alone predicts {content.target} {manner} on held-out rows ({worth})."
    if len(suspects) > 1:
        text += f" The same holds for {listed([one.name for one in suspects[1:]], 3)}."
    yield Caveat(
        "serious" if copy else "check",
        "A column may give the answer away",
        text,
        f"Ask whether {names} would be known before {content.target} is. If not, leave it out and fit again.",
    )


def shared_rows(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Held-out rows that were also trained on are not held out."""
    # Of a model that saw none of the rows all are judged, and all stand in the sections on what it learned.
    if not len(content.y_test) or np.array_equal(content.X, content.X_test):
        return
    seen = {row.tobytes() for row in _rows(content.X, content.y)}
    shared = sum(1 for row in _rows(content.X_test, content.y_test) if row.tobytes() in seen)
    share = shared / len(content.y_test)
    if share <= 0.01:
        return
    yield Caveat(
        "check" if share > 0.05 else "note",
        "Rows appear on both sides",
        f"{plural(shared, 'held-out row')} ({percent(share)}) equal{'s' if shared == 1 else ''} a row trained on, "
        f"{content.target} included.",
        "Remove duplicates before splitting, or split by what the rows belong to (person, batch, day).",
    )


def missing_classes(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Classes that one side of the split lacks."""
    if not content.classes:
        return
    counts = [
        np.bincount(y.astype(np.int64), minlength=len(content.classes)) for y in (content.y, content.y_test)
    ]
    absent = [name for k, name in enumerate(content.classes) if not counts[0][k]]
    unjudged = [name for k, name in enumerate(content.classes) if len(content.y_test) and not counts[1][k]]
    if absent:
        text = f"No row trained on is of class {listed(absent)}."
        yield Caveat("serious", "A class was never seen", text, "Add rows of it, or leave the class out.")
    if unjudged:
        text = f"No held-out row is of class {listed(unjudged)}, so nothing here shows how well it is recognised."
        yield Caveat("check", "A class is not judged", text, "Hold out more rows, or split by class.")


def imbalance(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """A rare class."""
    if not content.classes:
        return
    counts = np.bincount(content.y.astype(np.int64), minlength=len(content.classes))
    seen = np.flatnonzero(counts)
    share = counts / counts.sum()
    rare = [k for k in seen if share[k] < min(RARE_CLASS, 0.4 / len(content.classes))]
    if not rare:
        return
    least = min(rare, key=lambda k: share[k])
    yield Caveat(
        "check" if counts[least] < 30 else "note",
        "Classes are far from balanced",
        f"Only {percent(float(share[least]))} of the rows trained on ({int(counts[least]):,}) are of class "
        f"{content.classes[least]}.",
        "Accuracy flatters here: look at AUC, log loss and the table of classes.",
    )


def missing_values(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Columns with many gaps."""
    gaps = [column for column in content.table if column.missing > MUCH_MISSING]
    if not gaps:
        return
    named = listed([f"{c.name} ({percent(c.missing)})" for c in sorted(gaps, key=lambda c: -c.missing)], 4)
    yield Caveat(
        "note",
        "Columns with many gaps",
        f"Values are missing in {named}.",
        "The model treats a gap as information of its own. Check that gaps will come about in the same way later.",
    )


def collinear(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Columns that fix each other: what belongs to one may be shown for another."""
    groups = [[content.names[k] for k in group] for group in collinear_groups(content.X)]
    if not groups:
        return
    pairs = [" and ".join(group) for group in groups if len(group) == 2]
    larger = [listed(group, 6) for group in groups if len(group) > 2]
    alike = [f"{one} are the same up to scale and shift" for one in pairs[:3]]
    alike += [f"each of {one} is fixed by the others" for one in larger[:2]]
    text = "; ".join(alike)
    yield Caveat(
        "note",
        "Columns are tied together",
        f"{text[:1].upper()}{text[1:]}.",
        "How an effect is shared between them means nothing; one fewer of them would explain as much.",
    )


def constants(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Columns with one value."""
    columns = content.table or summarise_numbers(content.names, content.X)
    still = [column.name for column in columns if column.kind in ("constant", "empty")]
    if not still:
        return
    yield Caveat(
        "note",
        "Columns without information",
        f"{listed(still)}: one value throughout.",
        "They can be left out.",
    )


def _main_worth(content: ReportContent, table: Leaderboard) -> float:
    """R2 or AUC of the model the page is about; 0 where there is none."""
    if table.main is None or table.main.row.predicted is None:
        return 0.0
    predicted = np.asarray(table.main.row.predicted, dtype=np.float64)
    way = auc if content.classes else r_squared
    return float(way(content.y_test, predicted)(np.ones((1, len(content.y_test))))[0])


def _rows(X: Floats, y: Floats) -> Floats:
    return np.ascontiguousarray(np.column_stack([X, y]) + 0.0)


FEW_HELD_OUT = 50
MISCALIBRATED = 0.03
# Rows trained on that are predicted anew.
ROWS_PREDICTED = 4_000


def rivals(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """A baseline that is clearly better."""
    main = table.main
    if main is None or main.gain is None or not main.gain.known or main.gain.high >= 0:
        return
    lead = table.yardsticks[0]
    rival = next(one for one in table.rows if one.row.model == table.rival and not one.row.ours)
    yield Caveat(
        "check",
        f"{table.rival.capitalize()} predicts better",
        f"Its {lead.name} on held-out rows is {number(rival.measures[0].value)}, this model's is "
        f"{number(main.measures[0].value)}; the difference is more than chance.",
        "If only the prediction matters, use it. If the model must be read, this is what reading it costs; more work, "
        "interactions or members may narrow the gap.",
    )


def overfit(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Errors on rows trained on that are far below those on held-out rows."""
    rows = few(len(content.y), ROWS_PREDICTED)
    main, fitted = table.main, network_predictions(content, content.X[rows])
    if main is None or fitted is None:
        return
    way, outer = next(
        pair for pair in zip(table.yardsticks, main.measures, strict=True) if pair[0].better == "lower"
    )
    weight = None if content.weight is None else content.weight[rows]
    inner = float(weighed(way.of(content.y[rows], fitted), weight)(np.ones((1, len(rows))))[0])
    scale = float(content.y.std()) if way.unit else 1.0
    limit = 2.0 if way.unit else 1.5
    # The interval's near end: few held-out rows alone must not raise the alarm. Below rounding nothing is memorised.
    near = outer.low if outer.known else outer.value
    if not (near > limit * inner and outer.value > 1e-6 * scale):
        return
    yield Caveat(
        "check",
        "It fits the rows it learned from much better than new ones",
        f"{way.name} is {number(inner)} on rows trained on and {number(outer.value)} on held-out rows.",
        "Expect the held-out figure. More rows, fewer columns or a simpler model may help.",
    )


def outside(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Held-out rows beyond the range of the grids."""
    net = content.network
    if net is None or not len(content.y_test):
        return
    X = content.columns(content.X_test, net.input_names)
    with torch.no_grad():
        beyond = net.outside(torch.from_numpy(X).to(net.output_shift)).cpu().numpy()
    rows = int(beyond.any(1).sum())
    if not rows:
        return
    names = [net.input_names[k] for k in np.argsort(-beyond.sum(0), kind="stable") if beyond[:, k].any()]
    share = rows / len(beyond)
    yield Caveat(
        "check" if share > 0.05 else "note",
        "Some rows lie outside the range trained on",
        f"{plural(rows, 'held-out row')} ({percent(share)}): {listed(names, 4)}. Nothing was learned there.",
        "Treat predictions beyond the range as guesses; the range of every column is in the section on the data.",
    )


def few_held_out(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Too few rows to judge by."""
    rows = len(content.y_test)
    if rows >= FEW_HELD_OUT or not rows:
        return
    yield Caveat(
        "check",
        "Few rows to judge by",
        f"Accuracy is measured on only {plural(rows, 'held-out row')}.",
        "Look at the intervals rather than the figures, or judge by cross-validation.",
    )


def few_rows(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """More functions than the rows can support."""
    net = content.network
    if net is None:
        return
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    if len(content.y) >= ROWS_AN_EDGE * edges:
        return
    yield Caveat(
        "check",
        "Few rows for so many functions",
        f"{plural(edges, 'edge function')} were learned from {plural(len(content.y), 'row')}.",
        "Do not read much into a single curve; more rows or fewer columns would support them better.",
    )


def calibration(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """Probabilities that cannot be taken at their word."""
    main = table.main
    if not content.classes or main is None or len(content.y_test) < 100:
        return
    predicted = np.asarray(main.row.predicted, dtype=np.float64)
    shown = shown_classes(content.y_test, content.classes)
    found = [(content.classes[k], reliability(content.y_test == k, predicted[:, k])) for k in shown]
    off = [(name, one) for name, one in found if one.curve.ece > max(MISCALIBRATED, 2.0 * one.chance)]
    if not off:
        return
    name, worst = max(off, key=lambda pair: pair[1].curve.ece)
    yield Caveat(
        "check",
        "Probabilities are off",
        f"For {name}, predicted probabilities and how often it happened differ by {number(100 * worst.curve.ece, 2)} "
        f"percentage points on average; chance alone would make it about {number(100 * worst.chance, 2)}.",
        "Do not take the probabilities at their word; calibrate them on rows of their own.",
    )


def repeats(content: ReportContent, table: Leaderboard) -> Iterator[Caveat]:
    """The same model from other seeds that predicts otherwise."""
    main = table.main
    if main is None or not content.repeats or main.row.predicted is None:
        return
    every = [np.asarray(p, dtype=np.float64) for p in (main.row.predicted, *content.repeats)]
    lead = table.yardsticks[0]
    weights = np.ones((1, len(content.y_test)))
    values = [float(lead.of(content.y_test, p)(weights)[0]) for p in every]
    if content.classes:
        apart = float(np.stack(every).std(0).max(-1).mean())
        unstable, words = (
            apart > 0.05,
            f"their probabilities differ by {number(100 * apart, 2)} percentage points",
        )
    else:
        apart = float(np.sqrt(np.stack(every).var(0).mean()))
        unstable, words = (
            apart > 0.5 * values[0],
            f"their predictions differ by {number(apart, 3)} (root mean square)",
        )
    if not unstable:
        return
    yield Caveat(
        "check",
        "Other seeds give another model",
        f"Over {plural(len(every), 'fit')} that differ in nothing but the seed, {words}; {lead.name} runs from "
        f"{number(min(values))} to {number(max(values))}.",
        "Average several fits (members), or give the fit more rows or work, before reading single curves.",
    )


KNOTS = 24
ROWS_OF_AN_INPUT = 5000
# Pulls a knot without rows towards its neighbours' line, faintly.
FAINT = 1e-9


def _followed(content: ReportContent, name: str) -> bool:
    """Whether a target of numbers follows an input without exception, in the rows trained on and those held out."""
    k = content.names.index(name)
    if content.classes or content.view(name).levels:
        return False
    return is_followed(np.append(content.X[:, k], content.X_test[:, k]), np.append(content.y, content.y_test))


@dataclass(frozen=True)
class SingleInputScore:
    """One input by itself: R2 for numbers, AUC for classes, on held-out rows."""

    name: str
    worth: float


def single_input_scores(content: ReportContent) -> tuple[SingleInputScore, ...]:
    """Every input by itself, the best first, which shows leakage: fitted on the rows trained on, judged on those held out.

    Numbers are predicted by a curve of straight pieces through quantiles of the input, levels by their means.
    """
    rows = np.arange(0, len(content.y), max(-(-len(content.y) // ROWS_OF_AN_INPUT), 1))
    y = content.y[rows]
    if len(content.y_test) < 2 or not len(rows):
        return ()
    aims = _aims(y, len(content.classes))
    found: list[SingleInputScore] = []
    for k, name in enumerate(content.names):
        levels = len(content.view(name).levels)
        train, test = content.X[rows, k], content.X_test[:, k]
        design, judged = _designs(train, test, levels)
        coefficients = _solve(design, aims, smooth=not levels)
        predicted = judged @ coefficients
        worth = _worth(content.y_test, predicted, len(content.classes))
        if np.isfinite(worth):
            found.append(SingleInputScore(name, worth))
    return tuple(sorted(found, key=lambda one: -one.worth))


def _aims(y: Floats, classes: int) -> Floats:
    return (y[:, None] == np.arange(classes)).astype(np.float64) if classes else y[:, None]


def _worth(y: Floats, predicted: Floats, classes: int) -> float:
    every = np.ones((1, len(y)))
    way = auc(y, predicted) if classes else r_squared(y, predicted[:, 0])
    return float(way(every)[0])


def _designs(train: Floats, test: Floats, levels: int) -> tuple[Floats, Floats]:
    if levels:
        codes = np.arange(levels)
        return (train.round()[:, None] == codes).astype(np.float64), (test.round()[:, None] == codes).astype(
            np.float64
        )
    knots = np.unique(np.quantile(train, np.linspace(0.0, 1.0, KNOTS)))
    return _hats(train, knots), _hats(test, knots)


def _hats(x: Floats, knots: Floats) -> Floats:
    """Straight pieces between knots, the outer ones going on beyond: shape (n, knots)."""
    size = len(knots)
    if size == 1:
        return np.ones((len(x), 1))
    piece = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, size - 2)
    # Halved first: the range of the largest numbers would overflow.
    along = (x / 2 - knots[piece] / 2) / (knots[piece + 1] / 2 - knots[piece] / 2)
    design = np.zeros((len(x), size))
    rows = np.arange(len(x))
    design[rows, piece], design[rows, piece + 1] = 1.0 - along, along
    return design


def _solve(design: Floats, aims: Floats, *, smooth: bool) -> Floats:
    """Least squares; a faint penalty on kinks (or on size, for levels) settles what no row determines."""
    size = design.shape[1]
    penalty = np.diff(np.eye(size), n=2, axis=0) if smooth and size > 2 else np.eye(size)
    weight = FAINT * max(float((design**2).sum()), 1.0)
    gram = design.T @ design + weight * (penalty.T @ penalty) + 1e-12 * weight * np.eye(size)
    middle = aims.mean(0)
    answer: Floats = np.linalg.lstsq(gram, design.T @ (aims - middle), rcond=None)[0]
    return answer + middle


def caveats(content: ReportContent, table: Leaderboard) -> tuple[Caveat, ...]:
    """Everything the checks found, the most serious first."""
    checks: tuple[Callable[[ReportContent, Leaderboard], Iterable[Caveat]], ...] = (
        giveaways,
        shared_rows,
        rivals,
        overfit,
        outside,
        few_held_out,
        few_rows,
        missing_classes,
        imbalance,
        calibration,
        repeats,
        missing_values,
        collinear,
        constants,
    )
    found = [caveat for check in checks for caveat in check(content, table)]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))
