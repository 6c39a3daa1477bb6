"""explain: one call for the whole model, one row, or several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewise._core.checks import among, short
from edgewise._core.errors import InputError
from edgewise._core.threads import one_thread
from edgewise.data.one_row import is_one_row
from edgewise.data.streaming.spool import is_dataset
from edgewise.explaining.explainer import Explainer
from edgewise.explaining.local import LocalExplanation
from edgewise.explaining.overview import GlobalExplanation


def explain(
    model: Any,
    X: Any = None,
    *,
    row: Any = None,
    y: Any = None,
    output: Any = None,
    method: str = "auto",
    background: int | None = None,
    neighbours: int = 3,
    units: Mapping[str, str] | None = None,
    seed: int = 0,
) -> GlobalExplanation | LocalExplanation | tuple[LocalExplanation, ...]:
    """Explain a model, or its answer for a row.

    Of an additive network everything is exact: each column's shape function is a part of the network, and a contribution is
    the difference of two of its values. Of deeper networks the functions of single columns are exact; what columns do
    together is shown by accumulated local effects and strengths of pairs, and shared among them in local explanations by
    exact Shapley values, or along the paths of the network where those would take too long. Contributions sum to the
    output minus the baseline in every case; the output is in units of y, or the log-odds of a class.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    X : table, optional
        Rows to compare with, best those the model was fitted on. Of a dataset (a path, a pattern, ...; see
        `KANRegressor.fit`) a hundred thousand rows that are drawn at random.
    row : int, range, mapping of cells, or table, optional
        A row to explain: its number in X, or its cells. Several give several explanations; none the whole model. Without X
        it is explained against rows drawn evenly over what the model knows.
    y : array of shape (n,), optional
        What the target of the rows of X truly is; of a dataset the name of its column.
    output : class or name, optional
        Which output to explain: of two classes by default the second, of more the one that is decided for.
    method : "auto", "shapley" or "path"
    background : int, optional
        How many rows make the baseline.
    neighbours : int
        How many rows alike to name, of the same and of other classes each.
    units : mapping of str to str, optional
        Units of columns, written after their values.
    seed : int
        Of bootstraps and of rows that are drawn.

    Returns
    -------
    GlobalExplanation, or with `row` a LocalExplanation or a tuple of them
        Each prints as text; `to_dict` gives plain data.

    Raises
    ------
    InputError
        If the model is not fitted, or X, row or output do not fit it.

    References
    ----------
    D. W. Apley and J. Zhu, 2020, doi:10.1111/rssb.12377, for shapes; L. S. Shapley, 1953, doi:10.1515/9781400881970-018;
    R. J. Aumann and L. S. Shapley, "Values of Non-Atomic Games", 1974, and A. Shrikumar et al., 2017, arXiv:1704.02685, for
    paths.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANRegressor, explain
    >>> X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    >>> model = KANRegressor(mode="additive").fit(X, X[:, 0] + X[:, 1] ** 2)
    >>> explain(model, X).importances[0].column
    'x1'
    >>> answer = explain(model, X, row=0)
    >>> total = sum(one.effect for one in answer.contributions)
    >>> abs(total - (answer.value - answer.base)) < 1e-9
    True
    """
    if X is not None and is_dataset(X):
        X, row, y = _of_dataset(model, X, row, y, seed)
    if row is None and X is not None and is_one_row(X):
        raise InputError(
            argument="X", expected="be rows to compare with", got="one row", advice="pass it as row="
        )
    with one_thread():
        explainer = Explainer(model, X, y, units=units, method=method, background=background, seed=seed)
        if row is None:
            return explainer.overall(output)
        found = explainer.rows(row, output, neighbours=neighbours)
    return found[0] if len(found) == 1 and not isinstance(row, range) else found


def _of_dataset(model: Any, data: Any, row: Any, y: Any, seed: int) -> tuple[Any, Any, Any]:
    """Rows of a dataset to compare with, the row asked for, and the targets."""
    from edgewise.data.streaming.draw import drawn

    if isinstance(row, range):
        raise InputError(
            argument="row",
            expected="be one row of a dataset, or cells",
            got=short(row),
            advice="ask for one after the other",
        )
    numbered = isinstance(row, int) and not isinstance(row, bool)
    found = drawn(data, seed=seed, number=row if numbered else None)
    table = found.table
    if y is not None and (not isinstance(y, str) or y not in table.column_names):
        raise InputError(
            argument="y", expected=f"name a column of the dataset ({among(table.column_names)})", got=short(y)
        )
    names = [name for name in getattr(model, "feature_names_in_", ()) if name in table.column_names]
    names = names or [name for name in table.column_names if name != y]
    actual = None if y is None else table[y].to_numpy(zero_copy_only=False)
    return table.select(names), found.row.select(names) if numbered else row, actual
