/* dfpipe
description: Every match becomes one customer in the output, and takes all its events along.
severity: error
hint: A join in joined_customers or unified_customers lost or doubled rows. Look for a key that is not unique.
*/
with

matched as (
    select count(*) as customers, coalesce(sum(events_extract.event_count), 0) as events
    from customer_match
    inner join events_extract on events_extract.customer_id = customer_match.event_customer_id
),

unified as (
    select count(*) as customers, coalesce(sum(event_count), 0) as events
    from unified_customers
)

select
    matched.customers as customers_matched,
    unified.customers as customers_in_output,
    matched.events as events_matched,
    unified.events as events_in_output
from matched
cross join unified
where matched.customers <> unified.customers or matched.events <> unified.events
