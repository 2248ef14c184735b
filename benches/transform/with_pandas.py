"""The customer pipeline in pandas: all that the SQL models do, from the rows of an extract to the tables of a run.

One of three contenders that dfpipe is measured against, and so written as people write such a script: plain, by
columns, on Arrow types, with names that repeat as categories, as pandas' guide to large data says. Money is in whole
cents until it is written.

    python with_pandas.py EXTRACT_DIR OUT_DIR
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from words import (
    CRM_ORDER_FALLING,
    CRM_ORDER_RISING,
    CRM_STATUSES,
    CURRENCY,
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
    canonical_id,
    kind_of,
)

INTEGER = pd.ArrowDtype(pa.int64())
TEXT = pd.ArrowDtype(pa.string())
MONEY = pd.ArrowDtype(pa.decimal128(18, 2))
CENT = Decimal("0.01")


def main(extract, out):
    crm = crm_records(read(extract / "extract/crm_customers"))
    events = event_records(read(extract / "extract/customer_events"))

    crm_customers = crm[crm["status"] == "kept"]
    event_customers = events_extract(events)
    matches, ambiguous = match(crm, crm_customers, event_customers)
    medians = imputation_values(crm_customers)
    joined = joined_customers(crm_customers, event_customers, matches, medians)
    limits = feature_limits(joined)
    unified = unified_customers(joined, limits)

    out.mkdir(parents=True, exist_ok=True)
    write_customers(unified, out / "unified_customers.parquet")
    rejected_customers(crm, events, unified, ambiguous).to_parquet(out / "rejected_customers.parquet", index=False)
    rejects(crm, events).to_parquet(out / "rejects.parquet", index=False)
    (out / "summary.json").write_text(json.dumps(summary(crm, events, matches, unified, medians, limits), indent=2))


def read(folder):
    return pd.read_parquet(folder, dtype_backend="pyarrow")


def cents(money):
    return (money * Decimal(100)).astype(INTEGER)


def is_blank(ids):
    return (ids.str.strip(" ") == "").astype(bool)


def distinct(ids):
    return ids.drop_duplicates().astype(TEXT)


def is_in_window(moments):
    return ((moments >= WINDOW_START) & (moments < WINDOW_END)).astype(bool)


def holds(condition):
    """A comparison with nothing is nothing; here it does not hold."""
    return condition.fillna(False).astype(bool)


def joined_reasons(index, reasons):
    """The names of all conditions that hold, in their order, with commas between."""
    text = pd.Series("", index=index, dtype="str")
    for reason, applies in reasons.items():
        text[applies] += reason + ","
    return text.str.rstrip(",")


# --- the records -------------------------------------------------------------------------------


def crm_records(records):
    """Every CRM record and what became of it."""
    records["lifetime_value"] = cents(records["lifetime_value"])
    tier = records["subscription_tier"].str.strip(" ")
    records["subscription_tier"] = tier.mask(holds(tier == ""))

    reasons = {
        "missing_customer_id": is_blank(records["customer_id"]),
        "negative_lifetime_value": holds(records["lifetime_value"] < 0),
        "impossible_lifetime_value": holds(records["lifetime_value"] > int(MOST_LIFETIME_VALUE * 100)),
        "negative_support_tickets": holds(records["support_tickets"] < 0),
        "future_date": holds(records["last_activity_date"] > RUN_DATE) | holds(records["signup_date"] > RUN_DATE),
    }
    records["all_reasons"] = joined_reasons(records.index, reasons)
    outside = ~is_in_window(records["updated_at"])
    rejected = ~outside & (records["all_reasons"] != "")
    records["status"] = np.where(outside, "outside_window", np.where(rejected, "rejected", "kept"))
    records.loc[older_records(records[records["status"] == "kept"]), "status"] = "duplicate"
    records["all_reasons"] = records["all_reasons"].where(records["status"] == "rejected")
    return records


def older_records(valid):
    """The places of the records that are not the latest of their customer. `sort_values` has one place for all nulls,
    so it takes two steps; with several columns it leaves ties as they are."""
    repeated = valid[valid["customer_id"].duplicated(keep=False)]
    repeated = repeated.sort_values(CRM_ORDER_RISING)
    repeated = repeated.sort_values(CRM_ORDER_FALLING, ascending=False, na_position="first")
    return repeated.index[repeated["customer_id"].duplicated()]


def event_records(events):
    """Every event and what became of it."""
    for column in ["customer_id", "event_type", "feature", "page"]:
        events[column] = events[column].astype("category")
    events["kind"] = events["event_type"].map(kind_of).astype("category")
    events["currency"] = events["currency"].str.strip(" ").str.upper().replace("", None).astype("category")
    events["amount"] = cents(events["amount"])

    is_purchase = events["kind"] == "purchase_completed"
    verdicts = {
        "outside_window": ~is_in_window(events["occurred_at"]),
        "unknown_kind": events["kind"].isna(),
        "negative_amount": is_purchase & holds(events["amount"] < 0),
        "impossible_amount": is_purchase & holds(events["amount"] > int(MOST_AMOUNT * 100)),
    }
    codes = [EVENT_STATUSES.index(verdict) for verdict in verdicts]
    codes = np.select(list(verdicts.values()), codes, EVENT_STATUSES.index("aggregated"))
    events["status"] = pd.Categorical.from_codes(codes, EVENT_STATUSES)
    events.loc[later_deliveries(events), "status"] = "duplicate"
    return events


def later_deliveries(events):
    """The places of the events that were aggregated already. Few are repeated, so few are sorted."""
    ids = events.loc[events["status"] == "aggregated", "event_id"]
    repeated = events.loc[ids.index[ids.duplicated(keep=False)]]
    repeated = repeated.sort_values(EVENT_ORDER)
    return repeated.index[repeated["event_id"].duplicated()]


def events_extract(events):
    """What each customer did, one row per customer id of the events."""
    columns = ["customer_id", "kind", "occurred_at", "email_hash", "feature", "amount", "currency"]
    events = events.loc[events["status"] == "aggregated", columns]
    is_purchase = events["kind"] == "purchase_completed"
    counted = events.assign(
        is_view=events["kind"] == "page_view",
        is_purchase=is_purchase,
        is_chat=events["kind"] == "support_chat_started",
        paid=events["amount"].where(is_purchase & (events["currency"] == CURRENCY)),
    )
    customers = counted.groupby("customer_id", observed=True).agg(
        total_page_views=("is_view", "sum"),
        purchase_count=("is_purchase", "sum"),
        purchase_amount=("paid", "sum"),
        support_interactions=("is_chat", "sum"),
        first_event_at=("occurred_at", "min"),
        last_event_at=("occurred_at", "max"),
        event_count=("kind", "size"),
    )
    used = events.loc[(events["kind"] == "feature_used") & events["feature"].notna(), ["customer_id", "feature"]]
    features = used.drop_duplicates().groupby("customer_id", observed=True).size()
    customers["unique_features_used"] = features.reindex(customers.index, fill_value=0)
    # The smallest address of each: sorted, the first one.
    emails = events[["customer_id", "email_hash"]].dropna().drop_duplicates().sort_values("email_hash")
    emails = emails.drop_duplicates("customer_id").set_index("customer_id")["email_hash"]
    customers["email_hash"] = emails.reindex(customers.index)
    customers.index = customers.index.astype(TEXT)
    return customers.reset_index()


# --- matching ----------------------------------------------------------------------------------


def match(crm, crm_customers, event_customers):
    """Pairs of a CRM customer and a customer of the events, and the ids that have several candidates."""
    ids = crm_customers["customer_id"]
    same = ids[ids.isin(event_customers["customer_id"])]
    matches = pd.DataFrame({"customer_id": same, "event_customer_id": same, "matched_by": "customer_id"})
    if len(same) * 2 >= len(ids):
        return matches, []
    return fall_back(crm, crm_customers, event_customers, matches)


def fall_back(crm, crm_customers, event_customers, matches):
    """By canonical id, then by e-mail hash, of those whom the id left unmatched. An id that the CRM knows, even from
    a rejected record, names that customer and nobody else."""
    left = crm_customers.loc[~crm_customers["customer_id"].isin(matches["customer_id"]), ["customer_id", "email_hash"]]
    right = event_customers.loc[~event_customers["customer_id"].isin(crm["customer_id"]), ["customer_id", "email_hash"]]
    both = pd.concat([left.assign(side="crm"), right.assign(side="events")], ignore_index=True)
    both["canonical_id"] = both["customer_id"].map(canonical_id)
    both["canonical_id"] = both["canonical_id"].mask(both["canonical_id"] == "")

    by_id, ambiguous_ids, rest = one_to_one(both, "canonical_id")
    by_email, ambiguous_emails, _ = one_to_one(rest, "email_hash")
    return pd.concat([matches, by_id, by_email], ignore_index=True), ambiguous_ids + ambiguous_emails


def one_to_one(customers, key):
    """The pairs that have one candidate each, the ids with several, and the customers with none. Several candidates
    on either side match nobody: a wrong match is worse than none."""
    candidates = pd.crosstab(customers[key], customers["side"]).reindex(columns=["crm", "events"], fill_value=0)
    candidates = candidates[(candidates["crm"] > 0) & (candidates["events"] > 0)]
    sure = candidates.index[(candidates["crm"] == 1) & (candidates["events"] == 1)]

    has_candidate = customers[key].isin(candidates.index)
    is_sure = customers[key].isin(sure)
    left = customers.loc[is_sure & (customers["side"] == "crm"), ["customer_id", key]]
    right = customers.loc[is_sure & (customers["side"] == "events"), ["customer_id", key]]
    right = right.rename(columns={"customer_id": "event_customer_id"})
    pairs = left.merge(right, on=key).drop(columns=key).assign(matched_by=key)
    return pairs, list(customers.loc[has_candidate & ~is_sure, "customer_id"]), customers[~has_candidate]


# --- the customers -----------------------------------------------------------------------------


def imputation_values(crm_customers):
    """The medians, the middle of two rounded half up; 0 if the column is missing for everybody."""
    values = {}
    for column in ["lifetime_value", "support_tickets"]:
        median = crm_customers[column].astype("float64").median()
        values[column] = 0 if pd.isna(median) else int(np.floor(median + 0.5))
    return values


def joined_customers(crm_customers, event_customers, matches, medians):
    """Matched customers with what both sources say, missing values imputed and flagged."""
    crm = crm_customers.drop(columns=["status", "all_reasons", "_part", "_position"])
    crm = crm.rename(columns={"updated_at": "crm_updated_at"})
    events = event_customers.rename(columns={"customer_id": "event_customer_id", "email_hash": "event_email_hash"})
    joined = matches.merge(crm, on="customer_id").merge(events, on="event_customer_id")

    for column in ["last_activity_date", "subscription_tier", "lifetime_value", "support_tickets"]:
        joined[f"is_{column}_imputed"] = joined[column].isna()
    joined["email_hash"] = joined["email_hash"].fillna(joined["event_email_hash"])
    last_event_dates = joined["last_event_at"].astype(joined["last_activity_date"].dtype)
    joined["last_activity_date"] = joined["last_activity_date"].fillna(last_event_dates)
    joined["subscription_tier"] = joined["subscription_tier"].fillna("unknown")
    joined["lifetime_value"] = joined["lifetime_value"].fillna(medians["lifetime_value"])
    joined["support_tickets"] = joined["support_tickets"].fillna(medians["support_tickets"])
    # The CRM's date, never an event's: everybody who gets here has a recent event.
    joined["days_since_last_activity"] = (RUN_DATE - joined["last_activity_date"]).dt.days.astype(INTEGER)
    return joined


def feature_values(joined, feature):
    values = joined[feature].astype("float64")
    return values / 100 if feature in ("lifetime_value", "purchase_amount") else values


def feature_limits(joined):
    """The exact 99th percentile of each number, between two neighbours as a rule."""
    return {feature: feature_values(joined, feature).quantile(0.99) for feature in FEATURES}


def unified_customers(joined, limits):
    """The table that is loaded: capped, scaled, scored, one row per customer found in both sources."""
    unified = joined.copy()
    capped = pd.DataFrame(index=unified.index)
    for feature, limit in limits.items():
        values = feature_values(joined, feature)
        capped[feature] = values.clip(upper=limit)
        unified[f"is_{feature}_capped"] = values > limit
        unified[f"{feature}_scaled"] = min_max_scale(capped[feature])
    unified["engagement_score"] = engagement_score(capped)
    days = unified["days_since_last_activity"]
    unified["category"] = np.select([days <= 6, days <= 30], ["active", "at_risk"], "churned")
    return unified[UNIFIED_COLUMNS].sort_values("customer_id", ignore_index=True)


def min_max_scale(values):
    lowest, highest = values.min(), values.max()
    if not highest > lowest:
        return 0.0
    return ((values - lowest) / (highest - lowest)).clip(0, 1)


def engagement_score(capped):
    score = 100 * (
        0.5 * saturation(capped["purchase_count"], 2)
        + 0.3 * saturation(capped["unique_features_used"], 4)
        + 0.2 * saturation(capped["total_page_views"], 30)
    )
    # Half up to four digits, as SQL rounds; `round` would round half to even.
    return np.floor(score.clip(upper=100) * 10_000 + 0.5) / 10_000


def saturation(count, half):
    """count / (count + half), written in the order of dfpipe so that ties round the same way. 1 / infinity is 0."""
    return 1 / (1 + half / count)


# --- accounting --------------------------------------------------------------------------------


def rejected_customers(crm, events, unified, ambiguous):
    """Every customer of either source who is not in the output, and why."""
    in_crm = crm[(crm["status"] != "outside_window") & ~is_blank(crm["customer_id"])]
    usable_ids = distinct(events.loc[events["status"] == "aggregated", "customer_id"])
    useless_ids = distinct(events.loc[events["status"].isin(REFUSED_EVENTS), "customer_id"])
    ids = distinct(pd.concat([in_crm["customer_id"], usable_ids, useless_ids], ignore_index=True))
    left_out = ids[~ids.isin(unified["customer_id"]) & ~ids.isin(unified["event_customer_id"])]

    def is_any(of):
        return left_out.isin(of)

    def was_refused_for(reason):
        refused = holds(in_crm["all_reasons"].str.contains(reason, regex=False))
        return is_any(in_crm.loc[refused, "customer_id"]) & ~is_valid

    is_in_crm = is_any(in_crm["customer_id"])
    is_valid = is_any(in_crm.loc[in_crm["status"] == "kept", "customer_id"])
    is_outside = is_any(crm.loc[crm["status"] == "outside_window", "customer_id"]) & ~is_in_crm
    has_usable_events = is_any(usable_ids)
    is_in_events = has_usable_events | is_any(useless_ids)
    # The order of the lines is the order of the reasons.
    reasons = {
        "negative_lifetime_value": was_refused_for("negative_lifetime_value"),
        "impossible_lifetime_value": was_refused_for("impossible_lifetime_value"),
        "negative_support_tickets": was_refused_for("negative_support_tickets"),
        "future_date": was_refused_for("future_date"),
        "ambiguous_match": is_any(ambiguous),
        "crm_record_outside_window": is_outside,
        "not_in_crm": ~is_in_crm & ~is_outside,
        "no_usable_events": is_in_events & ~has_usable_events,
        "no_events_in_window": ~is_in_events,
    }
    all_reasons = joined_reasons(left_out.index, reasons)
    reason = all_reasons.str.split(",", n=1).str[0]
    return pd.DataFrame({"customer_id": left_out, "reason": reason, "all_reasons": all_reasons})


def rejects(crm, events):
    """Every record that was refused."""
    crm = crm.loc[crm["status"].isin(["rejected", "duplicate"]), ["status", "all_reasons", "customer_id"]]
    first_reasons = crm["all_reasons"].str.split(",", n=1).str[0]
    crm = pd.DataFrame({
        "source": "crm_customers",
        "reason": first_reasons.where(crm["status"] == "rejected", "duplicate"),
        "customer_id": crm["customer_id"],
    })
    events = events.loc[events["status"].isin(REFUSED_EVENTS), ["status", "customer_id"]]
    events = pd.DataFrame({
        "source": "customer_events",
        "reason": events["status"].astype("str"),
        "customer_id": events["customer_id"].astype(TEXT),
    })
    return pd.concat([crm, events], ignore_index=True)


def summary(crm, events, matches, unified, medians, limits):
    valid = int((crm["status"] == "kept").sum())
    return {
        "events": counts_of(events["status"], EVENT_STATUSES),
        "crm_records": counts_of(crm["status"], CRM_STATUSES),
        "customers": counts_of(unified["category"], ["active", "at_risk", "churned"]),
        "matched": len(matches),
        "match_rate": 100 * len(matches) / valid if valid else 0.0,
        "medians": {
            "lifetime_value": f"{Decimal(medians['lifetime_value']) * CENT:.2f}",
            "support_tickets": medians["support_tickets"],
        },
        "p99": limits,
    }


def counts_of(values, names):
    counts = values.value_counts()
    return {name: int(counts.get(name, 0)) for name in names}


def write_customers(unified, path):
    for column in ["lifetime_value", "purchase_amount"]:
        unified[column] = (unified[column].astype(INTEGER) * CENT).astype(MONEY)
    unified.to_parquet(path, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
