"""A model as one Python file that needs nothing but NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewise.data.table import MISSING
from edgewise.exporting.text import called, head_lines, integers, numbers, quoted
from edgewise.programs.program import (
    EdgeBlock,
    Formulas,
    LevelInput,
    Network,
    NumberInput,
    Program,
    ProgramLayer,
    program_of,
)
from edgewise.splines.global_bases import GaussianRBF
from edgewise.symbolic.expressions.source import NUMPY, literal, source_of

# Numbers that the largest temporary of a chunk of rows may hold: what stays in a processor's cache is done sooner.
CHUNK = 1 << 18


def to_numpy_source(model: Any, *, units: Mapping[str, str] | None = None) -> str:
    """Source of a Python module that predicts as the model does and imports NumPy only.

    Parameters
    ----------
    model : KAN, Formula, or fitted KANRegressor or KANClassifier
    units : mapping of str to str, optional
        Units of inputs and outputs by name, stated in the comment that opens the source.

    Returns
    -------
    str
        A module with `predict(X)`, with INPUTS, OUTPUTS and RANGES, and `outside(X)` where training ranges are known. Equal
        models give equal text.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or holds numbers that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.network import KAN
    >>> source = to_numpy_source(KAN([2, 3, 1], seed=0))
    >>> module = {}
    >>> exec(source, module)
    >>> module["predict"](np.zeros((4, 2))).shape
    (4, 1)
    """
    program = program_of(model, units)
    does = (
        "predict(X) takes rows of the inputs, shape (n, inputs), and gives the outputs, shape (n, outputs)."
    )
    if program.columns:
        does = "predict(table) takes raw columns: a mapping, a data frame, or a matrix of them in order."
    head = "\n".join(f"# {line}".rstrip() for line in head_lines(program, does))
    body = program.body
    parts = _network_parts(body) if isinstance(body, Network) else _formula_parts(body, program)
    parts.append(_run(program))
    parts += (
        table_parts(program) if program.columns else [_PREDICT, *([_OUTSIDE] if _has_ranges(program) else [])]
    )
    return "\n\n\n".join([f"{head}\n\nimport numpy as np\n\n{_constants(program)}", *parts]) + "\n"


def _has_ranges(program: Program) -> bool:
    return all(variable.low is not None for variable in program.inputs)


def _constants(program: Program) -> str:
    """The names and ranges that a reader may want to use."""
    lines: list[str] = []
    if program.columns:
        lines.append(_tuple("COLUMNS", [quoted(column.name) for column in program.columns]))
    else:
        lines.append(_tuple("INPUTS", [quoted(variable.name) for variable in program.inputs]))
        if _has_ranges(program):
            lines.append(
                _tuple("RANGES", [f"({variable.low!r}, {variable.high!r})" for variable in program.inputs])
            )
    if program.classes is None:
        lines.append(_tuple("OUTPUTS", [quoted(name) for name in program.outputs]))
    else:
        lines.append(f"CLASSES = np.array([{', '.join(map(repr, program.classes))}])")
    return "\n".join(lines)


def _tuple(name: str, items: list[str]) -> str:
    return f"{name} = (\n" + "".join(f"    {item},\n" for item in items) + ")"


def _array(name: str, values: Any, shape: tuple[int, ...]) -> str:
    tail = "" if len(shape) == 1 else f".reshape({', '.join(map(str, shape))})"
    return f"{name} = np.array([\n{numbers(values)}\n]){tail}"


def _indices(name: str, values: tuple[int, ...]) -> str:
    return f"{name} = np.array([\n{integers(values)}\n])"


def _run(program: Program) -> str:
    """The model in chunks of rows."""
    body = program.body
    widest = 1
    if isinstance(body, Network):
        blocks = [len(b.sources) * layer.n_features for layer in body.layers for b in layer.blocks]
        widest = max([1, *blocks, *(layer.n_sums for layer in body.layers)])
    return _RUN.format(outputs=len(program.outputs), rows=max(16, CHUNK // widest))


_RUN = """\
def _run(x):
    y = np.empty((len(x), {outputs}))
    with np.errstate(all="ignore"):
        for start in range(0, len(x), {rows}):
            y[start:start + {rows}] = _model(x[start:start + {rows}])
    return y"""

_PREDICT = '''\
def predict(X):
    """Outputs, shape (n, outputs), of every row of X, shape (n, inputs). NaN stays NaN."""
    return _run(_rows(X))


def _rows(X):
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != len(INPUTS):
        raise ValueError(f"X must have shape (rows, {len(INPUTS)}). Got {X.shape} instead.")
    return X'''

_OUTSIDE = '''\
def outside(X):
    """Which entries of X lie outside the ranges the model was trained on."""
    low, high = np.array(RANGES).T
    slack = 1e-6 * (high - low)
    X = _rows(X)
    return (X < low - slack) | (X > high + slack)'''


def _formula_parts(body: Formulas, program: Program) -> list[str]:
    columns = {variable.name: f"x[:, {k}]" for k, variable in enumerate(program.inputs)}
    lines = [f"    y[:, {k}] = {source_of(tree, columns, NUMPY)}" for k, tree in enumerate(body.trees)]
    model = "\n".join(
        ["def _model(x):", f"    y = np.empty((len(x), {len(body.trees)}))", *lines, "    return y"]
    )
    return [*called(FORM_HELPERS, body.trees), model]


def _network_parts(body: Network) -> list[str]:
    forms = body.form_trees()
    parts = called(FORM_HELPERS, forms.values())
    callee: dict[str, str] = {}
    for k, (form, tree) in enumerate(forms.items()):
        callee[form] = f"_form_{k}"
        parts.append(f"def _form_{k}(x):\n    return {source_of(tree, {'x': 'x'}, NUMPY)}")
    used = {layer.basis for layer in body.layers if layer.blocks}
    parts += dict.fromkeys(text for name in sorted(used) for text in BASIS_SOURCE[name])
    parts += [FEATURES] if used else []
    tables = [
        _array("_INPUT_SHIFT", body.input_shift, body.input_shift.shape),
        _array("_INPUT_SCALE", body.input_scale, body.input_scale.shape),
    ]
    lines = ["def _model(x):", "    h = (x - _INPUT_SHIFT) / _INPUT_SCALE"]
    for at, layer in enumerate(body.layers, start=1):
        tables.append(_array(f"_BIAS_{at}", layer.bias, layer.bias.shape))
        lines += _layer_lines(layer, at, callee, tables)
    tables.append(_array("_OUTPUT_SHIFT", body.output_shift, body.output_shift.shape))
    tables.append(_array("_OUTPUT_SCALE", body.output_scale, body.output_scale.shape))
    lines.append("    return _OUTPUT_SHIFT + _OUTPUT_SCALE * h")
    return [*parts, "\n".join(tables), "\n".join(lines)]


def _layer_lines(layer: ProgramLayer, at: int, callee: dict[str, str], tables: list[str]) -> list[str]:
    lines = ["", f"    z = np.tile(_BIAS_{at}, (len(h), 1))"]
    for k, block in enumerate(layer.blocks, start=1):
        lines.append(_block_line(layer, block, f"{at}_{k}", tables))
    for edge in layer.forms:
        a, b, c, d = map(literal, edge.affine)
        value = f"{a} * {callee[edge.form]}({b} * h[:, {edge.source}] + {c}) + {d}"
        lines.append(f"    z[:, {edge.target}] += {value}")
    if not layer.products:
        return [*lines, "    h = z"]
    lines.append(f"    h = np.empty((len(z), {layer.n_nodes}))")
    lines.append(f"    h[:, :{layer.sums}] = z[:, :{layer.sums}]")
    for k, factors in enumerate(layer.factors, layer.sums):
        lines.append(f"    h[:, {k}] = {' * '.join(f'z[:, {j}]' for j in factors)}")
    return lines


def _block_line(layer: ProgramLayer, block: EdgeBlock, tag: str, tables: list[str]) -> str:
    """Adds a block's tables; the line that adds its edges to the sums."""
    n_sources, n_targets = len(block.sources), len(block.targets)
    tables.append(_array(f"_GRID_{tag}", block.grid, block.grid.shape))
    tables.append(_array(f"_COEF_{tag}", block.coef, (n_sources * layer.n_features, n_targets)))
    source, target = "h", "z"
    if block.sources != tuple(range(layer.n_inputs)):
        tables.append(_indices(f"_FROM_{tag}", block.sources))
        source = f"h[:, _FROM_{tag}]"
    if block.targets != tuple(range(layer.n_sums)):
        tables.append(_indices(f"_TO_{tag}", block.targets))
        target = f"z[:, _TO_{tag}]"
    detail = {"bspline": f", {layer.degree}, margin={layer.degree}", "rbf": ""}.get(
        layer.basis, f", {layer.size}"
    )
    base = ", base=True" if layer.has_base else ""
    features = f"_features({source}, _{layer.basis}, _GRID_{tag}{detail}{base})"
    return f"    {target} += {features} @ _COEF_{tag}"


