"""The short text form of properties and conditions, read by a recursive-descent parser; nothing is ever evaluated as code.

    statement  = property [ "with" name "within" number { "," name "within" number } ] [ "where" conditions ]
    property   = name "(" argument { "," argument } ")"        increasing(income)      monotone(income, increasing)
               | "decision" "=" value                           decision = "good"
               | comparison                                     2*age - output <= 3      0 <= output <= 1
    conditions = condition { ("," | "and") condition }          age in [18, 65], job = "skilled", rate is missing

Names that are no identifiers stand in `backticks`; words may stand in quotes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import did_you_mean, short
from edgewise.forms.directions import read_direction
from edgewise.forms.reader import Reader, Token
from edgewise.verifying.domain.conditions import Between, Condition, Missing, OneOf
from edgewise.verifying.language import properties as asked

EXAMPLES = {
    "range": "range(0, 1)",
    "increasing": "increasing(income)",
    "decreasing": "decreasing(income)",
    "monotone": "monotone(income, increasing)",
    "lipschitz": "lipschitz(income, 0.01)",
    "never_flips": "never_flips(sex)",
    "changes_at_most": "changes_at_most(sex, 0.1)",
    "robust": "robust(row 5, 0.05)",
    "equal": 'equal("other.kan", 0.01)',
    "formula": 'formula("2*x + 1", 0.1)',
    "decision": 'decision = "good"',
}


_AT_MOST, _AT_LEAST = ("<=", "<"), (">=", ">")


@dataclass(frozen=True)
class Statement:
    """A property and the conditions that narrow its domain."""

    property: asked.Property
    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        where = ", ".join(map(str, self.conditions))
        return f"{self.property}{' where ' + where if where else ''}"


def parse_property(text: str) -> Statement:
    """Read a property, with its conditions if there are any.

    Parameters
    ----------
    text : str

    Returns
    -------
    Statement

    Raises
    ------
    InputError
        One sentence that names where the text stops making sense.

    Examples
    --------
    >>> print(parse_property("monotone(income, increasing) where age in [18, 65], job = skilled"))
    monotone(income, increasing) where age in [18, 65], job = "skilled"
    >>> parse_property("2*age - output <= 3").property
    Linear(terms=(('age', 2.0), ('output', -1.0)), bound=3.0)
    """
    reader = _reader(text)
    found = _property(reader)
    if isinstance(found, asked.NeverFlips) and reader.word("with"):
        found = _moving(reader, found)
    if reader.word("where"):
        return Statement(found, _conditions(reader))
    reader.end("the end or 'where'")
    return Statement(found)


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions alone.

    Raises
    ------
    InputError
        One sentence that names where the text stops making sense.

    Examples
    --------
    >>> print(*parse_conditions('18 <= age <= 65 and job in {"skilled", clerk}'), sep="\\n")
    age in [18, 65]
    job in {"skilled", "clerk"}
    """
    return _conditions(_reader(text))


def _reader(text: str) -> Reader:
    kind = "text or made by edgewise.properties"
    return Reader.of(text, "The property {text} cannot be read", "The property, its 'text',", instead=kind)


# ---- properties


def _property(reader: Reader) -> asked.Property:
    token, after = reader.head, reader.after()
    if token.kind == "name" and after.text == "(":
        reader.at += 2
        return _call(reader, token)
    if token.kind == "name" and token.text == "decision" and after.operator == "=":
        reader.at += 2
        return asked.decides(reader.value())
    return _comparison(reader)


def _call(reader: Reader, token: Token) -> asked.Property:
    build = _CALLS.get(token.text)
    if build is None:
        near = did_you_mean(token.text, _CALLS)
        listed = ", ".join(_CALLS)
        raise reader.fail(f"there is no {short(token.text, 40)}{near}; the properties are {listed}")
    if reader.head.operator == ")":
        raise reader.fail(f"{token.text} needs arguments, as in {EXAMPLES[token.text]}")
    made = build(reader)
    reader.need(")")
    return made


def _output(reader: Reader) -> Any:
    """The optional last argument `output=...`."""
    if not reader.take(","):
        return None
    if not reader.word("output"):
        raise reader.unexpected("output=...")
    reader.need("=")
    return reader.value()


