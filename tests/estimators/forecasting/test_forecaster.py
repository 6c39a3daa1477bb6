"""Forecasts: laws that every series shows, against values that came afterwards."""

import json

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from edgewise import FileError, InputError
from edgewise.cli import main
from edgewise.estimators import KANForecaster
from edgewise.explaining import explain
from edgewise.network.container import read_container, write_container
from edgewise.network.files import promised_tensors

DAYS = np.arange("2022-01-03", "2022-09-01", dtype="datetime64[D]")
T = np.arange(len(DAYS))


def series(seed: int = 0, noise: float = 0.3) -> np.ndarray:
    return (
        30
        + 0.05 * T
        + 4 * np.sin(2 * np.pi * T / 7)
        + noise * np.random.default_rng(seed).standard_normal(len(T))
    )


@pytest.fixture(scope="module")
def weekly() -> KANForecaster:
    return KANForecaster(time="day", horizon=14, work=0.05).fit(
        pd.DataFrame({"day": DAYS[100:-14]}), pd.DataFrame({"sales": series()[100:-14]})
    )


@pytest.mark.slow
def test_a_trend_and_a_week_are_carried_on(weekly: KANForecaster) -> None:
    coming = weekly.forecast(return_interval=0.9)
    actual = series()[-14:]
    assert coming.name == "sales"
    assert [str(day) for day in coming.times] == [str(day) for day in DAYS[-14:]]
    assert np.abs(coming.values - actual).mean() < 0.6
    assert (coming.low < coming.values).all()
    assert np.mean((coming.low <= actual) & (actual <= coming.high)) >= 0.7
    assert weekly.backtest_.relative < 0.9
    assert str(coming).splitlines()[0].split() == ["time", "sales"]


def test_what_is_known_beforehand_is_all_that_is_used(weekly: KANForecaster) -> None:
    """The first forecast is the model's own of its inputs, which are values that had come."""
    coming = weekly.forecast(3)
    first = weekly.model_.predict(coming.inputs)[0]
    past = np.concatenate([series()[:-14], coming.values])
    base = {"none": 0.0, "last": past[-4], "season": past[-3 - 7]}[weekly.design_.base]
    if not weekly.design_.log:
        assert first + base == pytest.approx(coming.values[0])
    found = explain(weekly.model_, coming.inputs, row=0)
    assert found.value == pytest.approx(first)


def test_steps_far_ahead_are_less_certain(weekly: KANForecaster) -> None:
    coming = weekly.forecast(40, return_interval=0.8)
    widths = coming.high - coming.low
    assert len(coming) == 40
    assert (np.diff(widths[:14]) >= -1e-9).all()
    assert (np.diff(widths[14:]) > 0).all()


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing_and_bits_repeat() -> None:
    order = np.random.default_rng(1).permutation(120)
    table, y = pd.DataFrame({"day": DAYS[:120]}), series()[:120]
    plain = KANForecaster(time="day", horizon=5, work=0.01).fit(table, y).forecast(5)
    mixed = KANForecaster(time="day", horizon=5, work=0.01).fit(table.iloc[order], y[order]).forecast(5)
    np.testing.assert_array_equal(plain.values, mixed.values)


@pytest.mark.slow
def test_days_that_are_missing_are_no_harm() -> None:
    kept = np.setdiff1d(T[:200], [50, 51, 120, 198])
    model = KANForecaster(time="day", horizon=7, work=0.05).fit({"day": DAYS[kept]}, series()[kept])
    coming = model.forecast(7, return_interval=0.8)
    assert str(coming.times[0]) == str(DAYS[200])
    assert np.abs(coming.values - series()[200:207]).mean() < 1.5


@pytest.mark.slow
def test_columns_known_ahead_are_used() -> None:
    rng = np.random.default_rng(3)
    shop = np.where(rng.uniform(size=len(T)) < 0.3, "sale", "none").astype(object)
    y = 20 + 6 * (shop == "sale") + 0.2 * rng.standard_normal(len(T))
    model = KANForecaster(time="day", horizon=10, work=0.1, period=None).fit(
        {"day": DAYS[:-10], "shop": shop[:-10]}, y[:-10]
    )
    coming = model.forecast(10, {"shop": shop[-10:]})
    assert np.abs(coming.values - y[-10:]).mean() < 1.0
    with pytest.raises(InputError, match="must hold shop for each of the 10 steps"):
        model.forecast(10)


