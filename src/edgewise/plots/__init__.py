"""Drawings of networks and results: matplotlib figures made without pyplot and without touching its settings."""

from edgewise._core.lazy import attach

__getattr__, __dir__ = attach(__name__)
