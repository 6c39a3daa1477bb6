"""Models of every kind that people deploy, made at random, and rows of every kind that they may be given."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import edgewise as ew
from edgewise.auditing import neutralize_columns

Floats = NDArray[np.float64]
# What a column may hold where rows are narrowed: two ends of a range, or words.
Narrowed = Mapping[str, Any]

_SHAPES = ((2, 1), (3, 1), (4, 2), (3, 4, 1), (2, 3, 2), (3, 3, 2, 1))


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, rows like those it has learned from, and how its answers are read.

    Attributes
    ----------
    kind : str
    model : Any
    table : DataFrame
        Rows to draw from, raw values by column.
    numbers, words, two_valued, whole : tuple of str
        Columns of numbers and of words; those of the numbers that hold two values only, or whole numbers.
    borders : dict of str to array
        Numbers at which something changes inside the model: the breaks of its grids, in raw units.
    plain : bool
        Whether it is a network without an encoding, which is asked about the range of its grids only.
    """

    kind: str
    model: Any
    table: pd.DataFrame
    numbers: tuple[str, ...]
    words: tuple[str, ...] = ()
    two_valued: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    borders: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    plain: bool = False

    @property
    def classes(self) -> list[Any]:
        return np.asarray(getattr(self.model, "classes_", [])).tolist()

    def outputs(self, rows: pd.DataFrame) -> Floats:
        """What the model returns, (n, outputs): units of the target, log-odds or logits."""
        if self.plain:
            return self.model.predict(rows.to_numpy(dtype=np.float64))
        answer = self.model.decision_function(rows) if self.classes else self.model.predict(rows)
        return np.asarray(answer, dtype=np.float64).reshape(len(rows), -1)

    def decisions(self, rows: pd.DataFrame) -> NDArray[Any]:
        return np.asarray(self.model.predict(rows))

    def probabilities(self, rows: pd.DataFrame) -> Floats:
        return np.asarray(self.model.predict_proba(rows))

    def draw(self, rng: np.random.Generator, n: int, narrowed: Narrowed | None = None) -> pd.DataFrame:
        """Rows with ordinary, extreme, bordering and missing cells, inside what is asked about."""
        inside = dict(narrowed or {})
        return pd.DataFrame(
            {name: self.column(rng, n, name, inside.get(name)) for name in self.table.columns}
        )

    def column(self, rng: np.random.Generator, n: int, name: str, allowed: Any = None) -> NDArray[Any]:
        """Cells of one column."""
        known = self.table[name].dropna().to_numpy()
        if name in self.words:
            return rng.choice(np.asarray(sorted(set(known)) if allowed is None else allowed, dtype=object), n)
        if name in self.two_valued:
            return rng.choice(np.unique(known) if allowed is None else np.asarray(allowed), n)
        low, high = self.range_of(name) if allowed is None else allowed
        width = high - low
        values = np.concatenate(
            [
                rng.choice(known, n),
                rng.uniform(low, high, n),
                low + width * rng.beta(0.2, 0.2, n),
                self._near(rng, n, name),
            ]
        )
        if allowed is None and not self.plain:
            values = np.concatenate(
                [values, low + width * rng.uniform(-0.6, 1.6, n), low + width * rng.normal(0, 1e3, n)]
            )
        else:
            values = np.clip(values, low, high)
        cells = rng.permutation(values)[:n]
        if allowed is None and not self.plain and rng.random() < 0.5:
            cells = np.where(rng.random(n) < 0.05, np.nan, cells)
        return cells

    def range_of(self, name: str) -> tuple[float, float]:
        if self.plain:
            low, high = grid_range(self.model)[self.table.columns.get_loc(name)]
            # One number further in: the ends as float64 has them may lie outside the grids by rounding.
            return float(np.nextafter(low, np.inf)), float(np.nextafter(high, -np.inf))
        known = self.table[name].dropna()
        return float(known.min()), float(known.max())

    def _near(self, rng: np.random.Generator, n: int, name: str) -> Floats:
        """A border, or a number a few units in the last place beside it."""
        at = self.borders.get(name)
        if at is None or not len(at):
            return rng.choice(self.table[name].dropna().to_numpy(dtype=np.float64), n)
        picked = rng.choice(at, n)
        return picked + rng.integers(-3, 4, n) * np.spacing(picked)


