/* dfpipe
version: 2
description: For the transform log, what was read, left out of scope, refused and missing.
key: [decision, subject, detail]
*/
with

crm_statuses as (
    select status, count(*) as records from crm_records group by status
),

event_statuses as (
    select status, sum(events) as records from event_counts group by status
),

refused as (
    select source, reason, count(*) as records from rejects group by source, reason
),

missing as (
    select
        count(*) filter (where email_hash is null) as email_hash,
        count(*) filter (where signup_date is null) as signup_date,
        count(*) filter (where last_activity_date is null) as last_activity_date,
        count(*) filter (where subscription_tier is null) as subscription_tier,
        count(*) filter (where lifetime_value is null) as lifetime_value,
        count(*) filter (where support_tickets is null) as support_tickets,
        count(*) as customers
    from crm_extract
),

missing_by_field as (
    select
        unnest(['email_hash', 'signup_date', 'last_activity_date',
            'subscription_tier', 'lifetime_value', 'support_tickets']) as field,
        unnest([email_hash, signup_date, last_activity_date,
            subscription_tier, lifetime_value, support_tickets]) as records,
        customers
    from missing
)

select
    'read' as decision, source as subject, 'records read' as detail,
    records_read as records, cast(null as double) as value
from extract_log

union all
select 'out_of_scope', 'crm_customers', 'updated_at lies outside the window', records, null
from crm_statuses where status = 'outside_window'

union all
select 'out_of_scope', 'customer_events', 'occurred_at lies outside the window', records, null
from event_statuses where status = 'outside_window'

union all
select 'dead_lettered', source, 'could not be parsed', count(*), null
from dead_letters group by source

union all
select case reason when 'duplicate' then 'deduplicated' else 'rejected' end, source, reason, records, null
from refused

union all
select 'kept', 'crm_customers', 'one record per valid customer', records, null
from crm_statuses where status = 'kept'

union all
select 'kept', 'customer_events', 'events aggregated per customer', records, null
from event_statuses where status = 'aggregated'

union all
select
    'missing', concat('crm_customers.', field), 'valid customers without a value; value is their share in percent',
    records, coalesce(100.0 * records / nullif(customers, 0), 0)
from missing_by_field
