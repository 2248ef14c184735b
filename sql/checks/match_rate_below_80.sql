/* dfpipe
description: At least 80 % of the valid CRM customers are found in the events.
severity: warn
hint: "Look at id_shape in the transform log: do ids look the same on both sides? Is the topic or a file missing?"
*/
with

summary as (
    select
        max(value) filter (where metric = 'match_rate') as match_rate,
        max(value) filter (where metric = 'match_rate_events_side') as match_rate_events_side
    from run_summary
),

crm as (
    select count(*) as valid_customers from crm_extract
)

-- Of no customers at all no share can be too small: the row count of unified_customers speaks up then.
select crm.valid_customers, summary.match_rate, summary.match_rate_events_side
from summary
cross join crm
where crm.valid_customers > 0 and summary.match_rate < 80
