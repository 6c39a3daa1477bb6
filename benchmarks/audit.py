"""Audits: rates against Fairlearn's, proxies and false alarms, what bounds on flips cost, equalised odds on adult.

Splits of german and adult are those of adoption.py. Thresholds are chosen on rows of the training part that the scores
were not learned from (five folds), never on test rows. The environment may choose a part: AUDIT_PARTS="metrics;proxies".
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from _common import Clock, Report, Run, begin
from adoption import PROBLEMS, Split
from fairlearn import metrics as theirs
from sklearn.metrics import accuracy_score, precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

import edgewise as ew
from edgewise.auditing.bootstrap import Outcomes, Resamples, statistics
from edgewise.auditing.groups import Grouping, groupings
from edgewise.auditing.metrics import group_tables
from edgewise.auditing.proxies import find_proxies
from edgewise.auditing.subject import subject
from edgewise.auditing.thresholds import group_thresholds
from edgewise.data.encoding_raw import raw_table

# No table needs more work: the number of steps is then that of the recipe.
WORK, FOLDS = 50, 5
# Differences between groups that thresholds may leave on the rows they are chosen on: none, and half of the aim.
ALLOWED = (0.0, 0.005)
KINDS = ("shift", "spread", "words", "gaps")


def metrics(run: Run) -> None:
    report = Report(run, "metrics", ["rows", "groups", "largest deviation", "CPU s"], [8, 8, 18, 8])
    for n in (1_000, 20_000):
        r = np.random.default_rng(n)
        y = (r.random(n) < 0.3).astype(float)
        s = np.clip(0.6 * r.random(n) + 0.3 * y, 0, 1)
        codes, weight = r.integers(0, 4, n), r.random(n) + 0.1
        rows = Outcomes(y, s, s > 0.5, weight)
        clock = Clock()
        parts = (Grouping("g", tuple("abcd"), codes, ("g",)),)
        (table,) = group_tables(rows, parts, Resamples(rows, parts, 0).draw(500))
        spent = clock.seconds
        decided = {
            "selection_rate": theirs.selection_rate,
            "tpr": theirs.true_positive_rate,
            "fpr": theirs.false_positive_rate,
            "fnr": theirs.false_negative_rate,
            "ppv": precision_score,
            "accuracy": accuracy_score,
        }
        worst = 0.0
        for chosen, told in ((decided, rows.decided.astype(int)), ({"auc": roc_auc_score}, s)):
            frame = theirs.MetricFrame(
                metrics=chosen,
                y_true=y.astype(int),
                y_pred=told,
                sensitive_features=codes,
                sample_params={name: {"sample_weight": weight} for name in chosen},
            )
            for name in chosen:
                worst = max(
                    worst, float(np.abs(np.array(table.values[name]) - frame.by_group[name].to_numpy()).max())
                )
                worst = max(worst, abs(table.gaps[name].difference - frame.difference()[name]))
        report.add(n, 4, worst, spent)
    report.save()


def planted(kind: str, seed: int, n: int = 500) -> tuple[dict[str, Any], np.ndarray]:
    """Nine columns of noise and, where a kind is named, one that carries sex."""
    r = np.random.default_rng(seed)
    male = r.random(n) < 0.5
    X: dict[str, Any] = {f"n{k}": r.normal(size=n) for k in range(6)}
    X |= {f"w{k}": r.choice(list("abcdefghijklmno")[: 3 + 6 * k], n) for k in range(3)}
    if kind == "shift":
        X["proxy"] = r.normal(size=n) + 0.9 * male
    if kind == "spread":
        X["proxy"] = r.normal(size=n) * np.where(male, 2.5, 0.8)
    if kind == "words":
        X["proxy"] = np.where(r.random(n) < 0.4, np.where(male, "u", "v"), r.choice(list("uvwx"), n))
    if kind == "gaps":
        X["proxy"] = np.where(r.random(n) < np.where(male, 0.5, 0.1), np.nan, r.normal(size=n))
    return X, np.where(male, "m", "f")


def proxies(run: Run) -> None:
    report = Report(
        run,
        "proxies",
        ["kind", "tables", "found", "false alarms", "pairs", "CPU s a table"],
        [8, 7, 7, 13, 6, 13],
    )
    tables = 8 if run.quick else 100
    for kind in (*KINDS, "noise"):
        found = alarms = pairs = 0
        clock = Clock()
        for seed in range(tables):
            X, sex = planted(kind, seed)
            table = raw_table(X)
            told = find_proxies(table, groupings({"sex": sex}, table)[0], seed=seed)
            names = {proxy.column for proxy in told.found}
            found += "proxy" in names
            alarms += bool(names - {"proxy"})
            pairs += len(told.pairs)
        report.add(kind, tables, found if kind != "noise" else None, alarms, pairs, clock.seconds / tables)
    report.save()


def with_sex(split: Split) -> Split:
    """german's ninth attribute holds sex and marital status together; what is audited is sex."""
    parts = []
    for X in (split.X, split.X_test):
        women = X["attribute 9"].isin(["A92", "A95"])
        parts.append(X.drop(columns="attribute 9").assign(sex=np.where(women, "female", "male")))
    return Split(parts[0], split.y, parts[1], split.y_test)


