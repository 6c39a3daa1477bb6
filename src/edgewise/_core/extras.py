"""Packages that not everybody needs: what they are called for, and how to get them, worded alike everywhere."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from edgewise._core.errors import InputError


def how_to_install(*extras: str) -> str:
    """The command that installs edgewise in a checkout of it, or, once it is installed, adds what the extras named bring.

    Examples
    --------
    >>> how_to_install(), how_to_install("excel", "onnx")
    ('pip install .', "pip install 'edgewise[excel,onnx]'")
    """
    return f"pip install 'edgewise[{','.join(extras)}]'" if extras else "pip install ."


def need(package: str, extra: str, purpose: str) -> Any:
    """A module of an extra, or one sentence on how to get it.

    Parameters
    ----------
    package : str
        As it is imported.
    extra : str
        The extra that brings it.
    purpose : str
        What needs it: "Excel workbooks".
    """
    try:
        return import_module(package)
    except ImportError:
        raise InputError(
            f"{purpose} need the package {package}, which is not installed; get it with {how_to_install(extra)}."
        ) from None
