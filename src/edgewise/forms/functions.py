"""The named functions a formula may call: their value, of tensors and arrays, and their derivatives, written in x and y."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edgewise.forms import elementwise as on
from edgewise.forms.elementwise import Values


@dataclass(frozen=True, slots=True)
class Function:
    """A function of x, or of x and y: `derivatives` has a formula over these same functions for each argument.

    At a jump or a kink a derivative is that of one side: slopes of steps are zero everywhere.
    """

    name: str
    value: Callable[..., Values]
    derivatives: tuple[str, ...]

    @property
    def arity(self) -> int:
        """How many arguments it takes."""
        return len(self.derivatives)


_TABLE = (
    Function("exp", on.exp, ("exp(x)",)),
    Function("log", on.log, ("1/x",)),
    Function("sqrt", on.sqrt, ("1/(2*sqrt(x))",)),
    Function("sin", on.sin, ("cos(x)",)),
    Function("cos", on.cos, ("-sin(x)",)),
    Function("tan", on.tan, ("1 + tan(x)^2",)),
    Function("asin", on.asin, ("1/sqrt(1 - x^2)",)),
    Function("acos", on.acos, ("-1/sqrt(1 - x^2)",)),
    Function("atan", on.atan, ("1/(1 + x^2)",)),
    Function("sinh", on.sinh, ("cosh(x)",)),
    Function("cosh", on.cosh, ("sinh(x)",)),
    Function("tanh", on.tanh, ("1 - tanh(x)^2",)),
    Function("asinh", on.asinh, ("1/sqrt(1 + x^2)",)),
    Function("acosh", on.acosh, ("1/sqrt(x^2 - 1)",)),
    Function("atanh", on.atanh, ("1/(1 - x^2)",)),
    Function("abs", on.absolute, ("sign(x)",)),
    Function("sign", on.sign, ("0",)),
    Function("step", on.step, ("0",)),
    Function("floor", on.floor, ("0",)),
    Function("max", on.maximum, ("step(x - y)", "1 - step(x - y)")),
    Function("min", on.minimum, ("step(y - x)", "1 - step(y - x)")),
    # The exact remainder of the two floats, with the sign of the second.
    Function("mod", on.remainder, ("1", "-floor(x/y)")),
    Function("sigmoid", on.sigmoid, ("sigmoid(x)*(1 - sigmoid(x))",)),
    Function("gaussian", on.gaussian, ("-2*x*gaussian(x)",)),
)
FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _TABLE})
# Those that jump: between the jumps their slopes determine them, at the jumps they do not exist.
JUMPS = frozenset({"sign", "step", "floor", "mod"})
# And those that have a kink or a jump.
BREAKS = JUMPS | {"abs", "max", "min"}

# Other spellings people type; formulas are written back with the first.
SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "ln": "log",
        "arcsin": "asin",
        "arccos": "acos",
        "arctan": "atan",
        "arcsinh": "asinh",
        "arccosh": "acosh",
        "arctanh": "atanh",
        "Abs": "abs",
        "gauss": "gaussian",
        "heaviside": "step",
        "Heaviside": "step",
        "maximum": "max",
        "minimum": "min",
        "Max": "max",
        "Min": "min",
        "Mod": "mod",
    }
)
CONSTANTS: Mapping[str, float] = MappingProxyType({"pi": math.pi, "e": math.e, "E": math.e})
