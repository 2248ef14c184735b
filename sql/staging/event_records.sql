/* dfpipe
version: 3
description: |
  Every event that could be read, and what became of it: outside_window, unknown_kind, negative_amount,
  impossible_amount, duplicate or aggregated. For questions; models read what is below it.
materialized: view
key: [part, position]
allow:
  unused: People ask it what became of an event; nothing else needs all events at once.
*/
with

judged as (
    select * from judged_events
),

duplicates as (
    select part, position, delivery from duplicate_events
)

select
    judged.event_id,
    judged.customer_id,
    judged.event_type,
    judged.kind,
    judged.occurred_at,
    judged.email_hash,
    judged.feature,
    judged.amount,
    judged.currency,
    case when duplicates.delivery > 1 then 'duplicate' else judged.verdict end as status,
    judged.part,
    judged.position
-- The few duplicates stand on the left, which is the side that is held in memory.
from duplicates
right join judged on judged.part = duplicates.part and judged.position = duplicates.position
