/* dfpipe
version: 1
description: Second fallback. Customers left without a candidate whose e-mail hash is found on the other side.
key: [side, customer_id]
checks:
  - not_null: [side, customer_id, email_hash, is_one_to_one]
*/
with

decided_before as (
    select * from canonical_id_match
),

customers as (
    select fallback_customers.*
    from fallback_customers
    left anti join decided_before
        on decided_before.side = fallback_customers.side
        and decided_before.customer_id = fallback_customers.customer_id
    where fallback_customers.email_hash is not null
),

candidates as (
    select
        email_hash,
        count(*) filter (where side = 'crm') as crm_customers,
        count(*) filter (where side = 'events') as event_customers
    from customers
    group by email_hash
)

select
    customers.side,
    customers.customer_id,
    customers.email_hash,
    candidates.crm_customers = 1 and candidates.event_customers = 1 as is_one_to_one
from customers
inner join candidates on candidates.email_hash = customers.email_hash
where candidates.crm_customers > 0 and candidates.event_customers > 0
