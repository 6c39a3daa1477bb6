"""Proxies: other columns that carry a protected attribute, found by networks that have to guess it from them.

Each column alone, all columns together, and pairs that predict more together than apart. A column counts as a proxy if rows
that were not learned from are distinguished by more than `LEAST`, and by more than chance would give among all that is
tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, cast

import numpy as np
from scipy.special import expit
from scipy.stats import chi2, norm, rankdata

from edgewise._core.arrays import Floats, Ints
from edgewise._core.plain import plain
from edgewise._core.seeds import derive, numpy_generator
from edgewise._core.work import StopError, charge
from edgewise.auditing.groups import Grouping
from edgewise.data import Encoding, LevelColumn, NumberColumn, learn_encoding
from edgewise.data.encoding_raw import RawTable
from edgewise.network.module import KAN
from edgewise.training import fit_table
from edgewise.training.common.results import TableFit

# Levels of a column of words that get an input of their own; rarer ones share one.
MOST_LEVELS = 20
# Units of work of what is done about a network besides its training.
GUESS = 2e-3


@dataclass(frozen=True, eq=False)
class ProxyInput:
    """One column, encoded without a look at the attribute: levels ordered by it would make noise look like knowledge.

    Attributes
    ----------
    name : str
    inputs : array, shape (n, inputs)
        A number, with a flag where cells are missing; or a column of zeros and ones for each level.
    levels : tuple of str
        Empty for numbers.
    encoding : NumberColumn or LevelColumn
    codes : array of int, shape (n,)
        Level of each row; for numbers one of a few bins of about equal size.
    """

    name: str
    inputs: Floats
    levels: tuple[str, ...]
    encoding: Any
    codes: Ints


def proxy_inputs(table: RawTable, bins: int) -> tuple[ProxyInput, ...]:
    """All columns of a table that are not constant."""
    if not table.columns:
        return ()
    encoding: Encoding = learn_encoding(table, np.zeros(table.n_rows), most_levels=MOST_LEVELS)
    inputs, sources = encoding.apply(table), np.asarray(encoding.sources)
    made = list[ProxyInput]()
    for place, column in enumerate(encoding.columns):
        own = inputs[:, sources == place]
        if isinstance(column, LevelColumn):
            codes = own[:, 0].astype(np.int64)
            single = (codes[:, None] == np.arange(len(column.levels))).astype(np.float64)
            # Of two levels one is enough.
            made.append(
                ProxyInput(
                    column.name,
                    single[:, 1:] if len(column.levels) == 2 else single,
                    column.levels,
                    column,
                    codes,
                )
            )
        elif isinstance(column, NumberColumn):
            cuts = np.unique(np.quantile(own[:, 0], np.arange(1, bins) / bins))
            codes = np.searchsorted(cuts, own[:, 0], side="right")
            for mark in range(1, own.shape[1]):
                codes = np.where(own[:, mark] > 0, len(cuts) + mark, codes)
            made.append(ProxyInput(column.name, own, (), column, codes.astype(np.int64)))
    return tuple(made)


def guess(
    inputs: Floats,
    member: Floats,
    seed: int,
    *,
    work: float = 1.0,
    mode: str = "additive",
    members: str | int = "auto",
    hidden: int | None = None,
) -> TableFit:
    """A network for membership of a group, with out-of-fold logits of its rows."""
    charge(GUESS)
    fit = fit_table(
        inputs, member, loss="logistic", mode=mode, members=members, hidden=hidden, work=work, seed=seed
    )
    if not fit.stop_reason.repeatable:
        # What ended it from outside ends what asked for it as well.
        raise StopError(fit.stop_reason)
    return fit


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve of rows not learned from.

    Attributes
    ----------
    auc, low, high : float
        With a 95 % interval.
    p_value : float
        Chance of an area as large where nothing is known.
    """

    auc: float
    low: float
    high: float
    p_value: float


