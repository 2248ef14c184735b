/* dfpipe
version: 2
description: The bars of the report's charts, one row each.
key: [chart, position]
checks:
  - not_null: [chart, position, label, value]
*/
with

customers as (
    select * from unified_customers
),

rejected as (
    select * from rejected_customers
),

events as (
    select * from event_counts where status = 'aggregated'
),

-- A bucket is called by its lowest score. The last one, 90, holds the best score of 100 as well.
score_buckets as (
    select unnest(range(0, 10)) as bucket
),

scored as (
    select least(cast(floor(engagement_score / 10) as bigint), 9) as bucket, count(*) as customers
    from customers
    group by 1
),

categories as (
    select category, count(*) as customers from customers group by category
),

tiers as (
    select subscription_tier, count(*) as customers from customers group by subscription_tier
),

reasons as (
    select reason, count(*) as customers from rejected group by reason
),

-- A day without events is a bar of no height, not a bar that is not there.
days as (
    select unnest(range(
        date_trunc('day', $window_start), $window_end, interval '1 day'
    )) as began_at
),

events_per_day as (
    select occurred_date, sum(events) as events
    from events
    group by occurred_date
),

bars as (
    select
        'Customers by category' as chart,
        row_number() over (order by category) as position,
        replace(category, '_', ' ') as label,
        customers as value
    from categories

    union all
    select
        'Customers by engagement score, in steps of 10',
        score_buckets.bucket + 1,
        cast(score_buckets.bucket * 10 as text),
        coalesce(scored.customers, 0)
    from score_buckets
    left join scored on scored.bucket = score_buckets.bucket

    union all
    select
        'Customers by tier',
        row_number() over (order by customers desc, subscription_tier),
        subscription_tier,
        customers
    from tiers

    union all
    select
        'Customers left out, by reason',
        row_number() over (order by customers desc, reason),
        replace(reason, '_', ' '),
        customers
    from reasons

    union all
    select
        'Events per day',
        row_number() over (order by days.began_at),
        to_char(days.began_at, '%b %-d'),
        coalesce(events_per_day.events, 0)
    from days
    left join events_per_day on events_per_day.occurred_date = cast(days.began_at as date)
)

select
    chart,
    cast(position as int) as position,
    label,
    cast(value as bigint) as value
from bars
