"""How time and memory grow with the number of events, as figures and as a picture (benches/scaling.svg).

Each size has one customer for fifty events. It runs the extract, then the transform, each as a process of its own.
The largest size runs once more under a limit of 1 GB, where the engine has to spill.

    make bench-scaling

SIZES (millions of events, with spaces), LIMITED (the size under the limit) and LIMIT may be set. It ends with 1 if a
bar is missed.
"""

import json
import math
import os
import shutil
import sys

import measure

DFPIPE = measure.binary()
SIZES = [float(size) for size in os.environ.get("SIZES", "1 3 10 30 100").split()]
LIMITED = float(os.environ.get("LIMITED", SIZES[-1]))
LIMIT = os.environ.get("LIMIT", "1GB")
WORK = measure.HOME / "target/bench/scaling"
PICTURE = measure.HOME / "benches/scaling.svg"

# Time over size, as a power.
EXPONENT = 1.05


def main():
    print(f"{'million events':>14}{'customers':>11}{'extract s':>11}{'memory MB':>11}{'transform s':>13}{'memory MB':>11}{'spilled MB':>12}")
    points = [(size, *run(size)) for size in SIZES]
    draw(points)
    exponent = slope([(size, transform[0]) for size, _, transform in points])
    print(f"\ntransform time grows with events to the power of {exponent:.3f} (at most {EXPONENT}); see scaling.svg")
    print(f"\nunder a limit of {LIMIT}:")
    run(LIMITED, f"\nengine:\n  memory_limit: {LIMIT}\n")
    return 0 if exponent <= EXPONENT else 1


def run(size, settings=""):
    events = round(size * 1_000_000)
    customers = max(events // 50, 1)
    folder = measure.project(WORK, measure.generated(customers, events), settings)
    extract, read = measure.extracted(folder, DFPIPE)
    made, _ = measure.measured([DFPIPE, "run", "-q", "--resume", "--until", "transform"], folder)
    models = json.loads((extract / "run.json").read_text())["models"]
    spilled = sum(model["spill"]["bytes"] for model in models) / 1e6
    print(f"{size:>14g}{customers:>11,}{read[0]:>11.2f}{read[2]:>11.0f}{made[0]:>13.2f}{made[2]:>11.0f}{spilled:>12.0f}", flush=True)
    shutil.rmtree(WORK)
    return read, made


def slope(points):
    """The exponent of a power through the points, by least squares of their logarithms."""
    logarithms = [(math.log(x), math.log(y)) for x, y in points]
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*logarithms))
    above = sum((x - mean_x) * (y - mean_y) for x, y in logarithms)
    return above / sum((x - mean_x) ** 2 for x, _ in logarithms)


def draw(points):
    """Time (left) and memory (right) over events, all scales logarithmic."""
    panels = [
        ("seconds", [("extract", [(size, read[0]) for size, read, _ in points]), ("transform", [(size, made[0]) for size, _, made in points])]),
        ("memory in MB", [("extract", [(size, read[2]) for size, read, _ in points]), ("transform", [(size, made[2]) for size, _, made in points])]),
    ]
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 330" font-family="sans-serif" font-size="12">', '<rect width="760" height="330" fill="white"/>']
    for number, (title, lines) in enumerate(panels):
        parts += panel(60 + number * 370, title, lines)
    PICTURE.write_text("\n".join([*parts, "</svg>"]) + "\n")


def panel(left, title, lines):
    width, height, top = 290, 230, 40
    values = [y for _, line in lines for _, y in line]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    first, last = SIZES[0], SIZES[-1]

    def at(x, y):
        along = math.log(x / first) / max(math.log(last / first), 1e-9)
        up = math.log(y / low) / max(math.log(high / low), 1e-9)
        return left + along * width, top + height - up * height

    parts = [f'<text x="{left}" y="{top - 16}" font-weight="bold">{title}</text>']
    tick = low
    while tick <= high:
        _, y = at(first, tick)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/><text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
        tick *= 10
    for size in SIZES:
        x, _ = at(size, low)
        parts.append(f'<text x="{x:.1f}" y="{top + height + 18}" text-anchor="middle">{size:g}</text>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">million events</text>')
    for (name, line), colour in zip(lines, ("#0072b2", "#d55e00")):
        places = [at(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        x, y = places[-1]
        parts.append(f'<text x="{x - 6:.1f}" y="{y - 8:.1f}" fill="{colour}" text-anchor="end">{name}</text>')
    return parts


sys.exit(main())
