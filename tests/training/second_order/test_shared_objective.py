"""Fits whose rows are shared among processes: the same bits whatever their number, and the network of a plain fit."""

import subprocess
import sys

import numpy as np
import pytest

import edgewise as ew
from edgewise._core.errors import InputError

WORKER = """
import sys
import numpy as np
import torch, torch.distributed as dist
import edgewise as ew
from edgewise.training.second_order import run, shared_objective
torch.set_num_threads(1)
shared_objective.PIECES = 6
folder, rank, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dist.init_process_group("gloo", init_method=f"file://{folder}/meet-{workers}", rank=rank, world_size=workers)
data = np.load(f"{folder}/data.npz")
for name in ("squared", "cross_entropy", "products"):
    run.MOST_DENSE = 40 if name == "products" else 5_000
    y, loss = (data["c"], name) if name == "cross_entropy" else (data["y"], "squared")
    for stop in (7, None):  # broken off, and gone on with
        result = ew.fit(
            ew.KAN([3, 3, 1], seed=1), data["X"], y, loss=loss, method="lm", work="quick", shared=True,
            steps=4 if name == "products" else None,
            sample_weight=data["w"], checkpoint=f"{folder}/{name}-{workers}.fit",
            callbacks=[lambda record, stop=stop: record.step == stop and rank == 0],
        )
    np.save(f"{folder}/{name}-{rank}-of-{workers}.npy", result.network.predict(data["test"]))
dist.destroy_process_group()
"""


def drawn():
    rng = np.random.default_rng(0)
    X, test = rng.uniform(-1, 1, (301, 3)), rng.uniform(-1, 1, (50, 3))
    f = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
    y, classes = f + 0.1 * rng.normal(size=301), (f + 0.3 * rng.logistic(size=301) > 0).astype(int)
    return {"X": X, "y": y, "c": classes, "w": rng.uniform(0.5, 2, 301), "test": test}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="starts processes that meet in a file")
def test_any_number_of_processes_finds_the_same_network(tmp_path):
    data = drawn()
    np.savez(tmp_path / "data.npz", **data)
    (tmp_path / "worker.py").write_text(WORKER)
    for workers in (1, 3):
        words = [sys.executable, str(tmp_path / "worker.py"), str(tmp_path)]
        began = [
            subprocess.Popen([*words, str(rank), str(workers)], stderr=subprocess.PIPE, text=True)
            for rank in range(workers)
        ]
        for own in began:
            _, errors = own.communicate(timeout=300)
            assert own.returncode == 0, errors
    for name in ("squared", "cross_entropy", "products"):
        told = [np.load(tmp_path / f"{name}-{r}-of-{w}.npy") for w in (1, 3) for r in range(w)]
        assert np.ptp(told[0]) > 0.5
        assert all((own == told[0]).all() for own in told)
        y, loss = (data["c"], name) if name == "cross_entropy" else (data["y"], "squared")
        if name != "products":
            alone = ew.fit(
                ew.KAN([3, 3, 1], seed=1),
                data["X"],
                y,
                loss=loss,
                method="lm",
                work="quick",
                sample_weight=data["w"],
            )
            np.testing.assert_allclose(told[0], alone.network.predict(data["test"]), rtol=0, atol=1e-9)
            continue
        truth = np.sin(2 * data["test"][:, 0]) + data["test"][:, 1] * data["test"][:, 2]
        assert np.sqrt(np.mean((told[0][:, 0] - truth) ** 2)) < 0.3


def test_what_processes_cannot_share_is_said():
    data = drawn()
    for options in ({"method": "adam"}, {"method": "lm", "seconds": 1.0}, {}):
        with pytest.raises(InputError, match="'shared' argument must go with method='lm'"):
            ew.fit(ew.KAN([3, 1], seed=0), data["X"], data["y"], shared=True, **options)
