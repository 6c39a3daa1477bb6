"""The README's figures are those that were measured."""

import csv
import re
from pathlib import Path
from statistics import mean, stdev

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("KAN", "boosting", "tuned boosting")


def rows(text):
    """The cells of every row of every table."""
    return [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in text.splitlines()
        if line[:1] == "|"
    ]


def test_the_tables_of_the_readme():
    with (ROOT / "docs/rows/tables-tables.csv").open(encoding="utf-8") as stream:
        measured = {(row["table"], row["model"]): float(row["RMSE"]) for row in csv.DictReader(stream)}
    # The same folds; the KAN is the estimator as it comes.
    with (ROOT / "docs/rows/adoption-tables.csv").open(encoding="utf-8") as stream:
        measured |= {
            (row["table"], "KAN"): float(row["mean"])
            for row in csv.DictReader(stream)
            if row["model"] == "KAN"
        }
    shown = [row for row in rows((ROOT / "README.md").read_text()) if (row[0], "KAN") in measured]
    assert len(shown) >= 5
    for table, *figures in shown:
        for method, figure in zip(METHODS, figures, strict=True):
            digits = len(re.sub(r"^0\.0*|\.", "", figure))
            assert f"{float(figure):g}" == f"{float(f'{measured[table, method]:.{digits}g}'):g}", (
                table,
                method,
            )


def test_the_accuracies_of_pictures_in_the_readme():
    with (ROOT / "docs/rows/images-trainings.csv").open(encoding="utf-8") as stream:
        trainings = [
            row for row in csv.DictReader(stream) if row["data"] == "mnist" and row["quick"] == "False"
        ]

    def measured(kind, size):
        found = [
            100 * float(row["accuracy"]) for row in trainings if (row["kind"], row["size"]) == (kind, size)
        ]
        assert len(found) == 3
        return f"{mean(found):.2f}", f"{stdev(found):.2f}"

    readme = " ".join((ROOT / "README.md").read_text().split())
    ours, ordinary = measured("kan", "100000"), measured("cnn", "100000")
    assert f"MNIST {ours[0]} ± {ours[1]} % and {ordinary[0]} ± {ordinary[1]} %" in readme
    assert f"{measured('patches', '10000')[0]} % with 9,000" in readme
