"""The parts of the C source that read raw columns and turn logits into probabilities."""

from __future__ import annotations

from edgewise._core.errors import InputError
from edgewise.exporting.columns import LevelInput, NumberInput
from edgewise.exporting.program import Program
from edgewise.exporting.text import quoted
from edgewise.symbolic.expressions.source import literal

# What a compiler of C99 must take, less a reserve.
_LONGEST = 4000
_TRANSFORMS = {"identity": 0, "linear": 1, "asinh": 2}

_NUMBER = """\
/* A number on the scale of the network's input, kept near its training range. */
static double number_input(double x, int transform, double centre, double scale, double low, double high, double fill)
{
    double t = x;
    if (x != x)
        return fill;
    if (transform > 0) {
        t = x / scale - centre / scale;
        t = t < -1e300 ? -1e300 : t > 1e300 ? 1e300 : t;
    }
    if (transform > 1)
        t = asinh(t);
    return t < low ? low : t > high ? high : t;
}"""

_LEVEL = """\
/* The number of a word; words that are not listed and missing ones have numbers of their own. */
static double level_input(double x, int count, int unseen, int missing)
{
    if (x != x)
        return missing;
    return x >= 0.0 && x < count && x == floor(x) ? x : unseen;
}"""


def encoding_parts(program: Program) -> list[str]:
    """`encode`, from a row of raw columns to the inputs of the network."""
    kinds = {type(each) for each in program.columns}
    parts = [text for kind, text in ((NumberInput, _NUMBER), (LevelInput, _LEVEL)) if kind in kinds]
    lines = ["static void encode(const double *x, double *h)", "{"]
    at = 0
    for k, column in enumerate(program.columns):
        if isinstance(column, NumberInput):
            numbers = (column.centre, column.scale, column.low, column.high, column.fill)
            values = ", ".join(map(literal, numbers))
            x = f"x[{k}]"
            if column.codes:
                x = f"{' || '.join(f'{x} == {literal(code)}' for code in column.codes)} ? NAN : {x}"
            lines.append(f"    h[{at}] = number_input({x}, {_TRANSFORMS[column.transform]}, {values});")
            if column.flagged:
                lines.append(f"    h[{at + 1}] = x[{k}] != x[{k}];")
            first = at + 1 + column.flagged
            lines += [f"    h[{first + j}] = x[{k}] == {literal(c)};" for j, c in enumerate(column.codes)]
        elif isinstance(column, LevelInput):
            numbers = f"{len(column.levels)}, {column.unseen}, {column.missing}"
            lines.append(f"    h[{at}] = level_input(x[{k}], {numbers});")
        at += column.width
    return [*parts, "\n".join([*lines, "}"])]


def link_lines(program: Program) -> list[str]:
    """Statements that turn the logits z into probabilities y."""
    count = len(program.classes or ())
    if count == 1:
        return ["    (void)z;", "    y[0] = 1.0;"]
    if count == 2:
        return ["    y[0] = 1.0 / (1.0 + exp(z[0]));", "    y[1] = 1.0 / (1.0 + exp(-z[0]));"]
    return [
        "    double most = z[0], total = 0.0;",
        "    int k;",
        f"    for (k = 1; k < {count}; k++)",
        "        most = z[k] > most ? z[k] : most;",
        f"    for (k = 0; k < {count}; k++)",
        "        total += y[k] = exp(z[k] - most);",
        f"    for (k = 0; k < {count}; k++)",
        "        y[k] /= total;",
    ]


def level_function(program: Program, name: str) -> str:
    """`name_level`, the number of a word."""
    lines = [f"double {name}_level(int column, const char *word)", "{"]
    words = {k: each for k, each in enumerate(program.columns) if isinstance(each, LevelInput)}
    for k, column in words.items():
        listed = "".join(f"        {c_string(word)},\n" for word in column.levels)
        lines.append(f"    static const char *const words_{k}[] = {{\n{listed}    }};")
    lines += [
        "    const char *const *words;",
        "    int count, k;",
        "    if (!word[0])",
        "        return NAN;",
    ]
    lines.append("    switch (column) {")
    for k, column in words.items():
        lines.append(f"    case {k}: words = words_{k}; count = {len(column.levels)}; break;")
    lines += ["    default: return -1.0;", "    }", "    for (k = 0; k < count; k++)"]
    lines += ["        if (!strcmp(word, words[k]))", "            return k;", "    return -1.0;", "}"]
    return "\n".join(lines)


def c_string(text: str) -> str:
    """A text as a C string in UTF-8: everything but plain characters as octal numbers."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _LONGEST:
        raise InputError(
            subject="A word of a column",
            expected=f"have at most {_LONGEST:,} bytes to be written as C",
            got=f"{quoted(text[:40])}... of {len(data):,}",
            advice="shorten it before the fit",
        )
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in data)
    return f'"{"".join(plain)}"'
