/* dfpipe
description: The output holds at least 100 customers.
severity: warn
hint: Is this a small test, or is most of a source missing? See the records read per source in the transform log.
*/
with

output as (
    select count(*) as customers from unified_customers
)

select customers
from output
where customers < 100
