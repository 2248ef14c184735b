/* dfpipe
description: Every event is of a known kind.
severity: warn
hint: "These events were left out. Is a name one of the four kinds? Then give it a line in sql/staging/event_names.sql."
*/
with

events as (
    select * from refused_events where status = 'unknown_kind'
)

select event_type, count(*) as events
from events
group by event_type
