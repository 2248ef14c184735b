//! Customers as a CRM knows them: most of them once, some again as they were before, and the usual dirt.

use super::{
    chance::{Chance, mixed},
    week::{AS_OF, DAY, RUN_DATE, WINDOW_START},
};

const TIERS: [(&str, u64); 4] = [
    ("free", 50),
    ("basic", 28),
    ("premium", 17),
    ("enterprise", 5),
];

/// One record of the CRM; what is `None` is missing.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "fields are called as the source calls them"
)]
pub struct Customer {
    pub customer_id: String,
    pub email: Option<String>,
    pub signup_date: Option<i32>,
    pub last_activity_date: Option<i32>,
    pub subscription_tier: Option<&'static str>,
    /// In hundredths.
    pub lifetime_value: Option<i64>,
    pub support_tickets: Option<i64>,
    /// In microseconds since 1970.
    pub updated_at: i64,
}

/// All customers of a seed.
#[derive(Clone, Copy, Debug)]
pub struct Customers {
    pub seed: u64,
    pub count: u64,
}

impl Customers {
    /// How many records the CRM has: one in forty customers comes a second time.
    pub fn records(self) -> u64 {
        self.count + self.count / 40
    }

    /// The record at a place of the CRM's list.
    pub fn record(self, place: u64) -> Customer {
        if place < self.count {
            return self.customer(place);
        }
        let mut chance = Chance::of(self.seed, 2, place);
        let mut again = self.customer(chance.below(self.count));
        // An older state as a rule, the same record twice now and then.
        if chance.hits(0.8) {
            again.updated_at = WINDOW_START + (again.updated_at - WINDOW_START) / 2;
            again.support_tickets = Some(cast(chance.skewed(25)));
        }
        again
    }

    fn customer(self, number: u64) -> Customer {
        let mut chance = Chance::of(self.seed, 1, number);
        let chance = &mut chance;
        let signed_up = if chance.hits(0.05) {
            chance.below(7)
        } else {
            7 + chance.skewed(1800)
        };
        let mut made = Customer {
            customer_id: name(number),
            email: (!chance.hits(0.02)).then(|| address(self.seed, number)),
            signup_date: (!chance.hits(0.01)).then(|| days_ago(signed_up)),
            last_activity_date: Some(days_ago(idle_days(chance))),
            subscription_tier: Some(chance.weighted(&TIERS)),
            lifetime_value: Some(cast(chance.skewed(900_000))),
            support_tickets: Some(cast(chance.skewed(25))),
            updated_at: WINDOW_START + cast(chance.below(7 * DAY.unsigned_abs())),
        };
        soil(&mut made, chance);
        made
    }
}

/// Missing and impossible values, and records of another week, as often as the fixtures have them.
fn soil(record: &mut Customer, chance: &mut Chance) {
    match chance.below(1000) {
        0..25 => record.lifetime_value = None,
        25..50 => record.support_tickets = None,
        50..75 => record.subscription_tier = None,
        75..95 => record.last_activity_date = None,
        95..105 => record.lifetime_value = record.lifetime_value.map(|value| -1 - value),
        105..112 => record.support_tickets = Some(-1),
        112..120 => record.last_activity_date = Some(RUN_DATE + 1 + days(chance.below(400))),
        120..123 => record.signup_date = Some(RUN_DATE + 1 + days(chance.below(30))),
        123..140 => record.updated_at = WINDOW_START - 1 - cast(chance.below(DAY.unsigned_abs())),
        140..145 => record.updated_at = AS_OF + cast(chance.below(DAY.unsigned_abs())),
        145..148 => record.subscription_tier = Some("  "),
        _ => {}
    }
}

fn idle_days(chance: &mut Chance) -> u64 {
    match chance.below(100) {
        0..60 => chance.below(7),
        60..87 => 7 + chance.below(24),
        _ => 31 + chance.below(170),
    }
}

/// What a customer is called.
pub fn name(number: u64) -> String {
    format!("CUS-{number:08}")
}

/// A customer's address.
pub fn address(seed: u64, number: u64) -> String {
    const FIRST: [&str; 8] = [
        "anna", "björn", "carla", "dmitri", "elif", "femi", "grace", "hugo",
    ];
    const DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];
    let mut chance = Chance::of(seed, 3, mixed(number));
    format!("{}.{number}@{}", chance.pick(&FIRST), chance.pick(&DOMAINS))
}

fn days_ago(count: u64) -> i32 {
    RUN_DATE - days(count)
}

fn days(count: u64) -> i32 {
    i32::try_from(count).expect("a number of days")
}

fn cast(number: u64) -> i64 {
    i64::try_from(number).expect("what is drawn here is small")
}
