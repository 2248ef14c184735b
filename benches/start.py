"""How long until something happens, and how large the binary is.

    make bench-start

ROUNDS may be set. It ends with 1 if a bar is missed.
"""

import os
import pathlib
import statistics
import sys
import tempfile

import measure

DFPIPE = measure.binary()
ROUNDS = int(os.environ.get("ROUNDS", 15))

# Seconds and megabytes.
START, SIZE = 0.060, 120


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = measure.with_a_run(pathlib.Path(folder) / "project", DFPIPE)
        return judge(folder)


def judge(folder):
    calls = {
        "--version": ["--version"],
        "query, no table": ["query", "select 1"],
        "query, a table": ["query", "select category, count(*) from unified_customers group by category order by 1"],
        "check, to its end": ["check"],
        "run, fixtures": ["run", "-q"],
    }
    figures = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, arguments in calls.items():
            figures[name].append(measure.measured([DFPIPE, *arguments], folder)[0])
    print(f"medians of {ROUNDS} interleaved rounds, whole processes, warm")
    print(f"{'':20}{'milliseconds':>13}{'from':>7}{'to':>7}{'processor ms':>14}{'memory MB':>11}{'at most':>9}")
    is_well = True
    for name, runs in figures.items():
        times, processor, memory = zip(*runs)
        median, bar = statistics.median(times), START if name.startswith("query") else None
        is_well &= bar is None or median <= bar
        said = f"{bar * 1000:>9.0f}" if bar else ""
        print(
            f"{name:20}{median * 1000:>13.1f}{min(times) * 1000:>7.1f}{max(times) * 1000:>7.1f}"
            f"{statistics.median(processor) * 1000:>14.1f}{statistics.median(memory):>11.0f}{said}"
        )
    megabytes = DFPIPE.stat().st_size / 1e6
    print(f"\nthe binary has {megabytes:.1f} MB (at most {SIZE})")
    return 0 if is_well and megabytes <= SIZE else 1


sys.exit(main())
