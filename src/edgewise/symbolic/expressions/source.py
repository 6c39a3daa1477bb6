"""A formula as a function of Python or C: how these languages write what formulas are made of."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms.functions import CONSTANTS, FUNCTIONS
from edgewise.forms.tree import Apply, Node, Notation, render


def source_of(
    tree: Node, columns: Mapping[str, str], notation: Notation, constants: Mapping[str, str] | None = None
) -> str:
    """A formula of columns that are written so; pi and e where no column has their name, as numbers by default."""
    known = constants or {name: literal(value) for name, value in CONSTANTS.items()}
    return render(tree, notation, lambda name: columns.get(name) or known[name])


def literal(value: float) -> str:
    """A number as Python and C read it back to the bit; negative ones in brackets."""
    return f"({value!r})" if math.copysign(1.0, value) < 0 else repr(value)


def as_float(value: float) -> float:
    """A constant of a formula as a finite float."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(
            subject="A formula to be written as source",
            expected="hold finite numbers only",
            got="a constant beyond the range of floating-point numbers",
            advice="scale its column",
        )
    return number


def calls_in(node: Node) -> set[str]:
    """Names of all functions and operators of a tree."""
    if not isinstance(node, Apply):
        return set()
    return {node.function}.union(*(calls_in(argument) for argument in node.arguments))


def _check_identifier(name: object, reserved: Collection[str]) -> None:
    """What a function can be called."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name) or name in reserved:
        raise InputError(
            argument="name",
            expected="be a plain identifier such as 'formula', no reserved word",
            got=short(name),
        )


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")


def python_source(tree: Node, names: Sequence[str], name: str) -> str:
    """A Python function of the columns, for floats and numpy arrays."""
    _check_identifier(name, _PYTHON_WORDS)
    taken = identifiers(names, _PYTHON_WORDS)
    where = "".join(f"\n    # {line}" for line in _renamed(names, taken))
    body = source_of(
        tree, dict(zip(names, taken, strict=True)), NUMPY, {name: f"np.{name.lower()}" for name in CONSTANTS}
    )
    return f"import numpy as np\n\n\ndef {name}({', '.join(taken)}):{where}\n    return {body}\n"


def c_source(tree: Node, names: Sequence[str], name: str) -> str:
    """A C99 function of the columns that needs the mathematics of the standard library only."""
    _check_identifier(name, _C_RESERVED)
    # A leading underscore is for the compiler's own names.
    taken = identifiers(
        [f"x{text}" if text.startswith("_") else text for text in names], _C_RESERVED | {name}
    )
    body = source_of(tree, dict(zip(names, taken, strict=True)), C)
    helpers = [text for function, text in C_HELPERS.items() if f"{C.functions[function]}(" in body]
    comments = [f"    /* {_harmless(line)} */" for line in _renamed(names, taken)]
    # A column that the formula does not use is named once, or compilers complain.
    unused = [f"    (void){identifier};" for identifier in taken if not re.search(rf"\b{identifier}\b", body)]
    head = f"double {name}({', '.join(f'double {identifier}' for identifier in taken) or 'void'})"
    function = "\n".join([head, "{", *comments, *unused, f"    return {body};", "}"])
    return "\n\n".join(["#include <math.h>", *helpers, function]) + "\n"


def identifiers(names: Sequence[str], reserved: Collection[str]) -> list[str]:
    """Distinct ASCII identifiers close to the columns' own names, none of them reserved."""
    found: list[str] = []
    for name in names:
        base = re.sub(r"\W", "_", name, flags=re.ASCII)
        base = base if re.match(r"[A-Za-z_]", base) else f"x_{base}"
        base = f"{base}_" if base in reserved else base
        unique, count = base, 2
        while unique in found:
            unique, count = f"{base}_{count}", count + 1
        found.append(unique)
    return found


def _renamed(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    return [f"{new}: {' '.join(old.split())}" for old, new in zip(names, taken, strict=True) if old != new]


def _harmless(text: str) -> str:
    """Text that cannot end a comment, in ASCII."""
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")


# What the languages have in common. Integers are written as floats: numpy refuses negative integer powers of integer
# arrays, C divides integers whole.
SOURCE = Notation(
    times=(" * ", " / "), inverse="1.0 / ", number=lambda value: literal(as_float(value)), bracketed=True
)
NUMPY = replace(
    SOURCE,
    functions={name: function.in_language("numpy", "np.{}") for name, function in FUNCTIONS.items()}
    | {"expm1": "np.expm1"},
    power="({} ** {})",
)

C_HELPERS = {
    "sign": "static double sign_of(double x)\n{\n    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x;\n}",
    "step": "static double step_of(double x)\n{\n    return x >= 0.0 ? 1.0 : x < 0.0 ? 0.0 : x;\n}",
    # What is no number stays none, unlike with fmax and fmin.
    "max": "static double max_of(double x, double y)\n{\n    return x >= y || x != x ? x : y;\n}",
    "min": "static double min_of(double x, double y)\n{\n    return x <= y || x != x ? x : y;\n}",
    "mod": (
        "static double mod_of(double x, double y)\n{\n    double rest = fmod(x, y);\n"
        "    return rest != 0.0 && (rest < 0.0) != (y < 0.0) ? rest + y : rest;\n}"
    ),
    "sigmoid": "static double sigmoid_of(double x)\n{\n    return 1.0 / (1.0 + exp(-x));\n}",
    "gaussian": "static double gaussian_of(double x)\n{\n    return exp(-x * x);\n}",
}
C = replace(
    SOURCE,
    functions={name: function.in_language("c") for name, function in FUNCTIONS.items()} | {"expm1": "expm1"},
    power="pow({}, {})",
)
# Keywords of C99 and C11, what the source calls, and macros of <math.h>, some of which are extensions.
_C_WORDS = """auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm
    pow main NAN INFINITY HUGE_VAL HUGE_VALF HUGE_VALL HUGE OVERFLOW UNDERFLOW DOMAIN SING PLOSS TLOSS X_TLOSS MAXFLOAT
    MATH_ERRNO MATH_ERREXCEPT math_errhandling FP_NAN FP_INFINITE FP_ZERO FP_SUBNORMAL FP_NORMAL FP_ILOGB0 FP_ILOGBNAN
    M_E M_LOG2E M_LOG10E M_LN2 M_LN10 M_PI M_PI_2 M_PI_4 M_1_PI M_2_PI M_2_SQRTPI M_SQRT2 M_SQRT1_2 fpclassify isfinite
    isinf isnan isnormal signbit isgreater isless isunordered unix linux i386 signgam bool true false"""
_C_RESERVED = frozenset({*_C_WORDS.split(), *C.functions.values()})
_PYTHON_WORDS = frozenset({*keyword.kwlist, "np"})
