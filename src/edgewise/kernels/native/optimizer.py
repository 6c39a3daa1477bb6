"""One step of AdamW by the native kernels, in a single pass over the numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_double, c_int, c_int32, c_int64, c_void_p
from typing import Any

from torch import Tensor

from edgewise.kernels.native.library import NativeLibrary, check


class AdamWPart(ctypes.Structure):
    """`struct ew_adamw_part` of src/edgewise.h."""

    _fields_ = [
        *((name, c_void_p) for name in ("p", "m", "v", "g")),
        *((name, c_int64) for name in ("count", "columns")),
        *((name, c_double) for name in ("rate", "decay")),
        *((name, c_void_p) for name in ("mean", "shared", "shift", "bias")),
    ]


class StepStruct(ctypes.Structure):
    """`struct ew_adamw_step` of src/edgewise.h."""

    _fields_ = [
        ("part", ctypes.POINTER(AdamWPart)),
        *((name, c_int32) for name in ("parts", "is_double", "threads")),
        *((name, c_double) for name in ("beta1", "beta2", "eps", "correction1", "correction2")),
    ]


class AdamWStep:
    """The addresses of parameters and moments, kept between the steps.

    Parameters
    ----------
    library : NativeLibrary
    parameters, means, squares : sequence of Tensor
        Contiguous and of one dtype, float32 or float64; they must stay where they are.
    """

    def __init__(
        self,
        library: NativeLibrary,
        parameters: Sequence[Tensor],
        means: Sequence[Tensor],
        squares: Sequence[Tensor],
    ) -> None:
        self._run: Any = library.c["ew_adamw"]
        self._rows: Any = library.c["ew_adamw_rows"]
        self._rows.argtypes, self._rows.restype = (c_int64,), c_int64
        self._run.argtypes, self._run.restype = (ctypes.POINTER(StepStruct),), c_int
        # The tensors are kept, so that their memory is.
        self._kept = tuple(zip(parameters, means, squares, strict=True))
        addresses = [(p.data_ptr(), m.data_ptr(), v.data_ptr(), 0, p.numel()) for p, m, v in self._kept]
        self._parts = (AdamWPart * len(addresses))(*addresses)
        self._places = {id(p): at for at, p in enumerate(parameters)}
        self._centred: list[tuple[AdamWPart, Tensor, Tensor, Tensor]] = []
        itemsize = parameters[0].element_size()
        self._step = StepStruct(self._parts, len(addresses), int(itemsize == 8), 1)

    def centre(self, pairs: Sequence[tuple[Tensor, Tensor, Tensor]]) -> None:
        """Take the gradients of some parameters less an outer product.

        Parameters
        ----------
        pairs : sequence of (parameter, mean, bias)
            The gradient of the parameter, seen as a matrix with a row for each entry of the mean, is taken less mean times
            the gradient of the bias; what a step does to mean @ parameter is taken back from the bias.
        """
        for part, *_ in self._centred:
            part.mean = None
        self._centred = []
        for parameter, mean, bias in pairs:
            part, columns = self._parts[self._places[id(parameter)]], bias.numel()
            rows = self._rows(columns)
            shift = mean.new_empty(((len(mean) + rows - 1) // rows, columns))
            part.columns, part.mean, part.shift = columns, mean.data_ptr(), shift.data_ptr()
            part.bias = bias.data_ptr()
            self._centred.append((part, mean, bias, shift))

    def __call__(
        self,
        count: int,
        gradients: Sequence[Tensor | None],
        rates: Sequence[float],
        decays: Sequence[float],
        betas: tuple[float, float],
        eps: float,
        threads: int,
    ) -> None:
        """Change parameters and moments in place, but for those without gradient; steps are counted from 1."""
        for part, gradient, rate, decay in zip(self._parts, gradients, rates, decays, strict=True):
            part.g = None if gradient is None else gradient.data_ptr()
            part.rate, part.decay = rate, decay
        for part, _, bias, _ in self._centred:
            part.shared = None if bias.grad is None else bias.grad.data_ptr()
        step = self._step
        step.threads, step.eps = threads, eps
        step.beta1, step.beta2 = betas
        step.correction1, step.correction2 = 1 - betas[0] ** count, 1 - betas[1] ** count
        check(self._run(step))