def _range(reader: Reader) -> asked.Property:
    low, ends = reader.number("the least value"), list[float]()
    reader.need(",")
    ends.append(reader.number("the largest value"))
    if reader.head.operator == "," and reader.after().text == "probability":
        reader.at += 2
        return asked.output_range(low, ends[0], probability=True)
    return asked.output_range(low, ends[0], output=_output(reader))


def _monotone(reader: Reader) -> asked.Property:
    reader.at -= 2
    column, way = read_direction(reader)
    return asked.monotone(column, way, output=_output(reader))


def _lipschitz(reader: Reader) -> asked.Property:
    feature = reader.name()
    reader.need(",")
    return asked.lipschitz(feature, reader.number("the bound"), output=_output(reader))


def _never_flips(reader: Reader) -> asked.Property:
    features, threshold = [reader.name()], None
    while reader.head.operator == "," and [reader.after().text, reader.after(2).operator] != ["output", "="]:
        reader.need(",")
        if reader.at_number:
            threshold = reader.number()
            break
        features.append(reader.name("a column, the threshold or output=..."))
    return asked.never_flips(features, threshold=threshold, output=_output(reader))


def _moving(reader: Reader, found: asked.NeverFlips) -> asked.NeverFlips:
    """What follows `with`: numbers that may move a little besides."""
    others = dict[str, float]()
    while True:
        name = reader.name()
        if not reader.word("within"):
            raise reader.unexpected("within and a number, as in with age within 5,")
        others[name] = reader.number("how far it may move")
        if not (reader.take(",") or reader.word("and")):
            break
    return asked.never_flips(found.features, others=others, threshold=found.threshold, output=found.output)


def _changes(reader: Reader) -> asked.Property:
    feature = reader.name()
    reader.need(",")
    return asked.changes_at_most(feature, reader.number("the largest change"), output=_output(reader))


def _robust(reader: Reader) -> asked.Property:
    if not reader.word("row"):
        raise reader.unexpected("row and its number, as in robust(row 5, 0.05),")
    token = reader.head
    row = reader.number("the number of a row")
    if not row.is_integer() or row < 0:
        raise reader.fail(f"rows are counted 0, 1, 2, ...; there is no row {token.text}")
    reader.need(",")
    radius: Any = None
    if reader.take("{"):
        radius = {}
        while True:
            name = reader.name()
            reader.need(":")
            radius[name] = reader.number("how far it may move")
            if not reader.take(","):
                break
        reader.need("}")
    else:
        radius = reader.number("the radius")
    change = None
    if reader.head.operator == "," and reader.after().text != "output":
        reader.need(",")
        change = reader.number("the largest change or output=...")
    return asked.robust(int(row), radius, change=change, output=_output(reader))


def _equal(reader: Reader) -> asked.Property:
    other = reader.name("the file of the other model, in quotes,")
    reader.need(",")
    return asked.equal(other, reader.number("the largest difference"))


def _formula(reader: Reader) -> asked.Property:
    if reader.head.kind != "string":
        raise reader.unexpected("the formula in quotes")
    text = reader.name()
    reader.need(",")
    return asked.formula_within(text, reader.number("the largest difference"), output=_output(reader))


_CALLS: dict[str, Callable[[Reader], asked.Property]] = {
    "range": _range,
    "increasing": _monotone,
    "decreasing": _monotone,
    "monotone": _monotone,
    "lipschitz": _lipschitz,
    "never_flips": _never_flips,
    "changes_at_most": _changes,
    "robust": _robust,
    "equal": _equal,
    "formula": _formula,
}


