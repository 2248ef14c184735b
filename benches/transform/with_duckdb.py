"""The customer pipeline in DuckDB: the SQL models in its dialect, from the rows of an extract to the tables of a run.

One of three contenders that dfpipe is measured against, and so with the same views and tables by the same names. Row
order is let go, as DuckDB's guide says for data that may not fit into memory; all else is as it comes.

    python with_duckdb.py EXTRACT_DIR OUT_DIR
"""

import json
import sys
from pathlib import Path

import duckdb

from words import (
    CRM_STATUSES,
    CURRENCY,
    EVENT_STATUSES,
    FEATURES,
    MOST_AMOUNT,
    MOST_LIFETIME_VALUE,
    RUN_DATE,
    WINDOW_END,
    WINDOW_START,
    canonical_id,
    kind_of,
)

PARAMETERS = {
    "window_start": WINDOW_START,
    "window_end": WINDOW_END,
    "run_date": RUN_DATE,
    "currency": CURRENCY,
    "most_lifetime_value": MOST_LIFETIME_VALUE,
    "most_amount": MOST_AMOUNT,
}

MACROS = """
create temp macro activity_status(days) as
    case when days < 0 then null when days <= 6 then 'active' when days <= 30 then 'at_risk' else 'churned' end;

-- x / (x + half), written in the order of dfpipe so that ties round the same way.
create temp macro saturation(x, half) as case when x > 0 then 1 / (1 + half / x) else 0 end;

create temp macro engagement_score(purchases, features, page_views) as
    least(100, 100 * (
        0.5::double * saturation(purchases, 2.0::double)
        + 0.3::double * saturation(features, 4.0::double)
        + 0.2::double * saturation(page_views, 30.0::double)));

create temp macro min_max_scale(x, lowest, highest) as
    case when highest > lowest then greatest(0, least(1, (x - lowest) / (highest - lowest))) else 0 end;
"""

CRM_RECORDS = """
create temp table crm_records as
with

cleaned as (
    select * replace (nullif(trim(subscription_tier), '') as subscription_tier)
    from read_parquet($crm_customers)
),

judged as (
    select
        *,
        updated_at >= $window_start and updated_at < $window_end as is_in_window,
        concat_ws(',',
            case when trim(customer_id) = '' then 'missing_customer_id' end,
            case when lifetime_value < 0 then 'negative_lifetime_value' end,
            case when lifetime_value > $most_lifetime_value::decimal(18, 2) then 'impossible_lifetime_value' end,
            case when support_tickets < 0 then 'negative_support_tickets' end,
            case when last_activity_date > $run_date or signup_date > $run_date then 'future_date' end
        ) as impossible
    from cleaned
),

ranked as (
    select
        *,
        row_number() over (
            partition by is_in_window, impossible = '', customer_id
            order by
                updated_at desc nulls first, last_activity_date desc nulls first,
                lifetime_value desc nulls first, support_tickets desc nulls first,
                subscription_tier nulls last, signup_date nulls last, email_hash nulls last, _part, _position
        ) as recency
    from judged
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
    customer_id, email_hash, signup_date, last_activity_date, subscription_tier, lifetime_value, support_tickets,
    updated_at, status,
    case status when 'rejected' then impossible when 'duplicate' then 'duplicate' end as all_reasons
from decided
"""

# The names are few, so `event_kind` is a table of those there are. An enum takes one byte per event.
EVENT_KINDS = """
create type event_kind as enum ('feature_used', 'page_view', 'purchase_completed', 'support_chat_started');

create temp table event_kinds as
select unnest($names::varchar[]) as event_type, unnest($kinds::event_kind[]) as kind
"""

JUDGED_EVENTS = """
create temp view judged_events as
with

named as (
    select
        events.* replace (upper(nullif(trim(currency), '')) as currency),
        event_kinds.kind
    from read_parquet(getvariable('customer_events')) as events
    left join event_kinds on event_kinds.event_type = events.event_type
)

select
    *,
    case
        when occurred_at < getvariable('window_start') or occurred_at >= getvariable('window_end')
            then 'outside_window'
        when kind is null then 'unknown_kind'
        when kind = 'purchase_completed' and amount < 0 then 'negative_amount'
        when kind = 'purchase_completed' and amount > getvariable('most_amount')::decimal(18, 2)
            then 'impossible_amount'
        else 'aggregated'
    end as verdict
from named
"""

