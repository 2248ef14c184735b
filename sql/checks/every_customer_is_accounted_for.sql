/* dfpipe
description: Every customer id of either source is in exactly one of unified_customers and rejected_customers.
severity: error
hint: A model lost or doubled these customers. Compare unified_customers and rejected_customers with crm_records and event_records.
*/
with

-- Counted from the records, not from customers_in_scope: a check must not trust what it checks.
in_sources as (
    select customer_id from crm_records where status <> 'outside_window' and trim(customer_id) <> ''
    union
    select customer_id from event_records where status <> 'outside_window' and trim(customer_id) <> ''
    union
    select record_key as customer_id from extract_rejects where trim(record_key) <> ''
),

in_output as (
    select customer_id from unified_customers
    union
    select event_customer_id as customer_id from unified_customers
),

places as (
    select customer_id, 1 as sources, 0 as outputs, 0 as rejects from in_sources
    union all
    select customer_id, 0 as sources, 1 as outputs, 0 as rejects from in_output
    union all
    select customer_id, 0 as sources, 0 as outputs, 1 as rejects from rejected_customers
),

counted as (
    select
        customer_id,
        sum(sources) as times_in_sources,
        sum(outputs) as times_in_output,
        sum(rejects) as times_rejected
    from places
    group by customer_id
)

select customer_id, times_in_sources, times_in_output, times_rejected
from counted
where times_in_sources <> 1 or times_in_output + times_rejected <> 1