def _comparison(reader: Reader) -> asked.Property:
    sides = [_sum(reader)]
    signs = list[str]()
    while len(signs) < 2 and (sign := reader.take(*_AT_MOST, *_AT_LEAST)):
        signs.append(sign)
        sides.append(_sum(reader))
    if not signs:
        if len(reader.tokens) == 2 and reader.tokens[0].kind == "name" and reader.tokens[0].text in EXAMPLES:
            raise reader.fail(f"{reader.text.strip()} needs arguments, as in {EXAMPLES[reader.text.strip()]}")
        raise reader.unexpected("<= or >=")
    if len(signs) == 2:
        if signs[0][0] != signs[1][0] or sides[0].names or sides[2].names:
            raise reader.fail("two comparisons must be one range, as in 0 <= output <= 1")
        middle = sides[1]
        ends = (sides[0].constant - middle.constant, sides[2].constant - middle.constant)
        pairs = [*zip(ends, signs, strict=True)][:: 1 if signs[0] in _AT_MOST else -1]
        low, high = (_beside(end, sign, up) for (end, sign), up in zip(pairs, (1, -1), strict=True))
        if (kind := _one_output(middle)) is None:
            raise reader.fail(
                "a range must be of output or probability; write a weighted sum with one <= or >="
            )
        return asked.output_range(low, high, probability=kind == "probability")
    left, right = sides if signs[0] in _AT_MOST else sides[::-1]
    terms = dict(left.names)
    for name, weight in right.names.items():
        terms[name] = terms.get(name, 0.0) - weight
    bound = right.constant - left.constant
    terms = {name: weight for name, weight in terms.items() if weight != 0}
    if not terms:
        raise reader.fail("it says nothing about the model; name output or a column")
    if set(terms) <= {"output", "probability"} and len(terms) == 1:
        ((name, weight),) = terms.items()
        end = _beside(bound / weight, signs[0], -1 if weight > 0 else 1)
        low, high = (None, end) if weight > 0 else (end, None)
        return asked.output_range(low, high, probability=name == "probability")
    return asked.linear(terms, _beside(bound, signs[0], -1))


def _beside(end: float, sign: str, up: int) -> float:
    """The first number above (up = 1) or below (-1) an end that a strict sign leaves out; the end itself otherwise."""
    return math.nextafter(end, up * math.inf) if sign in "<>" else end


@dataclass(frozen=True)
class _LinearSum:
    names: dict[str, float]
    constant: float


def _one_output(total: _LinearSum) -> str | None:
    name = next(iter(total.names), "")
    return name if total.names in ({"output": 1.0}, {"probability": 1.0}) else None


def _sum(reader: Reader) -> _LinearSum:
    names, constant = dict[str, float](), 0.0
    sign = -1.0 if reader.take("-") else 1.0
    while True:
        weight, name = _term(reader)
        if name is None:
            constant += sign * weight
        else:
            names[name] = names.get(name, 0.0) + sign * weight
        step = reader.take("+", "-")
        if not step:
            return _LinearSum(names, constant)
        sign = -1.0 if step == "-" else 1.0


def _term(reader: Reader) -> tuple[float, str | None]:
    """A number, a name, or one times the other."""
    if reader.head.kind == "number":
        weight = reader.number()
        return (weight, reader.name("a name")) if reader.take("*") else (weight, None)
    name = reader.name("a number or a name")
    return (reader.number(), name) if reader.take("*") else (1.0, name)


# ---- conditions


def _conditions(reader: Reader) -> tuple[Condition, ...]:
    found = [_condition(reader)]
    while reader.take(",") or reader.word("and"):
        found.append(_condition(reader))
    if reader.head.kind != "end":
        raise reader.unexpected("',' or the end")
    return tuple(found)


def _condition(reader: Reader) -> Condition:
    if reader.at_number:
        low = reader.number()
        if not (first := reader.take(*_AT_MOST)):
            raise reader.unexpected("'<='")
        name, second = reader.name(), reader.take(*_AT_MOST)
        high = _beside(reader.number(), second, -1) if second else None
        return Between(name, _beside(low, first, 1), high)
    name = reader.name()
    if reader.word("is"):
        negated = bool(reader.word("not"))
        if not reader.word("missing"):
            raise reader.unexpected("missing")
        return Missing(name, not negated)
    if reader.word("in"):
        if reader.take("["):
            low = reader.value()
            reader.need(",")
            high = reader.value()
            reader.need("]")
            if isinstance(low, float) and isinstance(high, float) and low > high:
                raise reader.fail(f"the range of {short(name, 40)} must begin with its lower end")
            return Between(name, low, high)
        reader.need("{")
        values = [reader.value()]
        while reader.take(","):
            values.append(reader.value())
        reader.need("}")
        return OneOf(name, tuple(values))
    if sign := reader.take(*_AT_MOST, *_AT_LEAST):
        end = reader.value()
        if isinstance(end, float):
            end = _beside(end, sign, -1 if sign in _AT_MOST else 1)
        elif sign in "<>":
            raise reader.fail(
                f"of dates only <= and >= are read; {short(name, 40)} {sign} {short(end)} leaves its end out"
            )
        return Between(name, None, end) if sign in _AT_MOST else Between(name, end, None)
    if reader.take("="):
        return OneOf(name, (reader.value(),))
    raise reader.unexpected("in, =, <=, >= or is")
