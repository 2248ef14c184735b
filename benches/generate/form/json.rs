//! A customer and an event as the JSON in which APIs and topics deliver them.
//!
//! Written by hand, since every value is known to need no escaping: a billion events are made in minutes.

use std::io::{Result, Write};

use crate::{
    chance::Chance,
    customer::Customer,
    event::Event,
    week::{Date, Money, Stamp},
};

/// One customer.
pub fn customer(out: &mut impl Write, made: &Customer) -> Result<()> {
    write!(out, r#"{{"customer_id":"{}""#, made.customer_id)?;
    text(out, "email", made.email.as_deref())?;
    date(out, "signup_date", made.signup_date)?;
    date(out, "last_activity_date", made.last_activity_date)?;
    text(out, "subscription_tier", made.subscription_tier)?;
    if let Some(cents) = made.lifetime_value {
        write!(out, r#","lifetime_value":{}"#, Money(cents))?;
    }
    if let Some(tickets) = made.support_tickets {
        write!(out, r#","support_tickets":{tickets}"#)?;
    }
    write!(out, r#","updated_at":"{}"}}"#, Stamp(made.updated_at))
}

/// One event. Of ten thousand, two are cut off and one has no time: where that is, the seed decides.
pub fn event(out: &mut Vec<u8>, made: &Event, seed: u64, place: u64) -> Result<()> {
    let begin = out.len();
    let dirt = Chance::of(seed, 6, place).below(10_000);
    write!(
        out,
        r#"{{"event_id":"{}","customer_id":"{}","event_type":"{}""#,
        made.event_id(),
        made.customer_id(),
        made.event_type
    )?;
    if dirt != 0 {
        write!(out, r#","occurred_at":"{}""#, Stamp(made.occurred_at))?;
    }
    text(out, "email", made.email.as_deref())?;
    out.extend_from_slice(br#","properties":{"#);
    let inside = out.len();
    text(out, "feature", made.feature)?;
    if let Some(cents) = made.amount {
        write!(out, r#","amount":{}"#, Money(cents))?;
    }
    text(out, "currency", made.currency)?;
    text(out, "page", made.page)?;
    if out.len() > inside {
        // The comma before the first property.
        out.remove(inside);
    }
    out.extend_from_slice(b"}}");
    if dirt == 1 || dirt == 2 {
        out.truncate(begin + (out.len() - begin) / 2);
    }
    Ok(())
}

fn text(out: &mut impl Write, name: &str, value: Option<&str>) -> Result<()> {
    value.map_or(Ok(()), |value| write!(out, r#","{name}":"{value}""#))
}

fn date(out: &mut impl Write, name: &str, value: Option<i32>) -> Result<()> {
    value.map_or(Ok(()), |value| {
        write!(out, r#","{name}":"{}""#, Date(value))
    })
}
