/* dfpipe
version: 1
description: The valid CRM customers of the window, one row each, missing values still missing.
key: [customer_id]
save_as: step1_crm_extract.parquet
checks:
  - not_null: [customer_id, updated_at]
  - unique: [customer_id]
  - freshness: {column: updated_at, max_age_days: 2}
    severity: warn
    hint: The CRM has no newer customers. Is this an export that was not renewed?
*/
with

records as (
    select * from crm_records
)

select
    customer_id,
    email_hash,
    signup_date,
    last_activity_date,
    subscription_tier,
    lifetime_value,
    support_tickets,
    updated_at
from records
where status = 'kept'
