/* dfpipe
version: 1
description: How good the CRM's data about each of its customers is. One row per distinct CRM customer of the window.
key: [customer_id]
checks:
  - not_null: [customer_id, is_valid, is_clean]
  - unique: [customer_id]
*/
with

in_scope as (
    select * from customers_in_scope where in_crm
),

crm as (
    select * from crm_extract
),

records as (
    select
        customer_id,
        count(*) filter (where status = 'duplicate') as duplicate_records,
        count(*) filter (where status = 'rejected') as rejected_records
    from crm_records
    group by customer_id
),

misshapen as (
    select record_key as customer_id, count(*) as rejected_records
    from extract_rejects
    where source = 'crm_customers'
    group by record_key
),

matches as (
    select * from customer_match
),

described as (
    select
        in_scope.customer_id,
        in_scope.is_valid_in_crm as is_valid,
        coalesce(records.duplicate_records, 0) as duplicate_records,
        coalesce(records.rejected_records, 0) + coalesce(misshapen.rejected_records, 0) as rejected_records,
        in_scope.is_valid_in_crm and crm.lifetime_value is null as is_lifetime_value_missing,
        in_scope.is_valid_in_crm and crm.support_tickets is null as is_support_tickets_missing,
        in_scope.is_valid_in_crm and crm.subscription_tier is null as is_subscription_tier_missing,
        in_scope.is_valid_in_crm and crm.last_activity_date is null as is_last_activity_date_missing,
        matches.matched_by
    from in_scope
    left join crm on crm.customer_id = in_scope.customer_id
    left join records on records.customer_id = in_scope.customer_id
    left join misshapen on misshapen.customer_id = in_scope.customer_id
    left join matches on matches.customer_id = in_scope.customer_id
)

-- Not being in the events and being capped are no issues of the CRM's data.
select
    customer_id, is_valid, duplicate_records, rejected_records,
    is_lifetime_value_missing, is_support_tickets_missing,
    is_subscription_tier_missing, is_last_activity_date_missing,
    matched_by,
    is_valid
        and duplicate_records = 0
        and rejected_records = 0
        and not is_lifetime_value_missing
        and not is_support_tickets_missing
        and not is_subscription_tier_missing
        and not is_last_activity_date_missing
        and coalesce(matched_by, 'customer_id') = 'customer_id' as is_clean
from described
