//! Events of customers: few send most of them, some come twice, and producers disagree about names.

use super::{
    chance::{Chance, mixed},
    customer,
    week::{AS_OF, DAY, DAYS, WINDOW_START},
};

const PAGE_VIEW: usize = 0;
const FEATURE_USED: usize = 1;
const PURCHASE: usize = 2;

/// How the four kinds are called, and which other names they go by.
const KINDS: [(&str, &[&str]); 4] = [
    (
        "page_view",
        &["PageView", "page-view", "PAGE_VIEW", "page-viewed"],
    ),
    (
        "feature_used",
        &["FeatureUsed", "feature-used", "feature.used"],
    ),
    (
        "purchase_completed",
        &["purchase.completed", "PurchaseCompleted", "order_completed"],
    ),
    (
        "support_chat_started",
        &["SupportChatStarted", "support-chat-started"],
    ),
];
const SHARES: [(usize, u64); 4] = [(0, 63), (1, 25), (2, 8), (3, 4)];
const UNKNOWN: [&str; 3] = ["newsletter_opened", "app.crashed", "consent_given"];
const FEATURES: [&str; 15] = [
    "dashboard",
    "export",
    "search",
    "alerts",
    "sharing",
    "api",
    "reports",
    "comments",
    "calendar",
    "import",
    "templates",
    "automations",
    "audit_log",
    "sso",
    "mobile_app",
];
const PAGES: [&str; 12] = [
    "/",
    "/pricing",
    "/docs",
    "/docs/api",
    "/login",
    "/dashboard",
    "/settings",
    "/billing",
    "/blog",
    "/help",
    "/reports/weekly",
    "/reports/new",
];
const CURRENCIES: [(Option<&str>, u64); 5] = [
    (Some("EUR"), 93),
    (Some("eur"), 2),
    (Some("USD"), 3),
    (Some("GBP"), 1),
    (None, 1),
];

/// One event; what is `None` is missing.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "fields are called as the source calls them"
)]
pub struct Event {
    pub event_id: u64,
    /// Of the customer who did it.
    pub customer: u64,
    pub event_type: &'static str,
    /// In microseconds since 1970.
    pub occurred_at: i64,
    pub email: Option<String>,
    pub feature: Option<&'static str>,
    /// In hundredths.
    pub amount: Option<i64>,
    pub currency: Option<&'static str>,
    pub page: Option<&'static str>,
}

impl Event {
    pub fn event_id(&self) -> String {
        format!("evt-{:016x}", self.event_id)
    }

    pub fn customer_id(&self) -> String {
        customer::name(self.customer)
    }
}

/// All events of a seed.
#[derive(Clone, Copy, Debug)]
pub struct Events {
    pub seed: u64,
    pub count: u64,
    pub customers: u64,
}

impl Events {
    /// The event at a place of the topic. One in two hundred was delivered not long before.
    pub fn event(self, place: u64) -> Event {
        let mut chance = Chance::of(self.seed, 4, place);
        let back = 1 + chance.below(20_000);
        if back <= place && chance.hits(0.005) {
            let mut again = self.made(place - back);
            // Mostly the same bytes again, sometimes a corrected amount.
            if chance.hits(0.1) {
                again.amount = again.amount.map(|amount| amount + 100);
            }
            return again;
        }
        self.made(place)
    }

    fn made(self, place: u64) -> Event {
        let mut chance = Chance::of(self.seed, 5, place);
        let chance = &mut chance;
        let customer = self.sender(chance);
        let kind = chance.weighted(&SHARES);
        let (usual, others) = KINDS[kind];
        let email = chance
            .hits(0.15)
            .then(|| customer::address(self.seed, customer));
        let bought = (kind == PURCHASE).then(|| 199 + chance.skewed(60_000));
        let mut made = Event {
            event_id: mixed(self.seed ^ mixed(place)),
            customer,
            event_type: if chance.hits(0.05) {
                chance.pick(others)
            } else {
                usual
            },
            occurred_at: self.moment(place, chance),
            email,
            feature: (kind == FEATURE_USED).then(|| chance.pick(&FEATURES)),
            amount: bought.map(|cents| i64::try_from(cents).expect("a price")),
            currency: bought.and_then(|_| chance.weighted(&CURRENCIES)),
            page: (kind == PAGE_VIEW).then(|| chance.pick(&PAGES)),
        };
        soil(&mut made, chance);
        made
    }

    /// Who sends an event: one in twenty customers never does, and one in fifty senders is no customer.
    fn sender(self, chance: &mut Chance) -> u64 {
        let silent = self.customers / 20;
        let senders = (self.customers + self.customers / 50 - silent).max(1);
        let rank = chance.skewed(senders);
        // Busy ones are spread over all numbers.
        let step = u128::from(coprime(senders));
        let spread = u128::from(rank) * step % u128::from(senders);
        silent + u64::try_from(spread).expect("a remainder of what fits")
    }

    /// Nearly in the order of time: producers are late by up to some minutes.
    fn moment(self, place: u64, chance: &mut Chance) -> i64 {
        let share = u128::from(place) * u128::from((DAYS * DAY).unsigned_abs());
        let along = share / u128::from(self.count.max(1));
        let late = chance.below(300_000_000);
        let micros = i64::try_from(along).expect("a moment of a week")
            - i64::try_from(late).expect("some minutes");
        // Whole milliseconds, as producers write them.
        WINDOW_START + micros / 1000 * 1000
    }
}

/// Names nobody knows, impossible and missing values, and events of another week, as often as the fixtures have them.
fn soil(event: &mut Event, chance: &mut Chance) {
    match chance.below(10_000) {
        0..40 => event.event_type = chance.pick(&UNKNOWN),
        40..50 => event.amount = event.amount.map(|amount| -amount),
        50..60 => event.amount = None,
        60..120 => event.occurred_at = WINDOW_START - 1000 * (1 + span(chance)),
        120..130 => event.occurred_at = AS_OF + 1000 * span(chance),
        130..140 => event.feature = None,
        _ => {}
    }
}

fn span(chance: &mut Chance) -> i64 {
    i64::try_from(chance.below(7_200_000)).expect("two hours in milliseconds")
}

/// A step that visits each of `0..count` once.
fn coprime(count: u64) -> u64 {
    let begin = count / 2 + count / 8 + 1;
    // There is a prime between a number and its double.
    (begin..=2 * begin + 1)
        .find(|step| divisor(*step, count) == 1)
        .expect("the next prime at the latest")
}

fn divisor(left: u64, right: u64) -> u64 {
    if right == 0 {
        left
    } else {
        divisor(right, left % right)
    }
}
