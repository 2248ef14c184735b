/* dfpipe
version: 1
description: For the transform log, where the customers went.
key: [decision, subject, detail]
*/
with

unified as (
    select * from unified_customers
),

rejected as (
    select * from rejected_customers
)

select
    'output' as decision, 'customers' as subject, 'found in both sources' as detail,
    count(*) as records, cast(null as double) as value
from unified

union all
select 'output', category, 'customers by activity', count(*), null
from unified
group by category

union all
select 'left_out', 'customers', reason, count(*), null
from rejected
group by reason
