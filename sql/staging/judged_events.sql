/* dfpipe
version: 1
description: Every event that could be read, with its kind and what speaks against it.
materialized: view
key: [part, position]
*/
with

events as (
    select * from customer_events
),

known_names as (
    select string_agg(event_name || '=' || kind, chr(10) order by event_name) as names from event_names
),

named as (
    select
        event_id,
        customer_id,
        event_type,
        -- What analysts say of a name comes first, then what is known anyway. One of page_view, feature_used,
        -- purchase_completed, support_chat_started; null if nobody knows it.
        event_kind(event_type, (select names from known_names)) as kind,
        occurred_at,
        email_hash,
        feature,
        amount,
        upper(nullif(trim(currency), '')) as currency,
        page,
        _part as part,
        _position as position
    from events
)

-- The first line that applies decides: an event has exactly one verdict, so that they add up.
-- No purchase costs more than ten millions: such an amount is a slip of a producer, and a few of them
-- would be more than a sum of money can hold.
select
    *,
    case
        when occurred_at < $window_start or occurred_at >= $window_end then 'outside_window'
        when kind is null then 'unknown_kind'
        when kind = 'purchase_completed' and amount < 0 then 'negative_amount'
        when kind = 'purchase_completed' and amount > 10000000.00 then 'impossible_amount'
        else 'aggregated'
    end as verdict
from named
