"""Other thresholds change how soon and by which row the prover answers, and never whether the answer is true."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import edgewise as ew
from edgewise import InputError
from edgewise.verifying.bounds import bounder, intermediate_bounds, newton
from edgewise.verifying.entry_points import formula, refutation, verify
from edgewise.verifying.results import witness
from edgewise.verifying.search import attack, prove, tree

FRUGAL = {
    (verify, "_DRAWN_ROWS"): 1,
    (prove, "_ATTACK_ROWS"): 1,
    (attack, "_VALUES"): 2,
    (attack, "_ROUNDS"): 1,
    (intermediate_bounds, "_LEMMAS_TOGETHER"): 1,
    (tree, "_PARTS_TOGETHER"): 1,
    (newton, "_MOST_BREAKS"): 2,
    (newton, "_MOST_NODE_BREAKS"): 2,
    (newton, "_COLD_STEPS"): 1,
    (newton, "_WARM_STEPS"): 1,
    (bounder, "_SITES_TRIED"): 1,
    (bounder, "_NEAR_CANDIDATES"): 1,
    (bounder, "_IDLE_KEPT"): 1.0,
    (witness, "ROUNDING"): 1e-6,
    (prove, "ROUNDING"): 1e-6,
    (refutation, "ROUNDING"): 1e-6,
    (newton, "_SHARES"): (0.5,),
}
NAMES = sorted({name for _, name in FRUGAL})


def network(seed):
    net = ew.KAN([2, 3, 1], seed=seed, input_names=["a", "b"])
    x = np.random.default_rng(seed).uniform(-1, 1, (2000, 2))
    return net, x, net.predict(x).ravel()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 50), changed=st.sets(st.sampled_from(NAMES)), share=st.floats(0.2, 1.5))
def test_no_threshold_makes_an_answer_false(seed, changed, share):
    net, _, y = network(seed)
    bound = float(share * np.abs(y).max())
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in FRUGAL.items():
            if name in changed:
                patch.setattr(module, name, value)
        answer = ew.verify(net, f"range({-bound:.17g}, {bound:.17g})", work=0.002)
    if answer.status == "proved":
        assert np.abs(y).max() <= bound
        assert answer.certificate is not None
    if answer.status == "refuted":
        row = np.array([[*answer.cases[0].row.values()]], dtype=float)
        assert np.abs(net.predict(row)).max() > bound


def test_a_formula_is_compared_where_few_inputs_vary(monkeypatch):
    net, _, _ = network(0)
    inside = ew.properties.formula_within("a * b", 0.5)
    monkeypatch.setattr(formula, "_MOST_INPUTS", 1)
    with pytest.raises(InputError, match="at most 1 inputs vary"):
        ew.verify(net, inside)
