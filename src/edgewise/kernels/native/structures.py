"""The structures of edgewise_network.h, field for field."""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_int32, c_int64, c_void_p


class LayerStruct(ctypes.Structure):
    """`struct ew_layer` of edgewise_network.h."""

    _fields_ = [
        *(
            (name, c_int32)
            for name in ("inputs", "sums", "degree", "intervals", "plain", "products", "edges", "reserved")
        ),
        *((name, c_void_p) for name in ("arity", "source", "target", "breaks", "table", "origin", "width")),
        *((name, c_int64) for name in ("coef", "base", "bias")),
    ]


class NetworkStruct(ctypes.Structure):
    """`struct ew_network`."""

    _fields_ = [
        *((name, c_int64) for name in ("nets", "parameters", "rows")),
        *((name, c_int32) for name in ("depth", "is_double", "threads", "full_root")),
        ("layers", c_void_p),
        *((name, c_void_p) for name in ("theta", "x", "y", "weight", "g", "root", "v")),
        *((name, c_void_p) for name in ("f", "gradient", "curvature", "value")),
    ]


class DescentStruct(ctypes.Structure):
    """`struct ew_descent`."""

    _fields_ = [
        *(
            (name, c_void_p)
            for name in ("penalty", "theta", "value", "mu", "nu", "decrease", "stuck", "taken")
        ),
        *((name, c_int32) for name in ("steps", "reserved")),
        *((name, c_double) for name in ("rest", "mu_start", "mu_max", "floor", "tolerance", "least_gain")),
    ]


class AdamStruct(ctypes.Structure):
    """`struct ew_adam`."""

    _fields_ = [
        *((name, c_void_p) for name in ("theta", "first", "second", "rate", "decay", "learning")),
        *((name, c_double) for name in ("beta1", "beta2", "epsilon")),
        *((name, c_int64) for name in ("done", "steps")),
        *((name, c_void_p) for name in ("pick", "start", "values")),
    ]