_COLUMNS = '''\
def _reader(table):
    """Cells of a raw column: by name from a mapping or data frame, by place from a matrix."""
    for listing in ("column_names", "columns", "keys"):
        names = getattr(table, listing, None)
        if names is not None:
            return lambda name, at: _named(table, set(names() if callable(names) else names), name)
    matrix = _array(table)
    if matrix.ndim != 2 or matrix.shape[1] != len(COLUMNS):
        raise ValueError(f"The table must have {len(COLUMNS)} columns. Got shape {matrix.shape} instead.")
    return lambda name, at: matrix[:, at]


def _named(table, names, name):
    if name not in names:
        raise ValueError(f"The table must have the column {name!r}.")
    return _array(table[name])


def _array(cells):
    # A list that mixes words and numbers stays as it is: NumPy would make words of the numbers.
    return np.array(cells, dtype=object) if isinstance(cells, (list, tuple)) else np.asarray(cells)


def _is_missing(cell):
    kind = type(cell).__name__
    return cell is None or kind in ("NAType", "NaTType") or (isinstance(cell, (float, np.floating)) and cell != cell)'''

_NUMBERS = '''\
def _numbers(cells, name, kind):
    """A raw column as numbers; NaN where a cell is missing."""
    if cells.dtype.kind in "mM":
        x = _days(cells, name)
    elif cells.dtype.kind in "biuf":
        x = cells.astype(np.float64)
    else:
        x = np.array([_number(cell, name, kind) for cell in cells.tolist()], dtype=np.float64)
    if np.isinf(x).any():
        raise ValueError(f"Column {name!r} must hold finite numbers. Got an infinite one instead.")
    return x


def _days(moments, name):
    """Days since 1970, NaN where missing; NumPy would wrap dates beyond what microseconds count to."""
    whole = moments.astype(moments.dtype.kind + "8[us]")
    coarse = np.datetime_data(moments.dtype)[0] in ("Y", "M", "W", "D", "h", "m", "s", "ms")
    if coarse and np.any((whole.astype(moments.dtype) != moments) & ~np.isnat(moments)):
        raise ValueError(f"Column {name!r} must hold dates within 290,000 years of 1970.")
    return np.where(np.isnat(moments), np.nan, whole.astype(np.int64) / 86_400e6)


def _number(cell, name, kind):
    if _is_missing(cell):
        return np.nan
    word = str(cell).strip() if isinstance(cell, str) else cell
    if word in _MISSING_WORDS:
        return np.nan
    if kind == "bool" and isinstance(word, str) and word.lower() in _TRUTHS:
        return _TRUTHS[word.lower()]
    try:
        if kind == "date":
            return _days(np.datetime64(word), name)
        return float(word)
    except (ValueError, TypeError):
        raise ValueError(f"Column {name!r} must hold {kind}s. Got {cell!r} instead.") from None


def _value(x, transform, centre, scale, low, high, fill):
    """A number on the scale of the network's input, kept near its training range."""
    with np.errstate(all="ignore"):
        if transform == "identity":
            t = x
        else:
            t = np.clip(x / scale - centre / scale, -1e300, 1e300)
            t = np.arcsinh(t) if transform == "asinh" else t
        return np.where(np.isnan(x), fill, np.clip(t, low, high))'''

