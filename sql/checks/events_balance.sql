/* dfpipe
description: Events read = aggregated + duplicates + unknown kinds + rejects + dead letters + outside the window.
severity: error
hint: Events vanished or were counted twice between the source and event_records or events_extract. Nothing was loaded.
*/
with

read as (
    select coalesce(sum(records_read), 0) as records from extract_log where source = 'customer_events'
),

judged as (
    select
        count(*) filter (where status = 'aggregated') as aggregated,
        count(*) filter (where status = 'duplicate') as duplicates,
        count(*) filter (where status = 'unknown_kind') as unknown_kinds,
        count(*) filter (where status in ('negative_amount', 'impossible_amount', 'missing_customer_id'))
            as rejects,
        count(*) filter (where status = 'outside_window') as outside
    from event_records
),

misshapen as (
    select count(*) as records from extract_rejects where source = 'customer_events'
),

dead as (
    select count(*) as records from dead_letters where source = 'customer_events'
),

summed as (
    select coalesce(sum(event_count), 0) as records from events_extract
),

balance as (
    select
        read.records as events_read,
        judged.aggregated,
        judged.duplicates,
        judged.unknown_kinds,
        judged.rejects + misshapen.records as rejects,
        dead.records as dead_letters,
        judged.outside,
        summed.records as events_in_extract
    from read cross join judged cross join misshapen cross join dead cross join summed
)

select events_read, aggregated, duplicates, unknown_kinds, rejects, dead_letters, outside, events_in_extract
from balance
where events_read <> aggregated + duplicates + unknown_kinds + rejects + dead_letters + outside
    or aggregated <> events_in_extract
