"""A partly known formula as text: calls of unknown functions become slots, everything else is read as usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms import Expression
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.parser import Grammar
from edgewise.forms.reader import Reader
from edgewise.forms.tree import OPERATORS, Apply, Node, Variable, render
from edgewise.symbolic.expressions.named_constants import right_side

_REFUSAL = (
    "The 'text' argument of fit_partial must be a formula that calls unknown functions of one variable, as in "
    "f(x1/x2)*g(x3) + x4. Got {text} instead"
)


@dataclass(frozen=True)
class Slot:
    """One call of an unknown function.

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

    `reading_order` has the unknown functions as they appear in the text.
    """

    text: str
    names: tuple[str, ...]
    slots: tuple[Slot, ...]
    root: Expression
    reading_order: tuple[str, ...]

    @property
    def functions(self) -> tuple[str, ...]:
        """The unknown functions, those that stand inside others first."""
        return tuple(dict.fromkeys(slot.function for slot in self.slots))


def read_partial(text: object, names: Sequence[str]) -> Partial:
    """Read a partly known formula.

    Parameters
    ----------
    text
        A formula in which names that are neither columns nor known functions are called.
    names
        The columns.

    Returns
    -------
    Partial

    Raises
    ------
    InputError
        Where the text cannot be read or calls no unknown function.

    Examples
    --------
    >>> read_partial("f(x1/x2)*g(f(x1)) + x3", ["x1", "x2", "x3"]).functions
    ('f', 'g')
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"The 'text' argument of fit_partial must be a text. Got {short(text)} instead.")
    reader = Reader.of(text, _REFUSAL, "The 'text' argument of fit_partial")
    tree = right_side(reader, names, Grammar(unknown=True))
    slots = list[Slot]()
    root = _without_calls(tree, tuple(names), slots, reader)
    if not slots:
        raise reader.fail("every function in it is known")
    known = (*names, *(slot.label for slot in slots))
    return Partial(
        text, tuple(names), tuple(slots), Expression(root, known), tuple(dict.fromkeys(_called(tree)))
    )


def _is_unknown(node: Apply) -> bool:
    return node.function not in FUNCTIONS and node.function not in OPERATORS


def _called(node: Node) -> list[str]:
    """Unknown functions in the order in which they are read."""
    if not isinstance(node, Apply):
        return []
    inside = [name for argument in node.arguments for name in _called(argument)]
    return [node.function, *inside] if _is_unknown(node) else inside


def _without_calls(node: Node, names: tuple[str, ...], slots: list[Slot], reader: Reader) -> Node:
    """The tree with every unknown call as a variable, the label of its slot; slots are gathered inner first."""
    if not isinstance(node, Apply):
        return node
    arguments = tuple(_without_calls(each, names, slots, reader) for each in node.arguments)
    if not _is_unknown(node):
        return Apply(node.function, arguments)
    known = (*names, *(slot.label for slot in slots))
    argument, label = Expression(arguments[0], known), render(node)
    if not argument.variables:
        raise reader.fail(f"the function {node.function!r} is not called with a column")
    if label not in known:
        slots.append(Slot(node.function, argument, label))
    return Variable(label)
