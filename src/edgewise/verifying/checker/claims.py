"""From a claim to the goals that show it, as the page on certificates lists them."""

import json
import re
from dataclasses import dataclass
from fractions import Fraction as Q
from itertools import combinations, permutations, product
from typing import Any

from .domain import CheckedCase
from .moves import beside
from .reading import form, need, quoted, read

CLAIMS = {
    "range": "{output} lies between {low} and {high}",
    "linear": "the sum of {terms} is at most {bound}",
    "decision": "the decision is class number {class}",
    "monotone": "{output} never {direction} as {input} rises",
    "lipschitz": "{output} has slopes of size at most {bound} in {input}",
    "never_flips": "no move of {group} takes {output} across {threshold}",
    "same_class": "no move of {group} changes which output is the largest",
    "never_flips_within": "{output} is on the same side of {threshold} in two rows with {moves}",
    "same_class_within": "the largest output is the same in two rows with {moves}",
    "changes_at_most": "no move of {group} changes {output} by more than {tau}",
    "equal": "the outputs of the two models differ by at most {epsilon}",
}


@dataclass(frozen=True)
class Goal:
    """At every row one of `rows` holds, and `slope` is at most the bound of the one row that then is there.

    A row is (terms, bound, strict), a term (model, (group, cell) moved to or None, output, weight) or (None, None, input,
    weight), a slope (output, input, sign).
    """

    rows: list[Any]
    slope: Any
    cells: list[Any]


def goals(case: CheckedCase, claim: Any) -> tuple[str, list[Goal]]:
    """The claim in words, and its goals."""
    kind, model, n = claim["type"], case.models[0], len(case.models[0].outputs)
    entry = read(claim, form("type " + " ".join(re.findall(r"{(\w+)}", CLAIMS[kind]))))
    other = int("moves" in entry)  # the model that reads the second row
    count = 1 + (kind == "equal" or other)
    need(kind == "linear" or len(case.models) == count, "it needs another number of models")
    o, i, g, c = (entry.get(key, 0) for key in ("output", "input", "group", "class"))
    g = case.owner[i][0] if "input" in entry else g
    t = next((entry[x] for x in ("bound", "threshold", "tau", "epsilon") if x in entry), Q(0))
    words = {
        **claim,
        "output": quoted(model.outputs[o]),
        "input": quoted(model.inputs[i]),
        "group": case.name(g),
    }
    words |= {key: default for key, default in (("low", "-inf"), ("high", "inf")) if words.get(key) is None}
    words["direction"] = "falls" if entry.get("direction", 1) > 0 else "rises"

    def y(weight: int, moved: Any = None, output: int = o, m: int = 0) -> Any:
        return m, moved, output, weight

    def loses(j: int, k: int, at: Any = None, m: int = 0) -> Any:
        """The row that output j does not beat output k; the first of equals beats the others."""
        return [y(1, at, j, m), y(-1, at, k, m)], Q(0), j < k

    if "input" in entry:
        return CLAIMS[kind].format(**words), _along(case, entry, y, t)
    rows = list[Any]()  # of each goal
    if kind == "range":
        sides = [(1, entry["high"]), (-1, entry["low"])]
        rows = [[([y(s)], s * end, False)] for s, end in sides if end is not None]
    elif kind == "linear":
        terms, words["terms"] = list[Any](), " + ".join(json.dumps(term) for term in entry["terms"])
        for term in entry["terms"]:
            fields = read(term, form("input weight" if "input" in term else "output weight model moved"))
            moved = case.point(*fields["moved"]) if fields.get("moved") else None
            terms.append(
                (fields.get("model"), moved, fields.get("output", fields.get("input")), fields["weight"])
            )
        rows = [[(terms, t, False)]]
    elif kind == "decision":
        c = entry["class"]
        need(c < max(n, 2), "there is no such class")
        rows = [[loses(j, c)] for j in range(n) if j != c]
        if n == 1:
            t = model.threshold
            rows = [[([y(-1)], -t, True)] if c else [([y(1)], t, False)]]
    elif kind == "equal":
        need(len(case.models[1].outputs) == n, "the models differ in their outputs")
        rows = [[([y(s, None, j), y(-s, None, j, 1)], t, False)] for j in range(n) for s in (1, -1)]
    else:
        points = [case.point(g, cell) for cell in case.cells[g]] if "group" in entry else [None]
        pairs = list(permutations(points, 2)) or [(None, None)] * other
        words |= {"moves": beside(case, entry["moves"])} if other else {}
        if "class" in kind:
            once = pairs if other else combinations(points, 2)
            for (a, b), (j, k) in product(once, permutations(range(n), 2)):
                more = [[loses(j, i, a), loses(k, i, b, other)] for i in range(n) if i not in (j, k)]
                rows.append(sum(more, [loses(j, k, a), loses(k, j, b, other)]))
        for a, b in pairs if "class" not in kind else ():
            flips = [([y(1, a)], t, False), ([y(-1, b, o, other)], -t, True)]
            rows.append(flips if "flips" in kind else [([y(1, a), y(-1, b)], t, False)])
    need(rows, "it claims nothing")
    return CLAIMS[kind].format(**words), [Goal(row, None, case.cells) for row in rows]


def _along(case: CheckedCase, entry: Any, y: Any, t: Q) -> list[Goal]:
    """Goals about an input that rises: its slopes where it has intervals, and pairs of values next to each other."""
    i, up, kind = entry["input"], int(entry.get("direction", 1)), entry["type"]
    g, at = case.owner[i]
    boxes = case.cells[g]
    points = sorted((c for c in boxes if all(a == b for a, b in boxes[c])), key=lambda c: boxes[c][at])
    rest = [box[:at] + box[at + 1 :] for box in boxes.values()]
    for a, b in combinations(boxes, 2):
        apart = any(p[1] < q[0] or q[1] < p[0] for p, q in zip(rest[a], rest[b], strict=True))
        need(apart or (rest[a] == rest[b] and {a, b} <= set(points)), "it leads across a gap between cells")
    need(up == entry.get("direction", 1) in (1, -1), "a direction is 1 or -1")
    kept = {c: box for c, box in boxes.items() if box[at][0] < box[at][1]}
    after = [(a, [b for b in points[k + 1 :] if rest[a] == rest[b]]) for k, a in enumerate(points)]
    # The value whose output must not be the greater comes first: units are numbered in that order.
    pairs = [(a, b[0])[::up] for a, b in after if b]
    need(kept or pairs, "it claims nothing")
    need(kind == "monotone" or (kept and not pairs), "codes have no slopes")
    sloping, signs = [*case.cells[:g], kept, *case.cells[g + 1 :]], [-up] if kind == "monotone" else [1, -1]
    slopes = [Goal([([], t, False)], (entry["output"], i, s), sloping) for s in signs if kept]
    rows = [[([y(1, (g, a)), y(-1, (g, b))], t, False)] for a, b in pairs]
    return slopes + [Goal(row, None, case.cells) for row in rows]