def grid_range(net: ew.KAN) -> Floats:
    """The range that the grids cover, in the inputs' own units, as float64 has it, (inputs, 2)."""
    low_high = net.layers[0].domain.double().numpy()
    shift, scale = net.input_shift.double().numpy(), net.input_scale.double().numpy()
    return low_high * scale[:, None] + shift[:, None]


def breaks_of(net: ew.KAN) -> list[Floats]:
    """Breaks of the first grids in the units of the inputs."""
    grid, shift, scale = (
        t.detach().double().numpy() for t in (net.layers[0].grid, net.input_shift, net.input_scale)
    )
    return [grid[i] * scale[i] + shift[i] for i in range(len(grid))]


# ---- plain networks


def network(rng: np.random.Generator, kind: str) -> Subject:
    """A random network: uneven grids, dead edges, and what the kind says."""
    shape: list[Any] = list(_SHAPES[int(rng.integers(len(_SHAPES)))])
    if kind == "products":
        shape = [shape[0], (2, 1), 1] if rng.random() < 0.5 else [shape[0], (1, 2), 1]
    base = "silu" if kind == "silu" else None
    degree, intervals = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    net = ew.KAN(shape, degree=degree, intervals=intervals, base=base, seed=0, dtype=torch.float64)
    size = float(rng.choice([0.2, 0.6, 3.0]))
    inputs, outputs = net.shape[0], net.shape[-1]
    with torch.no_grad():
        for layer in net.layers:
            steps = rng.uniform(0.2, 1.0, layer.grid.shape).cumsum(1)
            grid = 2.4 * (steps - steps[:, :1]) / (steps[:, -1:] - steps[:, :1]) - 1.2
            layer.grid.copy_(torch.from_numpy(grid))
            layer.coef.copy_(torch.from_numpy(rng.normal(0, size, layer.coef.shape)))
            layer.bias.copy_(torch.from_numpy(rng.normal(0, 0.3, layer.bias.shape)))
            layer.set_mask(torch.from_numpy(rng.random(layer.mask.shape) < 0.9))
        offset = rng.choice([-1, 1]) * 10 ** rng.uniform(4, 13) if kind == "offset" else rng.normal()
        width, height = 10 ** rng.uniform(-9, 9, 2) if kind == "scaled" else rng.uniform(0.5, 2.0, 2)
        if kind == "tiny":
            width, height = 10 ** rng.uniform(-9, -5), 10 ** float(rng.choice([-60, -30, 12]))
        net.input_shift.copy_(torch.from_numpy(offset + width * rng.normal(0, 0.3, inputs)))
        net.input_scale.copy_(torch.from_numpy(width * rng.uniform(0.5, 2.0, inputs)))
        net.output_shift.copy_(torch.from_numpy(height * rng.normal(0, 1, outputs)))
        net.output_scale.copy_(torch.from_numpy(height * rng.uniform(0.5, 2.0, outputs)))
    net = net.float() if kind == "float32" else net
    return of_network(kind, net, rng)


def of_network(kind: str, net: ew.KAN, rng: np.random.Generator) -> Subject:
    names = tuple(net.input_names)
    ends = grid_range(net)
    table = pd.DataFrame({name: rng.uniform(*ends[i], 200) for i, name in enumerate(names)})
    return Subject(kind, net, table, names, borders=dict(zip(names, breaks_of(net), strict=True)), plain=True)


# ---- models of tables


