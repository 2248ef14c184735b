"""How long an analyst waits: `dfpipe check` of this project and of one with 300 models, and `dfpipe test` of one
model.

Each is called several times, as it is from a prompt: what is timed is the whole process. The 300 models are made up
here: a third cleans a source's columns, a third joins and counts, a third reads those, and all have checks.

    make bench-check

It ends with 1 if a median is above its bar; the bars are those of a release build on an idle machine.
"""

import os
import pathlib
import statistics
import sys
import tempfile

import measure

DFPIPE = measure.binary()
ROUNDS = int(os.environ.get("ROUNDS", 7))
MODELS = 300

CONFIGURATION = """pipeline: many
as_of: 2026-11-15
email_hash_key: good for a bench only
sources:
  orders:
    key: order_id
    columns:
      order_id:    {type: integer, required: true}
      customer:    {type: text}
      amount:      {type: "decimal(18,2)"}
      is_paid:     {type: boolean}
      ordered_at:  {type: timestamp}
      phone:       {type: text, pii: phone}
    from: {kind: files, path: data/*.csv}
destination:
  kind: parquet
  model: %s
  dataset: shop
  table: totals
"""

CLEAN = """/* dfpipe
version: 1
description: The orders of one kind.
key: [order_id]
checks:
  - not_null: [order_id, customer]
  - unique: [order_id]
allow: {{unused: made up}}
*/
with source as (select * from orders),
cleaned as (
    select
        order_id,
        lower(trim(customer)) as customer,
        coalesce(amount, 0) as amount,
        case when is_paid then 'paid' when ordered_at < $window_start then 'late' else 'open' end as state,
        cast(ordered_at as date) as ordered_date
    from source
    where order_id % {models} <> {number}
),
numbered as (
    select *, row_number() over (partition by customer order by ordered_date desc, order_id) as place
    from cleaned
)
select order_id, customer, amount, state, ordered_date from numbered where place < 100
"""

COUNTED = """/* dfpipe
version: 1
description: What customers spent.
key: [customer]
checks:
  - not_null: [customer, orders]
  - between: {{column: orders, min: 1, max: 1000000}}
allow: {{unused: made up}}
*/
with left_orders as (select * from {left}),
right_orders as (select * from {right}),
joined as (
    select
        left_orders.customer,
        left_orders.amount,
        right_orders.amount as other_amount,
        left_orders.state
    from left_orders
    left join right_orders using (order_id)
)
select
    customer,
    count(*) as orders,
    sum(amount) as amount,
    sum(other_amount) filter (where state = 'paid') as paid_amount,
    max(case when state = 'late' then 1 else 0 end) as is_late
from joined
group by customer
"""

SHOWN = """/* dfpipe
version: 1
description: Customers and their share.
key: [customer]
checks:
  - not_null: [customer]
  - one_of: {{column: size, values: [small, large]}}
allow: {{unused: made up}}
*/
with counted as (select * from {counted}),
total as (select sum(amount) as amount from counted)
select
    counted.customer,
    counted.orders,
    counted.amount,
    case when counted.amount > 100 then 'large' else 'small' end as size,
    counted.amount / nullif(total.amount, 0) as share
from counted
cross join total
where counted.customer in (select customer from {clean})
"""


def many(folder):
    """A project of so many models."""
    third = MODELS // 3
    sql = folder / "sql"
    sql.mkdir()
    for number in range(third):
        names = {
            "clean": f"clean_{number}",
            "left": f"clean_{number}",
            "right": f"clean_{(number + 1) % third}",
            "counted": f"counted_{number}",
            "number": number,
            "models": MODELS,
        }
        for name, text in (("clean", CLEAN), ("counted", COUNTED), ("shown", SHOWN)):
            (sql / f"{name}_{number}.sql").write_text(text.format(**names))
    (folder / "dfpipe.yml").write_text(CONFIGURATION % "shown_0")


def main():
    measured = [
        ("check of this project", measure.shipped, ["check"], 0.3),
        (f"check of {MODELS} models", many, ["check"], 1.5),
        ("test of one model", measure.shipped, ["test", "engagement_score"], 1.0),
    ]
    is_slow = False
    for name, make, arguments, bar in measured:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            make(folder)
            calls = [measure.measured([DFPIPE, *arguments], folder)[0] for _ in range(ROUNDS)]
        times, busy, _ = zip(*calls)
        median = statistics.median(times)
        is_slow |= median > bar
        verdict = "above" if median > bar else "within"
        print(
            f"{name:24} median {median:6.3f} s of {ROUNDS}, from {min(times):.3f} to {max(times):.3f}, "
            f"{verdict} {bar} s; processor time {statistics.median(busy):.3f} s",
            flush=True,
        )
    sys.exit(is_slow)


if __name__ == "__main__":
    main()
