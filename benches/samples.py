"""Where the processor's time of the transform goes: the shares of what it does, sampled while it runs.

    make bench-profile

A release build that keeps its symbols runs the customer pipeline's transform of five million events under `perf`, which has to be
there; each sample counts for the innermost of its frames that says what is done. CUSTOMERS and EVENTS may be set.
"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import measure

CUSTOMERS = int(os.environ.get("CUSTOMERS", 100_000))
EVENTS = int(os.environ.get("EVENTS", 5_000_000))
WORK = measure.HOME / "target/bench/profile"
FREQUENCY = 150

# What frames say, looked for from the innermost frame outwards; within a frame the first line that fits counts.
KINDS = [
    ("decompressing pages", r"ZSTD_decompress|HUF_decompress|zstd_codec.*decompress"),
    ("compressing pages", r"ZSTD_compress|HUF_compress|zstd_codec.*compress|ZSTD_encode"),
    ("hashing files (SHA-256)", r"\bsha2::"),
    ("encoding and writing tables", r"arrow_writer|parquet::column::writer|parquet::encodings::encoding|table_file::"),
    ("decoding pages", r"parquet::arrow::(array_reader|arrow_reader|record_reader|buffer)|parquet::column::(reader|page)|parquet::(util|encodings|file)"),
    ("count(distinct), ours", r"dfpipe_udfs::distinct_count"),
    ("other functions of ours", r"dfpipe_udfs::"),
    ("looking for repeated keys, ours", r"engine::repeated"),
    ("finding the groups of keys", r"group_values::|binary_view_map|binary_map|insert_accounted"),
    ("adding to groups", r"GroupsAccumulator|groups_accumulator|aggregates::"),
    ("joins", r"datafusion_physical_plan::joins"),
    ("sorts and windows", r"physical_plan::(sorts|windows)|arrow_row|arrow_ord::sort|lexsort"),
    ("planning", r"datafusion_(optimizer|sql|physical_optimizer|catalog)|physical_planner|sqlparser|SessionState|LogicalPlan"),
    ("copying rows between operators", r"arrow_select|BatchCoalescer|repartition|physical_plan::(coalesce|projection|filter)"),
    ("conditions and expressions", r"datafusion_(physical_expr|functions|expr)|arrow_(ord|arith|cast|string)|physical_expr"),
]
PATTERNS = [(kind, re.compile(pattern)) for kind, pattern in KINDS]


def main():
    data = measure.generated(CUSTOMERS, EVENTS)
    # Behind the data, whose generator is built beside a program without symbols.
    build = ["cargo", "rustc", "-q", "--release", "--bin", "dfpipe", "--", "-C", "strip=none"]
    subprocess.run(build, cwd=measure.HOME, check=True, stdout=sys.stderr)
    dfpipe = measure.HOME / "target/release/dfpipe"
    project = measure.project(WORK / "project", data)
    measure.extracted(project, dfpipe)
    run = measure.copied(project, WORK / "run")
    counts = sampled([dfpipe, "run", "-q", "--resume", "--until", "transform", "--project", run])
    total = sum(counts.values())
    print(f"{EVENTS:,} events of {CUSTOMERS:,} customers, {total / FREQUENCY:.1f} s of processor time in {total:,} samples\n")
    for kind, count in counts.most_common():
        print(f"{kind:34}{count / total:>6.1%}{count / FREQUENCY:>8.2f} s")
    return 0


def sampled(command):
    """How many samples each kind of work has."""
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "perf.data"
        record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "--call-graph", "dwarf,24576", "-o", data]
        subprocess.run([*record, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        script = ["perf", "script", "-i", data, "--no-inline", "-F", "ip,sym"]
        stacks = subprocess.run(script, check=True, text=True, capture_output=True).stdout
    return collections.Counter(kind(stack) for stack in stacks.strip().split("\n\n"))


def kind(stack):
    for frame in stack.splitlines():
        for name, pattern in PATTERNS:
            if pattern.search(frame):
                return name
    return "all else"


if __name__ == "__main__":
    sys.exit(main())