def table(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Numbers of several sizes, a long tail, whole numbers, two values, words, missing cells."""
    offset = float(rng.choice([0, 0, 1e3, -1e6, 1e9]))
    X = pd.DataFrame(
        {
            "level": offset + rng.normal(0, 1, n),
            "amount": rng.lognormal(8, float(rng.choice([0.5, 2])), n).round(2),
            "count": rng.poisson(3, n).astype(float),
            "flag": rng.integers(0, 2, n).astype(float),
            "group": rng.choice(["a", "b", "c"], n),
            "sex": rng.choice(["female", "male"], n),
        }
    )
    X.loc[rng.random(n) < 0.1, "level"] = np.nan
    return X


def law(X: pd.DataFrame, rng: np.random.Generator) -> Floats:
    """What y follows: curves, a step, an interaction, noise."""
    z = X["level"].fillna(X["level"].mean()).to_numpy(dtype=float)
    z = (z - z.mean()) / z.std()
    u = np.log(X["amount"].to_numpy(dtype=float))
    u = (u - u.mean()) / u.std()
    a, b, c, d = rng.normal(0, 1, 4)
    y = a * np.sin(2 * z) + b * u + c * (X["group"] == "a") * z + d * X["flag"] + 0.2 * X["count"]
    return np.asarray(y + 0.3 * rng.normal(size=len(X)), dtype=np.float64)


def estimator(rng: np.random.Generator, kind: str) -> Subject:
    """A fitted table model; `kind` says what is done with it afterwards."""
    n = 300
    X = table(rng, n)
    y = law(X, rng)
    how: dict[str, Any] = [
        {"mode": "additive", "members": 1},
        {"mode": "deep", "members": 1, "hidden": 3},
        {"mode": "pairwise", "members": 2},
    ][int(rng.integers(3))]
    how |= {"work": "quick", "random_state": int(rng.integers(100))}
    if kind == "regressor":
        model: Any = ew.KANRegressor(**how).fit(X, 10 ** rng.uniform(-3, 6) * y)
    else:
        several = kind == "classes"
        cut = np.quantile(y, [0.4, 0.75] if several else [0.6])
        words = np.array(["low", "middle", "high"] if several else ["no", "yes"])
        labels = words[np.searchsorted(cut, y)]
        model = ew.KANClassifier(**how).fit(X, labels)
        model = _TREATED[kind](model, X, labels, rng)
    words = ("group", "sex")
    subject = Subject(
        kind, model, X, ("level", "amount", "count", "flag"), words, ("flag",), ("count", "flag")
    )
    return replace(subject, borders=_borders(subject))


def _borders(subject: Subject) -> dict[str, Floats]:
    """Cells that training saw, and the ends of their range by half of it: where an encoding stops to follow numbers."""
    found: dict[str, Floats] = {}
    for name in subject.numbers:
        known = subject.table[name].dropna().to_numpy(dtype=np.float64)
        low, high = known.min(), known.max()
        found[name] = np.array([low, high, low - 0.5 * (high - low), high + 0.5 * (high - low), *known[:20]])
    return found


def _calibrated(method: str) -> Callable[..., Any]:
    def calibrated(model: Any, X: pd.DataFrame, y: NDArray[Any], rng: np.random.Generator) -> Any:
        fresh = table(rng, 200).assign(level=rng.permutation(X["level"])[:200])
        # Labels that disagree with the model move its decisions, which is what a careless proof would miss.
        other = np.where(rng.random(200) < 0.7, model.classes_[0], model.classes_[1])
        return ew.calibrate(model, pd.concat([X, fresh]), np.concatenate([y, other]), method=method)

    return calibrated


def _edited(model: Any, X: pd.DataFrame, y: NDArray[Any], rng: np.random.Generator) -> Any:
    name, edit = [("amount", "increasing"), ("level", "decreasing"), ("count", "smooth")][
        int(rng.integers(3))
    ]
    return ew.edit_shape(model, name, edit, X, y).model


def _flattened(model: Any, X: pd.DataFrame, y: NDArray[Any], rng: np.random.Generator) -> Any:
    return neutralize_columns(model, ["sex"], X).model


def _as_is(model: Any, *rest: Any) -> Any:
    return model


_TREATED: dict[str, Callable[..., Any]] = {
    "classifier": _as_is,
    "classes": _as_is,
    "isotonic": _calibrated("isotonic"),
    "sigmoid": _calibrated("sigmoid"),
    "temperature": _calibrated("temperature"),
    "edited": _edited,
    "flattened": _flattened,
}

PLAIN = ("plain", "offset", "scaled", "tiny", "float32", "silu", "products")
TABLES = ("regressor", *_TREATED)


def make(kind: str, seed: int) -> Subject:
    """The model of a kind and a seed."""
    rng = np.random.default_rng([PLAIN.index(kind) if kind in PLAIN else 100 + TABLES.index(kind), seed])
    return network(rng, kind) if kind in PLAIN else estimator(rng, kind)


def near_copy(subject: Subject, rng: np.random.Generator) -> ew.KAN:
    """A copy of a plain network whose first coefficients are moved a little."""
    near = copy.deepcopy(subject.model)
    with torch.no_grad():
        coef = near.layers[0].coef
        coef.add_(10 ** rng.uniform(-6, -2) * torch.from_numpy(rng.uniform(-1, 1, coef.shape)).to(coef.dtype))
    return near
