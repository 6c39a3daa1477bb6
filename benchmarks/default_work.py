"""Whether work "normal" means about a minute: CPU seconds and units charged, on tables and courses of any legal shape.

    python benchmarks/default_work.py [--count 100] [--seed 0] [--only K ...] [--where]
    python benchmarks/default_work.py summary

Each problem is drawn from the seed and its number: a table for `find_formula` (rows from 5 to 100,000, 1 to 60 columns of
numbers, heavy tails, whole numbers, repeated values, dates or words, with gaps or without; a law or none, noise, and
sometimes weights, sigma, errors in a column, groups, units or a robust loss) or courses for `find_dynamics` (1 to 10 states,
1 to 5 courses, driven or not, stiff or not). Each is searched in a process of its own, which a callback ends after 200 CPU
seconds and the system after 400. Rows are kept as they come, in docs/rows/default-work.csv, and what is there is not
searched again. `--where` prints for a single problem where seconds were spent and units charged.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _common import Clock, common_options, keep_row, kept_rows, machine

import edgewise as ew
from edgewise._core.work import Meter, running
from edgewise.dynamics import find_dynamics

ROW_FILE = Path(__file__).parent.parent / "docs" / "rows" / "default-work.csv"
# CPU seconds after which a callback ends a search, and after which the system does.
ASKED, KILLED = 200, 400
COURSES = 0.3
UNITS = ("kg", "m", "s", "m/s", "J", "1")


@dataclass(frozen=True)
class Answer:
    """A row of a run: what was searched, and what that took."""

    seed: int
    problem: int
    shape: str
    seconds: float
    units: float
    rate: float
    ended: str


@dataclass(frozen=True)
class Problem:
    """What is searched, in words, and the search for it, which takes a callback."""

    shape: str
    search: Callable[[Callable[[object], bool]], Any]


def whole(rng: np.random.Generator, low: float, high: float) -> int:
    """A whole number, its logarithm anywhere between two others'."""
    return int(np.exp(rng.uniform(np.log(low), np.log(high + 0.999))))


def drawn(seed: int, number: int) -> Problem:
    rng = np.random.default_rng([seed, number])
    return courses(rng) if rng.random() < COURSES else table(rng)


def column(rng: np.random.Generator, n: int, kind: str) -> Any:
    if kind == "words":
        return np.array([f"w{at}" for at in rng.integers(0, whole(rng, 2, 2 + min(n / 10, 38)), n)])
    if kind == "dates":
        return 18262.0 + np.sort(rng.uniform(0, 1000, n))
    return {
        "numbers": lambda: rng.uniform(*np.sort(rng.uniform(-5, 10, 2)), n),
        "positive": lambda: rng.uniform(0.5, 3, n),
        "normal": lambda: rng.standard_normal(n),
        "decades": lambda: np.exp(rng.uniform(-6, 6, n)),
        "heavy": lambda: rng.standard_t(1.5, n),
        "whole": lambda: rng.integers(0, whole(rng, 1, 1000) + 1, n).astype(float),
        "repeated": lambda: rng.choice(rng.uniform(-2, 5, whole(rng, 2, 9)), n),
        "gaps": lambda: np.where(rng.random(n) < rng.uniform(0, 0.05), np.nan, rng.uniform(1, 3, n)),
    }[kind]()


EXTRAS = (
    "plain", "plain", "plain", "words", "words", "groups", "sigma", "weights", "x_sigma", "units", "robust", "dates",
)  # fmt: skip
KINDS = ("numbers", "positive", "normal", "decades", "heavy", "whole", "repeated", "gaps")


def law(rng: np.random.Generator, columns: list[np.ndarray], depth: int = 3) -> np.ndarray:
    """The values of an expression of a small grammar in a few columns."""
    if depth == 0 or rng.random() < 0.2:
        return columns[rng.integers(len(columns))]
    kind = rng.integers(9)
    a = law(rng, columns, depth - 1)
    c = rng.uniform(0.3, 3)
    if kind < 4:
        b = law(rng, columns, depth - 1)
        return [lambda: a + c * b, lambda: a - b, lambda: a * b, lambda: a / (c + np.abs(b))][kind]()
    scale = max(float(np.std(a)), 1e-9)
    return {
        4: lambda: np.exp(-c * np.abs(a) / scale),
        5: lambda: np.sin(c * a / scale),
        6: lambda: np.sqrt(np.abs(a)),
        7: lambda: np.log(c + np.abs(a)),
        8: lambda: np.abs(a) ** c,
    }[int(kind)]()


