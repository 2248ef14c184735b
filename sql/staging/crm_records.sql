/* dfpipe
version: 2
description: Every CRM record that could be read, and what became of it.
key: [customer_id, updated_at, part, position]
checks:
  - not_null: [customer_id, updated_at, status]
  - one_of: {column: status, values: [outside_window, rejected, duplicate, kept]}
*/
with

records as (
    select * from crm_customers
),

cleaned as (
    select
        customer_id,
        email_hash,
        signup_date,
        last_activity_date,
        -- A blank tier says as little as none.
        nullif(trim(subscription_tier), '') as subscription_tier,
        lifetime_value,
        support_tickets,
        updated_at,
        _part as part,
        _position as position
    from records
),

judged as (
    select
        *,
        updated_at >= $window_start and updated_at < $window_end as is_in_window,
        -- The order of the lines is the order of the reasons: the first one names the reject.
        -- No customer is worth more than a hundred thousand millions: such a value is a slip.
        concat_ws(',',
            case when trim(customer_id) = '' then 'missing_customer_id' end,
            case when lifetime_value < 0 then 'negative_lifetime_value' end,
            case when lifetime_value > 100000000000.00 then 'impossible_lifetime_value' end,
            case when support_tickets < 0 then 'negative_support_tickets' end,
            case when last_activity_date > $run_date or signup_date > $run_date then 'future_date' end
        ) as impossible
    from cleaned
),

repeated as (
    select customer_id from records group by customer_id having count(*) > 1
),

-- The latest update wins among the valid records of a customer. Ties break by content, never by
-- arrival: part and position only tell records apart that are the same in every other column.
-- Only customers who come again are ranked: ranking sorts, and most come once.
ranked as (
    select judged.*, 1 as recency
    from repeated
    right anti join judged on repeated.customer_id = judged.customer_id
    union all
    select
        judged.*,
        cast(row_number() over (
            partition by judged.is_in_window, judged.impossible = '', judged.customer_id
            order by
                updated_at desc, last_activity_date desc, lifetime_value desc, support_tickets desc,
                subscription_tier, signup_date, email_hash, part, position
        ) as bigint) as recency
    from repeated
    right semi join judged on repeated.customer_id = judged.customer_id
),

decided as (
    select
        *,
        case
            when not is_in_window then 'outside_window'
            when impossible <> '' then 'rejected'
            when recency > 1 then 'duplicate'
            else 'kept'
        end as status
    from ranked
)

select
    customer_id,
    email_hash,
    signup_date,
    last_activity_date,
    subscription_tier,
    lifetime_value,
    support_tickets,
    updated_at,
    status,
    case status when 'rejected' then impossible when 'duplicate' then 'duplicate' end as all_reasons,
    part,
    position
from decided
