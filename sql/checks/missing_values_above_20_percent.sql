/* dfpipe
description: No field of the CRM is missing for more than 20 % of the valid customers.
severity: warn
hint: Ask the owners of the CRM whether this field is still filled. What was imputed stands in the transform log.
*/
with

missing as (
    select * from transform_log where step = '1 extract' and decision = 'missing'
)

select subject as field, records as customers, value as percent
from missing
where value > 20