def table(rng: np.random.Generator) -> Problem:
    n, d = whole(rng, 5, 100_000), whole(rng, 1, 60)
    kinds = [str(item) for item in rng.choice(KINDS[: rng.integers(1, len(KINDS) + 1)], d)]
    extra = str(rng.choice(EXTRAS))
    numbers = {f"c{at}": column(rng, n, kind) for at, kind in enumerate(kinds)}
    filled = [np.nan_to_num(number) for number in numbers.values()]
    used = [filled[at] for at in rng.permutation(d)[: whole(rng, 1, 5)]]
    lawful = rng.random() < 0.75
    y = law(rng, used) if lawful else rng.standard_normal(n)
    noise = float(rng.choice([0, 0.01, 0.1]))
    said = [f"{n} x {d}", extra, f"noise {noise:g}" if lawful else "no law"]
    options: dict[str, Any] = {}
    X: Any = pd.DataFrame(numbers)
    if extra in ("words", "groups"):
        for at in range(1 if extra == "groups" else whole(rng, 1, 4)):
            X[f"w{at}"] = column(rng, n, "words")
        if rng.random() < 0.7:
            y = y * X["w0"].map({item: rng.uniform(0.5, 2) for item in sorted(X["w0"].unique())}).to_numpy()
        if extra == "groups":
            options["groups"] = "w0"
    y = np.asarray(y + noise * float(np.std(y)) * rng.standard_normal(n))
    if rng.random() < 0.1:
        y = y + np.std(y) * rng.standard_t(1.2, n) * (rng.random(n) < 0.05)
        said.append("heavy tails")
    if extra == "dates":
        X["when"] = column(rng, n, "dates")
    if extra == "sigma":
        options["sigma"] = np.maximum(noise, 1e-3) * max(float(np.std(y)), 1e-6) * rng.uniform(0.5, 2, n)
    if extra == "weights":
        options["sample_weight"] = rng.choice([0.0, 1.0, 2.5], n, p=[0.1, 0.6, 0.3])
    if extra == "x_sigma":
        options["x_sigma"] = {"c0": 0.02}
    if extra == "units":
        options["units"] = {name: str(rng.choice(UNITS)) for name in (*X.columns, "y")}
    if extra == "robust":
        options["loss"] = "robust"
    return Problem(
        f"table, {', '.join(said)}, {'/'.join(sorted(set(kinds)))}",
        lambda callback: ew.find_formula(X, y, callbacks=[callback], **options),
    )


def courses(rng: np.random.Generator) -> Problem:
    d, count, n = whole(rng, 1, 10), int(rng.integers(1, 6)), whole(rng, 30, 3000)
    kind = str(rng.choice(["linear", "growth", "oscillators", "stiff", "phase", "random walk"]))
    force = bool(rng.random() < 0.4)
    noise = float(rng.choice([0, 0.01, 0.1]))
    t, states, inputs, labels = [], [], [], []
    slope = field(rng, kind, d)
    span = rng.uniform(5, 30)
    for at in range(count):
        times = np.linspace(0, span, n) if rng.random() < 0.7 else np.sort(rng.uniform(0, span, n))
        u = np.sin(rng.uniform(0.3, 2) * times + rng.uniform(0, 6)) if force else np.zeros(n)
        if kind == "random walk":
            z = np.cumsum(rng.standard_normal((n, d)), axis=0) / np.sqrt(n)
        else:
            z = solved(slope, times, u, rng.uniform(0.3, 1.5, d))
        t, states, inputs, labels = [*t, times], [*states, z], [*inputs, u], [*labels, np.full(n, at)]
    z = np.concatenate(states)
    z = z + noise * z.std(0) * rng.standard_normal(z.shape)
    options = {"inputs": np.concatenate(inputs)} if force else {}
    said = f"courses, {count} of {n} x {d}, {kind}{', driven' if force else ''}, noise {noise:g}"
    return Problem(
        said,
        lambda callback: find_dynamics(
            np.concatenate(t), z, groups=np.concatenate(labels), callbacks=[callback], **options
        ),
    )


def field(rng: np.random.Generator, kind: str, d: int) -> Callable[[np.ndarray, float], np.ndarray]:
    """Slopes of states, from these and the input."""
    A = rng.uniform(-1, 1, (d, d)) * (rng.random((d, d)) < 3 / d)
    push = rng.uniform(0, 1, d) * (rng.random(d) < 0.5)
    turn = A - A.T
    rates = rng.uniform(0.1, 1, d)
    return {
        "linear": lambda z, u: turn @ z - 0.1 * rates * z + push * u,
        "growth": lambda z, u: z * (rates - (np.abs(A) / d + np.eye(d)) @ z) + 0.1 * push * u,
        "oscillators": lambda z, u: turn @ z + rates * z * (1 - z**2) + push * u,
        "stiff": lambda z, u: 20 * turn @ z - 50 * rates * (z - np.tanh(z)) - z + push * u,
        "phase": lambda z, u: rates + np.sin(turn @ z) + push * u,
    }.get(kind, lambda z, u: z)


