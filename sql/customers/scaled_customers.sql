/* dfpipe
version: 1
description: The capped features scaled to 0–1, lowest to highest of this run.
key: [customer_id]
checks:
  - unique: [customer_id]
*/
with

capped as (
    select * from capped_customers
),

-- A feature that is the same for everybody has no range, and scales to 0: it tells nobody apart.
ranges as (
    select feature, lowest as low, nullif(highest - lowest, 0) as range from feature_limits
),

limits as (
    select
        max(low) filter (where feature = 'lifetime_value') as lifetime_value_low,
        max(range) filter (where feature = 'lifetime_value') as lifetime_value_range,
        max(low) filter (where feature = 'support_tickets') as support_tickets_low,
        max(range) filter (where feature = 'support_tickets') as support_tickets_range,
        max(low) filter (where feature = 'total_page_views') as total_page_views_low,
        max(range) filter (where feature = 'total_page_views') as total_page_views_range,
        max(low) filter (where feature = 'unique_features_used') as unique_features_used_low,
        max(range) filter (where feature = 'unique_features_used') as unique_features_used_range,
        max(low) filter (where feature = 'purchase_count') as purchase_count_low,
        max(range) filter (where feature = 'purchase_count') as purchase_count_range,
        max(low) filter (where feature = 'purchase_amount') as purchase_amount_low,
        max(range) filter (where feature = 'purchase_amount') as purchase_amount_range,
        max(low) filter (where feature = 'support_interactions') as support_interactions_low,
        max(range) filter (where feature = 'support_interactions') as support_interactions_range,
        max(low) filter (where feature = 'days_since_last_activity') as days_since_last_activity_low,
        max(range) filter (where feature = 'days_since_last_activity') as days_since_last_activity_range
    from ranges
)

select
    customer_id,
    coalesce((capped.lifetime_value_capped - limits.lifetime_value_low) / limits.lifetime_value_range, 0)
        as lifetime_value_scaled,
    coalesce((capped.support_tickets_capped - limits.support_tickets_low) / limits.support_tickets_range, 0)
        as support_tickets_scaled,
    coalesce((capped.total_page_views_capped - limits.total_page_views_low) / limits.total_page_views_range, 0)
        as total_page_views_scaled,
    coalesce((capped.unique_features_used_capped - limits.unique_features_used_low) / limits.unique_features_used_range, 0)
        as unique_features_used_scaled,
    coalesce((capped.purchase_count_capped - limits.purchase_count_low) / limits.purchase_count_range, 0)
        as purchase_count_scaled,
    coalesce((capped.purchase_amount_capped - limits.purchase_amount_low) / limits.purchase_amount_range, 0)
        as purchase_amount_scaled,
    coalesce((capped.support_interactions_capped - limits.support_interactions_low) / limits.support_interactions_range, 0)
        as support_interactions_scaled,
    coalesce((capped.days_since_last_activity_capped - limits.days_since_last_activity_low) / limits.days_since_last_activity_range, 0)
        as days_since_last_activity_scaled
from capped
cross join limits
