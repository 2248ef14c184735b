/* dfpipe
description: Every purchase is in the currency of the pipeline.
severity: warn
hint: These purchases count, but their amounts are in no sum. Convert them in the source if they matter.
*/
with

purchases as (
    select * from event_counts where status = 'aggregated' and kind = 'purchase_completed'
)

select
    coalesce(currency, '(no currency)') as currency,
    sum(events) as purchases,
    coalesce(sum(amount), 0) as amount
from purchases
where currency is null or currency <> $currency
group by currency
