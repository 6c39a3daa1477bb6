"""Tables that carry a known bias."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from tests.verifying.conftest import clock as clock


@dataclass(frozen=True)
class Biased:
    X: pd.DataFrame
    y: np.ndarray
    model: object


def biased_table(n=1500, seed=0, push=1.2):
    """Skill decides, and being "m" counts for `push` of it; height gives sex away; noise says nothing."""
    r = np.random.default_rng(seed)
    male = r.random(n) < 0.5
    skill = r.normal(size=n)
    X = pd.DataFrame(
        {
            "sex": np.where(male, "m", "f"),
            "skill": skill,
            "height": 165 + 12 * male + 7 * r.normal(size=n),
            "noise": r.normal(size=n),
            "town": r.choice(["a", "b", "c"], n),
            "age": r.integers(18, 80, n).astype(float),
        }
    )
    y = np.where(skill + push * male + 0.5 * r.logistic(size=n) > 0.6, "yes", "no")
    return X, y


@pytest.fixture(scope="session")
def biased():
    X, y = biased_table()
    return Biased(X, y, ew.KANClassifier(mode="additive").fit(X, y))


@pytest.fixture(scope="session")
def deep():
    X, y = biased_table(600)
    X = X[["sex", "skill", "age"]]
    model = ew.KANClassifier(mode="deep", members=1, hidden=4).fit(X, y)
    return Biased(X, y, model)
