"""What every room shares: errors, argument checks, seeds, work and its limits, threads, files."""

import copyreg
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


def read_only(entries: Mapping[Any, Any]) -> MappingProxyType[Any, Any]:
    """A mapping of results, to which nothing is written; pickled and copied as what it is."""
    return MappingProxyType(dict(entries))


# Python itself can neither pickle nor deepcopy them, and with them no model that holds one.
copyreg.pickle(MappingProxyType, lambda mapping: (read_only, (dict(mapping),)))  # pyright: ignore[reportArgumentType]
