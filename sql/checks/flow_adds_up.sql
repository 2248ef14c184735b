/* dfpipe
description: What the report's flow of records brings to a place goes on from there, and it begins with all that was read.
severity: warn
hint: A model got a new kind of leaving out that run_flow does not know. The load is right, see the balance checks; the picture is not.
*/
with

flow as (
    select * from run_flow
),

read as (
    select
        case source when 'crm_customers' then 'CRM records' else 'Events' end as place,
        records_read as records
    from extract_log
),

arriving as (
    select place, sum(records) as records
    from (
        select place, records from read
        union all
        select target as place, records from flow where is_kept
    )
    group by place
),

leaving as (
    select origin as place, sum(records) as records from flow group by origin
)

select
    coalesce(arriving.place, leaving.place) as place,
    arriving.records as records_arriving,
    leaving.records as records_leaving
from arriving
full join leaving on leaving.place = arriving.place
where coalesce(arriving.records, 0) <> coalesce(leaving.records, 0)
    -- The end of the way: nothing leaves the output.
    and coalesce(arriving.place, leaving.place) not in ('Customers in the output', 'Events in the output')
