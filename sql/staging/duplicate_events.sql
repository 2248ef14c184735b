/* dfpipe
version: 1
description: |
  Deliveries of an event that was delivered before. An event delivered twice counts once: the earliest is kept,
  ties break by content, never by arrival.
key: [part, position]
checks:
  - not_null: [part, position, event_id, delivery]
  - unique: [part, position]
*/
with

repeated as (
    select event_id from repeated_events
),

-- What is left out anyway does not take the place of an event that counts.
events as (
    select * from judged_events where verdict = 'aggregated'
),

-- Only repeated events are ranked: ranking sorts, and a week of events is a lot to sort. Their ids stand on the
-- left because that side is the one held in memory.
ranked as (
    select
        events.*,
        cast(row_number() over (
            partition by events.event_id
            order by
                events.occurred_at, events.customer_id, events.event_type, events.amount, events.currency,
                events.feature, events.email_hash, events.page, events.part, events.position
        ) as bigint) as delivery
    from repeated
    right semi join events on repeated.event_id = events.event_id
)

select
    event_id,
    customer_id,
    event_type,
    kind,
    occurred_at,
    feature,
    amount,
    currency,
    delivery,
    part,
    position
from ranked
where delivery > 1