_LEVELS = '''\
def _codes(cells, levels, unseen, missing):
    """The code of every word; words that are not listed and missing cells have codes of their own."""
    code = {word: k for k, word in enumerate(levels)}
    code[""] = missing
    return np.array([code.get(_word(cell), unseen) for cell in cells.tolist()], dtype=np.float64)


def _word(cell):
    if _is_missing(cell):
        return ""
    if isinstance(cell, (int, float, np.integer, np.floating)) and not isinstance(cell, bool):
        number = float(cell)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(cell).strip()'''

_TRUTH_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "t": 1.0, "f": 0.0, "1": 1.0, "0": 0.0}

_ENCODED = '''\
def _encoded(table):
    """Inputs of the network, (n, inputs), from the raw columns."""
    column, inputs = _reader(table), []'''

_REGRESSOR = '''\
def predict(table):
    """Predictions{shape}, for the rows of a table.

    The table is a mapping or data frame with the columns COLUMNS, or a matrix of them in this order. Cells may be missing
    (None or NaN); words the model has not seen have no effect of their own.
    """
    return {value}'''

_CLASSIFIER = '''\
def decision_function(table):
    """{logits}

    The table is a mapping or data frame with the columns COLUMNS, or a matrix of them in this order. Cells may be missing
    (None or NaN); words the model has not seen have no effect of their own.
    """
    return _run(_encoded(table)){flat}


def predict_proba(table):
    """Probabilities of CLASSES, (n, {count}), for the rows of a table; see decision_function."""
    z = decision_function(table)
{probabilities}


def predict(table):
    """The most probable class of every row, (n,); see decision_function."""
{label}'''


