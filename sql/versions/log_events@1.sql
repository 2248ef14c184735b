/* dfpipe
version: 1
description: For the transform log, event names nobody knows and purchases whose money was not added up.
key: [decision, subject, detail]
*/
with

events as (
    select * from event_records
),

unknown_names as (
    select event_type, count(*) as records
    from events
    where status = 'unknown_kind'
    group by event_type
),

-- A producer gone wild can make up a name per event: the twenty most frequent stand for themselves.
ranked_names as (
    select
        case
            when row_number() over (order by records desc, event_type) <= 20 then event_type
            else '(all other names)'
        end as name,
        records
    from unknown_names
),

purchases as (
    select * from events where status = 'aggregated' and kind = 'purchase_completed'
)

select
    'unknown_kind' as decision, name as subject, 'event name' as detail,
    sum(records) as records, cast(null as double) as value
from ranked_names
group by name

union all
select
    'not_summed', coalesce(currency, '(no currency)'),
    'purchases counted, their amount not added up; value is the amount', count(*), cast(coalesce(sum(amount), 0) as double)
from purchases
where currency is null or currency <> $currency
group by currency

union all
select 'not_summed', $currency, 'purchases without an amount', count(*), null
from purchases
where currency = $currency and amount is null