def area(member: Floats, logit: Floats) -> Area:
    """The area, DeLong's interval, and the p-value of a Mann-Whitney test.

    References
    ----------
    E. DeLong, D. DeLong and D. Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", 1988, doi:10.2307/2531595.
    """
    yes, no = logit[member > 0.5], logit[member <= 0.5]
    n, m = len(yes), len(no)
    if min(n, m) < 2:
        return Area(0.5, 0.0, 1.0, 1.0)
    ranks = rankdata(np.concatenate([yes, no]))
    above = (ranks[:n] - rankdata(yes)) / m
    below = 1 - (ranks[n:] - rankdata(no)) / n
    auc = float(above.mean())
    spread = math.sqrt(float(above.var(ddof=1)) / n + float(below.var(ddof=1)) / m)
    _, counts = np.unique(ranks, return_counts=True)
    total = n + m
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    null = math.sqrt(max((total + 1 - ties) / (12 * n * m), 1e-300))
    reach = 1.96 * spread
    return Area(auc, max(0.0, auc - reach), min(1.0, auc + reach), float(norm.sf((auc - 0.5) / null)))


# Area under the curve below which a column is no proxy, and the chance of any false alarm for an attribute.
LEAST, ALARM = 0.55, 0.001
# Between these chances a column is tried again, smoothness and all learned without the rows that judge it.
SURE, FOLDS = 1e-8, 4
# Rows that are enough, members of a group that are needed, bins of a number when pairs are screened.
ENOUGH, FEWEST, BINS = 6_000, 25, 6
# Pairs that networks look at, rows and work for each, and what they must add to the area.
MOST_PAIRS, PAIR_ROWS, PAIR_WORK, PAIR_GAIN, PAIR_MEMBERS = 3, 3_000, 0.1, 0.02, 100
CURVE, SURFACE = 41, 15