def splits(run: Run, name: str) -> list[Split]:
    problem = next(one for one in PROBLEMS if one.name == name)
    files = [run.table(file) for file in problem.files]
    if any(file is None for file in files):
        return []
    found = list(problem.splits([Path(str(file)) for file in files]))
    return [with_sex(one) for one in found] if name == "german" else found


def flips(run: Run) -> None:
    report = Report(
        run,
        "flips",
        ["table", "mode", "max_change", "bound before", "certified", "AUC before", "AUC", "cost", "CPU s"],
        [7, 9, 5, 13, 10, 10, 7, 8, 6],
    )
    for name in ("german",) if run.quick else ("german", "adult"):
        found = splits(run, name)
        # "auto" takes one of these two: the additive one of german, the deep one of adult.
        for mode in ("additive",) if run.quick else ("additive", "deep"):
            kept: dict[float, list[tuple[float, float, float, float, float]]] = {}
            for split in found:
                model = ew.KANClassifier(mode=mode, work=WORK).fit(split.X, split.y)
                before = roc_auc_score(split.y_test, model.predict_proba(split.X_test)[:, 1])
                bound = ew.audit(model, split.X_test, split.y_test, "sex", bootstrap=0, proxies=False)
                start = bound.value("certified", "sex")
                for max_change in (0.2, 0.05, 0.0):
                    clock = Clock()
                    limited = (
                        ew.auditing.bound_flip(model, "sex", max_change, split.X) if max_change else None
                    )
                    made = limited or ew.auditing.neutralize_columns(model, "sex", split.X)
                    spent = clock.seconds
                    after = roc_auc_score(split.y_test, made.model.predict_proba(split.X_test)[:, 1])
                    kept.setdefault(max_change, []).append(
                        (start, made.certificates[0].bound, before, after, spent)
                    )
            for max_change, rows in kept.items():
                start, bound, before, after, spent = np.mean(rows, 0).tolist()
                report.add(name, mode, max_change, start, bound, before, after, before - after, spent)
    report.save()


def gaps(chance: np.ndarray, y: np.ndarray, codes: np.ndarray) -> tuple[float, float, float]:
    """Accuracy, equalised-odds and parity differences of decisions that leave something to chance."""
    n = len(y)
    double = Outcomes(
        np.tile(y, 2), np.zeros(2 * n), np.repeat([True, False], n), np.concatenate([chance, 1 - chance])
    )
    two = Grouping("g", ("a", "b"), np.tile(codes, 2), ("g",))
    parts = statistics(double, two, double.weight[:, None])
    tpr, fpr, chosen = (np.ptp(parts[name][0]) for name in ("tpr", "fpr", "selection_rate"))
    return float(np.mean(np.where(y == 1, chance, 1 - chance))), float(max(tpr, fpr)), float(chosen)


