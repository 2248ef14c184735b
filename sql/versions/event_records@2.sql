/* dfpipe
version: 2
description: Every event that could be read, and what became of it.
key: [event_id, occurred_at, part, position]
checks:
  - not_null: [event_id, customer_id, event_type, occurred_at, status]
  - one_of:
      column: status
      values:
        - outside_window
        - missing_customer_id
        - unknown_kind
        - negative_amount
        - impossible_amount
        - duplicate
        - aggregated
*/
with

records as (
    select
        *,
        -- As event_names folds its names: case and separators do not count.
        translate(lower(event_type), ' ._-/:', '') as folded_name
    from customer_events
),

known_names as (
    select folded_name, kind from event_names
),

named as (
    select
        event_id,
        customer_id,
        event_type,
        -- What analysts say of a name comes first, then what is known anyway. One of page_view, feature_used,
        -- purchase_completed, support_chat_started; null if nobody knows it.
        coalesce(known_names.kind, canonical_event(event_type)) as kind,
        occurred_at,
        email_hash,
        feature,
        amount,
        upper(nullif(trim(currency), '')) as currency,
        page,
        _part as part,
        _position as position
    -- The few names stand on the left, which is the side that is held in memory.
    from known_names
    right join records on known_names.folded_name = records.folded_name
),

-- The first line that applies decides: an event has exactly one status, so that they add up.
-- No purchase costs more than ten millions: such an amount is a slip of a producer, and a few of them
-- would be more than a sum of money can hold.
judged as (
    select
        *,
        case
            when occurred_at < $window_start or occurred_at >= $window_end then 'outside_window'
            when trim(customer_id) = '' then 'missing_customer_id'
            when kind is null then 'unknown_kind'
            when kind = 'purchase_completed' and amount < 0 then 'negative_amount'
            when kind = 'purchase_completed' and amount > 10000000.00 then 'impossible_amount'
            else 'aggregated'
        end as verdict
    from named
),

repeated as (
    select event_id from judged where verdict = 'aggregated' group by event_id having count(*) > 1
),

-- An event delivered twice counts once. The earliest is kept, ties break by content, never by arrival.
-- Only repeated events are ranked: ranking sorts, and a week of events is a lot to sort. They stand on
-- the left of the joins because that side is the one held in memory.
deliveries as (
    select judged.*, 1 as delivery
    from repeated
    right anti join judged on repeated.event_id = judged.event_id and judged.verdict = 'aggregated'
    union all
    select
        judged.*,
        cast(row_number() over (
            partition by judged.event_id
            order by
                occurred_at, customer_id, event_type, amount, currency, feature, email_hash, page,
                part, position
        ) as bigint) as delivery
    from repeated
    right semi join judged on repeated.event_id = judged.event_id
    where judged.verdict = 'aggregated'
)

select
    event_id,
    customer_id,
    event_type,
    kind,
    occurred_at,
    email_hash,
    feature,
    amount,
    currency,
    case when delivery > 1 then 'duplicate' else verdict end as status,
    part,
    position
from deliveries