@dataclass(frozen=True)
class ProxyCurve:
    """A function of one column: the log-odds of a group, centred on the rows.

    Attributes
    ----------
    x : tuple of float, or of str for levels
    y : tuple of float
    """

    x: tuple[Any, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Proxy:
    """How well one column alone gives a group away.

    Attributes
    ----------
    column : str
    group : str
        The group that it separates best from the others.
    auc, low, high : float
        Area under the ROC curve on rows not learned from, with a 95 % interval; 0.5 is chance.
    p_value : float
        Of a Mann-Whitney test, times the number of columns and groups tried.
    found : bool
        Whether it counts as a proxy.
    shape : ProxyCurve or None
        Only of proxies.
    """

    column: str
    group: str
    auc: float
    low: float
    high: float
    p_value: float
    found: bool
    shape: ProxyCurve | None = None

    @property
    def strength(self) -> str:
        """In words."""
        if not self.found:
            return "none"
        return "weak" if self.auc < 0.65 else "moderate" if self.auc < 0.8 else "strong"


@dataclass(frozen=True)
class ProxyPair:
    """Two columns that predict more together than apart.

    Attributes
    ----------
    columns : (str, str)
    group : str
    auc : float
        Of a network that joins them, on rows not learned from.
    apart : float
        Of one that adds them.
    surface : tuple of tuple of float
        Log-odds of the group over a grid of the first column (rows) and the second.
    x, y : tuple
        The grid.
    """

    columns: tuple[str, str]
    group: str
    auc: float
    apart: float
    surface: tuple[tuple[float, ...], ...]
    x: tuple[Any, ...]
    y: tuple[Any, ...]


@dataclass(frozen=True)
class Proxies:
    """What carries an attribute.

    Attributes
    ----------
    attribute : str
    columns : tuple of Proxy
        All columns, strongest first.
    pairs : tuple of ProxyPair
    together : float
        Area under the curve that all columns reach together, for the group given away best.
    together_group : str
    rows : int
        Rows it was sought in.
    """

    attribute: str
    columns: tuple[Proxy, ...]
    pairs: tuple[ProxyPair, ...]
    together: float
    together_group: str
    rows: int

    @property
    def found(self) -> tuple[Proxy, ...]:
        """Those that count as proxies."""
        return tuple(proxy for proxy in self.columns if proxy.found)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        entries = cast("dict[str, Any]", plain(asdict(self)))
        for entry, proxy in zip(entries["columns"], self.columns, strict=True):
            entry["strength"] = proxy.strength
        return entries


def find_proxies(
    table: RawTable,
    grouping: Grouping,
    *,
    without: Sequence[str] = (),
    work: float = 1.0,
    seed: int = 0,
) -> Proxies:
    """Seek the columns that carry an attribute.

    Parameters
    ----------
    table : RawTable
        The columns to look at.
    grouping : Grouping
        The attribute's group of every row.
    without : sequence of str
        Columns to leave out: the attribute itself.
    work : float
        How many times the normal work each network may do.
    seed : int

    References
    ----------
    H. Mann and D. Whitney, "On a test of whether one of two random variables is stochastically larger than the other", 1947,
    doi:10.1214/aoms/1177730491. Y. Lou et al., "Accurate intelligible models with pairwise interactions", 2013,
    doi:10.1145/2487575.2487579, for the screening of pairs.
    """
    others = RawTable(
        tuple(column for column in table.columns if column.name not in without), table.n_rows, table.named
    )
    if table.n_rows > ENOUGH:
        rows = np.sort(numpy_generator(derive(seed, 41)).choice(table.n_rows, ENOUGH, replace=False))
        others, grouping = others.take(rows), grouping.take(rows)
    known = proxy_inputs(others, BINS)
    n = len(grouping.codes)
    members = _members(grouping)
    if not known or not members:
        return Proxies(grouping.name, (), (), 0.5, "", n)
    tried = len(known) * len(members)
    columns = sorted(
        (_column(column, members, tried, work, seed) for column in known), key=lambda proxy: -proxy.auc
    )
    joint = np.column_stack([column.inputs for column in known])
    together, best = 0.0, ""
    screened = list[tuple[float, ProxyInput, ProxyInput, str]]()
    for group, member in members.items():
        logits = _unseen(guess(joint, member, seed, work=work), n)
        own = area(member, logits).auc
        if own > together:
            together, best = own, group
        if min(member.sum(), n - member.sum()) >= PAIR_MEMBERS:
            screened += _screened(known, group, member, logits, len(members))
    screened.sort(key=lambda entry: entry[0])
    tested = [_joined(a, b, group, members[group], work, seed) for _, a, b, group in screened[:MOST_PAIRS]]
    linked = sorted(
        (pair for pair in tested if pair.auc >= max(LEAST, pair.apart + PAIR_GAIN)),
        key=lambda pair: -pair.auc,
    )
    return Proxies(grouping.name, tuple(columns), tuple(linked), together, best, n)


def _members(grouping: Grouping) -> dict[str, Floats]:
    """Membership of each group large enough; of two groups the second is enough."""
    counts = np.bincount(grouping.codes, minlength=len(grouping.groups))
    n = len(grouping.codes)
    there = [g for g in range(len(counts)) if counts[g] >= FEWEST and n - counts[g] >= FEWEST]
    if len(grouping.groups) == 2:
        there = there[-1:]
    return {grouping.groups[g]: (grouping.codes == g).astype(np.float64) for g in there}


def _unseen(fit: Any, n: int) -> Floats:
    """Out-of-fold logits of all rows, in their order."""
    out = np.zeros(n)
    out[fit.held.numpy()] = fit.out_of_bag.numpy()[:, 0]
    return out


def _column(column: ProxyInput, members: dict[str, Floats], tried: int, work: float, seed: int) -> Proxy:
    best: tuple[Area, str, Any] | None = None
    for group, member in members.items():
        fit = guess(column.inputs, member, seed, work=work)
        own = area(member, _unseen(fit, len(member)))
        if best is None or own.auc > best[0].auc:
            best = own, group, fit.network
    assert best is not None
    found, group, network = best
    if SURE < found.p_value * tried < ALARM:
        found = _again(column, members[group], found, work, seed)
    p_value = min(1.0, found.p_value * tried)
    carried = p_value < ALARM and found.auc >= LEAST
    shape = _shape(column, network) if carried else None
    return Proxy(column.name, group, found.auc, found.low, found.high, p_value, carried, shape)


def _again(column: ProxyInput, member: Floats, before: Area, work: float, seed: int) -> Area:
    """The area by networks that know nothing of the rows that judge them, if it is smaller than the one before.

    The quick one shares the smoothness of its functions between folds, which lets noise look like a faint signal.
    """
    n = len(member)
    fold = numpy_generator(derive(seed, 43)).permutation(n) % FOLDS
    share = np.zeros(n)
    for k in range(FOLDS):
        learns, judges = fold != k, fold == k
        if 0 < member[learns].sum() < learns.sum():
            logits = guess(column.inputs[learns], member[learns], seed, work=work).network.predict(
                column.inputs[judges]
            )[:, 0]
            # Ranks inside a fold: the constant of one fold's network is no knowledge.
            share[judges] = (rankdata(logits) - 0.5) / judges.sum()
    own = area(member, share)
    return own if own.p_value > before.p_value else before


def _shape(column: ProxyInput, network: KAN) -> ProxyCurve:
    x, inputs = _grid(column, CURVE)
    middle = float(network.predict(column.inputs).mean())
    return ProxyCurve(x, tuple((network.predict(inputs)[:, 0] - middle).tolist()))


def _grid(column: ProxyInput, points: int) -> tuple[tuple[Any, ...], Floats]:
    """Values of a column to show, and the inputs for them."""
    if isinstance(column.encoding, LevelColumn):
        count = len(column.levels)
        single = np.eye(count)
        return column.levels, single[:, 1:] if count == 2 else single
    values = column.inputs[:, 0]
    distinct = np.unique(values)
    if len(distinct) <= points:
        chosen = distinct
    else:
        low, high = np.quantile(values, [0.01, 0.99])
        chosen = np.linspace(low, high, points)
    inputs = np.column_stack([chosen, *(np.zeros_like(chosen) for _ in range(column.inputs.shape[1] - 1))])
    return tuple(column.encoding.decode(chosen).tolist()), inputs


def _screened(
    known: Sequence[ProxyInput], group: str, member: Floats, logits: Floats, groups: int
) -> list[tuple[float, ProxyInput, ProxyInput, str]]:
    """Pairs whose cells hold more or fewer members than an additive network expects, with the chance of that."""
    p = expit(logits)
    rest, spread = member - p, np.maximum(p * (1 - p), 1e-9)
    tried = max(1, len(known) * (len(known) - 1) // 2) * groups
    kept = list[tuple[float, ProxyInput, ProxyInput, str]]()
    for a, b in combinations(known, 2):
        cell = a.codes * (int(b.codes.max()) + 1) + b.codes
        sums, expected = np.bincount(cell, weights=rest), np.bincount(cell, weights=spread)
        good = expected >= 3.0
        if int(good.sum()) < 4:
            continue
        # A cell's sum, standardised, is nearly normal where it expects a few; the sum of squares nearly chi-square.
        chance = float(chi2.sf(float((sums[good] ** 2 / expected[good]).sum()), int(good.sum()))) * tried
        if chance < ALARM:
            kept.append((chance, a, b, group))
    return kept


def _joined(a: ProxyInput, b: ProxyInput, group: str, member: Floats, work: float, seed: int) -> ProxyPair:
    rows = np.arange(len(member))
    if len(rows) > PAIR_ROWS:
        rows = np.sort(numpy_generator(derive(seed, 42)).choice(len(rows), PAIR_ROWS, replace=False))
    inputs, own = np.column_stack([a.inputs[rows], b.inputs[rows]]), member[rows]
    apart = area(own, _unseen(guess(inputs, own, seed, work=work), len(own))).auc
    fit = guess(inputs, own, seed, work=PAIR_WORK * work, mode="deep", members=2, hidden=12)
    held = cast(Any, fit.held).numpy()
    auc = area(own[held], cast(Any, fit.out_of_bag).numpy()[:, 0]).auc
    (x, first), (y, second) = _grid(a, SURFACE), _grid(b, SURFACE)
    grid = np.column_stack([np.repeat(first, len(second), 0), np.tile(second, (len(first), 1))])
    surface = fit.network.predict(grid)[:, 0].reshape(len(first), len(second))
    return ProxyPair((a.name, b.name), group, auc, apart, tuple(map(tuple, surface.tolist())), x, y)
