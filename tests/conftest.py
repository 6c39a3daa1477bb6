"""Fixtures of several rooms."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
import torch

from edgewise import InputError
from tests.wings import SOURCE, wings

if TYPE_CHECKING:
    from edgewise.kernels.native_backend import NativeBackend

# Of a whole checkout none: there, whatever is missing is a failure.
_TAKEN_OFF = [wing.name for wing in wings() if not (SOURCE / wing.source[0]).exists()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """A test of several rooms is left out where one of them was taken off."""
    try:
        return (yield)
    except ImportError as error:
        if _TAKEN_OFF:
            pytest.skip(str(error))
        raise


pytest_runtest_setup = pytest_runtest_call


@pytest.fixture(params=["avx512", "avx2", "neon", "portable"])
def native(request: pytest.FixtureRequest) -> Iterator[NativeBackend]:
    """The native kernels by one instruction set after another; those of other processors are skipped."""
    from edgewise.kernels.native.library import load
    from edgewise.kernels.native_backend import NativeBackend

    library = load()
    assert library is not None
    before, threads = library.isa, torch.get_num_threads()
    try:
        library.use_isa(request.param)
    except InputError:
        pytest.skip("this processor has none")
    yield NativeBackend(library)
    library.use_isa(before)
    torch.set_num_threads(threads)
