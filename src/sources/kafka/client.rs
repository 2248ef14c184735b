//! The client library behind a few words of our own: the only file that names `rdkafka`.
//!
//! Apart so that the rest of the room can be read, and tested, without the ways of librdkafka: it
//! reconnects by itself, tells a fault by the dozen, and answers with codes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rdkafka::{
    ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::OAuthToken,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code},
    message::{BorrowedMessage, Headers},
    metadata::{Metadata, MetadataBroker, MetadataPartition, MetadataTopic},
    types::RDKafkaConfRes,
};

use super::{
    failure::{Reason, other_topics},
    heard::Heard,
    oauth::Login,
    offsets::Place,
    settings::{is_encrypted, settings},
};
use crate::{
    config::Kafka,
    error::{Error, Result},
};

/// How long the first try of a question may take; every further one may take as long as all before.
/// Between two tries it is seen whether the brokers refuse for good.
const FIRST_TRY: Duration = Duration::from_secs(1);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// What the library wants to say between two tries, at most.
const NOTES: usize = 100;

/// A consumer of one topic.
pub struct Client {
    consumer: BaseConsumer<Listener>,
    kafka: Arc<Kafka>,
}

/// What a poll gives.
pub enum Event<'a> {
    /// A message.
    Message(Message<'a>),
    /// This partition ends here; a topic in use may grow on.
    End(i32),
    /// Nothing new.
    Nothing,
}

/// A message, held in the library's memory.
pub struct Message<'a>(BorrowedMessage<'a>);

/// A header: its name, and its value unless that is null.
pub type Header<'a> = (&'a str, Option<&'a [u8]>);

impl Message<'_> {
    /// The partition that it stands in.
    pub fn partition(&self) -> i32 {
        self.0.partition()
    }

    /// Where it stands in its partition.
    pub fn offset(&self) -> i64 {
        self.0.offset()
    }

    /// When it was made or received, in milliseconds since 1970.
    pub fn timestamp(&self) -> Option<i64> {
        self.0.timestamp().to_millis()
    }

    /// Its key.
    pub fn key(&self) -> Option<&[u8]> {
        self.0.key()
    }

    /// Its headers, in order; `None` if a name is no UTF-8, at which the library panics.
    pub fn headers(&self) -> Option<Vec<Header<'_>>> {
        let Some(headers) = self.0.headers() else {
            return Some(vec![]);
        };
        let read = || headers.iter().map(|one| (one.key, one.value)).collect();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).ok()
    }

    /// Its bytes.
    pub fn payload(&self) -> Option<&[u8]> {
        self.0.payload()
    }
}

impl Client {
    /// One of `consumers` consumers of the topic of `kafka`. Connects in the background.
    pub fn new(kafka: Arc<Kafka>, consumers: usize) -> Result<Self> {
        let listener = Listener::new(&kafka)?;
        let logs_in = listener.login.is_some();
        let consumer = config(&kafka, consumers)?.create_with_context(listener);
        let consumer = consumer.map_err(|error| unusable(&kafka, &error))?;
        let client = Self { consumer, kafka };
        if logs_in {
            // The library asks for a token before it connects, and only who listens is asked.
            client.listen();
        }
        Ok(client)
    }

    /// Takes leave without waiting for it: a consumer that has read its range has nothing more to say, and saying
    /// goodbye takes longer than reading some thousand messages. An encrypted one is waited for, since OpenSSL must
    /// not be in use when the process ends.
    pub fn leave(self) {
        let is_encrypted = settings(&self.kafka, 1).is_ok_and(|settings| is_encrypted(&settings));
        if !is_encrypted {
            std::thread::spawn(move || drop(self));
        }
    }

    /// The addresses by which the brokers want to be reached.
    pub fn brokers(&self) -> Result<Vec<String>> {
        let topic = Some(&*self.kafka.topic);
        let asked = self.ask(|patience| self.consumer.fetch_metadata(topic, patience));
        let metadata = asked.map_err(|refusal| self.refused(&refusal))?;
        let address = |broker: &MetadataBroker| format!("{}:{}", broker.host(), broker.port());
        Ok(metadata.brokers().iter().map(address).collect())
    }

