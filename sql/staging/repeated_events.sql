/* dfpipe
version: 1
description: Ids that more than one event bears, whatever became of those events.
key: [event_id]
*/
with

events as (
    select event_id from customer_events
)

select event_id
from events
group by event_id
having count(*) > 1