# Only repeated events are ranked.
DUPLICATE_EVENTS = """
create temp table repeated_events as
select event_id from read_parquet(getvariable('customer_events')) group by event_id having count(*) > 1;

create temp table duplicate_events as
with

ranked as (
    select
        *,
        row_number() over (
            partition by event_id
            order by
                occurred_at, customer_id, event_type, amount nulls last, currency nulls last, feature nulls last,
                email_hash nulls last, page nulls last, _part, _position
        ) as delivery
    from judged_events
    semi join repeated_events using (event_id)
    where verdict = 'aggregated'
)

select customer_id, _part, _position from ranked where delivery > 1;
"""

EXTRACTS = """
create temp table crm_extract as
select
    customer_id, email_hash, signup_date, last_activity_date, subscription_tier, lifetime_value, support_tickets,
    updated_at
from crm_records
where status = 'kept';

create temp table events_extract as
with

events as (
    select * from judged_events anti join duplicate_events using (_part, _position) where verdict = 'aggregated'
),

customer_features as (
    select customer_id, feature
    from events
    where kind = 'feature_used' and feature is not null
    group by customer_id, feature
),

feature_counts as (
    select customer_id, count(*) as unique_features_used from customer_features group by customer_id
),

totals as (
    select
        customer_id,
        min(email_hash) as email_hash,
        count(*) filter (where kind = 'page_view') as total_page_views,
        count(*) filter (where kind = 'purchase_completed') as purchase_count,
        sum(amount) filter (where kind = 'purchase_completed' and currency = getvariable('currency'))
            as purchase_amount,
        count(*) filter (where kind = 'support_chat_started') as support_interactions,
        min(occurred_at) as first_event_at,
        max(occurred_at) as last_event_at,
        count(*) as event_count
    from events
    group by customer_id
)

select
    totals.customer_id,
    totals.email_hash,
    totals.total_page_views,
    coalesce(feature_counts.unique_features_used, 0) as unique_features_used,
    totals.purchase_count,
    coalesce(totals.purchase_amount, 0)::decimal(18, 2) as purchase_amount,
    totals.support_interactions,
    totals.first_event_at,
    totals.last_event_at,
    totals.event_count
from totals
left join feature_counts on feature_counts.customer_id = totals.customer_id;

create temp table refused_events as
select customer_id, verdict as status from judged_events where verdict not in ('aggregated', 'outside_window')
union all
select customer_id, 'duplicate' from duplicate_events;

create temp table event_counts as
with

moved as (
    select verdict as status, count(*) as events from judged_events group by verdict
    union all
    select 'duplicate', count(*) from duplicate_events
    union all
    select 'aggregated', -count(*) from duplicate_events
)

select status, sum(events)::bigint as events from moved group by status;
"""

MATCHING = """
create temp table id_match as
select customer_id from crm_extract semi join events_extract using (customer_id);

create temp table fallback_customers as
with

unmatched as (
    select 'crm' as side, customer_id, email_hash
    from crm_extract anti join id_match using (customer_id)
    union all
    -- An id that the CRM knows, even from a rejected record, names that customer and nobody else.
    select 'events' as side, customer_id, email_hash
    from events_extract anti join crm_records using (customer_id)
)

select side, customer_id, nullif(canonical_id(customer_id), '') as canonical_id, email_hash
from unmatched
where (select count(*) from id_match) * 2 < (select count(*) from crm_extract);

create temp table canonical_id_match as
with

candidates as (
    select
        canonical_id,
        count(*) filter (where side = 'crm') as crm_customers,
        count(*) filter (where side = 'events') as event_customers
    from fallback_customers
    where canonical_id is not null
    group by canonical_id
)

select side, customer_id, canonical_id, crm_customers = 1 and event_customers = 1 as is_one_to_one
from fallback_customers
join candidates using (canonical_id)
where crm_customers > 0 and event_customers > 0;

create temp table email_hash_match as
with

customers as (
    select side, customer_id, email_hash
    from fallback_customers anti join canonical_id_match using (side, customer_id)
    where email_hash is not null
),

candidates as (
    select
        email_hash,
        count(*) filter (where side = 'crm') as crm_customers,
        count(*) filter (where side = 'events') as event_customers
    from customers
    group by email_hash
)

select side, customer_id, email_hash, crm_customers = 1 and event_customers = 1 as is_one_to_one
from customers
join candidates using (email_hash)
where crm_customers > 0 and event_customers > 0;

create temp table customer_match as
select customer_id, customer_id as event_customer_id, 'customer_id' as matched_by from id_match
union all
select crm.customer_id, events.customer_id, 'canonical_id'
from canonical_id_match as crm
join canonical_id_match as events using (canonical_id)
where crm.side = 'crm' and events.side = 'events' and crm.is_one_to_one
union all
select crm.customer_id, events.customer_id, 'email_hash'
from email_hash_match as crm
join email_hash_match as events using (email_hash)
where crm.side = 'crm' and events.side = 'events' and crm.is_one_to_one;

create temp table ambiguous_customers as
select customer_id from canonical_id_match where not is_one_to_one
union all
select customer_id from email_hash_match where not is_one_to_one;
"""

