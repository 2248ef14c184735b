"""What all contenders of the benchmark must agree on: the run's dates, the limits, and the names of things.

Apart from them because a difference here would be a difference in meaning, and a benchmark compares speed. It says in
Python what `dfpipe.yml`, `sql/staging/event_names.sql` and the functions `event_kind` and `canonical_id` say; how rows
are read, joined and counted is each contender's own.
"""

import re
import unicodedata
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

AS_OF = datetime(2026, 11, 15, tzinfo=timezone.utc)
WINDOW_START = AS_OF - timedelta(days=7)
WINDOW_END = AS_OF
RUN_DATE = date(2026, 11, 15)
CURRENCY = "EUR"

# Beyond these a number is a slip, see crm_records.sql and judged_events.sql.
MOST_LIFETIME_VALUE = Decimal("100000000000.00")
MOST_AMOUNT = Decimal("10000000.00")

# The numbers that are capped at their 99th percentile and scaled to 0–1.
FEATURES = [
    "lifetime_value",
    "support_tickets",
    "total_page_views",
    "unique_features_used",
    "purchase_count",
    "purchase_amount",
    "support_interactions",
    "days_since_last_activity",
]

# In the order of the decision: the first that applies is an event's status. `duplicate` is found last, among those
# that would be aggregated.
EVENT_STATUSES = [
    "outside_window",
    "unknown_kind",
    "negative_amount",
    "impossible_amount",
    "duplicate",
    "aggregated",
]
REFUSED_EVENTS = [status for status in EVENT_STATUSES if status not in ("outside_window", "aggregated")]

CRM_STATUSES = ["outside_window", "rejected", "duplicate", "kept"]

# Of repeated events the first in this order counts, nulls last.
EVENT_ORDER = [
    "occurred_at", "customer_id", "event_type", "amount", "currency", "feature", "email_hash", "page",
    "_part", "_position",
]

# Of a customer's valid records the first in this order counts: the first four columns from highest to lowest with
# nulls first, the others from lowest to highest with nulls last.
CRM_ORDER_FALLING = ["updated_at", "last_activity_date", "lifetime_value", "support_tickets"]
CRM_ORDER_RISING = ["subscription_tier", "signup_date", "email_hash", "_part", "_position"]

# The columns of the table that is loaded, in its order.
UNIFIED_COLUMNS = [
    "customer_id", "event_customer_id", "matched_by", "email_hash", "signup_date", "last_activity_date",
    "subscription_tier", "lifetime_value", "support_tickets", "crm_updated_at",
    "total_page_views", "unique_features_used", "purchase_count", "purchase_amount", "support_interactions",
    "event_count", "first_event_at", "last_event_at", "days_since_last_activity", "category", "engagement_score",
    *[f"{feature}_scaled" for feature in FEATURES],
    "is_last_activity_date_imputed", "is_subscription_tier_imputed",
    "is_lifetime_value_imputed", "is_support_tickets_imputed",
    *[f"is_{feature}_capped" for feature in FEATURES],
]

# The names of sql/staging/event_names.sql, in lower case and without separators.
EVENT_NAMES = {
    "pageview": "page_view",
    "featureused": "feature_used",
    "purchasecompleted": "purchase_completed",
    "supportchatstarted": "support_chat_started",
}

# The names that `canonical_event` knows, likewise.
SYNONYMS = {
    name: kind
    for kind, names in {
        "feature_used": "featureusage featureuse featureused featureuses usedfeature usefeature usesfeature",
        "page_view": """
            pageview pageviewed pageviews pagevisit pagevisited screenview screenviewed screenviews viewedpage
            viewedscreen viewpage viewscreen visitedpage""",
        "purchase_completed": """
            checkoutcomplete checkoutcompleted completecheckout completedcheckout completedorder completedpurchase
            completeorder completepurchase madepurchase ordercomplete ordercompleted purchase purchasecomplete
            purchasecompleted purchased purchasemade purchases""",
        "support_chat_started": """
            beginsupportchat chatbegan chatbegun chatinitiated chatopened chatstart chatstarted initiatedchat
            initiatedsupportchat livechatstarted openedchat openedsupportchat startchat startedchat
            startedsupportchat startsupportchat supportchat supportchatbegan supportchatbegun
            supportchatinitiated supportchatopened supportchats supportchatstart supportchatstarted""",
    }.items()
    for name in names.split()
}

# What separates words in the name of an event: some signs, and what Unicode calls white space.
SEPARATORS = re.compile("[._/:\\-\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def kind_of(event_type):
    """One of the four kinds, or None: what analysts wrote down comes first, then what is known anyway. A letter outside
    ASCII is in no synonym, whatever its lower case."""
    name = SEPARATORS.sub("", event_type)
    known_anyway = SYNONYMS if name.isascii() else {}
    return EVENT_NAMES.get(name.lower()) or known_anyway.get(name.lower())


def canonical_id(raw):
    """The id in form NFKC and upper case, letters and digits only, no leading zeros in any number; "" if nothing is
    left. (Only vowel signs, as of Devanagari, are letters to dfpipe and none to Python.)"""
    upper = unicodedata.normalize("NFKC", raw).upper()
    kept = "".join(char for char in upper if char.isalnum())
    return re.sub("(^|[^0-9])0+([0-9])", r"\1\2", kept)
