"""Terms of right-hand sides, and what they become."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.dynamics.term_functions import FUNCTIONS, SATURATIONS
from edgewise.dynamics.terms import DynamicsTerm, TermLibrary

SIMPLER = [name for name, each in FUNCTIONS.items() if each.simpler is not None or name in SATURATIONS]


@pytest.mark.parametrize("name", SIMPLER)
@pytest.mark.parametrize("powers", [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0)])
def test_where_a_constant_is_nothing_a_term_has_the_values_of_a_simpler_one(name, powers) -> None:
    function = FUNCTIONS[name]
    kept = () if function.simpler is None else function.simpler[1]
    inner = tuple(0.7 if at in kept else 1e-9 for at in range(function.constants))
    term = DynamicsTerm(powers, name, tuple(range(function.arity)), inner)
    simpler = term.at_nothing
    assert simpler.nodes < term.nodes or simpler.powers != term.powers
    assert len(simpler.inner) < len(term.inner)
    Z = np.random.default_rng(0).uniform(0.5, 2.0, (20, 2))
    both = [TermLibrary((each,)).values(Z, np.array(each.inner)) for each in (term, simpler)]
    np.testing.assert_allclose(*both, rtol=1e-7)


def test_rarer_terms_take_more_to_be_written() -> None:
    powers = [DynamicsTerm((power,)).nodes for power in (1.0, 2.0, 3.0, 0.5, 1.5)]
    assert powers == sorted(powers)
    assert DynamicsTerm((0.0,)).nodes == DynamicsTerm((1.0,)).nodes == 1.0
