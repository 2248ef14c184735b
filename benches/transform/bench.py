"""The customer pipeline's transform, as dfpipe runs it and as people would write it with pandas, polars and DuckDB.

All begin with the same extract (Parquet, one table per source) and end with the same three tables, which are compared
before anything is measured: the same rows, counts and dates, scores within 1e-9. Each is a whole process. dfpipe does
more than the others in that time: it plans and types all models, keeps every table with its hash and a journal, and
runs its checks.

    make bench          1 million customers, 50 million events
    make bench-quick    ten times fewer

CUSTOMERS, EVENTS, ROUNDS and CONTENDERS (names, with spaces) may be set. It ends with 1 if a bar is missed.
"""

import importlib.metadata
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import measure  # noqa: E402  (beside this folder)

DFPIPE = measure.binary()
CUSTOMERS = int(os.environ.get("CUSTOMERS", 1_000_000))
EVENTS = int(os.environ.get("EVENTS", 50_000_000))
ROUNDS = int(os.environ.get("ROUNDS", 3))
CONTENDERS = os.environ.get("CONTENDERS", "duckdb polars pandas").split()
WORK = measure.HOME / "target/bench/transform"

# How many times as fast as each contender dfpipe has to be, and what share of its memory it may take.
SPEED = {"duckdb": 1.0, "polars": 1.0, "pandas": 8.0}
MEMORY = {"pandas": 1 / 3}


def main():
    project = measure.project(WORK / "project", measure.generated(CUSTOMERS, EVENTS))
    extract, (seconds, _, memory) = measure.extracted(project, DFPIPE)
    held = measure.size(extract) / 1e9
    print(f"{CUSTOMERS:,} customers, {EVENTS:,} events; extract: {seconds:.1f} s, {memory:.0f} MB of memory, {held:.2f} GB on disk", flush=True)
    agree(project, extract)
    figures = {name: {"warm": [], "cold": []} for name in ["dfpipe", *CONTENDERS]}
    for number in range(ROUNDS):
        # Cold once: it takes long and says little on a machine whose disk is fast.
        for state in ["cold", "warm"] if number == 0 else ["warm"]:
            for name in figures:
                figures[name][state].append(run(name, project, extract, state))
        print(f"round {number + 1}: " + ", ".join(f"{name} {runs['warm'][-1][0]:.2f} s" for name, runs in figures.items()), flush=True)
    return judge(figures)


def run(name, project, extract, state="warm"):
    """Seconds, processor seconds and megabytes of one contender from the extract to its tables."""
    out = WORK / name
    if name == "dfpipe":
        measure.copied(project, out)
        command = [DFPIPE, "run", "-q", "--resume", "--until", "transform", "--project", out]
    else:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        command = [sys.executable, HERE / f"with_{name}.py", extract, out]
    # What others have just written is not to be written while this one is measured.
    os.sync()
    if state == "cold":
        measure.forget(extract / "extract")
    return measure.measured(command)[0]


def agree(project, extract):
    """Every contender once; what they say must be what dfpipe says."""
    run("dfpipe", project, extract)
    ours = next((WORK / "dfpipe/.dfpipe/work").glob("*/models")).parent
    for name in CONTENDERS:
        run(name, project, extract)
        subprocess.run([sys.executable, HERE / "compare.py", ours, WORK / name], check=True)


def judge(figures):
    warm = {name: [statistics.median(column) for column in zip(*runs["warm"])] for name, runs in figures.items()}
    seconds, _, memory = warm["dfpipe"]
    print(f"\nfrom the extract to the tables, medians of {ROUNDS} interleaved rounds (lowest to highest); {versions()}")
    print(f"{'':8}{'seconds':>9}{'':>16}{'processor':>11}{'memory MB':>11}{'cold s':>8}{'dfpipe is':>11}{'at least':>10}{'its memory':>12}{'at most':>9}")
    is_well = True
    for name, (took, processor, used) in warm.items():
        times = [one[0] for one in figures[name]["warm"]]
        span = f"({min(times):.2f}–{max(times):.2f})"
        line = f"{name:8}{took:>9.2f}{span:>16}{processor:>11.1f}{used:>11.0f}{figures[name]['cold'][0][0]:>8.1f}"
        if name != "dfpipe":
            speed, share = took / seconds, memory / used
            is_well &= speed >= SPEED[name] and share <= MEMORY.get(name, share)
            most = f"{MEMORY[name]:.2f}x" if name in MEMORY else "–"
            line += f"{speed:>10.2f}x{SPEED[name]:>9.1f}x{share:>11.2f}x{most:>9}"
        print(line)
    return 0 if is_well else 1


def versions():
    own = subprocess.run([DFPIPE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return ", ".join([own, *(f"{name} {importlib.metadata.version(name)}" for name in CONTENDERS)])


sys.exit(main())
