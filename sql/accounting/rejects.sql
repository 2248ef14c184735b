/* dfpipe
version: 2
description: Every record that was refused, with its reason and its place. One row per record, not per customer.
key: [source, reason, customer_id, place]
save_as: rejects.parquet
checks:
  - not_null: [source, reason, all_reasons]
*/
with

-- Valid JSON of the wrong shape, refused while reading.
misshapen as (
    select
        source,
        reason as all_reasons,
        detail,
        place,
        record_key as customer_id,
        record
    from extract_rejects
),

crm as (
    select
        'crm_customers' as source,
        all_reasons,
        case status
            when 'duplicate' then 'another record of this customer is newer, or the same'
            else concat_ws(', ',
                case when trim(customer_id) = '' then 'customer_id is blank' end,
                case when lifetime_value < 0 or lifetime_value > 100000000000.00
                    then concat('lifetime_value is ', lifetime_value) end,
                case when support_tickets < 0 then concat('support_tickets is ', support_tickets) end,
                case when last_activity_date > $run_date
                    then concat('last_activity_date is ', last_activity_date) end,
                case when signup_date > $run_date then concat('signup_date is ', signup_date) end)
        end as detail,
        concat('part ', part, ', position ', position) as place,
        customer_id,
        concat_ws(', ',
            concat('customer_id=', customer_id),
            'signup_date=' || signup_date,
            'last_activity_date=' || last_activity_date,
            'subscription_tier=' || subscription_tier,
            'lifetime_value=' || lifetime_value,
            'support_tickets=' || support_tickets,
            concat('updated_at=', updated_at)) as record
    from crm_records
    where status in ('rejected', 'duplicate')
),

events as (
    select
        'customer_events' as source,
        status as all_reasons,
        case status
            when 'duplicate' then 'an event with this event_id was aggregated already'
            when 'unknown_kind' then concat('no kind of event is called ', event_type)
            when 'negative_amount' then concat('amount is ', amount)
            when 'impossible_amount' then concat('amount is ', amount)
        end as detail,
        concat('part ', part, ', position ', position) as place,
        customer_id,
        concat_ws(', ',
            concat('event_id=', event_id),
            concat('customer_id=', customer_id),
            concat('event_type=', event_type),
            concat('occurred_at=', occurred_at),
            'feature=' || feature,
            'amount=' || amount,
            'currency=' || currency) as record
    from refused_events
),

refused as (
    select source, all_reasons, detail, place, customer_id, record from misshapen
    union all
    select source, all_reasons, detail, place, customer_id, record from crm
    union all
    select source, all_reasons, detail, place, customer_id, record from events
)

select
    source,
    split_part(all_reasons, ',', 1) as reason,
    all_reasons,
    detail,
    place,
    customer_id,
    record
from refused
