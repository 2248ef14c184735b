/* dfpipe
version: 1
description: The numeric features capped at their 99th percentile, so that a few giants do not decide the scale.
key: [customer_id]
checks:
  - unique: [customer_id]
*/
with

joined as (
    select * from joined_customers
),

features as (
    select
        customer_id,
        cast(lifetime_value as double) as lifetime_value,
        cast(support_tickets as double) as support_tickets,
        cast(total_page_views as double) as total_page_views,
        cast(unique_features_used as double) as unique_features_used,
        cast(purchase_count as double) as purchase_count,
        cast(purchase_amount as double) as purchase_amount,
        cast(support_interactions as double) as support_interactions,
        cast(days_since_last_activity as double) as days_since_last_activity
    from joined
),

limits as (
    select
        max(p99) filter (where feature = 'lifetime_value') as lifetime_value,
        max(p99) filter (where feature = 'support_tickets') as support_tickets,
        max(p99) filter (where feature = 'total_page_views') as total_page_views,
        max(p99) filter (where feature = 'unique_features_used') as unique_features_used,
        max(p99) filter (where feature = 'purchase_count') as purchase_count,
        max(p99) filter (where feature = 'purchase_amount') as purchase_amount,
        max(p99) filter (where feature = 'support_interactions') as support_interactions,
        max(p99) filter (where feature = 'days_since_last_activity') as days_since_last_activity
    from feature_limits
)

select
    features.customer_id,

    least(features.lifetime_value, limits.lifetime_value) as lifetime_value_capped,
    least(features.support_tickets, limits.support_tickets) as support_tickets_capped,
    least(features.total_page_views, limits.total_page_views) as total_page_views_capped,
    least(features.unique_features_used, limits.unique_features_used) as unique_features_used_capped,
    least(features.purchase_count, limits.purchase_count) as purchase_count_capped,
    least(features.purchase_amount, limits.purchase_amount) as purchase_amount_capped,
    least(features.support_interactions, limits.support_interactions) as support_interactions_capped,
    least(features.days_since_last_activity, limits.days_since_last_activity) as days_since_last_activity_capped,

    features.lifetime_value > limits.lifetime_value as is_lifetime_value_capped,
    features.support_tickets > limits.support_tickets as is_support_tickets_capped,
    features.total_page_views > limits.total_page_views as is_total_page_views_capped,
    features.unique_features_used > limits.unique_features_used as is_unique_features_used_capped,
    features.purchase_count > limits.purchase_count as is_purchase_count_capped,
    features.purchase_amount > limits.purchase_amount as is_purchase_amount_capped,
    features.support_interactions > limits.support_interactions as is_support_interactions_capped,
    features.days_since_last_activity > limits.days_since_last_activity as is_days_since_last_activity_capped
from features
cross join limits
