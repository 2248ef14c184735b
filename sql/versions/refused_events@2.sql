/* dfpipe
version: 2
description: Events of the window that were not aggregated, and why.
key: [part, position]
checks:
  - not_null: [event_id, customer_id, event_type, status]
  - unique: [part, position]
  - one_of: {column: status, values: [unknown_kind, negative_amount, impossible_amount, duplicate]}
*/
with

refused as (
    select * from odd_events where verdict <> 'aggregated'
),

duplicates as (
    select * from duplicate_events
)

select
    event_id, customer_id, event_type, kind, occurred_at, feature, amount, currency, verdict as status,
    part, position
from refused

union all

select
    event_id, customer_id, event_type, kind, occurred_at, feature, amount, currency, 'duplicate' as status,
    part, position
from duplicates
