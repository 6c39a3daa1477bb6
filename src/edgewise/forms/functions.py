"""The named functions a formula may call: their torch value and their derivatives, written in x and y."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Function:
    """A function of x, or of x and y: `derivatives` has a formula over these same functions for each argument.

    At a jump or a kink a derivative is that of one side: slopes of steps are zero everywhere.
    """

    name: str
    value: Callable[..., Tensor]
    derivatives: tuple[str, ...]

    @property
    def arity(self) -> int:
        """How many arguments it takes."""
        return len(self.derivatives)


def gaussian(x: Tensor) -> Tensor:
    """exp(-x^2)."""
    return torch.exp(-x * x)


def step(x: Tensor) -> Tensor:
    """1 where x >= 0, else 0; what is no number stays none."""
    below = torch.where(x < 0, torch.zeros_like(x), x)
    return torch.where(x >= 0, torch.ones_like(x), below)


_TABLE = (
    Function("exp", torch.exp, ("exp(x)",)),
    Function("log", torch.log, ("1/x",)),
    Function("sqrt", torch.sqrt, ("1/(2*sqrt(x))",)),
    Function("sin", torch.sin, ("cos(x)",)),
    Function("cos", torch.cos, ("-sin(x)",)),
    Function("tan", torch.tan, ("1 + tan(x)^2",)),
    Function("asin", torch.asin, ("1/sqrt(1 - x^2)",)),
    Function("acos", torch.acos, ("-1/sqrt(1 - x^2)",)),
    Function("atan", torch.atan, ("1/(1 + x^2)",)),
    Function("sinh", torch.sinh, ("cosh(x)",)),
    Function("cosh", torch.cosh, ("sinh(x)",)),
    Function("tanh", torch.tanh, ("1 - tanh(x)^2",)),
    Function("asinh", torch.asinh, ("1/sqrt(1 + x^2)",)),
    Function("acosh", torch.acosh, ("1/sqrt(x^2 - 1)",)),
    Function("atanh", torch.atanh, ("1/(1 - x^2)",)),
    Function("abs", torch.abs, ("sign(x)",)),
    Function("sign", torch.sign, ("0",)),
    Function("step", step, ("0",)),
    Function("floor", torch.floor, ("0",)),
    Function("max", torch.maximum, ("step(x - y)", "1 - step(x - y)")),
    Function("min", torch.minimum, ("step(y - x)", "1 - step(y - x)")),
    # The exact remainder of the two floats, with the sign of the second.
    Function("mod", torch.remainder, ("1", "-floor(x/y)")),
    Function("sigmoid", torch.sigmoid, ("sigmoid(x)*(1 - sigmoid(x))",)),
    Function("gaussian", gaussian, ("-2*x*gaussian(x)",)),
)
FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _TABLE})
# Those that jump: between the jumps their slopes say all, at them nothing.
JUMPS = frozenset({"sign", "step", "floor", "mod"})

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