def table_parts(program: Program) -> list[str]:
    """Functions that make up the face of an estimator, given `_run`, which evaluates the network."""
    numbers = [column for column in program.columns if isinstance(column, NumberInput)]
    words = [column for column in program.columns if isinstance(column, LevelInput)]
    parts = [_COLUMNS]
    if numbers:
        listed = ", ".join(map(repr, sorted(MISSING)))
        truths = ", ".join(f"{word!r}: {value!r}" for word, value in _TRUTH_WORDS.items())
        parts += [f"_MISSING_WORDS = ({listed})\n_TRUTHS = {{{truths}}}", _NUMBERS]
    parts += [_LEVELS] if words else []
    return [*parts, _encoded(program), _face(program)]


def _encoded(program: Program) -> str:
    lines: list[str] = []
    for place, column in enumerate(program.columns):
        name = quoted(column.name)
        if isinstance(column, NumberInput):
            lines.append(f"    x = _numbers(column({name}, {place}), {name}, {column.kind!r})")
            numbers = (column.centre, column.scale, column.low, column.high, column.fill)
            value = f"np.where(np.isin(x, {list(column.codes)!r}), np.nan, x)" if column.codes else "x"
            lines.append(
                f"    inputs.append(_value({value}, {column.transform!r}, {', '.join(map(repr, numbers))}))"
            )
            if column.flagged:
                lines.append("    inputs.append(np.isnan(x) * 1.0)")
            lines += [f"    inputs.append((x == {code!r}) * 1.0)" for code in column.codes]
        elif isinstance(column, LevelInput):
            levels = "".join(f"        {quoted(word)},\n" for word in column.levels)
            lines.append(f"    words = (\n{levels}    )")
            lines.append(
                f"    inputs.append(_codes(column({name}, {place}), words, {column.unseen}, {column.missing}))"
            )
    return "\n".join([_ENCODED, *lines, "    return np.stack(inputs, axis=1)"])


def _face(program: Program) -> str:
    if program.classes is None:
        shape, value = (
            (", shape (n,)", "[:, 0]") if program.flat else (f", shape (n, {len(program.outputs)})", "")
        )
        return _REGRESSOR.format(shape=shape, value=f"_run(_encoded(table)){value}")
    count = len(program.classes)
    if count > 2:
        return _CLASSIFIER.format(
            logits="Logits of CLASSES, shape (n, classes), for the rows of a table.",
            flat="",
            count=count,
            probabilities=(
                "    z = np.exp(z - z.max(axis=1, keepdims=True))\n    return z / z.sum(axis=1, keepdims=True)"
            ),
            label="    return CLASSES[decision_function(table).argmax(axis=1)]",
        )
    logits = "Log-odds of the last class, shape (n,), for the rows of a table."
    if count == 1:
        probabilities, label = (
            "    return np.ones((len(z), 1))",
            "    return CLASSES[np.zeros(len(decision_function(table)), int)]",
        )
    else:
        probabilities = (
            '    with np.errstate(over="ignore"):\n'
            "        return np.stack([1.0 / (1.0 + np.exp(z)), 1.0 / (1.0 + np.exp(-z))], axis=1)"
        )
        label = "    return CLASSES[(decision_function(table) > 0) * 1]"
    return _CLASSIFIER.format(
        logits=logits, flat="[:, 0]", count=count, probabilities=probabilities, label=label
    )


