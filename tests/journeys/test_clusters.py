"""Searches, folds and seeds on other processes and machines: joblib's backends, and the same bits from each."""

import sys

import joblib
import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

import edgewise as ew

X = np.random.default_rng(0).uniform(1, 3, (60, 2))
Y = 3 * X[:, 0] / X[:, 1]


@pytest.fixture(params=["loky", "dask", "ray"])
def backend(request, monkeypatch):
    """Two local workers of some backend, started and ended here."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # or Ray leaves a file at home
    if request.param == "loky":
        yield "loky"
        joblib.externals.loky.get_reusable_executor().shutdown()
    elif request.param == "dask":
        distributed = pytest.importorskip("distributed")
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster),
        ):
            yield "dask"
    else:
        ray = pytest.importorskip("ray")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        from ray.util.joblib import register_ray

        register_ray()
        yield "ray"
        ray.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="starts workers")
@pytest.mark.filterwarnings("ignore")  # of other packages
def test_every_backend_gives_what_one_process_gives(backend):
    calls = [
        joblib.delayed(ew.find_formula)(X, Y, names=["a", "b"], work="quick", seed=seed) for seed in (0, 1)
    ]
    model = ew.KANRegressor(mode="additive", work="quick")
    calls.append(joblib.delayed(cross_val_score)(model, X, Y, cv=3))
    *alone, scores = joblib.Parallel()(calls)
    with joblib.parallel_config(backend, n_jobs=2):
        *found, spread = joblib.Parallel()(calls)
    for one, other in zip(alone, found, strict=True):
        assert one.best.text == other.best.text
        assert one.best.predict(X).tobytes() == other.best.predict(X).tobytes()
    assert spread.tobytes() == scores.tobytes()
