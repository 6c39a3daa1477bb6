"""Forecasts of simulated series and of Box and Jenkins' airline passengers: errors beside rules without a model, coverage.

    python benchmarks/forecasts.py [--seeds 12]

The series are drawn here, nothing was tuned on them but the choice to try three bases. CPU time of one thread.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _common import common_options
from numpy.typing import NDArray

from edgewise.estimators import KANForecaster

Floats = NDArray[np.float64]
DAYS, AHEAD, LEVEL = 220, 14, 0.9
# Thousands a month, 1949 to 1960: Box, Jenkins (1970), series G.
PASSENGERS = """
112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140 145 150 178 163 172
178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194 196 196 236 235 229 243 264 272 237 211
180 201 204 188 235 227 234 264 302 293 259 229 203 229 242 233 267 269 270 315 364 347 312 274 237 278 284 277 317
313 318 374 413 405 355 306 271 306 315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505
404 359 310 337 360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432
"""


def series(seed: int) -> dict[str, Floats]:
    """One of each kind."""
    rng, t = np.random.default_rng(seed), np.arange(DAYS)
    shocks = rng.normal(size=DAYS)
    follow = np.zeros(DAYS)
    for i in range(1, DAYS):
        follow[i] = 0.7 * follow[i - 1] + rng.normal()
    week = np.tile(3 * rng.normal(size=7), DAYS)[:DAYS]
    return {
        "a week and noise": 50 + 5 * np.sin(2 * np.pi * t / 7) + shocks,
        "a random walk": 100 + np.cumsum(shocks),
        "a trend, a week, correlated noise": 20 + 0.1 * t + week + follow,
        "growth by shares": 10 * np.exp(0.01 * t + 0.2 * np.sin(2 * np.pi * t / 7) + 0.05 * shocks),
    }


def one(values: Floats) -> tuple[float, float, float, float]:
    """Coverage, and mean absolute errors of the model, of the last week and of the last value."""
    days = np.datetime64("2021-03-01") + np.arange(len(values))
    known, actual = values[:-AHEAD], values[-AHEAD:]
    model = KANForecaster(time="day", horizon=AHEAD, work="quick").fit({"day": days[:-AHEAD]}, known)
    coming = model.forecast(AHEAD, return_interval=LEVEL)
    assert coming.low is not None
    assert coming.high is not None
    inside = float(np.mean((coming.low <= actual) & (actual <= coming.high)))
    week = known[-7:][np.arange(AHEAD) % 7]
    return inside, *(
        float(np.abs(told - actual).mean()) for told in (coming.values, week, np.full(AHEAD, known[-1]))
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=12)
    common_options(parser, "one seed")
    options = parser.parse_args()
    seeds = 1 if options.quick else options.seeds
    began = time.process_time()
    found = [{kind: one(values) for kind, values in series(seed).items()} for seed in range(seeds)]
    print("kind | coverage | model | last week | last value")
    for kind in found[0]:
        print(kind, *np.mean([item[kind] for item in found], axis=0).round(3), sep=" | ")
    print(f"{time.process_time() - began:.0f} CPU s for {4 * seeds} series")
    y = np.array(PASSENGERS.split(), dtype=np.float64)
    months = np.arange("1949-01", "1961-01", dtype="datetime64[M]")
    began = time.process_time()
    model = KANForecaster(time="month").fit({"month": months[:120]}, y[:120])
    error = model.forecast(24).values - y[120:]
    print(
        f"passengers, the last 24 months: root mean square error {np.sqrt(np.mean(error**2)):.1f}, mean absolute error "
        f"{np.mean(np.abs(error) / y[120:]):.1%}, {time.process_time() - began:.1f} CPU s"
    )


if __name__ == "__main__":
    main()
