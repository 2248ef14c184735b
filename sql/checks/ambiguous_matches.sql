/* dfpipe
description: No customer has several candidates on the other side.
severity: warn
hint: These customers were matched to nobody. One person with two ids, or two people with one e-mail address?
*/
with

ambiguous as (
    select * from ambiguous_customers
)

select side, customer_id, ambiguous_by
from ambiguous
