"""A partly known formula as text: unknown functions and constants become slots, everything else is read as usual.

A constant is a function of nothing. One that differs from group to group, and an unknown function of a column of words, are
a constant for each level, times a column that is one in the rows of that level and zero elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from edgewise._core.arguments import check_words
from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms import Expression
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.parser import Grammar
from edgewise.forms.reader import Reader
from edgewise.forms.tree import OPERATORS, Apply, Node, Number, Variable, names_in, render
from edgewise.symbolic.expressions.named_constants import like_columns, names_alone, right_side
from edgewise.symbolic.known_form.categories import Categories, Category

_REFUSAL = (
    "The 'text' argument must be a formula that calls unknown functions of one variable, as in "
    "f(x1/x2)*g(x3) + x4. Got {text} instead"
)

# So many arguments are read, to be refused in words of this function.
_MANY = 60


@dataclass(frozen=True)
class Slot:
    """One call of an unknown function, or a constant, which is called with nothing.

    Parameters
    ----------
    function
        The function's name.
    argument
        What it is called with, over the columns and the slots before it.
    label
        The name by which later formulas know its value.
    """

    function: str
    argument: Expression
    label: str


@dataclass(frozen=True)
class Partial:
    """A partly known formula: slots in the order in which they can be evaluated, and the whole over all of them.

    `names` are the columns, behind them those of the levels. `reading_order` has the unknown functions as they appear in the
    text, `constants` the labels of the constants, `own` for each name that stands for a constant a level what the levels are
    of, `doubts` a sentence on each constant that may be a misspelt column.
    """

    text: str
    names: tuple[str, ...]
    slots: tuple[Slot, ...]
    root: Expression
    reading_order: tuple[str, ...]
    constants: tuple[str, ...] = ()
    own: Mapping[str, Category] = field(default_factory=dict[str, Category])
    doubts: tuple[str, ...] = ()

    @property
    def functions(self) -> tuple[str, ...]:
        """The unknown functions, those that stand inside others first."""
        return tuple(
            dict.fromkeys(slot.function for slot in self.slots if slot.function not in self.constants)
        )


def read_partial(
    text: object,
    names: Sequence[str],
    *,
    categories: Categories | None = None,
    shared: Collection[str] = (),
) -> Partial:
    """Read a partly known formula, or one for each of several targets.

    Parameters
    ----------
    text
        A formula in which names that are neither columns nor known functions are called; others that are no columns are
        constants. With several targets a formula for each.
    names
        The columns of numbers.
    categories
        The columns of words, the groups and the targets.
    shared
        Constants that are one for all groups.

    Returns
    -------
    Partial

    Raises
    ------
    InputError
        Where the text cannot be read or calls no unknown function.

    Examples
    --------
    >>> read_partial("f(x1/x2)*g(f(x1)) + a*x3", ["x1", "x2", "x3"]).functions
    ('f', 'g')
    """
    categories = Categories() if categories is None else categories
    targets = categories.targets
    texts: Sequence[object] = [text] if targets is None else list(text)  # pyright: ignore[reportArgumentType]
    reading = _SlotReading(tuple(names), categories, frozenset(shared))
    trees = [reading.tree(item) for item in texts]
    if strange := [name for name in shared if name not in reading.named]:
        raise InputError(
            argument="shared",
            expected=f"name constants of the formula, {among(reading.named)}",
            got=f"{short(strange[0])}{did_you_mean(strange[0], reading.named)}",
        )
    whole = trees[0] if targets is None else targets.sum(trees)
    written = "; ".join(map(str, texts))
    root = reading.without_calls(whole, Reader.of(written, _REFUSAL, "The 'text' argument of fit_partial"))
    called = tuple(dict.fromkeys(name for name in _called(whole)))
    if not called:
        first = next((item for item in reading.own), None)
        what = "every function in it is known" if first is None else f"{first!r} is called with words alone"
        raise Reader.of(written, _REFUSAL, "The 'text' argument of fit_partial").fail(
            f"{what}; fit_constants, fit_groups and fit_targets fit constants alone"
        )
    if both := [name for name in called if name in reading.named or name in reading.own]:
        raise InputError(
            argument="text",
            expected="use a name for one thing",
            got=f"{short(both[0])} as a function of numbers and as something else",
        )
    return Partial(
        written,
        reading.names,
        tuple(reading.slots),
        Expression(root, (*reading.names, *(slot.label for slot in reading.slots))),
        called,
        tuple(reading.constants),
        MappingProxyType(dict(reading.own)),
        like_columns(reading.named, reading.known, reading.used),
    )


class _SlotReading:
    """Texts on their way to slots."""

    def __init__(self, columns: tuple[str, ...], categories: Categories, shared: frozenset[str]) -> None:
        self.categories, self.shared = categories, shared
        self.names = (*columns, *categories.indicators)
        self.known, self.used = (*columns, *categories.words), set[str]()
        # The names of constants, their labels, and what those of each level are of.
        self.named = dict[str, None]()
        self.constants = dict[str, None]()
        self.own = dict[str, Category]()
        self.slots = list[Slot]()

    def tree(self, text: object) -> Node:
        """The formula with constants a level as sums over the levels."""
        reader = Reader.of(check_words(text, "text"), _REFUSAL, "The 'text' argument of fit_partial")
        free = [name for name in names_alone(reader) if name not in self.known]
        self.named |= dict.fromkeys(free)
        tree = right_side(reader, [*self.known, *free], Grammar(unknown=True, arguments=_MANY))
        self.used |= set(names_in(tree))
        return self._spread(tree, reader)

    def _spread(self, node: Node, reader: Reader) -> Node:
        words, groups = self.categories.words, self.categories.groups
        if isinstance(node, Variable):
            if node.name in words:
                raise reader.fail(
                    f"the column {short(node.name, 40)} holds words; h({node.name}) is a constant for each of them"
                )
            if node.name not in self.named:
                return node
            if groups is not None and node.name not in self.shared:
                return self._of_levels(node.name, groups)
            self.constants.setdefault(node.name)
            return node
        if not isinstance(node, Apply):
            return node
        several = len(node.arguments) > 1
        if is_unknown(node) and several:
            raise reader.fail(
                f"the function {node.function!r} takes one argument; find_function finds one of several columns"
            )
        inside = node.arguments[0]
        if is_unknown(node) and isinstance(inside, Variable) and inside.name in words:
            return self._of_levels(node.function, words[inside.name])
        return Apply(node.function, tuple(self._spread(argument, reader) for argument in node.arguments))

    def _of_levels(self, name: str, category: Category) -> Node:
        if self.own.setdefault(name, category) is not category:
            raise InputError(
                argument="text", expected=f"call {short(name)} with one column of words", got="two"
            )
        labels = [level_label(name, at) for at in range(len(category.levels))]
        self.constants |= dict.fromkeys(labels)
        return category.sum([Variable(label) for label in labels])

    def without_calls(self, node: Node, reader: Reader) -> Node:
        """The tree with every unknown call as a variable, the label of its slot; slots are gathered inner first."""
        if isinstance(node, Variable) and node.name in self.constants:
            if all(slot.label != node.name for slot in self.slots):
                self.slots.append(Slot(node.name, Expression(Number(0), self.names), node.name))
            return node
        if not isinstance(node, Apply):
            return node
        arguments = tuple(self.without_calls(item, reader) for item in node.arguments)
        if not is_unknown(node):
            return Apply(node.function, arguments)
        known = (*self.names, *(slot.label for slot in self.slots))
        argument, label = Expression(arguments[0], known), render(node)
        if all(name in self.constants for name in argument.variables):
            hint = next(filter(None, (did_you_mean(name, self.known) for name in argument.variables)), "")
            raise reader.fail(f"the function {node.function!r} is not called with a column{hint}")
        if label not in known:
            self.slots.append(Slot(node.function, argument, label))
        return Variable(label)


def level_label(name: str, level: int) -> str:
    """What the constant of a level is called among the slots; no name in a text looks so."""
    return f"{name}[{level}]"


def is_unknown(node: Apply) -> bool:
    """Whether it calls a function that nobody knows."""
    return node.function not in FUNCTIONS and node.function not in OPERATORS


def _called(node: Node) -> list[str]:
    """Unknown functions in the order in which they are read."""
    if not isinstance(node, Apply):
        return []
    inside = [name for argument in node.arguments for name in _called(argument)]
    return [node.function, *inside] if is_unknown(node) else inside
