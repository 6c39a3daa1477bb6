"""Measured data that ships with the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from types import MappingProxyType

from edgewise._core.checks import check_choice
from edgewise.data.read import read_table
from edgewise.data.table import Table


@dataclass(frozen=True)
class Example:
    """What a shipped data set holds, where it is from and what is known about it."""

    name: str
    title: str
    target: str
    columns: tuple[str, ...]
    units: Mapping[str, str]
    law: str
    citation: str
    licence: str


_ALL = (
    Example(
        name="nuclear_binding",
        title="Binding energy of 2,375 nuclides",
        target="B",
        columns=("Z", "N", "A"),
        units=MappingProxyType({"B": "MeV"}),
        law="a_v A - a_s A^(2/3) - a_c Z (Z - 1) / A^(1/3) - a_a (N - Z)^2 / A (Bethe and Weizsaecker)",
        citation=(
            "M. Wang, G. Audi, A. H. Wapstra, F. G. Kondev, M. MacCormick, X. Xu and B. Pfeiffer, The AME2012 atomic mass "
            "evaluation (II), Chinese Physics C 36 (2012) 1603, doi:10.1088/1674-1137/36/12/003"
        ),
        licence="Published evaluation; the figures are facts.",
    ),
    Example(
        name="moseley_ka1",
        title="Energy of the K-alpha-1 X-ray line of 95 elements",
        target="E_eV",
        columns=("Z",),
        units=MappingProxyType({"E_eV": "eV"}),
        law="a (Z - b)^2 (Moseley), with a relativistic correction for heavy elements",
        citation=(
            "XrayDB, after W. T. Elam, B. D. Ravel and J. R. Sieber, A new atomic database for X-ray spectroscopic "
            "calculations, Radiation Physics and Chemistry 63 (2002) 121, doi:10.1016/S0969-806X(01)00227-4"
        ),
        licence="Public domain.",
    ),
    Example(
        name="german_credit",
        title="1,000 loans and whether they were repaid",
        target="credit",
        columns=(
            *(
                "account",
                "months",
                "history",
                "purpose",
                "amount",
                "savings",
                "employed",
                "rate",
                "status",
                "others",
            ),
            *(
                "residence",
                "property",
                "age",
                "plans",
                "housing",
                "credits",
                "job",
                "dependents",
                "telephone",
                "foreign",
            ),
        ),
        units=MappingProxyType({"amount": "DM", "months": "months", "age": "years", "rate": "% of income"}),
        law="",
        citation=(
            "H. Hofmann, Statlog (German Credit Data), UCI Machine Learning Repository (1994), doi:10.24432/C5NC77"
        ),
        licence="CC BY 4.0; codes written out and columns renamed.",
    ),
)
EXAMPLES: Mapping[str, Example] = MappingProxyType({example.name: example for example in _ALL})


def load_example(name: str) -> Table:
    """Load a data set that ships with edgewise.

    Parameters
    ----------
    name : {"nuclear_binding", "moseley_ka1", "german_credit"}
        `edgewise.data.EXAMPLES` lists what each holds, where it is from and which law is known, if one is.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If there is no such data set.

    References
    ----------
    "nuclear_binding": M. Wang et al., The AME2012 atomic mass evaluation (II), Chinese Physics C 36 (2012) 1603,
    doi:10.1088/1674-1137/36/12/003. "moseley_ka1": W. T. Elam, B. D. Ravel, J. R. Sieber, A new atomic database for X-ray
    spectroscopic calculations, Radiation Physics and Chemistry 63 (2002) 121, doi:10.1016/S0969-806X(01)00227-4.
    "german_credit": H. Hofmann, Statlog (German Credit Data), UCI Machine Learning Repository (1994), doi:10.24432/C5NC77.

    Examples
    --------
    >>> import edgewise as ew
    >>> ew.load_example("nuclear_binding")
    Table(2,375 rows; Z, N, A, B)
    """
    check_choice(name, "name", EXAMPLES)
    with as_file(files("edgewise.data") / "sets" / f"{name}.csv") as path:
        return read_table(path)
