"""Hazards that are known: right, left and interval censoring, late entry, causes, what recurs, what changes with time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgewise as ew
from edgewise._core.arrays import Floats
from edgewise.estimators import KANSurvival

ROWS = 1500
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, ROWS)
NOISE = RANDOM.uniform(0, 1, ROWS)
TABLE = {"x": X, "noise": NOISE}
# Integrated hazards are t^1.5 exp(x).
TIME = (RANDOM.exponential(size=ROWS) / np.exp(X)) ** (1 / 1.5)
ENDED = RANDOM.uniform(0, 3, ROWS)
SEEN, HAPPENED = np.minimum(TIME, ENDED), TIME <= ENDED
NEW = {"x": np.linspace(-0.8, 0.8, 9), "noise": np.full(9, 0.5)}
WHEN = np.linspace(0.2, 2.0, 10)
TRUTH = np.exp(-np.exp(NEW["x"])[:, None] * WHEN**1.5)


def fitted(table: Any = TABLE, **outcome: Any) -> KANSurvival:
    return KANSurvival(work="quick").fit(table, **outcome)


def error(found: Floats, truth: Floats = TRUTH) -> float:
    return float(np.sqrt(np.mean((found - truth) ** 2)))


@pytest.fixture(scope="module")
def model() -> KANSurvival:
    return fitted(duration=SEEN, event=HAPPENED)


def test_chances_are_those_of_the_law(model: KANSurvival) -> None:
    assert error(model.predict_survival(NEW, WHEN)) < 0.04
    assert model.proportional_
    assert model.score(TABLE, duration=SEEN, event=HAPPENED) > 0.6


def test_survival_falls_from_one_and_agrees_with_hazards(model: KANSurvival) -> None:
    fine = np.linspace(0, model.pieces_.cuts[-1], 4001)
    chance = model.predict_survival(NEW, fine)
    assert chance[:, 0] == pytest.approx(1.0)
    assert (np.diff(chance, axis=1) <= 0).all()
    hazard = model.predict_hazard(NEW, (fine[1:] + fine[:-1]) / 2)
    total = (hazard * np.diff(fine)).sum(axis=1)
    assert np.exp(-total) == pytest.approx(chance[:, -1], rel=2e-2)
    area = ((chance[:, 1:] + chance[:, :-1]) / 2 * np.diff(fine)).sum(axis=1)
    assert model.predict_restricted_mean(NEW) == pytest.approx(area, rel=1e-4)
    middle = model.predict_median(NEW)
    for row in np.flatnonzero(np.isfinite(middle)):
        at = model.predict_survival(
            {name: cells[row : row + 1] for name, cells in NEW.items()}, [middle[row]]
        )
        assert at[0, 0] == pytest.approx(0.5, abs=1e-6)


def test_what_is_expected_adds_up_to_what_happened(model: KANSurvival) -> None:
    """Each row is expected to be met so often while it was under observation, and all of them as often as it happened."""
    expected = np.diag(model.predict_cumulative_hazard(TABLE, np.minimum(SEEN, model.pieces_.cuts[-1])))
    assert expected.sum() == pytest.approx(HAPPENED.sum(), rel=1e-3)


def test_every_form_of_the_outcome_is_the_same_outcome(model: KANSurvival) -> None:
    target = np.array(list(zip(HAPPENED, SEEN, strict=True)), dtype=[("died", "?"), ("days", "f8")])
    named = {**TABLE, "years": SEEN, "died": HAPPENED.astype(int)}
    wanted = model.predict(NEW)
    assert (fitted(y=target).predict(NEW) == wanted).all()
    assert (fitted(y={"duration": SEEN, "event": HAPPENED}).predict(NEW) == wanted).all()
    assert fitted(named, duration="years", event="died").predict(NEW) == pytest.approx(wanted)
    until = np.where(HAPPENED, SEEN, np.inf)
    assert (fitted(duration=SEEN, until=until).predict(NEW) == wanted).all()


def test_intervals_and_late_entries() -> None:
    seen = np.cumsum(RANDOM.uniform(0.3, 0.9, (ROWS, 8)), axis=1)
    at = (seen < TIME[:, None]).sum(axis=1)
    rows = np.arange(ROWS)
    low = np.where(at > 0, seen[rows, np.maximum(at - 1, 0)], 0.0)
    high = np.where(at < 8, seen[rows, np.minimum(at, 7)], np.inf)
    assert error(fitted(duration=low, until=high).predict_survival(NEW, WHEN)) < 0.05
    entry = RANDOM.uniform(0, 0.6, ROWS)
    late = entry < SEEN
    table = {name: cells[late] for name, cells in TABLE.items()}
    model = fitted(table, duration=SEEN[late], event=HAPPENED[late], entry=entry[late])
    given = model.predict_survival(NEW, WHEN) / model.predict_survival(NEW, [0.2])
    assert error(given, TRUTH / TRUTH[:, :1]) < 0.05


def test_hazards_that_cross_are_not_proportional() -> None:
    group = RANDOM.integers(0, 2, ROWS).astype(float)
    shape = np.where(group == 1, 2.5, 0.8)
    time = RANDOM.exponential(size=ROWS) ** (1 / shape)
    table = {"group": group, "noise": NOISE}
    model = fitted(table, duration=np.minimum(time, ENDED), event=time <= ENDED)
    assert not model.proportional_
    truth = np.stack([np.exp(-(WHEN**0.8)), np.exp(-(WHEN**2.5))])
    both = {"group": np.array([0.0, 1.0]), "noise": np.array([0.5, 0.5])}
    assert error(model.predict_survival(both, WHEN), truth) < 0.08


def test_causes_compete() -> None:
    """Hazards are exp(x) for one cause and t for the other."""
    one, two = RANDOM.exponential(size=ROWS) / np.exp(X), np.sqrt(2 * RANDOM.exponential(size=ROWS))
    first = np.minimum(np.minimum(one, two), ENDED)
    cause = np.where(first == ENDED, "censored", np.where(one < two, "wear", "shock"))
    model = fitted(duration=first, event=cause)
    assert model.causes_ == ("shock", "wear")
    fine = np.linspace(0, WHEN[-1], 2001)
    rate = np.exp(NEW["x"])[:, None]
    density = rate * np.exp(-rate * fine - fine**2 / 2)
    step = np.diff(fine) * (density[:, 1:] + density[:, :-1]) / 2
    whole = np.concatenate([np.zeros((9, 1)), np.cumsum(step, axis=1)], axis=1)
    truth = np.stack([np.interp(WHEN, fine, row) for row in whole])
    assert error(model.predict_cumulative_incidence(NEW, WHEN, "wear"), truth) < 0.05
    total = sum(model.predict_cumulative_incidence(NEW, WHEN, cause) for cause in model.causes_)
    assert total + model.predict_survival(NEW, WHEN) == pytest.approx(1.0)


def test_columns_may_change_with_time() -> None:
    """A part switches on at some time, and the hazard is e times as large from then."""
    switch, need = RANDOM.uniform(0, 2, ROWS), RANDOM.exponential(size=ROWS)
    time = np.where(need < 0.5 * switch, need / 0.5, switch + (need - 0.5 * switch) / (0.5 * np.e))
    end, event = np.minimum(time, ENDED), time <= ENDED
    more = end > switch
    rows = np.concatenate([np.arange(ROWS), np.flatnonzero(more)])
    table = {"on": np.concatenate([np.zeros(ROWS), np.ones(more.sum())]), "noise": NOISE[rows], "who": rows}
    model = fitted(
        table,
        duration=np.concatenate([np.minimum(end, switch), end[more]]),
        entry=np.concatenate([np.zeros(ROWS), switch[more]]),
        event=np.concatenate([event & ~more, event[more]]),
        groups="who",
    )
    both = {"on": np.array([0.0, 1.0]), "noise": np.array([0.5, 0.5])}
    found = model.predict_hazard(both, [0.5, 1.0])
    assert np.abs(np.log(found[1] / found[0]) - 1).max() < 0.3


def test_hazards_are_explained_and_proved_about() -> None:
    model = KANSurvival(work="quick", interactions=0, monotone={"x": "increasing"})
    model.fit(TABLE, duration=SEEN, event=HAPPENED)
    assert ew.verify(model.model_.under_curve(), "monotone(x, increasing)").status == "proved"
    assert ew.verify(model.model_, "output >= 0").status == "proved"
    assert "x" in str(model.model_.explain({**NEW, "time": np.ones(9)}))


@pytest.mark.parametrize(
    ("outcome", "argument"),
    [
        ({}, "duration"),
        ({"duration": "weight"}, "duration"),
        ({"duration": -SEEN}, "duration"),
        ({"duration": SEEN[:5]}, "duration"),
        ({"duration": np.full(ROWS, np.nan)}, "duration"),
        ({"duration": SEEN, "event": np.zeros(ROWS)}, "event"),
        ({"duration": SEEN, "event": SEEN}, "event"),
        ({"duration": SEEN, "entry": SEEN + 1}, "duration"),
        ({"duration": SEEN, "until": SEEN - 0.1}, "until"),
        ({"y": SEEN, "duration": SEEN}, "y"),
        ({"y": {"time": SEEN}}, "y"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(outcome: Any, argument: str) -> None:
    with pytest.raises(ew.InputError) as caught:
        fitted(**outcome)
    assert caught.value.argument == argument


def test_times_that_nobody_has_reached_are_refused(model: KANSurvival) -> None:
    with pytest.raises(ew.InputError, match="last time that was observed"):
        model.predict_survival(NEW, [100.0])


def test_files_keep_hazards_to_the_bit(tmp_path: Path) -> None:
    cause = np.where(HAPPENED, np.where(NOISE < 0.5, "a", "b"), None)
    model = fitted(duration=SEEN, event=cause)
    ew.save(model, tmp_path / "hazards.kan")
    again = ew.load(tmp_path / "hazards.kan")
    assert again.causes_ == ("a", "b")
    assert again.get_params() == model.get_params()
    assert again.proportional_ == model.proportional_
    for name in ("predict_survival", "predict_hazard", "predict_cumulative_incidence"):
        assert np.array_equal(getattr(again, name)(NEW, WHEN), getattr(model, name)(NEW, WHEN))
    ew.save(again, tmp_path / "again.kan")
    assert (tmp_path / "again.kan").read_bytes() == (tmp_path / "hazards.kan").read_bytes()
    with pytest.raises(ew.InputError, match="fitted"):
        ew.save(KANSurvival(), tmp_path / "none.kan")
