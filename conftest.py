"""Set-up shared by the tests and the doctests of src/."""

import os
from typing import Any

# Tests run side by side, each on one thread; must precede the import of numpy and torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
from hypothesis import settings

settings.register_profile("edgewise", deadline=None, max_examples=20, database=None, derandomize=True)
settings.register_profile("few", settings.get_profile("edgewise"), max_examples=10)
settings.load_profile("edgewise")

# They need triton, which not every platform has, and must be imported by their own tests first.
collect_ignore = ["src/edgewise/kernels/triton_backend.py", "src/edgewise/kernels/triton_kernels.py"]

_IMPORTED: dict[int, Any] = {}


def pytest_configure(config):
    """`make test` draws fewer cases."""
    if config.option.markexpr == "not slow":
        settings.load_profile("few")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Generators, torch's and those of a test file, draw the same in each test: workers take tests in any order."""
    torch.manual_seed(0)
    for value in vars(item.module).values() if hasattr(item, "module") else ():
        if isinstance(value, np.random.Generator):
            value.bit_generator.state = _IMPORTED.setdefault(id(value), value.bit_generator.state)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Tests and doctests run in a folder of their own: what they leave by mistake never lands in the repository."""
    monkeypatch.chdir(tmp_path)
