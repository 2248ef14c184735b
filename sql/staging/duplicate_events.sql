/* dfpipe
version: 2
description: |
  Deliveries of an event that was delivered before. An event delivered twice counts once: the earliest is kept,
  ties break by content, never by arrival.
key: [part, position]
checks:
  - not_null: [part, position, event_id, delivery]
  - unique: [part, position]
*/
with

-- What is left out anyway does not take the place of an event that counts.
events as (
    select * from odd_events where verdict = 'aggregated'
),

ranked as (
    select
        *,
        cast(row_number() over (
            partition by event_id
            order by
                occurred_at, customer_id, event_type, amount, currency, feature, email_hash, page, part, position
        ) as bigint) as delivery
    from events
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
