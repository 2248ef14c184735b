/* dfpipe
description: CRM records read = kept + duplicates + rejects + dead letters + outside the window.
severity: error
hint: CRM records vanished or were counted twice between the source and crm_records or crm_extract. Nothing was loaded.
*/
with

read as (
    select coalesce(sum(records_read), 0) as records from extract_log where source = 'crm_customers'
),

judged as (
    select
        count(*) filter (where status = 'kept') as kept,
        count(*) filter (where status = 'duplicate') as duplicates,
        count(*) filter (where status = 'rejected') as rejects,
        count(*) filter (where status = 'outside_window') as outside
    from crm_records
),

misshapen as (
    select count(*) as records from extract_rejects where source = 'crm_customers'
),

dead as (
    select count(*) as records from dead_letters where source = 'crm_customers'
),

extracted as (
    select count(*) as records from crm_extract
),

balance as (
    select
        read.records as records_read,
        judged.kept,
        judged.duplicates,
        judged.rejects + misshapen.records as rejects,
        dead.records as dead_letters,
        judged.outside,
        extracted.records as customers_in_extract
    from read cross join judged cross join misshapen cross join dead cross join extracted
)

select records_read, kept, duplicates, rejects, dead_letters, outside, customers_in_extract
from balance
where records_read <> kept + duplicates + rejects + dead_letters + outside
    or kept <> customers_in_extract
