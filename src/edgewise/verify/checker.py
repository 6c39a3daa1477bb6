"""Check a certificate against its models in exact arithmetic; docs/certificates.md has the format and the mathematics.

`python checker.py proof.json model.kan [second.kan]` needs the standard library only and shares nothing with the prover.
*Fixed* integers count multiples of 2^-P; SLACK of them covers every rounding.
"""

import hashlib
import json
import re
import sys
import time
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction as Q
from itertools import combinations, pairwise, permutations
from math import lcm, prod
from operator import mul
from pathlib import Path
from struct import unpack
from typing import Any

P, SLACK, TIGHT = 256, 1 << 72, 60
_KEYS: dict[str, Any] = {  # the form of the value behind each key, as `_read` knows forms
    "at bound cost direction epsilon limit mu rate tau threshold weight": Q,
    "cell class goal group input model node output version": int,
    "digest format edgewise name side type": str,
    "models labels": [str],
    "tree terms": [dict],
    "low high": (None, Q),
    "whole": bool,
    "claim": dict,
    "inputs": [int],
    "lambda": [Q],
    "moved": (None, (int, int)),
    "slot": (int, int, int),
    "slopes": [(int, int, int, [Q])],
}
KEYS = {key: form for keys, form in _KEYS.items() for key in keys.split()}
CLAIMS = {
    "range": "{output} lies between {low} and {high}",
    "linear": "the sum of {terms} is at most {bound}",
    "decision": "the decision is class number {class}",
    "monotone": "{output} never {direction} as {input} rises",
    "lipschitz": "{output} has slopes of size at most {bound} in {input}",
    "never_flips": "no move of {group} takes {output} across {threshold}",
    "changes_at_most": "no move of {group} changes {output} by more than {tau}",
    "equal": "the outputs of the two models differ by at most {epsilon}",
}


def _form(keys: str, **more: Any) -> dict[str, Any]:
    return {key: KEYS[key] for key in keys.split()} | more


BUDGET: Any = _form("limit", costs=[_form("input at rate")], cells=[_form("group cell cost")])
GROUPS: Any = [_form("name inputs labels", cells=[[(Q, Q)]])]
PROOF: Any = _form("goal tree", lemmas=[_form("slot node side bound slopes mu")])
DOMAIN: Any = _form("whole", groups=GROUPS, budget=(None, BUDGET))
FILE: Any = _form("format version edgewise models claim digest", domain=DOMAIN, proofs=[PROOF])
SPLITS: Any = [_form("input at"), _form("group", cells=[int]), _form("slot node at")]


class Refused(Exception):  # noqa: N818
    """Why a file is no proof of its claim."""


@dataclass(frozen=True)
class Verdict:
    """Whether a certificate proves its claim, why (not) in one sentence, the claim in words, the seconds it took."""

    accepted: bool
    reason: str
    claim: str
    seconds: float


def check(proof_path: Any, *model_paths: Any) -> Verdict:
    """Check a certificate against the .kan files of the models it speaks of; whatever is no proof is refused.

    Examples
    --------
    >>> check("no-such-proof.json", "model.kan").accepted
    False
    """
    began, words, accepted = time.perf_counter(), ["(not read)"], False
    try:
        files = [Path(path).read_bytes() for path in (proof_path, *model_paths)]
        accepted, reason = (
            True,
            f"Accepted: every part of the domain is proved, {_check(files, words)} in all.",
        )
    except Refused as error:
        reason = f"Refused: {error}."
    except Exception as error:  # whatever a damaged file brings about, it proves nothing
        reason = f"Refused: the files are damaged or do not fit ({type(error).__name__}: {str(error)[:99]})."
    return Verdict(accepted, reason, words[0], time.perf_counter() - began)


