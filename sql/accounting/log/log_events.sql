/* dfpipe
version: 2
description: For the transform log, event names nobody knows and purchases whose money was not added up.
key: [decision, subject, detail]
*/
with

unknown_names as (
    select event_type, count(*) as records
    from refused_events
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
    select * from event_counts where status = 'aggregated' and kind = 'purchase_completed'
)

select
    'unknown_kind' as decision, name as subject, 'event name' as detail,
    sum(records) as records, cast(null as double) as value
from ranked_names
group by name

union all
select
    'not_summed', coalesce(currency, '(no currency)'),
    'purchases counted, their amount not added up; value is the amount', sum(events), cast(coalesce(sum(amount), 0) as double)
from purchases
where currency is null or currency <> $currency
group by currency

union all
select 'not_summed', $currency, 'purchases without an amount', coalesce(sum(events_without_amount), 0), null
from purchases
where currency = $currency
