/* dfpipe
version: 1
description: Every customer of either source who is not in the output, and why. One row per customer.
key: [customer_id]
checks:
  - not_null: [customer_id, reason, all_reasons, in_crm, in_events]
  - unique: [customer_id]
  - one_of:
      column: reason
      values:
        - malformed_record
        - negative_lifetime_value
        - impossible_lifetime_value
        - negative_support_tickets
        - future_date
        - ambiguous_match
        - crm_record_outside_window
        - not_in_crm
        - no_usable_events
        - no_events_in_window
  # Counted from the records, not from customers_in_scope: a check must not trust what it checks. That the events add
  # up is checks/events_balance.sql's.
  - accounts_for:
      keys: [customer_id]
      from:
        - {table: crm_records, where: "status <> 'outside_window' and trim(customer_id) <> ''"}
        - {table: events_extract}
        - {table: refused_events}
        - {table: extract_rejects, columns: [record_key], where: "trim(record_key) <> ''"}
      exactly_one_of:
        - {table: unified_customers}
        - {table: unified_customers, columns: [event_customer_id]}
        - {table: rejected_customers}
    hint: A model lost or doubled these customers. Compare unified_customers and rejected_customers with crm_records, events_extract and refused_events.
*/
with

in_scope as (
    select * from customers_in_scope
),

in_output as (
    select customer_id from unified_customers
    union
    select event_customer_id as customer_id from unified_customers
),

ambiguous as (
    select distinct customer_id from ambiguous_customers
),

left_out as (
    select in_scope.*, ambiguous.customer_id is not null as is_ambiguous
    from in_scope
    left anti join in_output on in_output.customer_id = in_scope.customer_id
    left join ambiguous on ambiguous.customer_id = in_scope.customer_id
),

-- The order of the lines is the order of the reasons. What was wrong with a record counts only where
-- no other record of that customer took its place.
explained as (
    select
        customer_id,
        in_crm,
        in_events,
        concat_ws(',',
            case when (is_misshapen_in_crm and not is_valid_in_crm)
                or (is_misshapen_in_events and not has_usable_events) then 'malformed_record' end,
            case when has_negative_lifetime_value and not is_valid_in_crm then 'negative_lifetime_value' end,
            case when has_impossible_lifetime_value and not is_valid_in_crm then 'impossible_lifetime_value' end,
            case when has_negative_support_tickets and not is_valid_in_crm then 'negative_support_tickets' end,
            case when has_future_date and not is_valid_in_crm then 'future_date' end,
            case when is_ambiguous then 'ambiguous_match' end,
            case when is_outside_window_in_crm then 'crm_record_outside_window' end,
            case when not in_crm and not is_outside_window_in_crm then 'not_in_crm' end,
            case when in_events and not has_usable_events then 'no_usable_events' end,
            case when not in_events then 'no_events_in_window' end
        ) as all_reasons
    from left_out
)

select
    customer_id,
    split_part(all_reasons, ',', 1) as reason,
    all_reasons,
    in_crm,
    in_events
from explained
