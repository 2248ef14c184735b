/* dfpipe
version: 1
description: How many events there are of each status, kind, date and, for purchases, currency, and their amounts.
key: [status, kind, occurred_date, currency]
checks:
  - not_null: [status, events, events_without_amount]
  - one_of:
      column: status
      values: [outside_window, unknown_kind, negative_amount, impossible_amount, duplicate, aggregated]
*/
with

judged as (
    select
        verdict as status,
        kind,
        -- What lies outside the window may be of any date, and nobody asks.
        case when verdict <> 'outside_window' then cast(occurred_at as date) end as occurred_date,
        case when verdict = 'aggregated' and kind = 'purchase_completed' then currency end as currency,
        amount
    from judged_events
),

counted as (
    select
        status, kind, occurred_date, currency,
        count(*) as events,
        count(*) - count(amount) as events_without_amount,
        sum(cast(amount as decimal(38, 2))) as amount
    from judged
    group by status, kind, occurred_date, currency
),

duplicates as (
    select
        kind,
        cast(occurred_at as date) as occurred_date,
        case when kind = 'purchase_completed' then currency end as currency,
        count(*) as events,
        count(*) - count(amount) as events_without_amount,
        sum(cast(amount as decimal(38, 2))) as amount
    from duplicate_events
    group by 1, 2, 3
),

-- Duplicates are the few that were judged like the others: they move from one status to the other.
moved as (
    select status, kind, occurred_date, currency, events, events_without_amount, amount from counted
    union all
    select 'duplicate', kind, occurred_date, null, events, events_without_amount, amount from duplicates
    union all
    select 'aggregated', kind, occurred_date, currency, -events, -events_without_amount, -amount from duplicates
),

summed as (
    select
        status, kind, occurred_date, currency,
        sum(events) as events,
        sum(events_without_amount) as events_without_amount,
        sum(amount) as amount
    from moved
    group by status, kind, occurred_date, currency
)

select status, kind, occurred_date, currency, events, events_without_amount, amount
from summed
where events <> 0
