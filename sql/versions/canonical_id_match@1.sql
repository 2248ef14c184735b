/* dfpipe
version: 1
description: First fallback. Customers of either side whose canonical id is found on the other side.
key: [side, customer_id]
checks:
  - not_null: [side, customer_id, canonical_id, is_one_to_one]
*/
with

customers as (
    select * from fallback_customers where canonical_id is not null
),

candidates as (
    select
        canonical_id,
        count(*) filter (where side = 'crm') as crm_customers,
        count(*) filter (where side = 'events') as event_customers
    from customers
    group by canonical_id
)

select
    customers.side,
    customers.customer_id,
    customers.canonical_id,
    -- Several candidates on either side match nobody: a wrong match is worse than none.
    candidates.crm_customers = 1 and candidates.event_customers = 1 as is_one_to_one
from customers
inner join candidates on candidates.canonical_id = customers.canonical_id
where candidates.crm_customers > 0 and candidates.event_customers > 0