    /// The partitions of the topic.
    pub fn partitions(&self) -> Result<Vec<i32>> {
        let metadata = match self.metadata(Some(&self.kafka.topic)) {
            Ok(metadata) => metadata,
            Err(Refusal {
                reason: Reason::Absent,
                ..
            }) => return Err(self.absent()),
            Err(refusal) => return Err(self.refused(&refusal)),
        };
        let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
        let mut partitions: Vec<_> = partitions.map(MetadataPartition::id).collect();
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// The first offset of a partition, and the one behind its last.
    pub fn watermarks(&self, partition: i32) -> Result<(i64, i64)> {
        let asked = self.ask(|patience| {
            self.consumer
                .fetch_watermarks(&self.kafka.topic, partition, patience)
        });
        asked.map_err(|refusal| self.refused(&refusal))
    }

    /// The first offset of each partition whose message is of `time` or later, where there is one.
    pub fn first_at(&self, partitions: &[i32], time: DateTime<Utc>) -> Result<Vec<Option<i64>>> {
        let topic = &self.kafka.topic;
        let milliseconds = Offset::Offset(time.timestamp_millis().max(0));
        let asked = self.ask(|patience| {
            let mut times = TopicPartitionList::with_capacity(partitions.len());
            for partition in partitions {
                times.add_partition_offset(topic, *partition, milliseconds)?;
            }
            let offsets = self.consumer.offsets_for_times(times, patience)?;
            partitions
                .iter()
                .map(|partition| offset_in(&offsets, topic, *partition))
                .collect()
        });
        asked.map_err(|refusal| self.refused(&refusal))
    }

    /// The names of all topics but those of the brokers' own.
    pub fn topics(&self) -> Vec<String> {
        let Ok(metadata) = self.metadata(None) else {
            return vec![];
        };
        let topics = metadata.topics().iter().map(MetadataTopic::name);
        let topics = topics.filter(|name| !name.starts_with("__"));
        topics.map(str::to_owned).collect()
    }

    /// Begins to read at these places, and nowhere else.
    pub fn assign(&self, places: &[Place]) -> Result<()> {
        self.list(places)
            .and_then(|list| self.consumer.assign(&list))
            .map_err(|error| self.error(reason(&error), &error))
    }

    /// Commits `places` to the group, save where it is as far already.
    pub fn commit(&self, places: &[Place]) -> Result<()> {
        let topic = &self.kafka.topic;
        let asked = self.ask_for_group(|patience| {
            let list = self.list(places)?;
            let committed = self.consumer.committed_offsets(list, patience)?;
            let each = places.iter();
            each.map(|place| Ok((*place, committed_in(&committed, topic, place.0)?)))
                .collect::<KafkaResult<Vec<_>>>()
        });
        let committed = asked.map_err(|refusal| self.refused(&refusal))?;
        let further = committed.into_iter();
        let further =
            further.filter(|((_, offset), there)| there.is_none_or(|there| there < *offset));
        let further: Vec<_> = further.map(|(place, _)| place).collect();
        if further.is_empty() {
            return Ok(());
        }
        self.list(&further)
            .and_then(|list| self.consumer.commit(&list, CommitMode::Sync))
            .map_err(|error| self.error(reason_of_group(&error), &error))
    }

    fn list(&self, places: &[Place]) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (partition, offset) in places {
            list.add_partition_offset(&self.kafka.topic, *partition, Offset::Offset(*offset))?;
        }
        Ok(list)
    }

