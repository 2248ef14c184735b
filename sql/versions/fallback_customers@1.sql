/* dfpipe
version: 1
description: |
  Customers of either side that the id left unmatched, if fewer than half of the CRM customers matched by it.
  Empty in a good week: then nobody is matched by anything but the id.
key: [side, customer_id]
checks:
  - not_null: [side, customer_id]
  - one_of: {column: side, values: [crm, events]}
*/
with

crm as (
    select * from crm_extract
),

events as (
    select * from events_extract
),

matched as (
    select * from id_match
),

-- An id that the CRM knows, even from a rejected record, names that customer and nobody else.
known_to_crm as (
    select customer_id from crm_records
    union
    select record_key as customer_id from extract_rejects where source = 'crm_customers'
),

decision as (
    select (select count(*) from matched) * 2 < (select count(*) from crm) as is_fallback_needed
),

unmatched as (
    select 'crm' as side, crm.customer_id, crm.email_hash
    from crm
    left anti join matched on matched.customer_id = crm.customer_id
    union all
    select 'events' as side, events.customer_id, events.email_hash
    from events
    left anti join known_to_crm on known_to_crm.customer_id = events.customer_id
)

select
    unmatched.side,
    unmatched.customer_id,
    nullif(canonical_id(unmatched.customer_id), '') as canonical_id,
    unmatched.email_hash
from unmatched
cross join decision
where decision.is_fallback_needed
