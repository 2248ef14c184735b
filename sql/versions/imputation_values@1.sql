/* dfpipe
version: 1
description: What stands in for a missing number, one row. The exact medians of the valid CRM customers.
key: [lifetime_value, support_tickets]
checks:
  - not_null: [lifetime_value, support_tickets]
*/
with

crm as (
    select * from crm_extract
),

medians as (
    select
        -- Two more digits, so that the middle of two cents is rounded and not cut off.
        median(cast(lifetime_value as decimal(22, 4))) as lifetime_value,
        median(cast(support_tickets as double)) as support_tickets
    from crm
)

-- 0 only if the column is missing for every customer.
select
    cast(coalesce(round(lifetime_value, 2), 0) as decimal(18, 2)) as lifetime_value,
    cast(coalesce(round(support_tickets), 0) as bigint) as support_tickets
from medians
