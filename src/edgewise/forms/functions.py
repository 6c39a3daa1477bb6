"""The named functions a formula may call: their torch value and their derivative, written in x."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one argument: `derivative` is a formula in x over these same functions."""

    name: str
    value: Callable[[Tensor], Tensor]
    derivative: str


def gaussian(x: Tensor) -> Tensor:
    """exp(-x^2)."""
    return torch.exp(-x * x)


_TABLE = (
    Function("exp", torch.exp, "exp(x)"),
    Function("log", torch.log, "1/x"),
    Function("sqrt", torch.sqrt, "1/(2*sqrt(x))"),
    Function("sin", torch.sin, "cos(x)"),
    Function("cos", torch.cos, "-sin(x)"),
    Function("tan", torch.tan, "1 + tan(x)^2"),
    Function("asin", torch.asin, "1/sqrt(1 - x^2)"),
    Function("acos", torch.acos, "-1/sqrt(1 - x^2)"),
    Function("atan", torch.atan, "1/(1 + x^2)"),
    Function("sinh", torch.sinh, "cosh(x)"),
    Function("cosh", torch.cosh, "sinh(x)"),
    Function("tanh", torch.tanh, "1 - tanh(x)^2"),
    Function("asinh", torch.asinh, "1/sqrt(1 + x^2)"),
    Function("acosh", torch.acosh, "1/sqrt(x^2 - 1)"),
    Function("atanh", torch.atanh, "1/(1 - x^2)"),
    Function("abs", torch.abs, "sign(x)"),
    Function("sign", torch.sign, "0"),
    Function("sigmoid", torch.sigmoid, "sigmoid(x)*(1 - sigmoid(x))"),
    Function("gaussian", gaussian, "-2*x*gaussian(x)"),
)
FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _TABLE})

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
    }
)
CONSTANTS: Mapping[str, float] = MappingProxyType({"pi": math.pi, "e": math.e, "E": math.e})
