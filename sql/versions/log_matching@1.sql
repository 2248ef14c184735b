/* dfpipe
version: 1
description: For the transform log, how customers matched and what their ids look like on either side.
key: [decision, subject, detail]
*/
with

crm as (
    select count(*) as customers from crm_extract
),

events as (
    select count(*) as customers from events_extract
),

matches as (
    select count(*) as customers from customer_match
),

ambiguous as (
    select side, count(*) as customers from ambiguous_customers group by side
),

ids as (
    select 'crm' as side, customer_id from crm_extract
    union all
    select 'events' as side, customer_id from events_extract
),

-- CUS-00042 looks like A-9: letters and digits in a row become one of each.
shapes as (
    select
        side,
        regexp_replace(regexp_replace(customer_id, '[[:alpha:]]+', 'A', 'g'), '[0-9]+', '9', 'g') as shape,
        count(*) as customers,
        min(customer_id) as example
    from ids
    group by 1, 2
),

ranked_shapes as (
    select *, row_number() over (partition by side order by customers desc, shape) as rank from shapes
)

select
    'matched' as decision, matched_by as subject, 'customers' as detail,
    count(*) as records, cast(null as double) as value
from customer_match
group by matched_by

union all
select 'ambiguous', side, 'customers with several candidates on the other side, matched to none', customers, null
from ambiguous

union all
select 'match_rate', 'crm', 'valid CRM customers found in the events; value is percent', matches.customers,
    coalesce(100.0 * matches.customers / nullif(crm.customers, 0), 0)
from matches cross join crm

union all
select 'match_rate', 'events', 'customers of the events found in the CRM; value is percent', matches.customers,
    coalesce(100.0 * matches.customers / nullif(events.customers, 0), 0)
from matches cross join events

union all
select 'id_shape', side, concat(shape, ', for example ', example), customers, null
from ranked_shapes
where rank <= 5
