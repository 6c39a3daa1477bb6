"""Formula strings: right ones, nearly right ones, and ones with code in them."""

from __future__ import annotations

import numpy as np

from .values import NAMES, pick

Random = np.random.Generator

CODE = (
    "__import__('os').system('touch hacked')",
    "eval('1')",
    "exec(open('x').read())",
    "(lambda: x)()",
    "x.__class__.__mro__[1].__subclasses__()",
    "[k for k in (1,2)]",
    "x if x else 1",
    "x := 1",
    "f'{x}'",
    "{{x}}",
    "${x}",
    "`x`; import os",
    "x; touch hacked",
    "$(touch hacked)",
    "1e999",
    "9**9**9**9",
    "x^x^x^x^x^x^x",
    "1/0",
    "0^-1",
    "log(-1)",
    "sqrt(-x)",
    "exp(exp(exp(exp(x))))",
    "x^1e308",
    "x^-1e308",
    "(-1)^0.5",
    "factorial(1000000)",
    "Integral(x)",
    "oo",
    "I",
    "zoo",
    "nan",
    "lambda",
    "None",
    "print(x)",
    "open('/etc/passwd')",
    "sin x",
    "sin()",
    "sin(x, x)",
    "x()",
    "x x",
    "2x",
    "x**",
    "**x",
    "x//2",
    "x%2",
    "x@x",
    "x<1",
    "x=1",
    "!x",
    "~x",
    "'x'",
    '"x"',
    "x\\n",
    "x\n+ 1",
    "\\x",
    "x#comment",
    "1_000",
    "0x10",
    "1e5e5",
    "1..2",
    ".",
    "1e",
    "½",
    "x²",
    "٣",
    "Ⅷ",
    "∞",
    "π*x",
    "−x",
    "х",
)
_TOKENS = (
    *(
        "x",
        "y",
        "µ",
        "z",
        "pi",
        "e",
        "1",
        "2.5",
        ".5",
        "1e3",
        "1e-320",
        "1e308",
        "9" * 50,
        "0",
        "sin(",
        "exp(",
        "sqrt(",
        "log(",
    ),
    *(
        "abs(",
        "sign(",
        "sigmoid(",
        "gaussian(",
        "tan(",
        "asin(",
        "nope(",
        "(",
        "(",
        ")",
        ")",
        ")",
        "+",
        "-",
        "*",
        "/",
        "^",
        "**",
    ),
    *(",", "`x`", "`a b`", "`", "  ", "\t", "\n", "\x00", "\ud800", "🦆", "$", "=", ";", "'"),
)
_FUNCTIONS = (
    "sin",
    "exp",
    "log",
    "sqrt",
    "abs",
    "tanh",
    "asin",
    "acosh",
    "sigmoid",
    "gaussian",
    "sign",
    "tan",
    "step",
    "floor",
)
_PAIRS = ("max", "min", "mod")


def formula_text(random: Random) -> str:
    """A string that someone might pass for a formula in x, y and µ."""
    way = int(random.integers(8))
    if way == 0:
        return pick(random, CODE)
    if way == 1:
        return "".join(pick(random, _TOKENS) for _ in range(int(random.integers(0, 25))))
    if way == 2:
        return pick(random, NAMES) + pick(random, ("", "+1", "*x", "(x)"))
    if way == 3:
        return _extreme(random)
    if way == 4:
        whole = grown(random, 4)
        place = int(random.integers(len(whole) + 1))
        return whole[:place] + pick(random, (*_TOKENS, *CODE[:12])) + whole[place + int(random.integers(3)) :]
    if way == 5:
        return f"{grown(random, 2)} + {pick(random, CODE)}"
    return grown(random, int(random.integers(1, 6)))


def grown(random: Random, depth: int) -> str:
    """A formula that is right."""
    if depth <= 0 or random.random() < 0.15:
        return pick(random, ("x", "y", "µ", "`µ`", "2", "0.5", "-3", "pi", "e", "1e-3", "0", "1e200"))
    way = int(random.integers(5))
    inner = grown(random, depth - 1)
    if way == 4:
        return f"{pick(random, _PAIRS)}({inner}, {grown(random, depth - 1)})"
    if way == 0:
        return f"{pick(random, _FUNCTIONS)}({inner})"
    if way == 1:
        return f"({inner})^{pick(random, ('2', '-1', '0.5', '(1/3)', '-2', 'x', '30', '0'))}"
    return f"({inner}{pick(random, '+-*/')}{grown(random, depth - 1)})"


def _extreme(random: Random) -> str:
    size = int(pick(random, (50, 79, 80, 81, 500, 5000, 30_000)))
    return pick(
        random,
        (
            "(" * size + "x" + ")" * size,
            "-" * size + "x",
            "+".join(["x"] * size),
            "*".join(["x"] * size),
            "/".join(["x"] * size),
            "^".join(["x"] * size),
            "sin(" * size + "x" + ")" * size,
            "1" * size,
            "0." + "0" * size + "1",
            "x" * size,
            " " * size,
            "(" * size,
            "`" + "x" * size + "`",
        ),
    )
