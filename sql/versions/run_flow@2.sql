/* dfpipe
version: 2
description: |
  The way of the records from each source to the output, and where they left it. What is kept goes on from
  its target; what is not kept ends there.
key: [position]
checks:
  - not_null: [position, origin, target, records, is_kept]
  - unique: [origin, target]
*/
with

misshapen as (
    select source, reason, count(*) as records from extract_rejects group by source, reason
),

undecodable as (
    select source, count(*) as records from dead_letters group by source
),

crm as (
    select * from crm_records
),

crm_customers_kept as (
    select * from crm_extract
),

events as (
    select * from event_counts
),

event_customers as (
    select * from events_extract
),

unified as (
    select * from unified_customers
),

rejected as (
    select * from rejected_customers
),

-- 1: what was read. What fits its declaration becomes a row.
read as (
    select
        1 as stage,
        case source when 'crm_customers' then 'CRM records' else 'Events' end as source,
        replace(reason, '_', ' ') as target,
        records,
        false as is_kept
    from misshapen
    union all
    select
        1, case source when 'crm_customers' then 'CRM records' else 'Events' end,
        'unreadable', records, false
    from undecodable
    union all
    select 1, 'CRM records', 'CRM rows', count(*), true from crm
    union all
    select 1, 'Events', 'Event rows', coalesce(sum(events), 0), true from events
),

-- 2: what was judged. A CRM row that is kept is a customer; an event that is kept is aggregated.
judged as (
    select
        2 as stage, 'CRM rows' as source,
        case status
            when 'kept' then 'CRM customers'
            when 'rejected' then replace(split_part(all_reasons, ',', 1), '_', ' ')
            else replace(status, '_', ' ')
        end as target,
        count(*) as records,
        status = 'kept' as is_kept
    from crm
    group by 3, 5
    union all
    select
        2, 'Event rows',
        case status when 'aggregated' then 'Events aggregated' else replace(status, '_', ' ') end as target,
        sum(events),
        status = 'aggregated' as is_kept
    from events
    group by 3, 5
),

-- 3: who was found in both sources, and took all events along.
matched as (
    select
        3 as stage, 'CRM customers' as source, 'Customers in the output' as target,
        count(*) as records, true as is_kept
    from unified
    union all
    select 3, 'Events aggregated', 'Events in the output', coalesce(sum(event_count), 0), true
    from unified
    union all
    select
        3, 'CRM customers',
        replace(coalesce(rejected.reason, 'unexplained'), '_', ' ') as target,
        count(*), false
    from crm_customers_kept
    left anti join unified on unified.customer_id = crm_customers_kept.customer_id
    left join rejected on rejected.customer_id = crm_customers_kept.customer_id
    group by 3
    union all
    select
        3, 'Events aggregated',
        concat('of a customer: ', replace(coalesce(rejected.reason, 'unexplained'), '_', ' ')) as target,
        sum(event_customers.event_count), false
    from event_customers
    left anti join unified on unified.event_customer_id = event_customers.customer_id
    left join rejected on rejected.customer_id = event_customers.customer_id
    group by 3
),

flow as (
    select * from read
    union all
    select * from judged
    union all
    select * from matched
)

select
    cast(row_number() over (order by stage, source, is_kept desc, records desc, target) as int) as position,
    source as origin,
    target,
    cast(records as bigint) as records,
    is_kept
from flow
