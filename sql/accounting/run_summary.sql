/* dfpipe
version: 2
description: The numbers of the completion report, one row each.
key: [position]
checks:
  - not_null: [position, metric, label, value, unit]
  - unique: [metric]
  - one_of: {column: unit, values: [count, percent, money]}
*/
with

customers as (
    select
        count(*) as processed,
        count(*) filter (where in_crm) as distinct_in_crm,
        count(*) filter (where has_usable_events) as distinct_in_events
    from customers_in_scope
),

crm as (
    select
        count(*) as valid,
        count(*) filter (where $run_date - signup_date between 0 and 6) as new_this_week
    from crm_extract
),

matches as (
    select count(*) as matched from customer_match
),

unified as (
    select
        count(*) as kept,
        count(*) filter (where category = 'active') as active,
        count(*) filter (where category = 'at_risk') as at_risk,
        count(*) filter (where category = 'churned') as churned,
        coalesce(sum(purchase_amount), 0) as purchase_amount
    from unified_customers
),

rejected as (
    select count(*) as customers from rejected_customers
),

quality as (
    select count(*) filter (where is_clean) as clean from customer_quality
),

events as (
    select
        coalesce((select sum(records_read) from extract_log where source = 'customer_events'), 0) as read,
        coalesce(sum(events) filter (where status = 'aggregated'), 0) as aggregated
    from event_counts
),

refused as (
    select count(*) as records from rejects
),

undecodable as (
    select count(*) as records from dead_letters
),

-- A share of nobody is 0, so that an empty week has a summary as well.
facts as (
    select
        customers.*, crm.*, matches.*, unified.*, events.*,
        rejected.customers as rejected_customers,
        refused.records as refused_records,
        undecodable.records as dead_letters,
        coalesce(100.0 * matches.matched / nullif(crm.valid, 0), 0) as match_rate,
        coalesce(100.0 * matches.matched / nullif(customers.distinct_in_events, 0), 0) as match_rate_events_side,
        coalesce(100.0 * quality.clean / nullif(customers.distinct_in_crm, 0), 0) as data_quality_score
    from customers
    cross join crm cross join matches cross join unified cross join rejected
    cross join quality cross join events cross join refused cross join undecodable
),

-- One struct per line of the report, so that everything above is computed once.
listed as (
    select unnest([
        {position: 1, metric: 'customers_processed', label: 'Customers processed', value: cast(processed as double), unit: 'count'},
        {position: 2, metric: 'customers_in_output', label: 'Customers in the output', value: cast(kept as double), unit: 'count'},
        {position: 3, metric: 'customers_rejected', label: 'Customers rejected', value: cast(rejected_customers as double), unit: 'count'},
        {position: 4, metric: 'customers_new_this_week', label: 'New customers this week', value: cast(new_this_week as double), unit: 'count'},
        {position: 5, metric: 'match_rate', label: 'Match rate of the CRM customers', value: cast(match_rate as double), unit: 'percent'},
        {position: 6, metric: 'match_rate_events_side', label: 'Match rate of the event customers', value: cast(match_rate_events_side as double), unit: 'percent'},
        {position: 7, metric: 'data_quality_score', label: 'Data quality score', value: cast(data_quality_score as double), unit: 'percent'},
        {position: 8, metric: 'customers_active', label: 'Active customers', value: cast(active as double), unit: 'count'},
        {position: 9, metric: 'customers_at_risk', label: 'Customers at risk', value: cast(at_risk as double), unit: 'count'},
        {position: 10, metric: 'customers_churned', label: 'Churned customers', value: cast(churned as double), unit: 'count'},
        {position: 11, metric: 'events_read', label: 'Events read', value: cast(read as double), unit: 'count'},
        {position: 12, metric: 'events_aggregated', label: 'Events aggregated', value: cast(aggregated as double), unit: 'count'},
        {position: 13, metric: 'records_rejected', label: 'Records rejected', value: cast(refused_records as double), unit: 'count'},
        {position: 14, metric: 'dead_letters', label: 'Dead letters', value: cast(dead_letters as double), unit: 'count'},
        {position: 15, metric: 'purchase_amount', label: 'Purchases of the customers in the output', value: cast(purchase_amount as double), unit: 'money'}
    ]) as line
    from facts
)

select
    cast(line['position'] as int) as position,
    line['metric'] as metric,
    line['label'] as label,
    line['value'] as value,
    line['unit'] as unit
from listed
