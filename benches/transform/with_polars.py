"""The customer pipeline in Polars: all that the SQL models do, from the rows of an extract to the tables of a run.

One of three contenders that dfpipe is measured against, and so written as Polars' guide says: lazy from the scan on,
run by the streaming engine, questions that share a scan asked together, names that repeat as enums. What is left after
counting per customer is small, and a frame in memory.

    python with_polars.py EXTRACT_DIR OUT_DIR
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl

from words import (
    CRM_ORDER_FALLING,
    CRM_ORDER_RISING,
    CRM_STATUSES,
    CURRENCY,
    EVENT_NAMES,
    EVENT_ORDER,
    EVENT_STATUSES,
    FEATURES,
    MOST_AMOUNT,
    MOST_LIFETIME_VALUE,
    REFUSED_EVENTS,
    RUN_DATE,
    UNIFIED_COLUMNS,
    WINDOW_END,
    WINDOW_START,
    kind_of,
)

KIND = pl.Enum(sorted(EVENT_NAMES.values()))
STATUS = pl.Enum(EVENT_STATUSES)
MONEY = pl.Decimal(18, 2)

is_aggregated = pl.col("status") == "aggregated"


def main(extract, out):
    crm = crm_records(pl.scan_parquet(extract / "extract/crm_customers/*.parquet"))
    events = judged_events(pl.scan_parquet(extract / "extract/customer_events/*.parquet"))
    statuses, refused, repeated = counted_events(events)
    duplicates = duplicate_events(events, repeated)

    crm_customers = crm.filter(pl.col("status") == "kept")
    event_customers = events_extract(events, duplicates)
    matches, ambiguous = match(crm, crm_customers, event_customers)
    medians = imputation_values(crm_customers)
    joined = joined_customers(crm_customers, event_customers, matches, medians)
    limits = feature_limits(joined)
    unified = unified_customers(joined, limits)
    refused = pl.concat([refused, duplicates.select(refused.columns)])

    out.mkdir(parents=True, exist_ok=True)
    unified.write_parquet(out / "unified_customers.parquet")
    rejected = rejected_customers(crm, event_customers, refused, unified, ambiguous)
    rejected.write_parquet(out / "rejected_customers.parquet")
    rejects(crm, refused).write_parquet(out / "rejects.parquet")
    statuses["aggregated"] -= len(duplicates)
    statuses["duplicate"] = len(duplicates)
    (out / "summary.json").write_text(
        json.dumps(summary(crm, statuses, matches, unified, medians, limits), indent=2)
    )


def trimmed(column):
    """Without blanks around it; null if nothing is left."""
    return pl.col(column).str.strip_chars(" ").replace("", None)


def is_blank(column):
    return pl.col(column).str.strip_chars(" ") == ""


def is_in_window(column):
    return (pl.col(column) >= WINDOW_START) & (pl.col(column) < WINDOW_END)


def joined_reasons(reasons):
    """The names of all conditions that hold, in their order, with commas between."""
    names = [pl.when(applies).then(pl.lit(reason)) for reason, applies in reasons.items()]
    return pl.concat_str(names, separator=",", ignore_nulls=True)


def first_reason(all_reasons):
    return all_reasons.str.split_exact(",", 1).struct.field("field_0")


# --- the records -------------------------------------------------------------------------------


def crm_records(records):
    """Every CRM record and what became of it."""
    reasons = {
        "missing_customer_id": is_blank("customer_id"),
        "negative_lifetime_value": pl.col("lifetime_value") < 0,
        "impossible_lifetime_value": pl.col("lifetime_value") > MOST_LIFETIME_VALUE,
        "negative_support_tickets": pl.col("support_tickets") < 0,
        "future_date": (pl.col("last_activity_date") > RUN_DATE) | (pl.col("signup_date") > RUN_DATE),
    }
    records = records.with_columns(
        subscription_tier=trimmed("subscription_tier"), all_reasons=joined_reasons(reasons)
    )
    status = pl.when(~is_in_window("updated_at")).then(pl.lit("outside_window"))
    status = status.when(pl.col("all_reasons") != "").then(pl.lit("rejected"))
    judged = records.with_columns(status=status.otherwise(pl.lit("kept"))).collect(engine="streaming")

    valid = judged.filter(pl.col("status") == "kept")
    is_repeated = pl.col("customer_id").is_duplicated()
    falls = [True] * len(CRM_ORDER_FALLING) + [False] * len(CRM_ORDER_RISING)
    ranked = valid.filter(is_repeated).sort(
        CRM_ORDER_FALLING + CRM_ORDER_RISING, descending=falls, nulls_last=[not fall for fall in falls]
    )
    is_newest = pl.col("customer_id").is_first_distinct()
    ranked = ranked.with_columns(status=pl.when(is_newest).then(pl.lit("kept")).otherwise(pl.lit("duplicate")))
    return pl.concat([judged.filter(pl.col("status") != "kept"), valid.filter(~is_repeated), ranked])


def judged_events(events):
    """Every event with its kind and its status, but for those that were delivered twice."""
    names = events.select(pl.col("event_type").unique()).collect(engine="streaming")["event_type"]
    kinds = {name: kind_of(name) for name in names}
    events = events.with_columns(
        kind=pl.col("event_type").replace_strict(kinds, return_dtype=KIND),
        currency=trimmed("currency").str.to_uppercase(),
    )
    is_purchase = pl.col("kind") == "purchase_completed"
    verdicts = {
        "outside_window": ~is_in_window("occurred_at"),
        "unknown_kind": pl.col("kind").is_null(),
        "negative_amount": is_purchase & (pl.col("amount") < 0),
        "impossible_amount": is_purchase & (pl.col("amount") > MOST_AMOUNT),
    }
    status = pl.lit("aggregated", STATUS)
    for verdict, applies in reversed(verdicts.items()):
        status = pl.when(applies).then(pl.lit(verdict, STATUS)).otherwise(status)
    return events.with_columns(status=status)


def counted_events(events):
    """In one scan: how many events have which status, those that are refused, and the ids that come repeatedly."""
    statuses = events.group_by("status").len()
    refused = events.filter(pl.col("status").is_in(REFUSED_EVENTS)).select("status", "customer_id")
    repeated = events.group_by("event_id").len().filter(pl.col("len") > 1).select("event_id")
    statuses, refused, repeated = pl.collect_all([statuses, refused, repeated], engine="streaming")
    return dict(statuses.iter_rows()), refused, repeated


def duplicate_events(events, repeated):
    """Deliveries of an event that was aggregated already. Few events are repeated, so few are sorted."""
    deliveries = events.filter(is_aggregated).join(repeated.lazy(), on="event_id", how="semi")
    deliveries = deliveries.collect(engine="streaming").sort(EVENT_ORDER, nulls_last=True)
    duplicates = deliveries.filter(~pl.col("event_id").is_first_distinct())
    return duplicates.with_columns(status=pl.lit("duplicate", STATUS))


def events_extract(events, duplicates):
    """What each customer did, one row per customer id of the events."""
    events = events.filter(is_aggregated).join(duplicates.lazy(), on=["_part", "_position"], how="anti")
    is_paid = (pl.col("kind") == "purchase_completed") & (pl.col("currency") == CURRENCY)
    totals = events.group_by("customer_id").agg(
        email_hash=pl.col("email_hash").min(),
        total_page_views=(pl.col("kind") == "page_view").sum().cast(pl.Int64),
        purchase_count=(pl.col("kind") == "purchase_completed").sum().cast(pl.Int64),
        purchase_amount=pl.col("amount").filter(is_paid).sum().cast(MONEY),
        support_interactions=(pl.col("kind") == "support_chat_started").sum().cast(pl.Int64),
        first_event_at=pl.col("occurred_at").min(),
        last_event_at=pl.col("occurred_at").max(),
        event_count=pl.len().cast(pl.Int64),
    )
    features = events.filter((pl.col("kind") == "feature_used") & pl.col("feature").is_not_null())
    features = features.select("customer_id", "feature").unique().group_by("customer_id").len("unique_features_used")
    totals, features = pl.collect_all([totals, features], engine="streaming")
    customers = totals.join(features, on="customer_id", how="left")
    return customers.with_columns(pl.col("unique_features_used").fill_null(0).cast(pl.Int64))


# --- matching ----------------------------------------------------------------------------------


def match(crm, crm_customers, event_customers):
    """Pairs of a CRM customer and a customer of the events, and the ids that have several candidates."""
    matches = crm_customers.join(event_customers, on="customer_id", how="semi").select(
        "customer_id", event_customer_id="customer_id", matched_by=pl.lit("customer_id")
    )
    if len(matches) * 2 >= len(crm_customers):
        return matches, matches.select("customer_id").clear()
    return fall_back(crm, crm_customers, event_customers, matches)


def fall_back(crm, crm_customers, event_customers, matches):
    """By canonical id, then by e-mail hash, of those whom the id left unmatched. An id that the CRM knows, even from
    a rejected record, names that customer and nobody else."""
    left = crm_customers.join(matches, on="customer_id", how="anti")
    right = event_customers.join(crm, on="customer_id", how="anti")
    both = pl.concat([
        left.select("customer_id", "email_hash", side=pl.lit("crm")),
        right.select("customer_id", "email_hash", side=pl.lit("events")),
    ]).with_columns(canonical_id=canonical_id("customer_id"))

    by_id, ambiguous_ids, rest = one_to_one(both, "canonical_id")
    by_email, ambiguous_emails, _ = one_to_one(rest, "email_hash")
    return pl.concat([matches, by_id, by_email]), pl.concat([ambiguous_ids, ambiguous_emails])


def canonical_id(column):
    """As `words.canonical_id`, in expressions."""
    upper = pl.col(column).str.normalize("NFKC").str.to_uppercase()
    kept = upper.str.replace_all(r"[^\p{Alphabetic}\p{N}]", "")
    return kept.str.replace_all("(^|[^0-9])0+([0-9])", "${1}${2}").replace("", None)


def one_to_one(customers, key):
    """The pairs that have one candidate each, the ids with several, and the customers with none. Several candidates
    on either side match nobody: a wrong match is worse than none."""
    counts = customers.filter(pl.col(key).is_not_null()).group_by(key).agg(
        crm=(pl.col("side") == "crm").sum(), events=(pl.col("side") == "events").sum()
    )
    candidates = counts.filter((pl.col("crm") > 0) & (pl.col("events") > 0))
    sure = candidates.filter((pl.col("crm") == 1) & (pl.col("events") == 1))

    left = customers.filter(pl.col("side") == "crm").join(sure, on=key, how="semi")
    right = customers.filter(pl.col("side") == "events").select(key, event_customer_id="customer_id")
    pairs = left.join(right, on=key).select("customer_id", "event_customer_id", matched_by=pl.lit(key))
    ambiguous = customers.join(candidates, on=key, how="semi").join(sure, on=key, how="anti").select("customer_id")
    return pairs, ambiguous, customers.join(candidates, on=key, how="anti")


# --- the customers -----------------------------------------------------------------------------


def imputation_values(crm_customers):
    """The medians, the middle of two rounded half up; 0 if the column is missing for everybody. Of money in cents,
    so that the middle is exact."""
    lifetime_value, support_tickets = crm_customers.select(
        (pl.col("lifetime_value") * 100).cast(pl.Int64).median(), pl.col("support_tickets").median()
    ).row(0)
    return {
        "lifetime_value": Decimal(half_up(lifetime_value)).scaleb(-2),
        "support_tickets": half_up(support_tickets),
    }


def half_up(number):
    return int((number or 0) + 0.5)


def joined_customers(crm_customers, event_customers, matches, medians):
    """Matched customers with what both sources say, missing values imputed and flagged."""
    crm = crm_customers.drop("status", "all_reasons", "_part", "_position").rename({"updated_at": "crm_updated_at"})
    events = event_customers.rename({"customer_id": "event_customer_id", "email_hash": "event_email_hash"})
    joined = matches.join(crm, on="customer_id").join(events, on="event_customer_id")
    imputed = ["last_activity_date", "subscription_tier", "lifetime_value", "support_tickets"]
    joined = joined.with_columns(pl.col(column).is_null().alias(f"is_{column}_imputed") for column in imputed)
    joined = joined.with_columns(
        pl.col("email_hash").fill_null(pl.col("event_email_hash")),
        pl.col("last_activity_date").fill_null(pl.col("last_event_at").dt.date()),
        pl.col("subscription_tier").fill_null("unknown"),
        pl.col("lifetime_value").fill_null(pl.lit(medians["lifetime_value"], MONEY)),
        pl.col("support_tickets").fill_null(medians["support_tickets"]),
    )
    # The CRM's date, never an event's: everybody who gets here has a recent event.
    days = (pl.lit(RUN_DATE) - pl.col("last_activity_date")).dt.total_days()
    return joined.with_columns(days_since_last_activity=days)


def feature_limits(joined):
    """The exact 99th percentile of each number, between two neighbours as a rule."""
    numbers = pl.col(FEATURES).cast(pl.Float64)
    return joined.select(numbers.quantile(0.99, interpolation="linear")).row(0, named=True)


def unified_customers(joined, limits):
    """The table that is loaded: capped, scaled, scored, one row per customer found in both sources."""
    numbers = {feature: pl.col(feature).cast(pl.Float64) for feature in FEATURES}
    capped = {feature: number.clip(upper_bound=limits[feature]) for feature, number in numbers.items()}
    days = pl.col("days_since_last_activity")
    category = pl.when(days <= 6).then(pl.lit("active")).when(days <= 30).then(pl.lit("at_risk"))
    unified = joined.with_columns(
        *[(numbers[feature] > limits[feature]).alias(f"is_{feature}_capped") for feature in FEATURES],
        *[min_max_scale(capped[feature]).alias(f"{feature}_scaled") for feature in FEATURES],
        engagement_score=engagement_score(capped),
        category=category.otherwise(pl.lit("churned")),
    )
    return unified.select(UNIFIED_COLUMNS).sort("customer_id")


def min_max_scale(number):
    scaled = (number - number.min()) / (number.max() - number.min())
    return pl.when(number.max() > number.min()).then(scaled.clip(0, 1)).otherwise(0.0)


def engagement_score(capped):
    score = 100 * (
        0.5 * saturation(capped["purchase_count"], 2)
        + 0.3 * saturation(capped["unique_features_used"], 4)
        + 0.2 * saturation(capped["total_page_views"], 30)
    )
    return score.clip(upper_bound=100).round(4, mode="half_away_from_zero")


def saturation(count, half):
    """count / (count + half), written in the order of dfpipe so that ties round the same way. 1 / infinity is 0."""
    return 1 / (1 + half / count)


# --- accounting --------------------------------------------------------------------------------


def rejected_customers(crm, event_customers, refused, unified, ambiguous):
    """Every customer of either source who is not in the output, and why."""
    reasons = ["negative_lifetime_value", "impossible_lifetime_value", "negative_support_tickets", "future_date"]
    is_outside = pl.col("status") == "outside_window"
    has_reason = {reason: pl.col("all_reasons").str.contains(reason, literal=True) for reason in reasons}
    sightings = pl.concat(
        [
            crm.filter(~is_outside & ~is_blank("customer_id")).select(
                "customer_id", in_crm=True, is_valid=pl.col("status") == "kept", **has_reason
            ),
            crm.filter(is_outside).select("customer_id", is_outside=True),
            event_customers.select("customer_id", in_events=True, has_usable_events=True),
            refused.select("customer_id", in_events=True),
            ambiguous.select("customer_id", is_ambiguous=True),
        ],
        how="diagonal",
    )
    customers = sightings.group_by("customer_id").agg(pl.all().any())
    left_out = customers.filter(pl.col("in_crm") | pl.col("in_events"))
    left_out = left_out.join(unified, on="customer_id", how="anti")
    left_out = left_out.join(unified, left_on="customer_id", right_on="event_customer_id", how="anti")

    in_crm, in_events, is_outside = pl.col("in_crm"), pl.col("in_events"), pl.col("is_outside")
    # The order of the lines is the order of the reasons.
    all_reasons = joined_reasons({
        **{reason: pl.col(reason) & ~pl.col("is_valid") for reason in reasons},
        "ambiguous_match": pl.col("is_ambiguous"),
        "crm_record_outside_window": is_outside & ~in_crm,
        "not_in_crm": ~in_crm & ~is_outside,
        "no_usable_events": in_events & ~pl.col("has_usable_events"),
        "no_events_in_window": ~in_events,
    })
    return left_out.select("customer_id", reason=first_reason(all_reasons), all_reasons=all_reasons)


def rejects(crm, refused):
    """Every record that was refused."""
    is_duplicate = pl.col("status") == "duplicate"
    reason = pl.when(is_duplicate).then(pl.lit("duplicate")).otherwise(first_reason(pl.col("all_reasons")))
    crm = crm.filter(pl.col("status").is_in(["rejected", "duplicate"]))
    return pl.concat([
        crm.select("customer_id", source=pl.lit("crm_customers"), reason=reason),
        refused.select("customer_id", source=pl.lit("customer_events"), reason=pl.col("status").cast(pl.String)),
    ]).select("source", "reason", "customer_id")


def summary(crm, statuses, matches, unified, medians, limits):
    records = dict(crm["status"].value_counts().iter_rows())
    categories = dict(unified["category"].value_counts().iter_rows())
    valid = records.get("kept", 0)
    return {
        "events": {status: statuses.get(status, 0) for status in EVENT_STATUSES},
        "crm_records": {status: records.get(status, 0) for status in CRM_STATUSES},
        "customers": {name: categories.get(name, 0) for name in ("active", "at_risk", "churned")},
        "matched": len(matches),
        "match_rate": 100 * len(matches) / valid if valid else 0.0,
        "medians": {name: str(value) for name, value in medians.items()},
        "p99": limits,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
