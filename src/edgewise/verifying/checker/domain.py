"""The domain of a statement: which cells each group of inputs may take, and what a budget allows."""

import json
from fractions import Fraction as Q
from typing import Any

from .model import CheckedModel
from .products import unfold
from .reading import need, quoted
from .rounding import rounding
from .tables import PieceTable, table


class CheckedCase:
    """The models, the domain, and tables of what leaves each input: by model the nodes above, then x, then its costs."""

    def __init__(self, models: list[CheckedModel], domain: Any) -> None:
        groups, budget, count = domain["groups"], domain["budget"], len(models[0].inputs)
        self.models, self.names = list[CheckedModel](), models[0].inputs
        self.inputs, self.words = [g["inputs"] for g in groups], "every row"
        self.cells = [{c: tuple(map(tuple, cell)) for c, cell in enumerate(g["cells"])} for g in groups]
        self.owner = {i: (g, k) for g, inputs in enumerate(self.inputs) for k, i in enumerate(inputs)}
        once = sorted(sum(self.inputs, list[int]())) == list(range(count))
        need(once and all(len(m.inputs) == count for m in models), "its groups do not hold each input once")
        for inputs, boxes in zip(self.inputs, self.cells, strict=True):
            fits = [len(box) == len(inputs) and all(a <= b for a, b in box) for box in boxes.values()]
            need(fits and all(fits), "a group has no cell, or one that is empty or too short")
        if domain["whole"]:
            first, *others = ([{**c, "name": ""} for c in m.columns or ()] for m in models)
            same = all(x == first for x in others) and not budget
            listed = [[g["inputs"], g["cells"]] for g in groups]
            need(same and listed == _whole(first), "the domain is not the whole one of the model's encoding")
            self.words += " that the encoding gives"
        else:
            boxes = [" or ".join(str([[*map(float, p)] for p in c]) for c in x.values()) for x in self.cells]
            self.words += " with " + "; ".join(f"{self.name(g)} in {box}" for g, box in enumerate(boxes))
        self.limit, self.costs = budget["limit"] if budget else None, [list[Any]() for _ in range(count)]
        self.fees: list[dict[int, Q]] = [dict.fromkeys(x, Q(0)) for x in self.cells]
        if budget:
            for cost in budget["costs"]:
                self.costs[cost["input"]].append((cost["at"], cost["rate"]))
            for fee in budget["cells"]:
                self.fees[fee["group"]][fee["cell"]] += fee["cost"]
            paid = [cost["rate"] for cost in budget["costs"]] + [fee["cost"] for fee in budget["cells"]]
            need(min(paid, default=0) >= 0, "a cost is negative")
            self.words += f" whose costs fit the budget {json.dumps(budget, default=float)}"
        self.hulls, self.tables, self.rounding = list[tuple[Q, Q]](), list[PieceTable](), list[list[Q]]()
        for _, (g, k) in sorted(self.owner.items()):
            ends = [box[k] for box in self.cells[g].values()]
            self.hulls.append((min(a for a, _ in ends), max(b for _, b in ends)))
        for m in models:
            errors, tops = rounding(m, self.hulls)
            self.rounding.append(errors)
            self.models.append(unfold(m, tops))
        for i in range(count):
            edges, costs = [(m.layers[0][i], 0, 0) for m in self.models], [at for at, _ in self.costs[i]]
            self.tables.append(table(self.hulls[i], *edges, None, *costs))

    def name(self, g: int) -> str:
        """The inputs of a group by name."""
        return " and ".join(quoted(self.names[i]) for i in self.inputs[g])

    def point(self, g: int, c: int) -> tuple[int, int]:
        """A cell that a group can be moved to."""
        need(all(a == b for a, b in self.cells[g][c]), "a group can be moved to points only")
        return g, c

    def places(self, g: int, c: int) -> list[tuple[int, Q]]:
        """The inputs of a group and where a cell of points puts them."""
        return [(i, low) for i, (low, _) in zip(self.inputs[g], self.cells[g][c], strict=True)]


def _whole(columns: Any) -> Any:
    """Inputs and cells of the groups of all rows that an encoding gives."""
    found, at = list[Any](), 0
    for column in (c for c in columns if c["type"] != "dropped"):
        if column["type"] == "levels":
            cells = [[[c, c]] for c in range(len(column["levels"]))]
        else:
            low, high, fill = column["low"], column["high"], [column["fill"]] * 2
            reach = 0.01 * (high - low)
            spans = [[low - reach, high + reach]]
            if column["two_valued"]:
                spans = [[low, low], [high, high]][: 1 + (low < high)]
            if not column["flagged"]:
                spans += [fill] * (not any(a <= fill[0] <= b for a, b in spans))
            # One input marks missing cells, and one each code.
            marks = range(column["flagged"] + len(column.get("codes", ())))
            cells = [[s, *([0, 0] for _ in marks)] for s in spans]
            cells += [[fill, *([int(k == m)] * 2 for k in marks)] for m in marks]
        exact = [[[Q(a), Q(b)] for a, b in cell] for cell in cells]
        found.append([list(range(at, at + len(cells[0]))), exact])
        at += len(cells[0])
    return found