def _check(files: list[bytes], words: list[str]) -> int:
    file, hashes = _parse(files[0]), [hashlib.sha256(data).hexdigest() for data in files[1:]]
    said, rest = _read(file, FILE), {key: value for key, value in file.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    _need(said["digest"] == hashlib.sha256(text.encode()).hexdigest(), "its digest does not fit")
    known = said["format"] == "edgewise-certificate" and said["version"] == 1
    _need(known, "it is of another format or version")
    _need(hashes and said["models"] == hashes, "it is about other models than these (their hashes differ)")
    case = _Case([_Model(data) for data in files[1:]], said["domain"])
    claim, goals = _goals(case, said["claim"])
    words[0] = f"At {case.words}: {claim}."
    numbers = [proof["goal"] for proof in said["proofs"]]
    _need(numbers == list(range(len(goals))), "its proofs are not those of its goals")
    return sum(_Goal(case, *goal).prove(proof) for goal, proof in zip(goals, said["proofs"], strict=True))


def _need(condition: Any, reason: str) -> None:
    if not condition:
        raise Refused(reason)


def _parse(text: Any) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _need(len(dict(pairs)) == len(pairs), "a key stands twice in an object")
        return dict(pairs)

    def constant(name: str) -> None:
        _need(False, f"it holds {name}")

    return json.loads(text, object_pairs_hook=unique, parse_constant=constant)


def _read(value: Any, form: Any) -> Any:
    """A value of a form: Q a number, int a count, [..] a list, (..) one of as many, (None, ..) that or null."""
    kind, wanted, exact = type(value), type(form), form is Q
    if exact and kind in (int, float) and abs(value) < 1 << 1024:
        return Q(value)
    if any(form is x for x in (int, str, bool, dict)) and kind is form and not (kind is int and value < 0):
        return value
    if wanted is tuple and form[0] is None:
        return None if value is None else _read(value, form[1])
    if kind is list and (wanted is list or (wanted is tuple and len(form) == len(value))):
        forms = form if wanted is tuple else form * len(value)
        return [_read(x, f) for x, f in zip(value, forms, strict=True)]
    if kind is dict and wanted is dict and set(value) == set(form):
        return {key: _read(value[key], f) for key, f in form.items()}
    raise Refused(f"{str(value)[:40]} stands where something else must")


class _Edges:
    """The edge functions that leave one node."""

    def __init__(self, breaks: list[Q], k: int, coefs: list[list[Q]]) -> None:
        widths, most = [b - a for a, b in pairwise(breaks)], max(abs(c) for row in coefs for c in row)
        _need(
            min(widths) > 0 and most < min(widths) * 2**60, "a grid does not rise, or a function is too steep"
        )
        before = [breaks[0] - s * widths[0] for s in range(k, 0, -1)]
        self.breaks, self.degree = breaks, k
        self.knots = before + breaks + [breaks[-1] + s * widths[-1] for s in range(1, k + 1)]
        self.bits = max(c.denominator for row in coefs for c in row).bit_length() - 1
        self.coefs = [[int(c * 2**self.bits) for c in row] for row in coefs]

    def weights(self, n: int, points: list[Q]) -> list[Q]:
        """Weights of the live coefficients in the blossom of interval n (de Boor)."""
        k, t = self.degree, self.knots[n:]
        d = [[Q(m == j) for m in range(k + 1)] for j in range(k + 1)]
        for r, x in enumerate(points):
            s = [(x - t[j + 1 + r]) / (t[j + 1 + k] - t[j + 1 + r]) for j in range(k - r)]
            d = [_mix(d[j], d[j + 1], s[j]) for j in range(k - r)]
        return d[0]

    def controls(self, a: Q, b: Q, order: int = 0) -> tuple[list[list[int]], int]:
        """Four Bernstein coefficients of each function, or derivative, on [a, b] within a piece; what divides all."""
        at, k = bisect_right(self.breaks, (a + b) / 2) - 1, self.degree
        n = min(max(at, 0), len(self.breaks) - 2)
        if at == n:
            rows = [self.weights(n, [a] * (k - j) + [b] * j) for j in range(k + 1)]
        else:  # a straight tail: value + k * (blossom at the end, but once at x, - value)
            end = self.breaks[0 if at < 0 else -1]
            value = self.weights(n, [end] * k)
            rows = [_mix(value, self.weights(n, [end] * (k - 1) + [x]), Q(k)) for x in (a, b)]
        if order:
            scale = (len(rows) - 1) / (b - a)
            rows = [[scale * (q - p) for p, q in zip(*two, strict=True)] for two in pairwise(rows)]
        while (m := len(rows)) < 4:
            rows = [rows[0], *(_mix(q, p, Q(j, m)) for j, (p, q) in enumerate(pairwise(rows), 1)), rows[-1]]
        one = lcm(*(w.denominator for row in rows for w in row))
        whole = [[int(w * one) for w in row] for row in rows]
        return [[sum(map(mul, c[n:], row)) for row in whole] for c in self.coefs], one << self.bits


def _mix(p: list[Q], q: list[Q], t: Q) -> list[Q]:
    return [x + t * (y - x) for x, y in zip(p, q, strict=True)]


class _Model:
    """The network of a .kan file; input scales are put into the first grids."""

    def __init__(self, data: bytes) -> None:
        start = 8 + int.from_bytes(data[:8], "little")
        self.header, self.body, self.layers = _parse(data[8:start]), data[start:], list[list[_Edges]]()
        document = _parse(self.header["__metadata__"]["edgewise"])
        network, self.biases = document["network"], list[list[Q]]()
        self.inputs, self.outputs = network["input_names"], network["output_names"]
        self.columns = document["model"]["encoding"]["columns"] if "model" in document else None
        n = len(self.inputs)
        shift, scale = self.tensor("input_shift", n), self.tensor("input_scale", n)
        _need(
            document["format"] == 1 and min(scale) > 0, "a model's format or scales are not those that may be"
        )
        for number, spec in enumerate(network["layers"]):
            m, k, size = spec["nodes"]["sums"], spec["degree"], spec["intervals"] + 1
            plain = not (spec["base"] or spec["symbolic"] or spec["nodes"]["products"])
            plain = plain and spec["basis"] == "bspline" and k in (1, 2, 3) and n == spec["in_features"]
            _need(plain, "a model has parts other than sums of B-splines of degree 1 to 3")
            name, edges, block = f"layers.{number}.", list[_Edges](), (size + k - 1) * m
            grid, coef = self.tensor(name + "grid", n, size), self.tensor(name + "coef", n, size + k - 1, m)
            mask, bias = (
                self.tensor(name + "mask", n, m),
                self.tensor(name + "bias", m) if spec["bias"] else [],
            )
            for i in range(n):
                breaks, rows = grid[i * size : (i + 1) * size], coef[i * block : (i + 1) * block]
                breaks = breaks if number else [shift[i] + scale[i] * b for b in breaks]
                edges.append(_Edges(breaks, k, [[c * mask[i * m + j] for c in rows[j::m]] for j in range(m)]))
            self.layers.append(edges)
            self.biases.append(bias or [Q(0)] * m)
            n = m
        self.shift, self.scale = self.tensor("output_shift", n), self.tensor("output_scale", n)
        _need(self.layers and n == len(self.outputs), "the layers of a model do not fit")

    def tensor(self, name: str, *shape: int) -> list[Q]:
        code, (begin, end) = self.header[name]["dtype"], self.header[name]["data_offsets"]
        _need(self.header[name]["shape"] == list(shape), f"the tensor {name} of a model does not fit")
        form = f"<{prod(shape)}{'?' if name.endswith('mask') else {'F64': 'd', 'F32': 'f'}[code]}"
        return [_read(x + 0, Q) for x in unpack(form, self.body[begin:end])]


class _Table:
    """Functions of x between two ends; rows[piece][j] has the Bernstein coefficients j of all of them (fixed).

    `parts` are (edges, shift, order) for phi(x + shift) or its derivative, a number `at` for |x - at|, None for x.
    """

    def __init__(self, ends: Any, parts: list[Any]) -> None:
        low, high = ends if ends[0] < ends[1] else (ends[0] - 1, ends[1] + 1)
        cuts, self.rows, self.live = {p for p in parts if type(p) is Q}, list[Any](), list[bool]()
        for p in parts:
            cuts |= {b - p[1] for b in p[0].breaks} if type(p) is tuple else set[Q]()
            zeros = [c[0] * p[2] for c in p[0].coefs] if type(p) is tuple else []
            # A function that is exactly zero shall not cost SLACK.
            self.live += (
                [any(x != z for x in c) for c, z in zip(p[0].coefs, zeros, strict=True)] if zeros else [True]
            )
        self.cuts = [low, *sorted(c for c in cuts if low < c < high), high]
        for a, b in pairwise(self.cuts):
            made, thirds = list[list[int]](), [a + (b - a) * j / 3 for j in range(4)]
            for p in parts:
                if type(p) is tuple:
                    polynomials, one = p[0].controls(a + p[1], b + p[1], p[2])
                    made += [[(x << P) // one for x in c] for c in polynomials]
                else:
                    made.append([_fixed(x if p is None else abs(x - p)) for x in thirds])
            self.rows.append(list(zip(*made, strict=True)))

    def top(self, ends: Any, weights: list[Any]) -> Q:
        """Upper bound of the weighted sum between the ends, tight but for 2^-TIGHT of its size."""
        bits = max(w.denominator for w in weights).bit_length()
        pairs = zip(weights, self.live, strict=True)
        ints = [w.numerator << (bits - w.denominator.bit_length()) if live else 0 for w, live in pairs]
        if not any(ints):
            return Q(0)
        (low, high), cuts, waiting = ends, self.cuts, list[list[int]]()
        point = low == high
        i = min(max((bisect_left if point else bisect_right)(cuts, low) - 1, 0), len(self.rows) - 1)
        j = min(max((bisect_right if point else bisect_left)(cuts, high) - 1, 0), len(self.rows) - 1)
        for p in range(i, j + 1):
            c, a, width = [sum(map(mul, ints, row)) for row in self.rows[p]], cuts[p], cuts[p + 1] - cuts[p]
            s = min(_fixed((low - a) / width), 1 << P) if p == i and low > a else 0
            t = max(_fixed((high - a) / width) + 1, 0) if p == j and high < cuts[p + 1] else 1 << P
            part = [_bloom(c, [s] * (3 - k) + [t] * k) for k in range(4)] if s > 0 or t < 1 << P else c
            waiting.append(part)
        best = max(max(c[0], c[3]) for c in waiting)
        tight = (max(max(map(abs, c)) for c in waiting) >> TIGHT) + 16
        while waiting:
            a, b, c, d = waiting.pop()
            if (
                max(b, c) > best + tight
            ):  # the polynomial lies below its coefficients; halves are closer to them
                ab, bc, cd = a + b >> 1, b + c >> 1, c + d >> 1
                abc, bcd = ab + bc >> 1, bc + cd >> 1
                waiting += [[a, ab, abc, abc + bcd >> 1], [abc + bcd >> 1, bcd, cd, d]]
                best = max(best, abc + bcd >> 1)
        return Q(best + tight + SLACK * sum(map(abs, ints)), 1 << (P + bits - 1))

    def span(self, ends: Any, k: int) -> tuple[Q, Q]:
        """Least and greatest value of function k between the ends."""
        one = [int(j == k) for j in range(len(self.live))]
        return -self.top(ends, [-w for w in one]), self.top(ends, one)


def _fixed(x: Q) -> int:
    return (x.numerator << P) // x.denominator


def _bloom(c: list[int], points: list[int]) -> int:
    for t in points:
        c = [x + ((y - x) * t >> P) for x, y in pairwise(c)]
    return c[0]


class _Case:
    """The models, the domain and tables of its inputs."""

    def __init__(self, models: list[_Model], domain: Any) -> None:
        groups, budget, count = domain["groups"], domain["budget"], len(models[0].inputs)
        self.models, self.inputs, self.words = models, [g["inputs"] for g in groups], "every row"
        self.cells = [{c: tuple(map(tuple, cell)) for c, cell in enumerate(g["cells"])} for g in groups]
        self.owner = {i: (g, k) for g, inputs in enumerate(self.inputs) for k, i in enumerate(inputs)}
        once = sorted(sum(self.inputs, list[int]())) == list(range(count))
        _need(once and all(len(m.inputs) == count for m in models), "its groups do not hold each input once")
        for inputs, boxes in zip(self.inputs, self.cells, strict=True):
            fits = [len(box) == len(inputs) and all(a <= b for a, b in box) for box in boxes.values()]
            _need(fits and all(fits), "a group has no cell, or one that is empty or too short")
        if domain["whole"]:
            first, *others = ([{**c, "name": ""} for c in m.columns or ()] for m in models)
            same = all(x == first for x in others) and not budget
            _need(
                same and [[g["inputs"], g["cells"]] for g in groups] == _whole(first),
                "the domain is not the whole one of the model's encoding",
            )
            self.words += " that the encoding gives"
        else:
            boxes = [" or ".join(str([[*map(float, p)] for p in c]) for c in x.values()) for x in self.cells]
            self.words += " with " + "; ".join(f"{self.name(g)} in {box}" for g, box in enumerate(boxes))
        self.limit = budget["limit"] if budget else None
        self.costs: list[Any] = [[] for _ in range(count)]
        self.fees: list[dict[int, Q]] = [dict.fromkeys(x, Q(0)) for x in self.cells]
        for cost in budget["costs"] if budget else ():
            self.costs[cost["input"]].append((cost["at"], cost["rate"]))
        for fee in budget["cells"] if budget else ():
            self.fees[fee["group"]][fee["cell"]] += fee["cost"]
        rates = [rate for x in self.costs for _, rate in x] + [fee for x in self.fees for fee in x.values()]
        _need(min(rates, default=0) >= 0, "a cost is negative")
        self.words += f" whose costs fit the budget {json.dumps(budget, default=float)}" if budget else ""
        self.hulls, self.tables = list[tuple[Q, Q]](), list[_Table]()
        for i, (g, k) in sorted(self.owner.items()):
            ends = [box[k] for box in self.cells[g].values()]
            self.hulls.append((min(a for a, _ in ends), max(b for _, b in ends)))
            edges, costs = [(m.layers[0][i], 0, 0) for m in models], [at for at, _ in self.costs[i]]
            self.tables.append(_Table(self.hulls[i], [*edges, None, *costs]))

    def name(self, g: int) -> str:
        return " and ".join(self.models[0].inputs[i] for i in self.inputs[g])

    def point(self, g: int, c: int) -> tuple[int, int]:
        _need(all(a == b for a, b in self.cells[g][c]), "a group can be moved to points only")
        return g, c


def _whole(columns: Any) -> Any:
    """Inputs and cells of the groups of all rows that an encoding gives."""
    found, at = list[Any](), 0
    for column in (c for c in columns if c["type"] != "dropped"):
        if column["type"] == "levels":
            cells = [[[c, c]] for c in range(len(column["levels"]))]
        else:
            low, high, fill = column["low"], column["high"], [column["fill"]] * 2
            reach = 0.5 * (high - low)
            spans = [[low - reach, high + reach]]
            if column["two_valued"]:
                spans = [[low, low], [high, high]][: 1 + (low < high)]
            cells = [[s, [0, 0]] for s in spans] + [[fill, [1, 1]]]
            if not column["flagged"]:
                cells = [[s] for s in spans] + [[fill]] * (not any(a <= fill[0] <= b for a, b in spans))
        exact = [[[Q(a), Q(b)] for a, b in cell] for cell in cells]
        found.append([list(range(at, at + len(cells[0]))), exact])
        at += len(cells[0])
    return found


def _goals(case: _Case, claim: Any) -> tuple[str, list[Any]]:
    """The claim in words and its goals (rows, slope, group, kept cells); a row is (terms, bound, strict)."""
    kind, model, n = claim["type"], case.models[0], len(case.models[0].outputs)
    said = _read(claim, _form("type " + " ".join(re.findall(r"{(\w+)}", CLAIMS[kind]))))
    _need(kind == "linear" or len(case.models) == 1 + (kind == "equal"), "it needs another number of models")
    o, i, g, rows = said.get("output", 0), said.get("input", 0), said.get("group", 0), list[Any]()
    g, at = case.owner[i] if "input" in said else (g, 0)
    boxes, t = (
        case.cells[g],
        next((said[x] for x in ("bound", "threshold", "tau", "epsilon") if x in said), Q(0)),
    )
    words = {**claim, "output": model.outputs[o], "input": model.inputs[i], "group": case.name(g)}
    words |= {key: default for key, default in (("low", "-inf"), ("high", "inf")) if words.get(key) is None}
    words["direction"] = "falls" if said.get("direction", 1) > 0 else "rises"

    def y(weight: int, moved: Any = None, output: int = o, m: int = 0) -> Any:
        return m, moved, output, weight

    if kind == "range":
        sides = [(1, said["high"]), (-1, said["low"])]
        rows = [[([y(s)], s * end, False)] for s, end in sides if end is not None]
    elif kind == "linear":
        terms, words["terms"] = list[Any](), " + ".join(json.dumps(term) for term in said["terms"])
        for term in said["terms"]:
            each = _read(term, _form("input weight" if "input" in term else "output weight model moved"))
            moved = case.point(*each["moved"]) if each.get("moved") else None
            terms.append((each.get("model"), moved, each.get("output", each.get("input")), each["weight"]))
        rows = [[(terms, t, False)]]
    elif kind == "decision" and n == 1:
        _need(said["class"] < 2, "there is no such class")
        rows = [[([y(-1)], t, True)] if said["class"] else [([y(1)], t, False)]]
    elif kind == "decision":
        c = said["class"]
        _need(c < n, "there is no such class")
        rows = [[([y(1, None, j), y(-1, None, c)], t, j < c)] for j in range(n) if j != c]
    elif kind == "equal":
        _need(len(case.models[1].outputs) == n, "the models differ in their outputs")
        rows = [[([y(s, None, j), y(-s, None, j, 1)], t, False)] for j in range(n) for s in (1, -1)]
    elif "group" in said:
        pairs = [(y(1, a), y(-1, b)) for a, b in permutations([case.point(g, c) for c in boxes], 2)]
        flips = kind == "never_flips"
        rows = [[([a], t, False), ([b], -t, True)] if flips else [([a, b], t, False)] for a, b in pairs]
    if "input" not in said:
        _need(rows, "it claims nothing")
        return CLAIMS[kind].format(**words), [(each, None, g, list(boxes)) for each in rows]
    points = sorted((c for c in boxes if all(a == b for a, b in boxes[c])), key=lambda c: boxes[c][at])
    rest = [box[:at] + box[at + 1 :] for box in boxes.values()]
    for a, b in combinations(boxes, 2):
        apart = any(p[1] < q[0] or q[1] < p[0] for p, q in zip(rest[a], rest[b], strict=True))
        _need(apart or (rest[a] == rest[b] and {a, b} <= set(points)), "it leads across a gap between cells")
    kept, up = [c for c in boxes if boxes[c][at][0] < boxes[c][at][1]], int(said.get("direction", 1))
    after = [(a, [b for b in points[k + 1 :] if rest[a] == rest[b]]) for k, a in enumerate(points)]
    _need(up == said.get("direction", 1) in (1, -1), "a direction is 1 or -1")
    # The value whose output must not be the greater comes first: units are numbered in that order.
    ordered = [(a, b[0])[::up] for a, b in after if b]
    rows = [[([y(1, (g, a)), y(-1, (g, b))], t, False)] for a, b in ordered]
    _need(kind == "monotone" or (kept and not rows), "codes have no slopes")
    signs = [s for s in ([-up] if kind == "monotone" else [1, -1]) if kept]
    goals = [([([], t, False)], (o, i, s), g, kept) for s in signs]
    return CLAIMS[kind].format(**words), goals + [(each, None, g, list(boxes)) for each in rows]


class _Goal:
    """A goal and its variables: hidden nodes and outputs of each unit, numbered so that they follow what feeds them."""

    def __init__(self, case: _Case, rows: Any, slope: Any, g: int, kept: Any) -> None:
        self.case, self.rows, self.slope, self.memo = case, rows, slope, dict[Any, Any]()
        self.cells = [{c: b for c, b in x.items() if h != g or c in kept} for h, x in enumerate(case.cells)]
        # Of each variable: constant, functions it feeds others by, whom, (variable, function) it is fed by, table.
        self.bias, self.parts, self.feeds, self.fed = list[Q](), list[Any](), list[Any](), list[list[Any]]()
        self.outputs, self.slots, same = dict[Any, Any](), dict[Any, Any](), dict[Any, Any]()
        self.heads, self.tables = list[Any](), dict[int, _Table]()
        families: dict[Any, list[Any]] = {(0, None): [None]} if slope else {}
        for m, moved, _, _ in (term for row in rows for term in row[0] if term[0] is not None):
            units = families.setdefault((m, moved and moved[0]), [])
            units += [] if moved in units else [moved]
        for f, ((m, p), units) in enumerate(families.items()):
            model, shared = case.models[m], list[int]()
            for u, moved in enumerate(units):
                pairs = list(zip(case.inputs[p], case.cells[p][moved[1]], strict=True)) if moved else []
                moves = [model.layers[0][i].controls(x, x) for i, (x, _) in pairs]
                nodes = range(len(model.biases[0]))
                shifts = [sum((Q(c[k][0], one) for c, one in moves), Q(0)) for k in nodes]
                if len(model.layers) == 1 or not shared:  # a network without hidden layers shares nothing
                    own = shifts if len(model.layers) == 1 else [0] * len(shifts)
                    shared = self.new([b + d for b, d in zip(model.biases[0], own, strict=True)])
                    self.heads.append((m, p, shared))
                below = shared
                for number, layer in enumerate(model.layers[1:], 1):
                    above = self.new(model.biases[number])
                    self.slots[f, u if number > 1 else 0, number] = below
                    for k, v in enumerate(below):
                        for j, w in enumerate(above):
                            self.fed[w].append((v, len(self.feeds[v]) + j))
                        self.feeds[v] += above
                        self.parts[v].append(
                            (layer[k], Q(_fixed(shifts[k]), 1 << P) if number == 1 else 0, 0)
                        )
                    below = above
                # Moves that change nothing have the same outputs, so that differences are exactly zero.
                self.outputs[m, moved] = same.setdefault((f, *shifts), below)
        self.origin = {v: (m, p, k) for m, p, head in self.heads for k, v in enumerate(head)}

    def new(self, biases: list[Q]) -> list[int]:
        self.bias += biases
        for found in (self.parts, self.feeds, self.fed):
            found += [[] for _ in biases]
        return list(range(len(self.bias) - len(biases), len(self.bias)))

    def sums(self, m: int, g: int, boxes: Any) -> list[tuple[Q, Q]]:
        """Ranges of the sums of edge functions from the cells of a group to each node of the first layer."""
        key, model = (m, g, tuple(boxes.values())), self.case.models[m]
        if key not in self.memo:
            self.memo[key], first = [], sum(len(x.biases[0]) for x in self.case.models[:m])
            for k in range(first, first + len(model.biases[0])):
                tables = [self.case.tables[i] for i in self.case.inputs[g]]
                each = [[t.span(x, k) for t, x in zip(tables, box, strict=True)] for box in boxes.values()]
                self.memo[key].append(
                    (min(sum(a for a, _ in x) for x in each), max(sum(b for _, b in x) for x in each))
                )
        return self.memo[key]

    def ranges(self, cells: Any, limits: Any) -> Any:
        """Ranges of all hidden nodes; None if there is no row."""
        ends = dict[int, tuple[Q, Q]]()
        for v in (v for v, parts in enumerate(self.parts) if parts and all(cells)):
            if v in self.origin:
                m, p, k = self.origin[v]
                spans = [self.sums(m, h, x)[k] for h, x in enumerate(cells) if h != p]
            else:
                spans = [self.tables[w].span(ends[w], j) for w, j in self.fed[v]]
            low, high = (self.bias[v] + sum(span[side] for span in spans) for side in (0, 1))
            if v not in self.tables:
                rates = [(edges, shift, 1) for edges, shift, _ in self.parts[v] if self.slope]
                self.tables[v] = _Table((low, high), [*self.parts[v], *rates, None])
            high = min([high, *(at for w, side, at in limits if (w, side) == (v, "upper"))])
            ends[v] = max([low, *(at for w, side, at in limits if (w, side) == (v, "lower"))]), high
        return ends if all(cells) and all(a <= b for a, b in ends.values()) else None

    def bound(self, ends: Any, cells: Any, evidence: Any, own: Any, line: Any, extra: Any = None) -> Any:
        """Lagrange's bound of sum own * variable + sum line * input (+ extra weights of derivatives)."""
        mu, a, case, limit = evidence["mu"], [Q(0)] * len(self.bias), self.case, self.case.limit
        _need(mu == 0 or (mu > 0 and limit is not None), "mu is negative, or there is no budget")
        for f, u, layer, slopes in evidence["slopes"]:
            for v, slope in zip(self.slots[f, u, layer], slopes, strict=True):
                a[v] = slope
        for v, weight in own.items():
            a[v] = weight
        total = sum(map(mul, a, self.bias), mu * (limit or 0))
        for v, h in ends.items():
            weights, rest = [a[w] for w in self.feeds[v]], own.get(v, 0) - a[v]
            ways = (extra or {}).get(v, [[0] * len(weights) if self.slope else []])
            total += max(self.tables[v].top(h, [*weights, *way, rest]) for way in ways)
        for g, boxes in enumerate(cells):
            weights = list[Any]()
            for m, model in enumerate(case.models):
                mine = [[a[v] for v in head] for n, p, head in self.heads if n == m and p != g]
                weights += [sum(x) for x in zip(*mine, strict=True)] or [0] * len(model.biases[0])
            full = [[*weights, line[i], *(-mu * rate for _, rate in case.costs[i])] for i in case.inputs[g]]
            each = list[Q]()
            for c, box in boxes.items():
                tops = (case.tables[i].top(x, w) for i, x, w in zip(case.inputs[g], box, full, strict=True))
                each.append(sum(tops, -mu * case.fees[g][c]))
            total += max(each)
        return total

    def proves(self, leaf: Any, cells: Any, limits: Any) -> bool:
        """Whether a leaf shows what it must."""
        ends, shares, extra, case = self.ranges(cells, limits), leaf["lambda"], None, self.case
        own, line, total = dict[int, Q](), [Q(0)] * len(case.tables), Q(0)
        _need(len(shares) == len(self.rows) and min(shares) >= 0, "a leaf needs one lambda >= 0 for each row")
        if ends is None:
            return True
        for share, (terms, bound, _) in zip(shares, self.rows, strict=True):
            total -= share * bound
            for m, moved, o, weight in terms:
                if m is None:
                    line[o] += share * weight
                else:
                    v = self.outputs[m, moved][o]
                    total += share * weight * case.models[m].shift[o]
                    own[v] = own.get(v, 0) + share * weight * case.models[m].scale[o]
        if self.slope and shares[0] > 0:
            (o, i, sign), model, head, rates = self.slope, case.models[0], self.heads[0][2], dict[int, Any]()
            (g, at), scale = case.owner[i], shares[0] * sign * model.scale[o]
            if "rates" not in self.memo:
                self.memo["rates"] = _Table(case.hulls[i], [(model.layers[0][i], 0, 1)])
            for k, v in enumerate(head):
                each = [self.memo["rates"].span(box[at], k) for box in cells[g].values()]
                rates[v] = min(a for a, _ in each), max(b for _, b in each)
            if len(model.layers) != 2:
                for v in range(len(head), len(self.bias)):
                    chain = [
                        (w, self.tables[w].span(ends[w], len(self.feeds[w]) + j)) for w, j in self.fed[v]
                    ]
                    products = [[x * y for x in span for y in rates[w]] for w, span in chain]
                    rates[v] = sum(map(min, products)), sum(map(max, products))
                return total + max(scale * x for x in rates[self.outputs[0, None][o]]) <= 0
            outputs = range(len(model.outputs))
            extra = {v: [[scale * c * (j == o) for j in outputs] for c in rates[v]] for v in head}
        total += self.bound(ends, cells, leaf, own, line, extra)
        slack = any(share > 0 and not strict for share, (_, _, strict) in zip(shares, self.rows, strict=True))
        return total < 0 or (total == 0 and slack)

    def prove(self, proof: Any) -> int:
        """Check the lemmas and the tree; how many leaves there are."""
        limits, tree, seen, leaves, line = (
            list[Any](),
            proof["tree"],
            set[int](),
            0,
            [0] * len(self.case.tables),
        )
        self.ranges(self.cells, limits)
        for lemma in proof["lemmas"]:
            v, side, at = self.slots[tuple(lemma["slot"])][lemma["node"]], lemma["side"], lemma["bound"]
            sign, ends = {"upper": 1, "lower": -1}[side], self.ranges(self.cells, limits)
            good = ends is None or self.bound(ends, self.cells, lemma, {v: sign}, line) <= sign * at
            _need(good, f"the lemma about node {lemma['node']} of {lemma['slot']} does not hold")
            limits.append((v, side, at))
        waiting = [(0, self.cells, limits)]
        while waiting:
            at, cells, limits = waiting.pop()
            _need(at not in seen, "a part of a tree belongs to two others")
            seen.add(at)
            if "leaf" in tree[at]:
                leaf = _read(tree[at], {"leaf": _form("lambda slopes mu")})["leaf"]
                proved = self.proves(leaf, cells, limits)
                _need(proved, f"leaf {at} of goal {proof['goal']} does not prove its part")
                leaves += 1
                continue
            form = next(form for form in SPLITS if set(form) == set(tree[at]["split"]))
            node = _read(tree[at], {"split": form, "low": int, "high": int})
            waiting.append((node["low"], *self.side(node["split"], "upper", cells, limits)))
            waiting.append((node["high"], *self.side(node["split"], "lower", cells, limits)))
        _need(len(seen) == len(tree), "a tree has parts that belong nowhere")
        return leaves

    def side(self, split: Any, side: str, cells: Any, limits: Any) -> Any:
        """The side of a split up to its value (or with its cells), or the other one."""
        if "slot" in split:
            return cells, [*limits, (self.slots[tuple(split["slot"])][split["node"]], side, split["at"])]
        upper, new = side == "upper", dict[int, Any]()
        g, k = self.case.owner[split["input"]] if "input" in split else (split["group"], 0)
        for c, box in cells[g].items():
            if "input" in split:
                low, high = box[k]
                low, high = (low, min(high, split["at"])) if upper else (max(low, split["at"]), high)
                new |= {c: (*box[:k], (low, high), *box[k + 1 :])} if low <= high else {}
            elif (c in split["cells"]) == upper:
                new[c] = box
        return [*cells[:g], new, *cells[g + 1 :]], limits


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: checker.py proof.json model.kan [second.kan]")
    verdict = check(*sys.argv[1:])
    print(verdict.reason, verdict.claim, f"({verdict.seconds:.1f} s)", sep="\n")  # noqa: T201
    sys.exit(not verdict.accepted)