    /// The next event, waiting for it as long as `wait`.
    pub fn poll(&self, wait: Duration) -> Result<Event<'_>> {
        match self.consumer.poll(wait) {
            None => Ok(Event::Nothing),
            Some(Ok(message)) => Ok(Event::Message(Message(message))),
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Event::End(partition)),
            Some(Err(error)) => match reason(&error) {
                // The library tries again by itself.
                Reason::Unavailable => Ok(Event::Nothing),
                reason => Err(self.error(reason, &error)),
            },
        }
    }

    /// The offset after all that was delivered or skipped.
    pub fn position(&self, partition: i32) -> Option<i64> {
        let positions = self.consumer.position().ok()?;
        match positions
            .find_partition(&self.kafka.topic, partition)?
            .offset()
        {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    /// What the library said on the side, if it said something.
    pub fn heard(&self) -> Option<String> {
        self.consumer.context().notes().heard.all()
    }

    /// Asks until there is an answer, the brokers refuse for good, or the time is up.
    fn ask<T>(&self, question: impl Fn(Duration) -> KafkaResult<T>) -> Result<T, Refusal> {
        self.ask_as(question, reason)
    }

    /// The same of a question for which the group matters.
    fn ask_for_group<T>(
        &self,
        question: impl Fn(Duration) -> KafkaResult<T>,
    ) -> Result<T, Refusal> {
        self.ask_as(question, reason_of_group)
    }

    fn ask_as<T>(
        &self,
        question: impl Fn(Duration) -> KafkaResult<T>,
        reason: impl Fn(&KafkaError) -> Reason,
    ) -> Result<T, Refusal> {
        let begun = Instant::now();
        loop {
            let left = self.kafka.timeout.saturating_sub(begun.elapsed());
            let patience = begun.elapsed().max(FIRST_TRY).min(left);
            let error = match question(patience) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.listen();
            let reason = self
                .consumer
                .context()
                .notes()
                .final_reason
                .unwrap_or(reason(&error));
            if reason != Reason::Unavailable || begun.elapsed() >= self.kafka.timeout {
                return Err(Refusal { reason, error });
            }
        }
    }

    /// Lets the library say what it has to say, and waits a little. Drops messages that come.
    fn listen(&self) {
        for _ in 0..NOTES {
            if self.consumer.poll(PAUSE).is_none() {
                break;
            }
        }
    }

    fn metadata(&self, topic: Option<&str>) -> Result<Metadata, Refusal> {
        self.ask(|patience| {
            let metadata = self.consumer.fetch_metadata(topic, patience)?;
            match metadata.topics().iter().find_map(MetadataTopic::error) {
                Some(code) if topic.is_some() => Err(KafkaError::MetadataFetch(code.into())),
                _ => Ok(metadata),
            }
        })
    }

    /// The error for a topic that is absent, with the name that was meant.
    fn absent(&self) -> Error {
        let error = Reason::Absent.error(&self.kafka);
        match self.metadata(None) {
            Ok(_) => error.with_hint(other_topics(&self.kafka.topic, &self.topics())),
            Err(_) => error,
        }
    }

    fn refused(&self, refusal: &Refusal) -> Error {
        self.error(refusal.reason, &refusal.error)
    }

    /// What the library said tells more than the code of its answer.
    fn error(&self, reason: Reason, error: &KafkaError) -> Error {
        let redacted = || {
            self.consumer
                .context()
                .notes()
                .heard
                .redact(&error.to_string())
        };
        reason
            .error(&self.kafka)
            .because(self.heard().unwrap_or_else(redacted))
    }
}

/// The settings of the topic that have these names; that takes a permission of its own.
pub async fn topic_settings<const N: usize>(
    kafka: &Kafka,
    names: [&str; N],
) -> Result<[Option<String>; N]> {
    let failed = |error: &KafkaError| {
        let cause = Heard::new(&kafka.options).redact(&error.to_string());
        reason(error).error(kafka).because(cause)
    };
    let admin: AdminClient<Listener> = config(kafka, 1)?
        .create_with_context(Listener::new(kafka)?)
        .map_err(|error| unusable(kafka, &error))?;
    let options = AdminOptions::new().request_timeout(Some(kafka.timeout));
    let topic = ResourceSpecifier::Topic(&kafka.topic);
    let asked = admin.describe_configs([&topic], &options).await;
    let mut found = asked.map_err(|error| failed(&error))?;
    let Some(described) = found.pop() else {
        return Err(Reason::Other.error(kafka));
    };
    let described = described.map_err(|code| failed(&KafkaError::AdminOp(code)))?;
    Ok(names.map(|name| described.get(name)?.value.clone()))
}

fn config(kafka: &Kafka, consumers: usize) -> Result<ClientConfig> {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    for (name, value) in settings(kafka, consumers)? {
        config.set(name, value);
    }
    Ok(config)
}

/// A question without an answer.
struct Refusal {
    reason: Reason,
    error: KafkaError,
}

/// Takes what the library would print.
struct Listener {
    notes: Mutex<Notes>,
    login: Option<Login>,
}

struct Notes {
    heard: Heard,
    /// Why no further try can succeed, once that was said.
    final_reason: Option<Reason>,
}

impl Listener {
    fn new(kafka: &Kafka) -> Result<Self> {
        let notes = Notes {
            heard: Heard::new(&kafka.options),
            final_reason: None,
        };
        Ok(Self {
            notes: Mutex::new(notes),
            login: Login::of(kafka)?,
        })
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Listener {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(
        &self,
        _config: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let login = self
            .login
            .as_ref()
            .ok_or("no token was expected to be needed")?;
        let token = login.token().map_err(|error| {
            self.notes().final_reason = Some(Reason::Unauthenticated);
            error.to_string()
        })?;
        Ok(OAuthToken {
            token: token.text.expose().to_owned(),
            principal_name: login.principal().to_owned(),
            lifetime_ms: token.good_until.timestamp_millis(),
        })
    }

    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, text: &str) {
        self.notes().heard.hear(text);
    }

    fn error(&self, error: KafkaError, text: &str) {
        if error == KafkaError::Global(Code::PartitionEOF) {
            return;
        }
        let mut notes = self.notes();
        notes.heard.hear(text);
        if let reason @ (Reason::Unauthenticated | Reason::Unencrypted) = reason(&error) {
            notes.final_reason = Some(reason);
        }
    }
}

impl ConsumerContext for Listener {}

fn offset_in(
    offsets: &TopicPartitionList,
    topic: &str,
    partition: i32,
) -> KafkaResult<Option<i64>> {
    let absent = KafkaError::OffsetFetch(Code::UnknownPartition);
    let found = offsets.find_partition(topic, partition).ok_or(absent)?;
    found.error()?;
    match found.offset() {
        Offset::Offset(offset) => Ok(Some(offset)),
        // No message is so late. As an assignment, this would wait for new ones for ever.
        Offset::End => Ok(None),
        _ => Err(KafkaError::OffsetFetch(Code::NoOffset)),
    }
}

fn committed_in(
    committed: &TopicPartitionList,
    topic: &str,
    partition: i32,
) -> KafkaResult<Option<i64>> {
    let Some(found) = committed.find_partition(topic, partition) else {
        return Ok(None);
    };
    found.error()?;
    match found.offset() {
        Offset::Offset(offset) => Ok(Some(offset)),
        // The group has none.
        _ => Ok(None),
    }
}

/// Reading needs no group, so that its refusal is no obstacle there; committing does.
fn reason_of_group(error: &KafkaError) -> Reason {
    match error.rdkafka_error_code() {
        Some(Code::GroupAuthorizationFailed) => Reason::Forbidden,
        Some(Code::UnknownMemberId | Code::IllegalGeneration | Code::RebalanceInProgress) => {
            Reason::Taken
        }
        _ => reason(error),
    }
}

fn reason(error: &KafkaError) -> Reason {
    match (error, error.rdkafka_error_code()) {
        (_, Some(code)) => reason_of(code),
        // No topic has such a name.
        (KafkaError::Nul(_), None) => Reason::Absent,
        (_, None) => Reason::Other,
    }
}

fn reason_of(code: Code) -> Reason {
    match code {
        Code::AllBrokersDown
        | Code::BrokerNotAvailable
        | Code::BrokerTransportFailure
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::FencedLeaderEpoch
        // To a reader the group is but a name: it assigns, and never subscribes.
        | Code::GroupAuthorizationFailed
        | Code::KafkaStorageError
        | Code::LeaderNotAvailable
        | Code::NetworkException
        | Code::NotCoordinator
        | Code::NotLeaderForPartition
        | Code::OffsetNotAvailable
        | Code::OperationTimedOut
        | Code::PollExceeded
        | Code::ReplicaNotAvailable
        | Code::RequestTimedOut
        | Code::Resolve
        | Code::ThrottlingQuotaExceeded
        | Code::UnknownLeaderEpoch
        | Code::WaitingForCoordinator => Reason::Unavailable,
        Code::Authentication
        | Code::IllegalSASLState
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism => Reason::Unauthenticated,
        Code::SSL => Reason::Unencrypted,
        Code::ClusterAuthorizationFailed | Code::TopicAuthorizationFailed => Reason::Forbidden,
        Code::InvalidTopic
        | Code::UnknownPartition
        | Code::UnknownTopic
        | Code::UnknownTopicOrPartition => Reason::Absent,
        Code::AutoOffsetReset | Code::LogTruncation | Code::OffsetOutOfRange => Reason::Removed,
        _ => Reason::Other,
    }
}

/// The error of a consumer that cannot be made. The library quotes values, which may be secret.
fn unusable(kafka: &Kafka, error: &KafkaError) -> Error {
    let cause = match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
            format!("there is no option `{name}`")
        }
        KafkaError::ClientConfig(_, _, name, _) => format!("the value of `{name}` is not valid"),
        error => Heard::new(&kafka.options).redact(&error.to_string()),
    };
    Reason::Unusable.error(kafka).because(cause)
}
