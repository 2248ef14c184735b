/* dfpipe
version: 1
description: For the transform log, which values were imputed, capped and scaled, and with what.
key: [decision, subject, detail]
*/
with

unified as (
    select
        count(*) filter (where is_last_activity_date_imputed) as last_activity_date_imputed,
        count(*) filter (where is_subscription_tier_imputed) as subscription_tier_imputed,
        count(*) filter (where is_lifetime_value_imputed) as lifetime_value_imputed,
        count(*) filter (where is_support_tickets_imputed) as support_tickets_imputed,
        count(*) filter (where is_lifetime_value_capped) as lifetime_value_capped,
        count(*) filter (where is_support_tickets_capped) as support_tickets_capped,
        count(*) filter (where is_total_page_views_capped) as total_page_views_capped,
        count(*) filter (where is_unique_features_used_capped) as unique_features_used_capped,
        count(*) filter (where is_purchase_count_capped) as purchase_count_capped,
        count(*) filter (where is_purchase_amount_capped) as purchase_amount_capped,
        count(*) filter (where is_support_interactions_capped) as support_interactions_capped,
        count(*) filter (where is_days_since_last_activity_capped) as days_since_last_activity_capped,
        count(*) as customers
    from unified_customers
),

imputed as (
    select
        unnest(['last_activity_date', 'subscription_tier', 'lifetime_value', 'support_tickets']) as field,
        unnest(['date of the last event', 'unknown', 'median of the valid CRM customers',
            'median of the valid CRM customers']) as detail,
        unnest([last_activity_date_imputed, subscription_tier_imputed,
            lifetime_value_imputed, support_tickets_imputed]) as records,
        unnest([null, null, cast(medians.lifetime_value as double), cast(medians.support_tickets as double)]) as value
    from unified
    cross join imputation_values as medians
),

capped as (
    select
        unnest(['lifetime_value', 'support_tickets', 'total_page_views', 'unique_features_used',
            'purchase_count', 'purchase_amount', 'support_interactions', 'days_since_last_activity']) as feature,
        unnest([lifetime_value_capped, support_tickets_capped, total_page_views_capped, unique_features_used_capped,
            purchase_count_capped, purchase_amount_capped, support_interactions_capped,
            days_since_last_activity_capped]) as records
    from unified
),

limits as (
    select * from feature_limits
)

select 'imputed' as decision, field as subject, detail, records, value
from imputed

union all
select 'capped', capped.feature, 'to the 99th percentile of the joined customers', capped.records, limits.p99
from capped
left join limits on limits.feature = capped.feature

union all
select 'scaled', limits.feature, 'lowest capped value, becomes 0', unified.customers, limits.lowest
from limits cross join unified

union all
select 'scaled', limits.feature, 'highest capped value, becomes 1', unified.customers, limits.highest
from limits cross join unified
