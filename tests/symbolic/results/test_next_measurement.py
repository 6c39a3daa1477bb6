"""Where to measure next: where rivals differ."""

import numpy as np
import pytest

from edgewise import InputError, find_formula
from edgewise.symbolic import next_measurement


def _small_angles():
    x = np.linspace(0.05, 0.4, 16)
    return find_formula(x[:, None], np.sin(x), names=["x"], work="quick")


def test_small_angles_are_told_from_lines_by_large_ones():
    found = _small_angles()
    places = next_measurement(found, {"x": (0.05, 3.0)}, count=3)
    at = [dict(place.place)["x"] for place in places]
    assert len(set(at)) == 3
    assert all(0.05 <= item <= 3 for item in at)
    assert max(at) > 1
    assert all(place.spread >= 0 for place in places)
    assert places[0].to_dict()["place"] == {"x": at[0]}
    assert "x = " in str(places[0])


@pytest.mark.slow
def test_the_most_telling_place_has_the_largest_spread_against_the_noise():
    random = np.random.default_rng(0)
    x = random.uniform(0, 1, 40)
    found = find_formula(x[:, None], 2 * x + 1 + 0.1 * random.standard_normal(40), names=["x"], work="quick")
    first, *rest = next_measurement(found, {"x": (0, 10)}, count=4)
    assert all(first.spread >= other.spread for other in rest)
    assert dict(first.place)["x"] > 1


def test_bounds_are_checked():
    found = _small_angles()
    with pytest.raises(InputError, match="Got 'z' instead"):
        next_measurement(found, {"z": (0, 1)})
    with pytest.raises(InputError, match="two finite numbers in order for 'x'"):
        next_measurement(found, {"x": (0, float("inf"))})
    with pytest.raises(InputError, match="count"):
        next_measurement(found, {"x": (0, 1)}, count=0)


def test_only_a_result_of_a_search_has_a_next_measurement():
    with pytest.raises(InputError, match="what find_formula gives"):
        next_measurement("x^2", {"x": (0, 1)})


def test_columns_may_be_held_fixed_but_for_one():
    X = np.random.default_rng(0).uniform(1, 2, (40, 2))
    found = find_formula(X, X[:, 0] / X[:, 1], names=["mass", "r"], work=0.05)
    places = next_measurement(found, {"mass": (1.5, 1.5), "r": (1, 9)}, count=3)
    assert all(dict(place.place)["mass"] == 1.5 for place in places)
    assert len({dict(place.place)["r"] for place in places}) == 3
    with pytest.raises(InputError, match="must leave a column free"):
        next_measurement(found, {"mass": (1, 1), "r": (2, 2)})
    with pytest.raises(InputError, match=r"Got 'mas' \(did you mean 'mass'"):
        next_measurement(found, {"mas": (1, 2), "r": (1, 2)})
