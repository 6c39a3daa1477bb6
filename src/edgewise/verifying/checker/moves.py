"""Two rows as one: numbers that may be others in the second row stand behind the inputs of the first."""

from copy import copy
from fractions import Fraction as Q
from typing import Any

from .domain import CheckedCase
from .model import CheckedModel
from .reading import form, need, quoted, read

_MOVE: Any = form("input copy", within=(None, Q))


def twins(model: CheckedModel, moves: Any) -> list[CheckedModel]:
    """The model over the inputs of both rows: once it reads those of the first, once those of the second."""
    n, made, read_moves = len(model.inputs), list[CheckedModel](), [read(move, _MOVE) for move in moves]
    inputs = [move["input"] for move in read_moves]
    fits = read_moves and len(set(inputs)) == len(inputs) and max(inputs) < n
    need(
        fits and [move["copy"] for move in read_moves] == list(range(n, n + len(read_moves))),
        "its moves are not in order",
    )
    for second in (False, True):
        one = copy(model)
        first = [*model.layers[0], *(model.layers[0][i] for i in inputs)]
        for move in read_moves:
            unread = move["input"] if second else move["copy"]
            first[unread] = first[unread].silent()
        one.layers, one.columns = [first, *model.layers[1:]], None
        one.shift = [*model.shift, *(model.shift[i] for i in inputs)]
        one.inputs = [*model.inputs, *(model.inputs[i] + " of the other row" for i in inputs)]
        made.append(one)
    return made


def beside(case: CheckedCase, moves: Any) -> str:
    """What may differ between the two rows, in words, and that the cells hold all such pairs."""
    words, apart = list[str](), dict[int, list[tuple[int, int]]]()
    for move in (read(move, _MOVE) for move in moves):
        (g, at), (other, to), within = case.owner[move["input"]], case.owner[move["copy"]], move["within"]
        name = quoted(case.models[0].inputs[move["input"]])
        if g != other:  # at will: a group of its own, with the same cells
            apart.setdefault(g, []).append((at, to))
            alike = list(case.cells[g].values()) == list(case.cells[other].values())
            need(within is None and at == to and alike, "the other row has other values than the first")
            words.append(f"any {name}")
        elif within is None:
            words.append(f"{name} as its cells pair it")
        else:
            _cover(list(case.cells[g].values()), at, to, within)
            words.append(f"{name} at most {float(within)} apart")
    for g, places in apart.items():
        need(len(places) == len(case.inputs[g]), "a group changes in part")
    return ", ".join(words)


def _cover(boxes: list[Any], at: int, to: int, within: Q) -> None:
    """That boxes hold each of their first numbers with all that are as near as stated."""
    alike = dict[Any, list[Any]]()
    for box in boxes:
        rest = tuple(span for k, span in enumerate(box) if k not in (at, to))
        need(at != to and all(a == b for a, b in rest), "what goes with a number that moves is no point")
        alike.setdefault(rest, []).append((box[at], box[to]))
    for pairs in alike.values():
        low, high = min(a for (a, _), _ in pairs), max(b for (_, b), _ in pairs)
        near = all(p <= max(a - within, low) and q >= min(b + within, high) for (a, b), (p, q) in pairs)
        need(near, "a cell leaves out numbers as near as stated")
