/* dfpipe
version: 1
description: What CRM and events say together, one row per customer found in both. The table that is loaded.
key: [customer_id]
save_as: step3_unified_customers.parquet
checks:
  - not_null: [
      customer_id, event_customer_id, matched_by, last_activity_date, subscription_tier,
      lifetime_value, support_tickets, crm_updated_at, total_page_views, unique_features_used,
      purchase_count, purchase_amount, support_interactions, event_count, first_event_at,
      last_event_at, days_since_last_activity, category, engagement_score, lifetime_value_scaled,
      support_tickets_scaled, total_page_views_scaled, unique_features_used_scaled,
      purchase_count_scaled, purchase_amount_scaled, support_interactions_scaled,
      days_since_last_activity_scaled, is_last_activity_date_imputed, is_subscription_tier_imputed,
      is_lifetime_value_imputed, is_support_tickets_imputed, is_lifetime_value_capped,
      is_support_tickets_capped, is_total_page_views_capped, is_unique_features_used_capped,
      is_purchase_count_capped, is_purchase_amount_capped, is_support_interactions_capped,
      is_days_since_last_activity_capped
    ]
  - unique: [customer_id]
  - unique: [event_customer_id]
  - between: {column: engagement_score, min: 0, max: 100}
  - one_of: {column: category, values: [active, at_risk, churned]}
  - distribution: {column: category, max_share: 0.99}
    severity: warn
    hint: Is last_activity_date still maintained in the CRM? A category that holds everyone tells nobody apart.
  - one_of: {column: matched_by, values: [customer_id, canonical_id, email_hash]}
  - row_count: {min: 100}
    severity: warn
    hint: Is this a small test, or is most of a source missing? See the records read per source in the transform log.
  - row_count: {min_share_of_last: 0.5, max_share_of_last: 2}
    severity: warn
    hint: Half or twice the customers of the last run. Compare the records read per source with those of that run.
*/
with

joined as (
    select * from joined_customers
),

capped as (
    select * from capped_customers
),

scaled as (
    select * from scaled_customers
),

scores as (
    select * from engagement_score
)

-- Numbers stand here as the sources gave them; score and scaled columns come from the capped ones.
select
    joined.customer_id, joined.event_customer_id, joined.matched_by,
    joined.email_hash, joined.signup_date, joined.last_activity_date, joined.subscription_tier,
    joined.lifetime_value, joined.support_tickets, joined.crm_updated_at,
    joined.total_page_views, joined.unique_features_used,
    joined.purchase_count, joined.purchase_amount, joined.support_interactions,
    joined.event_count, joined.first_event_at, joined.last_event_at,

    joined.days_since_last_activity,
    activity_status(joined.days_since_last_activity) as category,
    scores.engagement_score,

    scaled.lifetime_value_scaled,
    scaled.support_tickets_scaled,
    scaled.total_page_views_scaled,
    scaled.unique_features_used_scaled,
    scaled.purchase_count_scaled,
    scaled.purchase_amount_scaled,
    scaled.support_interactions_scaled,
    scaled.days_since_last_activity_scaled,

    joined.is_last_activity_date_imputed, joined.is_subscription_tier_imputed,
    joined.is_lifetime_value_imputed, joined.is_support_tickets_imputed,

    capped.is_lifetime_value_capped,
    capped.is_support_tickets_capped,
    capped.is_total_page_views_capped,
    capped.is_unique_features_used_capped,
    capped.is_purchase_count_capped,
    capped.is_purchase_amount_capped,
    capped.is_support_interactions_capped,
    capped.is_days_since_last_activity_capped
from joined
inner join capped on capped.customer_id = joined.customer_id
inner join scaled on scaled.customer_id = joined.customer_id
inner join scores on scores.customer_id = joined.customer_id
