/* dfpipe
description: Not every customer is in the same category.
severity: warn
hint: Is last_activity_date still maintained in the CRM? A category that holds everyone tells nobody apart.
*/
with

categories as (
    select category, count(*) as customers from unified_customers group by category
),

total as (
    select count(*) as customers from unified_customers
)

select categories.category, categories.customers
from categories
cross join total
where categories.customers = total.customers