def odds(run: Run) -> None:
    """Rules chosen on training rows alone, before the test rows are looked at: half the aim is left for chance.

    A rule is read off scores of rows that a fold's network has not seen. Test rows are decided by these same networks in
    turn, with the mean of the chances: their scores are then like those that the rule was made for. (One network that has
    learned from all rows is surer of itself, and its scores lie elsewhere.)
    """
    report = Report(
        run,
        "odds",
        ["rows judged", "thresholds", "allowed", "accuracy", "equalised odds", "demographic parity"],
        [44, 10, 7, 9, 14, 18],
    )
    for split in [] if run.quick else splits(run, "adult"):
        y, y_test = split.y.astype(float), split.y_test.astype(float)
        sex, sex_test = (groupings(["sex"], raw_table(X))[0] for X in (split.X, split.X_test))
        scores, fold = np.zeros(len(y)), np.zeros(len(y), dtype=int)
        parts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(split.X, 2 * split.y + sex.codes)
        tests = list[np.ndarray]()
        for k, (learns, judges) in enumerate(parts):
            model = ew.KANClassifier(work=WORK, random_state=k).fit(split.X.iloc[learns], split.y[learns])
            scores[judges], fold[judges] = model.predict_proba(split.X.iloc[judges])[:, 1], k
            tests.append(model.predict_proba(split.X_test)[:, 1])
        model = ew.KANClassifier(work=WORK).fit(split.X, split.y)
        who, _ = subject(model, split.y, len(y))
        whole = model.predict_proba(split.X_test)[:, 1]
        report.add("test", "one", None, *gaps((whole > 0.5).astype(float), y_test, sex_test.codes))
        for at_most in ALLOWED:
            rules = group_thresholds(who, scores, y, sex, criterion="eo", at_most=at_most)
            chance = np.mean([rules.chance(own, sex_test.labels) for own in tests], axis=0)
            report.add(
                "test, by rules and networks of folds",
                "by group",
                at_most,
                *gaps(chance, y_test, sex_test.codes),
            )
            chance = rules.chance(whole, sex_test.labels)
            report.add(
                "test, by rules of folds and one network",
                "by group",
                at_most,
                *gaps(chance, y_test, sex_test.codes),
            )
            # Folds in turn: rules from the others decide each; all rows together judge with less noise than the test.
            chance = np.zeros(len(y))
            for k in range(FOLDS):
                own, rest = fold == k, np.flatnonzero(fold != k)
                turn = group_thresholds(
                    who, scores[rest], y[rest], sex.take(rest), criterion="eo", at_most=at_most
                )
                chance[own] = turn.chance(scores[own], sex.labels[own])
            report.add("training, by rules of other folds", "by group", at_most, *gaps(chance, y, sex.codes))
        few = min(int(((sex_test.codes == g) & (y_test == 1)).sum()) for g in range(2))
        rate = float(np.mean(whole[y_test == 1] > 0.5))
        report.note(
            f"The smaller group has {few} positive outcomes among the test rows: chance alone moves its true positive rate, "
            f"and so the difference, by {1.96 * (rate * (1 - rate) / few) ** 0.5:.3f} (95 %)."
        )
    report.save()


PARTS = {"metrics": metrics, "proxies": proxies, "flips": flips, "odds": odds}


def main() -> None:
    run = begin("audit", "audits of models: rates, proxies, flips, equalised odds")
    chosen = os.environ.get("AUDIT_PARTS", ";".join(PARTS)).split(";")
    for name in chosen:
        print(f"\n## {name}\n")
        PARTS[name](run)


if __name__ == "__main__":
    main()
