/* dfpipe
version: 1
description: Events of the window that were not aggregated, and why.
key: [part, position]
checks:
  - not_null: [event_id, customer_id, event_type, status]
  - unique: [part, position]
  - one_of: {column: status, values: [unknown_kind, negative_amount, impossible_amount, duplicate]}
*/
with

judged as (
    select * from judged_events where verdict not in ('aggregated', 'outside_window')
),

duplicates as (
    select * from duplicate_events
)

select
    event_id, customer_id, event_type, kind, occurred_at, feature, amount, currency, verdict as status,
    part, position
from judged

union all

select
    event_id, customer_id, event_type, kind, occurred_at, feature, amount, currency, 'duplicate' as status,
    part, position
from duplicates
