/* dfpipe
version: 1
description: Every decision of the run with its count and the value it used, in the order they were taken.
key: [step, decision, subject, detail]
save_as: step3_transform_log.json
checks:
  - not_null: [step, decision, subject, detail, records]
*/
with

decisions as (
    select '1 extract' as step, decision, subject, detail, records, value from log_extract
    union all
    select '2 events' as step, decision, subject, detail, records, value from log_events
    union all
    select '3 match' as step, decision, subject, detail, records, value from log_matching
    union all
    select '4 values' as step, decision, subject, detail, records, value from log_values
    union all
    select '5 output' as step, decision, subject, detail, records, value from log_output
)

select
    step,
    decision,
    subject,
    detail,
    cast(records as bigint) as records,
    cast(value as double) as value
from decisions