def solved(
    slope: Callable[[np.ndarray, float], np.ndarray], times: np.ndarray, u: np.ndarray, z: np.ndarray
) -> np.ndarray:
    """By classical Runge-Kutta steps, four or more between two times, the input linear between them."""
    rows = [z]
    for at, gap in enumerate(np.diff(times)):
        parts = max(4, int(np.ceil(gap / 0.01)))
        h, inputs = gap / parts, np.linspace(u[at], u[at + 1], 2 * parts + 1)
        for low, middle, high in zip(inputs[:-1:2], inputs[1::2], inputs[2::2], strict=True):
            first = slope(z, low)
            second = slope(z + h / 2 * first, middle)
            third = slope(z + h / 2 * second, middle)
            z = z + h / 6 * (first + 2 * second + 2 * third + slope(z + h * third, high))
        rows.append(z)
    return np.array(rows)


class Where:
    """Seconds spent and units charged in each function, with what it calls, from a sample every 10 ms of CPU time."""

    def __init__(self, meter: Meter) -> None:
        self.meter, self.last = meter, (time.process_time(), 0.0)
        self.seconds, self.units = Counter[str](), Counter[str]()

    def __call__(self, number: int, frame: Any) -> None:
        now = (time.process_time(), self.meter.spent)
        took, charged = now[0] - self.last[0], now[1] - self.last[1]
        self.last = now
        seen = set[str]()
        while frame is not None:
            code = frame.f_code
            if "edgewise" in code.co_filename:
                seen.add(f"{code.co_filename.rsplit('edgewise/', 1)[1]}:{code.co_qualname}")
            frame = frame.f_back
        for name in seen:
            self.seconds[name] += took
            self.units[name] += charged

    def __str__(self) -> str:
        rows = [
            f"{s:8.1f} s {self.units[name]:8.1f} units  {name}"
            for name, s in self.seconds.most_common(90)
            if s > 0.5
        ]
        return "\n".join(rows)


def searched(problem: Problem, where: bool) -> dict[str, Any]:
    resource.setrlimit(resource.RLIMIT_CPU, (KILLED, KILLED + 10))
    clock, meter = Clock(), Meter()
    sampled = Where(meter)
    if where:
        signal.signal(signal.SIGPROF, sampled)
        signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    try:
        with running(meter):
            ended = str(problem.search(clock.limit(ASKED)).stop_reason)
    except ew.InputError as error:
        ended = f"refused: {error}"
    if where:
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(sampled, file=sys.stderr)
    return {"seconds": clock.seconds, "units": meter.spent, "ended": ended}


def measured(seed: int, number: int, where: bool) -> Answer:
    """One problem in a process of its own."""
    answer = Answer(
        seed, number, drawn(seed, number).shape, float(KILLED), float("nan"), float("nan"), "killed"
    )
    command = [
        sys.executable,
        __file__,
        "--seed",
        str(seed),
        "--one",
        str(number),
        *(["--where"] if where else []),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode == 0:
        told = json.loads(done.stdout.splitlines()[-1])
        answer = replace(answer, **told, rate=told["seconds"] / max(told["units"], 1e-9))
    return answer


def summary() -> None:
    rows = kept_rows(ROW_FILE, Answer)
    seconds = np.array([row.seconds for row in rows])
    print(
        f"{len(rows)} problems; over 90 s: {int((seconds > 90).sum())}; over 180 s: {int((seconds > 180).sum())}"
    )
    print(f"median {np.median(seconds):.1f} s, the longest {seconds.max():.1f} s")
    for row in sorted(rows, key=lambda row: -row.seconds)[:10]:
        print(f"{row.seconds:7.1f} s {row.units:7.1f} units  {row.problem}: {row.shape}; {row.ended}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether work normal means about a minute")
    parser.add_argument("what", nargs="?", choices=("run", "summary"), default="run")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", type=int, nargs="+", help="the numbers of problems, searched anew and not kept"
    )
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        "--where", action="store_true", help="print where seconds were spent and units charged"
    )
    common_options(parser, "the first five")
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(searched(drawn(options.seed, options.one), options.where)))
        return
    if options.what == "summary":
        summary()
        return
    print(f"# Default work\n{machine()}\n", flush=True)
    known = {(row.seed, row.problem) for row in kept_rows(ROW_FILE, Answer)}
    numbers = options.only or [
        n for n in range(5 if options.quick else options.count) if (options.seed, n) not in known
    ]
    for number in numbers:
        answer = measured(options.seed, number, options.where)
        print(
            *(f"{value:.3g}" if isinstance(value, float) else value for value in asdict(answer).values()),
            flush=True,
        )
        if not (options.only or options.quick):
            keep_row(ROW_FILE, answer)


if __name__ == "__main__":
    main()
