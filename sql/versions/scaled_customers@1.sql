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
)

-- A feature that is the same for everybody scales to 0: it tells nobody apart. No scale is missing,
-- so that the columns of the loaded table are never null.
select
    customer_id,
    coalesce(min_max_scale(lifetime_value_capped) over (), 0) as lifetime_value_scaled,
    coalesce(min_max_scale(support_tickets_capped) over (), 0) as support_tickets_scaled,
    coalesce(min_max_scale(total_page_views_capped) over (), 0) as total_page_views_scaled,
    coalesce(min_max_scale(unique_features_used_capped) over (), 0) as unique_features_used_scaled,
    coalesce(min_max_scale(purchase_count_capped) over (), 0) as purchase_count_scaled,
    coalesce(min_max_scale(purchase_amount_capped) over (), 0) as purchase_amount_scaled,
    coalesce(min_max_scale(support_interactions_capped) over (), 0) as support_interactions_scaled,
    coalesce(min_max_scale(days_since_last_activity_capped) over (), 0) as days_since_last_activity_scaled
from capped
