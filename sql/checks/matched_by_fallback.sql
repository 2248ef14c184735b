/* dfpipe
description: Customers match by their id, without the fallback to canonical id and e-mail hash.
severity: warn
hint: Fewer than half of the customers matched by id. Check what changed in the ids, see id_shape in the transform log.
*/
with

fallback as (
    select * from fallback_customers where side = 'crm'
),

matches as (
    select * from customer_match where matched_by <> 'customer_id'
)

select
    (select count(*) from fallback) as customers_unmatched_by_id,
    (select count(*) from matches) as customers_matched_by_fallback
where (select count(*) from fallback) > 0
