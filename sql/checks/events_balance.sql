/* dfpipe
description: Events read = aggregated + duplicates + unknown kinds + rejects + dead letters + outside the window.
severity: error
hint: Events vanished or were counted twice between the source and event_counts, refused_events or events_extract. Nothing was loaded.
*/
with

read as (
    select coalesce(sum(records_read), 0) as records from extract_log where source = 'customer_events'
),

judged as (
    select
        coalesce(sum(events) filter (where status = 'aggregated'), 0) as aggregated,
        coalesce(sum(events) filter (where status = 'duplicate'), 0) as duplicates,
        coalesce(sum(events) filter (where status = 'unknown_kind'), 0) as unknown_kinds,
        coalesce(sum(events) filter (
            where status in ('negative_amount', 'impossible_amount')
        ), 0) as rejects,
        coalesce(sum(events) filter (where status = 'outside_window'), 0) as outside
    from event_counts
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

listed as (
    select count(*) as records from refused_events
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
        summed.records as events_in_extract,
        judged.duplicates + judged.unknown_kinds + judged.rejects as events_refused,
        listed.records as events_listed_as_refused
    from read cross join judged cross join misshapen cross join dead cross join summed cross join listed
)

select
    events_read, aggregated, duplicates, unknown_kinds, rejects, dead_letters, outside, events_in_extract,
    events_refused, events_listed_as_refused
from balance
where events_read <> aggregated + duplicates + unknown_kinds + rejects + dead_letters + outside
    or aggregated <> events_in_extract
    or events_refused <> events_listed_as_refused
