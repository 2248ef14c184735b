/* dfpipe
version: 1
description: |
  Events of the window of which something is odd: a verdict speaks against them, or another event has their id. So
  few of all that who asks for these need not read the others again.
key: [part, position]
*/
select
    event_id,
    customer_id,
    event_type,
    kind,
    occurred_at,
    email_hash,
    feature,
    amount,
    currency,
    page,
    verdict,
    part,
    position
from judged_events
where verdict <> 'outside_window' and (verdict <> 'aggregated' or event_id in (select event_id from repeated_events))
