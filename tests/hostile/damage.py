"""Bytes gone wrong: cut off, flipped, spliced, repeated, blanked; and tables and settings as text that never were right."""

from __future__ import annotations

from typing import Any

import numpy as np

from .values import NAMES, pick

Random = np.random.Generator


def damaged(random: Random, whole: bytes) -> bytes:
    """A file's bytes after one to three mishaps."""
    data = bytearray(whole)
    for _ in range(int(pick(random, (1, 1, 1, 2, 3)))):
        if not data:
            break
        place = _place(random, len(data))
        length = int(min(random.geometric(0.05), len(data) - place))
        way = int(random.integers(9))
        if way <= 1:
            data[place] ^= 1 << int(random.integers(8))
        elif way == 2:
            del data[place:]
        elif way == 3:
            data[place : place + length] = random.bytes(length)
        elif way == 4:
            data[place : place + length] = bytes(length)
        elif way == 5:
            del data[place : place + length]
        elif way == 6:
            data[place:place] = data[place : place + length]
        elif way == 7:
            data[place : place + length] = pick(random, _TOKENS)
        else:
            other = _place(random, len(data))
            data[place : place + length], data[other : other + length] = (
                data[other : other + length],
                data[place : place + length],
            )
    return bytes(data)


_TOKENS = (
    *(
        b"0",
        b"-1",
        b"1e999",
        b"NaN",
        b"null",
        b"[]",
        b"{}",
        b'"',
        b"\xff\xfe",
        b"\x00",
        b"\n",
        b"\r\n",
        b",",
        b";",
    ),
    *(
        b"9" * 5000,
        b"[" * 5000,
        b"18446744073709551615",
        b"__import__('os').system('touch hacked')",
        b"\xed\xa0\x80",
    ),
)


def _place(random: Random, length: int) -> int:
    """Anywhere, the beginning and the end more often than the rest."""
    where = random.random()
    if where < 0.3:
        return int(random.integers(min(length, 64)))
    if where < 0.4:
        return max(0, length - 1 - int(random.integers(64)))
    return int(random.integers(length))


def csv_text(random: Random) -> bytes:
    """A table as text: in half of the cases one that might be read, with wrong cells; else wrong in every way there is."""
    return _readable(random) if random.random() < 0.5 else _unreadable(random)


def _readable(random: Random) -> bytes:
    """Columns that models and commands ask for, a few hostile cells, one of the usual dialects."""
    rows, columns = int(pick(random, (10, 12, 30, 60))), int(pick(random, (3, 3, 5, 6)))
    delimiter, decimal = pick(random, ((",", "."), (",", "."), (";", ","), ("\t", "."), ("|", ".")))
    wild = pick(random, (0.0, 0.0, 0.03, 0.3))
    lines = [delimiter.join(_PLAIN[:columns])]
    for _ in range(rows):
        cells = [f"{random.normal():.3g}".replace(".", decimal) for _ in range(columns)]
        if random.random() < wild:
            cells[int(random.integers(columns))] = f'"{pick(random, _CELLS)}"'
        lines.append(delimiter.join(cells))
    return pick(random, ("\n", "\r\n")).join(lines).encode(pick(random, ("utf-8", "utf-8-sig")), "replace")


def _unreadable(random: Random) -> bytes:
    rows, columns = int(pick(random, (0, 1, 9, 12, 30))), int(pick(random, (0, 1, 2, 3, 6)))
    delimiter = pick(random, (",", ",", ";", "\t", "|", " ", "::"))
    decimal = pick(random, (".", ".", ","))
    lines = [delimiter.join(_quoted(random, pick(random, NAMES)) for _ in range(columns))]
    for _ in range(rows):
        width = columns if random.random() < 0.97 else int(random.integers(0, columns + 2))
        cells = [f"{random.normal():.3g}".replace(".", decimal) for _ in range(width)]
        if cells and random.random() < 0.15:
            cells[int(random.integers(len(cells)))] = pick(random, _CELLS)
        lines.append(delimiter.join(cells))
    end = pick(random, ("\n", "", "\n\n\n", '"', "\x1a"))
    text = pick(random, ("\n", "\n", "\r\n", "\r")).join(lines) + end
    encoded = text.encode(pick(random, ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")), "replace")
    return damaged(random, encoded) if random.random() < 0.3 else encoded


_PLAIN = ("x1", "x2", "y", "µ", "a b", "z")
_CELLS = (
    *(
        "",
        " ",
        "NA",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-1e400",
        "1e-400",
        "0x10",
        "1_000",
        "1,5",
        "1.000,5",
        '"',
        '"a',
        "'",
    ),
    *(
        "\x00",
        "\ufeff",
        "a\nb",
        "9" * 400,
        "TRUE",
        "yes",
        "2020-01-01",
        "12:00",
        "١٢",
        "½",
        "=cmd|'/c calc'!A1",
        "1 2",
        "5 %",
    ),
)


def _quoted(random: Random, name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if random.random() < 0.5 else name


def toml_text(random: Random, keys: tuple[str, ...]) -> bytes:
    """Settings with wrong keys, wrong types, wrong syntax."""
    values: tuple[Any, ...] = (
        *(
            "1",
            "-1",
            "0",
            "1.5",
            "nan",
            "inf",
            '"x"',
            "true",
            "[1, 2]",
            "{ a = 1 }",
            "1979-05-27",
            '"""',
            "",
            "1e999",
        ),
        *("9" * 30, '"\\u0000"', '"../x"', "[[1], [2]]", "0x10"),
    )
    lines: list[str] = []
    for _ in range(int(random.integers(0, 5))):
        key = (
            pick(random, keys)
            if random.random() < 0.7
            else pick(random, (*NAMES, "tarket", "[fit]", "[[fit]]", "[a.b]"))
        )
        lines.append(key if key.startswith("[") else f"{key} = {pick(random, values)}")
    encoded = "\n".join(lines).encode("utf-8", "replace")
    return damaged(random, encoded) if random.random() < 0.3 else encoded
