/* dfpipe
version: 2
description: Every distinct customer id that either source named in the window, and what is known of it.
key: [customer_id]
checks:
  - not_null: [customer_id, in_crm, in_events]
  - unique: [customer_id]
*/
with

crm as (
    select * from crm_records where status <> 'outside_window' and trim(customer_id) <> ''
),

crm_outside as (
    select distinct customer_id from crm_records where status = 'outside_window'
),

-- Each of them stands for all events of a customer that were aggregated.
events as (
    select * from events_extract
),

refused as (
    select * from refused_events
),

-- Not readable enough to know its time, but its customer: counts as in scope.
misshapen as (
    select * from extract_rejects where trim(record_key) <> ''
),

sightings as (
    select
        customer_id, 'crm' as side,
        status = 'kept' as is_usable, false as is_misshapen, all_reasons
    from crm
    union all
    select
        customer_id, 'events' as side,
        true as is_usable, false as is_misshapen, null as all_reasons
    from events
    union all
    select
        customer_id, 'events' as side,
        false as is_usable, false as is_misshapen, null as all_reasons
    from refused
    union all
    select
        record_key as customer_id, case source when 'crm_customers' then 'crm' else 'events' end as side,
        false as is_usable, true as is_misshapen, null as all_reasons
    from misshapen
),

customers as (
    select
        customer_id,
        bool_or(side = 'crm') as in_crm,
        bool_or(side = 'events') as in_events,
        bool_or(side = 'crm' and is_usable) as is_valid_in_crm,
        bool_or(side = 'events' and is_usable) as has_usable_events,
        bool_or(side = 'crm' and is_misshapen) as is_misshapen_in_crm,
        bool_or(side = 'events' and is_misshapen) as is_misshapen_in_events,
        coalesce(bool_or(all_reasons like '%negative_lifetime_value%'), false) as has_negative_lifetime_value,
        coalesce(bool_or(all_reasons like '%impossible_lifetime_value%'), false) as has_impossible_lifetime_value,
        coalesce(bool_or(all_reasons like '%negative_support_tickets%'), false) as has_negative_support_tickets,
        coalesce(bool_or(all_reasons like '%future_date%'), false) as has_future_date
    from sightings
    group by customer_id
)

select
    customers.customer_id,
    customers.in_crm,
    customers.in_events,
    customers.is_valid_in_crm,
    customers.has_usable_events,
    customers.is_misshapen_in_crm,
    customers.is_misshapen_in_events,
    customers.has_negative_lifetime_value,
    customers.has_impossible_lifetime_value,
    customers.has_negative_support_tickets,
    customers.has_future_date,
    crm_outside.customer_id is not null and not customers.in_crm as is_outside_window_in_crm
from customers
left join crm_outside on crm_outside.customer_id = customers.customer_id
