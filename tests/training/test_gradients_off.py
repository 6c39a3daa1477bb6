"""Training is no inference: it works where the caller has switched gradients off, and gives the same."""

import numpy as np
import pytest
import torch

import edgewise as ew

X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
Y = X[:, 0] ** 2 + np.sin(3 * X[:, 1])
NET = ew.KAN([2, 2, 1])


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "train",
    [
        lambda: ew.KANClassifier(mode="deep", work=0.02, random_state=0).fit(X, Y > 0.3).predict_proba(X),
        lambda: ew.KANRegressor(mode="deep", work=0.02, random_state=0).fit(X, Y).predict(X),
        lambda: ew.fit(NET, X, Y, method="lbfgs", steps=3).network(torch.from_numpy(X)).detach().numpy(),
    ],
)
def test_training_switches_gradients_on(train, off):
    with off():
        found = train()
        assert not torch.is_grad_enabled()
    assert np.array_equal(found, train())
