"""One spelling of a direction for formulas, fits and proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgewise.estimators.constraints import directions_of
from edgewise.symbolic.search.constraint_text import read_constraints
from edgewise.verifying.language.text import parse_property


@pytest.mark.parametrize("way", ["increasing", "decreasing"])
@pytest.mark.parametrize("column", ["age", "`years of use`"])
def test_every_room_reads_both_writings_of_a_direction(way: str, column: str) -> None:
    short, long = f"{way}({column})", f"monotone({column}, {way})"
    name = column.strip("`")
    first, second = (read_constraints([text], [name, "b"], "y")[0] for text in (short, long))
    assert replace(second, text=first.text) == first
    assert parse_property(short) == parse_property(long)
    assert directions_of([short]) == directions_of(long) == {name: way}


def test_a_proof_of_a_direction_still_names_its_output() -> None:
    assert parse_property("increasing(a, output=good)") == parse_property(
        "monotone(a, increasing, output=good)"
    )
