"""What Criterion measures of our functions or of our files, per row, and the one bar among them.

    make bench-functions
    make bench-parquet

It ends with 1 if the bar is missed.
"""

import json
import subprocess
import sys

import measure

MEASURED = measure.HOME / "target/criterion"

# Which groups a benchmark has.
GROUPS = {"functions": ["functions", "windows"], "parquet": ["parquet"]}

# The score, at no less than half the speed of its formula in built-in expressions.
OURS, BUILT_IN, BAR = "engagement_score", "engagement_score, built-in", 0.5


def main(bench):
    subprocess.run(["cargo", "bench", "-q", "--workspace", "--bench", bench], cwd=measure.HOME, check=True, stdout=sys.stderr)
    print(f"{'':28}{'ns per row':>12}{'from':>9}{'to':>9}  (medians, and their 95 % confidence intervals)")
    medians = {}
    for folder in sorted(folder for group in GROUPS[bench] for folder in MEASURED.glob(f"{group}/*/new")):
        about = json.loads((folder / "benchmark.json").read_text())
        median = json.loads((folder / "estimates.json").read_text())["median"]
        name, rows = about["function_id"], about["throughput"]["Elements"]
        interval = median["confidence_interval"]
        medians[name] = median["point_estimate"]
        print(f"{name:28}{median['point_estimate'] / rows:>12.2f}{interval['lower_bound'] / rows:>9.2f}{interval['upper_bound'] / rows:>9.2f}")
    if OURS not in medians:
        return 0
    speed = medians[BUILT_IN] / medians[OURS]
    print(f"\n{OURS} has {speed:.2f} of the speed of its formula in built-in expressions (at least {BAR})")
    return 0 if speed >= BAR else 1


sys.exit(main(sys.argv[1]))
