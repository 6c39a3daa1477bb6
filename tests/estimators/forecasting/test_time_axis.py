"""Axes of times: places and times are each other's inverse, whatever the unit."""

import calendar
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.estimators.forecasting.lagged import autocorrelation_period, windows
from edgewise.estimators.forecasting.time_axis import TimeAxis, even_axis


def days(*dates: str) -> np.ndarray:
    return np.array(dates, dtype="datetime64[s]").astype(np.float64) / 86_400


axes = st.one_of(
    st.builds(
        TimeAxis, st.just("days"), st.integers(0, 20_000).map(float), st.sampled_from([1.0, 7.0, 1 / 24, 0.5])
    ),
    st.builds(
        TimeAxis, st.just("months"), st.integers(0, 20_000).map(float), st.sampled_from([1.0, 3.0, 12.0])
    ),
    st.builds(
        TimeAxis,
        st.just("weekdays"),
        st.integers(0, 2_000).map(lambda week: 7.0 * week + 4),
        st.just(1.0),
        st.just((0, 1, 2, 3, 4)),
    ),
    st.builds(TimeAxis, st.just("numbers"), st.floats(-1e3, 1e3), st.sampled_from([0.1, 1.0, 50.0])),
)


@given(axes, st.lists(st.integers(-100, 400), min_size=1, max_size=20))
def test_places_and_times_are_inverse(axis: TimeAxis, places: list[int]) -> None:
    at = np.array(places)
    assert axis.places(axis.times(at)).tolist() == places


@given(axes, st.sets(st.integers(1, 60), min_size=12, max_size=40))
def test_an_axis_is_found_from_its_times_with_gaps(axis: TimeAxis, later: set[int]) -> None:
    places = np.array([0, *sorted(later | {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})])
    times = axis.times(places)
    found = even_axis(times, dates=axis.unit != "numbers")
    np.testing.assert_array_equal(found.places(times), places)
    np.testing.assert_allclose(found.times(places), times, atol=1e-6)


def test_the_end_of_a_month_stays_its_end() -> None:
    axis = even_axis(days("2023-01-31", "2023-02-28", "2023-03-31"), dates=True)
    assert axis.unit == "months"
    assert [str(date) for date in axis.dates(np.array([3, 13]))] == ["2023-04-30", "2024-02-29"]


@given(st.integers(1970 * 12, 2090 * 12), st.integers(1, 31), st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_a_day_of_the_month_is_the_last_of_shorter_months(first: int, day: int, step: int) -> None:
    def on_day(month: int) -> date:
        year, before = divmod(month, 12)
        return date(year, before + 1, min(day, calendar.monthrange(year, before + 1)[1]))

    there = [on_day(first + step * place) for place in range(24)]
    axis = even_axis(days(*map(str, there[:12])), dates=True)
    assert (axis.unit, axis.step) == ("months", step)
    assert axis.dates(np.arange(24)).tolist() == there


def test_working_days_pass_over_the_weekend() -> None:
    all_days = np.arange("2024-01-01", "2024-02-01", dtype="datetime64[D]")
    axis = even_axis(all_days[np.is_busday(all_days)].astype(np.float64), dates=True)
    assert (axis.unit, axis.period) == ("weekdays", 5)
    assert str(axis.dates(np.array([23]))[0]) == "2024-02-01"
    assert axis.calendar(np.arange(5), 60)["weekday"].tolist() == [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
    ]


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (days("2024-01-01", "2024-01-02", "2024-01-02"), "2024-01-02 more than once"),
        (np.array([0.0, 1.0, 2.5]), "steps of 1 and 1.5, the latter after 1"),
        (np.array([0.0]), "at least two times"),
    ],
)
def test_times_that_are_no_axis_are_named(times: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        even_axis(times, dates=len(times) == 3 and times[0] > 0)


def test_windows_hold_what_lies_before() -> None:
    np.testing.assert_array_equal(
        windows(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 3]), 2), [[np.nan, np.nan], [1, 2], [2, 3]]
    )


@given(st.integers(4, 30), st.integers(0, 1000))
def test_a_period_is_heard_through_noise_and_trend(period: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(8 * period + 40)
    values = 0.05 * t + 2 * np.sin(2 * np.pi * t / period) + 0.2 * rng.standard_normal(len(t))
    found = autocorrelation_period(values)
    assert found is not None
    assert abs(found - period) <= 1 + period // 20


def test_noise_has_no_period() -> None:
    found = [autocorrelation_period(np.random.default_rng(seed).standard_normal(100)) for seed in range(40)]
    assert sum(item is not None for item in found) <= 2


@pytest.mark.parametrize("step", [0.1, 1 / 12, 1e-5, 3.0, 1e9])
def test_numbers_come_back_without_digits_of_rounding(step):
    times = 1949 + np.arange(40) * step
    ahead = even_axis(times, dates=False).dates(np.arange(40, 50))
    np.testing.assert_allclose(ahead, 1949 + np.arange(40, 50) * step, rtol=0, atol=1e-6 * step)
    assert max(len(repr(item)) for item in (ahead - 0).tolist()) <= 14
