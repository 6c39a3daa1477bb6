"""Whether the evidence of a goal proves it: ranges of hidden nodes, Lagrange's bound, lemmas, and trees of parts."""

from collections.abc import Iterator
from fractions import Fraction as Q
from operator import mul
from typing import Any

from .claims import Goal
from .domain import CheckedCase
from .pairs import added, difference, times
from .reading import LEAVES, SPLITS, need, read
from .tables import PieceTable, rounded, table

SIDES = {"upper": 1, "lower": -1}


class Proof:
    """A goal and its variables: hidden nodes and outputs of each unit, numbered so that they follow what feeds them."""

    def __init__(self, case: CheckedCase, goal: Goal) -> None:
        self.case, self.rows, self.slope, self.cells = case, goal.rows, goal.slope, goal.cells
        self.memo = dict[Any, Any]()
        # Of each variable: constant, functions it feeds others by, whom, (variable, function) it is fed by.
        self.bias, self.parts, self.feeds, self.fed = (
            list[Q](),
            list[Any](),
            list[Any](),
            list[dict[int, int]](),
        )
        # Variables of hidden nodes as certificates number them; of each unit by layer; sums of inputs; their tables.
        self.hidden, self.units, self.heads = list[int](), dict[Any, list[list[int]]](), list[Any]()
        self.tables, self.pairs = dict[int, PieceTable](), dict[Any, PieceTable]()
        self.errors = dict[int, Q]()  # of outputs, by rounding
        families: dict[Any, list[Any]] = {(0, None): [None]} if self.slope else {}
        for m, moved, _, _ in (term for row in self.rows for term in row[0] if term[0] is not None):
            units = families.setdefault((m, moved and moved[0]), [])
            units += [] if moved in units else [moved]
        for (m, p), units in families.items():
            self.family(m, p, units)
        self.origin = {v: (m, p, k) for m, p, head in self.heads for k, v in enumerate(head)}

    def family(self, m: int, p: int | None, units: list[Any]) -> None:
        """The variables of units of a model that move one group; those of the first hidden layer are shared."""
        model, shared, same = self.case.models[m], list[int](), dict[Any, Any]()
        for moved in units:
            places = [(i, x) for g, c in ([moved] if moved else []) for i, x in self.case.places(g, c)]
            moves = [model.layers[0][i].controls(x, x) for i, x in places]
            shifts = [sum((Q(c[k][0], one) for c, one in moves), Q(0)) for k in range(len(model.biases[0]))]
            flat = len(model.layers) == 1
            if flat or not shared:  # a network without hidden layers shares nothing
                own = shifts if flat else [0] * len(shifts)
                shared = self.new([b + d for b, d in zip(model.biases[0], own, strict=True)], not flat)
                self.heads.append((m, p, shared))
            # Rounded (SLACK covers it), so that numbers stay short.
            layers, near = [shared], list[Q]()
            if not flat:
                fine = [min(e.least, Q(1, 32)) for e in model.layers[1]]
                near = [rounded(d, width) for d, width in zip(shifts, fine, strict=True)]
            for number, layer in enumerate(model.layers[1:], 1):
                layers.append(self.new(model.biases[number], number < len(model.layers) - 1))
                for k, v in enumerate(layers[-2]):
                    for j, w in enumerate(layers[-1]):
                        self.fed[w][v] = len(self.feeds[v]) + j
                    self.feeds[v] += layers[-1]
                    self.parts[v].append((layer[k], near[k] if number == 1 else 0, 0))
            # Moves that change nothing have the same variables, so that differences are exactly zero. (Values of silu
            # are rounded, so that equal ones prove nothing.)
            values = [x for i, x in places if any(model.layers[0][i].base)]
            self.units[m, moved] = same.setdefault((*shifts, *values), layers)
            self.errors.update(zip(layers[-1], self.case.rounding[m], strict=True))

    def new(self, biases: list[Q], hidden: bool) -> list[int]:
        """New variables."""
        made = list(range(len(self.bias), len(self.bias) + len(biases)))
        self.bias += biases
        self.hidden += made if hidden else []
        self.parts += [[] for _ in made]
        self.feeds += [[] for _ in made]
        self.fed += [{} for _ in made]
        return made

    def first(self, cells: Any, wanted: list[Any]) -> list[tuple[Q, Q]]:
        """Ranges over the inputs of variables v of first layers, or of differences v - w, asked for as (v, w or None)."""
        totals = [[(self.bias[v] - (0 if w is None else self.bias[w]),) * 2] for v, w in wanted]
        for g, boxes in enumerate(cells):
            columns = tuple((self.column(v, g), self.column(w, g)) for v, w in wanted)
            key = (g, columns, tuple(boxes.values()))
            if key not in self.memo:
                several = list[Any]()
                for box in boxes.values():
                    spans = [
                        self.case.tables[i].spans(x, columns)
                        for i, x in zip(self.case.inputs[g], box, strict=True)
                    ]
                    several.append(map(added, zip(*spans, strict=True)))
                hulls = zip(*several, strict=True)
                self.memo[key] = [(min(a for a, _ in x), max(b for _, b in x)) for x in hulls]
            for total, span in zip(totals, self.memo[key], strict=True):
                total.append(span)
        return [added(total) for total in totals]

    def column(self, v: int | None, g: int) -> int | None:
        """Which function of the tables of a group's inputs leads to a variable; None where none does."""
        m, p, k = (0, g, 0) if v is None else self.origin[v]
        return None if p == g else sum(len(model.biases[0]) for model in self.case.models[:m]) + k

    def ranges(self, cells: Any, limits: Any) -> Any:
        """Ranges of all hidden nodes; None if there is no row."""
        ends = dict[int, tuple[Q, Q]]()
        if not all(cells):
            return None
        heads = [v for v in self.origin if self.parts[v]]
        sums = dict(zip(heads, self.first(cells, [(v, None) for v in heads]), strict=True))
        for v in self.hidden:
            below = [self.tables[w].span(ends[w], j) for w, j in self.fed[v].items()]
            low, high = sums.get(v) or added([(self.bias[v], self.bias[v]), *below])
            if v not in self.tables:
                rates = [(edges, shift, 1) for edges, shift, _ in self.parts[v] if self.slope]
                self.tables[v] = table((low, high), *self.parts[v], *rates, None)
            ends[v] = max(low, limits.get((v, -1), low)), min(high, limits.get((v, 1), high))
            if ends[v][0] > ends[v][1]:
                return None
        return ends

    def bound(self, ends: Any, cells: Any, evidence: Any, own: Any, line: Any, extra: Any = None) -> Any:
        """Lagrange's bound of sum own * variable + sum line * input (+ extra weights of derivatives)."""
        mu, a, case, limit = evidence["mu"], [Q(0)] * len(self.bias), self.case, self.case.limit
        need(mu == 0 or (mu > 0 and limit is not None), "mu is negative, or there is no budget")
        need(len(evidence["slopes"]) <= len(self.hidden), "there are more slopes than hidden nodes")
        for v, slope in [*zip(self.hidden, evidence["slopes"], strict=False), *own.items()]:
            a[v] = slope
        total = sum(map(mul, a, self.bias), mu * (limit or 0))
        for v, h in ends.items():
            weights, rest = [a[w] for w in self.feeds[v]], own.get(v, 0) - a[v]
            ways = (extra or {}).get(v, [[0] * len(weights) if self.slope else []])
            total += max(self.tables[v].top(h, enumerate([*weights, *way, rest])) for way in ways)
        for g, boxes in enumerate(cells):
            weights = list[Any]()
            for m, model in enumerate(case.models):
                mine = [[a[v] for v in head] for n, p, head in self.heads if n == m and p != g]
                weights += [sum(x) for x in zip(*mine, strict=True)] or [0] * len(model.biases[0])
            full = [
                [*weights, line.get(i, 0), *(-mu * rate for _, rate in case.costs[i])] for i in case.inputs[g]
            ]
            several = list[Q]()
            for c, box in boxes.items():
                tops = (
                    case.tables[i].top(x, enumerate(w))
                    for i, x, w in zip(case.inputs[g], box, full, strict=True)
                )
                several.append(sum(tops, -mu * case.fees[g][c]))
            total += max(several)
        return total

    def proves(self, leaf: Any, cells: Any, limits: Any) -> bool:
        """Whether a leaf shows what it must."""
        ends, own, line, total, extra = self.ranges(cells, limits), dict[int, Q](), dict[int, Q](), Q(0), None
        if "paired" in leaf:
            ((terms, bound, strict),) = self.rows
            total = Q(-1) if ends is None else difference(self, terms, leaf["paired"], cells, ends) - bound
            return total < 0 or (total == 0 and not strict)
        shares = leaf["lambda"]
        need(len(shares) == len(self.rows) and min(shares) >= 0, "a leaf needs one lambda >= 0 for each row")
        if ends is None:
            return True
        for share, (terms, bound, _) in zip(shares, self.rows, strict=True):
            total -= share * bound
            for m, moved, o, weight in terms:
                into, key = (line, o) if m is None else (own, self.units[m, moved][-1][o])
                into[key] = into.get(key, 0) + share * weight
        total += sum(abs(weight) * self.errors[v] for v, weight in own.items())
        if self.slope and shares[0] > 0:
            rates, factor = self.rates(cells), shares[0] * self.slope[2]
            layers, o = self.units[0, None], self.slope[0]
            if len(layers) != 2:
                for above in layers[1:]:
                    for w in above:
                        several = [
                            (v, self.tables[v].span(ends[v], len(self.feeds[v]) + j))
                            for v, j in self.fed[w].items()
                        ]
                        rates[w] = added(times(span, rates[v]) for v, span in several)
                return total + max(factor * x for x in rates[layers[-1][o]]) <= 0
            extra = {
                v: [[factor * c * (w == layers[1][o]) for w in layers[1]] for c in rates[v]]
                for v in layers[0]
            }
        total += self.bound(ends, cells, leaf, own, line, extra)
        slack = any(share > 0 and not strict for share, (_, _, strict) in zip(shares, self.rows, strict=True))
        return total < 0 or (total == 0 and slack)

    def rates(self, cells: Any) -> dict[int, tuple[Q, Q]]:
        """Ranges of the slopes of the first layer's edges in the input that a slope is asked of."""
        i = self.slope[1]
        g, at = self.case.owner[i]
        if "rates" not in self.memo:
            self.memo["rates"] = table(self.case.hulls[i], (self.case.models[0].layers[0][i], 0, 1))
        found = dict[int, tuple[Q, Q]]()
        for k, v in enumerate(self.heads[0][2]):
            several = [self.memo["rates"].span(box[at], k) for box in cells[g].values()]
            found[v] = min(a for a, _ in several), max(b for _, b in several)
        return found

    def leaves(self, proof: Any, number: int) -> Iterator[int]:
        """Check the lemmas (0 for each) and the tree (1 for each leaf), one after the other."""
        limits = dict[Any, Q]()
        self.ranges(self.cells, limits)  # of the whole domain: what tables must cover
        for at, lemma in enumerate(proof["lemmas"]):
            v, sign = self.hidden[lemma["node"]], SIDES[lemma["side"]]
            ends = self.ranges(self.cells, limits)
            holds = (
                ends is None or self.bound(ends, self.cells, lemma, {v: sign}, {}) <= sign * lemma["bound"]
            )
            need(holds, f"lemma {at} of goal {number} does not hold")
            limits = cut(limits, v, sign, lemma["bound"])
            yield 0
        waiting = [(self.cells, limits)]
        for at, node in enumerate(proof["tree"]):
            need(waiting, "a tree has parts that belong nowhere")
            node = read(node, next((f for f in [*LEAVES, *SPLITS] if set(f) == set(node)), {}))
            cells, limits = waiting.pop()
            if "at" in node or "cells" in node:
                waiting += [self.side(node, sign, cells, limits) for sign in (-1, 1)]
            else:
                need(self.proves(node, cells, limits), f"leaf {at} of goal {number} does not prove its part")
                yield 1
        need(not waiting, "a tree ends before all its parts are proved")

    def side(self, split: Any, sign: int, cells: Any, limits: Any) -> Any:
        """The side of a split up to its value (or with its cells) for 1, the other one for -1."""
        if "node" in split:
            return cells, cut(limits, self.hidden[split["node"]], sign, split["at"])
        new = dict[int, Any]()
        g, k = self.case.owner[split["input"]] if "input" in split else (split["group"], 0)
        for c, box in cells[g].items():
            if "input" in split:
                low, high = box[k]
                low, high = (low, min(high, split["at"])) if sign > 0 else (max(low, split["at"]), high)
                new |= {c: (*box[:k], (low, high), *box[k + 1 :])} if low <= high else {}
            elif (c in split["cells"]) == (sign > 0):
                new[c] = box
        return [*cells[:g], new, *cells[g + 1 :]], limits


def cut(limits: Any, v: int, sign: int, at: Q) -> Any:
    """Limits with one more: a variable is at most (1) or at least (-1) a value."""
    return {**limits, (v, sign): (min if sign > 0 else max)(at, limits.get((v, sign), at))}
