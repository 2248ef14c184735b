/* dfpipe
version: 1
description: Matched customers with what both sources say, missing values imputed and flagged.
key: [customer_id]
checks:
  - not_null: [customer_id, last_activity_date, subscription_tier, lifetime_value, support_tickets]
  - unique: [customer_id]
*/
with

crm as (
    select * from crm_extract
),

events as (
    select * from events_extract
),

matches as (
    select * from customer_match
),

imputed as (
    select * from imputation_values
),

filled as (
    select
        crm.customer_id,
        matches.event_customer_id,
        matches.matched_by,
        coalesce(crm.email_hash, events.email_hash) as email_hash,
        crm.signup_date,
        -- An event in the window cannot lie after the run date.
        coalesce(crm.last_activity_date, cast(events.last_event_at as date)) as last_activity_date,
        coalesce(crm.subscription_tier, 'unknown') as subscription_tier,
        coalesce(crm.lifetime_value, imputed.lifetime_value) as lifetime_value,
        coalesce(crm.support_tickets, imputed.support_tickets) as support_tickets,
        crm.updated_at as crm_updated_at,
        events.total_page_views,
        events.unique_features_used,
        events.purchase_count,
        events.purchase_amount,
        events.support_interactions,
        events.event_count,
        events.first_event_at,
        events.last_event_at,
        crm.last_activity_date is null as is_last_activity_date_imputed,
        crm.subscription_tier is null as is_subscription_tier_imputed,
        crm.lifetime_value is null as is_lifetime_value_imputed,
        crm.support_tickets is null as is_support_tickets_imputed
    from matches
    inner join crm on crm.customer_id = matches.customer_id
    inner join events on events.customer_id = matches.event_customer_id
    cross join imputed
)

select
    customer_id, event_customer_id, matched_by, email_hash, signup_date, last_activity_date,
    subscription_tier, lifetime_value, support_tickets, crm_updated_at,
    total_page_views, unique_features_used, purchase_count, purchase_amount, support_interactions,
    event_count, first_event_at, last_event_at,
    -- The CRM's date, never an event's: everybody who gets here has a recent event.
    $run_date - last_activity_date as days_since_last_activity,
    is_last_activity_date_imputed, is_subscription_tier_imputed,
    is_lifetime_value_imputed, is_support_tickets_imputed
from filled