@pytest.mark.slow
def test_a_series_without_times_may_have_a_period_of_its_own() -> None:
    y = 10 + 3 * np.sin(2 * np.pi * np.arange(150) / 25)
    model = KANForecaster(work=0.05).fit(None, y)
    assert model.design_.period == 25
    assert np.abs(model.forecast(25).values - y[:25]).max() < 0.3


@pytest.mark.parametrize(
    ("options", "X", "y", "words"),
    [
        ({"time": "dya"}, {"day": DAYS[:60]}, series()[:60], "did you mean 'day'"),
        ({"time": "day"}, None, series()[:60], "must hold the column 'day'"),
        (
            {"time": "day"},
            {"day": ["a"] * 60},
            series()[:60],
            r"must hold dates or numbers.*Got 'a' in row 0 \(counted from 0\) instead; write dates as 2010-01-31, or read",
        ),
        (
            {"time": "day"},
            {"day": ["2020-02-30", *DAYS[1:60].astype(str)]},
            series()[:60],
            "Got '2020-02-30' in row 0",
        ),
        (
            {"time": "day"},
            {"day": [None, *DAYS[1:60].astype(str)]},
            series()[:60],
            "Got none in row 0",
        ),
        (
            {"time": "day"},
            {"day": ["03/04/2020", "05/06/2020"] * 30},
            series()[:60],
            "whether day or month comes first",
        ),
        (
            {"time": "day"},
            {"day": [str(DAYS[0]), *DAYS[:59].astype(str)]},
            series()[:60],
            "each time once.*2022-01-03",
        ),
        (
            {"time": "day"},
            {"day": [str(DAYS[3]), "1-1-1", *DAYS[5:63].astype(str)]},
            series()[:60],
            "Got '1-1-1' in row 1",
        ),
        ({"time": "day"}, pd.DataFrame({"dai": DAYS[:60]}), series()[:60], "name a column of X"),
        (
            {"time": "t"},
            {"t": [0.0, 1e-3, *range(1, 50), 1e7]},
            series()[:52],
            "look for a time that is wrong",
        ),
        (
            {},
            pd.DataFrame({"x": T[:60]}, index=pd.to_datetime(DAYS[:60])),
            pd.Series(series()[:60], index=pd.to_datetime(DAYS[1:61])),
            "same times in the same order",
        ),
        ({}, None, series()[:12], "must leave 8 values to learn from"),
        ({"horizon": 31}, None, series()[:60], "'horizon' argument must be at most 30"),
        ({"lags": "many"}, None, series()[:60], "'lags' argument"),
        ({"period": 1}, None, series()[:60], "'period'"),
        ({}, None, np.ones((60, 2)), "one series"),
    ],
)
def test_bad_input_ends_in_a_sentence(options: dict, X: object, y: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        KANForecaster(work=0.05, **options).fit(X, y)


MONTHS = np.arange("2015-01", "2023-01", dtype="datetime64[M]")
SALES = 100 + 0.5 * np.arange(96) + 10 * np.sin(2 * np.pi * np.arange(96) / 12)


@pytest.mark.slow
def test_the_same_months_however_they_are_written_give_the_same_bits() -> None:
    """As dates, words, or periods of pandas, in a column or an index, of X or of y, in any order of the rows."""
    options = {"horizon": 4, "work": 0.01, "period": None}
    months, sales = MONTHS[:48], SALES[:48]
    plain = KANForecaster("month", **options).fit({"month": months}, sales).forecast(4)
    assert [str(time) for time in plain.times] == ["2019-01-01", "2019-02-01", "2019-03-01", "2019-04-01"]
    periods, days = pd.PeriodIndex(months.astype(str), freq="M", name="month"), months.astype("datetime64[D]")
    mixed = np.random.default_rng(0).permutation(48)
    ways = [
        ("month", {"month": months.astype(str)}, sales),
        ("month", pd.DataFrame({"month": days.astype(str)}), sales),
        ("month", {"month": [f"{day}T00:00:00Z" for day in days]}, sales),
        ("month", pd.DataFrame({"month": periods}), sales),
        ("month", {"month": periods}, sales),
        ("month", None, pd.Series(sales, index=periods)),
        (None, None, pd.Series(sales, index=periods)),
        (None, None, pd.Series(sales, index=periods.to_timestamp())),
        (None, None, pd.DataFrame({"y": sales[mixed]}, index=periods[mixed])),
    ]
    for time, X, y in ways:
        coming = KANForecaster(time, **options).fit(X, y).forecast(4)
        np.testing.assert_array_equal(coming.times, plain.times)
        np.testing.assert_array_equal(coming.values, plain.values)


@pytest.mark.slow
def test_quarters_and_weeks_keep_their_step_and_the_series_its_name() -> None:
    for freq, step in (("Q", 3), ("W", 7)):
        index = pd.period_range("2015-01-01", periods=96, freq=freq)
        model = KANForecaster(work=0.01, horizon=4, period=None).fit(
            None, pd.Series(SALES, index=index, name="sales")
        )
        coming = model.forecast(2)
        assert (model.design_.axis.step, coming.name) == (step, "sales")
        assert [str(time) for time in coming.times] == [
            str((index[-1] + k).to_timestamp().date()) for k in (1, 2)
        ]


@pytest.mark.slow
def test_rows_of_columns_known_ahead_are_found_by_their_times() -> None:
    shop = np.where(np.random.default_rng(3).uniform(size=len(T)) < 0.3, 6.0, 0.0)
    frame = pd.DataFrame({"day": DAYS.astype(str), "shop": shop})
    model = KANForecaster(time="day", horizon=10, work=0.05, period=None)
    model.fit(frame[:-10], (20 + shop + 0.1 * np.sin(T))[:-10])
    plain = model.forecast(10, frame[["shop"]][-10:])
    np.testing.assert_array_equal(model.forecast(10, frame[-10:]).values, plain.values)
    np.testing.assert_array_equal(model.forecast(10, frame[::-1]).values, plain.values)  # all rows, backwards
    with pytest.raises(InputError, match=r"each of the 10 times that follow once\. Got 2022-08-25 in no row"):
        model.forecast(10, pd.concat([frame[:20], frame.drop(index=len(T) - 7)[-9:]]))
    with pytest.raises(InputError, match=r"Got 2022-08-31 in 2 rows"):
        model.forecast(10, pd.concat([frame[-10:], frame[-1:]]))


def test_steps_are_limited_and_an_interruption_changes_nothing(
    weekly: KANForecaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        InputError,
        match=r"'steps' argument must be an int in the range \[1, 100000\]",
    ):
        weekly.forecast(10**6)
    before, calls = weekly.forecast(5).values, []
    own = weekly.model_.predict

    def interrupted(table: object) -> object:
        calls.append(table)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return own(table)

    with monkeypatch.context() as patch:
        patch.setattr(weekly.model_, "predict", interrupted, raising=False)
        with pytest.raises(KeyboardInterrupt):
            weekly.forecast(5)
    np.testing.assert_array_equal(weekly.forecast(5).values, before)


@pytest.mark.slow
def test_an_interrupted_fit_leaves_what_was_learned_before(monkeypatch: pytest.MonkeyPatch) -> None:
    model = KANForecaster(time="day", horizon=5, work=0.01).fit({"day": DAYS[:80]}, series()[:80])
    before = model.forecast(5).values

    def interrupt(record: object) -> bool:
        raise KeyboardInterrupt

    model.callbacks = interrupt
    with pytest.raises(KeyboardInterrupt):
        model.fit({"day": DAYS[:120]}, series()[:120])
    np.testing.assert_array_equal(model.forecast(5).values, before)


def run(*words: object) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


@pytest.mark.slow
def test_the_command_writes_a_table_and_a_picture(tmp_path, capsys) -> None:
    table, out, picture = tmp_path / "days.csv", tmp_path / "ahead.csv", tmp_path / "ahead.png"
    pd.DataFrame({"day": DAYS[:150], "sales": series()[:150]}).to_csv(table, index=False)
    assert (
        run(
            "forecast",
            table,
            "-t",
            "sales",
            "--time",
            "day",
            "-n",
            "7",
            "-o",
            out,
            "--plot",
            picture,
            "--work",
            "0.01",
        )
        == 0
    )
    ahead = pd.read_csv(out)
    assert list(ahead.columns) == ["day", "sales", "low", "high"]
    assert ahead["day"].iloc[0] == str(DAYS[150])
    assert picture.stat().st_size > 5_000
    assert "past moments" in capsys.readouterr().err
    assert run("forecast", table, "-t", "sales", "--time", "sales", "-n", "7", "-o", out) == 2


@pytest.mark.slow
def test_more_steps_change_neither_the_model_nor_what_it_is_judged_by(tmp_path, capsys) -> None:
    table = tmp_path / "days.csv"
    pd.DataFrame({"day": DAYS[:90], "sales": series()[:90]}).to_csv(table, index=False)
    command = ("forecast", table, "-t", "sales", "--time", "day", "--work", "0.01", "--json", "-q")

    def told(*words: str) -> dict:
        assert run(*command, *words) == 0
        return json.loads(capsys.readouterr().out)

    season, few, many, judged = told(), told("-n", "2"), told("-n", "60"), told("-n", "2", "--horizon", "3")
    assert [len(item["values"]) for item in (season, few, many, judged)] == [7, 2, 60, 2]
    for item in (few, many):
        assert item["backtest"] == season["backtest"]
        assert item["horizon"] == 7
    for name in ("values", "low", "high"):
        assert few[name] == season[name][:2]
        assert many[name][:7] == season[name]
    assert judged["horizon"] == len(judged["backtest"]["mae"]) == 3


def _kept(model: KANForecaster, path) -> KANForecaster:
    ew.save(model, path)
    return ew.load(path)


def test_a_file_keeps_every_bit_of_a_forecast(weekly: KANForecaster, tmp_path) -> None:
    again = _kept(weekly, tmp_path / "weekly.kan")
    assert type(again) is KANForecaster
    ours, theirs = (item.forecast(20, return_interval=0.9) for item in (weekly, again))
    for name in ("times", "values", "low", "high"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert again.design_ == weekly.design_
    assert again.backtest_ == weekly.backtest_
    assert again.get_params() == weekly.get_params()
    assert again.plot(theirs).axes
    assert _kept(again, tmp_path / "twice.kan").forecast(3).values.tolist() == ours.values[:3].tolist()


@pytest.mark.slow
def test_a_file_keeps_gaps_a_logarithmic_scale_and_columns_known_ahead(tmp_path) -> None:
    """Growing months with some left out, and a column of words that is told ahead."""
    month = np.arange("2012-01", "2020-01", dtype="datetime64[M]")
    t = np.arange(len(month))
    sale = np.where(t % 5 == 0, "yes", "no")
    y = np.exp(0.02 * t + 0.2 * np.sin(2 * np.pi * t / 12)) * np.where(sale == "yes", 1.3, 1.0)
    kept = np.flatnonzero(~np.isin(t, (17, 44)))
    model = KANForecaster(time="month", work=0.02, lags=[1, 12]).fit(
        {"month": month[kept], "sale": sale[kept]}, y[kept]
    )
    again = _kept(model, tmp_path / "model.kan")
    assert np.isnan(again.series_).sum() == 2
    ahead = {"sale": np.array(["yes", "no", "no"])}
    assert again.forecast(3, ahead).values.tolist() == model.forecast(3, ahead).values.tolist()
    with pytest.raises(InputError, match="must hold sale"):
        again.forecast(3)


def test_files_that_are_no_forecaster_are_refused(weekly: KANForecaster, tmp_path, capsys) -> None:
    with pytest.raises(InputError, match="must be fitted"):
        ew.save(KANForecaster(), tmp_path / "none.kan")
    path = tmp_path / "weekly.kan"
    ew.save(weekly, path)
    with pytest.raises(SystemExit) as left:
        main(["verify", str(path), "output <= 1"])
    assert left.value.code == 2
    assert "a forecaster of a series" in " ".join(capsys.readouterr().err.split())
    document, tensors = read_container(path, "KANForecaster", promised_tensors)
    for changed in (
        {"series": [1.0]},
        {"design": {}},
        {"parameters": {"odd": 1}},
        {"backtest": None},
        {"horizon": 0},
    ):
        write_container(path, {**document, **changed}, tensors, True)
        with pytest.raises(FileError, match="damaged"):
            ew.load(path)
