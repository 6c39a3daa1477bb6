"""Tables as people write them, nearly right: money, percentages, dates, units, comments, white space, Latin-1, workbooks."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from .damage import damaged
from .values import pick

Random = np.random.Generator

_WRITINGS: dict[str, Callable[[Random], str]] = {
    "plain": lambda r: f"{r.normal():.3g}",
    "money": lambda r: f"${r.integers(1, 10**6):,}.{r.integers(100):02d}",
    "euro": lambda r: f"{r.integers(1, 10**6):,} €".replace(",", "."),
    "percent": lambda r: f"{r.integers(100)}%",
    "unit": lambda r: f"{r.integers(1, 99)} kg",
    "date": lambda r: f"{r.integers(1, 32)}.{r.integers(1, 13)}.{r.integers(1990, 2030)}",
    "american": lambda r: f"{r.integers(1, 13)}/{r.integers(1, 29)}/{r.integers(1990, 2030)}",
    "moment": lambda r: f"2010-01-{r.integers(1, 29):02d} 12:{r.integers(60):02d}",
    "word": lambda r: str(pick(r, ("oak", "elm", "größe", "a b", "#1", ""))),
    "huge": lambda r: str(pick(r, ("1e300", "-1e308", "9007199254740993", "1e-320", "1"))),
    "same": lambda r: "7",
}
_STRAY = (
    "n/a",
    "-",
    "?",
    "inf",
    "12",
    "$",
    "%",
    "()",
    "31.02.2010",
    "1,2,3",
    '"',
    "\t",
    "#",
    "(5",
    "1e",
    "½",
    "٣",
    "−3",
)
_UNITS = ("kg", "m/s", "°C", "[m]", "(s)", "-", "", "1", "9**9**9", "unknown", "%")


def everyday_text(random: Random) -> bytes:
    """A table of such columns, in one of the usual dialects, with a stray cell here and there."""
    rows, columns = int(pick(random, (2, 12, 12, 30))), int(pick(random, (1, 2, 3, 5)))
    delimiter = pick(random, (",", ",", ";", "\t", "|", " ", "   "))
    kinds = [pick(random, tuple(_WRITINGS)) for _ in range(columns - 1)] + ["plain"]
    lines: list[list[str]] = []
    if random.random() < 0.85:
        lines.append([f"x{k + 1}" for k in range(columns - 1)] + ["y"])
    if random.random() < 0.2:
        lines.append([pick(random, _UNITS) for _ in range(columns)])
    stray = pick(random, (0.0, 0.0, 0.02, 0.3))
    for _ in range(rows):
        cells = [_WRITINGS[kind](random) for kind in kinds]
        lines.append([pick(random, _STRAY) if random.random() < stray else cell for cell in cells])
    text = [
        delimiter.join(f'"{c}"' if delimiter in c or random.random() < 0.1 else c for c in line)
        for line in lines
    ]
    if random.random() < 0.3:
        text.insert(int(random.integers(len(text))), pick(random, ("# remark", "#", "# x1 y", "#a,b,c")))
    encoded = (
        pick(random, ("\n", "\r\n"))
        .join(text)
        .encode(pick(random, ("utf-8", "utf-8", "cp1252", "utf-16")), "replace")
    )
    return damaged(random, encoded) if random.random() < 0.15 else encoded


def workbook(random: Random) -> bytes:
    """The same as a workbook, whole or damaged."""
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "nan_inf_to_errors": True}) as book:
        for name in pick(random, (("a",), ("empty", "b"), ("a", "b"))):
            sheet = book.add_worksheet(name)
            for row in range(0 if name == "empty" else int(pick(random, (0, 1, 14)))):
                for column in range(3):
                    kind = pick(random, tuple(_WRITINGS))
                    cell = float(random.normal()) if random.random() < 0.7 else _WRITINGS[kind](random)
                    sheet.write(row, column, f"x{column}" if row == 0 else cell)
    content = stream.getvalue()
    return damaged(random, content) if random.random() < 0.5 else content