FORM_HELPERS = {
    "sigmoid": "def _sigmoid(x):\n    return 1.0 / (1.0 + np.exp(-x))",
    "gaussian": "def _gaussian(x):\n    return np.exp(-x * x)",
}

_UNIT = '''\
def _unit(t, grid):
    """Coordinate that runs from -1 to 1 over the domain, measured from the nearer end."""
    low, high = grid[:, 0], grid[:, -1]
    slope = 2.0 / (high - low)
    return np.where(t - low < high - t, (t - low) * slope - 1.0, 1.0 - (high - t) * slope)'''

_SERIES = '''\
def _series(first, second, twice, count):
    """f0, f1, ... with f(n + 1) = twice * f(n) - f(n - 1)."""
    terms = [first, second]
    for _ in range(count - 2):
        terms.append(twice * terms[-1] - terms[-2])
    return terms[:count]'''

_BSPLINE = '''\
def _bspline(t, knots, degree):
    """All B-splines, (n, S, M), at t, (n, S), inside the grid: Cox-de Boor recursion on the degree + 1 that live there."""
    size = knots.shape[1] - degree - 1
    piece = (t[:, :, None] >= knots[:, degree + 1:size]).sum(axis=2)
    row = np.arange(len(knots))
    live = 1.0 + 0.0 * t[None]  # NaN stays NaN
    for d in range(1, degree + 1):
        end = piece + degree + 1 + np.arange(d)[:, None, None]
        right, left = knots[row, end], knots[row, end - d]
        rising = live * ((t - left) / (right - left))
        none = np.zeros_like(t[None])
        live = np.concatenate([live - rising, none]) + np.concatenate([none, rising])
    values = np.zeros((*t.shape, size))
    np.put_along_axis(values, piece[:, :, None] + np.arange(degree + 1), np.moveaxis(live, 0, 2), axis=2)
    return values'''

_CHEBYSHEV = '''\
def _chebyshev(t, grid, size):
    """Chebyshev polynomials, (n, S, M)."""
    u = _unit(t, grid)
    return np.stack(_series(u * 0.0 + 1.0, u, 2.0 * u, size), axis=2)'''

_RATIONAL = '''\
def _rational(t, grid, size):
    """Rational Chebyshev functions, (n, S, M)."""
    u = _unit(t, grid)
    v = u / np.sqrt(1.0 + u * u)
    return np.stack(_series(v * 0.0 + 1.0, v, 2.0 * v, size), axis=2)'''

_FOURIER = '''\
def _fourier(t, grid, size):
    """1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2 over the domain, (n, S, M)."""
    number = np.arange(size)
    a = _unit(t, grid)[:, :, None] * (np.pi / 2)
    return np.sin((number + 1) // 2 * a + np.where(number % 2, 0.0, np.pi / 2))'''

_RBF = '''\
def _rbf(t, grid):
    """1, u and a Gaussian around every centre, (n, S, M)."""
    gaps = np.diff(grid, axis=1)
    left, right = np.hstack([gaps[:, :1], gaps]), np.hstack([gaps, gaps[:, -1:]])
    u = (t[:, :, None] - grid) / ({share} * (left + right))
    line = _unit(t, grid)[:, :, None]
    return np.concatenate([line * 0.0 + 1.0, line, np.exp(-u * u)], axis=2)'''

FEATURES = '''\
def _features(x, basis, grid, *detail, margin=0, base=False):
    """Functions of the basis inside the grid, then the straight tails beyond it, (n, S * F), for x of shape (n, S)."""
    low, high = grid[:, margin], grid[:, -1 - margin]
    parts = [basis(np.clip(x, low, high), grid, *detail)]
    parts += [np.minimum(x - low, 0.0)[:, :, None], np.maximum(x - high, 0.0)[:, :, None]]
    if base:
        parts.append((x / (1.0 + np.exp(-x)))[:, :, None])
    return np.concatenate(parts, axis=2).reshape(len(x), -1)'''

BASIS_SOURCE = {
    "bspline": (_BSPLINE,),
    "chebyshev": (_UNIT, _SERIES, _CHEBYSHEV),
    "rational": (_UNIT, _SERIES, _RATIONAL),
    "fourier": (_UNIT, _FOURIER),
    "rbf": (_UNIT, _RBF.replace("{share}", repr(GaussianRBF.width / 2))),
}
