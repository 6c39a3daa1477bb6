"""Save and load whole models, networks and estimators alike, as one .kan file that holds numbers and JSON only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from edgewise._core.checks import check_bool, short
from edgewise._core.errors import InputError
from edgewise._core.rooms import room
from edgewise.estimators.written import KINDS, damaged
from edgewise.network import KAN
from edgewise.network.container import PathLike, kind_of, read_any_of, write_container
from edgewise.network.files import KIND, promised_tensors, restored
from edgewise.network.files import save as save_network
from edgewise.network.fitted import HoldsNetwork

_CALIBRATED = "CalibratedKAN"
_FORMULAS = ("FormulaRegressor", "Formula", "GroupedFormula", "BranchedFormula")
# What saves and loads models of a kind in a way of its own, by module or, behind a colon, its class; a room may be absent.
_FILES = {
    "KANForecaster": "edgewise.estimators.forecasting.files",
    "KANQuantile": "edgewise.estimators.quantile_files",
    "KANSurvival": "edgewise.estimators.survival.files",
    **dict.fromkeys(_FORMULAS, "edgewise.estimators.formula_files"),
    "ImageClassifier": "edgewise.vision.files",
    "Solution": "edgewise.pde:Solution",
    "Dynamics": "edgewise.estimators.dynamics_files",
}
_PARTS = ("KAN", "KANRegressor", "KANClassifier", *_FORMULAS)
_SAVED = (
    "a KAN", "a KANRegressor", "a KANClassifier", "a KANForecaster", "a KANQuantile", "a KANSurvival",
    "a FormulaRegressor",
    "an ImageClassifier", "a CalibratedKAN", "a Solution", "a formula", "what find_dynamics found",
)  # fmt: skip
_KINDS: tuple[str, ...] = (KIND, *KINDS, _CALIBRATED)


def save(model: Any, path: PathLike, *, overwrite: bool = True) -> None:
    """Write a network, a fitted estimator, a formula or a system of equations to one file.

    The file is a safetensors file whose metadata hold names, structure and how columns are encoded as JSON. It is
    written beside its place first and moved there when complete, so that an interruption leaves the old file or the new
    one, never half of one.

    Parameters
    ----------
    model : KAN, CalibratedKAN, Solution, Dynamics, Formula, GroupedFormula, BranchedFormula, or a fitted estimator
        Any estimator of edgewise. Of one the file holds the network, the encoding, the classes and the parameters; not the
        callbacks, and not the rows that `partial_fit` keeps. A calibrated model is written with its maps, in a format that
        versions which do not know them refuse to read. Of formulas it holds the front with all digits, standard errors and
        the constants of each group; not the network they were read from, their `trust` and alternatives, or forms of one's
        own.
    path : str or path
        Where to write, by custom with the suffix .kan.
    overwrite : bool
        False refuses a path that exists.

    Raises
    ------
    InputError
        If `model` is none of these, is not fitted, or has classes that JSON cannot hold.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import edgewise as ew
    >>> net = ew.KAN([2, 3, 1], input_names=["mass", "length"], seed=0)
    >>> ew.save(net, "pendulum.kan")
    >>> ew.load("pendulum.kan").input_names
    ('mass', 'length')
    """
    kind = type(model).__name__
    if kind == _CALIBRATED and type(model).__module__.startswith("edgewise."):
        check_bool(overwrite, "overwrite")
        write_container(path, *model.file_contents(), overwrite=overwrite)
        return
    if type(model).__module__.startswith("edgewise.") and (files := _files_of(kind)) is not None:
        files.save(model, path, overwrite=check_bool(overwrite, "overwrite"))
        return
    if not isinstance(model, HoldsNetwork):
        if isinstance(model, KAN):
            save_network(model, path, overwrite=overwrite)
            return
        raise InputError(
            f"The 'model' argument must be {', '.join(_SAVED[:-1])} or {_SAVED[-1]}. Got {short(model)} instead"
            f"{_instead(model)}."
        )
    check_bool(overwrite, "overwrite")
    write_container(path, *model.file_contents(), overwrite=overwrite)


def _instead(model: Any) -> str:
    """Which part of a result can be saved."""
    parts = ("best", "network", "model", "formula") if type(model).__module__.startswith("edgewise.") else ()
    part = next((item for item in parts if type(getattr(model, item, None)).__name__ in _PARTS), None)
    return "" if part is None else f"; save its .{part}"


def load(path: PathLike) -> Any:
    """Read what `save` wrote, on the CPU. No code from the file runs.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    KAN, CalibratedKAN, Solution, Dynamics, Formula, GroupedFormula, BranchedFormula, or a fitted estimator
        What was saved; its predictions are the same to the bit.

    Raises
    ------
    FileError
        If the file is missing, not a .kan file, written by a newer edgewise, or damaged anywhere.

    Examples
    --------
    >>> import edgewise as ew
    >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
    >>> model = ew.KANRegressor(mode="additive").fit(X, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    >>> ew.save(model, "line.kan")
    >>> again = ew.load("line.kan")
    >>> (again.predict(X) == model.predict(X)).all()
    np.True_
    """
    if (files := _files_of(kind_of(path))) is not None:
        return files.load(path)
    document, tensors = read_any_of(path, {kind: promised_tensors for kind in _KINDS})  # noqa: C420
    net = restored(document, tensors, path)
    return net if document["kind"] == KIND else _estimator(document, net, path)


def _files_of(kind: str | None) -> Any:
    """What writes and reads models of one kind in its own way; None for the others."""
    if kind not in _FILES:
        return None
    module, _, name = _FILES[kind].partition(":")
    return getattr(room(module), name) if name else room(module)


def _estimator(document: Mapping[str, Any], net: KAN, path: PathLike) -> Any:
    from edgewise.estimators.document import calibrated_from_document, model_from_document

    with damaged(path, "model"):
        if document["kind"] == _CALIBRATED:
            inner = model_from_document("KANClassifier", document["model"], net)
            return calibrated_from_document(inner, document["calibration"])
        return model_from_document(cast(str, document["kind"]), document["model"], net)
