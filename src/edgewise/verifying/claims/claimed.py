"""A certificate's claim beside the columns of the model that it is about: its parts in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import number
from edgewise.verifying.domain.domain import Group
from edgewise.verifying.domain.raw_values import rounded
from edgewise.verifying.results.witness import names_of_outputs


@dataclass(frozen=True, eq=False)
class Claimed:
    """The claim of a certificate that the checker has accepted, and the columns that its inputs are.

    Parameters
    ----------
    document : mapping
        The certificate.
    columns : Columns
        Of the (first) model that it is about.
    """

    document: Mapping[str, Any]
    columns: Columns

    @property
    def claim(self) -> Mapping[str, Any]:
        """The claim as the certificate writes it."""
        return self.document["claim"]

    @property
    def output(self) -> str:
        """The output that the claim is about, in words."""
        return self.output_in_words(self.claim["output"])

    @property
    def group(self) -> str:
        """The column whose values the claim is about, in words."""
        groups = self.document["domain"]["groups"]
        return name_in_words(
            self.columns.names[self.columns.inputs.index(tuple(groups[self.claim["group"]]["inputs"]))]
        )

    def column_of(self, i: int) -> int:
        """The place of the column that an input belongs to."""
        return next(k for k, inputs in enumerate(self.columns.inputs) if i in inputs)

    @cached_property
    def first_row(self) -> Mapping[str, Any]:
        """The domain of a certificate without what a second row has of its own."""
        domain, count = self.document["domain"], self.columns.view.network.shape[0]
        if "moves" not in self.claim:
            return domain
        groups = list[Any]()
        for group in domain["groups"]:
            kept = [k for k, i in enumerate(group["inputs"]) if i < count]
            if not kept:
                continue
            cells = list[Any]()
            for (low, high), *rest in sorted([cell[k] for k in kept] for cell in group["cells"]):
                # Boxes along a diagonal are stretches of one range, side by side.
                last = next(
                    (cell for cell in cells if cell[1:] == rest and cell[0][0] < low <= cell[0][1]), None
                )
                if last is None or low == high:
                    cells.append([[low, high], *rest])
                else:
                    last[0][1] = max(high, last[0][1])
            groups.append({**group, "inputs": [group["inputs"][k] for k in kept], "cells": cells})
        return {**domain, "groups": groups}

    @cached_property
    def groups(self) -> list[tuple[int, Group]]:
        """The groups of the first row as the columns they are, in the certificate's order."""
        columns, found = self.columns, list[tuple[int, Group]]()
        for group in self.first_row["groups"]:
            g = columns.inputs.index(tuple(group["inputs"]))
            whole = columns.whole.groups[g]
            lost = {cell for cell, label in whole.labelled if label == "missing"}
            cells = tuple(tuple((float(low), float(high)) for low, high in cell) for cell in group["cells"])
            labels = tuple("missing" if cell in lost else "" for cell in cells)
            found.append((g, Group(columns.names[g], columns.inputs[g], cells, labels)))
        return found

    def pairs(self, move: Mapping[str, Any]) -> dict[Any, tuple[list[Any], list[Any]]]:
        """What a number that moves is beside what it is in the other row, for each of the values that go with it."""
        group = next(group for group in self.document["domain"]["groups"] if move["input"] in group["inputs"])
        found = dict[Any, tuple[list[Any], list[Any]]]()
        if move["copy"] in group["inputs"]:
            places = [group["inputs"].index(move[key]) for key in ("input", "copy")]
            for cell in group["cells"]:
                key = tuple(tuple(ends) for k, ends in enumerate(cell) if k not in places)
                ours, others = found.setdefault(key, ([], []))
                ours.append(cell[places[0]])
                others.append(cell[places[1]])
        return found

    @property
    def moves_in_words(self) -> str:
        """What may be otherwise in the second row."""
        place = {i: k for k, group in enumerate(self.document["domain"]["groups"]) for i in group["inputs"]}
        parts = dict[str, None]()
        for move in self.claim["moves"]:
            g = self.column_of(move["input"])
            name = name_in_words(self.columns.names[g])
            if place[move["input"]] != place[move["copy"]]:
                parts[name] = None
            elif move["within"] is None:
                parts[f"{name} as far as the certificate pairs its numbers"] = None
            else:
                most = float(f"{move['within'] * abs(self.columns.scale(g)[1]):.12g}")
                parts[f"{name} by at most {end_in_words(most, -1)}"] = None
            if any(any(high for _, high in key) for key in self.pairs(move)):
                parts[f"cells of {name} that hold no number not at all"] = None
        return ", ".join(parts)

    def output_in_words(self, place: int) -> str:
        """An output by its place, as results call it."""
        view = self.columns.view
        name = names_of_outputs(view)[place]
        if view.classes and not view.binary:
            name = f"logit of {name}"
        words = name if view.classes else name_in_words(name)
        return (
            f"the {words}{' before calibration' if view.calibration is not None else ''}"
            if view.classes
            else words
        )


def end_in_words(value: float | None, up: int) -> str:
    """An end of a range with few digits, none of them beyond it; None stands for infinity."""
    return ("infinity" if up > 0 else "-infinity") if value is None else number(rounded(value, up))


def name_in_words(name: str) -> str:
    """A name as it is where it is a plain word, else in quotes, so that none reads as more of the sentence."""
    return name if name.replace(".", "_").isidentifier() else json.dumps(name, ensure_ascii=False)
