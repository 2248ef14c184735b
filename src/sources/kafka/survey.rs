//! What a topic holds for a window, who can be reached of its brokers, and how long it keeps messages.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use tokio::{net::TcpStream, task::spawn_blocking, time::timeout};

use super::{
    client::{Client, Event, topic_settings},
    failure::Reason,
    format::Format,
    look_up,
    offsets::OffsetRange,
    window::{Asked, Found},
};
use crate::{
    config::Kafka,
    error::{Error, Result},
    sources::{Bounds, Survey, SurveyPart, Window},
};

/// The longest that a connection may take to come about; where it takes longer, reading is hopeless.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a poll waits.
const WAIT: Duration = Duration::from_millis(50);

/// Where a broker listens if its address does not say.
const PORT: &str = "9092";

/// What was found of a topic.
#[derive(Debug)]
pub struct Examined {
    /// The brokers that the configuration names and those that they name, and why one cannot be reached.
    pub brokers: Vec<(String, Option<String>)>,
    /// What it holds for the window, or why that is not known.
    pub survey: Result<Survey>,
    /// How long it keeps messages, or why that is not known.
    pub retention: Result<Retention>,
}

/// How long a topic keeps its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long at least; for ever if it is not said.
    pub time: Option<chrono::Duration>,
    /// Whether only the last message of each key is kept.
    pub is_compacted: bool,
}

/// Asks the brokers which offsets a run would read.
pub async fn survey(kafka: &Kafka, window: Window) -> Result<Survey> {
    let found = look_up(Arc::new(kafka.clone()), whole(window)).await?;
    Ok(sum(&found))
}

/// All of a window, as a run asks for it.
fn whole(window: Window) -> Asked {
    Asked {
        window,
        bounds: Bounds::default(),
        is_sample: false,
    }
}

fn sum(found: &Found) -> Survey {
    let part = |range: &OffsetRange| SurveyPart {
        name: range.read().part,
        first: Some(range.start),
        end: Some(range.end),
        bytes: None,
        is_cut: found.cut.contains(&range.partition),
    };
    Survey {
        records: Some(found.ranges.iter().map(OffsetRange::length).sum()),
        parts: found.ranges.iter().map(part).collect(),
        notes: [&found.gaps[..], &found.notes].concat(),
        ..Survey::default()
    }
}

/// Connects to every broker, and asks them for all else if one is there.
pub async fn examine(kafka: &Kafka, window: Window) -> Examined {
    let mut brokers = connect(kafka, named(&kafka.brokers)).await;
    if brokers.iter().all(|(_, refusal)| refusal.is_some()) {
        let nobody = Error::outside(format!("no broker of `{}` can be reached", kafka.brokers));
        return Examined {
            brokers,
            survey: Err(nobody.clone()),
            retention: Err(nobody),
        };
    }
    // Those that the first one names are asked for the messages, wherever the first one is.
    let further = spawn_blocking({
        let kafka = Arc::new(kafka.clone());
        move || Client::new(kafka, 1)?.brokers()
    });
    let (further, survey, retention) =
        tokio::join!(further, read_one(kafka, window), retention(kafka));
    let mut further = further.ok().and_then(Result::ok).unwrap_or_default();
    further.retain(|address| brokers.iter().all(|(known, _)| known != address));
    brokers.extend(connect(kafka, further).await);
    Examined {
        brokers,
        survey,
        retention,
    }
}

/// Looks up what a run would read, and reads a message of it: to see the offsets of a topic, to read it, and
/// to ask for its schemas are different permissions.
async fn read_one(kafka: &Kafka, window: Window) -> Result<Survey> {
    let kafka = Arc::new(kafka.clone());
    let found = look_up(Arc::clone(&kafka), whole(window)).await?;
    let survey = sum(&found);
    let mut ranges = found.ranges.into_iter();
    let Some(range) = ranges.find(|range| !range.is_empty()) else {
        return Ok(survey);
    };
    let format = Format::new(&kafka.format)?;
    let reading = spawn_blocking(move || wait_for_one(&kafka, range, &format));
    reading
        .await
        .map_err(|error| Error::bug("the reading of a message broke off").because(error))??;
    Ok(survey)
}

fn wait_for_one(kafka: &Arc<Kafka>, range: OffsetRange, format: &Format) -> Result<()> {
    let client = Client::new(Arc::clone(kafka), 1)?;
    client.assign(&[(range.partition, range.start)])?;
    let begun = Instant::now();
    while begun.elapsed() < kafka.timeout {
        match client.poll(WAIT)? {
            // What a range ends with may be no message.
            Event::End(_) => return Ok(()),
            Event::Message(message) => {
                return format.look(message.payload().unwrap_or_default());
            }
            Event::Nothing => {}
        }
    }
    Err(Reason::Unavailable.error(kafka))
}

/// The addresses of a list, without protocols and with ports.
fn named(brokers: &str) -> Vec<String> {
    let each = brokers
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty());
    let address = each.map(|text| {
        let address = text.split_once("://").map_or(text, |(_, address)| address);
        let name = address.rsplit_once(']').map_or(address, |(_, rest)| rest);
        if name.contains(':') {
            address.to_owned()
        } else {
            format!("{address}:{PORT}")
        }
    });
    address.collect()
}

async fn connect(kafka: &Kafka, addresses: Vec<String>) -> Vec<(String, Option<String>)> {
    let patience = CONNECT.min(kafka.timeout);
    let connecting = addresses.into_iter().map(|address| async move {
        let refusal = match timeout(patience, TcpStream::connect(&address)).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {patience:?}")),
        };
        (address, refusal)
    });
    join_all(connecting).await
}

/// How long the topic keeps its messages; that takes a permission of its own.
pub async fn retention(kafka: &Kafka) -> Result<Retention> {
    let [time, policy] = topic_settings(kafka, ["retention.ms", "cleanup.policy"]).await?;
    let policy = policy.unwrap_or_default();
    let time = time.and_then(|text| text.parse::<i64>().ok());
    let is_deleted = !policy.contains("compact") || policy.contains("delete");
    // Less than 0 is for ever.
    let time = time.filter(|time| is_deleted && *time >= 0);
    Ok(Retention {
        time: time.and_then(chrono::Duration::try_milliseconds),
        is_compacted: policy.contains("compact"),
    })
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn every_broker_of_a_list_has_an_address_to_connect_to() {
        let found = named("SASL_SSL://one:9093, two ,,[::1],[::1]:9094");
        assert_eq!(found, ["one:9093", "two:9092", "[::1]:9092", "[::1]:9094"]);
    }
}
