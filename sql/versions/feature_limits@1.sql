/* dfpipe
version: 1
description: Per numeric feature, the 99th percentile at which it is capped and the range that is scaled to 0–1.
key: [feature]
checks:
  - not_null: [feature, p99, lowest, highest]
  - unique: [feature]
*/
with

joined as (
    select * from joined_customers
),

numbers as (
    select
        unnest([
            'lifetime_value', 'support_tickets', 'total_page_views', 'unique_features_used',
            'purchase_count', 'purchase_amount', 'support_interactions', 'days_since_last_activity'
        ]) as feature,
        unnest([
            cast(lifetime_value as double), cast(support_tickets as double),
            cast(total_page_views as double), cast(unique_features_used as double),
            cast(purchase_count as double), cast(purchase_amount as double),
            cast(support_interactions as double), cast(days_since_last_activity as double)
        ]) as value
    from joined
),

-- The exact, linear 99th percentile: of n sorted values numbered from 0 it lies at (n - 1) * 0.99,
-- between two neighbours as a rule. percentile_cont() would round that place to six digits.
places as (
    select
        feature,
        (count(*) - 1) * 99 / 100 as place,
        (count(*) - 1) * 99 % 100 / 100.0 as share,
        min(value) as lowest
    from numbers
    group by feature
),

sorted as (
    select
        feature,
        value,
        cast(row_number() over (partition by feature order by value) as bigint) - 1 as place
    from numbers
),

neighbours as (
    select
        places.feature,
        places.share,
        places.lowest,
        min(sorted.value) as below,
        max(sorted.value) as above
    from places
    inner join sorted
        on sorted.feature = places.feature
        and sorted.place >= places.place
        and sorted.place <= places.place + 1
    group by places.feature, places.share, places.lowest
),

percentiles as (
    select feature, lowest, below + (above - below) * share as p99 from neighbours
)

-- After capping, the 99th percentile is the highest value.
select feature, p99, lowest, p99 as highest from percentiles
