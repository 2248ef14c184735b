/* dfpipe
description: Every event is of a known kind.
severity: warn
hint: "These events were left out. Is it a new spelling of a known kind? Then canonical_event should learn it; ask an engineer."
*/
with

events as (
    select * from event_records where status = 'unknown_kind'
)

select event_type, count(*) as events
from events
group by event_type