CUSTOMERS = """
create temp table imputation_values as
select
    -- Two more digits, so that the middle of two cents is rounded and not cut off.
    coalesce(round(median(lifetime_value::decimal(22, 4)), 2), 0)::decimal(18, 2) as lifetime_value,
    coalesce(round(median(support_tickets::double)), 0)::bigint as support_tickets
from crm_extract;

create temp table joined_customers as
select
    crm.customer_id, matches.event_customer_id, matches.matched_by,
    coalesce(crm.email_hash, events.email_hash) as email_hash,
    crm.signup_date,
    coalesce(crm.last_activity_date, (events.last_event_at at time zone 'UTC')::date) as last_activity_date,
    coalesce(crm.subscription_tier, 'unknown') as subscription_tier,
    coalesce(crm.lifetime_value, imputed.lifetime_value) as lifetime_value,
    coalesce(crm.support_tickets, imputed.support_tickets) as support_tickets,
    crm.updated_at as crm_updated_at,
    events.total_page_views, events.unique_features_used, events.purchase_count, events.purchase_amount,
    events.support_interactions, events.event_count, events.first_event_at, events.last_event_at,
    -- The CRM's date, never an event's: everybody who gets here has a recent event.
    getvariable('run_date') - coalesce(crm.last_activity_date, (events.last_event_at at time zone 'UTC')::date)
        as days_since_last_activity,
    crm.last_activity_date is null as is_last_activity_date_imputed,
    crm.subscription_tier is null as is_subscription_tier_imputed,
    crm.lifetime_value is null as is_lifetime_value_imputed,
    crm.support_tickets is null as is_support_tickets_imputed
from customer_match as matches
join crm_extract as crm on crm.customer_id = matches.customer_id
join events_extract as events on events.customer_id = matches.event_customer_id
cross join imputation_values as imputed;
"""


def each(template):
    """One line of SQL per feature."""
    return ",\n    ".join(template.format(feature=feature) for feature in FEATURES)


FEATURE_LIMITS = f"""
create temp table feature_limits as
select
    {each("quantile_cont({feature}::double, 0.99::double) as p99_{feature}")},
    {each("min({feature})::double as lowest_{feature}")}
from joined_customers;

create temp table capped_customers as
select
    customer_id,
    {each("least(joined.{feature}::double, limits.p99_{feature}) as {feature}_capped")},
    {each("joined.{feature}::double > limits.p99_{feature} as is_{feature}_capped")}
from joined_customers as joined
cross join feature_limits as limits;

-- After capping, the 99th percentile is the highest value.
create temp table unified_customers as
select
    joined.* exclude (
        is_last_activity_date_imputed, is_subscription_tier_imputed, is_lifetime_value_imputed,
        is_support_tickets_imputed),
    activity_status(days_since_last_activity) as category,
    round(
        engagement_score(purchase_count_capped, unique_features_used_capped, total_page_views_capped), 4
    ) as engagement_score,
    {each("min_max_scale({feature}_capped, lowest_{feature}, p99_{feature}) as {feature}_scaled")},
    is_last_activity_date_imputed, is_subscription_tier_imputed, is_lifetime_value_imputed,
    is_support_tickets_imputed,
    {each("is_{feature}_capped")}
from joined_customers as joined
join capped_customers using (customer_id)
cross join feature_limits as limits;
"""

