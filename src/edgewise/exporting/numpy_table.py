"""The parts of the NumPy source that read raw columns and turn logits into classes."""

from __future__ import annotations

from edgewise.data.table import MISSING
from edgewise.exporting.columns import LevelInput, NumberInput
from edgewise.exporting.program import Program
from edgewise.exporting.text import quoted

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
        days = cells.astype(cells.dtype.kind + "8[us]").astype(np.int64) / 86_400e6
        x = np.where(np.isnat(cells), np.nan, days)
    elif cells.dtype.kind in "biuf":
        x = cells.astype(np.float64)
    else:
        x = np.array([_number(cell, name, kind) for cell in cells.tolist()], dtype=np.float64)
    if np.isinf(x).any():
        raise ValueError(f"Column {name!r} must hold finite numbers. Got an infinite one instead.")
    return x


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
            return (np.datetime64(word) - np.datetime64(0, "D")) / np.timedelta64(1, "us") / 86_400e6
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
    numbers = [each for each in program.columns if isinstance(each, NumberInput)]
    words = [each for each in program.columns if isinstance(each, LevelInput)]
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
