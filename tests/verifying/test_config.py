"""Other thresholds change how soon and by which row the prover answers, and never whether the answer is true."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import edgewise as ew
from edgewise import InputError
from edgewise.verifying import ProverConfig

FRUGAL = {
    "drawn_rows": 1,
    "attack_rows": 1,
    "attack_values": 2,
    "attack_rounds": 1,
    "lemmas_together": 1,
    "together": 1,
    "most_breaks": 2,
    "most_node_breaks": 2,
    "cold_steps": 1,
    "warm_steps": 1,
    "sites_tried": 1,
    "near_candidates": 1,
    "idle_kept": 1.0,
    "rounding": 1e-6,
    "shares": (0.5,),
}


def network(seed):
    net = ew.KAN([2, 3, 1], seed=seed, input_names=["a", "b"])
    x = np.random.default_rng(seed).uniform(-1, 1, (2000, 2))
    return net, x, net.predict(x).ravel()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 50), changed=st.sets(st.sampled_from(sorted(FRUGAL))), share=st.floats(0.2, 1.5))
def test_no_threshold_makes_an_answer_false(seed, changed, share):
    net, _, y = network(seed)
    config = ProverConfig(**{name: FRUGAL[name] for name in changed})
    bound = float(share * np.abs(y).max())
    answer = ew.verify(net, f"range({-bound:.17g}, {bound:.17g})", config=config, work=0.002)
    if answer.status == "proved":
        assert np.abs(y).max() <= bound
        assert answer.certificate is not None
    if answer.status == "refuted":
        row = np.array([[*answer.cases[0].row.values()]], dtype=float)
        assert np.abs(net.predict(row)).max() > bound


def test_the_default_is_what_no_config_means():
    net, _, y = network(3)
    claim = f"range(-100, {float(y.max()) + 0.05:.17g})"
    one, two = (ew.verify(net, claim, **more) for more in ({}, {"config": ProverConfig()}))
    assert one.status == two.status == "proved"
    assert one.certificate.digest == two.certificate.digest


def test_thresholds_reach_what_they_decide():
    net, _, _ = network(0)
    inside = ew.properties.formula_within("a * b", 0.5)
    with pytest.raises(InputError, match="at most 1 inputs vary"):
        ew.verify(net, inside, config=ProverConfig(formula_inputs=1))


def test_a_config_of_another_kind_is_refused():
    net, _, _ = network(0)
    with pytest.raises(InputError, match="'config' argument must be a ProverConfig"):
        ew.verify(net, "range(-100, 100)", config={"drawn_rows": 3})