ACCOUNTING = """
create temp table rejects as
select
    'crm_customers' as source, split_part(all_reasons, ',', 1) as reason, customer_id
from crm_records
where status in ('rejected', 'duplicate')
union all
select 'customer_events', status, customer_id from refused_events;

create temp table customers_in_scope as
with

sightings as (
    select customer_id, true as in_crm, false as in_events, status = 'kept' as is_usable, all_reasons
    from crm_records
    where status <> 'outside_window' and trim(customer_id) <> ''
    union all
    -- Each of them stands for all its aggregated events.
    select customer_id, false, true, true, null from events_extract
    union all
    select customer_id, false, true, false, null from refused_events
),

customers as (
    select
        customer_id,
        bool_or(in_crm) as in_crm,
        bool_or(in_events) as in_events,
        bool_or(in_crm and is_usable) as is_valid_in_crm,
        bool_or(in_events and is_usable) as has_usable_events,
        coalesce(bool_or(contains(all_reasons, 'negative_lifetime_value')), false) as has_negative_lifetime_value,
        coalesce(bool_or(contains(all_reasons, 'impossible_lifetime_value')), false) as has_impossible_lifetime_value,
        coalesce(bool_or(contains(all_reasons, 'negative_support_tickets')), false) as has_negative_support_tickets,
        coalesce(bool_or(contains(all_reasons, 'future_date')), false) as has_future_date
    from sightings
    group by customer_id
),

crm_outside as (
    select distinct customer_id from crm_records where status = 'outside_window'
)

select customers.*, crm_outside.customer_id is not null and not in_crm as is_outside_window_in_crm
from customers
left join crm_outside on crm_outside.customer_id = customers.customer_id;

create temp table rejected_customers as
with

in_output as (
    select customer_id from unified_customers
    union
    select event_customer_id from unified_customers
),

ambiguous as (
    select distinct customer_id from ambiguous_customers
),

left_out as (
    select in_scope.*, ambiguous.customer_id is not null as is_ambiguous
    from customers_in_scope as in_scope
    anti join in_output on in_output.customer_id = in_scope.customer_id
    left join ambiguous on ambiguous.customer_id = in_scope.customer_id
),

explained as (
    select
        customer_id,
        concat_ws(',',
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

select customer_id, split_part(all_reasons, ',', 1) as reason, all_reasons from explained;
"""


def main(extract, out):
    out.mkdir(parents=True, exist_ok=True)
    database = connect(extract, out)
    database.execute(MACROS)
    database.execute(CRM_RECORDS, crm_parameters(extract))
    database.execute(EVENT_KINDS, event_kinds(database))
    for models in [JUDGED_EVENTS, DUPLICATE_EVENTS, EXTRACTS, MATCHING, CUSTOMERS, FEATURE_LIMITS, ACCOUNTING]:
        database.execute(models)

    write(database, "from unified_customers order by customer_id", out / "unified_customers.parquet")
    write(database, "from rejected_customers", out / "rejected_customers.parquet")
    write(database, "from rejects", out / "rejects.parquet")
    (out / "summary.json").write_text(json.dumps(summary(database), indent=2))


def connect(extract, out):
    database = duckdb.connect(config={"temp_directory": str(out / "spill"), "preserve_insertion_order": False})
    database.create_function("canonical_id", canonical_id, ["varchar"], "varchar")
    variables = {**PARAMETERS, "customer_events": str(extract / "extract/customer_events/*.parquet")}
    for name, value in variables.items():
        database.execute(f"set variable {name} = $value", {"value": value})
    return database


def crm_parameters(extract):
    names = ["window_start", "window_end", "run_date", "most_lifetime_value"]
    files = str(extract / "extract/crm_customers/*.parquet")
    return {**{name: PARAMETERS[name] for name in names}, "crm_customers": files}


def event_kinds(database):
    rows = database.execute("select distinct event_type from read_parquet(getvariable('customer_events'))").fetchall()
    names = [name for (name,) in rows]
    return {"names": names, "kinds": [kind_of(name) for name in names]}


def write(database, query, path):
    database.execute(f"copy ({query}) to '{path}' (format parquet)")


def summary(database):
    def counts(question, names):
        found = dict(database.execute(question).fetchall())
        return {name: found.get(name, 0) for name in names}

    events = counts("from event_counts", EVENT_STATUSES)
    records = counts("select status, count(*) from crm_records group by status", CRM_STATUSES)
    matched = database.execute("select count(*) from customer_match").fetchone()[0]
    lifetime_value, support_tickets = database.execute("from imputation_values").fetchone()
    limits = database.execute(f"select {each('p99_{feature}')} from feature_limits").fetchone()
    return {
        "events": events,
        "crm_records": records,
        "customers": counts(
            "select category, count(*) from unified_customers group by category", ["active", "at_risk", "churned"]
        ),
        "matched": matched,
        "match_rate": 100 * matched / records["kept"] if records["kept"] else 0.0,
        "medians": {"lifetime_value": str(lifetime_value), "support_tickets": support_tickets},
        "p99": dict(zip(FEATURES, limits)),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
