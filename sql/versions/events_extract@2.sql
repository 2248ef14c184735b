/* dfpipe
version: 2
description: What each customer did in the window, one row per customer id of the events.
key: [customer_id]
save_as: step2_events_extract.parquet
checks:
  - not_null:
      - customer_id
      - total_page_views
      - unique_features_used
      - purchase_count
      - purchase_amount
      - support_interactions
      - first_event_at
      - last_event_at
      - event_count
  - unique: [customer_id]
  - freshness: {column: last_event_at, max_age_days: 2}
    severity: warn
    hint: Customers do something every day. Has a producer stopped, or is a file missing?
*/
with

duplicates as (
    select part, position from duplicate_events
),

-- The few duplicates stand on the left, which is the side that is held in memory.
events as (
    select judged.*
    from duplicates
    right anti join judged_events as judged
        on judged.part = duplicates.part and judged.position = duplicates.position
    where judged.verdict = 'aggregated'
),

totals as (
    select
        customer_id,
        -- Events may carry several addresses of a customer: the smallest hash is as good as any, and stable.
        min(email_hash) as email_hash,
        count(*) filter (where kind = 'page_view') as total_page_views,
        count(distinct feature) filter (where kind = 'feature_used') as unique_features_used,
        count(*) filter (where kind = 'purchase_completed') as purchase_count,
        -- Purchases in another currency count, but money is only added up in one.
        sum(cast(amount as decimal(38, 2)))
            filter (where kind = 'purchase_completed' and currency = $currency) as purchase_amount,
        count(*) filter (where kind = 'support_chat_started') as support_interactions,
        min(occurred_at) as first_event_at,
        max(occurred_at) as last_event_at,
        count(*) as event_count
    from events
    group by customer_id
)

select
    totals.customer_id,
    totals.email_hash,
    totals.total_page_views,
    totals.unique_features_used,
    totals.purchase_count,
    cast(coalesce(totals.purchase_amount, 0) as decimal(18, 2)) as purchase_amount,
    totals.support_interactions,
    totals.first_event_at,
    totals.last_event_at,
    totals.event_count
from totals
