/* dfpipe
version: 1
description: CRM customers whose id is found in the events as it is.
key: [customer_id]
checks:
  - unique: [customer_id]
*/
with

crm as (
    select * from crm_extract
),

events as (
    select * from events_extract
)

select crm.customer_id
from crm
inner join events on events.customer_id = crm.customer_id
