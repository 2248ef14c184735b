/* dfpipe
version: 1
description: Customers of either side that had several candidates on the other side, and were matched to none.
key: [side, customer_id]
checks:
  - unique: [side, customer_id]
*/
with

by_canonical_id as (
    select * from canonical_id_match where not is_one_to_one
),

by_email_hash as (
    select * from email_hash_match where not is_one_to_one
)

select side, customer_id, 'canonical_id' as ambiguous_by from by_canonical_id
union all
select side, customer_id, 'email_hash' as ambiguous_by from by_email_hash
