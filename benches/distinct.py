"""`count(distinct …)` beside other aggregates, as analysts write it, against the same in two phases.

The answers are compared first. Both are whole `dfpipe query` processes over the same Parquet files.

    make bench-distinct

CUSTOMERS, EVENTS and ROUNDS may be set. It ends with 1 if a bar is missed.
"""

import hashlib
import os
import pathlib
import statistics
import sys
import tempfile

import measure

DFPIPE = measure.binary()
CUSTOMERS = int(os.environ.get("CUSTOMERS", 100_000))
EVENTS = int(os.environ.get("EVENTS", 5_000_000))
ROUNDS = int(os.environ.get("ROUNDS", 5))

# How many times the time and the memory of two phases the natural form may take.
BAR = 1.5

NATURAL = """
select customer_id,
  count(*) filter (where event_type = 'page_view') as views,
  sum(properties['amount']) as amount,
  count(distinct properties['feature']) as features
from 'EVENTS' group by customer_id
"""

PHASES = """
with features as (
  select customer_id, count(*) as features from (
    select customer_id, properties['feature'] as feature from 'EVENTS'
    where properties['feature'] is not null group by customer_id, properties['feature']
  ) group by customer_id
),
totals as (
  select customer_id,
    count(*) filter (where event_type = 'page_view') as views,
    sum(properties['amount']) as amount
  from 'EVENTS' group by customer_id
)
select totals.customer_id, totals.views, totals.amount, coalesce(features.features, 0) as features
from totals left join features on features.customer_id = totals.customer_id
"""


def main():
    events = f"{measure.generated(CUSTOMERS, EVENTS)}/events/*.parquet"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        asked = measure.with_a_run(folder / "project", DFPIPE)
        forms = {"natural": NATURAL, "two phases": PHASES}
        figures = {name: [] for name in forms}
        for _ in range(ROUNDS + 1):
            answers = {name: ask(asked, sql.replace("EVENTS", events), folder / "answer.csv", figures[name]) for name, sql in forms.items()}
            if len(set(answers.values())) > 1:
                sys.exit("the two forms do not give the same rows")
        return judge(figures)


def ask(project, sql, answer, figures):
    """The hash of the answer's rows, whatever their order."""
    command = f'exec {DFPIPE} query -q -o csv "{sql}" >{answer}'
    figures.append(measure.measured(["sh", "-c", command], project)[0])
    return hashlib.sha256(b"".join(sorted(answer.read_bytes().splitlines()))).hexdigest()


def judge(figures):
    # The first round is the one that is compared, and warms up.
    medians = {name: [statistics.median(column) for column in zip(*runs[1:])] for name, runs in figures.items()}
    print(f"{EVENTS:,} events of {CUSTOMERS:,} customers, medians of {ROUNDS} interleaved rounds")
    print(f"{'':12}{'seconds':>9}{'processor':>11}{'memory MB':>11}")
    for name, (seconds, processor, memory) in medians.items():
        print(f"{name:12}{seconds:>9.2f}{processor:>11.2f}{memory:>11.0f}")
    time, memory = (medians["natural"][at] / medians["two phases"][at] for at in (0, 2))
    print(f"the natural form takes {time:.2f}x the time and {memory:.2f}x the memory (at most {BAR}x)")
    return 0 if max(time, memory) <= BAR else 1


sys.exit(main())
