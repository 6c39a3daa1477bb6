"""Finding and loading the native kernels."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edgewise._core.errors import EdgewiseError, InputError
from edgewise.kernels.native import library

HERE = Path(library.__file__).parent
needs_library = pytest.mark.skipif(library.find(HERE)[0] is None, reason="the library is not built")


def test_where_there_is_none_the_reason_ends_in_a_remedy(tmp_path):
    found, why = library.find(tmp_path)
    assert found is None
    assert why.startswith("the library was not built; reinstall edgewise")
    (tmp_path / library._NAME).write_bytes(b"no library")
    found, why = library.find(tmp_path)
    assert found is None
    assert why.startswith("the library cannot be loaded (")
    assert "\n" not in why


def test_the_backend_asked_for_is_honoured(tmp_path):
    found, why = library.find(HERE, "torch")
    assert found is None
    assert why.startswith("EDGEWISE_BACKEND=torch is set; ")
    with pytest.raises(InputError, match="EDGEWISE_BACKEND=native is set, but the library was not built"):
        library.find(tmp_path, "native")
    with pytest.raises(InputError, match=r"must be 'native' or 'torch'\. Got 'jax' instead"):
        library.find(HERE, "jax")


def test_what_a_status_means():
    library.check(library.OK)
    with pytest.raises(InputError, match="do not fit together"):
        library.check(library.BAD_ARGUMENT)
    with pytest.raises(EdgewiseError, match="no memory"):
        library.check(library.NO_MEMORY)
    with pytest.raises(EdgewiseError, match="status 99"):
        library.check(99)


@needs_library
def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(library, "_VERSION", -1)
    found, why = library.find(HERE)
    assert found is None
    assert "instead of -1" in why


@needs_library
def test_it_is_loaded_once_whoever_asks(monkeypatch):
    monkeypatch.setattr(library, "_outcome", None)
    monkeypatch.delenv("EDGEWISE_BACKEND", raising=False)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: library.load(), range(32)))
    assert len(found) == 1
    assert library.reason() == ""


@needs_library
def test_the_instruction_set_can_be_chosen(monkeypatch):
    native, _ = library.find(HERE)
    widest = native.isa
    try:
        monkeypatch.setattr(library, "_outcome", None)
        monkeypatch.delenv("EDGEWISE_BACKEND", raising=False)
        monkeypatch.setenv("EDGEWISE_ISA", "portable")
        assert library.load().isa == "portable"
        monkeypatch.setattr(library, "_outcome", None)
        monkeypatch.setenv("EDGEWISE_ISA", "vax")
        with pytest.raises(InputError, match="Got 'vax' instead"):
            library.load()
    finally:
        native.use_isa(widest)


PROCESS = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
import torch
from torch.utils.data import DataLoader, Dataset
from edgewise.kernels import spline_sum
from edgewise.kernels.native.library import load
from edgewise.splines import make_basis, uniform_grid

library = load()
torch.set_num_threads(2)
torch.rand(2000, 2000).exp().sum()
count = lambda: len(os.listdir("/proc/self/task"))
before = count()
basis = make_basis("bspline", uniform_grid(torch.zeros(8).double(), torch.ones(8).double(), 5), degree=3)
x, coef = torch.rand(20000, 8).double(), torch.rand(8, 8, 32).double()
y = spline_sum(basis, x, coef)
if library.shares_threads:
    assert count() == before, f"{before} threads became {count()}"
child = os.fork()
if child == 0:
    # Plain threads, started and ended within the call; torch's own parallel loops would hang here.
    again = spline_sum(basis, x, coef)
    os._exit(0 if again.numpy().tobytes() == y.numpy().tobytes() else 1)
end = time.monotonic() + 300
while time.monotonic() < end:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        break
    time.sleep(0.02)
else:
    os.kill(child, 9)
    sys.exit("the child hangs")
if os.waitstatus_to_exitcode(status):
    sys.exit("the child got other numbers")

class Rows(Dataset):
    # Each item is evaluated and differentiated in a worker that was forked from here.
    def __len__(self):
        return 4

    def __getitem__(self, k):
        own = x[5000 * k : 5000 * (k + 1)].clone().requires_grad_()
        found = spline_sum(basis, own, coef)
        return torch.cat([found.detach(), *torch.autograd.grad(found.sum(), own)], 1)

wanted = [Rows()[k] for k in range(4)]
loader = DataLoader(Rows(), batch_size=None, num_workers=2, timeout=300, multiprocessing_context="fork")
if not all(map(torch.equal, loader, wanted)):
    sys.exit("the workers of a DataLoader got other numbers")
"""


@pytest.mark.slow
@needs_library
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_loops_share_torch_s_threads_and_run_after_a_fork_and_in_workers_of_a_data_loader():
    environ = os.environ | {"OMP_NUM_THREADS": "2", "EDGEWISE_BACKEND": "native"}
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], env=environ, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
