"""Put the figures of benchmarks/out into the pages of docs/ that show them, between the comments that name them.

`<!-- figures toy / formula -->` up to `<!-- end -->` holds machine, table and notes of that part of out/toy.json;
`<!-- notes toy / formula -->` leaves the table out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from _common import OUT, text

PAGES = tuple(
    Path(__file__).parent.parent / "docs" / name
    for name in ("benchmarks.md", "performance.md", "benchmarks-formulas.md", "benchmarks-trust.md")
)
PLACE = re.compile(r"(<!-- (figures|notes) (\w+) / (.+?) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with every place filled whose figures are there."""

    def fill(match: re.Match[str]) -> str:
        head, kind, script, part = match.groups()
        file = OUT / f"{script}.json"
        found = json.loads(file.read_text()).get(part) if file.is_file() else None
        return match.group(0) if found is None else f"{head}\n{_block(found, kind == 'figures')}\n\n"

    return PLACE.sub(fill, page)


def _block(part: dict[str, Any], with_table: bool) -> str:
    rows = part["rows"]
    if not rows:
        return "\n\n".join(part["notes"])
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([text(cell) for cell in row.values()] for row in rows)]
    table = "\n".join("| " + " | ".join(cell.strip() for cell in line) + " |" for line in lines)
    blocks = [table, *part["notes"]] if with_table else part["notes"]
    return "\n\n".join([*blocks, f"*{part['machine']}*"])


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
