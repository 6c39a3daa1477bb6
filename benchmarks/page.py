"""Put the figures of benchmarks/out into the pages of docs/ that show them, between the comments that name them.

`<!-- figures toy / formula -->` up to `<!-- end -->` holds table, notes and machine of that part of out/toy.json;
`<!-- notes toy / formula -->` leaves the table out; `<!-- rows toy / formula -->` is a link to docs/rows/toy-formula.csv,
which is written. So is the file of a part that the first cell of a table names. docs/rows/index.csv has the machine and the
notes of every such file.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from _common import OUT, text

from edgewise._core.checks import plural

DOCS = Path(__file__).parent.parent / "docs"
PAGES = (
    "benchmarks.md",
    "performance.md",
    "benchmarks-formulas.md",
    "benchmarks-laws.md",
    "benchmarks-trust.md",
    "benchmarks-likelihoods.md",
    "benchmarks-equations.md",
    "large.md",
    "tables.md",
    "experiments.md",
)
PLACE = re.compile(r"(<!-- (figures|notes|rows) (\w+) / (.+?) -->).*?(?=<!-- end -->)", re.DOTALL)
INDEX = ("file", "script", "part", "rows", "machine", "notes")

Part = dict[str, Any]


class Pages:
    """The pages of a folder, and the files of rows beside them.

    Parameters
    ----------
    docs, measured : folders of the pages and of the figures
    """

    def __init__(self, docs: Path, measured: Path) -> None:
        self.docs, self.measured = docs, measured
        index = docs / "rows" / "index.csv"
        known = list(csv.DictReader(index.open(encoding="utf-8"))) if index.is_file() else []
        self.index = {(line["script"], line["part"]): line for line in known}

    def fill(self) -> None:
        """Fill every place whose figures are there, and leave the others as they are."""
        for name in PAGES:
            page = self.docs / name
            page.write_text(self.filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        lines = sorted(self.index.values(), key=lambda line: line["file"])
        write(self.docs / "rows" / "index.csv", [INDEX, *([line[name] for name in INDEX] for line in lines)])

    def filled(self, page: str) -> str:
        """The page with its places filled."""

        def fill(match: re.Match[str]) -> str:
            head, kind, script, part = match.groups()
            found = self.parts(script).get(part)
            if found is None:
                return match.group(0)
            if kind == "rows":
                return head + self.link(script, part, plural(len(found["rows"]), "row"))
            return f"{head}\n{self.block(script, found, kind == 'figures')}\n"

        return PLACE.sub(fill, page)

    def parts(self, script: str) -> dict[str, Part]:
        """What a script has measured."""
        file = self.measured / f"{script}.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def link(self, script: str, part: str, words: str) -> str:
        """A link to the rows of a part, which are written where they were measured; plain words where there are none."""
        found = self.parts(script).get(part)
        if found and found["rows"]:
            file = f"{script}-{re.sub(r'[^a-z0-9.]+', '-', part.lower()).strip('-')}.csv"
            columns = list(found["rows"][0])
            lines = [[text(row[name]) for name in columns] for row in found["rows"]]
            write(self.docs / "rows" / file, [columns, *lines])
            line = file, script, part, str(len(found["rows"])), found["machine"], " ".join(found["notes"])
            self.index[script, part] = dict(zip(INDEX, line, strict=True))
        known = self.index.get((script, part))
        return f"[{words}](rows/{known['file']})" if known else words

    def block(self, script: str, part: Part, with_table: bool) -> str:
        """Table, notes and machine, with links to the rows behind the lines of the table."""
        under = " ".join([*part["notes"], f"*{part['machine']}*"])
        if not (with_table and part["rows"]):
            return under
        columns = list(part["rows"][0])
        lines = [columns, ["---"] * len(columns)]
        for row in part["rows"]:
            first, *others = (text(row[column]).strip() for column in columns)
            lines.append([self.link(script, first, first), *others])
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{table}\n\n{under}"


def write(file: Path, lines: Iterable[Iterable[str]]) -> None:
    """A CSV file."""
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    Pages(DOCS, OUT).fill()
