"""Hostile input by the thousand: every attempt must end in a result or one clear sentence.

`python benchmarks/hostile.py --count 10000 --seed 0` carries out attempts of every kind in worker processes with limits of
time and memory, and prints a table: kind, count, results, sentences, faults, slowest. `--kind NAME` runs one kind only,
`--replay NAME SEED` one attempt in this process, and `--kills 100` ends fits at random moments and has them resumed.
"""

from __future__ import annotations

import os

# One thread, set before numpy and torch load their libraries: their threads would not survive the forks of the kills.
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from _common import OUT, common_options, machine, text

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.hostile import kills, kinds, pool  # noqa: E402 - the repository's root must be on the path first
from tests.hostile.attempts import Outcome, carry_out, plan  # noqa: E402

COLUMNS = ("kind", "count", "results", "sentences", "faults", "slowest, s")


def rows(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """One row a kind, and their sum."""
    made: list[dict[str, Any]] = []
    for name in [*kinds.KINDS, ""]:
        own = [outcome for outcome in outcomes if name in ("", outcome.kind)]
        if own:
            ends = Counter(item.end for item in own)
            counts = (len(own), ends["result"], ends["sentence"], ends["fault"])
            slowest = float(f"{max(item.seconds for item in own):.2g}")
            made.append(dict(zip(COLUMNS, (name or "all", *counts, slowest), strict=True)))
    return made


def table(made: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    return "\n".join([*lines, *("| " + " | ".join(map(text, row.values())) + " |" for row in made)])


def save(made: list[dict[str, Any]], seed: int) -> None:
    """Put them where the pages are filled from."""
    _, count, results, sentences, faults, _ = made[-1].values()
    note = (
        f"{count:,} attempts of {len(made) - 1} kinds (seed {seed}): {results:,} ended in a result, {sentences:,} in one "
        f"clear sentence, {faults:,} in anything else."
    )
    part = {"machine": machine(), "rows": made, "notes": [note]}
    (OUT / "hostile.json").write_text(json.dumps({"attempts": part}, indent=1))


def way(text: str) -> str:
    """Faults that fail at one place in one way are alike."""
    places = [line for line in text.splitlines() if "/src/edgewise/" in line]
    last = (text.strip().splitlines() or [""])[-1]
    return f"{places[-1] if places else ''}{last.split(':')[0][:60]}"


def kill(count: int, seed: int) -> int:
    """Kill fits and commands at random moments and see what they end in; a row for each sort."""
    kinds.warm_up()
    done = kills.run(count, seed, lambda made: print(".", end="", flush=True))
    print(
        "\n\n| what | runs | kills at work | went on from a file | wrong | slowest, s |\n|---|---|---|---|---|---|"
    )
    for what in sorted({item.what for item in done}):
        own = [item for item in done if item.what == what]
        wrong, slowest = sum(bool(item.wrong) for item in own), max(item.seconds for item in own)
        cells = [
            what,
            len(own),
            sum(item.times for item in own),
            sum(item.kept for item in own),
            wrong,
            f"{slowest:.2g}",
        ]
        print("| " + " | ".join(map(str, cells)) + " |")
    for item in done:
        if item.wrong:
            print(f"\n{item.what}: {item.wrong}")
    return int(any(item.wrong for item in done))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/hostile.py", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kind", action="append", help="only this kind")
    parser.add_argument("--replay", nargs=2, metavar=("KIND", "SEED"), help="one attempt, in this process")
    parser.add_argument("--show", type=int, default=3, help="faults shown for each way of failing")
    parser.add_argument(
        "--go-on", action="store_true", help="what the last run left undone or found faulty, into its table"
    )
    parser.add_argument("--kills", type=int, default=0, help="kill so many fits and commands instead")
    common_options(parser, "a hundred attempts")
    options = parser.parse_args()
    options.count = 100 if options.quick else options.count
    if options.kills:
        return kill(options.kills, options.seed)
    if options.replay:
        kinds.warm_up()
        print(carry_out(options.replay[0], int(options.replay[1])))
        return 0
    began, part = time.monotonic(), options.quick or bool(options.kind)
    if options.kind:
        for name in [*kinds.KINDS]:
            if name not in options.kind:
                del kinds.KINDS[name]
    out = OUT / f"hostile{'-some' if part else ''}.jsonl"
    attempts = plan(options.count, options.seed)
    before = [Outcome(**json.loads(line)) for line in out.read_text().splitlines()] if options.go_on else []
    # Of a kind and seed the last outcome counts; what failed is tried again.
    done = {(item.kind, item.seed): item for item in before if item.end != "fault"}
    out.parent.mkdir(exist_ok=True)
    with out.open("a" if options.go_on else "w") as file:

        def keep(outcome: Outcome) -> None:
            file.write(json.dumps(vars(outcome)) + "\n")
            file.flush()

        left = [attempt for attempt in attempts if attempt not in done]
        outcomes = [done[attempt] for attempt in attempts if attempt in done] + pool.run(
            left, options.workers, keep
        )
    made = rows(outcomes)
    print(
        f"{len(outcomes):,} attempts, seed {options.seed}, {time.monotonic() - began:.0f} s\n\n{table(made)}\n"
    )
    if not part:
        save(made, options.seed)
    faults = [item for item in outcomes if item.end == "fault"]
    ways: dict[tuple[str, str], list[Outcome]] = {}
    for fault in faults:
        ways.setdefault((fault.kind, way(fault.text)), []).append(fault)
    for (name, _), alike in sorted(ways.items(), key=lambda item: -len(item[1])):
        print(f"--- {name}: {len(alike)} alike")
        for item in alike[: options.show]:
            print(f"    seed {item.seed}: {item.what}\n{item.text.strip()}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
