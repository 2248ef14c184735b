/* dfpipe
version: 1
description: Which customer of the events is which CRM customer, and how we know. One to one.
key: [customer_id]
checks:
  - not_null: [customer_id, event_customer_id, matched_by]
  - unique: [customer_id]
  - unique: [event_customer_id]
  - refers_to: {columns: [customer_id], model: crm_extract}
  - refers_to: {columns: [event_customer_id], model: events_extract, to: [customer_id]}
  - one_of: {column: matched_by, values: [customer_id, canonical_id, email_hash]}
*/
with

by_id as (
    select * from id_match
),

by_canonical_id as (
    select * from canonical_id_match where is_one_to_one
),

by_email_hash as (
    select * from email_hash_match where is_one_to_one
)

select customer_id, customer_id as event_customer_id, 'customer_id' as matched_by
from by_id

union all

select crm.customer_id, events.customer_id as event_customer_id, 'canonical_id' as matched_by
from by_canonical_id as crm
inner join by_canonical_id as events on events.canonical_id = crm.canonical_id
where crm.side = 'crm' and events.side = 'events'

union all

select crm.customer_id, events.customer_id as event_customer_id, 'email_hash' as matched_by
from by_email_hash as crm
inner join by_email_hash as events on events.email_hash = crm.email_hash
where crm.side = 'crm' and events.side = 'events'
