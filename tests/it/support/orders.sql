/* dfpipe
version: 1
description: What each customer has spent.
key: [customer]
save_as: totals.parquet
*/
select
    customer,
    sum(amount) as amount
from orders
group by customer
